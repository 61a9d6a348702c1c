"""Methods of ufuncs on tracers: reduce, accumulate, reduceat, outer and at, for each with a rule.

Functions that are associative are folded in halves, others entry after entry, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, constant
from ..primitives.indexing import gather, scatter, scatter_add
from ..primitives.structure import broadcast_to, concatenate, reshape, slice_
from .edit_table import plain_positions, taken_along
from .elementwise_table import truth
from .function_rules import (
    NO_VALUE,
    is_option,
    masked_for,
    normalize_axes,
    normalize_axis,
    with_keepdims,
)
from .function_table import logsumexp
from .index import add_at, fitted
from .operands import node_of
from .tracer import FUNCTIONS, HOOKS, METHODS, UFUNC_METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype
from .views import ReadOnlyError

_ASSOCIATIVE = {
    "maximum", "minimum", "fmax", "fmin", "logaddexp", "logaddexp2", "hypot", "bitwise_and",
    "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor", "gcd", "lcm",
}  # fmt: skip
_COMPARING = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
_LONGEST_FOLD = 1000  # operations, each of which is a node


def _method(ufunc: Any, method: str) -> Any:
    """Return the rule of a method that has none of its own, or None."""
    name = ufunc.__name__
    if name not in UFUNCS or ufunc.signature is not None or ufunc.nout != 1:
        return None
    if method == "at":
        return partial(_at, ufunc)
    if ufunc.nin != 2:
        raise ValueError(at_user_line(f"np.{name}.{method}: for functions of two arguments only"))
    if method != "outer" and name in _COMPARING:
        return None
    if method in ("reduce", "reduceat") and name in ("power", "arctan2"):
        raise UnsupportedError(
            at_user_line(
                f"np.{name}.{method}: on processors with AVX512 NumPy 2.4 leaves out all entries "
                "between the first and the last; write a loop"
            )
        )
    return partial(_METHODS[method], ufunc)


def _outer_of(ufunc: Any, a: Any, b: Any, **options: Any) -> Any:
    # which makes arrays of Python numbers first, so that these do not take the other's dtype
    x, y = [node_of(x if isinstance(x, Tracer) else np.asarray(x)) for x in (a, b)]
    left = reshape(x, shape=x.shape + (1,) * len(y.shape))
    return UFUNCS[ufunc.__name__](traced(left), traced(y), **options)


# Along an axis


def _cut(x: Node, axis: int, start: int, stop: int) -> Node:
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(start, stop)
    return slice_(x, index=tuple(index))  # type: ignore[no-any-return]


def _apply(ufunc: Any, x: Node, y: Node) -> Node:
    return node_of(UFUNCS[ufunc.__name__](traced(x), traced(y)))


def _operand(ufunc: Any, method: str, a: Any, dtype: Any) -> Node:
    """Return the array in the dtype that NumPy's loop computes in."""
    x = node_of(a)
    wanted = _loop_dtype(ufunc, method, x.dtype, None if dtype is None else np.dtype(dtype))
    return truth(x) if wanted.kind == "b" else as_dtype(x, wanted)


@lru_cache(maxsize=1024)
def _loop_dtype(ufunc: Any, method: str, dtype: Any, asked: Any) -> np.dtype[Any]:
    more = ([0],) if method == "reduceat" else ()
    try:
        with np.errstate(all="ignore"):
            probe = getattr(ufunc, method)(np.ones(2, dtype), *more, dtype=asked)
    except TypeError as error:
        raise TypeError(at_user_line(f"np.{ufunc.__name__}.{method}: {error}")) from None
    return probe.dtype  # type: ignore[no-any-return]


def _check_length(ufunc: Any, method: str, count: int) -> None:
    if count > _LONGEST_FOLD:
        raise UnsupportedError(
            at_user_line(
                f"np.{ufunc.__name__}.{method} of {count} entries, one after the other: use "
                "chainrule.scan"
            )
        )


def _folded(ufunc: Any, x: Node, axis: int) -> Node:
    """Return one entry along an axis, with the axis."""
    size = x.shape[axis]
    if ufunc.__name__ in _ASSOCIATIVE:
        while size > 1:
            half = size // 2
            y = _apply(ufunc, _cut(x, axis, 0, half), _cut(x, axis, half, 2 * half))
            x = concatenate(y, _cut(x, axis, size - 1, size), axis=axis) if size % 2 else y
            size = x.shape[axis]
        return x
    _check_length(ufunc, "reduce", size)
    y = _cut(x, axis, 0, 1)
    for k in range(1, size):
        y = _apply(ufunc, y, _cut(x, axis, k, k + 1))
    return y


def _reduce(ufunc: Any, a: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False,
            initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Any:  # fmt: skip
    name, x = ufunc.__name__, _operand(ufunc, "reduce", a, dtype)
    axes = normalize_axes(x, axis, scalar=True)
    if name not in _ASSOCIATIVE and len(axes) > 1:
        raise ValueError(
            at_user_line(f"np.{name}.reduce: its order matters, so one axis at a time")
        )
    neutral = ufunc.identity if initial is NO_VALUE else initial
    if where is not NO_VALUE and where is not True:
        if ufunc.identity is None or name not in _ASSOCIATIVE:
            raise UnsupportedError(at_user_line(f"np.{name}.reduce(where=...)"))
        x = masked_for(x, where, ufunc.identity)
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    empty = any(x.shape[k] == 0 for k in axes)
    if empty and not is_option(neutral):
        raise ValueError(at_user_line(f"np.{name}.reduce of no entries, which has no value"))
    y = x
    if empty:
        y = broadcast_to(as_dtype(node_of(neutral, x.dtype), x.dtype), shape=shape)
    elif not axes:
        y = (
            _apply(ufunc, as_dtype(node_of(initial, x.dtype), x.dtype), x)
            if is_option(initial)
            else x
        )
    else:
        if is_option(initial):  # comes first: the order may matter
            k = axes[0]
            first = as_dtype(node_of(initial, x.dtype), x.dtype)
            y = concatenate(
                broadcast_to(first, shape=tuple(1 if j == k else n for j, n in enumerate(x.shape))),
                x,
                axis=k,
            )
        for k in axes:
            y = _folded(ufunc, y, k)
    y = reshape(y, shape=tuple(n for k, n in enumerate(x.shape) if k not in axes))
    return with_keepdims(y, x, axes, keepdims)


def _logaddexp_reduce(a: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False,
                      initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Any:  # fmt: skip
    x = _operand(np.logaddexp, "reduce", a, dtype)
    if not x.shape or 0 in x.shape:
        return _reduce(np.logaddexp, a, axis, dtype, keepdims, initial, where)
    whole = traced(masked_for(x, where, -np.inf))
    y = logsumexp(whole, axis, bool(keepdims) and keepdims is not NO_VALUE)
    return UFUNCS["logaddexp"](y, initial) if is_option(initial) else y


def _method_along_first(name: str, method: str, accepted: set[str]) -> Callable[..., Any]:
    """Make a reduction with the axis 0 of an array's method, which takes the options `accepted`."""
    ufunc, rule = getattr(np, name), METHODS[method]

    def reduce(a: Any, axis: Any = 0, **options: Any) -> Any:
        if not options.keys() - accepted:
            return rule(a, axis, **options)
        if name.startswith("logical_"):
            return _reduce(ufunc, a, axis, **options)
        x = _operand(ufunc, "reduce", a, options.pop("dtype", None))
        return rule(traced(x), axis, **options)

    return reduce


def _single_axis(axis: Any, n: int) -> int:
    if not n:
        raise TypeError(at_user_line("accumulate of a number"))
    axes = tuple(range(n)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) != 1:
        raise ValueError(at_user_line(f"accumulate takes one axis, not {axis}"))
    return normalize_axis(axes[0], n)


def _accumulate(ufunc: Any, a: Any, axis: Any = 0, dtype: Any = None) -> Any:
    x = _operand(ufunc, "accumulate", a, dtype)
    k = _single_axis(axis, len(x.shape))
    size = x.shape[k]
    if ufunc.__name__ in _ASSOCIATIVE:
        step = 1
        while step < size:  # each entry covers twice as many, which overlap with none
            later = _apply(ufunc, _cut(x, k, 0, size - step), _cut(x, k, step, size))
            x = concatenate(_cut(x, k, 0, step), later, axis=k)
            step *= 2
        return traced(x)
    _check_length(ufunc, "accumulate", size)
    parts = [_cut(x, k, 0, 1)] if size else []
    for j in range(1, size):
        parts.append(_apply(ufunc, parts[-1], _cut(x, k, j, j + 1)))
    return traced(concatenate(*parts, axis=k)) if len(parts) > 1 else traced(x)


def _running(function: Any) -> Callable[..., Any]:
    def rule(a: Any, axis: Any = 0, dtype: Any = None) -> Any:
        return FUNCTIONS[function](a, _single_axis(axis, np.ndim(a)), dtype)

    return rule


# Segments of an axis


def _segments(indices: Any, size: int, name: str) -> tuple[Any, Any]:
    """Return where each segment starts and ends; one that does not rise has a single entry."""
    starts = np.asarray(plain_positions(indices, f"np.{name}.reduceat"))
    if starts.dtype.kind not in "iu" and starts.size:
        raise TypeError(at_user_line(f"np.{name}.reduceat: indices of dtype {starts.dtype}"))
    if starts.ndim != 1:
        raise ValueError(at_user_line(f"np.{name}.reduceat: indices have one dimension"))
    starts = starts.astype(np.intp)
    wrong = starts[(starts < 0) | (starts >= size)]
    if wrong.size:
        raise IndexError(
            at_user_line(f"np.{name}.reduceat: index {wrong[0]} for an axis of {size} entries")
        )
    following = np.append(starts[1:], size)
    return starts, np.where(starts < following, following, starts + 1)


def _reduceat(ufunc: Any, a: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Any:
    x = _operand(ufunc, "reduceat", a, dtype)
    k = normalize_axis(axis, len(x.shape))
    starts, stops = _segments(indices, x.shape[k], ufunc.__name__)
    if ufunc is np.add:
        return ArrayTracer(_sums_of_segments(x, starts, stops, k))
    reduce = UFUNC_METHODS.get((ufunc.__name__, "reduce"), partial(_reduce, ufunc))
    lengths = stops - starts
    if not lengths.size:
        return ArrayTracer(_cut(x, k, 0, 0))
    if np.all(lengths == lengths[0]):
        positions = starts[:, None] + np.arange(lengths[0])
        return reduce(ArrayTracer(taken_along(x, positions, k)), k + 1)
    _check_length(ufunc, "reduceat", len(starts))
    parts = [
        node_of(reduce(ArrayTracer(_cut(x, k, int(start), int(stop))), k, keepdims=True))
        for start, stop in zip(starts, stops, strict=True)
    ]
    return ArrayTracer(concatenate(*parts, axis=k))


def _sums_of_segments(x: Node, starts: Any, stops: Any, axis: int) -> Node:
    """Add each entry to the sum of its segment; segments may overlap."""
    lengths = stops - starts
    owners = np.repeat(np.arange(len(starts)), lengths)
    offsets = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entries = taken_along(x, np.repeat(starts, lengths) + offsets, axis)
    dtype = np.add.reduceat(np.ones(1, x.dtype), [0]).dtype
    shape = (*x.shape[:axis], len(starts), *x.shape[axis + 1 :])
    pattern: list[Any] = [slice(None)] * len(x.shape)
    pattern[axis] = 0
    zeros = constant(np.broadcast_to(dtype.type(0), shape))
    return scatter_add(zeros, as_dtype(entries, dtype), owners, pattern=tuple(pattern))  # type: ignore[no-any-return]


# Entries that an index selects, also more than once


def _at(ufunc: Any, a: Any, indices: Any, b: Any = NO_VALUE) -> None:
    name = ufunc.__name__
    if not isinstance(a, ArrayTracer):
        raise UnsupportedError(
            at_user_line(f"np.{name}.at into a plain array: make it with np.zeros_like(traced)")
        )
    if (b is NO_VALUE) != (ufunc.nin == 1):
        raise ValueError(at_user_line(f"np.{name}.at: {ufunc.nin - 1} operands are needed"))
    if name == "subtract" and a.dtype.kind != "b":
        add_at(a, indices, UFUNCS["negative"](traced(node_of(b, a.dtype))))
        return
    positions = _selected_positions(a, indices, name)
    rounds = _repetitions(positions.ravel())
    flat = reshape(a.node, shape=(a.size,))
    operand = node_of(b, a.dtype) if ufunc.nin == 2 else None
    if operand is not None:
        if len(operand.shape) > positions.ndim:
            raise ValueError(at_user_line(f"np.{name}.at: operand of shape {operand.shape}"))
        operand = fitted(operand, operand.dtype, positions.shape)
        operand = reshape(operand, shape=(positions.size,))
    for number in range(int(rounds.max(initial=-1)) + 1):
        _check_length(ufunc, "at", number)
        chosen = np.flatnonzero(rounds == number)
        where = positions.ravel()[chosen]
        before = traced(gather(flat, where, pattern=(0,)))
        operands = [] if operand is None else [traced(gather(operand, chosen, pattern=(0,)))]
        after = node_of(UFUNCS[name](before, *operands))
        if not np.can_cast(after.dtype, a.dtype, "same_kind"):
            raise UnsupportedError(
                at_user_line(f"np.{name}.at: {after.dtype} would be cut to {a.dtype}")
            )
        flat = scatter(flat, as_dtype(after, a.dtype), where, pattern=(0,))
    try:
        a.rebind(reshape(flat, shape=a.shape))
    except ReadOnlyError as error:  # NumPy 2.4 writes here, whatever the flag says
        raise UnsupportedError(str(error)) from None


def _selected_positions(a: ArrayTracer, indices: Any, name: str) -> Any:
    """Return the numbers of the entries that an index selects."""
    entries = indices if isinstance(indices, tuple) else (indices,)
    known = tuple(plain_positions(entry, f"np.{name}.at") for entry in entries)
    return np.arange(a.size).reshape(a.shape)[known]


def _repetitions(positions: Any) -> Any:
    """Return how often each position came before."""
    order = np.argsort(positions, kind="stable")
    ordered = positions[order]
    first = np.searchsorted(ordered, ordered)
    numbers = np.empty(len(positions), np.intp)
    numbers[order] = np.arange(len(positions)) - first
    return numbers


_METHODS: dict[str, Callable[..., Any]] = {
    "outer": _outer_of, "reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat,
}  # fmt: skip
_USUAL = {"keepdims", "where"}
for _name, _array_method, _options in (
    ("add", "sum", {"initial", "dtype"}), ("multiply", "prod", {"initial", "dtype"}),
    ("maximum", "max", {"initial"}), ("minimum", "min", {"initial"}),
    ("logical_and", "all", set[str]()), ("logical_or", "any", set[str]()),
):  # fmt: skip
    UFUNC_METHODS[_name, "reduce"] = _method_along_first(_name, _array_method, _USUAL | _options)
UFUNC_METHODS["logaddexp", "reduce"] = _logaddexp_reduce
UFUNC_METHODS["add", "accumulate"] = _running(np.cumsum)
UFUNC_METHODS["multiply", "accumulate"] = _running(np.cumprod)
HOOKS["ufunc_method"] = _method
