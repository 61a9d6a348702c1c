"""Whether a function is still the one that was traced: by what it reads beside its arguments.

A function that reads only its arguments, numbers, NumPy and other such functions is traced once.
Of any other, such as one that closes over an array, the graph is traced at each call of a solver,
and what was compiled for an equal graph is used again.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..trace.tracer import Tracer
from ..transforms.compiling.jit import JitFunction

_MODULES = {"scipy.special", "numpy.linalg", "numpy.fft"}
# Names, also of attributes, of what may give something else at the next call
_CHANGING = {"random", "globals", "locals", "eval", "exec", "open", "input", "vars", "next",
             "setattr", "print", "time", "__import__", "pure_callback", "io_callback"}  # fmt: skip
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None))
_DEPTH = 4  # of functions that call functions


def fingerprint(function: Any) -> Hashable | None:
    """Return what decides the function's graph, or None where that cannot be told.

    A function under `jit` stands for itself: whoever wrote that said that it does not change.
    """
    if isinstance(function, JitFunction):
        return function
    return _fingerprint(function, _DEPTH)


def _fingerprint(function: Any, depth: int) -> Hashable | None:
    if type(function) is not FunctionType or not depth or function.__dict__:
        return None
    code = function.__code__
    read = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
    try:
        read += [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a name that is not bound yet
        return None
    names, known = _names(code), function.__globals__
    if not names.isdisjoint(_CHANGING):
        return None
    parts: list[Hashable] = [code]
    for value in (*read, *[known[name] for name in sorted(names) if name in known]):
        part = _part(value, depth)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _names(code: CodeType) -> set[str]:
    """Return all names that code reads: globals, and attributes, which are a few too many."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _part(value: Any, depth: int) -> Hashable | None:
    """Return what tells a value from another one; None if it may change and stay the same."""
    if isinstance(value, Tracer):
        return None
    if type(value) in _CONSTANTS:
        return type(value), repr(value)
    if isinstance(value, tuple):
        parts = tuple([_part(x, depth) for x in value])
        return None if None in parts else parts
    if isinstance(value, ModuleType):
        fixed = value is np or value is math or value.__name__ in _MODULES
        return value.__name__ if fixed else None
    if isinstance(value, np.ufunc) or getattr(np, getattr(value, "__name__", ""), None) is value:
        return id(value)  # NumPy's own, which live as long as the process
    if isinstance(value, JitFunction):
        return value
    return _fingerprint(value, depth - 1)
