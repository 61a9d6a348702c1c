"""Where the matrix of a linear graph is zero, whatever the numbers: found in the graph itself.

Each node between the graph's input and its outputs has a pattern, a sparse array of truth values:
which entries of the input an entry of the node may depend on. Columns of a matrix that have no row
in common are then computed together, as one colour::

    y = x[1:] - c x[:-1]      1 1 . .      columns 0 and 2 are of one colour, 1 and 3 of another:
                              . 1 1 .      two products with the matrix give all of its entries
                              . . 1 1
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node
from ..graph.types import Array
from ..lazy import LazyModule
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..primitives.structure import with_ones

scipy_sparse = LazyModule("scipy.sparse")
DENSE = 0.25  # the share of entries from which on nothing is gained
_LARGEST_KERNEL = 100  # pixels
_MOST_NODES = 2000  # each costs a tenth of a millisecond, and more
_UNCHANGED = {"identity", "cast", "neg"}
_MOVES = {"reshape", "transpose", "broadcast_to", "slice", "pad", "concatenate"}
_INDEXED = {"gather", "scatter"}  # moves too, where the index is known
Patterns = Mapping[Node, Any]


def patterns(graph: Graph, most: float = DENSE) -> list[Any] | None:
    """Return a pattern for each output by the first input, or None if they are dense or unknown.

    Rows are the entries of an output, columns those of the input. Dense is what depends on more
    than the share `most` of pairs.
    """
    source = graph.inputs[0]
    if len(graph.nodes) > _MOST_NODES:
        return None
    n = prod(source.shape)
    known: dict[Node, Any] = {source: scipy_sparse.eye_array(n, dtype=bool, format="csr")}
    for node in graph.nodes:
        if not any(child in known for child in node.inputs):
            continue
        pattern = _pattern(node, known)
        if pattern is None or pattern.nnz > most * prod(pattern.shape):
            return None
        known[node] = pattern
    return [
        known[y] if y in known else scipy_sparse.csr_array((prod(y.shape), n), dtype=bool)
        for y in graph.outputs
    ]


def _pattern(node: Node, known: Patterns) -> Any:
    name = node.primitive.name
    if name in _UNCHANGED:
        return known[node.inputs[0]]
    if name in _MOVES or name in _INDEXED:
        return _rearranged(node, known)
    if node.primitive.spec.get("family") in ELEMENTWISE_FAMILIES:
        return _either([_broadcast(known[x], x.shape, node.shape)
                       for x in node.inputs if x in known])  # fmt: skip
    rule = _RULES.get(name)
    return None if rule is None else rule(node, known)


def _either(parts: list[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _broadcast(pattern: Any, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    if shape == wanted:
        return pattern
    return pattern[np.broadcast_to(_positions(shape), wanted).ravel()]


def _positions(shape: tuple[int, ...]) -> Array:
    return np.arange(prod(shape)).reshape(shape)


def _constant_index(node: Node, first: int) -> bool:
    return all(x.primitive is CONSTANT for x in node.inputs[first:])


def _rearranged(node: Node, known: Patterns) -> Any:
    """Run the primitive itself on numbers of rows: 0 is a row without entries."""
    name = node.primitive.name
    count = {"gather": 1, "scatter": 2}.get(name, len(node.inputs))
    if name in _INDEXED and not _constant_index(node, count):
        return None
    width = next(iter(known.values())).shape[1]
    rows = [scipy_sparse.csr_array((1, width), dtype=bool)]
    start, numbered = 1, []
    for x in node.inputs[:count]:
        if x in known:
            numbered.append(_positions(x.shape) + start)
            rows.append(known[x])
            start += prod(x.shape)
        else:
            numbered.append(np.zeros(x.shape, np.intp))
    index = [x.value for x in node.inputs[count:]]
    source = node.primitive(*numbered, *index, **node.params)
    return scipy_sparse.vstack(rows, format="csr")[np.ravel(source)]


def _added(pattern: Any, target: Array, size: int) -> Any:
    """Return the pattern of sums: row k is added to row ``target[k]`` of `size`."""
    count = pattern.shape[0]
    ones = np.ones(count, bool)
    adds = scipy_sparse.csr_array((ones, (target.ravel(), np.arange(count))), shape=(size, count))
    return (adds @ pattern).astype(bool)


def _summed(pattern: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    with_size_one = with_ones(shape, axes)
    target = np.broadcast_to(_positions(with_size_one), shape)
    return _added(pattern, target, prod(with_size_one))


def _sum(node: Node, known: Patterns) -> Any:
    (x,) = node.inputs
    return _summed(known[x], x.shape, node.params["axes"])


def _scatter_add(node: Node, known: Patterns) -> Any:
    x, v, *arrays = node.inputs
    if not _constant_index(node, 2):
        return None
    parts = [known[x]] if x in known else []
    if v in known:
        index = tuple(
            arrays[entry].value if isinstance(entry, int) else entry
            for entry in node.params["pattern"]
        )
        parts.append(_added(known[v], _positions(node.shape)[index], prod(node.shape)))
    return _either(parts)


def _matmul(node: Node, known: Patterns) -> Any:
    """Each entry of a product depends on a row of the left matrix, or a column of the right one."""
    parts = []
    for x, axis in zip(node.inputs, (-1, -2), strict=True):
        if x in known:
            contracted = len(x.shape) + axis
            shape = with_ones(x.shape, (contracted,))
            parts.append(_broadcast(_summed(known[x], x.shape, (contracted,)), shape, node.shape))
    return _either(parts)


def _conv(node: Node, known: Patterns) -> Any:
    """Each entry of a convolution depends on a window of the images, and all their channels."""
    x, w = node.inputs
    kernel_h, kernel_w = w.shape[-4:-2]
    if w in known or kernel_h * kernel_w > _LARGEST_KERNEL:
        return None
    last = len(x.shape) - 1
    pixels = _summed(known[x], x.shape, (last,))
    numbers = _positions(with_ones(x.shape, (last,)))
    (s, t), (d, e) = node.params["strides"], node.params["dilation"]
    high, wide = node.shape[-3:-1]
    parts = []
    for k in range(kernel_h):
        for m in range(kernel_w):
            rows = slice(k * d, k * d + (high - 1) * s + 1, s)
            columns = slice(m * e, m * e + (wide - 1) * t + 1, t)
            read = np.broadcast_to(numbers[..., rows, columns, :], node.shape)
            parts.append(pixels[read.ravel()])
    return _either(parts)


_RULES: dict[str, Callable[[Node, Patterns], Any]] = {
    "conv": _conv,
    "sum": _sum,
    "scatter_add": _scatter_add,
    "matmul": _matmul,
}


def colouring(pattern: Any) -> Array:
    """Return a colour for each column, such that no row has two entries of one colour.

    Greedy, columns with most entries first: the colours of a row's columns are bits of a number.
    """
    columns = pattern.tocsc()
    rows_of, starts = columns.indices.tolist(), columns.indptr.tolist()
    used = [0] * pattern.shape[0]
    colours = np.zeros(pattern.shape[1], np.intp)
    for column in np.argsort(-np.diff(columns.indptr), kind="stable").tolist():
        rows = rows_of[starts[column] : starts[column + 1]]
        taken = 0
        for row in rows:
            taken |= used[row]
        lowest_free = ~taken & (taken + 1)
        colours[column] = lowest_free.bit_length() - 1
        for row in rows:
            used[row] |= lowest_free
    return colours
