"""The notebook's code cells, read out of its text and run as they are."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).with_name("own_case.py")
NAME = "backpropagation-notebook.txt"


class Ran(NamedTuple):
    """What the cells defined, and what they printed."""

    names: dict[str, Any]
    printed: str


def notebook_text() -> str:
    """The notebook, or a skip that says where it was looked for."""
    folders = [ROOT.parent / "shared"]
    if "CHAINRULE_DATA" in os.environ:
        folders.append(Path(os.environ["CHAINRULE_DATA"]).parent)
    for folder in folders:
        if (folder / NAME).exists():
            return (folder / NAME).read_text(encoding="utf-8")
    pytest.skip(f"{NAME} is in none of {', '.join(map(str, folders))}: only our own case runs")


def cells(text: str) -> list[str]:
    """The code after each ``In [n]:``: the longest run of lines that is Python."""
    found = []
    for part in re.split(r"^In \[\d+\]:$", text, flags=re.MULTILINE)[1:]:
        lines = part.strip("\n").split("\n")
        for stop in range(len(lines), 0, -1):
            code = "\n".join(lines[:stop])
            if is_python(code):
                found.append(code)
                break
    return found


def is_python(code: str) -> bool:
    """Whether it parses."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def run(codes: list[str], origin: str) -> Ran:
    """Run cells one after another in one fresh namespace."""
    names: dict[str, Any] = {"__name__": "notebook"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for k, code in enumerate(codes, 1):
            exec(compile(code, f"{origin}-cell-{k}.py", "exec"), names)
    return Ran(names, printed.getvalue())
