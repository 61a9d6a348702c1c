"""Graphs that only some examples of a batch may run: those of a branch, those still in a loop.

What is computed for the others is thrown away, and must not raise: an index that is out of bounds
there, a matrix that cannot be factorized. So where a graph may raise, they are given the operands
of an example that does run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node
from ..primitives.elementwise import not_equal, where
from ..primitives.indexing import gather
from ..primitives.reductions import argmax
from ..primitives.structure import reshape, sum_

_BY_NUMBERS = {"gather", "scatter", "scatter_add"}
_CALLS = {"callback", "algorithm"}


def may_raise(graph: Graph) -> bool:
    """Return whether there are numbers for which the graph raises an error."""
    return any(_may_raise(node) for node in graph.nodes)


def _may_raise(node: Node) -> bool:
    name = node.primitive.name
    if name in _BY_NUMBERS:
        arrays = node.inputs[1 if name == "gather" else 2 :]
        return any(x.primitive is not CONSTANT for x in arrays)
    if name == "power":
        return bool(node.dtype.kind in "iu")
    if name in _CALLS or node.primitive.spec.get("family") == "linalg":
        return True
    return any(isinstance(value, Graph) and may_raise(value) for value in node.params.values())


def any_of(selected: Any) -> Any:
    """Return whether any example is selected."""
    return not_equal(sum_(selected, axes=(0,)), 0)


def select(selected: Any, x: Any, y: Any) -> Any:
    """Return x for the examples that are selected, y for the others; one of both may be shared."""
    rank = max(len(x.shape), len(y.shape))
    return where(reshape(selected, shape=(*selected.shape, *(1,) * (rank - 1))), x, y)


def operands_of_selected(
    selected: Any, operands: Sequence[Any], batched: Sequence[bool]
) -> list[Any]:
    """Return the operands, for examples that are not selected those of the first one that is."""
    first = argmax(selected, axis=0)
    return [
        select(selected, x, gather(x, first, pattern=(0, *[slice(None)] * (len(x.shape) - 1))))
        if b else x
        for x, b in zip(operands, batched, strict=True)
    ]  # fmt: skip
