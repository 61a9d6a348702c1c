"""The code of a Markdown document, run from top to bottom in one namespace.

A ```python block is run. If a ```text block follows it, that is what it must print. After an
edit, ``python tests/docs/blocks.py docs/*.md README.md ARCHITECTURE.md`` writes anew what they
print; read the difference before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block: its language, its text, and where the text is in the document."""

    language: str
    text: str
    start: int
    stop: int


def blocks(document: str) -> list[Block]:
    """All fenced blocks in order."""
    return [
        Block(found[1], found[2], found.start(2), found.end(2))
        for found in FENCE.finditer(document)
    ]


def run(code: str, names: dict[str, Any], filename: str) -> str:
    """What a piece of code prints, trailing blanks left out."""
    # for whoever shows the line of code, as explain does
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), np.printoptions(legacy=False):
        exec(compile(code, filename, "exec"), names)
    return "".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines())


def outputs(document: str, names: dict[str, Any]) -> list[tuple[Block, str]]:
    """Each ```text block that follows a ```python block, and what the code printed."""
    found = []
    printed: str | None = None
    for block in blocks(document):
        if block.language == "python":
            printed = run(block.text, names, "example.py")
        elif block.language == "text" and printed is not None:
            found.append((block, printed))
            printed = None
        else:
            printed = None
    return found


def rewrite(path: Path) -> None:
    """Write what the code prints into the document."""
    document = path.read_text(encoding="utf-8")
    for block, printed in reversed(outputs(document, {"__name__": "example"})):
        document = document[: block.start] + printed + document[block.stop :]
    path.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name))
