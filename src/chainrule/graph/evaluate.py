"""Evaluate and rebuild graphs node by node, for any array namespace: the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .graph import Graph
from .node import CONSTANT, REFERENCE, Node, apply


def evaluate(graph: Graph, arguments: Sequence[Any], xp: Any = REFERENCE) -> list[Any]:
    """The outputs' values for these inputs' values. A value is dropped after its last reader."""
    values: dict[Node, Any] = dict(zip(graph.inputs, arguments, strict=True))
    last = last_readers(graph)
    for node in graph.nodes:
        if node.primitive is CONSTANT:
            values[node] = node.value
            continue
        inputs = [values[child] for child in node.inputs]
        values[node] = node.primitive.evaluate(xp, *inputs, **node.params)
        for child in last.get(node, ()):
            del values[child]
    return [values[node] for node in graph.outputs]


def last_readers(graph: Graph) -> dict[Node, list[Node]]:
    """For each node, the values that nobody reads after it."""
    kept = set(graph.outputs)
    seen: set[Node] = set()
    last: dict[Node, list[Node]] = {}
    for node in reversed(graph.nodes):
        for child in node.inputs:
            if child not in seen:
                seen.add(child)
                if child not in kept:
                    last.setdefault(node, []).append(child)
    return last


def substitute(
    outputs: Iterable[Node], replacement: Mapping[Node, Node], nodes: Sequence[Node]
) -> list[Node]:
    """The outputs again, with nodes replaced; `nodes` is what may need rebuilding, in order."""
    new: dict[Node, Node] = dict(replacement)
    for node in nodes:
        if node in new:
            continue
        inputs = tuple(new.get(child, child) for child in node.inputs)
        if inputs != node.inputs:
            rebuilt = apply(node.primitive, inputs, node.params)
            if rebuilt.place is None:
                rebuilt.place = node.place
            new[node] = rebuilt
    return [new.get(node, node) for node in outputs]


def inline(graph: Graph, arguments: Sequence[Node]) -> list[Node]:
    """The graph's outputs as nodes over other inputs."""
    replacement = dict(zip(graph.inputs, arguments, strict=True))
    return substitute(graph.outputs, replacement, graph.nodes)
