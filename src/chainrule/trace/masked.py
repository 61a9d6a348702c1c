"""Masked arrays of which nothing is masked, beside traced arrays: read as plain ones.

NumPy masks what a masked array becomes later, where it is not finite, or where a function is not
defined. Numbers are known to be none of these only once they are there: `refuse_masked` looks at
all that a trace computed since it met a masked array, when a result or a number leaves the trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, next_serial, reachable
from .tracing import tracing


def is_unmasked(x: Any) -> bool:
    """Return whether x is a masked array of NumPy's own type of which nothing is masked."""
    kind = type(x)
    if kind.__name__ != "MaskedArray" or not kind.__module__.startswith("numpy.ma"):
        return False
    return x.dtype.kind in "biufc" and not np.any(x.mask)


def note_masked() -> None:
    """Take down that from here on entries might have been masked."""
    if tracing.masked_since is None:
        tracing.masked_since = next_serial()


def refuse_masked(nodes: Iterable[Node]) -> None:
    """Raise if NumPy would, or could, have masked an entry on the way to these nodes."""
    since = tracing.masked_since
    if since is None:
        return
    for node in reachable(nodes, since):
        if _could_be_masked(node):
            tracing.masked_since = None  # said once
            text = _MASKED.format(node.primitive.name)
            raise UnsupportedError(f"{node.line}: {text}" if node.line else at_user_line(text))


def _could_be_masked(node: Node) -> bool:
    name = node.primitive.name
    if name in _NARROWED or node.dtype is None:
        return name in _NARROWED
    if node.value is None:
        squared = name == "mul" and node.inputs[0] is node.inputs[1]
        return squared or name in _DOMAINED
    return node.dtype.kind in "fc" and not np.all(np.abs(node.value) < _LARGE)


_LARGE = 1e307  # NumPy masks quotients from 1 / (the smallest normal number) on
# Where NumPy masks finite results, too
_NARROWED = {"arctanh", "floor_divide", "remainder"}
_DOMAINED = {"arccos", "arccosh", "arcsin", "div", "float_power", "log", "log10", "log2", "power",
             "sqrt", "tan"}  # fmt: skip
_MASKED = (
    "a masked array met a traced one, is read as a plain one since nothing in it is masked, and "
    "NumPy masks what is not finite later: here it would, or (under jit) could, mask entries of "
    "{}. Write x.filled(...) before, and np.where for what is to be left out"
)
