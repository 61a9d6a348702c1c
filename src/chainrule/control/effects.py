"""Effects inside of loops and branches, whose derivatives must not call Python again.

The derivative of a loop runs its body once more. So a node whose body has effects gives, beside
its results, what each callback (and each loop or branch with callbacks) in it gave. Its derivative
reads these numbers as further inputs, and nothing is left in it that calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.evaluate import substitute
from ..graph.graph import Graph
from ..graph.node import ITEM, Node, input_node, items
from ..primitives.callback import callback


def effects(graph: Graph) -> list[Node]:
    """Return the nodes that call a Python function with effects, or hold a graph that does."""
    return [node for node in graph.nodes if has_effect(node)]


def has_effect(node: Node) -> bool:
    """Return whether a node calls a Python function with effects, or holds a graph that does."""
    if node.primitive is callback:
        return not node.params["call"].pure
    return any(isinstance(value, Graph) and effects(value) for value in node.params.values())


def refuse_effects(graph: Graph, name: str) -> None:
    """Raise if a loop or branch that is to run for a whole batch at once has effects."""
    if effects(graph):
        raise UnsupportedError(
            at_user_line(
                f"vmap of a {name} with an io_callback in it, which would be called for all "
                "examples of one iteration before the next: loop over the examples with scan"
            )
        )


def results_of_effects(graph: Graph) -> tuple[Node, ...]:
    """Return all results of what has effects, to be further outputs of the graph."""
    return tuple(item for node in effects(graph) for item in items(node))


class Replay(NamedTuple):
    """Nodes without effects, and what they read instead.

    Attributes
    ----------
    outputs : list of Node
        Over the same inputs, and `known`.
    known : list of Node
        Inputs that stand for what effects gave.
    values : list
        These numbers: results of the node that holds the graph.
    """

    outputs: list[Node]
    known: list[Node]
    values: list[Any]


def replay(graph: Graph, results: Any, outputs: Sequence[Node], first: int = 0) -> Replay:
    """Return nodes over a graph's inputs, with what its effects gave as further inputs.

    `results` are those of the node that holds the graph, from the number `first` on those that
    may be read.
    """
    calls = set(effects(graph))
    known: dict[tuple[Node, int], Node] = {}
    replacement = {}
    nodes = Graph(graph.inputs, tuple(outputs)).nodes
    for node in nodes:
        if node.primitive is ITEM and node.inputs[0] in calls:
            key = (node.inputs[0], node.params["index"])
            replacement[node] = known.setdefault(key, input_node(node.type))
    numbered = [(x.inputs[0], x.params["index"]) if x.primitive is ITEM else None
               for x in graph.outputs]  # fmt: skip
    if not set(known) <= set(numbered[first:]):
        raise GradientError(
            at_user_line(
                "a loop or branch that calls io_callback was simplified before its derivative was "
                "taken: take the derivative of the function itself"
            )
        )
    values = [ITEM(results, index=numbered.index(key, first)) for key in known]
    return Replay(substitute(outputs, replacement, nodes), list(known.values()), values)
