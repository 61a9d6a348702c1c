"""Time series as float32 of one scale, with their gaps bridged and marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.timeseries import Series

Floats = NDArray[np.float32]
LARGEST = 1e6  # deviations from the mean, beyond which values are cut
STATISTICS = ("mean", "deviation", "smallest", "largest", "trend", "mean change")


@dataclass(frozen=True)
class Scaled:
    """Series that are ready for convolutions.

    Attributes
    ----------
    values : float32 array of shape (series, channels, points)
        Gaps are bridged by straight lines; 0, the mean of the training, after the ends.
    counts : bool array of shape (series, points)
        Whether something was measured there.
    lengths : int array of shape (series,)
    """

    values: Floats
    counts: NDArray[np.bool_]
    lengths: NDArray[np.int64]

    def changes(self) -> Scaled:
        """The differences of neighbouring points."""
        values = np.zeros_like(self.values)
        values[:, :, :-1] = self.values[:, :, 1:] - self.values[:, :, :-1]
        points = np.arange(values.shape[2])
        lengths = np.maximum(self.lengths - 1, 1)
        values[np.broadcast_to((points >= lengths[:, None])[:, None], values.shape)] = 0.0
        counts = np.zeros_like(self.counts)
        counts[:, :-1] = self.counts[:, 1:] & self.counts[:, :-1]
        return Scaled(values, counts, lengths)


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each channel, over all points of the training."""

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @staticmethod
    def of(series: Series) -> Scale:
        """Those of some series; 0 and 1 of a channel without points, 1 where all are the same."""
        means, deviations = [], []
        for channel in range(series.channels):
            values = series.values[:, channel].astype(np.float64)
            values = values[~np.isnan(values)]
            unit = float(np.max(np.abs(values), initial=0.0)) or 1.0
            near = values / unit
            means.append(float(near.mean()) * unit if values.size else 0.0)
            deviation = float(near.std()) * unit if values.size else 0.0
            deviations.append(deviation if deviation > 1e-12 * unit else 1.0)
        return Scale(np.array(means), np.array(deviations))

    def apply(self, series: Series, points: int) -> Scaled:
        """The series scaled, as arrays of so many points.

        A series in which a channel is missing altogether has its mean there.
        """
        known = ~np.isnan(series.values)
        with np.errstate(over="ignore"):  # what becomes infinite is cut
            scaled = series.values.astype(np.float64) - self.means[:, None]
            scaled /= self.deviations[:, None]
        inside = np.arange(series.values.shape[2]) < series.lengths[:, None]
        if not known.all():
            for k in np.flatnonzero((~known & inside[:, None]).any(axis=(1, 2))):
                bridge(scaled[k, :, : series.lengths[k]])
            np.nan_to_num(scaled, copy=False, nan=0.0)
        shape = (*scaled.shape[:2], points)
        values = np.zeros(shape, np.float32)
        values[:, :, : scaled.shape[2]] = np.clip(scaled, -LARGEST, LARGEST)
        counts = np.zeros((shape[0], points), bool)
        counts[:, : scaled.shape[2]] = known.any(axis=1)
        return Scaled(values, counts, series.lengths)


def bridge(rows: Any) -> None:
    """Fill the gaps of each row with straight lines, and its ends with the nearest point."""
    points = np.arange(rows.shape[1])
    for row in rows:
        known = ~np.isnan(row)
        if known.any() and not known.all():
            row[~known] = np.interp(points[~known], points[known], row[known])


def statistics(values: Any, counts: Any) -> Any:
    """Numbers of each channel that convolutions do not see, or only roughly.

    Parameters
    ----------
    values : float32 array of shape (series, channels, points)
    counts : float32 array of shape (series, points)
        1 where a point counts, 0 elsewhere.

    Returns
    -------
    float32 array of shape (series, channels * 6)
        In the order of `STATISTICS`.

    Examples
    --------
    >>> rise = np.array([[[0.0, 1.0, 2.0, 9.0]]], np.float32)
    >>> statistics(rise, np.array([[1, 1, 1, 0]], np.float32)).astype(float).round(3).tolist()
    [[1.0, 0.816, 0.0, 2.0, 0.816, 1.0]]
    """
    weights = counts[:, None, :]
    total = np.maximum(np.sum(weights, axis=2), np.float32(1))
    mean = np.sum(values * weights, axis=2) / total
    centred = (values - mean[:, :, None]) * weights
    deviation = np.sqrt(np.sum(centred * centred, axis=2) / total)
    low = np.min(np.where(weights > 0, values, np.float32(LARGEST)), axis=2)
    high = np.max(np.where(weights > 0, values, np.float32(-LARGEST)), axis=2)
    points = np.arange(values.shape[2], dtype=np.float32)
    time = (points - np.sum(weights * points, axis=2, keepdims=True) / total[:, :, None]) * weights
    spread = np.sqrt(np.sum(time * time, axis=2) / total)
    trend = np.sum(centred * time, axis=2) / (total * np.maximum(spread, np.float32(1e-6)))
    both = weights[:, :, 1:] * weights[:, :, :-1]
    change = np.sum(np.abs(values[:, :, 1:] - values[:, :, :-1]) * both, axis=2)
    change = change / np.maximum(np.sum(both, axis=2), np.float32(1))
    parts = np.stack([mean, deviation, low, high, trend, change], axis=2)
    return np.reshape(parts, (values.shape[0], values.shape[1] * len(STATISTICS)))
