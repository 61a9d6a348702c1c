"""The QR factorization from Cholesky's, which is native code where Householder's is not.

Once with a shift and twice to repair what that and rounding did to the orthogonality: Fukaya,
Kannan, Nakatsukasa, Yamamoto and Yanagisawa, Shifted Cholesky QR for computing the QR factorization
of ill-conditioned matrices (2020). As accurate as Householder's up to condition numbers of 1e15.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..lazy import LazyModule

linalg = LazyModule("scipy.linalg")

_ROUNDING = 2.0**-53
_LEAST = 1e-30  # so that zeros have a factorization, too


def cholesky_qr(a: Any) -> tuple[Any, Any]:
    """Return q of shape (m, n) with orthogonal columns and upper triangular r, with ``a = q r``."""
    m, n = a.shape
    rounding = 10.0 * _ROUNDING
    shift = 11.0 * (m * n + n * (n + 1)) * _ROUNDING
    q, r = _once(a, shift)
    q, factor = _once(q, rounding)
    r = factor @ r
    lower = _factor(q, rounding)  # nearly the unit matrix: so its inverse is as good as a solution
    return q @ linalg.solve_triangular(lower, np.eye(n), lower=True).T, lower.T @ r


def _once(a: Any, shift: float) -> tuple[Any, Any]:
    lower = _factor(a, shift)
    return linalg.solve_triangular(lower, a.T, lower=True).T, lower.T


def _factor(a: Any, shift: float) -> Any:
    gram = a.T @ a
    size = shift * np.trace(gram) + _LEAST
    return np.linalg.cholesky(gram + size * np.eye(a.shape[1]))
