"""Rules for `scipy.stats`: distributions, and statistics of samples."""

from . import continuous, discrete, formulas, moments, multivariate, samples, selections

__all__ = ["continuous", "discrete", "formulas", "moments", "multivariate", "samples", "selections"]
