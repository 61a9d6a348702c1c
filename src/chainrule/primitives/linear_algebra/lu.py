"""LU with partial pivoting, and solving with it.

`linear_solve` reads the matrix's factors and hands its derivative to the matrix itself: that costs
no derivative of a factorization, and is right to any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ...graph.types import Type
from ..declare import declared, unbroadcast
from ..operators import swap_last
from ..products import matmul
from ..reductions import argsort
from ..structure import concatenate, stop_gradient
from .matrices import (
    batched,
    check_matrix,
    columns,
    for_dtype,
    from_lower,
    identity_like,
    lower,
    permute_rows,
    results_of,
    rows,
    solved_batch,
    upper,
)
from .triangular import cholesky, solve_right, solve_type, triangular_solve

PIVOTS = np.dtype(np.int32)


def _lu_type(a: Type, *, check: bool) -> tuple[Type, Type]:
    check_matrix(a, "lu")
    return a, Type((*a.shape[:-2], min(a.shape[-2:])), PIVOTS)


def _getrf(a: Any, *, check: bool) -> tuple[Any, Any]:
    factors, pivots, info = for_dtype("getrf", a)(a)
    if check and info > 0:
        raise np.linalg.LinAlgError("Singular matrix")
    return factors, pivots


def unit_lower(factors: Any) -> Any:
    """Return L of packed factors: as many columns as there are pivots."""
    k = min(factors.shape[-2:])
    low = lower(columns(factors, 0, k), -1)
    return low + np.eye(*low.shape[-2:], dtype=low.dtype)


def upper_factor(factors: Any) -> Any:
    """Return U of packed factors: as many rows as there are pivots."""
    return upper(rows(factors, 0, min(factors.shape[-2:])))


def _lu_vjp(g: Sequence[Any], y: Any, _a: Any, *, check: bool) -> list[Any]:
    """With P A = L U and F = L^-1 P dA U^-1: dL = L below(F), dU = upto(F) U.

    Of a matrix that is not square, these hold of the part with pivots; what is beside it follows
    from L U again.
    """
    factors, pivots = results_of(y)
    if g[0] is None:
        return [None]
    m, n = factors.shape[-2:]
    k = min(m, n)
    square = rows(columns(factors, 0, k), 0, k)
    low, up = unit_lower(square), upper(square)
    corner = rows(columns(g[0], 0, k), 0, k)
    by_low, by_up = lower(corner, -1), upper(corner)
    inside = lower(matmul(swap_last(low), by_low), -1) + upper(matmul(by_up, swap_last(up)))
    beside = None
    if m > n:
        by_rest, rest = rows(g[0], k, None), rows(factors, k, None)
        inside = inside - upper(matmul(swap_last(rest), by_rest))
        beside = solve_right(square, by_rest, low=False, trans=True)
    elif m < n:
        by_rest, rest = columns(g[0], k, None), columns(factors, k, None)
        inside = inside - lower(matmul(by_rest, swap_last(rest)), -1)
        beside = triangular_solve(square, by_rest, low=True, trans=True, unit=True)
    by_a = solve_right(square, inside, low=False, trans=True)
    by_a = triangular_solve(square, by_a, low=True, trans=True, unit=True)
    if beside is not None:
        axis = len(by_a.shape) - (2 if m > n else 1)
        by_a = concatenate(by_a, beside, axis=axis)
    return [permute_rows(by_a, inverse_order(permutation(pivots, size=m)))]


def _lu_jvp(tangents: Sequence[Any], y: Any, _a: Any, *, check: bool) -> list[Any]:
    factors, pivots = results_of(y)
    m, n = factors.shape[-2:]
    k = min(m, n)
    t = permute_rows(tangents[0], permutation(pivots, size=m))
    square = rows(columns(factors, 0, k), 0, k)
    inside = triangular_solve(
        square, rows(columns(t, 0, k), 0, k), low=True, trans=False, unit=True
    )
    inside = solve_right(square, inside, low=False)
    t_factors = lower(matmul(unit_lower(square), lower(inside, -1)), -1)
    t_factors = t_factors + upper(matmul(upper(inside), upper(square)))
    if m > n:
        rest = solve_right(square, rows(t, k, None), low=False)
        rest = rest - matmul(rows(factors, k, None), upper(inside))
        t_factors = concatenate(t_factors, rest, axis=len(t.shape) - 2)
    elif m < n:
        rest = triangular_solve(square, columns(t, k, None), low=True, trans=False, unit=True)
        rest = rest - matmul(lower(inside, -1), columns(factors, k, None))
        t_factors = concatenate(t_factors, rest, axis=len(t.shape) - 1)
    return [t_factors, None]


lu: Primitive = declared(
    "lu",
    batched(_getrf, _lu_type, (2,)),
    _lu_type,
    _lu_vjp,
    _lu_jvp,
    family="linalg",
    multiple=True,
    cores=(2,),
    doc="LAPACK's getrf: L and U packed in one matrix, and the row that each was exchanged with. "
    "With `check`, a pivot of exactly 0 is an error.",
)


def _order_of(pivots: Any, *, size: int) -> Any:
    order = np.arange(size, dtype=PIVOTS)
    for k, pivot in enumerate(pivots):
        order[[k, pivot]] = order[[pivot, k]]
    return order


def _permutation_type(pivots: Type, *, size: int) -> Type:
    return Type((*pivots.shape[:-1], size), PIVOTS)


permutation: Primitive = declared(
    "permutation",
    batched(_order_of, _permutation_type, (1,)),
    _permutation_type,
    family="linalg",
    cores=(1,),
    doc="The order of rows that exchanges one after the other lead to.",
)


def inverse_order(order: Any) -> Any:
    """Return the order that undoes this one."""
    return argsort(order, axis=len(order.shape) - 1)


def _linear_type(a: Type, _factors: Type, _pivots: Type, b: Type, *, trans: bool) -> Type:
    return solve_type("solve", a, b)


def _getrs(_a: Any, factors: Any, pivots: Any, b: Any, *, trans: bool) -> Any:
    x, _info = for_dtype("getrs", factors)(factors, pivots, b, trans=int(trans))
    return x


def _linear_vjp(
    g: Any, x: Any, a: Any, factors: Any, pivots: Any, b: Any, *, trans: bool,
    needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    by_b = linear_solve(a, factors, pivots, g, trans=not trans)
    by_a = None
    if needs_input_grad[0]:
        outer = matmul(x, swap_last(by_b)) if trans else matmul(by_b, swap_last(x))
        by_a = unbroadcast(-outer, a)
    return [by_a, None, None, unbroadcast(by_b, b) if needs_input_grad[3] else None]


def _linear_jvp(
    tangents: Sequence[Any], x: Any, a: Any, factors: Any, pivots: Any, b: Any, *, trans: bool
) -> Any:
    ta, right = tangents[0], tangents[3]
    if ta is not None:
        change = matmul(swap_last(ta) if trans else ta, x)
        right = -change if right is None else right - change
    return None if right is None else linear_solve(a, factors, pivots, right, trans=trans)


def _linear_batch(size: int, batched: Sequence[bool], *inputs: Any, trans: bool) -> Any:
    return solved_batch(
        size, batched, inputs, lambda *x: linear_solve(*x, trans=trans), (2, 2, 1, 2)
    )


linear_solve: Primitive = declared(
    "linear_solve",
    batched(_getrs, _linear_type, (2, 2, 1, 2)),
    _linear_type,
    _linear_vjp,
    _linear_jvp,
    family="linalg",
    selective_vjp=True,
    batch=_linear_batch,
    doc="x of a x = b (or a^T x = b) by the factors of `lu`; derivatives are those by a and b.",
)


def factors_of(a: Any, check: bool = True) -> tuple[Any, Any]:
    """Return the factors and pivots of a as numbers without a derivative."""
    factors, pivots = results_of(lu(stop_gradient(a), check=check))
    return factors, pivots


def solve(a: Any, b: Any, *, trans: bool = False, check: bool = True) -> Any:
    """Return x of a x = b; both have two axes or more."""
    return linear_solve(a, *factors_of(a, check), b, trans=trans)


def inverse(a: Any, check: bool = True) -> Any:
    """Return the inverse of a."""
    return solve(a, identity_like(a), check=check)


def _positive_type(a: Type, _c: Type, b: Type) -> Type:
    return solve_type("solve", a, b)


def _potrs(_a: Any, c: Any, b: Any) -> Any:
    x, _info = for_dtype("potrs", c)(c, b, lower=True)
    return x


def _positive_vjp(
    g: Any, x: Any, a: Any, c: Any, b: Any, *, needs_input_grad: Sequence[bool]
) -> list[Any]:
    by_b = positive_solve(a, c, g)
    by_a = unbroadcast(-matmul(by_b, swap_last(x)), a) if needs_input_grad[0] else None
    return [by_a, None, unbroadcast(by_b, b) if needs_input_grad[2] else None]


def _positive_jvp(tangents: Sequence[Any], x: Any, a: Any, c: Any, b: Any) -> Any:
    ta, _, right = tangents
    if ta is not None:
        change = matmul(ta, x)
        right = -change if right is None else right - change
    return None if right is None else positive_solve(a, c, right)


def _positive_batch(size: int, batched: Sequence[bool], *inputs: Any) -> Any:
    return solved_batch(size, batched, inputs, positive_solve, (2, 2, 2))


positive_solve: Primitive = declared(
    "positive_solve",
    batched(_potrs, _positive_type, (2, 2, 2)),
    _positive_type,
    _positive_vjp,
    _positive_jvp,
    family="linalg",
    selective_vjp=True,
    batch=_positive_batch,
    doc="x of a x = b for a symmetric a, by its lower Cholesky factor; derivatives are those by a "
    "and b.",
)


def solve_positive(a: Any, b: Any) -> Any:
    """Return x of a x = b, where a is positive definite and only its lower triangle is read."""
    symmetric = from_lower(a)
    return positive_solve(symmetric, cholesky(stop_gradient(symmetric)), b)
