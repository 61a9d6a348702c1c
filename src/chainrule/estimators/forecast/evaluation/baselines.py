"""Forecasts that any other has to beat, at one origin or at many at once.

The functions that end in ``_at`` take the values of one or more series and origins: an origin k is
a number of known values, and the forecasts are those of ``values[k : k + horizon]``. Only values
before the origin are used, so that later ones change no bit. A missing last value is replaced by
the latest that is known.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


def naive(values: ArrayLike, horizon: int) -> Floats:
    """Return the latest value, repeated: yesterday's price.

    Examples
    --------
    >>> naive([1.0, 3.0, 2.0, np.nan], 2).tolist()
    [2.0, 2.0]
    """
    return np.asarray(naive_at(values, _end(values), horizon)[0])


def seasonal_naive(values: ArrayLike, horizon: int, season: int) -> Floats:
    """Return the latest season, repeated.

    Examples
    --------
    >>> seasonal_naive([1.0, 2.0, 3.0, 4.0], 5, season=3).tolist()
    [2.0, 3.0, 4.0, 2.0, 3.0]
    """
    return np.asarray(seasonal_naive_at(values, _end(values), horizon, season)[0])


def drift(values: ArrayLike, horizon: int, log: bool = False) -> Floats:
    """Return the random walk with drift: the latest value and the mean of the differences so far.

    Parameters
    ----------
    log : bool, default False
        Differences of logarithms, for positive prices: a constant rate of growth.

    Examples
    --------
    >>> drift([1.0, 4.0, 5.0], 2).tolist()
    [7.0, 9.0]
    >>> drift([1.0, 8.0, 4.0], 2, log=True).round(6).tolist()
    [8.0, 16.0]
    """
    return np.asarray(drift_at(values, _end(values), horizon, log)[0])


def historic_mean(values: ArrayLike, horizon: int) -> Floats:
    """Return the mean of all values so far, repeated.

    Examples
    --------
    >>> historic_mean([1.0, 4.0, np.nan, 4.0], 2).tolist()
    [3.0, 3.0]
    """
    return np.asarray(historic_mean_at(values, _end(values), horizon)[0])


def naive_at(values: ArrayLike, origins: ArrayLike, horizon: int) -> Floats:
    """Return `naive` forecasts at each origin.

    Parameters
    ----------
    values : array (time,) or (series, time)
    origins : int array (origins,), or (origins, series) where they differ
        How many values are known, one at least.
    horizon : int

    Returns
    -------
    array (origins, horizon) or (origins, series, horizon)
        NaN where no value is known.

    Raises
    ------
    ValueError
        An origin is below 1 or above the number of values, or the horizon below 1.

    Examples
    --------
    >>> naive_at([1.0, 2.0, 4.0], [1, 3], 2).tolist()
    [[1.0, 1.0], [4.0, 4.0]]
    """
    series, at, horizon = _checked(values, origins, horizon)
    latest = _at(_filled(series), at - 1)
    return _shaped(np.repeat(latest[:, :, None], horizon, axis=2), values)


def seasonal_naive_at(values: ArrayLike, origins: ArrayLike, horizon: int, season: int) -> Floats:
    """Return `seasonal_naive` forecasts at each origin; arguments and result as `naive_at`.

    A missing value is replaced by the one a season earlier, and where there is none, as in a series
    that is shorter than a season, by the latest value.

    Examples
    --------
    >>> seasonal_naive_at([1.0, 2.0, 3.0, 4.0], [1, 3], 3, season=2).tolist()
    [[1.0, 1.0, 1.0], [2.0, 3.0, 2.0]]
    """
    if season < 1:
        raise ValueError(f"a season has one row at least, not {season!r}")
    series, at, horizon = _checked(values, origins, horizon)
    cycles = -(-series.shape[1] // season)
    padded = np.full((len(series), cycles * season), np.nan)
    padded[:, : series.shape[1]] = series
    by_phase = padded.reshape(len(series), cycles, season).swapaxes(1, 2)
    seasonal = _filled(by_phase).swapaxes(1, 2).reshape(padded.shape)
    ahead = np.arange(horizon)
    source = at[:, :, None] + ahead - season * (ahead // season + 1)
    known = seasonal[np.arange(len(series))[None, :, None], np.maximum(source, 0)]
    known = np.where(source >= 0, known, np.nan)
    latest = _at(_filled(series), at - 1)[:, :, None]
    return _shaped(np.where(np.isnan(known), latest, known), values)


def drift_at(values: ArrayLike, origins: ArrayLike, horizon: int, log: bool = False) -> Floats:
    """Return `drift` forecasts at each origin; arguments and result as `naive_at`.

    The drift is estimated anew at each origin, from what is known there: the latest less the first
    known value, over the steps between them. With one value it is 0.

    Examples
    --------
    >>> drift_at([1.0, 4.0, 5.0, 9.0], [1, 2, 3], 1).ravel().tolist()
    [1.0, 7.0, 7.0]
    """
    series, at, horizon = _checked(values, origins, horizon)
    if log:
        if (series <= 0).any():
            raise DataError(
                "a drift of logarithms needs positive values, and the smallest is "
                f"{np.nanmin(series):g}: use log=False"
            )
        series = np.log(series)
    last, slope = _last_and_slope(series, at)
    result = last[:, :, None] + slope[:, :, None] * np.arange(1, horizon + 1)
    return _shaped(np.exp(result) if log else result, values)


def historic_mean_at(values: ArrayLike, origins: ArrayLike, horizon: int) -> Floats:
    """Return `historic_mean` forecasts at each origin; arguments and result as `naive_at`.

    Examples
    --------
    >>> historic_mean_at([1.0, 3.0, 8.0], [1, 2, 3], 1).ravel().tolist()
    [1.0, 2.0, 4.0]
    """
    series, at, horizon = _checked(values, origins, horizon)
    known = ~np.isnan(series)
    total = np.cumsum(np.where(known, series, 0.0), axis=1)  # one after the other: no look ahead
    count = np.cumsum(known, axis=1)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _shaped(np.repeat(_at(means, at - 1)[:, :, None], horizon, axis=2), values)


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
    result: NDArray[Number] = series[np.arange(len(series)), index]
    return result


def _end(values: ArrayLike) -> list[int]:
    return [np.shape(values)[-1]]


def _checked(values: ArrayLike, origins: ArrayLike, horizon: int) -> tuple[Floats, Ints, int]:
    """Values (series, time), origins (origins, series), and the horizon."""
    series = np.atleast_2d(np.asarray(values, np.float64))
    if series.ndim != 2:
        raise ValueError(f"values have the shape (time,) or (series, time), not {series.shape}")
    if horizon < 1:
        raise ValueError(f"a horizon is 1 step at least, not {horizon!r}")
    at = np.asarray(origins, np.int64)
    at = np.broadcast_to(at if at.ndim == 2 else at[:, None], (len(at), len(series)))
    if at.size and not 1 <= at.min() <= at.max() <= series.shape[1]:
        raise ValueError(
            f"origins are numbers of known values, 1 to {series.shape[1]}; "
            f"there are some from {at.min()} to {at.max()}"
        )
    return series, at, horizon


def _shaped(forecasts: Floats, values: ArrayLike) -> Floats:
    return forecasts[:, 0] if np.ndim(values) == 1 else forecasts
