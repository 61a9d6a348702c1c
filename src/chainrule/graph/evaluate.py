"""Evaluate and rebuild graphs, for any array namespace: the oracle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .graph import Graph
from .node import REFERENCE, Node, apply, constant, input_node
from .types import weak_constant


def evaluate(graph: Graph, arguments: Sequence[Any], xp: Any = REFERENCE) -> list[Any]:
    """Return the outputs' values for these inputs' values; each value is dropped after its last
    reader.
    """
    if len(arguments) != len(graph.inputs):
        raise ValueError(f"{len(arguments)} arguments for a graph of {len(graph.inputs)} inputs")
    return graph.schedule.run(xp, arguments)


def substitute(
    outputs: Iterable[Node], replacement: Mapping[Node, Node], nodes: Sequence[Node]
) -> list[Node]:
    """Rebuild the outputs with some nodes replaced; `nodes` lists, in order, what may need
    rebuilding.
    """
    new: dict[Node, Node] = dict(replacement)
    for node in nodes:
        if node not in new and not new.keys().isdisjoint(node.inputs):
            new[node] = replace_inputs(
                node, tuple([new.get(child, child) for child in node.inputs])
            )
    return [new.get(node, node) for node in outputs]


def replace_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Return the node over other inputs with its source location, or itself if they are equal."""
    if inputs == node.inputs:
        return node
    for new, old in zip(inputs, node.inputs, strict=True):
        if new is not old and (new.shape != old.shape or new.dtype != old.dtype):
            break
    else:
        if any(x.value is None for x in inputs):  # then only the type is known, and it stays
            type_ = node.shape, node.dtype
            return Node(node.primitive, inputs, node.params, *type_, None, node.source_location)
    return apply(node.primitive, inputs, node.params, node.source_location)


def closed(inputs: Sequence[Node], outputs: Sequence[Node], leaves: Collection[Node]) -> Graph:
    """Return a graph whose inputs are leaves of no other graph: those of `leaves`, and new ones.

    An input that is computed elsewhere, such as what a loop's body reads of the graph around it,
    must not be looked through: the rules of `simplify` would take what lies behind it into the
    body, where nobody computes it. So a new leaf takes its place.
    """
    graph = Graph(tuple(inputs), tuple(outputs))
    new_leaves = {node: input_node(node.type) for node in inputs if node not in leaves}
    if not new_leaves:
        return graph
    new_inputs = tuple([new_leaves.get(node, node) for node in inputs])
    return Graph(new_inputs, tuple(substitute(outputs, new_leaves, graph.nodes)))


def inline(graph: Graph, arguments: Sequence[Node]) -> list[Node]:
    """Return the graph's outputs as nodes over other inputs."""
    replacement = dict(zip(graph.inputs, arguments, strict=True))
    return substitute(graph.outputs, replacement, graph.nodes)


def call(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
    """Apply a graph as a primitive is applied: nodes give nodes, arrays give arrays."""
    if any(isinstance(x, Node) for x in arguments):
        nodes = [
            x if isinstance(x, Node) else constant(weak_constant(x, t.dtype))
            for x, t in zip(arguments, graph.input_types, strict=True)
        ]
        return inline(graph, nodes)
    return evaluate(graph, arguments)
