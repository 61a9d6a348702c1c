"""A linear graph at all unit vectors: the first matrix product of each is a row of the matrix.

What scales the entries of a vector before it (the slope of an activation, say) scales rows::

    t -> mul(t, d) -> matmul(., w)        at unit vector k:  d[k] w[k]
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node
from ..primitives.operators import swap_last
from ..primitives.products import matmul
from ..primitives.structure import reshape

_IN_ORDER = {"identity", "reshape", "neg"}
_SCALES = {"mul", "div"}


class FirstProducts(NamedTuple):
    """A linear graph with its first matrix products as further inputs, and their values.

    Attributes
    ----------
    graph : Graph
    values : list
        One an input behind those of the graph before, with a leading axis of unit vectors.
    """

    graph: Graph
    values: list[Any]


def first_products(graph: Graph, operands: Sequence[Any]) -> FirstProducts:
    """Take the first matrix products out of a graph whose first input is to be unit vectors.

    `operands` are the values of its other inputs.
    """
    source = graph.inputs[0]
    n = prod(source.shape)
    scaled = {source}
    dependent = {source}
    products: dict[Node, Any] = {}
    for node in graph.nodes:
        children = [child for child in node.inputs if child in dependent]
        if not children:
            continue
        dependent.add(node)
        if len(children) > 1 or children[0] not in scaled:
            continue
        if node.primitive is matmul:
            matrix = _rows(node, children[0], graph, operands)
            if matrix is not None:
                products[node] = matrix
        elif node.dtype is not None and prod(node.shape) == n and _scales(node):
            scaled.add(node)
    if not products:
        return FirstProducts(graph, [])
    return FirstProducts(Graph((*graph.inputs, *products), graph.outputs), list(products.values()))


def _scales(node: Node) -> bool:
    """Return whether a node that one vector leads to changes its entries one by one, in order."""
    if node.primitive.name in _IN_ORDER:
        return True
    return node.primitive.name in _SCALES and node.shape != ()


def _rows(node: Node, vector: Node, graph: Graph, operands: Sequence[Any]) -> Any:
    """Return the product at all unit vectors, or None if it is not one of a vector and a matrix."""
    x, y = node.inputs
    if x is vector and x.shape[:-1] == (1,) and len(y.shape) == 2:
        matrix, shape = y, (y.shape[0], 1, y.shape[1])
    elif y is vector and y.shape[1:] == (1,) and len(x.shape) == 2:
        matrix, shape = x, (x.shape[1], x.shape[0], 1)
    else:
        return None
    source = graph.inputs[0]
    ones = np.ones(source.shape, source.dtype)
    slopes, values = call(Graph(graph.inputs, (vector, matrix)), [ones, *operands])
    rows = values if y is matrix else swap_last(values)
    if _is_scaled(vector, source):
        rows = rows * reshape(slopes, shape=(rows.shape[0], 1))
    return reshape(rows, shape=shape)


def _is_scaled(vector: Node, source: Node) -> bool:
    while vector is not source:
        if vector.primitive.name not in ("identity", "reshape"):
            return True
        (vector,) = vector.inputs
    return False
