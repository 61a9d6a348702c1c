"""What a forecaster warns of."""

from __future__ import annotations


class FewOriginsWarning(UserWarning):
    """There are too few past forecasts to calibrate intervals of a level."""


class LeakWarning(UserWarning):
    """A covariate that is said to be known ahead nearly determines the target."""
