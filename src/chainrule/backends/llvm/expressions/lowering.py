"""Nodes to expressions over the variables of one loop nest.

The position in a node's array is an `Index`: for each of its axes a loop variable, a step and an
offset. Views vanish: they only change the index at which their input is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ....graph.node import Node
from ....graph.types import Shape
from ..fuse.op_traits import is_elementwise, keeps_axes, uniform_value, viewed_node
from ..layout.view import View
from .expression import Apply, Expression, Load, Lookup, Number, Truth

AxisIndex = tuple[int | None, int, int]
"""``step * variable + offset`` along one axis; without a variable the offset alone."""
Index = tuple[AxisIndex, ...]


def identity_index(shape: Sequence[int]) -> Index:
    """Return the index at which each axis is the loop variable of the same number."""
    return tuple((None, 0, 0) if size == 1 else (k, 1, 0) for k, size in enumerate(shape))


def strides_of(view: View, index: Index, rank: int) -> tuple[int, tuple[int, ...]]:
    """Return the offset of an array read at an index, and its strides by loop variable."""
    offset, strides = view.offset, [0] * rank
    for (axis, step, start), stride in zip(index, view.strides, strict=True):
        offset += start * stride
        if axis is not None:
            strides[axis] += step * stride
    return offset, tuple(strides)


class Lowering:
    """Translates nodes to expressions over the variables of one loop nest.

    Parameters
    ----------
    rank : int
        Number of axes of the domain.
    own : collection of Node
        Nodes that the nest itself computes and stores.
    view : callable
        ``view(node)`` is where a node lies in memory, or None for one that is recomputed.
    """

    def __init__(
        self, rank: int, inlined: Collection[Node], view: Callable[[Node], View | None]
    ) -> None:
        self.rank, self.inlined, self.view = rank, inlined, view
        self._known: dict[tuple[Node, Index], Expression] = {}

    def __call__(self, node: Node, index: Index | None = None) -> Expression:
        """Return a node's number at an index; by default at the point of the domain."""
        if index is None:
            index = identity_index(node.shape)
        key = (node, index)
        expression = self._known.get(key)
        if expression is None:
            expression = self._known[key] = self._lower(node, index)
        return expression

    def _lower(self, node: Node, index: Index) -> Expression:
        number = uniform_value(node)
        if number is not None:
            return Number(node.dtype, number)
        if node not in self.inlined:
            view = self.view(node)
            if view is not None:
                return self.load(view, index)
        rule = _VIEW_INDICES.get(node.primitive.name)
        if node.primitive.name == "reshape" and not keeps_axes(node):
            source = self.view(node.inputs[0])
            view = None if source is None else source.reshaped(node.shape)
            assert view is not None, "fusion materialises the input of such a reshape"
            return self.load(view, index)
        if rule is not None:
            return self(node.inputs[0], rule(node, index))
        if node.primitive.name == "gather":
            return self._lookup(node, index)
        assert is_elementwise(node), node
        inputs = tuple(self(child, aligned(child.shape, index)) for child in node.inputs)
        axes = frozenset[int]().union(*[x.axes for x in inputs])
        return Apply(node.dtype, node, inputs, axes=axes)

    def load(self, view: View, index: Index) -> Load:
        """Return a load from a view at an index."""
        offset, strides = strides_of(view, index, self.rank)
        axes = frozenset(k for k, stride in enumerate(strides) if stride)
        return Load(view.dtype, view.buffer, offset, strides, axes=axes)

    def number(self, value: Any, dtype: np.dtype[Any]) -> Number:
        """Return a constant."""
        return Number(dtype, dtype.type(value))

    def truth(self, expression: Expression) -> Expression:
        """Return whether a number is not zero."""
        return Truth(np.dtype(np.bool_), (expression,), axes=expression.axes)

    def broadcast(self, node: Node, shape: Shape) -> Expression:
        """Return a node broadcast to a larger shape."""
        return self(node, aligned(node.shape, identity_index(shape)))

    def _lookup(self, node: Node, index: Index) -> Lookup:
        source = self.view(node.inputs[0])
        if source is None:
            source = self._uniform_view(node.inputs[0])
        return self.lookup(source, node, node.params["pattern"], node.inputs[1:], index)

    def _uniform_view(self, node: Node) -> View:
        """Return the memory of a uniform value, with strides of 0: indices are still checked."""
        number = self.view(viewed_node(node))
        assert number is not None and uniform_value(node) is not None, (
            "fusion materialises what is looked up"
        )
        return View(number.buffer, number.offset, node.shape, (0,) * len(node.shape))

    def lookup(
        self, source: View, node: Node, pattern: Sequence[Any], arrays: Sequence[Node],
        index: Index,
    ) -> Lookup:  # fmt: skip
        """Return an entry of `source[pattern]`: slices, and numbers of index arrays."""
        sliced, inner = split_gather_index(pattern, arrays, index)
        offset, strides = source.offset, [0] * self.rank
        indices = []
        for k, entry in enumerate(pattern):
            stride = source.strides[k]
            if isinstance(entry, int):
                array = arrays[entry]
                position = self(array, aligned(array.shape, inner))
                indices.append((position, source.shape[k], stride))
                continue
            axis, step, start = sliced[k]
            positions = range(*entry.indices(source.shape[k]))
            offset += (positions.start + start * positions.step) * stride
            if axis is not None:
                strides[axis] += step * positions.step * stride
        axes = frozenset(k for k, stride in enumerate(strides) if stride)
        axes = axes.union(*[position.axes for position, _, _ in indices])
        return Lookup(
            source.dtype, source.buffer, offset, tuple(strides), tuple(indices), node, axes=axes
        )


def aligned(shape: Shape, index: Index) -> Index:
    """Return the index of an array that is broadcast: last axes match, axes of size 1 stay at 0."""
    pairs = zip(shape, index[len(index) - len(shape) :], strict=True)
    return tuple((None, 0, 0) if size == 1 else axis_index for size, axis_index in pairs)


def split_gather_index(
    pattern: Sequence[Any], arrays: Sequence[Node], index: Index
) -> tuple[dict[int, AxisIndex], Index]:
    """Split the index of a gather's result: along each sliced axis, and into the index arrays."""
    front, rank = _front_axes(pattern), len(np.broadcast_shapes(*[x.shape for x in arrays]))
    rest = iter(index[:front] + index[front + rank :])
    sliced = {k: next(rest) for k, e in enumerate(pattern) if not isinstance(e, int)}
    return sliced, index[front : front + rank]


def gathered_shape(
    shape: tuple[int, ...], arrays: Sequence[Node], pattern: Sequence[Any]
) -> tuple[int, ...]:
    """Return the shape of an array indexed by a pattern."""
    common = np.broadcast_shapes(*[x.shape for x in arrays])
    sliced = [
        len(range(*entry.indices(size)))
        for entry, size in zip(pattern, shape, strict=True)
        if not isinstance(entry, int)
    ]
    front = _front_axes(pattern)
    return (*sliced[:front], *common, *sliced[front:])


def _front_axes(pattern: Sequence[Any]) -> int:
    """Return how many sliced axes come before those of the index arrays in the result."""
    computed = [k for k, entry in enumerate(pattern) if isinstance(entry, int)]
    adjacent = not computed or computed[-1] - computed[0] + 1 == len(computed)
    return computed[0] if computed and adjacent else 0


def _transpose(node: Node, index: Index) -> Index:
    inner: list[AxisIndex] = [(None, 0, 0)] * len(index)
    for k, axis in enumerate(node.params["axes"]):
        inner[axis] = index[k]
    return tuple(inner)


def _slice(node: Node, index: Index) -> Index:
    result = []
    for part, size, (axis, step, start) in zip(
        node.params["index"], node.inputs[0].shape, index, strict=True
    ):
        positions = range(*part.indices(size))
        result.append((axis, step * positions.step, positions.start + start * positions.step))
    return tuple(result)


def _reshape(node: Node, index: Index) -> Index:
    """Add and drop axes of size 1."""
    others = iter([i for i, size in zip(index, node.shape, strict=True) if size != 1])
    return tuple((None, 0, 0) if size == 1 else next(others) for size in node.inputs[0].shape)


_VIEW_INDICES: Mapping[str, Callable[[Node, Index], Index]] = {
    "identity": lambda node, index: index,
    "stop_gradient": lambda node, index: index,
    "transpose": _transpose,
    "slice": _slice,
    "reshape": _reshape,
    "broadcast_to": lambda node, index: aligned(node.inputs[0].shape, index),
}
