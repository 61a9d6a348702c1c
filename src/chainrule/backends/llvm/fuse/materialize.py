"""Which nodes are materialised in memory; all others are recomputed inside their consumers."""

from __future__ import annotations

from math import prod

from ....graph.graph import Graph
from ....graph.node import CONSTANT, ITEM, Node
from ..layout.view import Buffer, View
from .axis_order import stored_axis_order
from .op_traits import (
    SCATTERS,
    VIEW_OPS,
    cost,
    fuses_inputs,
    is_elementwise,
    is_inline,
    is_native,
    keeps_axes,
    uniform_value,
    viewed_node,
)
from .packed_operands import memory_operands, unpacked_for_nothing
from .steps import Materialized, view_of

_MAX_RECOMPUTED_COST = 8  # from here on an expression with several consumers is materialised
_MAX_REPEATED_COST = 3  # and one that would be computed anew along an axis
_MAX_CONSUMERS = 3  # with more, an expression is materialised however cheap it is
_ONE_CONSUMER = 1.001  # slices of one array may add up to a little more than 1
_FEW = 2  # one of so many entries
_MAX_EXPRESSION_COST = 120  # registers are few, and so is Python's stack


def materialize(graph: Graph) -> Materialized:
    """Decide which nodes of a graph lie in memory."""
    choice = _Choice(graph)
    known = -1
    while known != len(choice.c_ordered):  # a node that needs C order changes what is a view
        known = len(choice.c_ordered)
        choice.views.clear()
        choice.require()
    choice.prefer()
    return Materialized(choice.inputs, frozenset(choice.nodes), frozenset(choice.c_ordered))


class _Choice:
    """The nodes that have been chosen so far, and the views of nodes that must lie in memory."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inputs = frozenset(graph.inputs)
        self.computed = [n for n in graph.nodes if n.primitive is not CONSTANT]
        self.unread = unpacked_for_nothing(self.computed, graph.outputs)
        self.c_ordered: set[Node] = set()
        self.views: dict[Node, View] = {}
        self.nodes: set[Node] = set()

    # What must lie in memory

    def require(self) -> None:
        """Materialise outputs, nodes that are no loop nests, and what those read from memory."""
        for node in self.computed:
            name = node.primitive.name
            if node.primitive is ITEM or node in self.unread:
                continue
            if not is_inline(node):
                self.nodes.add(node)
                if not fuses_inputs(node):
                    for child in memory_operands(node):
                        self.view(child)
            elif name == "gather":
                self.view(node.inputs[0])
            elif name == "reshape" and not keeps_axes(node):
                self.view(node)
        for node in self.graph.outputs:
            if is_inline(node) and node not in self.inputs:
                self._store(node)
        self._read_before_changes()

    def _read_before_changes(self) -> None:
        """Materialise the few entries that are read of an array which a scatter changes.

        Then they are read before the change, and it may happen where the array lies.
        """
        changed = {node.inputs[0] for node in self.computed if node.primitive.name in SCATTERS}
        for node in self.computed:
            if node.primitive.name in ("gather", "slice") and is_inline(node):
                array = viewed_node(node.inputs[0])
                if array in changed and _FEW * prod(node.shape) <= prod(array.shape):
                    self._store(node)

    def view(self, node: Node) -> View:
        """Ensure that a node lies in memory, as a view or materialised, and return how."""
        known = self.views.get(node)
        if known is None:
            known = self.views[node] = self._view(node)
        return known

    def _view(self, node: Node) -> View:
        if uniform_value(node) is not None:  # one number, which any view can repeat
            return View.whole(Buffer(prod(node.shape), node.dtype), node.shape)
        if node.primitive.name in VIEW_OPS and node not in self.nodes and is_native(node):
            child = node.inputs[0]
            view = view_of(node, self.view(child))
            if view is not None:
                return view
            self._store(child)  # a reshape of a strided view needs a contiguous copy
            if view_of(node, self.view(child)) is None:
                self.c_ordered.add(child)
                del self.views[child]
            view = view_of(node, self.view(child))
            assert view is not None
            return view
        if is_inline(node) and node not in self.inputs:
            self._store(node)
        order = None if node in self.c_ordered else stored_axis_order(node)
        return View.whole(Buffer(prod(node.shape), node.dtype), node.shape, order)

    def _store(self, node: Node) -> None:
        self.nodes.add(node)
        self.views.pop(node, None)

    # What is better in memory

    def prefer(self) -> None:
        """Materialise what would otherwise be recomputed too often, from last node to first."""
        # How much of a node is read by each step that would compute it
        readers: dict[Node, dict[Node, float]] = {}
        broadcast: set[Node] = set()
        costs = self._costs()
        for node in reversed(self.computed):
            if is_inline(node) and node not in self.nodes and node not in self.views:
                count = sum(min(1.0, share) for share in readers.get(node, {}).values())
                often = count > _MAX_CONSUMERS and not _is_like_a_load(node, costs[node])
                expensive = costs[node] >= _MAX_RECOMPUTED_COST or often
                repeated = node in broadcast and costs[node] >= _MAX_REPEATED_COST
                if (count > _ONE_CONSUMER and expensive) or repeated:
                    self._store(node)
            stored = node in self.nodes
            for child in node.inputs:
                shares = readers.setdefault(child, {})
                part = prod(node.shape) / prod(child.shape) if _is_slice(node) else 1.0
                for reader, share in ({node: 1.0} if stored else readers.get(node, {})).items():
                    shares[reader] = shares.get(reader, 0.0) + share * part
                if _is_narrower(child, node) or (node in broadcast and not stored):
                    broadcast.add(child)

    def _costs(self) -> dict[Node, int]:
        """Return the cost of an entry computed from memory; materialise what grows too large."""
        costs: dict[Node, int] = {}
        for node in self.computed:
            if node in self.nodes or not is_inline(node):
                costs[node] = 0
                continue
            costs[node] = cost(node)
            for child in node.inputs:
                below = costs.get(child, 0)
                if below < _MAX_REPEATED_COST or not _is_narrower(child, node):
                    costs[node] += below  # else it will be in memory
            if costs[node] > _MAX_EXPRESSION_COST and is_elementwise(node):
                self._store(node)
                costs[node] = 0
        return costs


def _is_like_a_load(node: Node, cost_of_entry: int) -> bool:
    """Whether computing an entry reads as much memory as loading it would, and does little more."""
    large = [child for child in node.inputs if not _is_narrower(child, node)]
    return cost_of_entry <= 1 and len(large) == 1


def _is_narrower(child: Node, node: Node) -> bool:
    """Return whether a child is repeated along an axis of the node."""
    arrays = child.dtype is not None and node.dtype is not None
    return arrays and prod(child.shape) < prod(node.shape)


def _is_slice(node: Node) -> bool:
    return node.primitive.name == "slice" and prod(node.shape) > 0
