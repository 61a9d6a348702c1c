"""NumPy's functions that write into an array: put, place, putmask, fill_diagonal and kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.indexing import gather
from ..primitives.reductions import cumsum
from ..primitives.structure import cast, reshape
from .complex_readiness import takes_complex
from .copy_table import writable
from .elementwise_table import truth
from .flat import cycled, refuse_overlap, write_flat
from .function_rules import implements, normalize_axis
from .nested import nested
from .operands import node_of
from .positions import within
from .tracer import ArrayTracer, Tracer
from .ufunc_rules import as_dtype


@implements(np.put, method="put")
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    target = writable(a, "np.put")
    index = np.ravel(within(ind, target.size, mode, "np.put"))
    if np.size(v):
        write_flat(target, index, v)


def _mask_of_all(mask: Any, target: ArrayTracer, name: str) -> Node:
    """Return a mask of all entries in a row."""
    node = truth(node_of(nested(mask)))
    if int(np.prod(node.shape)) != target.size:
        raise ValueError(
            at_user_line(f"{name}: a mask of shape {node.shape} for an array of {target.shape}")
        )
    return reshape(node, shape=(target.size,))  # type: ignore[no-any-return]


def _values_in_a_row(values: Any, target: ArrayTracer) -> Node:
    node = as_dtype(node_of(nested(values), target.dtype), target.dtype)
    return reshape(node, shape=(int(np.prod(node.shape)),))  # type: ignore[no-any-return]


def _write_where(target: ArrayTracer, mask: Node, new: Node) -> None:
    flat = reshape(target.node, shape=(target.size,))
    target.rebind(reshape(ew.where(mask, new, flat), shape=target.shape))


@implements(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    """Write values[k] where mask[k] is true: each entry has its number, whatever the mask is."""
    target = writable(a, "np.putmask")
    flat_mask = _mask_of_all(mask, target, "np.putmask")
    new = _values_in_a_row(values, target)
    if new.shape[0]:
        _write_where(target, flat_mask, cycled(new, flat_mask.shape))


@implements(np.place)
def _write_in_order(arr: Any, mask: Any, vals: Any) -> None:
    """Write the first values, one after the other, where the mask is true."""
    target = writable(arr, "np.place")
    refuse_overlap(target, vals)
    flat_mask = _mask_of_all(mask, target, "np.place")
    values = _values_in_a_row(vals, target)
    count = values.shape[0]
    if not count:
        if flat_mask.value is None or np.any(flat_mask.value):
            raise ValueError(at_user_line("np.place: no values to write"))
        return
    if not target.size:
        return
    number = ew.sub(cumsum(cast(flat_mask, dtype=np.dtype(np.intp)), axis=0), np.intp(1))
    number = ew.remainder(number, np.intp(count))  # also of the -1 before the first
    _write_where(target, flat_mask, gather(values, number, pattern=(0,)))


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    target = writable(a, "np.fill_diagonal")
    if target.ndim < 2:
        raise ValueError(at_user_line("np.fill_diagonal: the array needs at least two axes"))
    shape = target.shape
    stop = target.size
    if target.ndim == 2:
        step = shape[1] + 1
        stop = stop if wrap else min(stop, shape[1] * shape[1])
    elif len(set(shape)) == 1:
        step = 1 + int(np.cumprod(shape[:-1]).sum())
    else:
        raise ValueError(at_user_line(f"np.fill_diagonal: sizes {shape} differ"))
    refuse_overlap(target, val)
    write_flat(target, slice(None, stop, step), val)


@implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    target = writable(arr, "np.put_along_axis")
    if axis is None:
        raise UnsupportedError(
            at_user_line(
                "np.put_along_axis(axis=None), which in NumPy writes into a copy: use np.put"
            )
        )
    k = normalize_axis(axis, target.ndim)
    if not isinstance(indices, (Tracer, np.ndarray)) or indices.dtype.kind not in "iu":
        raise IndexError(at_user_line("np.put_along_axis: the indices must be an integer array"))
    if np.ndim(indices) != target.ndim:
        raise ValueError(
            at_user_line(f"np.put_along_axis: indices of {np.ndim(indices)} axes for {target.ndim}")
        )
    index: list[Any] = []
    for j, size in enumerate(target.shape):
        along = [1] * target.ndim
        along[j] = size
        index.append(indices if j == k else np.arange(size).reshape(along))
    target[tuple(index)] = nested(values)


takes_complex(np.put, np.putmask, np.place, np.fill_diagonal, np.put_along_axis, ".put")
