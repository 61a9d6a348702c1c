"""make_graph: the graph of a call, to be printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

from ...graph.graph import Graph
from .jit import JitFunction

P = ParamSpec("P")


def make_graph(f: Callable[P, Any]) -> Callable[P, Graph]:
    """Make a function that returns the `Graph` of a call to `f`; ``print`` shows it as text.

    Examples
    --------
    >>> import numpy as np
    >>> print(make_graph(lambda x: np.tanh(x) * 2.0)(np.ones(3)))
    graph(%0: f64[3]):
      %1: f64[3] = tanh %0
      %2: f64[] = constant 2.0
      %3: f64[3] = mul %1, %2
      return %3
    """
    return JitFunction(f).graph
