"""A graph as a key: equal for graphs that compute the same from the same inputs, node by node."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.dtype)


class Unsigned(Exception):
    """Raised for a parameter of a node of which it is not known what it says."""


def signature(graph: Graph) -> Hashable | None:
    """Return a key of a graph; None if something in it has none."""
    try:
        return _signature(graph)
    except Unsigned:
        return None


def _signature(graph: Graph) -> Hashable:
    position = {node: k for k, node in enumerate((*graph.inputs, *graph.nodes))}
    nodes = [
        (node.primitive, tuple([position[x] for x in node.inputs]), node.type, *_details(node))
        for node in graph.nodes
    ]
    outputs = tuple([position[node] for node in graph.outputs])
    return graph.input_types, tuple(nodes), outputs


def _details(node: Node) -> Iterator[Hashable]:
    if node.primitive is CONSTANT:
        yield _of_array(np.asarray(node.value))
    for name, value in sorted(node.params.items()):
        yield name, _of_parameter(value)


def _of_array(x: Any) -> Hashable:
    content = np.ascontiguousarray(x).tobytes()
    digest = content if len(content) <= 64 else blake2b(content, digest_size=32).digest()
    return x.shape, x.dtype, digest


def _of_parameter(value: Any) -> Hashable:
    if isinstance(value, _PLAIN):
        return type(value), repr(value)
    if isinstance(value, (tuple, list)):
        return tuple([_of_parameter(x) for x in value])
    if isinstance(value, slice):
        return "slice", repr(value)
    if isinstance(value, Graph):
        return _signature(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _of_array(np.asarray(value))
    raise Unsigned
