"""A form: a call of a function with drawn arguments, as text or borrowed from another test."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import vocabulary
from drawn import DRAWS


@dataclass(frozen=True, eq=False)
class Form:
    """A function as it is called.

    Attributes
    ----------
    module, function : str
        Of the row that it belongs to.
    text : str
        How it is written, or what is said about it.
    call : callable
    arguments : tuple
        Of fixed ones; empty where they are drawn.
    drawn : tuple of str
        Letters of `DRAWS`.
    rtol : float
        How far values may be off, relatively.
    slope : float
        The same for derivatives.
    step : float
        Of differences: wide where values are those of an iteration.
    """

    module: str
    function: str
    text: str
    call: Callable[..., Any] = field(repr=False)
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    drawn: tuple[str, ...] = ()
    rtol: float = 1e-11
    slope: float = 2e-6
    step: float = 2e-4

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.module}: {self.function}: {self.text}"

    def draw(self, seed: int) -> tuple[Any, ...]:
        """The arguments: the same for a seed, and others for another one."""
        if not self.drawn:
            return self.arguments
        rng = np.random.default_rng([seed, zlib.crc32(self.key.encode())])
        return tuple(DRAWS[name](rng) for name in self.drawn)


def free_names(text: str) -> tuple[str, ...]:
    """The letters of a form that stand for arguments, in their order."""
    root = ast.parse(text, mode="eval")
    bound = {node.arg for node in ast.walk(root) if isinstance(node, ast.arg)}
    used = [node.id for node in ast.walk(root) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(name for name in used if name in DRAWS and name not in bound))


def written(module: str, table: dict[str, str], **options: Any) -> list[Form]:
    """The forms of a table: lines of calls, by the name of the function that they belong to."""
    forms = []
    for function, lines in table.items():
        for text in filter(None, map(str.strip, lines.splitlines())):
            names = free_names(text)
            call = eval(f"lambda {', '.join(names)}: {text}", vars(vocabulary))
            forms.append(Form(module, function, text, call, drawn=names, **options))
    return forms


def with_names(module: str, template: str, names: Iterable[str], **options: Any) -> list[Form]:
    """The same form of several functions, whose name stands for `*` in `.*(`."""
    table = {name: template.replace(".*(", f".{name}(") for name in names}
    return written(module, table, **options)


def borrowed(
    module: str, table: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]], owner: Any,
    titles: dict[str, str], **options: Any,
) -> list[Form]:  # fmt: skip
    """The calls of another test's table; each title has the name of the function in front."""
    forms = []
    for title, (call, arguments) in table.items():
        words = title.replace(",", "").split()
        public = [word for word in words if hasattr(owner, word)]
        function = titles.get(words[0]) or public[0]
        forms.append(Form(module, function, title, call, arguments, **options))
    return forms
