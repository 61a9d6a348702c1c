"""What fusion returns: the steps of a graph, and which nodes lie in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ....graph.graph import Graph
from ....graph.node import CONSTANT, INPUT, ITEM, Node
from ....lazy import computed
from ..layout.view import View
from .axis_order import AxisOrder, stored_axis_order
from .op_traits import VIEW_OPS, is_inline, uniform_value


@dataclass(frozen=True, eq=False)
class Step:
    """What becomes one loop nest, product, loop or call.

    Attributes
    ----------
    nodes : tuple of Node
        A single node, or elementwise nodes of one shape that share a loop nest.
    reads : frozenset of Node
        Materialised nodes, inputs and constants that the step loads.
    by_numpy : bool
        Whether NumPy computes it.
    """

    nodes: tuple[Node, ...]
    reads: frozenset[Node]
    by_numpy: bool = False

    @property
    def node(self) -> Node:
        """The last, and often only, node."""
        return self.nodes[-1]

    @computed
    def is_cluster(self) -> bool:
        """Whether the step is a loop nest of elementwise nodes."""
        return not self.by_numpy and is_inline(self.node)


@dataclass(frozen=True)
class Materialized:
    """Which nodes of a graph lie in memory; all others are computed inside their consumers.

    Attributes
    ----------
    inputs : frozenset of Node
        Inputs of the graph, which lie in memory anyhow.
    nodes : frozenset of Node
        Nodes that are materialised.
    c_ordered : frozenset of Node
        Those of them that must be C-contiguous, even if another order of axes would be better.
    """

    inputs: frozenset[Node]
    nodes: frozenset[Node]
    c_ordered: frozenset[Node]

    def axis_order(self, node: Node) -> AxisOrder | None:
        """Return the order in which the axes of a node are stored; None for C order."""
        return None if node in self.c_ordered else stored_axis_order(node)

    def is_leaf(self, node: Node) -> bool:
        """Whether a node's numbers lie in memory before a step that reads it."""
        leaf = node.primitive in (INPUT, CONSTANT, ITEM)
        return leaf or node in self.nodes or node in self.inputs

    def leaves(self, node: Node) -> set[Node]:
        """Return the nodes in memory that computing a node reads."""
        leaves: set[Node] = set()
        stack = list(node.inputs)
        visited: set[Node] = set()
        while stack:
            child = stack.pop()
            if child in visited:
                continue
            visited.add(child)
            if self.is_leaf(child):
                if uniform_value(child) is None:
                    leaves.add(child)
            else:
                stack.extend(child.inputs)
        return leaves

    def computed(self, nodes: Iterable[Node]) -> list[Node]:
        """Return the nodes, and what is computed inside of them, in order."""
        stack, visited = list(nodes), set(nodes)
        while stack:
            for child in stack.pop().inputs:
                if child not in visited and not self.is_leaf(child):
                    visited.add(child)
                    stack.append(child)
        return sorted(visited, key=lambda node: node.serial)

    def reads_elementwise(self, node: Node, members: set[Node]) -> bool:
        """Whether a node reads members of a cluster only at its own position."""
        stack = [(node, True)]
        while stack:
            child, same_position = stack.pop()
            if child in members and child is not node:
                if not same_position or child.shape != node.shape:
                    return False
            elif child is node or not self.is_leaf(child):
                moves = child.primitive.name in VIEW_OPS or child.primitive.name == "gather"
                stack.extend((inner, same_position and not moves) for inner in child.inputs)
        return True


@dataclass(frozen=True)
class FusedGraph:
    """A graph as steps in the order in which they run."""

    graph: Graph
    materialized: Materialized
    steps: tuple[Step, ...]


def producer(node: Node) -> Node:
    """Return the node whose step computes `node`: an `item` is computed by its loop or branch."""
    return node.inputs[0] if node.primitive is ITEM else node


def view_of(node: Node, source: View) -> View | None:
    """Apply a view primitive to the view of its input; None if that takes a copy."""
    name = node.primitive.name
    if name == "reshape":
        return source.reshaped(node.shape)
    if name == "transpose":
        return source.transposed(node.params["axes"])
    if name == "slice":
        return source.sliced(node.params["index"])
    if name == "broadcast_to":
        return source.broadcast(node.shape)
    return source
