"""Check a graph's invariants after a pass: order, single assignment, shapes and dtypes again."""

from __future__ import annotations

from ..config import config
from ..errors import CheckError
from .graph import Graph
from .node import CONSTANT, INPUT, Node


def verify(graph: Graph, after: str = "", before: Graph | None = None) -> Graph:
    """Return the graph itself, after checking it if ``CHAINRULE_CHECK=1``.

    A pass that made it of the graph `before`, which was checked, may have left nodes as they were:
    their types are not inferred again.

    Raises
    ------
    CheckError
        If an input is listed twice or is no leaf, a leaf is unknown, or a type differs from what
        its primitive infers.
    """
    if not config.check or graph is before:
        return graph
    _check_closed(graph, after)
    checked = frozenset(before.nodes) if before is not None else frozenset()
    known: set[Node] = set(graph.inputs)
    for node in graph.nodes:
        if not known.issuperset(node.inputs):
            raise CheckError(f"after {after}: {node!r} is read before it is computed")
        known.add(node)
        if node.primitive is CONSTANT or node in checked:
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
