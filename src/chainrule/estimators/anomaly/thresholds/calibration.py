"""Scores that mean something: p-values and thresholds from the scores of held-out normal rows.

Split-conformal calibration (V. Vovk, A. Gammerman, G. Shafer: "Algorithmic learning in a random
world", 2005; for outliers S. Bates et al.: "Testing for outliers with conformal p-values",
Annals of Statistics 51, 2023): if the held-out rows and a new normal row are exchangeable, the rank
of the new score among theirs is uniform, whatever the detector. Here scores are larger for stranger
rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import warn_user
from ....lazy import computed
from .tail import Tail

Floats = NDArray[np.float64]

TAIL = 0.1  # share of the scores that the tail is fitted to
ROUNDING = 1e-6  # of a score: an equal row may come out so much larger beside more or fewer rows
BELOW = 0.999  # of the way to a score, where it is the threshold: the score itself is an alarm


class FewRowsWarning(UserWarning):
    """There are too few held-out rows for a rate: the tail of a distribution stands in."""


class Calibration:
    """The scores of held-out normal rows, and what follows from them.

    Parameters
    ----------
    scores : array of float64, shape (n,)
        At least one; finite.

    Examples
    --------
    >>> calibration = Calibration(np.arange(1.0, 100.0))
    >>> calibration.p_values(np.array([0.0, 50.0, 95.5, 1000.0])).tolist()
    [1.0, 0.51, 0.05, 0.01]
    >>> calibration.threshold(0.05)
    94.999
    """

    def __init__(self, scores: Any) -> None:
        self.scores: Floats = np.sort(np.asarray(scores, np.float64))

    @property
    def history(self) -> Floats:
        """The scores that an online threshold begins with."""
        return self.scores

    @computed
    def tail(self) -> Tail:
        """The extreme-value tail of the roots of the scores.

        Sums of ``-log p`` of real rows have heavier tails than a generalised Pareto distribution
        that is fitted to a few hundred of them: at a rate of 0.001, thresholds from 400 rows were
        exceeded 1.3 times as often on average over nine sets (up to 2.2), those of roots 1.1 times
        (up to 2.0), and those of logarithms 0.96 times, but next to never on sets with light tails.
        """
        return Tail.fit(_roots(self.scores), TAIL)

    def p_values(self, scores: Any) -> Floats:
        """``(1 + number of scores as large) / (n + 1)``: at most a for normal rows, with P <= a."""
        count = len(self.scores)
        at_least = count - np.searchsorted(self.scores, np.asarray(scores, np.float64), "left")
        return np.asarray((1.0 + at_least) / (count + 1.0), np.float64)

    def tail_p_values(self, scores: Any) -> Floats:
        """`p_values`, and below ``2 / (n + 1)`` those of the extreme-value tail."""
        p = self.p_values(scores)
        if len(self.scores) < 2:
            return p
        tail = np.asarray(self.tail.survival(_roots(scores)), np.float64)
        return np.where(p < 1.5 / (len(self.scores) + 1.0), np.minimum(p, tail), p)

    def threshold(self, rate: float, warn: bool = True) -> float:
        """The score that a normal row exceeds with this probability, on average.

        At the position ``rate (n + 1)`` from the largest there is a score, or it is between the
        k-th and the next smaller one: a part ``k (k + 1 - position) / position`` above that. This
        is exact where the tail is exponential, since the distance of the two has then the mean 1 /
        k (A. Renyi: "On the theory of order statistics", 1953); half-way it would be exceeded up to
        a ninth less often. A score that is the threshold is an alarm itself, unless the next
        smaller one is the same: then neither is, nor what differs from them by rounding. Where the
        position is beyond the largest, the tail tells, with a warning.
        """
        count = len(self.scores)
        position = rate * (count + 1)
        k = round(position)
        if k >= 1 and abs(position - k) < 1e-9 * k:  # 0.07 * 100 is above 7
            position = float(k)
        k = int(position)
        if k >= 1:
            upper, lower = self.scores[count - k], self.scores[max(count - k - 1, 0)]
            part = min(k * (k + 1 - position) / position, BELOW)
            if upper - lower <= ROUNDING * abs(upper):
                return float(upper + ROUNDING * abs(upper))
            return float(lower + part * (upper - lower))
        if warn:
            warn_user(self.too_few(rate), FewRowsWarning)
        largest = float(self.scores[-1] + ROUNDING * abs(self.scores[-1]))
        return largest if count < 2 else max(float(self.tail.quantile(rate)) ** 2, largest)

    def too_few(self, rate: float) -> str:
        """The warning for a rate that needs more rows."""
        return (
            f"a false-alarm rate of {rate:g} needs {int(np.ceil(1.0 / rate)) - 1} held-out normal "
            f"rows, and there are {len(self.scores)}: the threshold is that of an extreme-value "
            "tail fitted to them; give more rows, or a larger rate"
        )

    def discoveries(self, scores: Any, fdr: float, warn: bool = True) -> NDArray[np.bool_]:
        """Which rows of a batch are anomalies, with at most this share of false ones on average.

        Y. Benjamini, Y. Hochberg: "Controlling the false discovery rate", J. R. Statist. Soc. B 57
        (1995), on conformal p-values. Where fewer alarms than the smallest p-value can carry are
        possible at all, the p-values of the tail are taken, with a warning.
        """
        p = self.p_values(scores)
        least = len(p) / (fdr * (len(self.scores) + 1))  # so many at least, or none
        rejected = benjamini_hochberg(p, fdr)
        if rejected.any() or least <= 1.0:
            return rejected
        rejected = benjamini_hochberg(self.tail_p_values(scores), fdr)
        if warn and (np.asarray(scores) > self.scores[-1]).any():
            warn_user(
                f"{len(self.scores)} held-out rows tell at least {int(np.ceil(least))} anomalies "
                f"among {len(p)} rows at fdr={fdr:g}, and there seem to be fewer: what is found "
                f"({int(rejected.sum())}) follows from an extreme-value tail; give more rows to "
                "learn from, or a larger fdr",
                FewRowsWarning,
            )
        return rejected


def _roots(scores: Any) -> Floats:
    return np.sqrt(np.maximum(np.asarray(scores, np.float64), 0.0))


def benjamini_hochberg(p_values: Any, fdr: float) -> NDArray[np.bool_]:
    """Which hypotheses are rejected at a false-discovery rate.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.9]), 0.1).tolist()
    [True, True, True, False]
    """
    p = np.asarray(p_values, np.float64)
    if not len(p):
        return np.zeros(0, bool)
    ordered = np.sort(p)
    passing = np.flatnonzero(ordered <= fdr * np.arange(1, len(p) + 1) / len(p))
    return p <= ordered[passing[-1]] if len(passing) else np.zeros(len(p), bool)
