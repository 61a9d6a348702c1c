"""A graph as a function of plain numbers, for SciPy to call: thousands of times, it may be.

What the user asked for is interpreted by NumPy, so that it has the bits that SciPy would give. A
derivative is compiled once it has run as many nodes as `PATIENCE`; an equal graph that is met
again, as in the next step of a descent, is compiled already.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import Any

import numpy as np

from ..backends import FastCall, Program, compile_graph
from ..config import config
from ..graph.evaluate import closed
from ..graph.graph import Graph
from ..graph.node import CONSTANT, REFERENCE, Node
from .algorithm import Algorithm

PATIENCE = 20_000  # nodes, not seconds: results must not depend on how busy the machine is
_MOST_RECORDS = 128


class _Record:
    """How many nodes of equal graphs have been interpreted, and what runs them since."""

    def __init__(self) -> None:
        self.interpreted = 0
        self.program: Program | None = None


_records: OrderedDict[Hashable, _Record] = OrderedDict()
_lock = Lock()


def plain_function(
    graph: Graph, n: int, constants: Sequence[Any], native: bool = False
) -> Callable[..., list[Any]]:
    """Return a graph as a function of its first n inputs; what follows from the others is computed
    once.

    Parameters
    ----------
    native : bool
        Whether it may be compiled, which changes the last bits. Default False.
    """
    moving, fixed = _split(graph, n)
    known = fixed.schedule.run(REFERENCE, constants)
    record = _record_of(_split_key(graph, n)) if native else None
    return _Evaluation(moving, n, known, record).__call__


@lru_cache(maxsize=16)
def _split(graph: Graph, n: int) -> tuple[Graph, Graph]:
    """Return the graph of what depends on the first n inputs, and that of what does not."""
    arguments, others = graph.inputs[:n], graph.inputs[n:]
    moving = set(arguments)
    moving.update(node for node in graph.nodes if not moving.isdisjoint(node.inputs))
    frontier: dict[Node, None] = {}
    for node in graph.nodes:
        if node in moving:
            frontier.update({x: None for x in node.inputs if _is_fixed(x, moving)})
    frontier.update({x: None for x in graph.outputs if _is_fixed(x, moving)})
    inner = Graph((*arguments, *frontier), graph.outputs)
    return inner, Graph(others, tuple(frontier))


@lru_cache(maxsize=16)
def _split_key(graph: Graph, n: int) -> Hashable:
    return _key(_split(graph, n)[0])


def _is_fixed(node: Node, moving: set[Node]) -> bool:
    return node not in moving and node.primitive is not CONSTANT


def _record_of(key: Hashable) -> _Record | None:
    if key is None or config.backend == "numpy":
        return None
    with _lock:
        record = _records.setdefault(key, _Record())
        _records.move_to_end(key)
        if len(_records) > _MOST_RECORDS:
            _records.popitem(last=False)
    return record


class _Evaluation:
    """Runs a graph whose last inputs are known."""

    def __init__(self, graph: Graph, n: int, known: Sequence[Any], record: _Record | None) -> None:
        self.graph, self.known, self.record = graph, known, record
        self.dtypes = [node.dtype for node in graph.inputs[:n]]
        self.run = graph.schedule.run
        self.fast_call: FastCall | None = None
        if record is not None and record.program is not None:
            self._use(record.program)

    def __call__(self, *values: Any) -> list[Any]:
        """Return the outputs."""
        if self.fast_call is not None:
            return self._native(values)
        arrays = [np.asarray(x, t)[()] for x, t in zip(values, self.dtypes, strict=True)]
        results = self.run(REFERENCE, [*arrays, *self.known])
        record = self.record
        if record is not None:
            record.interpreted += len(self.graph.nodes)
            if record.interpreted > PATIENCE:
                if record.program is None:
                    record.program = compile_graph(
                        closed(self.graph.inputs, self.graph.outputs, ())
                    )
                self._use(record.program)
        return results

    def _use(self, program: Program) -> None:
        self.program, self.fast_call = program, program.fast_call()
        types = self.graph.input_types[len(self.dtypes) :]
        self.known = [
            np.ascontiguousarray(x, t.dtype).reshape(t.shape)
            for x, t in zip(self.known, types, strict=True)
        ]

    def _native(self, values: Sequence[Any]) -> list[Any]:
        arrays = [np.asarray(x, t) for x, t in zip(values, self.dtypes, strict=True)]
        results = None if self.fast_call is None else self.fast_call(*arrays, *self.known)
        if results is None:
            results = self.program([*arrays, *self.known])
        return [y if y.ndim else y[()] for y in results]


def _key(graph: Graph) -> Hashable:
    """Return what is equal for graphs that compute the same; None if one runs an algorithm."""
    numbers: dict[Node, int] = {}
    rows: list[Hashable] = []
    for node in (*graph.inputs, *graph.nodes):
        numbers[node] = len(numbers)
        if len(numbers) <= len(graph.inputs):
            rows.append(node.type)
        elif node.primitive is CONSTANT:
            value = np.asarray(node.value)
            rows.append((node.type, sha256(value.tobytes()).digest()))
        else:
            params = _params_key(node.params)
            if params is None:
                return None
            rows.append((node.primitive, tuple(numbers[x] for x in node.inputs), params))
    return (*rows, tuple(numbers[x] for x in graph.outputs))


def _params_key(params: dict[str, Any]) -> Hashable:
    entries: list[Hashable] = []
    for name, value in params.items():
        if isinstance(value, Algorithm):
            return None
        inner = _key(value) if isinstance(value, Graph) else repr(value)
        if inner is None:
            return None
        entries.append((name, inner))
    return tuple(entries)
