"""Reductions that are not linear, scans along an axis, and sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Primitive
from ..graph.types import Type, is_inexact
from .declare import declared, linear
from .elementwise import bitwise_or, equal, invert, neg, not_equal, where
from .indexing import gather
from .structure import (
    behind,
    broadcast_to,
    concatenate,
    dropped_axes,
    reshape,
    slice_,
    sum_,
    transpose,
    with_ones,
)


def _max_type(x: Type, *, axes: tuple[int, ...]) -> Type:
    if any(x.shape[k] == 0 for k in axes):
        raise ShapeError(
            at_user_line(f"an array of shape {x.shape} has no maximum or minimum: an axis is empty")
        )
    return Type(dropped_axes(x.shape, axes), x.dtype)


def _maxima(y: Any, x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return which entries are the largest, and how many they are, in the shape of `y`."""
    expanded = reshape(y, shape=with_ones(x.shape, axes))
    chosen = bitwise_or(equal(x, expanded), not_equal(x, x))
    return chosen, sum_(where(chosen, x.dtype.type(1), x.dtype.type(0)), axes=axes)


def _max_vjp(g: Any, y: Any, x: Any, *, axes: tuple[int, ...]) -> list[Any]:
    if not is_inexact(x.dtype):
        return [None]
    chosen, count = _maxima(y, x, axes)
    share = reshape(g / count, shape=with_ones(x.shape, axes))
    return [where(chosen, share, x.dtype.type(0))]


def _max_jvp(tangents: Sequence[Any], y: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    t = tangents[0]
    if t is None:
        return None
    chosen, count = _maxima(y, x, axes)
    return sum_(where(chosen, t, x.dtype.type(0)), axes=axes) / count


max_: Primitive = declared(
    "max",
    lambda xp, x, *, axes: xp.max(x, axis=axes),
    _max_type,
    _max_vjp,
    _max_jvp,
    family="reduction",
    batch=lambda size, batched, x, *, axes: max_(x, axes=behind(axes)),
    doc="Maximum over axes; a nan is passed on; ties share the derivative equally.",
)


def order_reversed(x: Any) -> Any:
    """Return an array whose order is the reverse: -x, or ~x of integers (-x may overflow)."""
    return neg(x) if is_inexact(x.dtype) else invert(x)


def min_(x: Any, *, axes: tuple[int, ...]) -> Any:
    """Compute the minimum over axes; ties share the derivative equally."""
    return order_reversed(max_(order_reversed(x), axes=axes))


def _products_of_others(x: Any, axis: int) -> Any:
    """Return the product of all but one along an axis, without a division (x may hold zeros)."""
    ones = np.ones((), x.dtype)
    edge = broadcast_to(ones, shape=with_ones(x.shape, (axis,)))
    size = x.shape[axis]
    if size == 0:
        return x
    before = cumprod(concatenate(edge, _slice_axis(x, axis, 0, size - 1), axis=axis), axis=axis)
    after = cumprod(
        concatenate(edge, _flip(_slice_axis(x, axis, 1, size), axis), axis=axis), axis=axis
    )
    return before * _flip(after, axis)


def _slice_axis(x: Any, axis: int, start: int, stop: int) -> Any:
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(start, stop)
    return slice_(x, index=tuple(index))


def _flip(x: Any, axis: int) -> Any:
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(None, None, -1)
    return slice_(x, index=tuple(index))


def _prod_vjp(g: Any, _y: Any, x: Any, *, axis: int) -> list[Any]:
    if not is_inexact(x.dtype):
        return [None]
    expanded = reshape(g, shape=with_ones(x.shape, (axis,)))
    return [expanded * _products_of_others(x, axis)]


def _prod_jvp(tangents: Sequence[Any], _y: Any, x: Any, *, axis: int) -> Any:
    t = tangents[0]
    return None if t is None else sum_(t * _products_of_others(x, axis), axes=(axis,))


prod: Primitive = declared(
    "prod",
    lambda xp, x, *, axis: xp.prod(x, axis=axis),
    lambda x, *, axis: Type(dropped_axes(x.shape, (axis,)), np.prod(np.empty(0, x.dtype)).dtype),
    _prod_vjp,
    _prod_jvp,
    family="reduction",
    batch=lambda size, batched, x, *, axis: prod(x, axis=axis + 1),
    doc="Product over one axis; the derivative is right with any number of zeros.",
)

cumsum: Primitive = linear(
    "cumsum",
    lambda xp, x, *, axis: xp.cumsum(x, axis=axis),
    lambda x, *, axis: Type(x.shape, np.cumsum(np.empty(0, x.dtype)).dtype),
    lambda g, x, *, axis: _flip(cumsum(_flip(g, axis), axis=axis), axis),
    batch=lambda size, batched, x, *, axis: cumsum(x, axis=axis + 1),
    doc="Running sum along an axis.",
)


def _cumprod_jvp(tangents: Sequence[Any], _y: Any, x: Any, *, axis: int) -> Any:
    """Compute d y_k = sum over j <= k of t_j times the product of the other x_i, i <= k."""
    t = tangents[0]
    if t is None:
        return None
    return sum_(_cumprod_terms(x, axis) * _axis_to_end(t, axis), axes=(len(x.shape),))


def _cumprod_vjp(g: Any, _y: Any, x: Any, *, axis: int) -> list[Any]:
    if not is_inexact(x.dtype):
        return [None]
    terms = _cumprod_terms(x, axis)
    summed = sum_(terms * reshape(g, shape=(*g.shape, 1)), axes=(axis,))
    return [_end_to_axis(summed, axis)]


def _cumprod_terms(x: Any, axis: int) -> Any:
    """Return terms[..., k, ..., j]: the product of x_i over i <= k, i != j, and 0 for j > k.

    Quadratic in the axis' size, and right with any number of zeros.
    """
    n = x.shape[axis]
    along = with_ones(x.shape, tuple(k for k in range(len(x.shape)) if k != axis))
    row = np.arange(n).reshape(*along, 1)
    column = np.arange(n)
    same = broadcast_to(row == column, shape=(*x.shape, n))
    spread = broadcast_to(reshape(x, shape=(*x.shape, 1)), shape=(*x.shape, n))
    product = cumprod(where(same, x.dtype.type(1), spread), axis=axis)
    return where(broadcast_to(row >= column, shape=(*x.shape, n)), product, x.dtype.type(0))


def _axis_to_end(t: Any, axis: int) -> Any:
    """Move an axis of t to a new last one, and leave size 1 where it was."""
    order = [k for k in range(len(t.shape)) if k != axis] + [axis]
    transposed = transpose(t, axes=tuple(order))
    shape = (*transposed.shape[:axis], 1, *transposed.shape[axis:])
    return reshape(transposed, shape=shape)


def _end_to_axis(t: Any, axis: int) -> Any:
    """Move the last axis back to `axis`."""
    n = len(t.shape)
    order = [*range(axis), n - 1, *range(axis, n - 1)]
    return transpose(t, axes=tuple(order))


cumprod: Primitive = declared(
    "cumprod",
    lambda xp, x, *, axis: xp.cumprod(x, axis=axis),
    lambda x, *, axis: Type(x.shape, np.cumprod(np.empty(0, x.dtype)).dtype),
    _cumprod_vjp,
    _cumprod_jvp,
    family="reduction",
    batch=lambda size, batched, x, *, axis: cumprod(x, axis=axis + 1),
    doc="Running product along an axis.",
)


argmax: Primitive = declared(
    "argmax",
    lambda xp, x, *, axis: xp.argmax(x, axis=axis),
    lambda x, *, axis: Type(_max_type(x, axes=(axis,)).shape, np.dtype(np.intp)),
    family="flat",
    batch=lambda size, batched, x, *, axis: argmax(x, axis=axis + 1),
    doc="Where the first maximum along an axis is: an integer, without derivative.",
)


def argmin(x: Any, *, axis: int) -> Any:
    """Return where the first minimum along an axis is."""
    return argmax(order_reversed(x), axis=axis)


argsort: Primitive = declared(
    "argsort",
    lambda xp, x, *, axis: xp.argsort(x, axis=axis, kind="stable"),
    lambda x, *, axis: Type(x.shape, np.dtype(np.intp)),
    family="flat",
    batch=lambda size, batched, x, *, axis: argsort(x, axis=axis + 1),
    doc="The stable order along an axis: sort is a gather by it.",
)


def take_along(x: Any, order: Any, axis: int) -> Any:
    """Return x with its entries along an axis in the given order (`np.take_along_axis`)."""
    pattern: list[int] = []
    arrays: list[Any] = []
    for k, size in enumerate(x.shape):
        pattern.append(k)
        if k == axis:
            arrays.append(order)
        else:
            ones = with_ones(order.shape, tuple(j for j in range(len(x.shape)) if j != k))
            arrays.append(np.arange(size).reshape(ones))
    return gather(x, *arrays, pattern=tuple(pattern))
