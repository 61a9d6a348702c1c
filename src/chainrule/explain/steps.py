"""The steps of an explanation, and the uses of inputs by steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Edge:
    """One use of an input by a step: the factor that the chain rule multiplies by.

    Attributes
    ----------
    source : str
        The input's name.
    local : array or None
        The local derivative: of the step's shape for an elementwise step, else the Jacobian,
        shape ``step.shape + input.shape``; None where that would be large.
    product : array
        Upstream gradient times local derivative: what this use adds to the input's gradient.
    """

    source: str
    local: Any
    product: Any


@dataclass(frozen=True)
class Step:
    """One node on the way from the inputs to the loss.

    Attributes
    ----------
    name : str
        The argument's name, or ``%1``, ``%2``, ... for what is computed.
    operation : str
        What was computed, such as ``mul(w, x)``; empty for an argument.
    line, code : str
        ``file.py:12`` and the text of the user's line; empty for an argument.
    value : array
        Its value.
    upstream : array
        The derivative of the loss by this value.
    edges : tuple of Edge
        One for each input through which a derivative flows.
    """

    name: str
    operation: str
    line: str
    code: str
    value: Any
    upstream: Any
    edges: tuple[Edge, ...]
