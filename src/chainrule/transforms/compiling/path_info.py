"""What users are told of the paths through a function, and what is known of their graphs."""

from __future__ import annotations

import linecache
from os.path import basename
from typing import NamedTuple

import numpy as np

from ...graph.graph import Graph
from ...trace.recording import Guard


class PathInfo(NamedTuple):
    """One path through a function; see `JitFunction.paths`.

    Attributes
    ----------
    guards : tuple of str
        The user's line of each branch, and what it decided.
    calls : int
        How many calls took this path.
    compiled : bool
        Whether there is a program for it: from the second call on.
    """

    guards: tuple[str, ...]
    calls: int
    compiled: bool

    def __str__(self) -> str:
        times = "once" if self.calls == 1 else f"{self.calls} times"
        head = f"taken {times}, {'compiled' if self.compiled else 'not compiled yet'}"
        return "\n".join([head, *[f"  {guard}" for guard in self.guards]])


def _source(guard: Guard) -> str:
    return linecache.getline(guard.filename, guard.line).strip()


def guard_text(guard: Guard) -> str:
    """Return the line that asked, and the answer, as in ``file.py:3: if x > 0: -> True``."""
    value = guard.value
    if guard.kind == "exact" and np.size(value) > 1:
        value = f"an array of shape {np.shape(value)}"
    return f"{basename(guard.filename)}:{guard.line}: {_source(guard)} -> {value}"


def advice(guard: Guard) -> str:
    """Return what to write so that one program serves for all answers."""
    source = _source(guard)
    if source.startswith("while"):
        return "chainrule.while_loop takes any number of iterations"
    if source.startswith("for") or guard.kind == "integer":
        return (
            "chainrule.while_loop takes any number of iterations, and fori_loop with numpy.where "
            "up to a fixed one"
        )
    if guard.kind == "exact":
        return "numpy.where computes with masks and numbers of any value"
    return "numpy.where or chainrule.cond computes either side in one program"


_UNPREDICTABLE = {"while_loop", "callback"}  # may not end, or have effects, on a wrong path


def is_unpredictable(graph: Graph) -> bool:
    """Return whether a program may not end, or have effects, where its guards do not hold."""
    for node in graph.nodes:
        if node.primitive.name in _UNPREDICTABLE:
            return True
        if any(is_unpredictable(x) for x in node.params.values() if isinstance(x, Graph)):
            return True
    return False
