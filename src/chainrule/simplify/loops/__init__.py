"""Loops of Python, found again in the graph: what was traced iteration by iteration, as a scan.

The search loads at its first use: most graphs are too short for a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...config import config
from ...faults import ask_for_report
from ...graph.graph import Graph
from ...graph.node import Node
from ...lazy import LazyModule
from .periods import FEWEST_NODES

_reroll = LazyModule("chainrule.simplify.loops.reroll")


def find_loops(graph: Graph) -> Graph:
    """Return the graph with its loops as scans; the same graph if there are none.

    See `reroll`. With ``CHAINRULE_REROLL=0`` loops stay unrolled.
    """
    if not config.reroll or not _is_long(graph):
        return graph
    try:
        loops: Graph = _reroll.with_loops(graph)
    except Exception as error:
        _stay_unrolled(error)
        return graph
    return loops


def rerolled(outputs: Sequence[Node], leaves: Sequence[Node], nodes: Sequence[Node]) -> list[Node]:
    """Return nodes that equal `outputs`, with loops among `nodes`, in order, as scans.

    Parameters
    ----------
    outputs : sequence of Node
    leaves : sequence of Node
        Nodes that stay as they are.
    nodes : sequence of Node
        What is looked at.
    """
    if not config.reroll or len(nodes) < FEWEST_NODES:
        return list(outputs)
    try:
        new: list[Node] = _reroll.with_scans(outputs, leaves, nodes)
    except Exception as error:
        _stay_unrolled(error)
        return list(outputs)
    return new


def _stay_unrolled(error: Exception) -> None:
    """Pass over an error of the search, unless all are raised: the function is right as it is."""
    if config.check:
        raise error
    ask_for_report(error, "loops of this function stay unrolled")


def _is_long(graph: Graph) -> bool:
    """Return whether it, or a graph inside it, has nodes enough for a loop."""
    if len(graph.nodes) >= FEWEST_NODES:
        return True
    inner = [value for node in graph.nodes for value in node.params.values()]
    return any(isinstance(value, Graph) and _is_long(value) for value in inner)


__all__ = ["find_loops", "rerolled"]
