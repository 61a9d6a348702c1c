"""The reference backend: the graph is interpreted node by node with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.evaluate import evaluate
from ..graph.graph import Graph
from .base import Function, Program


class NumpyBackend:
    """Runs any graph; the oracle that other backends are held against."""

    name = "numpy"

    def compile(self, graph: Graph, quick_start: bool = False) -> Program:
        """A function that evaluates the graph."""
        return Interpreted(graph)


class Interpreted:
    """A graph that is evaluated anew by each call."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @property
    def arena_bytes(self) -> int:
        """0: nothing is set aside, memory is taken as it is needed."""
        return 0

    @property
    def threads(self) -> int:
        """0: NumPy decides."""
        return 0

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs' arrays."""
        with np.errstate(all="ignore"):
            results = evaluate(self.graph, arguments)
        return _own(results, arguments)

    def bound(self, single: bool = False) -> Function:
        """Nothing is gained by knowing the arguments' types."""
        return lambda *_: None


def _own(results: list[Any], arguments: Sequence[Any]) -> list[Any]:
    """The results, copied where one is an argument, a constant, a view or another result."""
    seen = {id(x) for x in arguments}
    for k, x in enumerate(results):
        if isinstance(x, np.ndarray):
            if id(x) in seen or x.base is not None or not x.flags.writeable:
                results[k] = x = np.array(x)
            seen.add(id(x))
    return results
