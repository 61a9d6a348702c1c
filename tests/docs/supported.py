"""The lists of docs/numpy.md, from the tables of the tracer.

``python tests/docs/supported.py`` writes them into the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from chainrule.scipy_rules import MODULES
from chainrule.trace.interception import rules
from chainrule.trace.patches import patches
from chainrule.trace.tracer import FUNCTIONS, METHODS, UFUNC_METHODS, UFUNCS

DOCUMENT = Path(__file__).parents[2] / "docs" / "numpy.md"
BEGIN = "<!-- begin: written by tests/docs/supported.py -->\n"
END = "<!-- end -->\n"


def listed(title: str, names: Iterable[str]) -> str:
    """A heading and a paragraph of names."""
    shown = ", ".join(f"`{name}`" for name in sorted(set(names)))
    return f"## {title}\n\n{fill(shown, 100, break_long_words=False, break_on_hyphens=False)}\n"


def is_public(module: str, name: str) -> bool:
    """Whether users call it by this name."""
    return not any(
        part.startswith("_") and part[-2:] != "__" for part in f"{module}.{name}".split(".")
    )


def refuses(rule: Any) -> bool:
    """Whether a rule is there for its message."""
    name = f"{rule.__module__}.{rule.__qualname__}"
    return "refus" in name or rule.__name__ in ("_as_strided", "_basis")


def lists() -> str:
    """What stands between the two marks."""
    for module in ("numpy.fft", "numpy.polynomial", *(f"scipy.{name}" for name in MODULES)):
        import_module(module)
    patches.load_rules()
    of_numpy = {name for name in UFUNCS if isinstance(getattr(np, name, None), np.ufunc)}
    functions = {f"{f.__module__}.{f.__name__}".removeprefix("numpy.") for f in FUNCTIONS}
    entered = [key for key, rule in rules().items() if is_public(*key) and not refuses(rule)]
    functions |= {name for module, name in entered if module == "numpy" and "." not in name}
    modules = sorted({module for module, _ in entered} - {"numpy", "scipy.special"})
    special = {name for module, name in entered if module == "scipy.special"}
    methods = [name for name in METHODS if not name.startswith("__")]
    parts = [
        listed("`np.` elementwise functions and products", of_numpy),
        listed("`np.` functions", functions),
        listed("`scipy.special.` functions", (UFUNCS.keys() | special) - of_numpy - functions),
        listed("Methods of ufuncs", (".".join(pair) for pair in UFUNC_METHODS)),
        listed("Methods of arrays", methods),
        *[listed(f"`{m}.` functions", (n for o, n in entered if o == m)) for m in modules],
    ]
    return "\n" + "\n".join(parts) + "\n"


def document() -> str:
    """The whole document with the lists as they should be."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    return head + BEGIN + lists() + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
