"""Whether a graph has complex numbers: asked of each graph that is compiled."""

from __future__ import annotations

from ....graph.graph import Graph
from ....graph.node import Node
from ....graph.types import is_complex


def has_complex(graph: Graph) -> bool:
    """Return whether any number in a graph is complex."""
    if any(is_complex(t.dtype) for t in graph.input_types):
        return True
    return any(map(is_of_complex, graph.nodes))


def is_of_complex(node: Node) -> bool:
    """Return whether a node's results, or numbers in its graphs, are complex."""
    if node.dtype is not None:
        if node.dtype.kind == "c":
            return True
    elif any(is_complex(t.dtype) for t in node.shape):
        return True
    if node.primitive.name == "irfft":  # of real numbers: it is one of pairs, too
        return True
    return any(isinstance(value, Graph) and has_complex(value) for value in node.params.values())
