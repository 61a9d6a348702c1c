"""Cuts moved inwards: of a convolution's result only what is read is computed.

The gradient of a padded convolution computes all of the padded input's, and the padding's own
derivative then cuts the border off. ::

    slice(conv(x, w))         -> conv(slice(x), w)
    slice(pad(x))             -> pad(slice(x))       each if nothing else reads what is cut
    slice(concatenate(x, y))  -> slice(x)            if nothing of y is in it

and the last two through elementwise operations in between.
"""

from __future__ import annotations

from collections import Counter

from ..graph.graph import Graph
from ..graph.node import Node
from ..primitives.convolution import conv
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..primitives.structure import concatenate, pad, slice_
from .rewrite import replace, rewrite


def push_slices(graph: Graph) -> Graph:
    """Move slices before the convolutions and paddings that they follow."""
    if not any(node.primitive is slice_ for node in graph.nodes):
        return graph
    readers = Counter(child for node in graph.nodes for child in node.inputs)
    readers.update(graph.outputs)

    def rule(node: Node, original: Node) -> Node:
        if node.primitive is not slice_ or any(s.step not in (None, 1) for s in _cuts(node)):
            return node
        source = node.inputs[0]
        if readers[original.inputs[0]] > 1:
            return node
        if source.primitive is conv:
            return _slice_of_convolution(node, source)
        cut = _Cut(tuple(_cuts(node)), readers).of(source, original.inputs[0])
        return node if cut is None else cut

    return rewrite(graph, rule)


class _Cut:
    """A slice by steps of 1 of nodes that nothing else reads."""

    def __init__(self, index: tuple[slice, ...], readers: Counter[Node]) -> None:
        self.index, self.readers = index, readers
        self.known: dict[Node, Node | None] = {}

    def of(self, node: Node, original: Node) -> Node | None:
        """Return the slice of a node if less is computed for it, else None."""
        if node not in self.known:
            self.known[node] = self._of(node, original)
        return self.known[node]

    def _of(self, node: Node, original: Node) -> Node | None:
        if node.primitive is pad:
            whole: Node = slice_(node, index=self.index)
            cut = _slice_of_pad(whole, node)
            return None if cut is whole else cut
        if node.primitive is concatenate:
            return self._of_part(node)
        family = node.primitive.spec.get("family")
        if family not in ELEMENTWISE_FAMILIES or node.primitive is not original.primitive:
            return None
        inputs = [self._of_input(node, *pair, original)
                  for pair in zip(node.inputs, original.inputs, strict=True)]  # fmt: skip
        if not any(fewer for _, fewer in inputs):
            return None
        return replace(node, tuple([cut for cut, _ in inputs]))

    def _of_input(self, node: Node, child: Node, original: Node, reader: Node) -> tuple[Node, bool]:
        """Return the slice of an operand, which may be broadcast, and whether less is computed."""
        if child.shape == node.shape and self.readers[original] == reader.inputs.count(original):
            cut = self.of(child, original)
            if cut is not None:
                return cut, True
        index = self.index[len(node.shape) - len(child.shape) :]
        parts = [slice(0, 1) if size == 1 else part
                 for part, size in zip(index, child.shape, strict=True)]  # fmt: skip
        return slice_(child, index=tuple(parts)), False

    def _of_part(self, node: Node) -> Node | None:
        """Return the slice of the only operand that it is of, or None."""
        axis, before = node.params["axis"], 0
        start, stop, _ = self.index[axis].indices(node.shape[axis])
        for x in node.inputs:
            after = before + x.shape[axis]
            if before <= start < stop <= after:
                index = list(self.index)
                index[axis] = slice(start - before, stop - before)
                return slice_(x, index=tuple(index))  # type: ignore[no-any-return]
            before = after
        return None


def _cuts(node: Node) -> list[slice]:
    index: list[slice] = list(node.params["index"])
    return index


def _slice_of_convolution(node: Node, source: Node) -> Node:
    """Slice the operands instead, along rows, height and width, if no leading axis is cut."""
    x, w = source.inputs
    ranges = _ranges(node, source)
    uncut = [start == 0 and stop == size
             for (start, stop), size in zip(ranges, source.shape, strict=True)]  # fmt: skip
    if all(uncut) or not all(uncut[:-4]) or not uncut[-1] or 0 in node.shape:
        return node
    index = [slice(None)] * (len(x.shape) - 4) + [slice(*ranges[-4])]
    for axis in (0, 1):
        s, d = source.params["strides"][axis], source.params["dilation"][axis]
        start, stop = ranges[axis - 3]
        index.append(slice(start * s, (stop - 1) * s + (w.shape[axis - 4] - 1) * d + 1))
    result: Node = conv(slice_(x, index=(*index, slice(None))), w, **source.params)
    return result


def _slice_of_pad(node: Node, source: Node) -> Node:
    """Pad only what lies within the slice."""
    (x,) = source.inputs
    cropped, index = [], []
    ranges = _ranges(node, source)
    for (start, stop), part, size, count in zip(
        ranges, source.params["index"], source.shape, x.shape, strict=True
    ):
        positions = range(*part.indices(size))
        if positions.step < 0:
            return node
        first, last = (min(_count_before(positions, bound), count) for bound in (start, stop))
        if first >= last:
            return node
        cropped.append(slice(first, last))
        index.append(
            slice(positions[first] - start, positions[last - 1] - start + 1, positions.step)
        )
    whole = all(k == slice(0, n) for k, n in zip(cropped, x.shape, strict=True))
    cut = x if whole else slice_(x, index=tuple(cropped))
    result: Node = pad(cut, shape=node.shape, index=tuple(index))
    return result


def _count_before(positions: range, bound: int) -> int:
    """Count the positions before a bound."""
    return max(0, -(-(bound - positions.start) // positions.step))


def _ranges(node: Node, source: Node) -> list[tuple[int, int]]:
    pairs = zip(_cuts(node), source.shape, strict=True)
    return [(r.start, r.stop) for r in (range(*s.indices(size)) for s, size in pairs)]
