"""Mean and standard deviation of numbers of any size: no square leaves the range of float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def exponent(values: Any) -> int:
    """Return n such that finite numbers divided by 2**n lie between -1 and 1; 0 for zeros.

    Examples
    --------
    >>> exponent(np.array([3.0, -5.0])), exponent(np.array([1e-200])), exponent(np.zeros(2))
    (3, -664, 0)
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    return int(np.frexp(largest)[1])


def mean_and_deviation(values: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Return the (weighted) mean and standard deviation of finite numbers.

    Both are computed from the numbers divided by a power of two, which changes no bit where the
    plain formulas stay in range: squares of 1e160 overflow, and those of 1e-200 are 0.

    Parameters
    ----------
    values : array of float64, shape (rows,)
    weights : array of float64, shape (rows,), optional

    Returns
    -------
    (float, float)

    Examples
    --------
    >>> mean_and_deviation(np.array([1.0, 3.0]))
    (2.0, 1.0)
    >>> mean_and_deviation(np.array([1e-200, 3e-200]))
    (2e-200, 1e-200)
    >>> mean_and_deviation(np.array([-1e300, 1e300]), np.array([1.0, 3.0]))
    (5e+299, 8.660254037844387e+299)
    """
    power = exponent(values)
    scaled = np.ldexp(values, -power)
    mean = np.average(scaled, weights=weights)
    deviation = float(np.average((scaled - mean) ** 2, weights=weights)) ** 0.5
    return float(np.ldexp(mean, power)), float(np.ldexp(deviation, power))


def standardize(values: Floats, mean: float, deviation: float) -> Floats:
    """``(values - mean) / deviation``, also where the difference is out of range.

    Examples
    --------
    >>> standardize(np.array([-1.5e308, 1.5e308]), 0.0, 1.5e308).tolist()
    [-1.0, 1.0]
    >>> standardize(np.array([1.5e308]), -1.5e308, 1.5e308).tolist()
    [2.0]
    """
    with np.errstate(over="ignore"):
        scaled = (values - mean) / deviation
    if np.isfinite(scaled).all():
        return np.asarray(scaled, np.float64)
    return np.asarray((values / 4 - mean / 4) / deviation * 4, np.float64)
