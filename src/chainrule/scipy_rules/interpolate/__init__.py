"""Rules for `scipy.interpolate`."""

from . import basis, bsplines, cubic, grids, intervals, piecewise, scattered, univariate

__all__ = [
    "basis",
    "bsplines",
    "cubic",
    "grids",
    "intervals",
    "piecewise",
    "scattered",
    "univariate",
]
