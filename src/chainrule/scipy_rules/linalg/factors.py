"""Factorizations of `scipy.linalg` to solve with: Cholesky's and LU."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import LinAlgWarning

from ...errors import ShapeError, at_user_line, warn_user
from ...graph.node import Node
from ...graph.types import is_complex
from ...primitives.elementwise import equal, where
from ...primitives.linear_algebra import lu as lu_rules
from ...primitives.linear_algebra.lu import (
    inverse_order,
    permutation,
    unit_lower,
    upper_factor,
)
from ...primitives.linear_algebra.matrices import (
    adjoint,
    as_column,
    check_square,
    permute_rows,
    results_of,
)
from ...primitives.linear_algebra.triangular import cholesky, triangular_solve
from ...primitives.structure import cast
from ...trace.array_like import node_like
from ...trace.interception import intercepts
from ...trace.linalg_operands import real_dtype, result
from ...trace.tracer import Tracer, traced
from ..arrays import refuse
from .operands import arrays_of, as_columns, complex_too, matrix, solution, square
from .systems import is_transposed


def factor_of_triangle(a: Node, lower: bool) -> Node:
    """Return the factor that has the same triangle as is read of a."""
    if lower:
        return cholesky(a)  # type: ignore[no-any-return]
    return adjoint(cholesky(adjoint(a)))  # type: ignore[no-any-return]


@intercepts("scipy.linalg", "cholesky")
def _cholesky(a: Any, lower: bool = False, overwrite_a: bool = False,
              check_finite: bool = True) -> Any:  # fmt: skip
    x, dtype = square("cholesky", a, check_finite)
    return result(factor_of_triangle(x, bool(lower)), dtype)


@intercepts("scipy.linalg", "cho_factor")
def _cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False,
                check_finite: bool = True) -> tuple[Any, bool]:  # fmt: skip
    x, dtype = square("cho_factor", a, check_finite)
    n = x.shape[-1]
    read = np.tri(n, n, 0, bool) if lower else np.tri(n, n, 0, bool).T
    return result(where(read, factor_of_triangle(x, bool(lower)), x), dtype), lower


@intercepts("scipy.linalg", "cho_solve")
def _cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False,
               check_finite: bool = True) -> Any:  # fmt: skip
    c, lower = c_and_lower
    (x, y), dtype = arrays_of(check_finite, c, b)
    check_square(x.type, "scipy.linalg.cho_solve")
    y, vector = as_columns(y)
    for trans in (not lower, bool(lower)):
        y = triangular_solve(x, y, low=bool(lower), trans=trans, unit=False)
    return solution(y, vector, dtype)


@intercepts("scipy.linalg", "lu_factor")
def _lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    x, dtype = matrix("lu_factor", a, check_finite)
    factors, pivots = results_of(lu_rules.lu(x, check=False))
    if factors.value is not None and (np.diagonal(factors.value, 0, -2, -1) == 0).any():
        warn_user("a pivot is exactly zero. Singular matrix.", LinAlgWarning)
    return result(factors, dtype), traced(pivots)


@intercepts("scipy.linalg", "lu_solve")
def _lu_solve(lu_and_piv: Any, b: Any, trans: Any = 0, overwrite_b: bool = False,
              check_finite: bool = True) -> Any:  # fmt: skip
    factors, pivots = lu_and_piv
    (x, y), dtype = arrays_of(check_finite, factors, b)
    if is_complex(dtype) and trans in (2, "C"):
        refuse("scipy.linalg.lu_solve", "trans=2 of complex numbers is not supported")
    check_square(x.type, "scipy.linalg.lu_solve")
    y, vector = as_columns(y)
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError(at_user_line(f"Shapes of lu {x.shape} and b {y.shape} are incompatible"))
    order = permutation(_exchanges(pivots), size=x.shape[-1])
    if is_transposed(trans):
        y = triangular_solve(x, y, low=False, trans=True, unit=False)
        y = triangular_solve(x, y, low=True, trans=True, unit=True)
        return solution(permute_rows(y, inverse_order(order)), vector, dtype)
    y = triangular_solve(x, permute_rows(y, order), low=True, trans=False, unit=True)
    return solution(triangular_solve(x, y, low=False, trans=False, unit=False), vector, dtype)


def _exchanges(pivots: Any) -> Node:
    node = node_like(pivots)
    return node if node.dtype == lu_rules.PIVOTS else cast(node, dtype=lu_rules.PIVOTS)  # type: ignore[no-any-return]


@intercepts("scipy.linalg", "lu")
def _lu(a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True,
        p_indices: bool = False) -> tuple[Tracer, ...]:  # fmt: skip
    x, dtype = matrix("lu", a, check_finite)
    factors, pivots = results_of(lu_rules.lu(x, check=False))
    low, up = unit_lower(factors), result(upper_factor(factors), dtype)
    order = inverse_order(permutation(pivots, size=x.shape[-2]))
    if permute_l:
        return result(permute_rows(low, order), dtype), up
    if p_indices:
        return result(order, lu_rules.PIVOTS), result(low, dtype), up
    ones = equal(as_column(order), np.arange(x.shape[-2]))
    return result(ones, real_dtype(dtype)), result(low, dtype), up


complex_too("cholesky", "cho_factor", "lu_factor", "lu_solve", "lu")
