"""Which results take the memory of the array that they are a change of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....graph.node import ITEM, Node
from ..fuse.steps import FusedGraph, Step
from ..fuse.updates import Storage, storage, updates


def changes(fused: FusedGraph) -> dict[Storage, Storage]:
    """Return the array that each result is a change of, if it may take the array's memory.

    It may where nobody reads the array after the step that changes it. An array that is an input of
    the graph may be overwritten only by whoever gave it: see `is_in_place`.
    """
    materialized = fused.materialized
    last_read = {storage(node): k for k, step in enumerate(fused.steps) for node in step.reads}
    for node in fused.graph.outputs:
        leaves = {node} if materialized.is_leaf(node) else materialized.leaves(node)
        last_read.update({storage(leaf): len(fused.steps) for leaf in leaves})
    return {
        result: array
        for k, step in enumerate(fused.steps)
        for array, result in updates(step, materialized)
        if last_read.get(array) == k and all(
            isinstance(s, tuple) or materialized.axis_order(s) is None for s in (array, result)
        )
    }  # fmt: skip


def states(result: Storage, changed: Mapping[Storage, Storage]) -> Iterator[Storage]:
    """Yield a result, the array that it is a change of, what that is a change of, and so on."""
    yield result
    while result in changed:
        result = changed[result]
        yield result


@dataclass(frozen=True)
class InPlace:
    """Decides about the results of the body of a loop or branch, a fused graph."""

    fused: FusedGraph
    changed: Mapping[Storage, Storage]

    @classmethod
    def of(cls, fused: FusedGraph) -> InPlace:
        return cls(fused, changes(fused))

    def __call__(self, k: int, j: int) -> bool:
        """Whether input k may be overwritten by output j while that is computed."""
        graph, materialized = self.fused.graph, self.fused.materialized
        old, new = graph.inputs[k], graph.outputs[j]
        if new not in materialized.nodes and new.primitive is not ITEM:
            return False
        if graph.outputs.index(new) != j or self._is_read_for_outputs(old, j):
            return False
        *_, first = written = [s for s in states(storage(new), self.changed)
                               if s not in materialized.inputs]  # fmt: skip
        begins_as_old = self.changed.get(first) is old
        started = False
        for step in self.fused.steps:
            if started and old in step.reads:
                return False
            if not started and any(s in written for s in _results(step)):
                started = True
                if old in step.reads and not begins_as_old and not self._moves_nothing(step, old):
                    return False
        return True

    def _is_read_for_outputs(self, old: Node, j: int) -> bool:
        """Whether another output is, or is computed from, the old value after the last step."""
        materialized = self.fused.materialized
        return any(
            old is node or (not materialized.is_leaf(node) and old in materialized.leaves(node))
            for other, node in enumerate(self.fused.graph.outputs)
            if other != j
        )

    def _moves_nothing(self, step: Step, old: Node) -> bool:
        """Whether a step reads each entry of the old value only to compute that entry."""
        materialized = self.fused.materialized
        return step.is_cluster and all(
            materialized.reads_elementwise(node, {old}) for node in step.nodes
        )


def _results(step: Step) -> list[Storage]:
    if step.node.dtype is None:
        return [(step.node, k) for k in range(len(step.node.shape))]
    return list(step.nodes)
