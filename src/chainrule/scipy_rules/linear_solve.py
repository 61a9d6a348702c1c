"""Solutions of linear equations on the host, as the derivatives of algorithms need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import lapack

from ..graph.types import Type
from ..primitives.products import matmul
from ..primitives.structure import reshape, transpose
from .algorithm import Algorithm, call_algorithm
from .derived_graphs import FLOAT

_LEAST_CONDITION = 1e-15


class LinearSolve(Algorithm):
    """``solve(A, b)`` of a matrix and a vector; nan where the matrix is singular."""

    name = "solve"

    def __init__(self, n: int) -> None:
        self.types = (Type((n,), FLOAT),)

    def evaluate(self, a: Any, b: Any) -> tuple[Any]:
        """Solve by an LU factorisation."""
        return (solve_plain(a, b),)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """A dx = db - dA x."""
        (t_a, t_b), (x,) = tangents, results
        change = t_b
        if t_a is not None:
            by_matrix = -matmul(t_a, x)
            change = by_matrix if t_b is None else t_b + by_matrix
        return [solve(inputs[0], change)]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """A.T w = g; then w for b, and -w x.T for A."""
        w = solve(transpose(inputs[0], axes=(1, 0)), cotangents[0])
        x = results[0]
        n = x.shape[0]
        by_matrix = -(reshape(w, shape=(n, 1)) * reshape(x, shape=(1, n))) if needed[0] else None
        return [by_matrix, w if needed[1] else None]


def solve(a: Any, b: Any) -> Any:
    """Return the solution of A x = b for nodes or arrays; of one equation, by a division."""
    n = b.shape[0]
    if n == 1:
        return b / reshape(a, shape=(1,))
    return call_algorithm(LinearSolve(n), (a, b))[0]


def solve_plain(a: Any, b: Any) -> Any:
    """Return the solution of A x = b for arrays; nan where A is singular to working precision."""
    n = len(b)
    if not n:
        return np.zeros(0)
    if n == 1:
        return b / a[0] if a[0, 0] else np.full(1, np.nan)
    factors, pivots, failure = lapack.dgetrf(a)
    if failure or not np.isfinite(factors).all():
        return np.full(n, np.nan)
    condition, _ = lapack.dgecon(factors, np.abs(a).sum(axis=0).max())
    if condition < _LEAST_CONDITION:
        return np.full(n, np.nan)
    return lapack.dgetrs(factors, pivots, b)[0]
