"""Check a graph's invariants after a pass: order, single assignment, shapes and dtypes again."""

from __future__ import annotations

from ..config import config
from ..errors import CheckError
from .graph import Graph
from .node import CONSTANT, INPUT, Node


def verify(graph: Graph, after: str = "") -> Graph:
    """Return the graph itself, after checking it if ``CHAINRULE_CHECK=1``.

    Raises
    ------
    CheckError
        If an input is listed twice or is no leaf, a leaf is unknown, or a type differs from what
        its primitive infers.
    """
    if not config.check:
        return graph
    _check_closed(graph, after)
    known: set[Node] = set(graph.inputs)
    for node in graph.nodes:
        if any(child not in known for child in node.inputs):
            raise CheckError(f"after {after}: {node!r} is read before it is computed")
        known.add(node)
        if node.primitive is CONSTANT:
            continue
        for inner in node.params.values():
            if isinstance(inner, Graph):
                _check_closed(inner, after)
        types = [child.type for child in node.inputs]
        inferred = node.primitive.infer(*types, **node.params)
        inferred = tuple(inferred) if node.primitive.multiple else inferred
        if inferred != node.type:
            raise CheckError(f"after {after}: {node!r} should have type {inferred}")
    return graph


def _check_closed(graph: Graph, after: str) -> None:
    """Raise unless a graph, or a body, reads nothing but its inputs, and these are leaves."""
    if len(set(graph.inputs)) != len(graph.inputs):
        raise CheckError(f"after {after}: an input is listed twice")
    for node in graph.inputs:
        if node.primitive is not INPUT:
            raise CheckError(f"after {after}: {node!r} is an input, but no leaf: close the graph")
    for node in graph.nodes:
        if node.primitive is INPUT:
            raise CheckError(f"after {after}: {node!r} is read but is no input of the graph")
