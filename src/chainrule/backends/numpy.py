"""The reference backend: the graph is interpreted node by node with NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.evaluate import evaluate
from ..graph.graph import Graph
from .base import NO_NUMBERS, NOTHING_DONATED, Donated, FastCall, InstructionTime, Program


class NumpyBackend:
    """Runs any graph; the oracle that other backends are compared with."""

    name = "numpy"

    def compile(
        self, graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
    ) -> Program:
        """Return a function that evaluates the graph."""
        return Interpreted(graph, donated)


class Interpreted:
    """A graph that each call evaluates."""

    def __init__(self, graph: Graph, donated: Donated = NOTHING_DONATED) -> None:
        self.graph, self.donated = graph, donated

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
        results = _unshared(results, arguments)
        for output, number in self.donated.items():
            arguments[number][...] = results[output]
        return [x for k, x in enumerate(results) if k not in self.donated]

    def instruction_times(self) -> list[InstructionTime]:
        """Nothing: no instructions are made."""
        return []

    def fast_call(self, single: bool = False, numbers: Mapping[int, type] = NO_NUMBERS) -> FastCall:
        """Return a function that never runs: knowing the arguments' types gains nothing here."""
        return lambda *_: None


def _unshared(results: list[Any], arguments: Sequence[Any]) -> list[Any]:
    """Copy results that are an argument, a constant, a view or another result."""
    known = {id(x) for x in arguments}
    for k, x in enumerate(results):
        if isinstance(x, np.ndarray):
            if id(x) in known or x.base is not None or not x.flags.writeable:
                results[k] = x = np.array(x)
            known.add(id(x))
    return results
