"""One array of zeros for all positions at which an operand is padded.

The gradient of a stencil pads the same numbers at several positions, and adds up the results. They
are written once, amid more zeros, and read from there at each offset::

    pad(x, at 0) + pad(x, at 2)  ->  z = pad(x, at 2, in a larger array);  z[2:] + z[:-2]
"""

from __future__ import annotations

from math import prod

from ..graph.graph import Graph
from ..graph.node import Node
from ..primitives.structure import pad, slice_
from .rewrite import rewrite

_MOST = 1.5  # times as many numbers as one of the arrays has: else they lie too far apart


def shared_pads(graph: Graph) -> Graph:
    """Replace paddings of an operand at several positions by slices of one."""
    groups: dict[tuple[Node, tuple[int, ...]], list[Node]] = {}
    for node in graph.nodes:
        if node.primitive is pad and _starts(node) is not None:
            groups.setdefault((node.inputs[0], node.shape), []).append(node)
    shared: dict[Node, _Shared] = {}
    for same in groups.values():
        if len(same) > 1 and (around := _Shared(same)).pays:
            shared |= dict.fromkeys(same, around)
    if not shared:
        return graph

    def rule(node: Node, original: Node) -> Node:
        around = shared.get(original)
        return node if around is None else around.slice(node)

    return rewrite(graph, rule)


def _starts(node: Node) -> tuple[int, ...] | None:
    """Return where a padded operand begins along each axis; None if its numbers are apart."""
    parts = zip(node.params["index"], node.shape, strict=True)
    positions = [range(*part.indices(size)) for part, size in parts]
    if any(r.step != 1 for r in positions) or 0 in node.shape:
        return None
    return tuple(r.start for r in positions)


class _Shared:
    """The larger array around an operand, made when the first padding is met."""

    def __init__(self, same: list[Node]) -> None:
        starts = [start for node in same if (start := _starts(node)) is not None]
        columns = list(zip(*starts, strict=True))
        self.first = tuple(map(max, columns))
        moves = [max(column) - min(column) for column in columns]
        self.shape = tuple(n + by for n, by in zip(same[0].shape, moves, strict=True))
        self.pays = any(moves) and prod(self.shape) <= _MOST * prod(same[0].shape)
        self.array: Node | None = None

    def slice(self, node: Node) -> Node:
        """Return a padding as a slice of the larger array."""
        starts = _starts(node)
        assert starts is not None
        if self.array is None:
            (x,) = node.inputs
            inner = zip(self.first, x.shape, strict=True)
            index = tuple(slice(start, start + size) for start, size in inner)
            self.array = pad(x, shape=self.shape, index=index)
        begins = [most - start for most, start in zip(self.first, starts, strict=True)]
        index = tuple(slice(at, at + size) for at, size in zip(begins, node.shape, strict=True))
        result: Node = slice_(self.array, index=index)
        return result
