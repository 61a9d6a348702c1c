"""Which steps change an array where it lies, rather than write a changed copy.

A scatter changes some entries of its first input, a loop each of its carries, and a branch what it
returns as it is on one side, or changed on both. Where nobody reads the array afterwards, the
result takes its memory: `plan.in_place`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ....graph.graph import Graph
from ....graph.node import CONSTANT, ITEM, Node
from .op_traits import SCATTERS, uniform_value
from .steps import Materialized, Step, producer

Storage: TypeAlias = Node | tuple[Node, int]
"""What has memory of its own: a node, or a result of a loop or branch by its number."""


def storage(node: Node) -> Storage:
    """Return what a materialised node's numbers lie in."""
    return (node.inputs[0], node.params["index"]) if node.primitive is ITEM else node


def updates(step: Step, materialized: Materialized) -> Iterator[tuple[Storage, Storage]]:
    """Yield (array, result) for each array that a step reads only in order to change it."""
    node = step.node
    if step.by_numpy:
        return
    read_before = 1 if node.primitive.name == "cond" else 0  # the predicate, before all else
    for k, result in _changed_inputs(node):
        array = node.inputs[k]
        if not materialized.is_leaf(array) or array.primitive is CONSTANT:
            continue
        if uniform_value(array) is not None:  # one number, which nobody reads from memory
            continue
        others = [child for j, child in enumerate(node.inputs) if j != k and j >= read_before]
        if storage(array) not in _read_by(materialized, others):
            yield storage(array), result


def _changed_inputs(node: Node) -> Iterator[tuple[int, Storage]]:
    """Yield the number of each input that a node may change, and the result that it becomes."""
    name = node.primitive.name
    if name in SCATTERS:
        yield 0, node
    elif name in ("scan", "while_loop"):
        n_carry = node.params["n_carry"] if name == "scan" else len(node.shape)
        yield from ((k, (node, k)) for k in range(n_carry))
    elif name == "cond":
        yield from _changed_operands(node)


def _changed_operands(cond: Node) -> Iterator[tuple[int, Storage]]:
    """Yield each operand that a side returns as it is, or that both change, for one result."""
    sides = [cond.params[side] for side in ("true", "false")]
    taken: set[int | None] = {None}
    for j in range(len(cond.shape)):
        starts = [_start(graph, graph.outputs[j]) for graph in sides]
        unchanged = [start for start, graph in zip(starts, sides, strict=True)
                     if graph.outputs[j] in graph.inputs]  # fmt: skip
        candidates = set(unchanged or starts)
        if len(candidates) == 1 and not candidates <= taken:
            taken |= candidates
            (k,) = candidates
            assert k is not None
            yield 1 + k, (cond, j)


def _start(graph: Graph, node: Node) -> int | None:
    """Return the number of the input that a node is, or that it is a change of; else None."""
    while node not in graph.inputs:
        source = producer(node)
        changed = (k for k, result in _changed_inputs(source) if result == storage(node))
        k = next(changed, None)
        if k is None:
            return None
        node = source.inputs[k]
    return graph.inputs.index(node)


def _read_by(materialized: Materialized, nodes: Sequence[Node]) -> set[Storage]:
    """Return what is read to know the numbers of nodes: themselves, if they lie in memory."""
    leaves: set[Node] = set()
    for node in nodes:
        leaves |= {node} if materialized.is_leaf(node) else materialized.leaves(node)
    return {storage(leaf) for leaf in leaves}
