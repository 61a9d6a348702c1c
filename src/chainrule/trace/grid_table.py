"""Grids and index tricks on tracers: meshgrid, ix_, r_, c_, indices that follow from a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from .complex_readiness import takes_complex
from .copy_table import astype
from .function_rules import implements
from .interception import intercepts
from .join_table import joined
from .nested import nested
from .operands import is_weak
from .plain_numbers import carries_derivative, concrete_value
from .tracer import FUNCTIONS, ArrayTracer, ScalarTracer, Tracer
from .tracing import tracing


def as_whole_array(x: Any) -> Any:
    """Return an array for what stands in place of one: a number is a 0-d one then."""
    x = nested(x)
    if isinstance(x, Tracer):
        return x if isinstance(x, ArrayTracer) else ArrayTracer(x.node)
    return np.asarray(x)


@implements(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(at_user_line(f"np.meshgrid: indexing={indexing!r} is neither xy nor ij"))
    n = len(xi)
    axes = list(range(n))
    if indexing == "xy" and n > 1:
        axes[:2] = [1, 0]
    grids = [
        np.reshape(as_whole_array(x), (1,) * k + (-1,) + (1,) * (n - k - 1))
        for x, k in zip(xi, axes, strict=True)
    ]
    if not sparse:
        grids = list(np.broadcast_arrays(*grids))
    return tuple(x.copy() for x in grids) if copy else tuple(grids)


@implements(np.ix_)
def _ix(*args: Any) -> tuple[Any, ...]:
    index = []
    for k, argument in enumerate(args):
        x = as_whole_array(argument)
        if x.ndim != 1:
            raise ValueError(at_user_line("np.ix_: each argument has one dimension"))
        if x.dtype.kind == "b":
            known = concrete_value(x.node, "np.ix_") if isinstance(x, Tracer) else x
            (x,) = np.nonzero(known)
        elif not x.size and not isinstance(argument, (Tracer, np.ndarray)):
            x = x.astype(np.intp)
        index.append(np.reshape(x, (1,) * k + (-1,) + (1,) * (len(args) - k - 1)))
    return tuple(index)


def _indices_of(function: Any) -> Any:
    def rule(arr: Any, k: int = 0) -> Any:
        if arr.ndim != 2:
            raise ValueError(at_user_line(f"np.{function.__name__}: the array has two axes"))
        return function(arr.shape[-2], k=k, m=arr.shape[-1])

    return rule


implements(np.tril_indices_from)(_indices_of(np.tril_indices))
implements(np.triu_indices_from)(_indices_of(np.triu_indices))


@implements(np.diag_indices_from)
def _diag_indices_from(arr: Any) -> Any:
    if arr.ndim < 2 or len(set(arr.shape)) != 1:
        raise ValueError(at_user_line("np.diag_indices_from: an array of two or more equal axes"))
    return np.diag_indices(arr.shape[0], arr.ndim)


# np.r_ and np.c_


@intercepts("numpy.lib._index_tricks_impl", "AxisConcatenator.__getitem__")
def _concatenated(self: Any, key: Any) -> Any:
    """Implement `np.r_[...]` and `np.c_[...]`."""
    entries = key if isinstance(key, tuple) else (key,)
    axis, ndmin, trans1d = self.axis, self.ndmin, self.trans1d
    arrays: list[Any] = []
    kinds: list[Any] = []
    for k, entry in enumerate(entries):
        if isinstance(entry, str):
            if k:
                raise ValueError(at_user_line("np.r_: a text stands in front of all else"))
            axis, ndmin, trans1d = _directive(entry, axis, ndmin, trans1d)
            continue
        if isinstance(entry, slice):
            array = np.atleast_1d(_range_of(entry))
            if ndmin > 1:
                array = array.reshape((1,) * (ndmin - 1) + array.shape)
                array = array.swapaxes(-1, trans1d) if trans1d != -1 else array
        else:
            array = as_whole_array(entry)
            array = _with_axes(array, ndmin, trans1d)
        arrays.append(array)
        number = isinstance(entry, ScalarTracer) or not isinstance(entry, (Tracer, np.ndarray))
        weak = number and is_weak(entry)
        kinds.append(_number_of_kind(array.dtype) if weak else array.dtype)
    dtype = np.result_type(*kinds)
    return joined([_cast_to(x, dtype) for x in arrays], axis)


def _number_of_kind(dtype: Any) -> Any:
    return {"f": 1.0, "c": 1j, "b": True}.get(dtype.kind, 1)


def _cast_to(x: Any, dtype: Any) -> Any:
    if x.dtype == dtype:
        return x
    return astype(x, dtype) if isinstance(x, Tracer) else x.astype(dtype)


def _directive(text: str, axis: int, ndmin: int, trans1d: int) -> tuple[int, int, int]:
    """Return what a text in front says: the axis, least number of axes, where one axis goes."""
    parts = text.split(",")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        raise UnsupportedError(
            at_user_line(f"np.r_[{text!r}, ...], which gives a matrix, or is no directive")
        ) from None
    return (*numbers, *(axis, ndmin, trans1d)[len(numbers) :])[:3]  # type: ignore[return-value]


def _range_of(part: slice) -> Any:
    start = 0 if part.start is None else part.start
    step = 1 if part.step is None else part.step
    if isinstance(step, complex):
        return np.linspace(start, part.stop, num=int(abs(step)))
    return np.arange(start, part.stop, step)


def _with_axes(x: Any, ndmin: int, trans1d: int) -> Any:
    """Add axes of size 1 in front, and bring the array's own to where `trans1d` says."""
    n = np.ndim(x)
    if n >= ndmin:
        return x
    x = np.reshape(x, (1,) * (ndmin - n) + np.shape(x))
    if trans1d == -1 or not n:
        return x
    last = ndmin - n
    first = trans1d + last + 1 if trans1d < 0 else trans1d
    order = [*range(first), *range(last, ndmin), *range(first, last)]
    return np.transpose(x, order)


# What follows from the dtype or the shape alone


@implements(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, Tracer) else from_, to, casting)


@implements(np.min_scalar_type)
def _min_scalar_type(a: Any, /) -> Any:
    return a.dtype if a.ndim else np.min_scalar_type(concrete_value(a.node, "np.min_scalar_type"))


def _text(function: Any) -> Any:
    def write(a: Any, *args: Any, **kwargs: Any) -> Any:
        text = function(concrete_value(a.node, f"np.{function.__name__}"), *args, **kwargs)
        if carries_derivative(a.node):
            tracing.formatted.append(a)  # it may be read back
        return text

    return write


for _function in (np.array_repr, np.array_str, np.array2string):
    FUNCTIONS[_function] = _text(_function)


takes_complex(
    np.meshgrid, np.ix_, np.can_cast, np.array_repr, np.array_str, np.array2string,
    np.tril_indices_from, np.triu_indices_from, np.diag_indices_from,
)  # fmt: skip
