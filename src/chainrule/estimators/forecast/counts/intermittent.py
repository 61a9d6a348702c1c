"""Intermittent demand: which series are so, and the forecast of their mean by smoothing, TSB."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

INTERVAL_LIMIT = 1.32  # mean steps from one demand to the next
CLOSED = 0.05  # share of demands below which a position of the season has none as a rule
LEAST_CYCLES = 8  # of a season, to tell such positions from chance
SMOOTHING = (0.02, 0.05, 0.1, 0.2, 0.3)  # the literature recommends 0.05 to 0.2
LARGEST_PATHS = 4_000_000  # numbers in memory at once


def is_intermittent(values: ArrayLike) -> bool:
    """Return whether a series has demands of 0 or more, and many zeros between them.

    The mean interval between demands, from the first on, is 1.32 steps or more. NaN is left out.
    False for a series with a negative or infinite value, or with none.

    References
    ----------
    A. A. Syntetos, J. E. Boylan: "The accuracy of intermittent demand estimates", International
    Journal of Forecasting 21 (2005), figure 2.

    Examples
    --------
    >>> is_intermittent([0, 1, 0, 0, 2, 0]), is_intermittent([3, 1, 2]), is_intermittent([0, -1, 0])
    (True, False, False)
    """
    series = np.asarray(values, np.float64).ravel()
    series = series[~np.isnan(series)]
    if not len(series) or not np.isfinite(series).all() or (series < 0).any():
        return False
    return bool(_mean_interval(series) >= INTERVAL_LIMIT)


def has_open_hours(values: ArrayLike, season: int) -> bool:
    """Return whether the zeros are those of a season: demand is usual wherever there is any.

    A shop that is closed at weekends, or the power of the sun, which is 0 at night, is as regular
    as any other series. The season must have come round eight times.

    Examples
    --------
    >>> has_open_hours([5, 6, 4, 0, 0] * 10, 5), has_open_hours([0, 1, 0, 0, 2] * 3, 5)
    (True, False)
    """
    series = np.asarray(values, np.float64).ravel()
    cycles = len(series) // season
    if season < 2 or cycles < LEAST_CYCLES:
        return False
    table = series[-cycles * season :].reshape(cycles, season)
    known = ~np.isnan(table)
    shares = (table > 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    is_open = shares > CLOSED
    if not is_open.any() or is_open.all():
        return False
    return not is_intermittent(table[:, is_open])


def likelihood_for(values: ArrayLike) -> Literal["negative_binomial", "tweedie"]:
    """Return the distribution that suits demands: whole numbers are counts, others amounts.

    Examples
    --------
    >>> likelihood_for([0, 3, 0]), likelihood_for([0.0, 2.5, np.nan])
    ('negative_binomial', 'tweedie')
    """
    series = np.asarray(values, np.float64)
    series = series[np.isfinite(series)]
    return "negative_binomial" if (series == np.rint(series)).all() else "tweedie"


def tsb_paths(values: Floats) -> Floats:
    """Return forecasts of the mean demand, by what is known before each step and after the last.

    Mean size of a demand times its probability, which is updated at every step: unlike Croston's
    forecast it falls while nothing sells, so it suits items that are phased out. The smoothing of
    sizes, and of the probability, is the one of a small grid with the least squared one-step error
    before that step.

    Parameters
    ----------
    values : array (series, time)
        Demands, 0 or more; NaN is left out.

    Returns
    -------
    array (series, time + 1)
        0 before the first demand.

    References
    ----------
    R. H. Teunter, A. A. Syntetos, M. Z. Babai: "Intermittent demand: linking forecasting to
    inventory obsolescence", European Journal of Operational Research 214 (2011), equation 3.

    Examples
    --------
    >>> tsb_paths(np.array([[0.0, 0.0], [2.0, 2.0]])).tolist()
    [[0.0, 0.0, 0.0], [0.0, 2.0, 2.0]]
    """
    some = max(1, LARGEST_PATHS // (len(SMOOTHING) ** 2 * (values.shape[1] + 1)))
    parts = [values[first : first + some] for first in range(0, len(values), some)]
    return np.concatenate([_chosen(_paths(part), part) for part in parts])


def _paths(series: Floats) -> Floats:
    """One-step forecasts (settings, series, time + 1), for each pair of smoothings of the grid."""
    sizes, rates = (part.reshape(-1, 1) for part in np.meshgrid(SMOOTHING, SMOOTHING))
    shape = (len(sizes), len(series))
    size, rate, paths = np.zeros(shape), np.zeros(shape), np.zeros((series.shape[1] + 1, *shape))
    since, begun = np.ones(len(series)), np.zeros(len(series), bool)
    for step, value in enumerate(series.T):
        known, sold = ~np.isnan(value), value > 0
        first = sold & ~begun
        size = np.where(sold, np.where(first, value, size + sizes * (value - size)), size)
        later = np.where(known, rate + rates * (sold - rate), rate)
        rate = np.where(first, 1.0 / since, later)
        begun |= sold
        since = np.where(sold, 1.0, since + known)
        paths[step + 1] = np.where(begun, size * rate, 0.0)
    return np.moveaxis(paths, 0, -1)


def _chosen(paths: Floats, series: Floats) -> Floats:
    """At each origin the path of the least squared error so far, (series, time + 1)."""
    errors = np.nan_to_num((paths[:, :, :-1] - series) ** 2)
    total = np.zeros(paths.shape)
    np.cumsum(errors, axis=-1, out=total[:, :, 1:])
    best = np.argmin(total, axis=0)[None]
    result: Floats = np.take_along_axis(paths, best, axis=0)[0]
    return result


def _mean_interval(series: Floats) -> float:
    """Mean steps from one demand to the next, from the first on; infinite without any."""
    steps = np.flatnonzero(series > 0)
    return (len(series) - steps[0]) / len(steps) if len(steps) else np.inf
