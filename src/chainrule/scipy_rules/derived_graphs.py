"""Graphs of derivatives of graphs: along directions, of weighted sums, whole Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..autodiff.forward import forward
from ..autodiff.reverse import reverse
from ..control.scan import run_scan, zeros_of
from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node, constant, input_node
from ..graph.types import Type
from ..primitives.structure import concatenate, reshape, transpose

FLOAT = np.dtype(np.float64)
_RECENT = 16  # graphs that are remembered, with the arrays in them


def _or_zeros(x: Any, like: Node) -> Node:
    return x if isinstance(x, Node) else constant(zeros_of(like))


@lru_cache(maxsize=_RECENT)
def pushforward(graph: Graph, moving: tuple[int, ...]) -> Graph:
    """Return the graph of ``(*inputs, *tangents of those that move)`` to the outputs' tangents."""
    sources = [graph.inputs[k] for k in moving]
    tangents = [input_node(node.type) for node in sources]
    pushed = forward(graph.outputs, sources, tangents)
    outputs = [_or_zeros(t, y) for t, y in zip(pushed, graph.outputs, strict=True)]
    return Graph((*graph.inputs, *tangents), tuple(outputs))


@lru_cache(maxsize=_RECENT)
def pullback(graph: Graph, moving: tuple[int, ...]) -> Graph:
    """Return the graph of ``(*inputs, *cotangents of the outputs)`` to those of what moves."""
    sources = [graph.inputs[k] for k in moving]
    cotangents = [input_node(node.type) for node in graph.outputs]
    pulled = reverse(graph.outputs, sources, cotangents)
    outputs = [_or_zeros(g, x) for g, x in zip(pulled, sources, strict=True)]
    return Graph((*graph.inputs, *cotangents), tuple(outputs))


@lru_cache(maxsize=_RECENT)
def gradient(graph: Graph, moving: int) -> Graph:
    """Return the graph of the gradient of a scalar by one input."""
    (source,), (output,) = [graph.inputs[moving]], graph.outputs
    one = constant(np.ones(output.shape, output.dtype)[()])
    (pulled,) = reverse([output], [source], [one])
    return Graph(graph.inputs, (_or_zeros(pulled, source),))


def mapped(graph: Graph, change: Callable[[Node], Any]) -> Graph:
    """Return the graph with its outputs changed."""
    return Graph(graph.inputs, tuple([change(node) for node in graph.outputs]))


def flat(x: Any) -> Any:
    """Return a node or an array with one axis."""
    return x if len(x.shape) == 1 else reshape(x, shape=(int(np.prod(x.shape)),))


def shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """Return a node or an array with another shape."""
    return x if x.shape == shape else reshape(x, shape=shape)


def jacobian(graph: Graph, k: int, arguments: Sequence[Any]) -> Any:
    """Return the matrix of derivatives of the graph's one output by its input k, both flattened.

    By columns in forward mode, as one loop in the graph.
    """
    source, (output,) = graph.inputs[k], graph.outputs
    n, m = int(np.prod(source.shape)), int(np.prod(output.shape))
    derived = pushforward(graph, (k,))
    if n == 1:
        one = np.ones(source.shape, source.dtype)[()]
        (column,) = call(derived, [*arguments, one])
        return shaped(column, (m, 1))
    if not n or not m:
        return np.zeros((m, n), output.dtype)
    return transpose(columns(derived, n, arguments), axes=(1, 0))


def columns(derived: Graph, n: int, arguments: Sequence[Any]) -> Any:
    """Return rows: the derivative along each unit vector of the last input of `derived`."""
    *inputs, tangent = derived.inputs
    (output,) = derived.outputs
    if n == 1:
        (row,) = call(derived, [*arguments, np.ones(tangent.shape, tangent.dtype)])
        return shaped(row, (1, int(np.prod(output.shape))))
    direction = input_node(Type((n,), tangent.dtype))
    body = Graph((direction, *inputs), tuple(_along(derived, direction, output)))
    (rows,) = run_scan(
        [np.eye(n, dtype=tangent.dtype), *arguments], body=body, n_carry=0, n_xs=1, length=n,
        reverse=False,
    )  # fmt: skip
    return rows


def _along(derived: Graph, direction: Node, output: Node) -> list[Node]:
    *inputs, tangent = derived.inputs
    (column,) = call(derived, [*inputs, shaped(direction, tangent.shape)])
    return [flat(column)]


def joined(xs: Sequence[Any]) -> Any:
    """Return several nodes or arrays as one with one axis, of float64."""
    parts = [flat(x) for x in xs]
    return parts[0] if len(parts) == 1 else concatenate(*parts, axis=0)
