"""Linear equations of `scipy.linalg`, inverses and determinants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError, at_user_line
from ...graph.node import Node
from ...graph.types import is_complex
from ...primitives import banded
from ...primitives.elementwise import where
from ...primitives.linear_algebra import determinants, lu
from ...primitives.linear_algebra.matrices import check_square, from_lower, identity_like
from ...primitives.linear_algebra.triangular import triangular_solve
from ...primitives.operators import swap_last
from ...primitives.structure import concatenate, pad, reshape, slice_
from ...trace.complex_readiness import has_complex
from ...trace.interception import intercepts, original
from ...trace.linalg_operands import result
from ..arrays import refuse
from .operands import arrays_of, as_columns, complex_too, solution, square
from .special_matrices import toeplitz_matrix

Solver = Callable[[Node, Node, bool, bool], Node]


def _general(a: Node, b: Node, lower: bool, trans: bool) -> Node:
    return lu.solve(a, b, trans=trans)  # type: ignore[no-any-return]


def _band_only(width: int) -> Solver:
    def solver(a: Node, b: Node, lower: bool, trans: bool) -> Node:
        n = a.shape[-1]
        distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        return _general(where(distance <= width, a, a.dtype.type(0)), b, lower, trans)

    return solver


def _triangular(low: bool) -> Solver:
    def solver(a: Node, b: Node, lower: bool, trans: bool) -> Node:
        return triangular_solve(a, b, low=low, trans=trans, unit=False)  # type: ignore[no-any-return]

    return solver


def _positive(a: Node, b: Node, lower: bool, trans: bool) -> Node:
    return lu.solve_positive(a if lower else swap_last(a), b)  # type: ignore[no-any-return]


def _symmetric(a: Node, b: Node, lower: bool, trans: bool) -> Node:
    return lu.solve(from_lower(a if lower else swap_last(a)), b)  # type: ignore[no-any-return]


SOLVERS: dict[str | None, Solver] = {
    None: _general, "general": _general, "gen": _general, "banded": _general,
    "diagonal": _band_only(0), "tridiagonal": _band_only(1),
    "upper triangular": _triangular(False), "lower triangular": _triangular(True),
    "pos": _positive, "positive definite": _positive,
    "sym": _symmetric, "symmetric": _symmetric, "her": _symmetric, "hermitian": _symmetric,
}  # fmt: skip


def _solver(assume_a: Any) -> Solver:
    if assume_a not in SOLVERS:
        raise ValueError(at_user_line(f"{assume_a} is not a recognized matrix structure"))
    return SOLVERS[assume_a]


@intercepts("scipy.linalg", "solve")
def _solve(a: Any, b: Any, lower: bool = False, overwrite_a: bool = False,
           overwrite_b: bool = False, check_finite: bool = True, assume_a: str | None = None,
           transposed: bool = False) -> Any:  # fmt: skip
    solver = _solver(assume_a)
    hermitian = solver in (_positive, _symmetric)
    if (hermitian or transposed) and (has_complex(a) or has_complex(b)):
        refuse("scipy.linalg.solve", "complex numbers are supported for general and triangular "
               "matrices only, without transposed=True")  # fmt: skip
    (x, y), dtype = arrays_of(check_finite, np.atleast_2d(a), np.atleast_1d(b))
    check_square(x.type, "scipy.linalg.solve")
    y, vector = as_columns(y)
    if x.shape == (1, 1) != (y.shape[-2], 1):  # SciPy divides by the only entry
        return solution(_quotient(x, y), vector, dtype)
    if y.shape[-2] != x.shape[-1]:
        raise ShapeError(at_user_line(f"incompatible shapes: {x.shape} and {y.shape}"))
    return solution(solver(x, y, bool(lower), bool(transposed)), vector, dtype)


def _quotient(a: Node, b: Node) -> Node:
    if a.value is not None and not a.value.all():
        raise np.linalg.LinAlgError(at_user_line("A singular matrix detected."))
    quotient: Node = b / reshape(a, shape=())
    return quotient


@intercepts("scipy.linalg", "inv")
def _inv(a: Any, overwrite_a: bool = False, check_finite: bool = True, *,
         assume_a: str | None = None, lower: bool = False) -> Any:  # fmt: skip
    x, dtype = square("inv", a, check_finite)
    solver = _solver(assume_a)
    if is_complex(dtype) and solver in (_positive, _symmetric):
        refuse("scipy.linalg.inv", "assume_a= of complex numbers is not supported")
    return result(solver(x, identity_like(x), bool(lower), False), dtype)


@intercepts("scipy.linalg", "det")
def _det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    x, _ = square("det", a, check_finite)
    y = determinants.det(x)
    return result(y, y.dtype)


TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


def is_transposed(trans: Any) -> bool:
    """Return whether `trans=` asks for the transpose."""
    if trans not in TRANSPOSED:
        raise ValueError(at_user_line(f"trans={trans!r} is none of 0, 1, 2, 'N', 'T', 'C'"))
    return TRANSPOSED[trans]


@intercepts("scipy.linalg", "solve_triangular")
def _solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False,
                      unit_diagonal: bool = False, overwrite_b: bool = False,
                      check_finite: bool = True) -> Any:  # fmt: skip
    (x, y), dtype = arrays_of(check_finite, a, b)
    check_square(x.type, "scipy.linalg.solve_triangular")
    y, vector = as_columns(y)
    flags = {"low": bool(lower), "trans": is_transposed(trans), "unit": bool(unit_diagonal)}
    return solution(triangular_solve(x, y, **flags), vector, dtype)


@intercepts("scipy.linalg", "solve_banded")
def _solve_banded(l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False,
                  overwrite_b: bool = False, check_finite: bool = True) -> Any:  # fmt: skip
    (bands, y), dtype = arrays_of(check_finite, ab, b)
    low, high = (int(k) for k in l_and_u)
    if bands.shape[-1] != y.shape[0]:
        raise ValueError(at_user_line("shapes of ab and b are not compatible."))
    if low + high + 1 != bands.shape[0]:
        raise ValueError(
            at_user_line(
                f"invalid values for the number of lower and upper diagonals: l+u+1 ({low}+{high}"
                f"+1) does not equal ab.shape[0] ({bands.shape[0]})"
            )
        )
    return _solution_of_bands(bands, (low, high), y, dtype, "solve_banded")


def _solution_of_bands(
    bands: Node, bandwidth: tuple[int, int], b: Node, dtype: Any, name: str
) -> Any:
    y, vector = as_columns(b)
    if len(bands.shape) != 2 or len(y.shape) != 2:
        refuse(f"scipy.linalg.{name}", "stacks of matrices are not supported: use a loop")
    x = banded.solve_banded(bands, y, bandwidth=bandwidth, trans=False)
    return solution(x, vector, dtype)


@intercepts("scipy.linalg", "solveh_banded")
def _solveh_banded(ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False,
                   lower: bool = False, check_finite: bool = True) -> Any:  # fmt: skip
    (bands, y), dtype = arrays_of(check_finite, ab, b)
    if bands.shape[-1] != y.shape[0]:
        raise ValueError(at_user_line("shapes of ab and b are not compatible."))
    if bands.value is not None and y.value is not None:  # raises if it is not positive definite
        original("scipy.linalg", "solveh_banded")(bands.value, y.value, lower=lower)
    return _solution_of_bands(*_both_halves(bands, bool(lower)), y, dtype, "solveh_banded")


def _both_halves(bands: Node, lower: bool) -> tuple[Node, tuple[int, int]]:
    """Return all bands of a symmetric matrix of which one half is stored."""
    k, n = bands.shape[0] - 1, bands.shape[1]
    stored = [_rows(bands, row, row + 1) for row in range(k + 1)]
    by_distance = stored if lower else stored[::-1]
    # row d below the main one holds a[j + d, j] at j, and the row above it at j + d
    below, above = [], []
    for d in range(1, min(k + 1, n)):
        row = by_distance[d]
        first = slice(0, n - d) if lower else slice(d, n)
        entries = slice_(row, index=(slice(None), first))
        below.append(pad(entries, shape=(1, n), index=(slice(None), slice(0, n - d))))
        above.append(pad(entries, shape=(1, n), index=(slice(None), slice(d, n))))
    full = concatenate(*above[::-1], by_distance[0], *below, axis=0)
    return full, (len(below), len(below))


def _rows(bands: Node, start: int, stop: int) -> Node:
    return slice_(bands, index=(slice(start, stop), slice(None)))  # type: ignore[no-any-return]


@intercepts("scipy.linalg", "solve_toeplitz")
def _solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, c_or_cr)
    (first, row, y), dtype = arrays_of(check_finite, c, r, b)
    if len(first.shape) != 1 or len(row.shape) != 1 or len(y.shape) not in (1, 2):
        refuse("scipy.linalg.solve_toeplitz", "only one matrix, and b of one or two axes")
    y, vector = as_columns(y)
    return solution(lu.solve(toeplitz_matrix(first, row), y), vector, dtype)


complex_too("solve", "inv", "det")
