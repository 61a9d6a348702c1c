"""Labels out of range: an error that names them, or nan in compiled functions.

A compiled function cannot raise. There, an invalid label makes its loss and the gradient nan, so
that training does not continue with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..trace.tracer import Tracer

SLACK = 1e-6  # a share of two labels, as of mixed samples, may round to a little over 1


def numbers(x: Any) -> Any:
    """Return an array's values, or None if only its shape is known (in a compiled function)."""
    if isinstance(x, Tracer):
        return x.node.value
    return x if isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)


def check(labels: Any, valid: Callable[[Any], Any], describe: Callable[[Any], str]) -> Any:
    """Raise if a label is out of range; return which labels are valid if that is not known yet.

    Parameters
    ----------
    labels : array, or tuple of arrays
    valid : callable
        ``valid(labels)``: an array of bool of the losses' shape, False where a label is out of
        range.
    describe : callable
        ``describe(labels)``: the error message for labels that are known and out of range.

    Returns
    -------
    array of bool, or None
        For `mark_invalid`; None if all are known to be in range.

    Raises
    ------
    ValueError
        If a label is out of range and known.
    """
    is_tuple = isinstance(labels, tuple)
    known = tuple(map(numbers, labels)) if is_tuple else numbers(labels)
    if known is None or (is_tuple and any(x is None for x in known)):
        return valid(labels)
    if not np.all(valid(known)):
        raise ValueError(at_user_line(describe(known)))
    return None


def mark_invalid(losses: Any, valid: Any) -> Any:
    """Return the losses times nan where a label is out of range; their gradients are nan, too."""
    if valid is None:
        return losses
    return losses * np.where(valid, losses.dtype.type(1), losses.dtype.type(np.nan))


def between(low: float, high: float) -> Callable[[Any], Any]:
    """Return a function that tells whether labels lie in a range; nan does not."""
    return lambda labels: (labels >= low) & (labels <= high)


def span(labels: Any) -> str:
    """Describe the range of labels, or say that one is nan."""
    if np.isnan(labels).any():
        return "one is nan"
    return f"they run from {labels.min()} to {labels.max()}"
