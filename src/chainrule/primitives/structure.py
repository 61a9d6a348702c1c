"""Primitives that only move numbers: cast, reshape, transpose, broadcast, slice, pad, join."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Primitive
from ..graph.types import Type, is_inexact
from .declare import declared, linear, provide, spread, sum_to_shape
from .elementwise import where


def _cast_vjp(g: Any, _y: Any, x: Any, *, dtype: Any) -> list[Any]:
    if not (is_inexact(x.dtype) and is_inexact(dtype)):
        return [None]
    return [cast(g, dtype=x.dtype)]


def _cast_jvp(tangents: Sequence[Any], y: Any, x: Any, *, dtype: Any) -> Any:
    t = tangents[0]
    return None if t is None or not is_inexact(dtype) else cast(t, dtype=dtype)


def _cast_value(xp: Any, x: Any, *, dtype: Any) -> Any:
    x = xp.asarray(x)
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        x = x.real  # without NumPy's warning: whoever casts for a user warns
    return x.astype(dtype)


cast: Primitive = declared(
    "cast",
    _cast_value,
    lambda x, *, dtype: Type(x.shape, dtype),
    _cast_vjp,
    _cast_jvp,
    family="linear",
    batch=lambda size, batched, x, *, dtype: cast(x, dtype=dtype),
    doc="Another dtype. Linear between floating dtypes, flat otherwise; of a complex number that "
    "becomes a real one the real part.",
)

stop_gradient: Primitive = declared(
    "stop_gradient",
    lambda xp, x: x,
    lambda x: x,
    family="flat",
    batch=lambda size, batched, x: stop_gradient(x),
    doc="The value itself, with derivative zero.",
)
identity: Primitive = linear(
    "identity",
    lambda xp, x: x,
    lambda x: x,
    lambda g, x: g,
    batch=lambda size, batched, x: identity(x),
)


def _reshape_type(x: Type, *, shape: tuple[int, ...]) -> Type:
    if prod(x.shape) != prod(shape):
        raise ShapeError(at_user_line(f"cannot reshape an array of shape {x.shape} into {shape}"))
    return Type(shape, x.dtype)


reshape: Primitive = linear(
    "reshape",
    lambda xp, x, *, shape: xp.reshape(x, shape),
    _reshape_type,
    lambda g, x, *, shape: reshape(g, shape=x.shape),
    batch=lambda size, batched, x, *, shape: reshape(x, shape=(size, *shape)),
)
transpose: Primitive = linear(
    "transpose",
    lambda xp, x, *, axes: xp.transpose(x, axes),
    lambda x, *, axes: Type(tuple(x.shape[k] for k in axes), x.dtype),
    lambda g, x, *, axes: transpose(g, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__))),
    batch=lambda size, batched, x, *, axes: transpose(x, axes=(0, *behind(axes))),
)


def behind(axes: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of axes behind one more, the leading one of a batch."""
    return tuple(k + 1 for k in axes)


def axis_to_front(x: Any, axis: int) -> Any:
    """Move an axis before all others."""
    others = (k for k in range(len(x.shape)) if k != axis)
    return transpose(x, axes=(axis, *others)) if axis else x


def axis_from_front(x: Any, axis: int) -> Any:
    """Move the leading axis to the position `axis`."""
    order = [*range(1, axis + 1), 0, *range(axis + 1, len(x.shape))]
    return transpose(x, axes=tuple(order)) if axis else x


def _broadcast_batch(size: int, _batched: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    ones = (1,) * (len(shape) + 1 - len(x.shape))
    x = reshape(x, shape=(size, *ones, *x.shape[1:])) if ones else x
    return broadcast_to(x, shape=(size, *shape))


broadcast_to: Primitive = linear(
    "broadcast_to",
    lambda xp, x, *, shape: xp.broadcast_to(x, shape),
    lambda x, *, shape: Type(shape, x.dtype),
    lambda g, x, *, shape: sum_to_shape(g, x.shape),
    batch=_broadcast_batch,
)


def dropped_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for k, size in enumerate(shape) if k not in axes)


def with_ones(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return `shape` with the sizes of `axes` replaced by 1, as keepdims would have left it."""
    return tuple(1 if k in axes else size for k, size in enumerate(shape))


def _sum_dtype(dtype: np.dtype[Any]) -> Any:
    return np.sum(np.empty(0, dtype)).dtype


sum_: Primitive = linear(
    "sum",
    lambda xp, x, *, axes: xp.sum(x, axis=axes),
    lambda x, *, axes: Type(dropped_axes(x.shape, axes), _sum_dtype(x.dtype)),
    lambda g, x, *, axes: broadcast_to(reshape(g, shape=with_ones(x.shape, axes)), shape=x.shape),
    batch=lambda size, batched, x, *, axes: sum_(x, axes=behind(axes)),
    doc="Sum over `axes`, which disappear.",
)
provide(cast, broadcast_to, sum_, reshape, where)


def _slice_type(x: Type, *, index: tuple[slice, ...]) -> Type:
    lengths = [len(range(*s.indices(size))) for s, size in zip(index, x.shape, strict=True)]
    return Type(tuple(lengths), x.dtype)


def _unslice(g: Any, x: Any, *, index: tuple[slice, ...]) -> Any:
    return pad(g, shape=x.shape, index=index)


slice_: Primitive = linear(
    "slice",
    lambda xp, x, *, index: x[index],
    _slice_type,
    _unslice,
    batch=lambda size, batched, x, *, index: slice_(x, index=(slice(None), *index)),
    doc="Basic slicing, one slice an axis, any step.",
)


def _evaluate_pad(xp: Any, x: Any, *, shape: tuple[int, ...], index: tuple[slice, ...]) -> Any:
    zeros = xp.zeros(shape, x.dtype)
    if hasattr(zeros, "at"):  # a namespace whose arrays never change
        return zeros.at[index].set(x)
    zeros[index] = x
    return zeros


pad: Primitive = linear(
    "pad",
    _evaluate_pad,
    lambda x, *, shape, index: Type(shape, x.dtype),
    lambda g, x, *, shape, index: slice_(g, index=index),
    batch=lambda size, batched, x, *, shape, index: pad(
        x, shape=(size, *shape), index=(slice(0, size), *index)
    ),
    doc="Zeros of `shape` with x at a basic slice: the transpose of slice, and padding.",
)


def _concatenate_type(*types: Type, axis: int) -> Type:
    first = types[0]
    for other in types[1:]:
        if dropped_axes(other.shape, (axis,)) != dropped_axes(first.shape, (axis,)):
            raise ShapeError(
                at_user_line(
                    f"concatenate: shapes {first.shape} and {other.shape} differ outside "
                    f"axis {axis}"
                )
            )
    shape = list(first.shape)
    shape[axis] = sum(t.shape[axis] for t in types)
    return Type(tuple(shape), np.result_type(*[t.dtype for t in types]))


def _concatenate_vjp(g: Any, _y: Any, *xs: Any, axis: int) -> list[Any]:
    result: list[Any] = []
    start = 0
    for x in xs:
        stop = start + x.shape[axis]
        index = [slice(None)] * len(g.shape)
        index[axis] = slice(start, stop)
        if is_inexact(x.dtype):
            piece = slice_(g, index=tuple(index))
            result.append(piece if piece.dtype == x.dtype else cast(piece, dtype=x.dtype))
        else:
            result.append(None)
        start = stop
    return result


def _concatenate_jvp(tangents: Sequence[Any], y: Any, *xs: Any, axis: int) -> Any:
    if all(t is None for t in tangents):
        return None
    filled = [zeros_like(x, y.dtype) if t is None else t for t, x in zip(tangents, xs, strict=True)]
    return concatenate(*filled, axis=axis)


concatenate: Primitive = declared(
    "concatenate",
    lambda xp, *xs, axis: xp.concatenate(xs, axis=axis),
    _concatenate_type,
    _concatenate_vjp,
    _concatenate_jvp,
    family="linear",
    batch=lambda size, batched, *xs, axis: concatenate(*spread(size, batched, xs), axis=axis + 1),
)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return zeros of x's shape as one broadcast number: a graph holds no array of zeros."""
    zero = (np.dtype(dtype) if dtype is not None else x.dtype).type(0)
    return np.broadcast_to(zero, x.shape)
