"""`plain.dot(traced)`: methods of plain arrays, which ask a traced argument for its numbers.

No protocol tells us of them, and they can not be exchanged. So functions that call such a method
are compiled anew from their source when they are first called in a trace, with ``plain.dot(x)`` as
``(caller @ plain).dot(x)``; a copy of a plain array becomes one that traced numbers can be written
into. A function without source stays as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from ..errors import refusals
from .constructor_table import as_buffer
from .nested import array_of, is_traced
from .patches import Namespace, patches, with_code
from .rewriting import marked, recompiled
from .tracer import HOOKS

_NAMES = frozenset({"choose", "clip", "compress", "copy", "dot", "searchsorted"})


class _Methods:
    """The methods of a plain array for arguments that may be traced."""

    __slots__ = ("plain",)

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if is_traced((args, kwargs)):
                return getattr(array_of(self.plain), name)(*args, **kwargs)
            result = getattr(self.plain, name)(*args, **kwargs)
            return as_buffer(result) if name == "copy" else result

        return call


class _Caller:
    """Takes the mark's seat in rewritten code: ``caller @ a`` for an object with such a method."""

    def __matmul__(self, x: Any) -> Any:
        return _Methods(x) if type(x) is np.ndarray else x


class _Calls(ast.NodeTransformer):
    """Marks the objects whose methods are called."""

    mark = "chainrule: here a method of an array is called"
    seated = _Caller()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _NAMES:
            node.func.value = marked(node.func.value, self.mark)
        return node


@lru_cache(maxsize=4096)
def _calls_methods(code: CodeType) -> bool:
    """Return whether a function, or one within it, uses a name of such a method."""
    inner = [x for x in code.co_consts if isinstance(x, CodeType)]
    return not _NAMES.isdisjoint(code.co_names) or any(map(_calls_methods, inner))


def seeing_methods(function: Any) -> Any:
    """Return a function that does the same and sees methods of plain arrays, if it calls any."""
    if type(function) is not FunctionType or not _calls_methods(function.__code__):
        return function
    code = recompiled(function.__code__, _Calls)
    return function if code is None else with_code(function, code)


def _seeing_hook(function: FunctionType) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    same = with_code(function, function.__code__)
    seeing: list[Any] = []  # compiled at the first call

    def hook(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not refusals.depth:
            return same(*args, **kwargs)
        if not seeing:
            seeing.append(seeing_methods(same))
        return seeing[0](*args, **kwargs)

    return hook


def _functions(namespace: Namespace) -> Iterator[FunctionType]:
    """Yield the functions that a module defines, and those of its classes."""
    name = namespace.get("__name__")
    for x in list(namespace.values()):
        if isinstance(x, type) and x.__module__ == name:
            for member in list(vars(x).values()):
                member = getattr(member, "fget", getattr(member, "__func__", member))
                if type(member) is FunctionType and member.__globals__ is namespace:
                    yield member
        elif type(x) is FunctionType and x.__globals__ is namespace:
            yield x


def exchange_methods(namespace: Namespace) -> None:
    """Have the functions of a module see methods of plain arrays while they are traced."""
    for function in _functions(namespace):
        if function not in patches.seeing and _calls_methods(function.__code__):
            patches.seeing.add(function)
            patches.add_code(function, _seeing_hook(function))


HOOKS["exchange_methods"] = exchange_methods
HOOKS["seeing_methods"] = seeing_methods
