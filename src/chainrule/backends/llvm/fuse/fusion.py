"""The fusion pass: a graph to steps, each of which becomes one loop nest, product, loop or call."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from operator import attrgetter

from ....graph.graph import Graph
from ....graph.node import CONSTANT, Node
from ....graph.types import Shape
from .materialize import materialize
from .op_traits import is_native
from .steps import FusedGraph, Materialized, Step, producer
from .updates import Storage, storage, updates

_MAX_STORES = 8  # results of one loop nest
_MOST_CANDIDATES = 32  # loop nests that read a node, of which one is to compute another result
_WINDOW = 2048  # loop nests before a step of which one may compute its result, too


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


class _Cluster:
    """Steps that are to be one, and all clusters of its window that it depends on, as bits."""

    def __init__(self, step: Step, number: int) -> None:
        self.steps = [step]
        self.reads = set(step.reads)
        self.number = number
        self.bit = 1 << number
        self.depends_on = 0
        self.readers: list[_Cluster] = []  # those of its window that depend on it directly

    @property
    def step(self) -> Step:
        """The step that was added last."""
        return self.steps[-1]


class _Clusters:
    """Joins elementwise steps of one shape that read the same nodes, or each other.

    A step joins one of the last `_WINDOW` clusters, and of those that read a node with it one of
    the last `_MOST_CANDIDATES`, so that the time for a step does not grow with the graph.
    """

    def __init__(self, materialized: Materialized) -> None:
        self.materialized = materialized
        self.clusters: list[_Cluster] = []
        self._start_window()

    def _start_window(self) -> None:
        """Leave all clusters so far as they are."""
        self.first = len(self.clusters)
        self.cluster_of: dict[Node, _Cluster] = {}
        self.open: dict[tuple[Node, Shape], list[_Cluster]] = {}  # by the nodes that they read

    def add(self, step: Step) -> None:
        """Add a step that comes after all those that it reads."""
        if len(self.clusters) - self.first == _WINDOW:
            self._start_window()
        sources = (producer(node) for node in step.reads)
        direct = {self.cluster_of[node] for node in sources if node in self.cluster_of}
        target = self._partner(step, direct) if step.is_cluster else None
        new_reads = step.reads
        if target is None:
            target = _Cluster(step, len(self.clusters) - self.first)
            self.clusters.append(target)
        else:
            target.steps.append(step)
            new_reads -= target.reads
            target.reads |= step.reads
        if step.is_cluster:
            for node in new_reads:
                self.open.setdefault((node, step.node.shape), []).append(target)
        _depend(target, direct - {target})
        self.cluster_of[step.node] = target

    def _partner(self, step: Step, direct: set[_Cluster]) -> _Cluster | None:
        """Return the last cluster that a step may join without a circular dependency."""
        required = 0
        for cluster in direct:
            required |= cluster.depends_on
        for other in self._related(step, direct):
            if other.bit & required:
                continue
            members = {member.node for member in other.steps}
            if other in direct and not self.materialized.reads_elementwise(step.node, members):
                continue
            return other
        return None

    def _related(self, step: Step, direct: set[_Cluster]) -> Iterator[_Cluster]:
        """Yield clusters of the step's shape that it reads, or that read the same, from the last.

        No cluster depends on itself, so those of `direct` need not be told apart.
        """
        shape = step.node.shape
        candidates = {c for c in direct if c.step.is_cluster and c.step.node.shape == shape}
        for node in step.reads:
            candidates.update(self.open.get((node, shape), ())[-_MOST_CANDIDATES:])
        return iter(sorted(
            [c for c in candidates if len(c.steps) < _MAX_STORES], key=_number, reverse=True
        ))  # fmt: skip

    def steps(self) -> list[Step]:
        """Return one step for each cluster."""
        joined = []
        for cluster in self.clusters:
            nodes = tuple(step.node for step in cluster.steps)
            reads = frozenset(cluster.reads - set(nodes))
            joined.append(Step(nodes, reads, cluster.step.by_numpy))
        return joined


_number = attrgetter("number")


def _depend(target: _Cluster, direct: set[_Cluster]) -> None:
    """Make a cluster, and so whoever depends on it, depend on others."""
    new = 0
    for cluster in direct:
        new |= cluster.depends_on | cluster.bit
        cluster.readers.append(target)
    stack = [target]
    while stack:
        cluster = stack.pop()
        if new & ~cluster.depends_on:
            cluster.depends_on |= new
            stack += cluster.readers


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
