"""NumPy's functions on tracers that insert entries along an axis, drop some, or repeat all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..primitives.indexing import gather
from ..primitives.structure import concatenate, reshape
from .complex_readiness import takes_complex
from .copy_table import filled
from .elementwise_table import truth
from .function_rules import (
    as_int,
    flat_or_axis,
    implements,
    normalize_axes,
    normalize_axis,
    refuse_options,
)
from .index import fitted
from .join_table import joined
from .nested import nested
from .operands import node_of
from .plain_numbers import concrete_value
from .tracer import FUNCTIONS, METHODS, ArrayTracer, Tracer


def taken_along(x: Node, positions: Any, axis: int) -> Node:
    """Return the entries at known positions along an axis."""
    pattern: list[Any] = [slice(None)] * len(x.shape)
    pattern[axis] = 0
    return gather(x, positions, pattern=tuple(pattern))  # type: ignore[no-any-return]


def plain_positions(obj: Any, function: str) -> Any:
    """Return an argument that says where, with its numbers in place of traced ones."""
    if isinstance(obj, slice):
        ends = (obj.start, obj.stop, obj.step)
        return slice(*[None if end is None else as_int(end, "slice") for end in ends])
    if isinstance(obj, Tracer):
        return concrete_value(obj.node, f"{function}: the result's size")
    if isinstance(obj, (list, tuple)):
        return [plain_positions(entry, function) for entry in obj]
    return obj


def _flat_unless(arr: Any, axis: Any) -> tuple[Node, int]:
    """Return the array and its axis, or all entries in a row where that is None."""
    if axis is None:
        return flat_or_axis(arr, None)
    x = node_of(arr)
    return x, normalize_axis(axis, len(x.shape))


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> ArrayTracer:
    x, k = _flat_unless(arr, axis)
    obj = plain_positions(obj, "np.insert")
    size = x.shape[k]
    values = node_of(nested(values), x.dtype)
    indices = np.arange(*obj.indices(size)) if isinstance(obj, slice) else np.array(obj)
    if indices.dtype == bool:
        if np.ndim(obj) != 1:
            raise ValueError(at_user_line("np.insert: a mask has one dimension"))
        indices = np.flatnonzero(obj)
    elif indices.ndim > 1:
        raise ValueError(at_user_line("np.insert: positions have at most one dimension"))
    if indices.size == 0 and not isinstance(obj, np.ndarray):
        indices = indices.astype(np.intp)
    if indices.dtype.kind not in "iu":
        error = TypeError if indices.size == 1 else IndexError
        raise error(at_user_line(f"np.insert: positions of dtype {indices.dtype}"))
    if np.any((indices < -size) | (indices > size)):
        raise IndexError(at_user_line(f"np.insert: position {obj} for an axis of {size} entries"))
    indices = np.where(indices < 0, indices + size, indices)
    if indices.size == 1:
        number = indices.ndim == 0
        values = reshape(values, shape=(1,) * (len(x.shape) - len(values.shape)) + values.shape)
        if number:  # a[:, 0] is another axis than a[:, [0]]
            values = node_of(FUNCTIONS[np.moveaxis](ArrayTracer(values), 0, k))
        indices = indices.reshape(-1) + np.arange(values.shape[k])
    else:
        order = indices.argsort(kind="mergesort")
        indices[order] += np.arange(len(indices))
    count = len(indices)
    new = fitted(values, x.dtype, (*x.shape[:k], count, *x.shape[k + 1 :]))
    source = np.empty(size + count, np.intp)
    source[np.delete(np.arange(size + count), indices)] = np.arange(size)
    source[indices] = size + np.arange(count)
    return ArrayTracer(taken_along(concatenate(x, new, axis=k), source, k))


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> ArrayTracer:
    x, k = _flat_unless(arr, axis)
    remaining = np.delete(np.arange(x.shape[k]), plain_positions(obj, "np.delete"))
    return ArrayTracer(taken_along(x, remaining, k))


@implements(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    x, y = nested(arr), nested(values)
    if axis is None:
        x, y, axis = np.ravel(x), np.ravel(y), 0
    return joined((x, y), axis)


@implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    lengths = new_shape if isinstance(new_shape, (tuple, list)) else (new_shape,)
    if any(isinstance(n, bool) for n in lengths):
        raise TypeError(at_user_line(f"np.resize: new_shape={new_shape} is not made of integers"))
    shape = tuple(as_int(n, "new_shape") for n in lengths)
    if any(n < 0 for n in shape):
        raise ValueError(at_user_line(f"np.resize: new_shape={new_shape} is negative"))
    x, _ = flat_or_axis(a, None)
    if not x.shape[0]:
        return filled(x.dtype.type(0), shape)
    positions = np.arange(int(np.prod(shape))) % x.shape[0]
    return ArrayTracer(reshape(gather(x, positions, pattern=(0,)), shape=shape))


@implements(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(at_user_line(f"np.trim_zeros: trim={trim!r} is no 'fb', 'f' or 'b'"))
    node = node_of(nested(filt))
    axes = normalize_axes(node, axis)
    if axis is not None and not axes:
        return filt
    nonzero = np.argwhere(concrete_value(truth(node), "np.trim_zeros: the result's size"))
    index: list[slice] = []
    for k in range(len(node.shape)):
        if k not in axes:
            index.append(slice(None))
        elif not len(nonzero):
            index.append(slice(0, 0))
        else:
            first = int(nonzero[:, k].min()) if "f" in trim else None
            last = int(nonzero[:, k].max()) + 1 if "b" in trim else None
            index.append(slice(first, last))
    return filt[index[0]] if len(index) == 1 else filt[tuple(index)]


@implements(np.rot90)
def _rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    pair = tuple(axes)
    n = np.ndim(m)
    if len(pair) != 2 or pair[0] == pair[1] or abs(pair[0] - pair[1]) == n:
        raise ValueError(at_user_line(f"np.rot90: axes={axes} are no two axes"))
    if any(not -n <= axis < n for axis in pair):
        raise ValueError(at_user_line(f"np.rot90: axes={axes} of an array of {n} axes"))
    times = as_int(k, "k") % 4
    if times == 0:
        return m[:]
    if times == 2:
        return np.flip(np.flip(m, pair[0]), pair[1])
    if times == 1:
        return np.swapaxes(np.flip(m, pair[1]), *pair)
    return np.flip(np.swapaxes(m, *pair), pair[1])


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    refuse_options(out=out)
    x, k = flat_or_axis(a, axis)
    mask = truth(node_of(nested(condition)))
    if len(mask.shape) != 1:
        raise ValueError(at_user_line("np.compress: the condition has one dimension"))
    if mask.value is None and mask.shape == x.shape[:1] and not k:
        return ArrayTracer(x)[ArrayTracer(mask)]
    positions = np.flatnonzero(concrete_value(mask, "np.compress: the result's size"))
    if positions.size and positions[-1] >= x.shape[k]:
        raise IndexError(
            at_user_line(f"np.compress: entry {positions[-1]} of an axis of {x.shape[k]}")
        )
    return ArrayTracer(taken_along(x, positions, k))


METHODS["compress"] = lambda a, condition, axis=None, out=None: _compress(condition, a, axis, out)


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return _compress(np.ravel(nested(condition)), nested(arr))


takes_complex(
    np.insert, np.delete, np.append, np.resize, np.trim_zeros, np.rot90, np.compress, np.extract,
    ".compress",
)  # fmt: skip
