"""Rules for `scipy.optimize`: its algorithms, with the derivatives of what they find."""

from . import (
    curves,
    minimizers,
    refused,
    residual_sums,
    roots,
    scalar_roots,
)

__all__ = ["curves", "minimizers", "refused", "residual_sums", "roots", "scalar_roots"]
