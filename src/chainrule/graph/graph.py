"""`Graph`: what leads from some inputs to some outputs."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from ..lazy import computed
from .node import Node
from .schedule import Schedule
from .text import to_text
from .types import Type


@dataclass(frozen=True, eq=False)
class Graph:
    """A slice of the nodes: what leads from `inputs` to `outputs`.

    Invariants: no two inputs are the same node, and nothing under the outputs is an input of
    another graph. In a graph that is kept (that of a function, or of a loop's body) the inputs are
    leaves, so that no rule can look through them into a graph around it (see `closed`).
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @computed
    def nodes(self) -> tuple[Node, ...]:
        """Everything but the inputs, in an order in which it can be computed."""
        inputs = set(self.inputs)
        seen: set[Node] = set(inputs)
        order: list[Node] = []
        stack = [node for node in self.outputs if node not in seen]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            order.append(node)
            for child in node.inputs:
                if child not in seen:
                    stack.append(child)
        order.sort(key=attrgetter("serial"))
        return tuple(order)

    @computed
    def schedule(self) -> Schedule:
        """The order of work, for the reference evaluator."""
        return Schedule(self.inputs, self.nodes, self.outputs)

    @property
    def input_types(self) -> tuple[Type, ...]:
        """The inputs' types."""
        return tuple(node.type for node in self.inputs)

    @property
    def output_types(self) -> tuple[Type, ...]:
        """The outputs' types."""
        return tuple(node.type for node in self.outputs)

    def __str__(self) -> str:
        return to_text(self.inputs, self.nodes, self.outputs)
