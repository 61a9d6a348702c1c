"""A graph in which the same nodes recur, as a graph with loops.

A Python loop leaves as many copies of its nodes as it had iterations. ``x`` of length 1000::

    for k in range(1000):               %1 = slice x (0:1)          scan of length 1000:
        h = np.tanh(w * h + x[k])  ->   %2 = mul w, h         ->      %1 = mul w, h
                                        %3 = add %2, %1               %2 = add %1, x_k
                                        %4 = tanh %3                  return tanh %2
                                        %5 = slice x (1:2) ...

The outermost loops come first, then those inside their bodies. The numbers are the same bit for
bit: each node is computed as before, from the same operands.

1. `sequence`: the nodes as numbers. 2. `stores`: what was written into an array is read directly.
3. `periods`: where the numbers repeat. 4. `segments`: where operands follow one rule throughout.
5. `emission`, `body`: the new nodes.

All of it takes time in proportion to the number of nodes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ...config import config
from ...graph.graph import Graph
from ...graph.node import CONSTANT, INPUT, Node
from ...graph.verify import verify
from ..scan_passes import map_inner_graphs
from .body import build_loop
from .emission import Emission, RejectedLoop
from .first_iteration import with_first_iterations
from .periods import FEWEST_NODES
from .segments import Segment, find_segments
from .sequence import NodeSequence, is_exact, number_nodes
from .stores import forward_stores


def with_loops(graph: Graph) -> Graph:
    """Return the graph with its loops as scans.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    Graph
        The same graph if no loop was recognised in it.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import make_graph
    >>> def halve(x):
    ...     for _ in range(100):
    ...         x = 0.5 * x
    ...     return x
    >>> graph = make_graph(halve)(1.0)
    >>> len(graph.nodes), len(with_loops(graph).nodes)
    (200, 2)
    """
    if any(
        primitive.spec["family"] == "control" for primitive in {n.primitive for n in graph.nodes}
    ):
        graph = map_inner_graphs(graph, with_loops)
    outputs = with_scans(graph.outputs, graph.inputs, graph.nodes)
    if all(new is old for new, old in zip(outputs, graph.outputs, strict=True)):
        return graph
    loops = verify(Graph(graph.inputs, tuple(outputs)), "find_loops", graph)
    if config.debug >= 4:
        print(f"# after find_loops\n{loops}", file=sys.stderr)
    return loops


def with_scans(
    outputs: Sequence[Node], leaves: Sequence[Node], nodes: Sequence[Node] | None = None
) -> list[Node]:
    """Return nodes that equal `outputs`, with loops among those under them as scans.

    Parameters
    ----------
    outputs : sequence of Node
    leaves : sequence of Node
        Nodes that stay as they are.
    nodes : sequence of Node, optional
        What is looked at, in the order of execution. Default: all between leaves and outputs.
    """
    if nodes is None:
        nodes = Graph(tuple(leaves), tuple(outputs)).nodes
    if len(nodes) < FEWEST_NODES:
        return list(outputs)
    fixed = set(leaves)
    candidates = [
        node for node in nodes
        if node.primitive is not CONSTANT and node.primitive is not INPUT and node not in fixed
        and (node.value is None or is_exact(node))
    ]  # fmt: skip
    if len(candidates) < FEWEST_NODES:
        return list(outputs)
    sequence, segments = _searched(candidates, outputs)
    while any(segment.is_worth_it for segment in segments):
        emission = Emission(sequence, segments)
        try:
            emission.plan()
        except RejectedLoop as rejected:
            segments.remove(rejected.segment)
            continue
        if not emission.is_worth_it:
            break
        return emission.emit(lambda emission, number: build_loop(emission, number, with_scans))
    return list(outputs)


def _searched(nodes: list[Node], outputs: Sequence[Node]) -> tuple[NodeSequence, list[Segment]]:
    """Return the nodes as a sequence, and the loops in it: with stores forwarded, or without where
    that is more regular.
    """
    forwarded, alias = forward_stores(nodes)
    sequence = number_nodes(forwarded, outputs, alias)
    segments = find_segments(sequence)
    if alias and _covered(segments) < 0.5 * len(forwarded):
        plain = number_nodes(nodes, outputs, {})
        others = find_segments(plain)
        if _covered(others) > _covered(segments):
            sequence, segments = plain, others
    completed = with_first_iterations(sequence, segments)
    if completed is not sequence:
        return completed, find_segments(completed)
    return sequence, segments


def _covered(segments: Sequence[Segment]) -> int:
    return sum(segment.stop - segment.start for segment in segments)
