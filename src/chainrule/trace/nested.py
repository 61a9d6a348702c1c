"""Nested lists with traced numbers in them, and the arrays that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node, constant
from ..primitives.structure import concatenate, identity, reshape
from .foreign import array_within, as_traced
from .operands import node_of
from .tracer import ArrayTracer, Tracer
from .ufunc_rules import as_dtype

CONTAINERS = (list, tuple, dict)
SIMPLE = frozenset({float, int, bool, str, bytes, complex, type(None)})


def is_traced(x: Any) -> bool:
    """Return whether x is a tracer, stands for one, or has one in it as a list, tuple or
    dictionary.
    """
    return next(tracers_in(x), None) is not None


def tracers_in(x: Any) -> Iterator[Tracer]:
    """Yield the tracers in x, which may be a nested list, tuple or dictionary."""
    if issubclass(type(x), Tracer):
        yield x
    elif isinstance(x, CONTAINERS):
        entries = x.values() if isinstance(x, dict) else x
        if not set(map(type, entries)) <= SIMPLE:
            for entry in entries:
                yield from tracers_in(entry)
    else:
        array = array_within(x)
        if array is not None:
            yield array


def node_of_nested(x: Any) -> Node:
    """Return the node of an array, a number, or nested lists of them, as `np.array` reads them."""
    if not issubclass(type(x), (list, tuple)):
        return node_of(x)
    if not is_traced(x):
        return constant(np.array(x))
    rows: list[Node] = []
    for are_traced, entries in groupby(x, is_traced):
        if are_traced:
            nodes = [node_of_nested(entry) for entry in entries]
            rows += [reshape(node, shape=(1, *node.shape)) for node in nodes]
        else:  # all plain neighbours as one constant
            rows.append(constant(np.array(list(entries))))
    shapes = {row.shape[1:] for row in rows}
    if len(shapes) > 1:
        raise ValueError(
            at_user_line(
                "setting an array element with a sequence: the requested array has an "
                f"inhomogeneous shape, with entries of shapes {sorted(shapes)}"
            )
        )
    dtype = np.result_type(*[row.dtype for row in rows])
    rows = [as_dtype(row, dtype) for row in rows]
    joined: Node = concatenate(*rows, axis=0) if len(rows) > 1 else rows[0]
    return joined


def array_of(x: Any, dtype: Any = None) -> ArrayTracer:
    """Return the traced array itself, or a new one of a number or of nested lists."""
    node = node_of_nested(x)
    if dtype is not None and node.dtype != np.dtype(dtype):
        node = as_dtype(node, np.dtype(dtype))
    elif isinstance(x, ArrayTracer):
        return x
    return ArrayTracer(node if isinstance(x, (list, tuple)) else identity(node))


def nested(x: Any) -> Any:
    """Return nested sequences with tracers in them as one traced array, all else as it is.

    An object that stands for a traced array by its `__array__` is that array.
    """
    if isinstance(x, (list, tuple)):
        return array_of(x) if is_traced(x) else x
    return as_traced(x)
