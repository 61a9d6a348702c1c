"""`CountForecast`: distributions of the next demands of many series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from . import distributions
from .count_calibration import KNOTS, CountCalibration
from .distributions import Likelihood

Floats: TypeAlias = NDArray[np.float64]

SMALLEST, LARGEST = 1e-12, 1.0 - 1e-12


@dataclass(frozen=True)
class CountForecast:
    """Distributions of the next demands, one for each series and step.

    The forecast is the mean. The median is not: that of intermittent demand is mostly 0. It has the
    better MASE, while a stock that follows it sells nothing.

    Attributes
    ----------
    mean : array (series, horizon)
        In units of the demand; 0 for a series that never sold.
    dispersion : array (series, horizon)
        See `distributions`.
    level : array (series,)
        What each series sold on average a step of late.
    likelihood : str
        "negative_binomial" or "tweedie".
    calibration : CountCalibration
        Corrections of levels, and the correlation of the steps of one series.

    Examples
    --------
    >>> one, none = np.ones((1, 2)), CountCalibration.none()
    >>> forecast = CountForecast(3.0 * one, 0.5 * one, one[:, 0], "negative_binomial", none)
    >>> forecast.quantile(0.9).tolist()
    [[7.0, 7.0]]
    >>> forecast.samples(4, np.random.default_rng(0)).shape
    (1, 2, 4)
    """

    mean: Floats
    dispersion: Floats
    level: Floats
    likelihood: Likelihood
    calibration: CountCalibration

    def quantile(self, level: float) -> Floats:
        """Return the least demand that is not exceeded with the probability `level`.

        For counts, whole numbers: demand is at most the quantile with *at least* this probability.
        So an interval of counts holds more than its nominal share, the more so the rarer demand
        is: where 90 % of the demands are 0, the 80 % interval from 0 to 0 holds 90 %.

        Parameters
        ----------
        level : float
            Above 0 and below 1.

        Returns
        -------
        array (series, horizon)
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level={level!r}: give a probability above 0 and below 1")
        return self._at(np.full(self.mean.shape, float(level)))

    def samples(self, n: int, rng: np.random.Generator) -> Floats:
        """Return demands drawn at random, the steps of a path correlated.

        Sums over steps (demand until the next delivery) have the spread that past windows had.

        Parameters
        ----------
        n : int
            Paths of each series.
        rng : numpy.random.Generator

        Returns
        -------
        array (series, horizon, n)
        """
        if n < 1:
            raise ValueError(f"n={n!r}: give 1 path at least")
        series, horizon = self.mean.shape
        common = self.calibration.correlation
        normal = np.sqrt(1.0 - common) * rng.standard_normal((series, horizon, n))
        normal += np.sqrt(common) * rng.standard_normal((series, 1, n))
        return self._at(special.ndtr(normal))

    def _at(self, probability: Floats) -> Floats:
        """Quantiles; a third axis of `probability` is one of paths."""
        probability = np.interp(probability, self.calibration.shares, KNOTS)
        probability = np.clip(probability, SMALLEST, LARGEST)
        axes = (..., *[None] * (probability.ndim - 2))
        parameters = self.mean[axes], self.dispersion[axes], self.level[:, None][axes]
        return distributions.quantile(self.likelihood, probability, *parameters)
