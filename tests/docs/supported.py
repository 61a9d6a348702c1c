"""The lists of docs/numpy.md, from the tables of the tracer.

``python tests/docs/supported.py`` writes them into the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

import numpy as np

import chainrule.trace  # noqa: F401 (fills the tables)
from chainrule.trace.tracer import FUNCTIONS, METHODS, UFUNC_METHODS, UFUNCS

DOCUMENT = Path(__file__).parents[2] / "docs" / "numpy.md"
BEGIN = "<!-- begin: written by tests/docs/supported.py -->\n"
END = "<!-- end -->\n"


def listed(title: str, names: Iterable[str]) -> str:
    """A heading and a paragraph of names."""
    shown = ", ".join(f"`{name}`" for name in sorted(set(names)))
    return f"## {title}\n\n{fill(shown, 100, break_long_words=False, break_on_hyphens=False)}\n"


def lists() -> str:
    """What stands between the two marks."""
    of_numpy = {name for name in UFUNCS if isinstance(getattr(np, name, None), np.ufunc)}
    functions = {f"{f.__module__}.{f.__name__}".removeprefix("numpy.") for f in FUNCTIONS}
    methods = [name for name in METHODS if not name.startswith("__")]
    parts = [
        listed("`np.` elementwise functions and products", of_numpy),
        listed("`np.` functions", functions),
        listed("`scipy.special.` functions", UFUNCS.keys() - of_numpy - functions),
        listed("Methods of ufuncs", (".".join(pair) for pair in UFUNC_METHODS)),
        listed("Methods of arrays", methods),
    ]
    return "\n" + "\n".join(parts) + "\n"


def document() -> str:
    """The whole document with the lists as they should be."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    return head + BEGIN + lists() + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
