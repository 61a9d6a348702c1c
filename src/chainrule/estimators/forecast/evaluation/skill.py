"""Whether a forecast of prices is better than a random walk, or only lucky.

Lower errors alone prove nothing: on simulated walks one forecast in four "beats" the walk. A claim
needs a test for nested models (Clark and West's), on errors that do not overlap, against walks with
and without drift, and an error that is smaller by more than a rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from .baselines import drift_at, naive_at
from .metrics import average

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

P_VALUE = 0.01  # of the Clark-West test, at most, for a claim
RELATIVE_RMSE = 0.99  # at most, for a claim
IDENTICAL = 1e-12  # of the largest error: forecasts that differ by less are the same
DRIFT, YESTERDAY = "random walk with drift", "yesterday's price"


@dataclass(frozen=True)
class Skill:
    """How a forecast of prices compares with random walks.

    Attributes
    ----------
    baseline : str
        The walk with the smaller error: "random walk with drift" or "yesterday's price".
    n : int
        Windows that the tests have seen: those that do not overlap.
    relative_rmse : float
        The forecast's root mean square error over that baseline's; below 1 is better.
    p_value : float
        The larger one of the Clark-West tests against the two walks.
    hit_rate : float
        Share of the windows whose direction the forecast has right.
    baseline_hit_rate : float
        The same of the drift: in a market that rises throughout, the share of windows that rise.
    claimed : bool
        Whether ``p_value < 0.01`` and ``relative_rmse < 0.99``.
    ahead : int
        Steps ahead of the forecasts that are compared.
    """

    baseline: str
    n: int
    relative_rmse: float
    p_value: float
    hit_rate: float
    baseline_hit_rate: float
    claimed: bool
    ahead: int = 1

    def sentence(self) -> str:
        """Return the finding as one sentence, with its numbers.

        Examples
        --------
        >>> print(Skill(DRIFT, 250, 1.003, 0.41, 0.52, 0.55, False).sentence())
        The forecast is no better than yesterday's price: RMSE 1.003 of that of the random walk \
with drift, Clark-West p = 0.410 (250 windows, 1 step ahead; direction right in 52 %, always with \
the drift 55 %).
        """
        walk = self.baseline if self.baseline == YESTERDAY else f"the {self.baseline}"
        verdict = f"better than {walk}" if self.claimed else f"no better than {YESTERDAY}"
        steps = "1 step" if self.ahead == 1 else f"{self.ahead} steps"
        if not self.n:
            return f"The forecast is {verdict}: there is no window to compare them in."
        return (
            f"The forecast is {verdict}: RMSE {self.relative_rmse:.3f} of that of {walk}, "
            f"Clark-West p = {self.p_value:.3f} ({self.n} windows, {steps} ahead; direction right "
            f"in {_percent(self.hit_rate)}, always with the drift "
            f"{_percent(self.baseline_hit_rate)})."
        )


def price_skill(
    prices: ArrayLike, forecasts: ArrayLike, origins: ArrayLike, ahead: int = 1
) -> Skill:
    """Compare forecasts of prices with the random walk, with drift and without.

    The drift is estimated at each origin from the prices up to there. Both walks have to be beaten:
    against the one without drift a rising market passes for skill, and against the one with drift
    any forecast passes that shrinks a badly known drift (of simulated walks with a small drift, 16
    to 28 % gave ``p < 0.05`` for "no change"). Returns are logarithmic where all prices and
    forecasts are positive, otherwise differences. With several series each is divided by the
    error of its walk, and their mean in each window is tested: stocks move together.

    Parameters
    ----------
    prices : array (time,) or (series, time)
        With those that are to be forecast. NaN is missing.
    forecasts : array (windows, horizon) or (windows, series, horizon)
        Of prices, not of returns.
    origins : int array (windows,)
        Number of prices known to each window: ``forecasts[w, 0]`` is of ``prices[origins[w]]``.
    ahead : int, default 1
        Which step to compare. Windows that begin less than so many steps after the one before are
        left out: their errors overlap.

    References
    ----------
    T. E. Clark, K. D. West: "Approximately normal tests for equal predictive accuracy in nested
    models", Journal of Econometrics 138 (2007).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> prices = np.exp(np.cumsum(0.001 + 0.01 * rng.normal(size=600)))
    >>> origins = np.arange(300, 600)
    >>> skill = price_skill(prices, 1.001 * prices[origins - 1][:, None], origins)
    >>> skill.claimed, skill.n
    (False, 300)
    """
    series = np.atleast_2d(np.asarray(prices, np.float64))
    predicted = np.asarray(forecasts, np.float64)
    predicted = predicted[:, None] if predicted.ndim == 2 else predicted
    at = np.asarray(origins, np.int64)
    if predicted.ndim != 3 or predicted.shape[:2] != (len(at), len(series)):
        raise ValueError(
            f"forecasts {np.shape(forecasts)} are (windows, horizon) or (windows, series, "
            f"horizon), for {len(at)} origins and {len(series)} series"
        )
    if not 1 <= ahead <= predicted.shape[2]:
        raise ValueError(f"ahead is 1 to the horizon {predicted.shape[2]}, not {ahead!r}")
    at, chosen = _apart(at, ahead, series.shape[1])
    actual, drift, forecast = _changes(series, predicted[chosen, :, ahead - 1], at, ahead)
    return _skill(actual, drift, forecast, ahead)


def clark_west(actual: ArrayLike, benchmark: ArrayLike, forecast: ArrayLike) -> tuple[float, float]:
    """Test whether a forecast beats a benchmark that its model contains; one-sided.

    The mean of ``(y - b)**2 - (y - f)**2 + (b - f)**2`` over its standard error (equation 3.1):
    the last term is what a forecast loses on average by estimating what is not there. With few
    observations the t distribution with n - 1 degrees of freedom is the safer one; with many it is
    the paper's normal one. Errors are not to overlap: no autocovariance is in the variance.

    Parameters
    ----------
    actual, benchmark, forecast : array (n,) or (n, series)
        NaN is left out. Of several series the mean in each row is tested.

    Returns
    -------
    statistic, p_value : float
        0 and 1 where the forecasts are the same, or fewer than two are known.

    Examples
    --------
    >>> statistic, p_value = clark_west([1.0, 2.0, 3.0, 4.0], [0.0] * 4, [1.0, 1.0, 2.0, 5.0])
    >>> round(statistic, 3), round(p_value, 3)
    (1.653, 0.098)
    """
    y, b, f = (np.asarray(values, np.float64) for values in (actual, benchmark, forecast))
    if not (y.ndim in (1, 2) and y.shape == b.shape == f.shape):
        raise ValueError(
            f"actual {y.shape}, benchmark {b.shape} and forecast {f.shape} are to be (n,) or "
            "(n, series) each"
        )
    adjusted = _adjusted(y, b, f)
    return _mean_test(adjusted if y.ndim == 1 else average(adjusted, 1))


def hit_rate(change: ArrayLike, forecast_change: ArrayLike) -> float:
    """Return the share of changes whose sign the forecast has right.

    Changes of 0 and missing ones are left out; a forecast of no change is half right.

    Examples
    --------
    >>> hit_rate([1.0, -2.0, 3.0, 0.0], [0.5, 1.0, 0.0, 1.0])
    0.5
    """
    y, f = np.sign(np.asarray(change)), np.sign(np.asarray(forecast_change))
    return float(average(np.where(y == 0, np.nan, (1 + y * f) / 2).ravel()))


def _apart(origins: Ints, ahead: int, length: int) -> tuple[Ints, Ints]:
    """The origins, in order, that are `ahead` or more apart, and which windows they are."""
    if len(origins) and not 1 <= origins.min() <= origins.max() <= length - ahead:
        raise ValueError(
            f"origins are numbers of known prices, 1 to {length - ahead} for {ahead} of {length} "
            f"to follow; there are some from {origins.min()} to {origins.max()}"
        )
    chosen: list[int] = []
    for k in np.argsort(origins, kind="stable").tolist():
        if not chosen or origins[k] >= origins[chosen[-1]] + ahead:
            chosen.append(k)
    index = np.array(chosen, np.int64)
    return origins[index], index


def _changes(
    series: Floats, forecast: Floats, at: Ints, ahead: int
) -> tuple[Floats, Floats, Floats]:
    """Changes (windows, series) since the latest price: actual, by the drift, and forecast."""
    known = series[~np.isnan(series)]
    log = bool((known > 0).all() and (forecast[~np.isnan(forecast)] > 0).all())
    drift = drift_at(series, at, ahead, log)[:, :, -1]
    latest = naive_at(series, at, ahead)[:, :, -1]
    actual = series.T[at + ahead - 1]
    if log:
        actual, drift, forecast, latest = map(np.log, (actual, drift, forecast, latest))
    complete = ~np.isnan(actual + forecast + latest)
    changes = (np.where(complete, values - latest, np.nan) for values in (actual, drift, forecast))
    actual, drift, forecast = changes
    return actual, drift, forecast


def _skill(actual: Floats, drift: Floats, forecast: Floats, ahead: int) -> Skill:
    size = np.sqrt(average((actual - drift) ** 2, 0))
    size = np.where(size > 0, size, np.nan)  # a price that never left its drift tells nothing
    y, b, f = actual / size, drift / size, forecast / size
    walks = {DRIFT: b, YESTERDAY: np.zeros_like(b)}
    p_value = max(clark_west(y, walk, f)[1] for walk in walks.values())
    errors = {name: float(average((y - walk) ** 2, (0, 1))) for name, walk in walks.items()}
    harder = min(errors, key=errors.__getitem__) if errors[DRIFT] > 0 else DRIFT
    relative = _ratio(float(average((y - f) ** 2, (0, 1))), errors[harder] ** 2)
    relative = float(np.sqrt(relative))
    return Skill(
        baseline=harder,
        n=int((~np.isnan(y)).any(axis=1).sum()),
        relative_rmse=relative,
        p_value=p_value,
        hit_rate=hit_rate(actual, forecast),
        baseline_hit_rate=hit_rate(actual, drift),
        claimed=p_value < P_VALUE and relative < RELATIVE_RMSE,
        ahead=ahead,
    )


def _adjusted(y: Floats, b: Floats, f: Floats) -> Floats:
    """Clark and West's differences, exactly 0 where the forecasts differ by rounding alone."""
    distance, error = np.abs(f - b), np.abs(y - b)
    largest = np.where(np.isnan(error), 0.0, error).max(initial=0.0)
    same = distance <= IDENTICAL * largest
    return np.where(same & ~np.isnan(y), 0.0, (y - b) ** 2 - (y - f) ** 2 + (b - f) ** 2)


def _mean_test(differences: Floats) -> tuple[float, float]:
    """The t statistic of a mean, and the probability of a larger one if the true one is 0."""
    known = differences[~np.isnan(differences)]
    n = len(known)
    if n < 2 or not known.any():
        return 0.0, 1.0
    statistic = _ratio(float(known.mean()), float(known.var()) / (n - 1))
    return statistic, float(student.sf(statistic, n - 1))


def _ratio(mean: float, variance: float) -> float:
    """``mean / sqrt(variance)``; infinite where only the variance is 0."""
    if variance > 0:
        return mean / float(np.sqrt(variance))
    return float(np.sign(mean) * np.inf) if mean else 0.0


def _percent(share: float) -> str:
    return "no window" if np.isnan(share) else f"{100 * share:.0f} %"
