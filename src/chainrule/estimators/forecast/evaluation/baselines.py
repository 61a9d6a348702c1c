"""Random walks, without drift and with it: the forecasts of prices that any other has to beat.

An origin k is a number of known values, and the forecasts are those of ``values[k : k + horizon]``.
Only values before the origin are used, so that later ones change no bit. A missing last value is
replaced by the latest that is known.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


def naive_at(values: ArrayLike, origins: ArrayLike, horizon: int) -> Floats:
    """Return the latest value at each origin, repeated: yesterday's price.

    Parameters
    ----------
    values : array (series, time)
    origins : int array (origins,)
        How many values are known, one at least.
    horizon : int

    Returns
    -------
    array (origins, series, horizon)
        NaN where no value is known.

    Raises
    ------
    ValueError
        An origin is below 1 or above the number of values, or the horizon below 1.

    Examples
    --------
    >>> naive_at([[1.0, 2.0, 4.0]], [1, 3], 2).tolist()
    [[[1.0, 1.0]], [[4.0, 4.0]]]
    """
    series, at = _checked(values, origins, horizon)
    return np.repeat(_at(_filled(series), at - 1)[:, :, None], horizon, axis=2)


def drift_at(values: ArrayLike, origins: ArrayLike, horizon: int, log: bool = False) -> Floats:
    """Return the random walk with drift: the latest value and the mean of the differences so far.

    The drift is estimated anew at each origin, from what is known there: the latest less the first
    known value, over the steps between them. With one value it is 0. Other arguments and the result
    are as for `naive_at`.

    Parameters
    ----------
    log : bool, default False
        Differences of logarithms, for positive prices: a constant rate of growth.

    Raises
    ------
    DataError
        For logarithms of values that are not positive.

    Examples
    --------
    >>> drift_at([[1.0, 4.0, 5.0, 9.0]], [1, 2, 3], 2).tolist()
    [[[1.0, 1.0]], [[7.0, 10.0]], [[7.0, 9.0]]]
    >>> drift_at([[1.0, 8.0, 4.0]], [3], 2, log=True).round(6).tolist()
    [[[8.0, 16.0]]]
    """
    series, at = _checked(values, origins, horizon)
    if log:
        if (series <= 0).any():
            raise DataError(
                "a drift of logarithms needs positive values, and the smallest is "
                f"{np.nanmin(series):g}: use log=False"
            )
        series = np.log(series)
    last, slope = _last_and_slope(series, at)
    result = last[:, :, None] + slope[:, :, None] * np.arange(1, horizon + 1)
    return np.exp(result) if log else result


def _last_and_slope(series: Floats, at: Ints) -> tuple[Floats, Floats]:
    """The latest known values, and the mean steps from the first known ones."""
    steps = np.arange(series.shape[1])
    known = ~np.isnan(series)
    first = np.argmax(known, axis=1)
    index = np.maximum.accumulate(np.where(known, steps, -1), axis=1)  # of the latest known
    last_index = _at(index, at - 1)
    last = _at(_filled(series), at - 1)
    begin = series[np.arange(len(series)), first]
    length = last_index - first
    slope = np.where(length > 0, (last - begin) / np.maximum(length, 1), 0.0)
    return last, slope


def _filled(series: Floats) -> Floats:
    """Along the last axis, the latest known value in the stead of a missing one."""
    known = ~np.isnan(series)
    index = np.where(known, np.arange(series.shape[-1]), 0)
    return np.take_along_axis(series, np.maximum.accumulate(index, axis=-1), axis=-1)


def _at(series: NDArray[Number], index: Ints) -> NDArray[Number]:
    """Columns (index, series)."""
    return series[:, index].T


def _checked(values: ArrayLike, origins: ArrayLike, horizon: int) -> tuple[Floats, Ints]:
    """Values (series, time) and origins (origins,)."""
    series, at = np.asarray(values, np.float64), np.asarray(origins, np.int64)
    if series.ndim != 2:
        raise ValueError(f"values have the shape (series, time), not {series.shape}")
    if horizon < 1:
        raise ValueError(f"a horizon is 1 step at least, not {horizon!r}")
    if at.size and not 1 <= at.min() <= at.max() <= series.shape[1]:
        raise ValueError(
            f"origins are numbers of known values, 1 to {series.shape[1]}; "
            f"there are some from {at.min()} to {at.max()}"
        )
    return series, at
