"""Rules for `scipy.linalg`."""

from . import (
    decompositions,
    factors,
    lapack,
    least_squares,
    matrix_equations,
    matrix_functions,
    special_matrices,
    systems,
)

__all__ = [
    "decompositions",
    "factors",
    "lapack",
    "least_squares",
    "matrix_equations",
    "matrix_functions",
    "special_matrices",
    "systems",
]
