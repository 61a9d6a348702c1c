"""Which nodes are computed together, which are stored, and in what order.

A *stored* node has its numbers in memory; any other is computed where it is read. A `Step` is what
runs at once: a cluster of stored elementwise nodes over one domain, or a single other node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod

from ....graph.graph import Graph
from ....graph.node import CONSTANT, INPUT, ITEM, Node
from ..expressions.expression import keeps_order
from ..layout.view import Buffer, View
from . import op_traits as kinds
from .axis_order import Order, layout
from .op_traits import VIEWS, cost, is_elementwise, is_native, uniform

_RECOMPUTE = 8  # an expression of fewer additions is computed again rather than stored
_READERS = 3
_ONCE = 1.001  # parts of one whole may add up to a little more than 1
_LARGEST = 120  # no expression grows beyond: registers are few, and so is Python's stack
_STORES = 8


@dataclass(eq=False)
class Step:
    """What runs at once.

    Attributes
    ----------
    nodes : list of Node
        One, or those of a cluster: they have the same shape.
    reads : set of Node
        Stored nodes (or inputs, constants) that it loads.
    host : bool
        Whether the reference computes it.
    """

    nodes: list[Node]
    reads: set[Node] = field(default_factory=set)
    host: bool = False

    @property
    def node(self) -> Node:
        """The last, and often only, node."""
        return self.nodes[-1]

    @property
    def is_cluster(self) -> bool:
        """Whether it is a loop nest of elementwise work."""
        return not self.host and is_inline(self.node)


def is_inline(node: Node) -> bool:
    """Whether a node may be computed where it is read."""
    if node.primitive.name not in VIEWS and not is_elementwise(node):
        return node.primitive.name == "gather" and is_native(node)
    return is_native(node)


class Fusion:
    """The steps of a graph, and which nodes are stored or seen as views."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = [n for n in graph.nodes if n.primitive is not CONSTANT]
        self.layouts: dict[Node, View] = {}
        self.stored: set[Node] = set()
        self.plain: set[Node] = set()  # stored in the order of their axes, whatever `layout` says
        known = -1
        while known != len(self.plain):
            known = len(self.plain)
            self.layouts.clear()
            self._must()
        self._choose()
        self.steps = _order(self._merge(self._steps()))

    # What must be in memory

    def _must(self) -> None:
        for node in self.nodes:
            name = node.primitive.name
            if node.primitive is ITEM:
                continue
            if not is_inline(node):
                self.stored.add(node)
                for child in self._memory_inputs(node):
                    self.resolve(child)
            elif name == "gather":
                self.resolve(node.inputs[0])
            elif name == "reshape" and not keeps_order(node):
                self.resolve(node)
        for node in self.graph.outputs:
            if is_inline(node) and node not in self.graph.inputs:
                self._store(node)

    def _memory_inputs(self, node: Node) -> Iterable[Node]:
        """Which inputs a step reads from memory; others it computes as it goes."""
        name = node.primitive.name
        if not is_native(node):
            return node.inputs
        if (
            name == "argsort"
            or name in kinds.PARTS
            or name in kinds.REDUCTIONS
            or name in kinds.ALONG
        ):
            return ()
        return () if name in kinds.SCATTERS else node.inputs

    def resolve(self, node: Node) -> View:
        """See to it that a node is in memory, as a view or stored; its layout."""
        known = self.layouts.get(node)
        if known is None:
            known = self.layouts[node] = self._resolve(node)
        return known

    def _resolve(self, node: Node) -> View:
        name = node.primitive.name
        if uniform(node) is not None:  # one number, which any view can repeat
            return View.whole(Buffer(prod(node.shape), node.dtype), node.shape)
        if name in VIEWS and node not in self.stored and is_native(node):
            source = self.resolve(node.inputs[0])
            made = viewed(node, source)
            if made is not None:
                return made
            child = node.inputs[0]
            self._store(child)  # reshape of what lies scattered: gathered first
            if viewed(node, self.resolve(child)) is None:
                self.plain.add(child)
                del self.layouts[child]
            made = viewed(node, self.resolve(child))
            assert made is not None
            return made
        if is_inline(node) and node not in self.graph.inputs:
            self._store(node)
        return View.whole(Buffer(prod(node.shape), node.dtype), node.shape, self.order(node))

    def order(self, node: Node) -> Order | None:
        """In which order the axes of a stored node lie; None for their own."""
        return None if node in self.plain else layout(node)

    def _store(self, node: Node) -> None:
        self.stored.add(node)
        self.layouts.pop(node, None)

    # What is better in memory

    def _choose(self) -> None:
        """From the last node to the first: how many steps would compute it, at what cost?"""
        readers: dict[Node, dict[Node, float]] = {}  # and how much of it each reads
        spread: set[Node] = set()
        costs = self._costs()
        for node in reversed(self.nodes):
            if is_inline(node) and node not in self.stored and node not in self.layouts:
                count = sum(min(1.0, share) for share in readers.get(node, {}).values())
                again = costs[node] >= _RECOMPUTE or count > _READERS
                repeated = node in spread and costs[node] >= 3
                if (count > _ONCE and again) or repeated:
                    self._store(node)
            final = node in self.stored
            for child in node.inputs:
                shares = readers.setdefault(child, {})
                part = prod(node.shape) / prod(child.shape) if _is_cut(node) else 1.0
                for reader, share in ({node: 1.0} if final else readers.get(node, {})).items():
                    shares[reader] = shares.get(reader, 0.0) + share * part
                wider = prod(child.shape) < prod(node.shape) if _both_arrays(child, node) else False
                if wider or (node in spread and not final):
                    spread.add(child)

    def _costs(self) -> dict[Node, int]:
        """The cost of an entry, computed from what is stored; stores what grows too large."""
        costs: dict[Node, int] = {}
        for node in self.nodes:
            if node in self.stored or not is_inline(node):
                costs[node] = 0
                continue
            inner = sum(costs.get(child, 0) for child in node.inputs)
            costs[node] = cost(node) + inner
            if costs[node] > _LARGEST and is_elementwise(node):
                self._store(node)
                costs[node] = 0
        return costs

    # Steps

    def _steps(self) -> list[Step]:
        steps = []
        for node in self.nodes:
            if node in self.stored:
                steps.append(Step([node], self.leaves(node), not is_native(node)))
        return steps

    def leaves(self, node: Node) -> set[Node]:
        """The stored nodes, inputs and constants that computing a node reads."""
        found: set[Node] = set()
        stack = list(node.inputs)
        seen: set[Node] = set()
        while stack:
            child = stack.pop()
            if child in seen:
                continue
            seen.add(child)
            if self.is_leaf(child):
                if uniform(child) is None:
                    found.add(child)
            else:
                stack.extend(child.inputs)
        return found

    def is_leaf(self, node: Node) -> bool:
        """Whether a node's numbers are there before a step that reads it."""
        leaf = node.primitive in (INPUT, CONSTANT, ITEM)
        return leaf or node in self.stored or node in self.graph.inputs

    def _merge(self, steps: list[Step]) -> list[Step]:
        """Join clusters of one shape that read the same or each other."""
        maker: dict[Node, Step] = {}
        behind: dict[Step, set[Step]] = {}  # all steps that a step waits for
        merged: list[Step] = []
        for step in steps:
            waits = {maker[base(n)] for n in step.reads if base(n) in maker}
            target = None
            if step.is_cluster:
                target = self._partner(step, merged, waits, behind)
            if target is None:
                merged.append(step)
                target = step
                behind[step] = set()
            else:
                target.nodes.append(step.node)
                target.reads |= step.reads
            closure = set(waits).union(*[behind[w] for w in waits]) - {target}
            behind[target] |= closure
            for other in merged:  # whoever waits for the target now waits for this, too
                if target in behind[other]:
                    behind[other] |= closure
            maker[step.node] = target
        for step in merged:
            step.reads -= set(step.nodes)
        return merged

    def _partner(
        self, step: Step, merged: list[Step], waits: set[Step], behind: dict[Step, set[Step]]
    ) -> Step | None:
        for other in reversed(merged):
            if not other.is_cluster or other.node.shape != step.node.shape:
                continue
            if len(other.nodes) >= _STORES:
                continue
            related = other in waits or bool(other.reads & step.reads)
            if not related or any(other in behind[w] for w in waits if w is not other):
                continue
            if other in waits and not self.reads_in_step(step.node, set(other.nodes)):
                continue
            return other
        return None

    def reads_in_step(self, node: Node, members: set[Node]) -> bool:
        """Whether a node reads members of a cluster only at its own place."""
        stack = [(node, True)]
        while stack:
            child, straight = stack.pop()
            if child in members and child is not node:
                if not straight or child.shape != node.shape:
                    return False
            elif child is node or not self.is_leaf(child):
                moved = child.primitive.name in VIEWS or child.primitive.name == "gather"
                stack.extend((inner, straight and not moved) for inner in child.inputs)
        return True


def base(node: Node) -> Node:
    """The node whose step makes it: that of several results for one of them."""
    return node.inputs[0] if node.primitive is ITEM else node


def _is_cut(node: Node) -> bool:
    return node.primitive.name == "slice" and prod(node.shape) > 0


def _both_arrays(a: Node, b: Node) -> bool:
    return a.dtype is not None and b.dtype is not None


def viewed(node: Node, source: View) -> View | None:
    """The view that a moving primitive makes of its input's, or None if that takes a copy."""
    name = node.primitive.name
    if name == "reshape":
        return source.reshaped(node.shape)
    if name == "transpose":
        return source.transposed(node.params["axes"])
    if name == "slice":
        return source.cut(node.params["index"])
    if name == "broadcast_to":
        return source.broadcast(node.shape)
    return source


def _order(steps: list[Step]) -> list[Step]:
    """Steps such that each comes after what it reads, otherwise as the graph has them."""
    maker = {node: step for step in steps for node in step.nodes}
    rank = {step: max(node.serial for node in step.nodes) for step in steps}
    waiting: dict[Step, set[Step]] = {}
    readers: dict[Step, list[Step]] = {step: [] for step in steps}
    for step in steps:
        waiting[step] = {maker[base(n)] for n in step.reads if base(n) in maker} - {step}
        for other in waiting[step]:
            readers[other].append(step)
    ready = [(rank[step], k) for k, step in enumerate(steps) if not waiting[step]]
    number = {step: k for k, step in enumerate(steps)}
    heapify(ready)
    result = []
    while ready:
        step = steps[heappop(ready)[1]]
        result.append(step)
        for reader in readers[step]:
            waiting[reader].discard(step)
            if not waiting[reader]:
                heappush(ready, (rank[reader], number[reader]))
    assert len(result) == len(steps), "steps that wait for each other"
    return result
