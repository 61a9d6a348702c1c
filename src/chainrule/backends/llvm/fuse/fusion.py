"""The fusion pass: a graph to steps, each of which becomes one loop nest, product, loop or call."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from ....graph.graph import Graph
from ....graph.node import CONSTANT, Node
from .materialize import materialize
from .op_traits import is_native
from .steps import FusedGraph, Materialized, Step, producer
from .updates import Storage, storage, updates

_MAX_STORES = 8  # results of one loop nest


def fuse(graph: Graph) -> FusedGraph:
    """Materialise some nodes and compute the others inside their consumers.

    Materialised elementwise nodes of one shape with common inputs share a loop nest.
    """
    materialized = materialize(graph)
    clusters = _Clusters(materialized)
    for node in graph.nodes:
        if node.primitive is not CONSTANT and node in materialized.nodes:
            clusters.add(Step((node,), frozenset(materialized.leaves(node)), not is_native(node)))
    return FusedGraph(graph, materialized, tuple(_ordered(clusters.steps(), materialized)))


@dataclass(eq=False)
class _Cluster:
    """Steps that are to be one, and all clusters that it depends on."""

    steps: list[Step]
    reads: set[Node]
    depends_on: set[_Cluster] = field(default_factory=set)

    @property
    def step(self) -> Step:
        """The step that was added last."""
        return self.steps[-1]


class _Clusters:
    """Joins elementwise steps of one shape that read the same nodes, or each other."""

    def __init__(self, materialized: Materialized) -> None:
        self.materialized = materialized
        self.clusters: list[_Cluster] = []
        self.cluster_of: dict[Node, _Cluster] = {}

    def add(self, step: Step) -> None:
        """Add a step that comes after all those that it reads."""
        sources = (producer(node) for node in step.reads)
        direct = {self.cluster_of[node] for node in sources if node in self.cluster_of}
        target = self._partner(step, direct) if step.is_cluster else None
        if target is None:
            target = _Cluster([step], set(step.reads))
            self.clusters.append(target)
        else:
            target.steps.append(step)
            target.reads |= step.reads
        dependencies = direct.union(*[other.depends_on for other in direct]) - {target}
        target.depends_on |= dependencies
        for other in self.clusters:  # whoever depends on the target now depends on these, too
            if target in other.depends_on:
                other.depends_on |= dependencies
        self.cluster_of[step.node] = target

    def _partner(self, step: Step, direct: set[_Cluster]) -> _Cluster | None:
        """Return the last cluster that a step may join without a circular dependency."""
        for other in reversed(self.clusters):
            if not other.step.is_cluster or other.step.node.shape != step.node.shape:
                continue
            if len(other.steps) >= _MAX_STORES:
                continue
            related = other in direct or bool(other.reads & step.reads)
            if not related or any(other in d.depends_on for d in direct if d is not other):
                continue
            members = {member.node for member in other.steps}
            if other in direct and not self.materialized.reads_elementwise(step.node, members):
                continue
            return other
        return None

    def steps(self) -> list[Step]:
        """Return one step for each cluster."""
        joined = []
        for cluster in self.clusters:
            nodes = tuple(step.node for step in cluster.steps)
            reads = frozenset(cluster.reads - set(nodes))
            joined.append(Step(nodes, reads, cluster.step.by_numpy))
        return joined


def _ordered(steps: list[Step], materialized: Materialized) -> list[Step]:
    """Sort steps so that each comes after what it reads, otherwise in the graph's order.

    What changes an array comes after those that read the array, where these do not depend on it.
    """
    step_of = {node: step for step in steps for node in step.nodes}
    rank = {step: max(node.serial for node in step.nodes) for step in steps}
    waiting: dict[Step, set[Step]] = {}
    readers: dict[Step, list[Step]] = {step: [] for step in steps}
    for step in steps:
        sources = (producer(node) for node in step.reads)
        waiting[step] = {step_of[node] for node in sources if node in step_of} - {step}
        for other in waiting[step]:
            readers[other].append(step)
    reading: dict[Storage, list[Step]] = {}
    for step in steps:
        for node in step.reads:
            reading.setdefault(storage(node), []).append(step)
    for step in steps:
        for array, _ in updates(step, materialized):
            for other in reading.get(array, ()):
                known = other is step or other in waiting[step]
                if not known and not _leads_to(step, other, readers):
                    waiting[step].add(other)
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


def _leads_to(first: Step, last: Step, readers: dict[Step, list[Step]]) -> bool:
    """Whether a step must come before another one."""
    stack, seen = [first], {first}
    while stack:
        for reader in readers[stack.pop()]:
            if reader is last:
                return True
            if reader not in seen:
                seen.add(reader)
                stack.append(reader)
    return False
