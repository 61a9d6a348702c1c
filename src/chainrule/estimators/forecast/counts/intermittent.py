"""Intermittent demand: which series are so, and the classical forecasts of their mean."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
DemandClass: TypeAlias = Literal["smooth", "erratic", "intermittent", "lumpy"]
Method: TypeAlias = Literal["croston", "sba", "tsb"]

# Syntetos and Boylan (2005), figure 2
INTERVAL_LIMIT = 1.32  # mean steps from one demand to the next
VARIATION_LIMIT = 0.49  # squared coefficient of variation of the demands' sizes
SMOOTHING = (0.02, 0.05, 0.1, 0.2, 0.3)  # Croston's literature recommends 0.05 to 0.2
LARGEST_PATHS = 4_000_000  # numbers in memory at once


def classify(values: ArrayLike) -> DemandClass:
    """Say which of four kinds of demand a series is.

    Steps are counted from the first demand on; NaN is left out. A series without any demand is
    "intermittent".

    Parameters
    ----------
    values : array (time,)
        Demands, 0 or more.

    Returns
    -------
    str
        "smooth" (often, of similar size), "erratic" (often, sizes differ), "intermittent" (rare, of
        similar size) or "lumpy" (rare, sizes differ). Rare is a mean interval between demands of
        1.32 steps or more; sizes differ from a squared coefficient of variation of 0.49 on.

    Raises
    ------
    DataError
        If there is no value, or one is negative or infinite.

    References
    ----------
    A. A. Syntetos, J. E. Boylan, J. D. Croston: "On the categorization of demand patterns", Journal
    of the Operational Research Society 56 (2005); A. A. Syntetos, J. E. Boylan: "The accuracy of
    intermittent demand estimates", International Journal of Forecasting 21 (2005).

    Examples
    --------
    >>> classify([4, 5, 5, 4]), classify([0, 2, 0, 0, 2]), classify([1, 0, 0, 9, 0, 1])
    ('smooth', 'intermittent', 'lumpy')
    """
    interval, variation = _interval_and_variation(_checked(values))
    if interval < INTERVAL_LIMIT:
        return "smooth" if variation < VARIATION_LIMIT else "erratic"
    return "intermittent" if variation < VARIATION_LIMIT else "lumpy"


def is_intermittent(values: ArrayLike) -> bool:
    """Return whether a series has demands of 0 or more, and many zeros between them.

    The mean interval between demands is 1.32 steps or more (see `classify`). False for a series
    with a negative or infinite value, or with none.

    Examples
    --------
    >>> is_intermittent([0, 1, 0, 0, 2, 0]), is_intermittent([3, 1, 2]), is_intermittent([0, -1, 0])
    (True, False, False)
    """
    series = np.asarray(values, np.float64).ravel()
    series = series[~np.isnan(series)]
    if not len(series) or not np.isfinite(series).all() or (series < 0).any():
        return False
    return bool(_interval_and_variation(series)[0] >= INTERVAL_LIMIT)


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


def croston(values: ArrayLike, horizon: int) -> Floats:
    """Return Croston's forecast: mean size of a demand over mean interval, both smoothed.

    Updated at demands only, so it does not fall while nothing sells, and it is biased upwards by
    the factor ``1 / (1 - smoothing / 2)`` about, which `sba` removes.

    Parameters
    ----------
    values : array (time,) or (series, time)
        Demands, 0 or more; NaN is left out.
    horizon : int
        Steps to forecast; all are equal.

    Returns
    -------
    array (horizon,) or (series, horizon)
        0 before the first demand.

    References
    ----------
    J. D. Croston: "Forecasting and stock control for intermittent demands", Operational Research
    Quarterly 23 (1972).

    Examples
    --------
    >>> croston([0, 3, 0, 3, 0, 3, 0], 2).tolist()
    [1.5, 1.5]
    """
    return _latest(values, horizon, "croston")


def sba(values: ArrayLike, horizon: int) -> Floats:
    """Return `croston` times ``1 - smoothing / 2``: Syntetos and Boylan's approximation.

    References
    ----------
    A. A. Syntetos, J. E. Boylan: "The accuracy of intermittent demand estimates", International
    Journal of Forecasting 21 (2005), equation 5.

    Examples
    --------
    >>> sba([0, 3, 0, 3, 0, 3, 0], 1).round(3).tolist()
    [1.275]
    """
    return _latest(values, horizon, "sba")


def tsb(values: ArrayLike, horizon: int) -> Floats:
    """Return mean size of a demand times its probability, which is updated at every step.

    Unlike Croston's it falls while nothing sells, so it suits items that are phased out.

    References
    ----------
    R. H. Teunter, A. A. Syntetos, M. Z. Babai: "Intermittent demand: linking forecasting to
    inventory obsolescence", European Journal of Operational Research 214 (2011), equation 3.

    Examples
    --------
    >>> tsb([0, 0, 0], 1).tolist(), tsb([2, 2, 2], 1).tolist()
    ([0.0], [2.0])
    """
    return _latest(values, horizon, "tsb")


def intermittent_at(
    values: ArrayLike, origins: ArrayLike, horizon: int, method: Method = "tsb"
) -> Floats:
    """Return the forecasts of `croston`, `sba` or `tsb` at each origin.

    The smoothing is the one of a small grid with the least squared one-step error so far: at each
    origin by what is known there.

    Parameters
    ----------
    values : array (time,) or (series, time)
        Demands, 0 or more; NaN is left out.
    origins : int array (origins,)
        How many values are known, 0 at least.
    horizon : int
        Steps to forecast.
    method : str, default "tsb"
        "croston", "sba" or "tsb".

    Returns
    -------
    array (origins, horizon) or (origins, series, horizon)

    Examples
    --------
    >>> intermittent_at([0, 3, 0, 3, 0, 3], [1, 2, 6], 1, "croston").tolist()
    [[0.0], [1.5], [1.5]]
    """
    if method not in ("croston", "sba", "tsb"):
        raise ValueError(f"method={method!r}: give 'croston', 'sba' or 'tsb'")
    if horizon < 1:
        raise ValueError(f"a horizon is 1 step at least, not {horizon!r}")
    series = np.atleast_2d(np.asarray(values, np.float64))
    at = np.asarray(origins, np.int64)
    if at.size and not 0 <= at.min() <= at.max() <= series.shape[1]:
        raise ValueError(
            f"origins are numbers of known values, 0 to {series.shape[1]}; "
            f"there are some from {at.min()} to {at.max()}"
        )
    for one in series:
        _checked(one, empty=True)
    some = max(1, LARGEST_PATHS // (len(SMOOTHING) ** 2 * (series.shape[1] + 1)))
    parts = [series[first : first + some] for first in range(0, len(series), some)]
    latest = [_chosen(_paths(part, method), part)[:, at] for part in parts]
    forecasts = np.repeat(np.concatenate(latest).T[..., None], horizon, axis=-1)
    return forecasts[:, 0] if np.ndim(values) == 1 else forecasts


def _latest(values: ArrayLike, horizon: int, method: Method) -> Floats:
    result: Floats = intermittent_at(values, [np.shape(values)[-1]], horizon, method)[0]
    return result


def _paths(series: Floats, method: Method) -> Floats:
    """One-step forecasts (settings, series, time + 1), for each smoothing of the grid."""
    grid = np.array(SMOOTHING)
    if method == "tsb":  # of sizes, and of the probability
        sizes, rates = (part.reshape(-1, 1) for part in np.meshgrid(grid, grid))
    else:
        sizes = rates = grid.reshape(-1, 1)
    shape = (len(sizes), len(series))
    size, rate, paths = np.zeros(shape), np.zeros(shape), np.zeros((series.shape[1] + 1, *shape))
    since, begun = np.ones(len(series)), np.zeros(len(series), bool)
    for step, value in enumerate(series.T):
        known, sold = ~np.isnan(value), value > 0
        first = sold & ~begun
        size = np.where(sold, np.where(first, value, size + sizes * (value - size)), size)
        if method == "tsb":
            later = np.where(known, rate + rates * (sold - rate), rate)
            rate = np.where(first, 1.0 / since, later)
            forecast = size * rate
        else:  # the mean interval
            later = np.where(sold, rate + rates * (since - rate), rate)
            rate = np.where(first, since, later)
            forecast = size / np.maximum(rate, 1.0)
        begun |= sold
        since = np.where(sold, 1.0, since + known)
        paths[step + 1] = np.where(begun, forecast, 0.0)
    paths = np.moveaxis(paths, 0, -1)
    return paths * (1.0 - sizes[..., None] / 2.0) if method == "sba" else paths


def _chosen(paths: Floats, series: Floats) -> Floats:
    """At each origin the path of the least squared error so far, (series, time + 1)."""
    errors = np.nan_to_num((paths[:, :, :-1] - series) ** 2)
    total = np.zeros(paths.shape)
    np.cumsum(errors, axis=-1, out=total[:, :, 1:])
    best = np.argmin(total, axis=0)[None]
    result: Floats = np.take_along_axis(paths, best, axis=0)[0]
    return result


def _checked(values: Any, empty: bool = False) -> Floats:
    series = np.asarray(values, np.float64).ravel()
    series = series[~np.isnan(series)]
    if not len(series) and not empty:
        raise DataError("the series has no known value: give demands of 0 or more")
    if (series < 0).any() or np.isinf(series).any():
        worst = series.min() if series.min(initial=0) < 0 else series.max()
        raise DataError(f"a demand is {worst:g}: demands are finite, 0 or more")
    return series


def _interval_and_variation(series: Floats) -> tuple[float, float]:
    """Mean steps from one demand to the next, and the squared variation of their sizes."""
    steps = np.flatnonzero(series > 0)
    if not len(steps):
        return np.inf, 0.0
    sizes = series[steps]
    return (len(series) - steps[0]) / len(steps), float((sizes.std() / sizes.mean()) ** 2)
