"""A quantile of all scores so far, in a fixed amount of memory, so that scores are comparable."""

from __future__ import annotations

from math import log2
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....container import damaged

Floats: TypeAlias = NDArray[np.float64]

OCTAVES = 10  # below and above the unit
FINENESS = 32  # bins of an octave: 2.2 % each
BINS = 2 * OCTAVES * FINENESS
STATE = BINS + 7  # numbers that a quantile is
LARGEST_WEIGHT = 1e12  # before all are divided by it


class RunningQuantile:
    """A quantile that is taken anew with each score, by a histogram of their logarithms.

    Scores are divided by the quantile of those before them: what was usual so far becomes 1,
    whatever the series. So one threshold serves many series, and one that has become restless for
    good stops raising alarms.

    Parameters
    ----------
    unit : float
        The size of a usual score, in the middle of the histogram.
    counts : array (640,)
        The weight of each bin so far.
    share : float
        Of the scores that are below the quantile.
    half_life : float
        Scores after which one counts half; infinite to forget none.

    Examples
    --------
    >>> usual = RunningQuantile.learn(np.arange(1.0, 101.0), share=0.9)
    >>> round(usual.value, 1)
    90.1
    >>> usual.divide(np.array([45.0, 90.0, 900.0])).round(2).tolist()
    [0.5, 1.0, 10.0]
    """

    def __init__(
        self, unit: float, counts: Floats, share: float = 0.99, half_life: float = np.inf
    ) -> None:
        self.unit = unit
        self.share = share
        self.half_life = half_life
        self._counts: list[float] = counts.tolist()
        self._total = sum(self._counts)
        self._weight = 1.0  # of the next score
        self._growth: float = 2.0 ** (1 / half_life)
        self._bin = BINS - 1  # that the quantile is in
        self._above = 0.0  # weight of the bins above it
        self._settle()

    @classmethod
    def learn(
        cls, scores: Floats, share: float = 0.99, half_life: float = np.inf
    ) -> RunningQuantile:
        """Begin with the scores of a training."""
        known = scores[np.isfinite(scores)]
        unit = float(np.quantile(known, share)) if len(known) else 1.0
        unit = unit if unit > 0 else 1.0
        counts = np.bincount([_bin(score, unit) for score in known.tolist()], minlength=BINS)
        return cls(unit, counts.astype(np.float64), share, half_life)

    def copy(self) -> RunningQuantile:
        """Return one that goes on by itself."""
        return RunningQuantile(self.unit, self.counts, self.share, self.half_life)

    def to_array(self) -> Floats:
        """Return all that it is, so that `from_array` goes on with the same bits."""
        rest = (self.unit, self.share, self.half_life, self._total, self._weight, self._bin,
                self._above)  # fmt: skip
        return np.array([*self._counts, *rest], np.float64)

    @classmethod
    def from_array(cls, array: Floats) -> RunningQuantile:
        """Return what `to_array` was called on; a `ModelFileError` for other numbers.

        Examples
        --------
        >>> usual = RunningQuantile.learn(np.arange(1.0, 101.0), half_life=50.0)
        >>> usual.push(70.0) == RunningQuantile.learn(np.arange(1.0, 101.0)).push(70.0)
        True
        >>> RunningQuantile.from_array(usual.to_array()).push(3.0) == usual.push(3.0)
        True
        """
        counts, rest = array[:BINS], array[BINS:].tolist()
        unit, share, half_life, total, weight, its_bin, above = rest
        if (counts < 0).any() or min(unit, share, half_life, weight) <= 0 or share >= 1:
            raise damaged("a running quantile has a negative number")
        if its_bin not in range(BINS) or not np.isclose(total, counts.sum(), 1e-6, 1e-6):
            raise damaged("a running quantile has weights that do not add up")
        usual = cls(unit, counts, share, half_life)
        usual._total, usual._weight, usual._bin, usual._above = total, weight, int(its_bin), above
        return usual

    @property
    def counts(self) -> Floats:
        """The weight of each bin, in units of that of the next score."""
        return np.array(self._counts) / self._weight

    @property
    def value(self) -> float:
        """The quantile of the scores so far."""
        weight = self._counts[self._bin]
        beyond = (1 - self.share) * self._total - self._above
        part = 1 - beyond / weight if weight > 0 else 0.5
        return float(self.unit * 2 ** ((self._bin + part) / FINENESS - OCTAVES))

    def push(self, score: float) -> float:
        """Return a score divided by the quantile of those before it, and count it; NaN is none."""
        if score != score:
            return score
        usual = self.value
        where = _bin(score, self.unit)
        self._counts[where] += self._weight
        self._total += self._weight
        if where > self._bin:
            self._above += self._weight
        self._weight *= self._growth
        if self._weight > LARGEST_WEIGHT:
            self._shrink()
        self._settle()
        return score / usual

    def divide(self, scores: Floats) -> Floats:
        """Return what `push` does for each of many scores."""
        return np.array([self.push(score) for score in scores.tolist()], np.float64)

    def _shrink(self) -> None:
        self._counts = self.counts.tolist()
        self._total = sum(self._counts)
        self._above = sum(self._counts[self._bin + 1 :])
        self._weight = 1.0

    def _settle(self) -> None:
        """Find the bin of the quantile, which is seldom far from the last one."""
        beyond = (1 - self.share) * self._total
        while self._above > beyond and self._bin < BINS - 1:
            self._bin += 1
            self._above -= self._counts[self._bin]
        while self._above + self._counts[self._bin] <= beyond and self._bin > 0:
            self._above += self._counts[self._bin]
            self._bin -= 1


def _bin(score: float, unit: float) -> int:
    """Return the bin of a score; all those too far off are in the outermost."""
    if not score > 0:
        return 0
    return min(max(int((log2(score / unit) + OCTAVES) * FINENESS), 0), BINS - 1)
