"""Whether series are prices: positive, without a season, hardly to be told from a random walk."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .reading.panel import Panel

Floats: TypeAlias = NDArray[np.float64]

LEAST_STEPS = 60  # of a series, to say that it is a walk
MOST_CORRELATION = 0.12  # of neighbouring returns, beside what chance gives
VARIANCE_RATIO = (0.7, 1.4)  # of changes over many steps to those of one, for a walk


def are_prices(panel: Panel) -> bool:
    """Whether all series are walks on trading days or without a calendar of hours and weeks.

    A walk's returns do not depend on those before (A. W. Lo, A. C. MacKinlay: "Stock market prices
    do not follow random walks", Review of Financial Studies 1, 1988: variance ratios).
    """
    business = panel.calendar.kind == "trading" or panel.calendar.freq == "B"
    return business and all(is_walk(one.values) for one in panel.series)


def is_walk(values: Floats) -> bool:
    """Whether a series looks like a random walk of prices.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> prices = np.exp(np.cumsum(0.01 * rng.normal(size=500)))
    >>> is_walk(prices), is_walk(np.abs(np.sin(np.arange(500.0))) + 1)
    (True, False)
    """
    if len(values) < LEAST_STEPS or float(values.min()) <= 0.0:
        return False
    logs = np.log(values)
    returns = np.diff(logs)
    returns = returns - returns.mean()
    variance = float(np.mean(returns**2))
    if not variance > 0.0:
        return False
    usual = float(np.median(np.abs(returns)))
    calm = np.clip(returns, -5.0 * usual, 5.0 * usual)  # fat tails would decide alone
    correlation = float(np.mean(calm[1:] * calm[:-1]) / np.mean(calm**2))
    if abs(correlation) > MOST_CORRELATION + 2.0 / np.sqrt(len(returns)):
        return False
    many = max(2, min(10, len(returns) // 12))
    sums = np.cumsum(calm)
    longer = sums[many:] - sums[:-many]
    ratio = float(np.mean(longer**2) / (many * np.mean(calm**2)))
    slack = 2.0 * np.sqrt(many / len(returns))
    return bool(VARIANCE_RATIO[0] - slack <= ratio <= VARIANCE_RATIO[1] + slack)
