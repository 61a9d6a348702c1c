"""The steps of a fused graph as text, one a line: what ``CHAINRULE_DEBUG=4`` prints first."""

from __future__ import annotations

from collections.abc import Iterable

from ....graph.node import Node
from ..fuse.steps import FusedGraph, Step


def steps_text(fused: FusedGraph) -> str:
    """Return what each step computes, and what it reads, by the names of the graph's text."""
    graph = fused.graph
    names = {node: f"%{k}" for k, node in enumerate((*graph.inputs, *graph.nodes))}

    def listed(nodes: Iterable[Node]) -> str:
        return ", ".join(names[node] for node in sorted(nodes, key=lambda node: node.serial))

    lines = [f"steps of %0 ... %{len(names) - 1}:"]
    for step in fused.steps:
        lines.append(f"  {listed(step.nodes)} = {_kind(step)} of {listed(step.reads) or 'nothing'}")
    return "\n".join(lines)


def _kind(step: Step) -> str:
    if step.by_numpy:
        return f"NumPy's {step.node.primitive.name}"
    return "loop nest" if step.is_cluster else str(step.node.primitive.name)
