"""Calls of functions with derivatives of their own, once all derivatives are taken: their bodies.

%3 = custom_call %1 call=f body: graph(...)   ->   the nodes of the body over %1
"""

from __future__ import annotations

from collections.abc import Sequence

from ..control.custom_call import custom_call
from ..graph.evaluate import inline
from ..graph.graph import Graph
from ..graph.node import ITEM, Node
from .rewrite import rewrite


def inline_calls(graph: Graph) -> Graph:
    """Put the body of each call where the call was."""
    if not any(node.primitive is custom_call for node in graph.nodes):
        return graph
    results: dict[Node, Sequence[Node]] = {}

    def rule(node: Node, _original: Node) -> Node:
        if node.primitive is not ITEM or node.inputs[0].primitive is not custom_call:
            return node
        call = node.inputs[0]
        if call not in results:
            results[call] = inline(inline_calls(_body(call)), call.inputs)
        result: Node = results[call][node.params["index"]]
        return result

    return rewrite(graph, rule)


def _body(call: Node) -> Graph:
    body: Graph | None = call.params.get("body")
    if body is None:  # its numbers were known, and here they are not
        body = call.params["call"].graph([x.type for x in call.inputs])
    return body
