"""Metrics of forecasts, by the definitions of the M4 and M5 competitions.

Arrays have the shape (..., horizon), and means are taken over the axes `axis`, the last one unless
it says otherwise; ``axis=()`` returns the terms themselves. NaN, in the actual values or in the
forecasts, is left out of the mean; where nothing is left the mean is NaN. Infinite errors count.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Axis: TypeAlias = int | tuple[int, ...]

CONSTANT = 1e-12  # of the largest value: smaller mean differences are rounding, the scale is 0


def average(terms: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the mean over `axis` of what is not NaN; NaN where nothing is.

    Examples
    --------
    >>> average([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]]).tolist()
    [2.0, nan]
    """
    values = np.asarray(terms, np.float64)
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    result: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)[()]  # 0-d: a number
    return result


def mae(actual: ArrayLike, forecast: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the mean absolute error, in the target's units.

    Examples
    --------
    >>> float(mae([1.0, 2.0, np.nan], [2.0, 4.0, 9.0]))
    1.5
    """
    return average(np.abs(_error(actual, forecast)), axis)


def smape(actual: ArrayLike, forecast: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the symmetric mean absolute percentage error, 0 to 200 %.

    ``200 mean(|y - f| / (|y| + |f|))``, as in the M4 competition. Some libraries leave out the 100
    (theirs is 0 to 2), others also the factor 2 (0 to 1). Where both are 0 the term is 0.

    References
    ----------
    S. Makridakis, E. Spiliotis, V. Assimakopoulos: "The M4 Competition: 100,000 time series and 61
    forecasting methods", International Journal of Forecasting 36 (2020), section 2.

    Examples
    --------
    >>> float(smape([100.0, 0.0], [300.0, 0.0]))
    50.0
    """
    y, f = _pair(actual, forecast)
    size = np.abs(y) + np.abs(f)
    with np.errstate(invalid="ignore"):
        terms = np.where(size > 0, 200.0 * np.abs(y - f) / np.where(size > 0, size, 1.0), 0.0)
    terms = np.where(np.isinf(size), 200.0, terms)
    return average(np.where(np.isnan(size), np.nan, terms), axis)


def naive_scale(train: ArrayLike, season: int = 1) -> Floats:
    """Return MASE's denominator: the mean ``|y_t - y_(t - season)|`` of training values.

    Parameters
    ----------
    train : array (..., time)
        Values before the forecast's origin; NaN is left out.
    season : int, default 1
        Rows of a season; M4 takes that of the frequency (24 for hours, 12 for months).

    Returns
    -------
    array (...)
        In the target's units. 0 for a series that repeats itself (constant, or the same in each
        season), up to rounding: `mase` is then NaN, neither infinite nor 0. NaN where no two
        values are a season apart.

    Examples
    --------
    >>> float(naive_scale([1.0, 2.0, 5.0, 3.0], season=2))
    2.5
    """
    return _scale(train, season, 1)


def squared_scale(train: ArrayLike, season: int = 1) -> Floats:
    """Return RMSSE's denominator: the mean ``(y_t - y_(t - season))**2`` of training values.

    As `naive_scale`, squared. M5 takes ``season=1``, and begins at the first sale.

    Examples
    --------
    >>> float(squared_scale([1.0, 2.0, 5.0]))
    5.0
    """
    return _scale(train, season, 2)


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the mean absolute scaled error: `mae` divided by `naive_scale`.

    Parameters
    ----------
    scale : array (...)
        Without the horizon. Where it is 0 or NaN the result is NaN (see `naive_scale`).

    References
    ----------
    R. J. Hyndman, A. B. Koehler: "Another look at measures of forecast accuracy", International
    Journal of Forecasting 22 (2006), section 3.

    Examples
    --------
    >>> scale = naive_scale([1.0, 2.0, 5.0, 3.0], season=2)
    >>> float(mase([1.0, 2.0], [2.0, 4.0], scale).round(6))
    0.6
    """
    return scaled(np.abs(_error(actual, forecast)), scale, axis)


def bias(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the mean of ``forecast - actual`` over `naive_scale`: above 0 where it is too high.

    Parameters
    ----------
    scale : array (...)
        As for `mase`.

    Examples
    --------
    >>> float(bias([1.0, 2.0], [2.0, 4.0], 3.0))
    0.5
    """
    return scaled(_error(actual, forecast), scale, axis)


def pinball(
    actual: ArrayLike, quantile_forecast: ArrayLike, level: float, axis: Axis = -1
) -> Floats:
    """Return the mean pinball loss of a forecast of the quantile `level`, between 0 and 1.

    ``level (y - q)`` above the forecast and ``(1 - level) (q - y)`` below it.

    References
    ----------
    R. Koenker, G. Bassett: "Regression quantiles", Econometrica 46 (1978).

    Examples
    --------
    >>> float(pinball([1.0, 5.0], [2.0, 3.0], 0.9))
    0.95
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"pinball: the level of a quantile is between 0 and 1, not {level!r}")
    error = -_error(actual, quantile_forecast)
    return average(np.maximum(level * error, (level - 1.0) * error), axis)


def crps_of_quantiles(
    actual: ArrayLike, quantiles: ArrayLike, levels: ArrayLike, axis: Axis = -1
) -> Floats:
    """Return the continuous ranked probability score that quantiles tell: 2 mean pinball losses.

    Exact in the limit of many evenly spaced levels ``(k - 1/2) / n``; with few it is a score of
    these quantiles, comparable between models that give the same levels. For a point forecast, all
    quantiles equal at symmetric levels, it is the absolute error.

    Parameters
    ----------
    actual : array (..., horizon)
    quantiles : array (..., horizon, levels)
    levels : sequence of float
        Between 0 and 1.

    References
    ----------
    T. Gneiting, R. Ranjan: "Comparing density forecasts using threshold- and quantile-weighted
    scoring rules", Journal of Business & Economic Statistics 29 (2011), equation 14.

    Examples
    --------
    >>> float(crps_of_quantiles([3.0], [[1.0, 2.0, 4.0]], [0.1, 0.5, 0.9]).round(3))
    0.533
    """
    array, at = np.asarray(quantiles, np.float64), np.atleast_1d(np.asarray(levels, np.float64))
    if array.shape[-1:] != at.shape or not len(at):
        raise ValueError(
            f"crps_of_quantiles: quantiles of shape {array.shape} end in one for each of the "
            f"{len(at)} levels"
        )
    terms = [pinball(actual, array[..., k], level, ()) for k, level in enumerate(at.tolist())]
    return average(2.0 * np.mean(terms, axis=0), axis)


def interval_coverage(
    actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, axis: Axis = -1
) -> Floats:
    """Return the share, 0 to 1, of actual values in their intervals, ends included.

    Examples
    --------
    >>> float(interval_coverage([1.0, 2.0, 9.0, np.nan], [1.0, 1.0, 1.0, 1.0], [3.0] * 4).round(3))
    0.667
    """
    y, lo, hi = (np.asarray(array, np.float64) for array in (actual, lower, upper))
    inside = ((y >= lo) & (y <= hi)).astype(np.float64)
    return average(np.where(np.isnan(y) | np.isnan(lo) | np.isnan(hi), np.nan, inside), axis)


def scaled(terms: Any, scale: ArrayLike, axis: Axis = -1) -> Floats:
    """Return the mean of terms (..., horizon) over scales (...); a scale of 0 counts as missing.

    Examples
    --------
    >>> scaled([[1.0, 2.0], [1.0, 2.0]], [2.0, 0.0]).tolist()
    [0.75, nan]
    """
    divisor = np.asarray(scale, np.float64)[..., None]
    return average(np.asarray(terms) / np.where(divisor > 0, divisor, np.nan), axis)


def _pair(actual: ArrayLike, forecast: ArrayLike) -> tuple[Floats, Floats]:
    y, f = np.asarray(actual, np.float64), np.asarray(forecast, np.float64)
    if y.shape != f.shape:
        raise ValueError(f"actual values {y.shape} and forecasts {f.shape} differ in shape")
    return y, f


def _error(actual: ArrayLike, forecast: ArrayLike) -> Floats:
    y, f = _pair(actual, forecast)
    return f - y


def _terms(train: ArrayLike, season: int) -> tuple[Floats, Floats]:
    """The absolute differences over a season, and the sizes of the values, 0 if missing."""
    if season < 1:
        raise ValueError(f"a season has one row at least, not {season!r}")
    values = np.asarray(train, np.float64)
    differences = np.abs(values[..., season:] - values[..., :-season])
    return differences, np.abs(np.where(np.isnan(values), 0.0, values))


def _scale(train: ArrayLike, season: int, power: int) -> Floats:
    terms, size = _terms(train, season)
    constant = average(terms) <= CONSTANT * size.max(axis=-1, initial=0.0)
    result: Floats = np.where(constant, 0.0, average(terms**power))[()]
    return result
