"""Numbers of entries: what lies outside an axis, and the way from one number to one an axis."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.indexing import gather
from ..primitives.structure import cast
from .function_rules import as_int, implements
from .nested import nested
from .operands import node_of
from .tracer import ArrayTracer, Tracer, traced

_MODES = ("raise", "wrap", "clip")


def checked_mode(mode: Any, name: str) -> str:
    """Return how positions outside are treated."""
    if mode not in _MODES:
        raise ValueError(at_user_line(f"{name}: mode={mode!r} is none of 'raise', 'wrap', 'clip'"))
    return str(mode)


def within(indices: Any, size: int, mode: Any, name: str) -> Any:
    """Return positions as an index of an axis; "wrap" and "clip" bring all of them inside."""
    mode = checked_mode(mode, name)
    indices = nested(indices)
    if isinstance(indices, (list, tuple)) and not np.size(indices):
        indices = np.asarray(indices, np.intp)
    elif not isinstance(indices, Tracer):
        indices = np.asarray(indices)
    if indices.dtype.kind == "b":  # numbers, here, and no mask
        indices = indices.astype(np.intp)
    if indices.dtype.kind not in "iu":
        raise TypeError(at_user_line(f"{name}: positions of dtype {indices.dtype}"))
    if not size and np.size(indices):
        raise IndexError(at_user_line(f"{name}: positions in an array without entries"))
    if mode == "raise":
        return indices
    node = cast(node_of(indices), dtype=np.dtype(np.intp))
    return ArrayTracer(_brought_inside(node, size, mode))


def _brought_inside(node: Node, size: int, mode: str) -> Node:
    last = np.intp(max(size - 1, 0))
    if mode == "wrap":
        return ew.remainder(node, np.intp(max(size, 1)))  # type: ignore[no-any-return]
    return ew.minimum(ew.maximum(node, np.intp(0)), last)  # type: ignore[no-any-return]


def _checked_inside(node: Node, size: int, name: str) -> Node:
    """Return positions that are none negative nor too large, or raise when the numbers are known.

    A gather from the positions themselves raises where compiled code finds one outside.
    """
    if node.value is not None:
        if np.any((node.value < 0) | (node.value >= size)):
            raise ValueError(at_user_line(f"{name}: a position outside of an axis of {size}"))
        return node
    outside = ew.less(node, np.intp(0))
    checked = ew.where(outside, np.intp(size), node)
    return gather(np.arange(size), checked, pattern=(0,))  # type: ignore[no-any-return]


def _integers(indices: Any, name: str) -> Node:
    node = node_of(nested(indices)) if isinstance(indices, Tracer) else node_of(np.asarray(indices))
    if node.dtype.kind not in "iu":
        raise TypeError(at_user_line(f"{name}: positions of dtype {node.dtype}"))
    return node if node.dtype == np.intp else cast(node, dtype=np.dtype(np.intp))


def _sizes(dims: Any, name: str) -> tuple[int, ...]:
    listed = dims if isinstance(dims, (tuple, list, np.ndarray)) else (dims,)
    return tuple(as_int(size, f"{name}: a size") for size in listed)


@implements(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    name = "np.ravel_multi_index"
    sizes = _sizes(dims, name)
    modes = mode if isinstance(mode, tuple) else (mode,) * len(sizes)
    nodes = [_integers(each, name) for each in multi_index]
    if not len(nodes) == len(sizes) == len(modes):
        raise ValueError(at_user_line(f"{name}: {len(nodes)} indices for {len(sizes)} sizes"))
    if order not in ("C", "F"):
        raise ValueError(at_user_line(f"{name}: order={order!r}"))
    strides = np.cumprod([1, *(sizes[:0:-1] if order == "C" else sizes[:-1])])
    total: Any = None
    for node, size, each, step in zip(
        nodes, sizes, modes, strides[::-1] if order == "C" else strides, strict=True
    ):
        inside = (
            _checked_inside(node, size, name)
            if checked_mode(each, name) == "raise"
            else _brought_inside(node, size, each)
        )
        term = ew.mul(inside, np.intp(step))
        total = term if total is None else ew.add(total, term)
    return traced(total)


@implements(np.unravel_index)
def _unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    name = "np.unravel_index"
    sizes = _sizes(shape, name)
    if order not in ("C", "F"):
        raise ValueError(at_user_line(f"{name}: order={order!r}"))
    if not sizes:
        raise UnsupportedError(at_user_line(f"{name} of a shape without axes"))
    rest = _checked_inside(_integers(indices, name), prod(sizes), name)
    parts: list[Any] = []
    for size in sizes[::-1] if order == "C" else sizes:
        parts.append(traced(ew.remainder(rest, np.intp(size))))
        rest = ew.floor_divide(rest, np.intp(size))
    return tuple(parts[::-1] if order == "C" else parts)
