"""A compiled program as bytes: a line of JSON, then the object code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....graph.node import Node
from .executable import ArrayLocation, Executable, NumpyCall


def to_bytes(executable: Executable, code: bytes, nodes: Sequence[Node]) -> bytes:
    """Serialize how to run a program, and its code. Nodes are named by their positions."""
    number = {node: k for k, node in enumerate(nodes)}
    head = {
        "words": executable.n_words,
        "arena": executable.arena_bytes,
        "parallel": executable.parallel,
        "long": executable.long,
        "threads": executable.threads,
        "iterations": executable.iteration_words,
        "symbols": executable.symbols,
        "constants": [[number[node], word] for node, word in executable.constants],
        "checks": [number[node] for node in executable.bounds_checks],
        "calls": [
            [number[c.node], [_pack(a) for a in c.inputs], [_pack(a) for a in c.outputs], c.rare]
            for c in executable.numpy_calls
        ],
    }
    return json.dumps(head).encode() + b"\n" + code


def from_bytes(payload: bytes, nodes: Sequence[Node]) -> tuple[Executable, bytes]:
    """Return how to run a program, and its code.

    Raises
    ------
    ValueError, KeyError, IndexError, TypeError
        If the bytes are something else.
    """
    line, code = payload.split(b"\n", 1)
    head = json.loads(line)
    calls = [
        NumpyCall(nodes[n], tuple(map(_unpack, inputs)), tuple(map(_unpack, outputs)), bool(rare))
        for n, inputs, outputs, rare in head["calls"]
    ]
    executable = Executable(
        n_words=int(head["words"]),
        arena_bytes=int(head["arena"]),
        constants=tuple((nodes[n], int(word)) for n, word in head["constants"]),
        numpy_calls=tuple(calls),
        bounds_checks=tuple(nodes[n] for n in head["checks"]),
        symbols=tuple(str(name) for name in head["symbols"]),
        parallel=bool(head["parallel"]),
        long=bool(head["long"]),
        threads=int(head["threads"]),
        iteration_words=tuple(int(word) for word in head["iterations"]),
    )
    return executable, code


def _pack(array: ArrayLocation) -> list[Any]:
    a = array
    return [a.word, a.start, a.nbytes, a.dtype.str, a.offset, a.shape, a.strides]


def _unpack(fields: list[Any]) -> ArrayLocation:
    word, start, nbytes, dtype, offset, shape, strides = fields
    return ArrayLocation(word, start, nbytes, np.dtype(dtype), offset, tuple(shape), tuple(strides))
