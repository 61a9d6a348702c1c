"""From time series to features: convolutions of values and of changes, and plain statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.timeseries import Series
from .kernels import Kernels, fit_kernels, kernel_features
from .scaling import STATISTICS, Scale, Scaled, statistics

CHUNK = 8192  # points that are convolved at a time, in a processor's cache
MOST_SERIES = 32
GROWTH = 1.25  # of the lengths for which programs are compiled


@dataclass(frozen=True)
class Transform:
    """Time series as features.

    Attributes
    ----------
    scale : Scale
    points : int
        Of the longest series of the training.
    of_values, of_changes : Kernels
        Convolutions of the series, and of the differences of their points.
    """

    scale: Scale
    points: int
    of_values: Kernels
    of_changes: Kernels

    @staticmethod
    def of(series: Series, n_features: int, rng: Any) -> Transform:
        """A transform for some series, with about so many features."""
        points = series.values.shape[2]
        scale = Scale.of(series)
        rows = np.sort(rng.choice(len(series), min(len(series), 256), replace=False))
        scaled = scale.apply(series[rows], points)
        of_values = fit_kernels(scaled, n_features // 2, rng)
        return Transform(
            scale, points, of_values, fit_kernels(scaled.changes(), n_features // 2, rng)
        )

    @property
    def channels(self) -> int:
        """The number of channels."""
        return len(self.scale.means)

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many features are of the values, of the changes, and statistics, in this order."""
        statistics_width = self.channels * len(STATISTICS)
        return self.of_values.n_features, self.of_changes.n_features, statistics_width

    @property
    def n_features(self) -> int:
        """How many there are in all."""
        return sum(self.widths)

    def features(
        self, series: Series, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The features of each series, of shape (series, n_features).

        Parameters
        ----------
        series : Series
        progress : callable, optional
            Is called with the number of series that are done.
        """
        points = _compiled_length(series.values.shape[2], self.points)
        size = int(np.clip(CHUNK // points, 1, MOST_SERIES))
        features = np.empty((len(series), self.n_features), np.float32)
        for start in range(0, len(series), size):
            rows = np.arange(start, min(start + size, len(series)))
            filled = np.concatenate([rows, np.repeat(rows[-1:], size - len(rows))])
            scaled = self.scale.apply(series[filled], points)
            features[rows] = self._of_scaled(scaled)[: len(rows)]
            if progress is not None:
                progress(len(rows) + start)
        return features

    def _of_scaled(self, scaled: Scaled) -> NDArray[np.float32]:
        parts = [
            kernel_features(scaled, self.of_values),
            kernel_features(scaled.changes(), self.of_changes),
            statistics(scaled.values, scaled.counts.astype(np.float32)),
        ]
        return np.concatenate(parts, axis=1)


def _compiled_length(points: int, usual: int) -> int:
    """The length to which series are filled up: few lengths are compiled for."""
    length = float(usual)
    while int(length) < points:
        length *= GROWTH
    return int(length)
