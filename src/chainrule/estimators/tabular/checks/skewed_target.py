"""Numbers to predict that go over orders of magnitude: their logarithm is easier to learn."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .advice import Advice
from .evidence import Evidence

SKEWED = 1.5  # the third moment in standard deviations: that of prices is about 2
STRAIGHT = 0.5  # of the logarithms
LESS = 0.15  # of the skewness of the numbers, if that is more
WIDE = 10.0  # times that the hundredth from above is the hundredth from below
MIN_ROWS = 50


def skew_advice(evidence: Evidence) -> list[Advice]:
    """What is said of a skewed target."""
    if evidence.is_classification or evidence.options.log or len(evidence.y) < MIN_ROWS:
        return []
    y = evidence.y
    if not (y > 0).all():
        return []
    low, high = np.quantile(y, [0.01, 0.99])
    plain, logarithmic = float(stats.skew(y)), float(stats.skew(np.log(y)))
    straight = max(STRAIGHT, LESS * plain)
    if plain < SKEWED or abs(logarithmic) > straight or high < WIDE * low:
        return []
    return [Advice(
        "skew", (),
        f"{evidence.source.target!r} goes from {low:.3g} to {high:.3g} (98% of the rows) and is "
        f"skewed ({plain:.1f}; its logarithm {logarithmic:.1f}): if errors matter in per cent, let "
        "the network learn the logarithm.",
        "--log",
    )]  # fmt: skip
