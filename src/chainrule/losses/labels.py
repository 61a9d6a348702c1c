"""Labels out of range: an error that names them, or nan where only shapes are known.

A compiled function cannot raise. There such a label makes its loss nan, and so the derivative, so
that no training goes on as if it were another label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..trace.tracer import Tracer

SLACK = 1e-6  # a share of two labels, as of mixed samples, may round to a little over 1


def numbers(x: Any) -> Any:
    """An array's numbers, or None if only its shape is known."""
    if isinstance(x, Tracer):
        return x.node.value
    return x if isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)


def check(labels: Any, valid: Callable[[Any], Any], tell: Callable[[Any], str]) -> Any:
    """Raise if a label is out of range; where that is not known, say which are not.

    Parameters
    ----------
    labels : array, or tuple of arrays
    valid : callable
        ``valid(labels)``: which losses are of labels that are in range, of the losses' shape.
    tell : callable
        ``tell(labels)``, given their numbers: what is wrong, for the error.

    Returns
    -------
    array of bool, or None
        For `marked`; None if all are known to be in range.

    Raises
    ------
    ValueError
        If a label is out of range and known.
    """
    several = isinstance(labels, tuple)
    known = tuple(map(numbers, labels)) if several else numbers(labels)
    if known is None or (several and any(x is None for x in known)):
        return valid(labels)
    if not np.all(valid(known)):
        raise ValueError(at_user_line(tell(known)))
    return None


def marked(losses: Any, valid: Any) -> Any:
    """The losses, nan where a label is out of range: by a factor, so that slopes are nan, too."""
    if valid is None:
        return losses
    return losses * np.where(valid, losses.dtype.type(1), losses.dtype.type(np.nan))


def between(low: float, high: float) -> Callable[[Any], Any]:
    """Whether labels lie in a range; nan does not."""
    return lambda labels: (labels >= low) & (labels <= high)


def span(labels: Any) -> str:
    """The least and the largest, or that one is nan."""
    if np.isnan(labels).any():
        return "one is nan"
    return f"they run from {labels.min()} to {labels.max()}"
