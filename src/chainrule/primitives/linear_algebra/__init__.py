"""Linear algebra: factorizations in LAPACK's shapes, and what has derivatives in terms of itself.

All are batched over leading axes. Whatever else NumPy and SciPy offer is composed of these.
"""

from . import (
    determinants,
    equations,
    general,
    hermitian,
    least_squares,
    lu,
    matrices,
    matrix_functions,
    qr,
    singular,
    triangular,
)

__all__ = [
    "determinants",
    "equations",
    "general",
    "hermitian",
    "least_squares",
    "lu",
    "matrices",
    "matrix_functions",
    "qr",
    "singular",
    "triangular",
]
