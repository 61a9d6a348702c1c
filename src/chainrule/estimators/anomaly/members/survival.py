"""How rare a score is among those of normal rows: scores of unlike detectors made comparable."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....lazy import computed

Floats = NDArray[np.float64]

TAIL = 0.1  # share of the scores beyond which an exponential tail is fitted
KNOTS = 512


class Survival:
    """``-log P(S >= s)`` of a score s, piecewise linear, and linear beyond the largest scores.

    The sum over detectors is Fisher's way of joining p-values (R. A. Fisher: "Statistical methods
    for research workers", 1925). The scores must be of rows that the detector did not learn from:
    those of its own are too small. Beyond the upper tenth the empirical distribution is an
    exponential one, so that the order of far rows is kept.

    Attributes
    ----------
    knots, values : array of float64, shape (n,)
        Scores in increasing order, and their ``-log P``.
    slope : float
        Beyond the last knot.

    Examples
    --------
    >>> survival = Survival.learn(np.arange(1000.0))
    >>> survival(np.array([-5.0, 500.0])).round(2).tolist(), round(survival.slope, 3)
    ([0.0, 0.69], 0.02)
    >>> bool(survival(np.array([2000.0]))[0] > survival(np.array([1500.0]))[0])
    True
    """

    def __init__(self, knots: Floats, values: Floats, slope: float) -> None:
        self.knots, self.values, self.slope = knots, values, slope

    @classmethod
    def learn(cls, scores: Any) -> Survival:
        """The distribution of the scores of normal rows, at least one."""
        ordered = np.sort(np.asarray(scores, np.float64))
        count = len(ordered)
        above = max(min(count, 5), round(TAIL * count))
        start = ordered[count - above]
        spread = float(np.mean(ordered[count - above :]) - start)
        size = max(abs(float(ordered[-1])), abs(float(ordered[0])), 1e-30)
        slope = 1.0 / max(spread, 1e-6 * size)
        ranks = np.unique(np.linspace(0, count - above, KNOTS).astype(int))
        knots, first = np.unique(ordered[ranks], return_index=True)
        values = -np.log((count - ranks[first] + 1) / (count + 1))
        return cls(knots, values, slope)

    def __call__(self, scores: Any) -> Floats:
        """``-log P`` of scores."""
        inside = np.interp(scores, self.knots, self.values)
        beyond = np.maximum(scores - self.knots[-1], 0.0)
        return inside + beyond * self.slope  # type: ignore[no-any-return]

    def of_one(self, score: float) -> float:
        """``-log P`` of one score, the same bits as of an array: quicker than NumPy's functions."""
        knots, values, slopes = self._lists
        k = bisect_right(knots, score) - 1
        if k < 0:
            return values[0]
        return values[k] + slopes[k] * (score - knots[k])

    @computed
    def _lists(self) -> tuple[list[float], list[float], list[float]]:
        """Knots, values, and the slopes above each knot, as plain numbers."""
        slopes = np.diff(self.values) / np.diff(self.knots)
        return self.knots.tolist(), self.values.tolist(), [*slopes.tolist(), self.slope]

    def derivative(self, scores: Any) -> Floats:
        """The slope at scores."""
        slopes = np.diff(self.values) / np.diff(self.knots)
        slopes = np.concatenate([[0.0], slopes, [self.slope]])
        return np.asarray(slopes[np.searchsorted(self.knots, scores)], np.float64)

    def to_arrays(self) -> Floats:
        """Knots and values, shape (n + 1, 2); the last row has the slope."""
        rows = np.stack([self.knots, self.values], axis=1)
        return np.concatenate([rows, [[self.slope, 0.0]]])

    @classmethod
    def from_arrays(cls, array: Any) -> Survival:
        """What `to_arrays` was called on."""
        return cls(array[:-1, 0].copy(), array[:-1, 1].copy(), float(array[-1, 0]))
