"""Updates of the few rows of an array that a step looked up, written to these rows alone.

The gradient of a table is zeros with something added to a few rows. What it decides row by row,
such as `optim.lazy_adam`, leaves every other row as it was::

    g = scatter_add(0, v, codes)             g = scatter_add(0, v, codes)
    touched = any(g != 0, axis=-1)       ->  k = g[codes], m[codes]
    new = where(touched, f(g, m), m)         new = scatter(m, where(any(k != 0), f(k), m[codes]))

A code that comes twice is written twice, and the same both times: `g[codes]` is the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, constant
from ..graph.types import Shape, broadcast_shapes
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..primitives.elementwise import add, where
from ..primitives.indexing import gather, scatter, scatter_add
from ..primitives.structure import broadcast_to, reshape
from .rewrite import replace, rewrite

_FEW = 4  # of so many rows one is looked up, or fewer
_ELEMENTWISE_BESIDES = frozenset(["cast", "identity", "stop_gradient"])
_REDUCTIONS = frozenset(["sum", "max", "prod"])


def touched_rows(graph: Graph) -> Graph:
    """Write updates that are none but at rows that were looked up to these rows."""
    if not any(node.primitive is scatter_add for node in graph.nodes):
        return graph
    known: dict[Node, _Elsewhere] = {}
    tables: dict[Node, _Lookups] = {}

    def rule(node: Node, _original: Node) -> Node:
        if node.dtype is None:
            return node
        if (lookups := _lookups(node)) is not None:
            number = constant(node.inputs[0].value.ravel()[:1])
            row = _repeated(number, (1, *node.shape[len(lookups.lead) :]))
            known[node] = _Elsewhere(node, row)
            tables[node] = lookups
            return node
        unchanged = _unchanged(node, known)
        if unchanged is not None:
            table, array = unchanged
            return tables[table].written(node, array)
        if (elsewhere := _elsewhere(node, known, tables)) is not None:
            known[node] = elsewhere
        return node

    return rewrite(graph, rule)


class _Elsewhere(NamedTuple):
    """What a node that follows from a table is at all rows that were not looked up: one row."""

    table: Node
    row: Node


def _lookups(node: Node) -> _Lookups | None:
    """Return which rows an addition to one number everywhere changes, if these are few."""
    if node.primitive is not scatter_add:
        return None
    start, _, *arrays = node.inputs
    pattern = node.params["pattern"]
    if not _is_number(start):
        return None
    n = len(arrays)
    if not n:  # without arrays it adds to a basic slice
        return None
    if any(entry != (k if k < n else slice(0, size, 1))
           for k, (entry, size) in enumerate(zip(pattern, node.shape, strict=True))):  # fmt: skip
        return None
    count = broadcast_shapes(node.primitive.name, *[a.shape for a in arrays])
    lead = node.shape[:n]
    few = 0 < _FEW * prod(count) <= prod(lead)
    return _Lookups(lead, count, tuple(arrays)) if few else None


def _unchanged(node: Node, known: dict[Node, _Elsewhere]) -> tuple[Node, Node] | None:
    """Return (table, array): the node is the array but where rows of the table were looked up."""
    if node.primitive is where:
        condition, _, array = node.inputs
        elsewhere = known.get(condition)
        if elsewhere is not None and not elsewhere.row.value.any():
            return _changed(node, array, elsewhere.table)
    elif node.primitive is add:
        for array, addend in (node.inputs, node.inputs[::-1]):
            elsewhere = _nothing_added(addend, known)
            if elsewhere is not None:  # x + -0 is x for each x; x + 0 is not for x = -0
                return _changed(node, array, elsewhere.table)
    return None


def _nothing_added(addend: Node, known: dict[Node, _Elsewhere]) -> _Elsewhere | None:
    """Return where an addend is -0, if it is that elsewhere."""
    if addend.primitive is not where:
        return None
    condition, _, number = addend.inputs
    elsewhere = known.get(condition)
    if elsewhere is None or elsewhere.row.value.any() or not _is_number(number):
        return None
    zero = number.value.ravel()[0]
    is_negative_zero = number.dtype.kind == "f" and zero == 0 and np.signbit(zero)
    return elsewhere if is_negative_zero else None


def _changed(node: Node, array: Node, table: Node) -> tuple[Node, Node] | None:
    same = array.shape == node.shape and array.dtype == node.dtype
    return (table, array) if same and not _is_number(array) else None


def _is_number(node: Node) -> bool:
    """Whether a node is a constant that is one number everywhere."""
    if node.primitive is not CONSTANT or node.value.size == 0:
        return False
    return node.value.size == 1 or not any(node.value.strides)


def _elsewhere(
    node: Node, known: dict[Node, _Elsewhere], tables: dict[Node, _Lookups]
) -> _Elsewhere | None:
    """Compute what a node is at the other rows, if it follows from one table, row by row."""
    sources = {known[child].table for child in node.inputs if child in known}
    if len(sources) != 1:
        return None
    (table,) = sources
    lead = tables[table].lead

    def row(child: Node) -> Node | None:
        return known[child].row if child in known else None

    result = _at_rows(node, lead, (1,), row)
    return None if result is None or result.value is None else _Elsewhere(table, result)


class _Lookups:
    """Rows of arrays that were looked up.

    Parameters
    ----------
    lead : tuple of int
        How many rows there are, along each of the first axes.
    count : tuple of int
        How many were looked up.
    arrays : tuple of Node
        Their numbers.
    """

    def __init__(self, lead: Shape, count: Shape, arrays: tuple[Node, ...]) -> None:
        self.lead, self.count, self.arrays = lead, count, arrays
        self.rows: dict[Node, Node] = {}  # of arrays

    def written(self, node: Node, array: Node) -> Node:
        """Return `node`, which is `array` but at these rows, as a change of `array`."""
        rows = self.at(node)
        result: Node = scatter(array, rows, *self.arrays, pattern=self._pattern(node))
        self.rows[result] = rows  # equal numbers are written to equal rows
        return result

    def at(self, node: Node) -> Node:
        """Return a node at these rows, computed from its inputs there where that is possible."""
        for inner in self._new_nodes(node):
            rows = _at_rows(inner, self.lead, self.count, self.rows.get)
            if rows is None:
                rows = gather(inner, *self.arrays, pattern=self._pattern(inner))
            self.rows[inner] = rows
        return self.rows[node]

    def _new_nodes(self, node: Node) -> Iterable[Node]:
        """Return the node and what it is computed from row by row, inputs first."""
        nodes, stack = {node}, [node]
        while stack:
            for child in stack.pop().inputs:
                varies = child.dtype is not None and child.shape[: len(self.lead)] == self.lead
                if varies and child not in nodes and child not in self.rows:
                    nodes.add(child)
                    if _is_rowwise(child):
                        stack.append(child)
        return sorted(nodes, key=lambda n: n.serial)

    def _pattern(self, node: Node) -> tuple[Any, ...]:
        n = len(self.lead)
        return (*range(n), *[slice(0, size, 1) for size in node.shape[n:]])


def _is_rowwise(node: Node) -> bool:
    primitive = node.primitive
    name = primitive.name
    return (
        primitive.spec.get("family") in ELEMENTWISE_FAMILIES
        or name in _ELEMENTWISE_BESIDES or name in _REDUCTIONS
        or primitive in (reshape, broadcast_to)
    )  # fmt: skip


def _at_rows(
    node: Node, lead: Shape, count: Shape, rows: Callable[[Node], Node | None]
) -> Node | None:
    """Compute a node at some rows, in place of its axes `lead`, from its inputs there.

    None if it is not computed row by row.
    """
    n = len(lead)
    if not _is_rowwise(node) or node.shape[:n] != lead:
        return None
    shape = (*count, *node.shape[n:])
    name = node.primitive.name
    if node.primitive is reshape or name in _REDUCTIONS:
        x = rows(node.inputs[0])
        if x is None or node.inputs[0].shape[:n] != lead:
            return None
        if node.primitive is reshape:
            return replace(node, (x,), shape=shape)
        axes = [axis - n for axis in node.params["axes"]]
        if min(axes, default=0) < 0:
            return None
        return replace(node, (x,), axes=tuple(axis + len(count) for axis in axes))
    inputs = []
    for child in node.inputs:
        operand = _operand(child, node, lead, rows)
        if operand is None:
            return None
        inputs.append(operand)
    if node.primitive is broadcast_to:
        return replace(node, tuple(inputs), shape=shape)
    result: Node = replace(node, tuple(inputs))
    return result if result.shape == shape else _repeated(result, shape)


def _repeated(node: Node, shape: Shape) -> Node:
    """Return a node of numbers that are the same for all rows, for each of them."""
    result: Node = broadcast_to(node, shape=shape)
    return result


def _operand(
    child: Node, node: Node, lead: Shape, rows: Callable[[Node], Node | None]
) -> Node | None:
    """Return an input of an operation that broadcasts, at some rows."""
    n = len(lead)
    if child.ndim <= node.ndim - n:
        return child  # the same for all rows
    if _is_number(child):
        return constant(child.value.ravel()[0])
    if child.ndim != node.ndim:
        return None
    if child.shape[:n] == lead:
        return rows(child)
    if child.shape[:n] != (1,) * n:
        return None
    result: Node = reshape(child, shape=child.shape[n:])
    return result
