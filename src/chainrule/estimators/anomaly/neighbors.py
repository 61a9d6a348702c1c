"""Nearest neighbours among training rows: the mean distance to a few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ...lazy import computed

Floats = NDArray[np.float64]

MAX_POINTS = 20_000  # of the index: distances to more rows tell little more
MAX_ENTRIES = 2**22  # of differences at a time


class Neighbors:
    """The training rows that distances are measured to.

    The index is scikit-learn's. Of more than `MAX_POINTS` rows it holds a uniform sample. The
    distances are computed again from the differences, so that the row's answer depends on no other
    row of the call: products of matrices round differently in blocks of other sizes.

    S. Ramaswamy, R. Rastogi, K. Shim: "Efficient algorithms for mining outliers from large data
    sets", SIGMOD (2000); the mean over k neighbours: F. Angiulli, C. Pizzuti: "Fast outlier
    detection in high dimensional spaces", PKDD (2002).

    Parameters
    ----------
    points : array of float32, shape (n_points, features)
    n_neighbors : int

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [3.0]], np.float32)
    >>> Neighbors(points, 2).errors(np.array([[0.0]], np.float32)).tolist()
    [0.5]
    >>> Neighbors(points, 2).errors(points, np.arange(3)).tolist()  # of other rows only
    [2.0, 1.5, 2.5]
    """

    def __init__(self, points: Any, n_neighbors: int) -> None:
        self.points = points
        self.n_neighbors = n_neighbors

    @computed
    def index(self) -> NearestNeighbors:
        """scikit-learn's index of the points."""
        return NearestNeighbors(n_neighbors=min(self.n_neighbors, len(self.points))).fit(
            self.points
        )

    def nearest(self, x: Any, itself: Any = None) -> Any:
        """The places of the nearest points, shape (rows, at most n_neighbors).

        `itself` are the places of rows that are points, -1 for others: no row is its own neighbour.
        """
        count = min(self.n_neighbors, len(self.points))
        if itself is None:
            return self.index.kneighbors(x, count, return_distance=False)
        more = min(count + 1, len(self.points))
        places = self.index.kneighbors(x, more, return_distance=False)
        if more == 1:
            return places
        others = places != np.asarray(itself)[:, None]
        others[others.all(axis=1), -1] = False
        return places[others].reshape(len(places), more - 1)

    def errors(self, x: Any, itself: Any = None) -> Floats:
        """The mean distance of each row, float64."""
        means = np.empty(len(x), np.float64)
        size = max(1, MAX_ENTRIES // (max(x.shape[1], 1) * (self.n_neighbors + 1)))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            places = self.nearest(x[rows], None if itself is None else itself[rows])
            differences = x[rows, None, :].astype(np.float64) - self.points[places]
            means[rows] = np.mean(np.sqrt(np.sum(differences**2, axis=2)), axis=1)
        return means


def coreset(rows: int, rng: Any, most: int = MAX_POINTS) -> Any:
    """The rows that the index holds: all, or a uniform sample, sorted."""
    return np.arange(rows) if rows <= most else np.sort(rng.permutation(rows)[:most])
