"""The engine of all rules: rebuild a graph node by node, each through a rule."""

from __future__ import annotations

from collections.abc import Callable

from ..graph.evaluate import replace_inputs
from ..graph.graph import Graph
from ..graph.node import Node, apply, origin

Rule = Callable[[Node, Node], Node]
"""``rule(node, original)``: the node with rewritten inputs, and as it was before."""


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """Return the graph with each node replaced by what `rule` makes of it, inputs first."""
    new: dict[Node, Node] = {}
    outer = origin.location
    try:
        for node in graph.nodes:
            result = node
            if not new.keys().isdisjoint(node.inputs):
                inputs = tuple([new.get(child, child) for child in node.inputs])
                result = replace_inputs(node, inputs)
            origin.location = node.source_location
            result = rule(result, node)
            if result is not node:
                new[node] = result
    finally:
        origin.location = outer
    if not any(node in new for node in graph.outputs):
        return graph
    return Graph(graph.inputs, tuple(new.get(node, node) for node in graph.outputs))


def replace(node: Node, inputs: tuple[Node, ...], **changed: object) -> Node:
    """Return the node over other inputs and with some parameters changed."""
    return apply(node.primitive, inputs, {**node.params, **changed}, node.source_location)
