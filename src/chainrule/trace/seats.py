"""What takes a mark's seat in code that is compiled anew: ``seat @ x`` for what is used next.

It gives `x` itself, or what does the same and sees traced numbers: a plain array that a traced
number indexes, a function of plain numbers that is called, a plain array beside a list.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import BuiltinFunctionType, MethodType
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from .constructor_table import as_buffer
from .nested import array_of, is_traced, nested, tracers_in
from .number_conversions import CONVERSIONS
from .patches import patches
from .tracer import HOOKS, ArrayTracer, Tracer
from .views import View

# a[b]


class _Indexed:
    """An object that is about to be indexed: as an array of the trace if the index is traced."""

    __slots__ = ("plain",)

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def __getitem__(self, index: Any) -> Any:
        plain = self.plain
        if isinstance(index, Tracer):
            if type(plain) is not np.ndarray and index.weak and index.dtype.kind == "b":
                index = int(bool(index))
            else:
                index = HOOKS["index_where_caught"](index)
        if all(x.node.value is not None for x in tracers_in(index)):
            entries = plain[index]
            return _new(entries, plain) if type(plain) is np.ndarray else entries
        entries = array_of(plain)[index]
        is_copy = type(plain) is np.ndarray and any(map(np.ndim, _entries_of(index)))
        return entries if is_copy or not entries.shape else _ReadOnly(entries)


def _entries_of(index: Any) -> list[Any]:
    parts = index if isinstance(index, tuple) else (index,)
    return [x for x in parts if not isinstance(x, slice) and x is not None and x is not Ellipsis]


class _ReadOnly(View):
    """A part of what is plain, at an index that is not known: a write into it would be lost."""

    __slots__ = ()

    def __init__(self, entries: ArrayTracer) -> None:
        super().__init__(entries, lambda node: node, None)

    def _write(self, node: Node) -> None:
        raise UnsupportedError(
            at_user_line(
                "a write into a part of a list, or of an array from outside, at an index that is "
                "not known: write out[i, j] = a into one array, made in the traced function "
                "(out = np.copy(plain), np.array(rows))"
            )
        )


class Reader:
    """``reader @ a`` for what is to be indexed."""

    def __matmul__(self, container: Any) -> Any:
        kind = type(container)
        if kind is np.ndarray or ((kind is list or kind is tuple) and _is_numeric(container)):
            return _Indexed(container)
        return container


def _is_numeric(sequence: Any) -> bool:
    """Return whether a list or tuple can be read as an array: of numbers, arrays, or such lists."""
    return len(sequence) > 0 and all(
        isinstance(x, (float, int, np.ndarray, np.generic, Tracer))
        or (type(x) in (list, tuple) and _is_numeric(x))
        for x in sequence
    )


# f(x)

READING_METHODS = frozenset(
    {"choose", "clip", "compress", "copy", "dot", "repeat", "searchsorted", "take"}
)  # of plain arrays, with arguments that may be traced; none writes into the array


def _seeing_method(plain: Any, name: str) -> Callable[..., Any]:
    """Return the method of a plain array for arguments that may be traced."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_traced((args, kwargs)):
            return getattr(array_of(plain), name)(*args, **kwargs)
        result = getattr(plain, name)(*args, **kwargs)
        return as_buffer(result) if name == "copy" else result

    return call


def _new(result: Any, *sources: Any) -> Any:
    """Return a result as an array of the trace, which can be written, if its memory is new."""
    return HOOKS["if_written"](result, sources, None) if type(result) is np.ndarray else result


def _making_arrays(function: Any, *owner: Any) -> Callable[..., Any]:
    """Return what gives new arrays, which may be written into with what is traced."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return _new(function(*args, **kwargs), *owner, *args, *kwargs.values())

    return call


def _of_arrays(function: Any) -> Callable[..., Any]:
    """Return a ufunc, or a method of one, that reads lists with traced numbers in them."""
    making = _making_arrays(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        return making(*map(nested, args), **kwargs)

    return call


_NUMPY_FUNCTION = type(np.dot)


def _max_or_min(function: Any) -> Callable[..., Any]:
    """Return Python's `max` or `min`, which also choose between numbers that are not known."""

    def call(*args: Any, **kwargs: Any) -> Any:
        entries = list(args[0]) if len(args) == 1 else args  # once, of an iterator
        if kwargs or all(x.node.value is not None for x in tracers_in(entries)):
            return function(entries, **kwargs)
        result = entries[0]
        for x in entries[1:]:  # the first of equal ones, and of what is not comparable
            result = np.where(x > result if function is max else x < result, x, result)[()]
        return result

    return call


class Caller:
    """``caller @ f`` for a function that is to be called, wherever it came from."""

    def __matmul__(self, function: Any) -> Any:
        kind = type(function)
        if kind is type:
            return self._map if function is map else CONVERSIONS.get(function, function)
        if kind is np.ufunc:
            return _of_arrays(function)
        if kind is BuiltinFunctionType:
            if function is max or function is min:
                return _max_or_min(function)
            owner = function.__self__
            if type(owner) is np.ndarray:
                is_reading = function.__name__ in READING_METHODS
                if is_reading:
                    return _seeing_method(owner, function.__name__)
                return _making_arrays(function, owner)
            if function is abs:
                return _making_arrays(function)
            if type(owner) is np.ufunc:
                return _of_arrays(function)
        if kind is MethodType and function.__func__ is Tracer.__array__:
            return lambda dtype=None, copy=None: array_of(function.__self__, dtype)
        seeing = patches.instead.get(id(function), function)
        original = patches.originals.get(id(seeing), function)
        return _making_arrays(seeing) if type(original) is _NUMPY_FUNCTION else seeing

    def _map(self, function: Any, *iterables: Any) -> Any:
        return map(self @ function, *iterables)


# a * b


class _Operand:
    """A plain array, or a list with traced numbers, to the left of an operator."""

    __slots__ = ("plain",)

    def __init__(self, plain: Any) -> None:
        self.plain = plain


def _operation(name: str) -> Callable[..., Any]:
    function = getattr(operator, name)

    def apply(operand: _Operand, other: Any) -> Any:
        plain = operand.plain
        if isinstance(plain, (list, tuple)):  # beside an array only it is one
            plain = array_of(plain) if isinstance(other, (np.ndarray, np.generic)) else plain
        elif isinstance(other, (list, tuple)) and is_traced(other):
            other = array_of(other)
        result = function(plain, other)
        return as_buffer(result) if type(result) is np.ndarray else result

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_",
              "xor", "lshift", "rshift", "lt", "le", "eq", "ne", "gt", "ge"):  # fmt: skip
    setattr(_Operand, f"__{_name.strip('_')}__", _operation(_name))


def _unary(name: str) -> Callable[[_Operand], Any]:
    function = getattr(operator, name)
    return lambda operand: _new(function(operand.plain))


for _name in ("neg", "invert"):
    setattr(_Operand, f"__{_name}__", _unary(_name))


class LeftOperand:
    """``left @ a`` for what is to the left of an operator."""

    def __matmul__(self, x: Any) -> Any:
        kind = type(x)
        if kind is np.ndarray or issubclass(kind, np.generic):
            return _Operand(x)
        return _Operand(x) if (kind is list or kind is tuple) and is_traced(x) else x
