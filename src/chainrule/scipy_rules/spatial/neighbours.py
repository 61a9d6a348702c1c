"""`scipy.spatial.KDTree`: which points are near is flat, how far they are is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.spatial

from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import asarray, refuse, take
from ..flat import call_flat
from .metrics import minkowski

MODULE = scipy.spatial.__name__


@intercepts(MODULE, "KDTree.query")
def _query(self: Any, x: Any, k: Any = 1, eps: float = 0.0, p: float = 2.0,
           distance_upper_bound: float = np.inf, workers: int = 1) -> Any:  # fmt: skip
    if is_traced(distance_upper_bound) or self.boxsize is not None:
        refuse("KDTree.query with a traced bound or a boxsize", "give a number, and no boxsize")
    x = asarray(x, np.float64)
    if k is None or np.ndim(k):
        refuse(f"KDTree.query(k={k!r})", "k must be a number")
    shape = x.shape[:-1] if k == 1 else (*x.shape[:-1], int(k))

    def indices(points: Any) -> Any:
        return np.asarray(self.query(points, k, eps, p, distance_upper_bound, workers)[1], np.intp)

    index = call_flat(indices, shape, np.intp, x)
    missing = index == self.n
    near = take(self.data, np.where(missing, 0, index))
    distance = minkowski(x if k == 1 else x[..., None, :], near, p)
    return np.where(missing, np.inf, distance), index


for _name in ("KDTree.__init__", "KDTree.query_ball_point", "KDTree.query_ball_tree",
              "KDTree.query_pairs", "KDTree.count_neighbors", "KDTree.sparse_distance_matrix",
              "minkowski_distance_p", "geometric_slerp", "procrustes"):  # fmt: skip

    @intercepts(MODULE, _name)
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.spatial.{_name}", "use scipy.spatial.distance.cdist")


@intercepts(MODULE, "minkowski_distance")
def _minkowski_distance(x: Any, y: Any, p: Any = 2.0) -> Any:
    return minkowski(asarray(x, np.float64), asarray(y, np.float64), p)


@intercepts(MODULE, "distance_matrix")
def _distance_matrix(x: Any, y: Any, p: Any = 2.0, threshold: int = 1000000) -> Any:
    x, y = asarray(x, np.float64), asarray(y, np.float64)
    return minkowski(x[:, None, :], y[None, :, :], p)
