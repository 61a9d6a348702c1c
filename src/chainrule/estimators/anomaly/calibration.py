"""Scores that mean something: p-values and thresholds from the scores of held-out normal rows.

Split-conformal calibration (V. Vovk, A. Gammerman, G. Shafer: "Algorithmic learning in a random
world", 2005; for outliers S. Bates et al.: "Testing for outliers with conformal p-values",
Annals of Statistics 51, 2023): if the held-out rows and a new normal row are exchangeable, the rank
of the new score among theirs is uniform, whatever the detector. Here scores are larger for stranger
rows.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...lazy import computed
from .tail import Tail

Floats = NDArray[np.float64]

FEW = 50  # calibration scores below which no tail is trusted


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
    95.0
    """

    def __init__(self, scores: Any) -> None:
        self.scores: Floats = np.sort(np.asarray(scores, np.float64))

    @computed
    def tail(self) -> Tail:
        """The extreme-value tail beyond the scores."""
        return Tail.fit(self.scores)

    def p_values(self, scores: Any) -> Floats:
        """``(1 + number of scores as large) / (n + 1)``: at most a for normal rows, with P <= a."""
        count = len(self.scores)
        at_least = count - np.searchsorted(self.scores, np.asarray(scores, np.float64), "left")
        return np.asarray((1.0 + at_least) / (count + 1.0), np.float64)

    def tail_p_values(self, scores: Any) -> Floats:
        """`p_values`, and below ``2 / (n + 1)`` those of the extreme-value tail."""
        p = self.p_values(scores)
        tail = np.asarray(self.tail.survival(np.asarray(scores, np.float64)), np.float64)
        return np.where(p < 1.5 / (len(self.scores) + 1.0), np.minimum(p, tail), p)

    def threshold(self, rate: float, warn: bool = True) -> float:
        """The score that a normal row exceeds with this probability, on average.

        Between two scores it is interpolated, at the position ``rate (n + 1)`` from the largest
        (A. D. Hutson: "Calculating nonparametric confidence intervals for quantiles using
        fractional order statistics", 1999). Where that is beyond the largest, the tail tells, with
        a warning.
        """
        count = len(self.scores)
        position = rate * (count + 1)
        if position >= 1.0:
            return float(np.interp(count + 1 - position, np.arange(1, count + 1), self.scores))
        if warn:
            warnings.warn(self.too_few(rate), FewRowsWarning, stacklevel=3)
        return max(float(self.tail.quantile(rate)), float(self.scores[-1]))

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
        if warn and rejected.any():
            warnings.warn(
                f"{len(self.scores)} held-out rows tell at least {int(np.ceil(least))} anomalies "
                f"among {len(p)} rows at fdr={fdr:g}, and there seem to be fewer: these follow "
                "from an extreme-value tail; give more rows to learn from",
                FewRowsWarning,
                stacklevel=3,
            )
        return rejected


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
