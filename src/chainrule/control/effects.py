"""Effects inside of loops and branches, whose derivatives must not call Python again.

The derivative of a loop runs its body once more. So a node whose body has effects gives, beside
its results, what each callback (and each loop or branch with callbacks) in it gave; its derivative
is that of the same node with these numbers as further inputs, in which nothing is called.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import GradientError, at_user_line
from ..graph.evaluate import substitute
from ..graph.graph import Graph
from ..graph.node import ITEM, Node, apply, input_node
from ..primitives.callback import callback


def effects(graph: Graph) -> list[Node]:
    """Return the nodes that call a Python function with effects, or hold a graph that does."""
    return [node for node in graph.nodes if _has_effect(node)]


def _has_effect(node: Node) -> bool:
    if node.primitive is callback:
        return not node.params["call"].pure
    return any(isinstance(value, Graph) and effects(value) for value in node.params.values())


def results_of_effects(graph: Graph) -> tuple[Node, ...]:
    """Return all results of what has effects, to be further outputs of the graph."""
    return tuple(
        apply(ITEM, (node,), {"index": k}) for node in effects(graph) for k in range(len(node.shape))
    )


def replayed(graph: Graph, position: int, first_output: int = 0) -> tuple[Graph, list[int]]:
    """Return the graph without effects: what they gave are inputs, from a position on.

    And the numbers of the outputs, from a first one on, at which the graph gives them.
    """
    nodes = set(effects(graph))
    leaves: dict[tuple[Node, int], Node] = {}
    replacement = {}
    for item in graph.nodes:
        if item.primitive is ITEM and item.inputs[0] in nodes:
            key = (item.inputs[0], item.params["index"])
            replacement[item] = leaves.setdefault(key, input_node(item.type))
    outputs = [(x.inputs[0], x.params["index"]) if x.primitive is ITEM else None
               for x in graph.outputs[first_output:]]  # fmt: skip
    if not set(leaves) <= set(outputs):
        raise GradientError(
            at_user_line(
                "a loop or branch that calls io_callback was simplified before its derivative was "
                "taken: take the derivative of the function itself"
            )
        )
    inputs = (*graph.inputs[:position], *leaves.values(), *graph.inputs[position:])
    pure = Graph(inputs, tuple(substitute(graph.outputs, replacement, graph.nodes)))
    return pure, [first_output + outputs.index(key) for key in leaves]


def inserted(values: Sequence[object], position: int, more: Sequence[object]) -> list[object]:
    """Return a list with more values in it, from a position on."""
    return [*values[:position], *more, *values[position:]]
