"""NumPy's functions on tracers that move, cut, repeat and pad numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..primitives.structure import broadcast_to, identity, reshape
from .copy_table import copied, filled
from .function_rules import (
    Rule,
    as_int,
    flat_or_axis,
    implements,
    normalize_axes,
    normalize_axis,
    refuse_options,
)
from .index import diagonal
from .join_table import joined
from .operands import node_of
from .positions import within
from .strides import c_order, set_strides
from .tracer import FUNCTIONS, METHODS, UFUNCS, ArrayTracer, ScalarTracer, Tracer, traced
from .views import Reshaped, axes_by_stride, memory_order, permuted, reshaped, resized, view


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: Any = None) -> Tracer:
    old, size = np.shape(a), int(np.size(a))
    lengths = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = tuple(as_int(size, "shape") for size in lengths)
    if -1 in sizes:
        rest = int(np.prod([s for s in sizes if s != -1]))
        if sizes.count(-1) > 1 or rest == 0 or size % rest:
            raise ShapeError(at_user_line(f"cannot reshape an array of shape {old} into {sizes}"))
        sizes = tuple(size // rest if s == -1 else s for s in sizes)
    if memory_order(a, order, "CFA") == "C":
        result = reshaped(a.copy() if copy else a, sizes)
        base = result
    else:
        base = reshaped(_reversed(a.copy() if copy else a), sizes[::-1])
        result = _reversed(base)
    if copy is False and isinstance(base, Reshaped) and not base.decide_view():
        raise ValueError(at_user_line("reshape(copy=False) of an array that has to be copied"))
    return result


def _reversed(a: Any) -> Tracer:
    """Return a view with the axes in reverse order."""
    return permuted(a, tuple(range(np.ndim(a)))[::-1])


def _reshape_method(a: Tracer, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    if not shape:
        raise TypeError(at_user_line("reshape takes a shape"))
    lengths = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return _reshape(a, lengths, order, copy=copy)


METHODS["reshape"] = _reshape_method


@implements(np.ravel, method="ravel")
def _ravel(a: Any, order: str = "C") -> Any:
    order = memory_order(a, order, "CFAK")
    if order == "K":
        a = permuted(a, axes_by_stride(a))
    elif order == "F":
        a = _reversed(a)
    return reshaped(a, (int(np.size(a)),), raveled=True)


METHODS["flatten"] = lambda a, order="C": ArrayTracer(
    identity(_ravel(ArrayTracer(a.node), order).node)
)
METHODS["squeeze"] = lambda a, axis=None: _squeeze(a, axis)


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Tracer:
    n = np.ndim(a)
    order = tuple(range(n))[::-1] if axes is None else tuple(normalize_axis(k, n) for k in axes)
    if sorted(order) != list(range(n)):
        raise ValueError(at_user_line(f"axes {axes} are no order of the {n} axes"))
    return permuted(a, order)


def _transpose_method(a: Tracer, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        return _transpose(a, axes[0])
    return _transpose(a, axes or None)


METHODS["transpose"] = _transpose_method


@implements(np.swapaxes, method="swapaxes")
def _swapaxes(a: Any, axis1: int, axis2: int) -> Tracer:
    order = list(range(np.ndim(a)))
    i, j = normalize_axis(axis1, len(order)), normalize_axis(axis2, len(order))
    order[i], order[j] = order[j], order[i]
    return permuted(a, tuple(order))


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Tracer:
    n = np.ndim(a)
    src = [normalize_axis(k, n) for k in np.atleast_1d(source)]
    dst = [normalize_axis(k, n) for k in np.atleast_1d(destination)]
    order = [k for k in range(n) if k not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return permuted(a, tuple(order))


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    axis_list = axis if isinstance(axis, (tuple, list)) else (axis,)
    n = np.ndim(a) + len(axis_list)
    new = {normalize_axis(k, n) for k in axis_list}
    if len(new) != len(axis_list):
        raise ValueError(at_user_line(f"axis {axis} names an axis twice"))
    rest = iter(np.shape(a))
    return resized(a, [1 if k in new else next(rest) for k in range(n)])


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    shape = np.shape(a)
    drop = normalize_axes(node_of(a), axis) if axis is not None else range(len(shape))
    if axis is not None and any(shape[k] != 1 for k in drop):
        raise ShapeError(at_user_line(f"cannot squeeze axis {axis} of shape {shape}"))
    return resized(a, [s for k, s in enumerate(shape) if k not in drop or s != 1])


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Tracer:
    old = np.shape(array)
    lengths = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = tuple(as_int(size, "shape") for size in lengths)
    try:
        fits = np.broadcast_shapes(old, sizes) == sizes
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(at_user_line(f"cannot broadcast shape {old} to {sizes}"))
    array = ArrayTracer(array.node) if type(array) is ScalarTracer else array
    return view(array, lambda x: broadcast_to(x, shape=sizes), None)


# Joining and repeating


FUNCTIONS[np.shape] = lambda a: a.shape
FUNCTIONS[np.ndim] = lambda a: a.ndim
FUNCTIONS[np.size] = lambda a, axis=None: a.size if axis is None else a.shape[axis]
FUNCTIONS[np.result_type] = lambda *args: np.result_type(
    *[x.dtype if isinstance(x, Tracer) else x for x in args]
)
FUNCTIONS[np.flip] = lambda m, axis=None: _flip(m, axis)


def _flip(m: Any, axis: Any = None) -> Tracer:
    axes = normalize_axes(node_of(m), axis)
    every = slice(None)
    return m[tuple(slice(None, None, -1) if k in axes else every for k in range(m.ndim))]  # type: ignore[no-any-return]


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return _reshape(_roll(_ravel(a), shift, 0), np.shape(a))
    if 0 in (np.size(shift), np.size(axis)) or np.ndim(shift) > 1 or np.ndim(axis) > 1:
        raise ValueError(at_user_line("np.roll: shift and axis are numbers or in one dimension"))
    shifts, axes = np.broadcast_arrays(shift, axis)
    result = a
    for s, k in zip(shifts.ravel(), axes.ravel(), strict=True):
        k, s = normalize_axis(k, np.ndim(a)), as_int(s, "shift")
        size = np.shape(a)[k]
        if size:
            cut = -s % size
            lead = (slice(None),) * k
            result = joined([result[(*lead, slice(cut, None))], result[(*lead, slice(0, cut))]], k)
    return result


@implements(np.take, method="take")
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    refuse_options(out=out)
    x, k = flat_or_axis(a, axis)
    index = within(indices, x.shape[k], mode, "np.take")
    taken = ArrayTracer(x)[(slice(None),) * k + (index,)]
    number = not taken.shape and not isinstance(taken, ScalarTracer)
    return traced(taken.node) if number else taken


@implements(np.repeat, method="repeat")
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    x, k = flat_or_axis(a, axis)
    if not isinstance(repeats, (int, np.integer)) or repeats < 0:
        return _take(traced(x), np.repeat(np.arange(x.shape[k]), repeats), k)
    before, after, count = x.shape[: k + 1], x.shape[k + 1 :], int(repeats)
    apart = reshape(x, shape=(*before, 1, *after))
    apart = broadcast_to(apart, shape=(*before, count, *after))
    result = identity(reshape(apart, shape=(*before[:k], before[k] * count, *after)))
    set_strides(result, c_order(result.shape))
    return ArrayTracer(result)


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    counts = reps if isinstance(reps, (tuple, list)) else (reps,)
    times = tuple(as_int(n, "reps") for n in counts)
    result = A if np.ndim(A) >= len(times) else _reshape(
        A, (1,) * (len(times) - np.ndim(A)) + np.shape(A)
    )  # fmt: skip
    times = (1,) * (np.ndim(result) - len(times)) + times
    if all(n == 1 for n in times):
        return copied(result)
    for k, n in enumerate(times):
        if n < 0:
            raise ValueError(at_user_line(f"np.tile: reps={reps} is negative"))
        if n == 0:
            result = result[(*[slice(None)] * k, slice(0, 0))]
        elif n != 1:
            result = joined([result] * n, k)
    return result


@implements(np.diagonal, method="diagonal")
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    n = np.ndim(a)
    return diagonal(a, offset, normalize_axis(axis1, n), normalize_axis(axis2, n))


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if np.ndim(v) == 2:
        return _diagonal(v, k)
    if np.ndim(v) != 1:
        raise ValueError(at_user_line(f"np.diag of an array of {np.ndim(v)} axes, not 1 or 2"))
    positions = np.arange(np.shape(v)[0])
    size = len(positions) + abs(k)
    out = filled(v.dtype.type(0), (size, size))
    out[positions + max(-k, 0), positions + max(k, 0)] = v
    return out


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return _diag(_ravel(v), as_int(k, "k"))


@implements(np.trace, method="trace")
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return METHODS["sum"](_diagonal(a, offset, axis1, axis2), -1)


# Compositions of what is above


def _at_least(n: int) -> Rule:
    def rule(*arrays: Any) -> Any:
        grown = [_grown(x if isinstance(x, Tracer) else np.asarray(x), n) for x in arrays]
        return grown[0] if len(grown) == 1 else tuple(grown)

    return rule


def _grown(x: Any, n: int) -> Any:
    shape = np.shape(x)
    if len(shape) >= n:
        return x
    if n == 3:
        return _reshape(x, (1, 1, 1) if not shape else (1, *shape, 1) if len(shape) == 1
                        else (*shape, 1))  # fmt: skip
    return _reshape(x, (1,) * (n - len(shape)) + shape)


implements(np.atleast_1d)(_at_least(1))
implements(np.atleast_2d)(_at_least(2))
implements(np.atleast_3d)(_at_least(3))
FUNCTIONS[np.flipud] = lambda m: _flip(m, 0)
FUNCTIONS[np.fliplr] = lambda m: _flip(m, 1)
FUNCTIONS[np.column_stack] = lambda tup: joined(
    [x if np.ndim(x) > 1 else _reshape(x, (-1, 1)) for x in tup], 1
)
FUNCTIONS[np.dstack] = lambda tup: joined([_grown(x, 3) for x in tup], 2)
FUNCTIONS[np.fix] = lambda x: UFUNCS["trunc"](x)
