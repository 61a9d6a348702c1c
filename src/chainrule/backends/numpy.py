"""The reference backend: the graph is interpreted node by node with NumPy."""

from __future__ import annotations

from ..graph.evaluate import evaluate
from ..graph.graph import Graph
from .base import Program


class NumpyBackend:
    """Runs any graph; the oracle that other backends are held against."""

    name = "numpy"

    def compile(self, graph: Graph) -> Program:
        """A function that evaluates the graph."""
        return lambda arguments: evaluate(graph, arguments)
