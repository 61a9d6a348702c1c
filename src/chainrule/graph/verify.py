"""Check a graph's invariants after a pass: order, single assignment, shapes and dtypes again."""

from __future__ import annotations

from ..config import config
from ..errors import CheckError
from .graph import Graph
from .node import CONSTANT, INPUT, Node


def verify(graph: Graph, after: str = "") -> Graph:
    """The graph itself, checked if ``CHAINRULE_CHECK=1``.

    Raises
    ------
    CheckError
        If an input is listed twice, a leaf is unknown, or a type differs from what its
        primitive infers.
    """
    if not config.check:
        return graph
    if len(set(graph.inputs)) != len(graph.inputs):
        raise CheckError(f"after {after}: an input is listed twice")
    known: set[Node] = set(graph.inputs)
    for node in graph.nodes:
        if node.primitive is INPUT:
            raise CheckError(f"after {after}: {node!r} is read but is no input of the graph")
        if any(child not in known for child in node.inputs):
            raise CheckError(f"after {after}: {node!r} is read before it is computed")
        known.add(node)
        if node.primitive is CONSTANT:
            continue
        types = [child.type for child in node.inputs]
        inferred = node.primitive.infer(*types, **node.params)
        inferred = tuple(inferred) if node.primitive.multiple else inferred
        if inferred != node.type:
            raise CheckError(f"after {after}: {node!r} should have type {inferred}")
    return graph
