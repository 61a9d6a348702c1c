"""The order of work of a graph, numbered once so that running it looks nothing up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .node import CONSTANT, Node


class EvaluationStep(NamedTuple):
    """One node: reads some slots, writes one, then releases those that nobody reads again."""

    evaluate: Callable[..., Any]
    reads: tuple[int, ...]
    params: dict[str, Any]
    writes: int
    releases: tuple[int, ...]


class Schedule:
    """The slots for every value of a graph, and the steps that fill them."""

    def __init__(
        self, inputs: Sequence[Node], nodes: Sequence[Node], outputs: Sequence[Node]
    ) -> None:
        slot = {node: k for k, node in enumerate((*inputs, *nodes))}
        # What is there before the first step: nothing, except constants.
        constants = [node.value if node.primitive is CONSTANT else None for node in nodes]
        self.initial: list[Any] = constants
        self.outputs = [slot[node] for node in outputs]
        retained = {*self.outputs, *(slot[node] for node in nodes if node.primitive is CONSTANT)}
        steps: list[EvaluationStep] = []
        read_later: set[int] = set(retained)
        for node in reversed(nodes):
            if node.primitive is CONSTANT:
                continue
            reads = tuple(slot[child] for child in node.inputs)
            releases = tuple(set(reads) - read_later)
            read_later.update(reads)
            steps.append(
                EvaluationStep(node.primitive.evaluate, reads, node.params, slot[node], releases)
            )
        self.steps = steps[::-1]

    def run(self, xp: Any, arguments: Sequence[Any]) -> list[Any]:
        """Return the outputs' values for these inputs' values."""
        values = [*arguments, *self.initial]
        for evaluate, reads, params, writes, releases in self.steps:
            values[writes] = evaluate(xp, *[values[k] for k in reads], **params)
            for k in releases:
                values[k] = None
        return [values[k] for k in self.outputs]
