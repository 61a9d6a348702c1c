"""Conformal intervals: quantiles of past errors, in units of the errors that were expected.

The committee's forecasts at past origins were made from what was known by then, so their errors
are like those to come (split conformal prediction: V. Vovk et al., 2005; J. Lei et al., JASA 113,
2018). Errors are divided by what was expected of them (`spreads`), which adapts to how they were of
late, and by what a network's quantile heads say where that helps (conformalised quantile
regression: Y. Romano et al., NeurIPS 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..members.committee import Track
from ..members.histories import Origins
from ..members.scaling import Scaling
from .spreads import Spreads, measure

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

LEAST_WIDTH = 0.1  # of the usual one, between quantiles
POOLED = 80.0  # windows for each step, that the errors of all steps count beside the step's own
YOUNG = 0.8  # the mean distance from the mean, in standard deviations (of a normal distribution)


@dataclass(frozen=True)
class Conformal:
    """Past errors, and how they become intervals.

    Attributes
    ----------
    scaling : Scaling
        Errors are those of values transformed in this way.
    spreads : Spreads
    errors : array (n, horizon)
        Of past windows, divided by what was expected; all of their steps are over.
    series : array (n,)
        The series that each belongs to.
    n_origins : int
        Origins of the series that has the most: windows of other series add less.
    sizes : array (n, horizon)
        What was expected.
    with_heads : bool
        Whether a network's quantiles are a part of it.
    season : int
        Below so many values a series is too young to show its season.
    """

    scaling: Scaling
    spreads: Spreads
    errors: Floats
    series: Ints
    n_origins: int
    sizes: Floats
    with_heads: bool
    season: int = 1

    @classmethod
    def of(
        cls, track: Track, scaling: Scaling, starts: Ints, season: int,
        heads: Floats | None = None,
    ) -> Conformal:  # fmt: skip
        """Measure the errors of a committee's past forecasts, beside quantile heads (2, n, h)."""
        origins = track.origins
        residuals = scaling.apply(track.actual, origins.series) - scaling.apply(
            track.forecasts, origins.series
        )
        widths = _widths(scaling, heads, origins)
        spreads, of_late = measure(residuals / widths, origins, track.ages, starts, season)
        sizes = spreads.at(origins, starts, of_late) * widths
        errors = residuals / sizes
        over = np.isfinite(errors).all(axis=1)
        counts = np.bincount(origins.series[over], minlength=len(starts))
        return cls(
            scaling, spreads, errors[over], origins.series[over], int(counts.max(initial=0)),
            sizes[over], heads is not None, season,
        )  # fmt: skip

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return len(self.spreads.by_step)

    def sharpness(self, level: float = 80.0) -> float:
        """The mean interval score of past windows (Gneiting and Raftery, JASA 102, 2007)."""
        low, high = self.bounds(level)
        outside = np.maximum(low - self.errors, 0.0) + np.maximum(self.errors - high, 0.0)
        score = (high - low) + 2.0 / (1.0 - level / 100.0) * outside
        return float(np.mean(score * self.sizes)) if len(self.errors) else 0.0

    def bounds(self, level: float) -> Floats:
        """The quantiles of errors at the ends of a central interval (2, horizon).

        Those of all steps together, scaled by the step, are joined with those of the step alone,
        which say more the more there are.
        """
        tail = 0.5 - level / 200.0
        n = len(self.errors)
        if not n:
            return np.zeros((2, self.horizon))
        # The k-th of n errors with k = (n + 1) (1 - tail), as split conformal prediction has it.
        low = np.clip((n + 1) * tail - 1.0, 0.0, n - 1.0) / max(n - 1.0, 1.0)
        pooled = np.quantile(self.errors, [low, 1.0 - low])[:, None]
        steps = np.quantile(self.errors, [low, 1.0 - low], axis=0)
        share = n / (n + POOLED * self.horizon)  # the same for all levels, so that these are nested
        return np.asarray(share * steps + (1.0 - share) * pooled)

    def intervals(
        self, forecasts: Floats, origins: Origins, starts: Ints, levels: tuple[float, ...],
        heads: Floats | None = None,
    ) -> dict[float, tuple[Floats, Floats]]:  # fmt: skip
        """The intervals (lower, upper) around forecasts (n, horizon) for each level, in percent."""
        z = self.scaling.apply(forecasts, origins.series)
        size = self._sizes_now(origins, starts, heads)
        result = {}
        for level in levels:
            low, high = self.bounds(level)
            ends = [self.scaling.invert(z + size * end, origins.series) for end in (low, high)]
            result[level] = (np.minimum(ends[0], forecasts), np.maximum(ends[1], forecasts))
        return result

    def paths(
        self, forecasts: Floats, origins: Origins, starts: Ints, n_paths: int,
        rng: np.random.Generator, heads: Floats | None = None,
    ) -> Floats:  # fmt: skip
        """Sample paths (n, n_paths, horizon): past windows' errors, each as a whole.

        Errors of one window belong together, so sums over the horizon have their true spread.
        """
        z = self.scaling.apply(forecasts, origins.series)
        size = self._sizes_now(origins, starts, heads)
        if not len(self.errors):
            return np.repeat(forecasts[:, None], n_paths, axis=1)
        drawn = self.errors[rng.integers(0, len(self.errors), (len(origins), n_paths))]
        paths = z[:, None] + drawn * size[:, None]
        return self.scaling.invert(paths, origins.series[:, None])

    def _sizes_now(self, origins: Origins, starts: Ints, heads: Floats | None) -> Floats:
        """What is expected of errors: of young series no less than of a forecast of their mean."""
        size = self.spreads.at(origins, starts) * _widths(self.scaling, heads, origins)
        least = YOUNG * np.sqrt(1.0 + 1.0 / np.maximum(origins.steps, 1))
        young = (origins.steps < self.season)[:, None]
        return np.asarray(np.where(young, np.maximum(size, least[:, None]), size))

    def least_origins(self, level: float) -> int:
        """The origins below which there are too few errors to calibrate a level."""
        return int(np.ceil(2.0 / (1.0 - level / 100.0) - 1e-9))


def _widths(scaling: Scaling, heads: Floats | None, origins: Origins) -> Any:
    """How wide a network's quantiles are apart, beside how wide they are usually; 1 without."""
    if heads is None:
        return np.ones(1)
    low, high = (scaling.apply(end, origins.series) for end in heads)
    width = high - low
    return np.maximum(width, LEAST_WIDTH * max(float(np.median(width)), 1e-12))
