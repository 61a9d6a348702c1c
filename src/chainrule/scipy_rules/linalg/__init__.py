"""Rules for `scipy.linalg`."""

from . import (
    decompositions,
    factors,
    least_squares,
    matrix_equations,
    matrix_functions,
    special_matrices,
    systems,
)

__all__ = [
    "decompositions",
    "factors",
    "least_squares",
    "matrix_equations",
    "matrix_functions",
    "special_matrices",
    "systems",
]
