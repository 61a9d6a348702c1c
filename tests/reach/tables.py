"""What docs/numpy.md says of each form: written from proofs, and read again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np
import scipy
from forms import Form
from proving import NONE, REFUSED, RIGHT, WRONG, Cells, Proof
from public import is_counted

HEAD = """
| function | called as | value | vjp | jvp | second | jit | code | why not |
|---|---|---|---|---|---|---|---|---|
"""
COUNTS = """
| module | functions with a derivative | of them here | some forms refused | no derivative |
|---|---|---|---|---|
"""
FORM = re.compile(r"`([^`]+)`|“([^”]+)”")
Key = tuple[str, str, str]


def versions() -> str:
    """The libraries whose functions these are."""
    return f"NumPy {_minor(np.__version__)} and SciPy {_minor(scipy.__version__)}"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def written(proofs: Mapping[Form, Proof]) -> tuple[str, str]:
    """The counts, and a table for each module."""
    cells = {key_of(form): proof.cells for form, proof in proofs.items()}
    parts = [""]
    modules = list(dict.fromkeys(form.module for form in proofs))
    ordered = sorted(
        proofs, key=lambda f: (modules.index(f.module), f.function.lower(), f.function)
    )
    for module, of_module in groupby(ordered, lambda form: form.module):
        rows = "".join(
            row for _, forms in groupby(of_module, lambda form: form.function)
            for row in _rows(list(forms), proofs)
        )  # fmt: skip
        parts.append(f"## `{module}`\n{HEAD}{rows}")
    return f"\nWith {versions()}:\n{counts(cells)}\n", "\n".join(parts)


def key_of(form: Form) -> Key:
    return form.module, form.function, form.text


def _rows(forms: list[Form], proofs: Mapping[Form, Proof]) -> Iterable[str]:
    """One row for all forms with the same cells and reasons."""
    by_cells: dict[tuple[Cells, str], list[str]] = {}
    for form in forms:
        cells, reason = proofs[form]
        mark = "`{}`" if form.drawn else "“{}”"
        by_cells.setdefault((cells, _short(reason)), []).append(mark.format(form.text))
    for (cells, reason), texts in by_cells.items():
        listed = ", ".join(texts)
        yield f"| `{forms[0].function}` | {listed} | {' | '.join(cells)} | {reason} |\n"


def _short(reason: str) -> str:
    """A reason without what is of the draw alone."""
    if "asked" in reason and "would be lost" in reason:
        return "no rule: it asks a traced number for a plain one"
    reason = re.sub(r" of an array of shape \(.*?\), but under jit.*", " under jit", reason)
    return reason.replace("|", "/")


def read(document: str) -> dict[Key, Proof]:
    """The cells of each form and the reason, from the text of the document."""
    proofs: dict[Key, Proof] = {}
    module = ""
    for line in document.splitlines():
        if line.startswith("## "):
            module = line[3:].strip("`")
        columns = line.split(" | ")
        if len(columns) == 9 and columns[0].startswith("| `"):
            function = columns[0][3:-1]
            for code, title in FORM.findall(columns[1]):
                reason = columns[8].removesuffix("|").strip()
                proofs[module, function, code or title] = Proof(Cells(*columns[2:8]), reason)
    return proofs


def counts(cells: Mapping[Key, Cells]) -> str:
    """How many functions of each module have derivatives, of those that could."""
    by_module: dict[str, dict[str, list[Cells]]] = {}
    for (module, function, _), of_form in cells.items():
        if is_counted(module, function):
            by_module.setdefault(module, {}).setdefault(function, []).append(of_form)
    lines = []
    for module, functions in by_module.items():
        smooth = [f for f in functions.values() if any(c.vjp not in (NONE,) for c in f)]
        right = [f for f in smooth if any(c.vjp == RIGHT for c in f)]
        part = [f for f in right if any(REFUSED in c[:4] or WRONG in c for c in f)]
        share = f"{len(right)} ({100 * len(right) / max(1, len(smooth)):.1f} %)"
        flat = len(functions) - len(smooth)
        lines.append(f"| `{module}` | {len(smooth)} | {share} | {len(part)} | {flat} |\n")
    return COUNTS + "".join(lines)
