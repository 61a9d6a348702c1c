"""The nearest training series under dynamic time warping, where these are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.timeseries import Series
from .scaling import bridge

Array = NDArray[np.float64]
MOST_SERIES = 100  # of the training, beyond which the ridge stands alone
POINTS = 128  # to which longer series are brought
CELLS = 2**16  # distances that are computed at a time, in a processor's cache
LEAST = 1e-6  # deviation of a series that is not taken for a constant


@dataclass(frozen=True)
class Neighbors:
    """Training series, and how far others are from the nearest of each class.

    Attributes
    ----------
    series : float32 array of shape (references, channels, points)
        Each channel with mean 0 and deviation 1.
    codes : int array of shape (references,)
        Their classes.
    count : int
        Of the classes.
    unit, farthest : float
        The deviation of the distances of the training, and the largest of them.
    share : float
        What one unit counts beside the ridge's outputs.
    """

    series: NDArray[np.float32]
    codes: NDArray[np.int64]
    count: int
    unit: float
    farthest: float
    share: float = 1.0

    def __call__(self, series: Series) -> Array:
        """What is added to the ridge's outputs, of shape (rows, classes)."""
        shapes = standardized(series, self.series.shape[2])
        references = len(self.series)
        size = max(1, CELLS // (references * self.series.shape[2]))
        distances = np.empty((len(shapes), references), np.float32)
        for k in range(0, len(shapes), size):
            distances[k : k + size] = warped_distances(shapes[k : k + size], self.series)
        return np.asarray(self.outputs(distances), np.float64)

    def outputs(self, distances: Any) -> Any:
        """The same of distances to each reference, of shape (rows, references)."""
        classes = [distances[:, np.flatnonzero(self.codes == k)] for k in range(self.count)]
        nearest = [np.min(one, axis=1) if one.shape[1] else distances[:, 0] * 0 + self.farthest
                   for one in classes]  # fmt: skip
        return np.minimum(np.stack(nearest, axis=1), self.farthest) * (-self.share / self.unit)


def fit_neighbors(
    series: Series, codes: Any, weights: Array | None, count: int
) -> tuple[Neighbors, Array] | None:
    """Neighbours for some series, and their outputs for these, each without itself.

    Series that count nothing are no neighbours. None of more than `MOST_SERIES` series, and where
    all distances are the same.
    """
    if len(series) > MOST_SERIES:
        return None
    shapes = standardized(series, min(POINTS, series.values.shape[2]))
    counted = np.flatnonzero(np.ones(len(series)) if weights is None else weights > 0)
    plain = Neighbors(shapes[counted], np.asarray(codes)[counted], count, 1.0, np.inf)
    distances = np.concatenate([warped_distances(shapes[k : k + 1], plain.series)
                                for k in range(len(shapes))])  # fmt: skip
    distances[counted, np.arange(len(counted))] = np.inf
    known = distances[np.isfinite(distances)]
    if not known.size or not known.std() > LEAST:
        return None
    unit, farthest = float(known.std()), float(known.max())
    fitted = Neighbors(plain.series, plain.codes, count, unit, farthest)
    return fitted, np.asarray(fitted.outputs(distances), np.float64)


def standardized(series: Series, points: int) -> NDArray[np.float32]:
    """Series of so many points, by straight lines, each channel with mean 0 and deviation 1."""
    count, channels = series.values.shape[:2]
    shapes = np.zeros((count, channels, points), np.float32)
    for k, length in enumerate(series.lengths.tolist()):
        rows = series.values[k, :, :length].astype(np.float64)
        largest = np.nanmax(np.abs(rows), axis=1, keepdims=True, initial=0.0)
        rows /= np.maximum(largest, np.finfo(float).tiny)
        bridge(rows)
        rows = np.nan_to_num(rows)
        at = np.linspace(0, length - 1, points)
        stretched = np.stack([np.interp(at, np.arange(length), row) for row in rows])
        centred = stretched - stretched.mean(axis=1, keepdims=True)
        deviations = centred.std(axis=1, keepdims=True)
        shapes[k] = centred / np.where(deviations > LEAST, deviations, np.inf)
    return shapes


def warped_distances(x: Any, references: Any) -> Any:
    """Distances under dynamic time warping, all channels warped alike.

    The root of the sum of squared differences along the best path, by diagonals of the table.

    Parameters
    ----------
    x : float32 array of shape (rows, channels, points)
    references : float32 array of shape (references, channels, points)

    Returns
    -------
    float32 array of shape (rows, references)

    Notes
    -----
    Source: Sakoe, Chiba, "Dynamic programming algorithm optimization for spoken word recognition",
    IEEE Transactions on Acoustics, Speech, and Signal Processing 1978.

    Examples
    --------
    >>> late = np.array([[[0, 0, 0, 1, 0]], [[0, 0, 0, 2, 0]]], np.float32)
    >>> warped_distances(late, np.array([[[0, 1, 0, 0, 0]]], np.float32)).tolist()
    [[0.0], [1.0]]
    """
    points, channels = references.shape[2], references.shape[1]
    backward = references[:, :, ::-1]
    edge = np.full((x.shape[0], len(references), 1), np.inf, np.float32)
    before, last = edge, edge  # the two diagonals before, from their first row to their last
    for diagonal in range(2 * points - 1):
        first, end = max(0, diagonal - points + 1), min(diagonal, points - 1) + 1
        start = points - 1 - (diagonal - first)
        cost: Any = 0.0
        for channel in range(channels):
            there = backward[None, :, channel, start : start + end - first]
            difference = x[:, None, channel, first:end] - there
            cost = cost + difference * difference
        if diagonal:
            cost = cost + _cheapest(before, last, diagonal, points, edge)
        before, last = last, cost
    return np.sqrt(last[:, :, 0])


def _cheapest(before: Any, last: Any, diagonal: int, points: int, edge: Any) -> Any:
    """The cheapest way to each cell of a diagonal, from the two before it."""
    if diagonal < points:  # it begins in row 0, as that before it
        beside = np.minimum(np.concatenate([last, edge], axis=2), np.concatenate([edge, last], 2))
        across = np.concatenate([edge, before, edge], axis=2) if diagonal > 1 else None
        return beside if across is None else np.minimum(beside, across)
    beside = np.minimum(last[:, :, 1:], last[:, :, :-1])  # it begins one row further
    if diagonal == points:
        return np.minimum(beside, before)
    return np.minimum(beside, before[:, :, 1:-1])
