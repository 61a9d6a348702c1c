"""A graph by its text: equal for graphs that make the same code, whatever else they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ....graph.graph import Graph
from ....graph.node import CONSTANT, Node


class Signature:
    """What a graph computes, as a digest; its nodes, numbered as the digest met them.

    Attributes
    ----------
    digest : str
        Of the operations, types and constants, those of inner graphs included.
    nodes : list of Node
        A plan on disk names nodes by their places in this list.
    """

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node] = []
        self._hash = hashlib.sha256()
        self._graph(graph)
        self.digest = self._hash.hexdigest()

    def _graph(self, graph: Graph) -> None:
        names: dict[Node, int] = {}
        for node in (*graph.inputs, *graph.nodes):
            names[node] = len(names)
            self.nodes.append(node)
        lines = [str([_type(node) for node in graph.inputs])]
        for node in graph.nodes:
            lines.extend(self._node(node, names))
        lines.append(str([names[node] for node in graph.outputs]))
        self._hash.update("\n".join(lines).encode())
        for node in graph.nodes:
            for value in node.params.values():
                if isinstance(value, Graph):
                    self._graph(value)

    def _node(self, node: Node, names: dict[Node, int]) -> Iterator[str]:
        if node.primitive is CONSTANT:
            value = np.asarray(node.value)
            if not any(value.strides):  # one number, repeated
                value = value.ravel()[:1]
            data = np.ascontiguousarray(value).tobytes()
            yield f"{_type(node)} {hashlib.sha256(data).hexdigest() if len(data) > 64 else data!r}"
            return
        read = [names[child] for child in node.inputs]
        params = {k: "" if isinstance(v, Graph) else repr(v) for k, v in node.params.items()}
        yield f"{_type(node)} {node.primitive.name} {read} {params}"


def _type(node: Node) -> Any:
    return str(node.type) if node.dtype is not None else [str(t) for t in node.shape]
