"""Nearest neighbours among training rows: the mean distance to a few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ....lazy import computed

Floats = NDArray[np.float64]

MAX_POINTS = 20_000  # of the index: distances to more rows tell little more
MAX_ENTRIES = 2**22  # of differences at a time
FEW_ROWS = 8  # scikit-learn starts threads for a query, which takes longer than so many rows


class Neighbors:
    """The training rows that distances are measured to.

    The index is scikit-learn's. Of more than `MAX_POINTS` rows it holds a uniform sample. The
    distances are computed again from the differences, so that the row's answer depends on no other
    row of the call: products of matrices round differently in blocks of other sizes.

    S. Ramaswamy, R. Rastogi, K. Shim: "Efficient algorithms for mining outliers from large data
    sets", SIGMOD (2000); the mean over k neighbours: F. Angiulli, C. Pizzuti: "Fast outlier
    detection in high dimensional spaces", PKDD (2002).

    A point at the distance 0 counts as the row itself, and once it is passed over: so rows of the
    training have the scores that they would have as new rows.

    Parameters
    ----------
    points : array of float32, shape (n_points, features)
    n_neighbors : int
    skips_itself : bool
        Whether one point at the distance 0 is passed over. Default True.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [3.0]], np.float32)
    >>> Neighbors(points, 2).errors(np.array([[0.5], [0.0]], np.float32)).tolist()
    [0.5, 2.0]
    >>> Neighbors(points, 2, skips_itself=False).errors(points[:1]).tolist()
    [0.5]
    """

    def __init__(self, points: Any, n_neighbors: int, skips_itself: bool = True) -> None:
        self.points = points
        self.n_neighbors = n_neighbors
        self.skips_itself = skips_itself

    @computed
    def index(self) -> NearestNeighbors:
        """scikit-learn's index of the points."""
        count = min(self.n_neighbors + self.skips_itself, len(self.points))
        return NearestNeighbors(n_neighbors=count).fit(self.points)

    def nearest(self, x: Any) -> Any:
        """The places of the nearest points, shape (rows, n_neighbors), or all if they are fewer."""
        return self._nearest(x)[0]

    def errors(self, x: Any) -> Floats:
        """The mean distance of each row, float64."""
        means = np.empty(len(x), np.float64)
        size = max(1, MAX_ENTRIES // (max(x.shape[1], 1) * (self.n_neighbors + 1)))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            means[rows] = np.mean(self._nearest(x[rows])[1], axis=1)
        return means

    def _candidates(self, x: Any) -> Any:
        """The places of the nearest points, one more than asked for where a row may be one."""
        if len(x) > FEW_ROWS:
            return self.index.kneighbors(x, return_distance=False)
        count = min(self.n_neighbors + self.skips_itself, len(self.points))
        rows = x.astype(np.float64)
        squares = self._norms - 2.0 * (rows @ self._transposed)  # less the row's own
        if count == len(self.points):
            return np.broadcast_to(np.arange(count), squares.shape)
        return np.argpartition(squares, count - 1, axis=1)[:, :count]

    @computed
    def _transposed(self) -> Floats:
        return np.ascontiguousarray(self.points.T, np.float64)

    @computed
    def _norms(self) -> Floats:
        return np.asarray(np.sum(self._transposed**2, axis=0), np.float64)

    def _nearest(self, x: Any) -> tuple[Any, Floats]:
        """The places of the nearest points, and their distances."""
        places = self._candidates(x)
        differences = x[:, None, :].astype(np.float64) - self.points[places]
        distances = np.sqrt(np.sum(differences**2, axis=2))
        count = places.shape[1]
        if not self.skips_itself or count == 1:
            return places, distances
        order = np.argsort(distances, axis=1, kind="stable")
        first = (np.take_along_axis(distances, order[:, :1], axis=1) == 0.0).astype(int)
        chosen = np.take_along_axis(order, first + np.arange(count - 1), axis=1)
        return (
            np.take_along_axis(places, chosen, axis=1),
            np.take_along_axis(distances, chosen, axis=1),
        )


def coreset(rows: int, rng: Any, most: int = MAX_POINTS) -> Any:
    """The rows that the index holds: all, or a uniform sample, sorted."""
    return np.arange(rows) if rows <= most else np.sort(rng.permutation(rows)[:most])
