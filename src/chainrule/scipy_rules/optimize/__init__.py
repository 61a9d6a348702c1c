"""Rules for `scipy.optimize`: its algorithms, with the derivatives of what they find."""

from . import (
    curves,
    linear_least_squares,
    minimizers,
    refused,
    residual_sums,
    roots,
    scalar_roots,
)

__all__ = [
    "curves",
    "linear_least_squares",
    "minimizers",
    "refused",
    "residual_sums",
    "roots",
    "scalar_roots",
]
