"""What windows after the training say of a network's forecasts: how far off, wide, and together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .distributions import LOSSES, Likelihood, distribution_function

Floats: TypeAlias = NDArray[np.float64]

BIAS = 0.05  # the log of a bias that is likely: what is estimated of it is shrunk accordingly
LARGEST_BIAS = 0.3
LOG_FACTORS = np.linspace(-1.5, 1.5, 31)  # of the dispersion
FACTOR_PRIOR = 0.7  # standard deviation of its logarithm
MOST_WINDOWS = 1000  # for the dispersion and the correlation
LARGEST_CORRELATION = 0.95
# Levels at which the shares of demands are compared; close together where intervals end
UPPER = np.array([0.6, 0.7, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.965, 0.975, 0.985, 0.99, 0.995])
KNOTS = np.concatenate([[0.0], 1.0 - UPPER[::-1], [0.5], UPPER, [1.0]])
LEVEL_PRIOR = 100.0  # windows in which levels are right, that are mixed into the shares


@dataclass(frozen=True)
class CountCalibration:
    """Factors of the mean and of the dispersion, shares of demands, and the correlation of steps.

    `shares` are those of past demands that were below the quantiles of `KNOTS`, which they are
    where the distribution fits.
    """

    mean_factor: float
    dispersion_factor: float
    correlation: float
    shares: Floats

    @classmethod
    def none(cls) -> CountCalibration:
        return cls(1.0, 1.0, 0.0, KNOTS)


@dataclass(frozen=True)
class PastForecasts:
    """Forecasts of windows, the demands (NaN where missing) and the levels, (windows, horizon)."""

    mean: Floats
    dispersion: Floats
    level: Floats
    targets: Floats

    def variance(self, likelihood: Likelihood) -> Floats:
        if likelihood == "negative_binomial":
            return self.mean + self.dispersion * self.mean**2
        return self.dispersion * np.sqrt(self.level) * self.mean**1.5


def calibrate(
    training: PastForecasts, validation: PastForecasts, likelihood: Likelihood, seed: int
) -> CountCalibration:
    """Correct the mean by both parts, and what is around it by the part that was not trained on.

    The likelihood of a dispersion that does not fit pulls at the mean; the factor makes the sum of
    the forecasts that of the demands. The dispersion's factor is the most likely one. Levels are
    corrected by the probability integral transform without its random part (C. Czado, T. Gneiting,
    L. Held: "Predictive model assessment for count data", Biometrics 65 (2009), equation 2), as in
    V. Kuleshov, N. Fenner, S. Ermon: "Accurate uncertainties for deep learning using calibrated
    regression" (2018). All are shrunk, the more so the less there is to estimate them by.
    """
    mean_factor = _mean_factor((training, validation), likelihood)
    some = slice(None, None, max(1, len(validation.mean) // MOST_WINDOWS))
    known = ~np.isnan(validation.targets[some])
    parts = [validation.mean[some] * mean_factor, validation.dispersion[some],
             validation.level[some], validation.targets[some]]  # fmt: skip
    mean, dispersion, level, targets = (part[known] for part in parts)
    if not len(targets):
        return replace(CountCalibration.none(), mean_factor=mean_factor)
    unit = level if likelihood == "tweedie" else np.ones(len(level))
    costs = [
        LOSSES[likelihood](np.log(mean / unit), np.log(dispersion) + shift, targets / unit).sum()
        / parts[0].shape[1]  # windows overlap
        + 0.5 * (shift / FACTOR_PRIOR) ** 2
        for shift in LOG_FACTORS
    ]
    factor = float(np.exp(LOG_FACTORS[int(np.argmin(costs))]))
    scores = np.full(known.shape, np.nan)
    below, until = distribution_function(likelihood, targets, mean, dispersion * factor, level)
    uniform = below + np.random.default_rng(seed).random(len(below)) * (until - below)
    scores[known] = special.ndtri(np.clip(uniform, 1e-6, 1.0 - 1e-6))
    shares = _shares(below, until, len(known))
    return CountCalibration(mean_factor, factor, _correlation(scores), shares)


def _shares(below: Floats, until: Floats, windows: int) -> Floats:
    """How many demands are below each knot; one whose step of probability contains it in part."""
    step = np.maximum(until - below, 1e-12)
    actual = np.array([np.clip((knot - below) / step, 0.0, 1.0).mean() for knot in KNOTS])
    actual[[0, -1]] = 0.0, 1.0
    shares: Floats = (windows * actual + LEVEL_PRIOR * KNOTS) / (windows + LEVEL_PRIOR)
    return shares


def _mean_factor(parts: tuple[PastForecasts, ...], likelihood: Likelihood) -> float:
    actual = expected = variance = 0.0
    for part in parts:
        known = ~np.isnan(part.targets)
        actual += float(part.targets[known].sum())
        expected += float(part.mean[known].sum())
        # windows overlap: each demand may be in as many as the horizon has steps
        variance += float(part.variance(likelihood)[known].sum()) * part.mean.shape[1]
    if not actual or not expected:
        return 1.0
    log_bias, doubt = np.log(actual / expected), variance / expected**2
    shrunk = log_bias * BIAS**2 / (BIAS**2 + doubt)
    return float(np.exp(np.clip(shrunk, -LARGEST_BIAS, LARGEST_BIAS)))


def _correlation(scores: Floats) -> float:
    """The mean product of two steps' normal scores in a window: randomised PITs, as normals.

    The rarer demand is, the more of a score is the random part, and the lower the result.
    """
    known = ~np.isnan(scores)
    filled = np.where(known, scores, 0.0)
    pairs = known.sum(axis=1) * (known.sum(axis=1) - 1.0)
    if not pairs.sum():
        return 0.0
    products = filled.sum(axis=1) ** 2 - (filled**2).sum(axis=1)
    return float(np.clip(products.sum() / pairs.sum(), 0.0, LARGEST_CORRELATION))
