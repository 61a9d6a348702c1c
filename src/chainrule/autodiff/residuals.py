"""What a backward pass must remember of the forward one, for loops that run them apart.

Differentiating the body of a loop gives one graph that holds both. Whatever follows from the
cotangents belongs to the backward pass; what it reads of the rest are the residuals::

    forward    x -> exp -> y             residual: y (read by mul)
    backward   g ---------> mul(g, y)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node

# Moving numbers costs less than storing them for each iteration.
REMATERIALIZABLE = {"broadcast_to", "reshape", "transpose", "identity", "stop_gradient"}
# So does a little arithmetic, of what is stored anyway: the slope of tanh is 1 - y * y.
CHEAP_ARITHMETIC = REMATERIALIZABLE | {"add", "sub", "mul", "neg"}
MAX_REMAT_OPS = 4  # operations
# And to look up, or compute, what follows from the number of a iteration alone.
COUNTER_OPS = CHEAP_ARITHMETIC | {
    "cast", "div", "equal", "floor_divide", "gather", "less", "maximum", "minimum",
    "remainder", "where",
}  # fmt: skip


def dependents(nodes: Sequence[Node], sources: Iterable[Node]) -> set[Node]:
    """Return the sources, and those of `nodes` (in order) that follow from them."""
    dependent = set(sources)
    for node in nodes:
        if any(child in dependent for child in node.inputs):
            dependent.add(node)
    return dependent


def residuals(
    inputs: Sequence[Node], outputs: Sequence[Node], cotangents: Sequence[Node]
) -> list[Node]:
    """Return the nodes over `inputs` that `outputs`, which follow from `cotangents`, read."""
    nodes = Graph((*inputs, *cotangents), tuple(outputs)).nodes
    backward = dependents(nodes, cotangents)
    known = set(inputs)
    frontier: dict[Node, None] = {}
    pending = [node for node in outputs if node not in backward]
    for node in nodes:
        if node in backward:
            pending += [child for child in node.inputs if child not in backward]
    while pending:
        node = pending.pop()
        if node.primitive is CONSTANT:
            continue
        if node not in known and node.primitive.name in REMATERIALIZABLE:
            pending += node.inputs
        else:
            frontier[node] = None
    return _without_rematerializable(inputs, sorted(frontier, key=lambda node: node.serial))


def rematerializable_from(
    wanted: Sequence[Node], varying: set[Node], sources: Sequence[Node]
) -> dict[Node, set[Node]]:
    """Return the wanted nodes that vary with `sources` only and cost little, each with its
    operands.

    They need not be stored if that is known: a number of the iteration, the rows that it names.
    """
    recomputed: dict[Node, set[Node]] = {}
    for node in wanted:
        if node not in varying:
            continue
        inner = [n for n in Graph(tuple(sources), (node,)).nodes if n in varying]
        known = all(n.inputs and n.primitive.name in COUNTER_OPS for n in inner)
        if known and sum(n.primitive.name not in REMATERIALIZABLE for n in inner) <= MAX_REMAT_OPS:
            recomputed[node] = {node, *(child for n in inner for child in n.inputs)}
    return recomputed


def _without_rematerializable(inputs: Sequence[Node], frontier: list[Node]) -> list[Node]:
    """Drop nodes of the frontier that follow from the others by a few arithmetic operations."""
    wanted = set(frontier)
    work = {node: 0 for node in inputs if node in wanted}  # operations from what is stored
    dropped = set()
    for node in Graph(tuple(inputs), tuple(frontier)).nodes:
        if node.primitive is CONSTANT:
            work[node] = 0
        elif node.primitive.name in CHEAP_ARITHMETIC and all(
            child in work for child in node.inputs
        ):
            work[node] = 1 + sum(work[child] for child in node.inputs)
            if work[node] <= MAX_REMAT_OPS:
                dropped.add(node)
                continue
        if node in wanted:
            work[node] = 0
        elif work.get(node, 0) > MAX_REMAT_OPS:
            del work[node]
    return [node for node in frontier if node not in dropped]
