"""The reference backend: the graph is interpreted node by node with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.evaluate import evaluate
from ..graph.graph import Graph
from .base import FastCall, Program


class NumpyBackend:
    """Runs any graph; the oracle that other backends are compared with."""

    name = "numpy"

    def compile(self, graph: Graph, tiered: bool = False) -> Program:
        """Return a function that evaluates the graph."""
        return Interpreted(graph)


class Interpreted:
    """A graph that each call evaluates."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @property
    def arena_bytes(self) -> int:
        """0: arrays are allocated as they are needed."""
        return 0

    @property
    def threads(self) -> int:
        """0: NumPy decides."""
        return 0

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Return the outputs' arrays."""
        with np.errstate(all="ignore"):
            results = evaluate(self.graph, arguments)
        return _unshared(results, arguments)

    def fast_call(self, single: bool = False) -> FastCall:
        """Return a function that never runs: knowing the arguments' types gains nothing here."""
        return lambda *_: None


def _unshared(results: list[Any], arguments: Sequence[Any]) -> list[Any]:
    """Copy results that are an argument, a constant, a view or another result."""
    seen = {id(x) for x in arguments}
    for k, x in enumerate(results):
        if isinstance(x, np.ndarray):
            if id(x) in seen or x.base is not None or not x.flags.writeable:
                results[k] = x = np.array(x)
            seen.add(id(x))
    return results
