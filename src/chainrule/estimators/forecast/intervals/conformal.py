"""Conformal intervals: quantiles of past errors, in units of the errors that were expected.

The committee's forecasts at past origins were made from what was known by then, so their errors
are like those to come (split conformal prediction: V. Vovk et al., 2005; J. Lei et al., JASA 113,
2018). Errors are divided by what was expected of them (`spreads`), which adapts to how they were of late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..members.committee import Track
from ..members.histories import Origins
from ..members.scaling import Scaling
from .spreads import Spreads, measure

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

NEAREST = 4.0  # by so many errors each, those of all steps count beside those of the step itself


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
    """

    scaling: Scaling
    spreads: Spreads
    errors: Floats
    series: Ints
    n_origins: int

    @classmethod
    def of(cls, track: Track, scaling: Scaling, starts: Ints, season: int) -> Conformal:
        """Measure the errors of a committee's past forecasts."""
        origins = track.origins
        residuals = scaling.apply(track.actual, origins.series) - scaling.apply(
            track.forecasts, origins.series
        )
        spreads, of_late = measure(residuals, origins, track.ages, starts, season)
        errors = residuals / spreads.at(origins, starts, of_late)
        over = np.isfinite(errors).all(axis=1)
        counts = np.bincount(origins.series[over], minlength=len(starts))
        return cls(scaling, spreads, errors[over], origins.series[over], int(counts.max(initial=0)))

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return len(self.spreads.by_step)

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
        share = 1.0 / (1.0 + NEAREST * self.horizon / max(n * tail, 1e-300))
        return np.asarray(share * steps + (1.0 - share) * pooled)

    def intervals(
        self, forecasts: Floats, origins: Origins, starts: Ints, levels: tuple[float, ...]
    ) -> dict[float, tuple[Floats, Floats]]:
        """The intervals (lower, upper) around forecasts (n, horizon) for each level, in percent."""
        z = self.scaling.apply(forecasts, origins.series)
        size = self.spreads.at(origins, starts)
        result = {}
        for level in levels:
            low, high = self.bounds(level)
            ends = [self.scaling.invert(z + size * end, origins.series) for end in (low, high)]
            result[level] = (np.minimum(ends[0], forecasts), np.maximum(ends[1], forecasts))
        return result

    def paths(
        self, forecasts: Floats, origins: Origins, starts: Ints, n_paths: int,
        rng: np.random.Generator,
    ) -> Floats:  # fmt: skip
        """Sample paths (n, n_paths, horizon): past windows' errors, each as a whole.

        Errors of one window belong together, so sums over the horizon have their true spread.
        """
        z = self.scaling.apply(forecasts, origins.series)
        size = self.spreads.at(origins, starts)
        if not len(self.errors):
            return np.repeat(forecasts[:, None], n_paths, axis=1)
        drawn = self.errors[rng.integers(0, len(self.errors), (len(origins), n_paths))]
        paths = z[:, None] + drawn * size[:, None]
        return self.scaling.invert(paths, origins.series[:, None])

    def least_origins(self, level: float) -> int:
        """The origins below which there are too few errors to calibrate a level."""
        return int(np.ceil(2.0 / (1.0 - level / 100.0) - 1e-9))
