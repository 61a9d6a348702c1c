"""Indexing of tracers: every index that NumPy takes, brought to the primitives' one form."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AbstractValueError, ShapeError, at_user_line
from ..graph.node import Node
from ..primitives.indexing import gather, scatter, scatter_add
from ..primitives.structure import broadcast_to, cast, reshape, slice_
from .tracer import METHODS, UFUNC_METHODS, Tracer, View, node_of


class Index:
    """An index taken apart for an array of a given shape.

    Attributes
    ----------
    expanded : tuple of int
        The array's shape with the new axes of size 1 in it.
    pattern : tuple
        For each axis of that a slice, or the position of an integer array in `arrays`.
    arrays : list of Node
    result : tuple of int or None
        For basic indexing the result's shape (integers drop their axis), else None.
    """

    def __init__(self, shape: tuple[int, ...], index: Any) -> None:
        parts = _expand(shape, index if isinstance(index, tuple) else (index,))
        advanced = any(isinstance(part, Node) for part in parts)
        self.expanded: tuple[int, ...] = ()
        self.arrays: list[Node] = []
        pattern: list[Any] = []
        result: list[int] = []
        axis = 0
        for part in parts:
            if part is None:
                self.expanded += (1,)
                pattern.append(slice(0, 1, 1))
                result.append(1)
                continue
            size = shape[axis]
            self.expanded += (size,)
            axis += 1
            if isinstance(part, slice):
                start, stop, step = part.indices(size)
                part = slice(start, None if stop < 0 else stop, step)
                pattern.append(part)
                result.append(len(range(*part.indices(size))))
            elif isinstance(part, Node):
                pattern.append(len(self.arrays))
                self.arrays.append(part)
            elif advanced:
                pattern.append(len(self.arrays))
                self.arrays.append(node_of(np.intp(_checked(part, size, axis - 1))))
            else:
                start = _checked(part, size, axis - 1)
                pattern.append(slice(start, start + 1, 1))
        self.pattern = tuple(pattern)
        self.result = None if advanced else tuple(result)

    def read(self, x: Node) -> Node:
        """x[index]."""
        if x.shape != self.expanded:
            x = reshape(x, shape=self.expanded)
        if self.result is None:
            return gather(x, *self.arrays, pattern=self.pattern)  # type: ignore[no-any-return]
        part = slice_(x, index=self.pattern)
        if part.shape != self.result:
            part = reshape(part, shape=self.result)
        return part  # type: ignore[no-any-return]

    def write(self, x: Node, value: Node, add: bool = False) -> Node:
        """x with x[index] = value (or += value), value broadcast as NumPy does."""
        shape = x.shape
        if shape != self.expanded:
            x = reshape(x, shape=self.expanded)
        target = self.read(x).shape
        value = value if value.dtype == x.dtype else cast(value, dtype=x.dtype)
        while len(value.shape) > len(target) and value.shape[0] == 1:
            value = reshape(value, shape=value.shape[1:])
        if value.shape != target:
            try:
                np.broadcast_shapes(value.shape, target)
                value = broadcast_to(value, shape=target)
            except ValueError:
                raise ShapeError(
                    at_user_line(
                        f"cannot write an array of shape {value.shape} where the index selects "
                        f"{target}"
                    )
                ) from None
        if self.result is not None:
            sizes = zip(self.pattern, self.expanded, strict=True)
            kept = tuple(len(range(*part.indices(size))) for part, size in sizes)
            value = value if value.shape == kept else reshape(value, shape=kept)
        operation = scatter_add if add else scatter
        x = operation(x, value, *self.arrays, pattern=self.pattern)
        return x if x.shape == shape else reshape(x, shape=shape)


def _checked(part: int, size: int, axis: int) -> int:
    if not -size <= part < size:
        raise IndexError(
            at_user_line(f"index {part} is out of bounds for axis {axis} with size {size}")
        )
    return part % size


def _expand(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[Any]:
    """One part an axis: None, int, slice, or a Node of integers."""
    parts: list[Any] = []
    for part in index:
        parts.extend(_part(part))
    used = sum(1 for part in parts if part is not None and part is not Ellipsis)
    if used > len(shape):
        raise IndexError(
            at_user_line(f"too many indices: {used} for an array of {len(shape)} dimensions")
        )
    fill = [slice(None)] * (len(shape) - used)
    for k, part in enumerate(parts):
        if part is Ellipsis:
            return parts[:k] + fill + parts[k + 1 :]
    return parts + fill


def _part(part: Any) -> list[Any]:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return [part]
    if isinstance(part, (bool, np.bool_)):
        raise IndexError(at_user_line("a single truth value as an index is not supported"))
    if isinstance(part, (int, np.integer)):
        return [int(part)]
    node = part.node if isinstance(part, Tracer) else node_of(np.asarray(part))
    if node.dtype.kind == "b":
        if node.value is None:
            raise AbstractValueError(
                at_user_line(
                    "a boolean mask as an index has a result of unknown size under jit: "
                    "use np.where(mask, x, other)"
                )
            )
        return [node_of(hits) for hits in np.nonzero(node.value)]
    if node.dtype.kind == "f" and node.shape == (0,):
        node = node_of(np.empty(0, np.intp))
    if node.dtype.kind not in "iu":
        raise IndexError(
            at_user_line(f"an index must be integers, slices or a mask, not {node.dtype}")
        )
    return [node]


def getitem(x: Tracer, index: Any) -> Tracer:
    """`x[index]`: a view for a basic index, a copy for an advanced one, as in NumPy."""
    parsed = Index(x.shape, index)
    if parsed.result is None:
        return Tracer(parsed.read(x.node))
    if parsed.result == () and not x.shape:
        return Tracer(x.node)
    return View(x, parsed.read, parsed.write)


def setitem(x: Tracer, index: Any, value: Any) -> None:
    """`x[index] = value`: x holds another node from now on."""
    if _is_abstract_mask(index):
        mask = index
        chosen = METHODS["__where__"](_mask_like(mask, x), value, x)
        if chosen.shape != x.shape:
            raise ShapeError(
                at_user_line("under jit a masked write takes a scalar or an array of x's shape")
            )
        x.rebind(node_of(chosen))
        return
    new = Index(x.shape, index).write(x.node, node_of(value, x.dtype))
    x.rebind(new)


def _is_abstract_mask(index: Any) -> bool:
    return isinstance(index, Tracer) and index.dtype.kind == "b" and index.node.value is None


def _mask_like(mask: Tracer, x: Tracer) -> Tracer:
    extra = (1,) * (x.ndim - mask.ndim)
    return Tracer(reshape(mask.node, shape=mask.shape + extra)) if extra else mask


def add_at(x: Any, index: Any, value: Any) -> None:
    """`np.add.at(x, index, value)`."""
    if not isinstance(x, Tracer):
        raise TypeError(
            at_user_line("np.add.at into a plain array: make it with np.zeros_like(traced)")
        )
    x.rebind(Index(x.shape, index).write(x.node, node_of(value, x.dtype), add=True))


METHODS["__getitem__"] = getitem
METHODS["__setitem__"] = setitem
UFUNC_METHODS["add", "at"] = add_at
