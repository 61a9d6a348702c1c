"""How unusual the residuals of a forecast are: their averages, and single ones."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

FARTHEST = 12.0  # scales of a residual; of more only the logarithm counts
GROWTH = 1.0  # scales that e times as large a residual counts more, beyond those
AVERAGED = 5.0  # scales that enter the averages at most, or they would echo one row for a day
AVERAGES = 2  # of residuals with their sign, and without; the third part is that of a row alone
PARTS = 3
POINT_WEIGHT = 0.5  # a row alone must be twice as unusual as an average


def running_averages(residuals: Floats, first: Floats, half_life: float) -> Floats:
    """Return the averages of residuals (n, 2, channels), with their sign and without.

    A missing residual leaves them as they are; one of more than 5 scales counts as 5.

    Examples
    --------
    >>> residuals = np.array([[2.0], [np.nan], [-2.0]])
    >>> running_averages(residuals, np.zeros((2, 1)), 1.0)[:, :, 0].tolist()
    [[1.0, 1.0], [1.0, 1.0], [-0.5, 1.5]]
    """
    rate = 1 - 2.0 ** (-1 / half_life)
    near = np.clip(residuals, -AVERAGED, AVERAGED)
    result = np.empty((len(residuals), AVERAGES, residuals.shape[1]))
    for k, column in enumerate(near.T):
        signed, size = float(first[0, k]), float(first[1, k])
        path = []
        for value in column.tolist():
            if value == value:
                signed += rate * (value - signed)
                size += rate * (abs(value) - size)
            path.append((signed, size))
        result[:, :, k] = np.array(path).reshape(-1, AVERAGES)
    return result


def row_sizes(residuals: Floats) -> Floats:
    """Return the sizes of residuals; beyond 12 scales they grow with their logarithm.

    Examples
    --------
    >>> row_sizes(np.array([-3.0, 12.0, 12e6])).round(1).tolist()
    [3.0, 12.0, 25.8]
    """
    sizes = np.abs(residuals)
    return np.asarray(
        np.minimum(sizes, FARTHEST) + GROWTH * np.log(np.maximum(sizes / FARTHEST, 1.0))
    )


def part_sizes(residuals: Floats, averages: Floats, scales: Floats) -> Floats:
    """Return the largest of the channels (n, 3) of both averages and of the row alone."""
    missing = np.isnan(residuals)
    alone = np.where(missing, 0.0, row_sizes(residuals)).max(axis=1)
    sizes = np.concatenate([np.abs(averages / scales).max(axis=2), alone[:, None]], axis=1)
    sizes[missing.all(axis=1)] = np.nan
    return np.asarray(sizes)


def combined(parts: Floats, windows: Floats | None = None) -> Floats:
    """Return the scores of rows: the mean of the averages, or half the part of the row alone.

    Parameters
    ----------
    parts : array (n, 3)
    windows : array (n,), optional
        How unusual the windows are, by the 0.99 quantile so far: one more part of the mean. NaN
        where they are not ready.

    Examples
    --------
    >>> parts = np.array([[1.0, 2.0, 0.5], [1.0, 1.0, 5.0]])
    >>> combined(parts).tolist(), combined(parts, np.array([3.0, np.nan])).tolist()
    ([1.5, 2.5], [2.0, 2.5])
    """
    total = parts[:, :AVERAGES].sum(axis=1)
    if windows is None:
        mean = total / AVERAGES
    else:
        ready = ~np.isnan(windows)
        mean = (total + np.where(ready, windows, 0.0)) / (AVERAGES + ready)
    return np.asarray(np.maximum(mean, POINT_WEIGHT * parts[:, AVERAGES]))
