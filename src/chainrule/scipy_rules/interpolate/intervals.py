"""In which interval between sorted knots a number lies: flat, and known without a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...transforms import stop_gradient
from ..arrays import known, take

FEW = 16


def searchsorted(knots: Any, x: Any, side: str = "left") -> Any:
    """Return how many knots are less than x (``side="left"``) or not greater (``"right"``)."""
    numbers, of_knots = known(x), known(knots)
    if numbers is not None and of_knots is not None:
        return np.searchsorted(of_knots, numbers, side)  # type: ignore[call-overload]
    x, knots = stop_gradient(x), stop_gradient(knots)
    m = knots.shape[0]
    if m <= FEW:
        return np.sum(_reached(knots, x[..., None], side), axis=-1)
    count, step = np.zeros(x.shape, np.intp), 1 << (m.bit_length() - 1)
    while step:
        more = count + step
        reached = _reached(take(knots, np.minimum(more, m) - 1), x, side)
        count = np.where((more <= m) & reached, more, count)
        step >>= 1
    return count


def _reached(knots: Any, x: Any, side: str) -> Any:
    return knots < x if side == "left" else knots <= x
