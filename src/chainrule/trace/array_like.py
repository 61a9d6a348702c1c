"""What NumPy's functions take in place of an array, as a traced one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .nested import nested
from .operands import node_of
from .tracer import Tracer, traced


def array_like(x: Any) -> Any:
    """Return an array, a number, or nested sequences of these, which may be traced, as a tracer."""
    x = nested(x)
    if isinstance(x, Tracer):
        return x
    return traced(node_of(np.asarray(x) if isinstance(x, (list, tuple)) else x))


def node_like(x: Any) -> Any:
    """Return the node of `array_like`."""
    return array_like(x).node
