"""The QR factorization by Householder's reflections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import GradientError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type, is_complex
from ..complex_numbers import conjugate, real_part
from ..declare import declared
from ..elementwise import where
from ..products import matmul
from ..structure import concatenate, zeros_like
from .matrices import (
    adjoint,
    antisymmetric,
    as_matrix,
    batched,
    check_matrix,
    columns,
    diagonal,
    diagonal_matrix,
    host_linalg,
    inner,
    lower,
    negligible,
    nonzero,
    product,
    results_of,
    rows,
    upper,
)
from .triangular import solve_right


def _qr_type(a: Type, *, complete: bool) -> tuple[Type, Type]:
    check_matrix(a, "qr")
    *batch, m, n = a.shape
    k = m if complete else min(m, n)
    return Type((*batch, m, k), a.dtype), Type((*batch, k, n), a.dtype)


def _split(q: Any, r: Any) -> tuple[Any, Any, int]:
    """Return the columns of q that A's first columns span, their triangle, and how many they are.

    A wide matrix is its first, square part in this, and what is beside it.
    """
    k = min(q.shape[-2], r.shape[-1])
    return columns(q, 0, k), columns(rows(r, 0, k), 0, k), k


def _real_on_diagonal(x: Any) -> Any:
    """Return the upper triangle with a real diagonal, as LAPACK's factor has it."""
    if not is_complex(x.dtype):
        return upper(x)
    return upper(x, 1) + diagonal_matrix(real_part(diagonal(x)))


def _qr_vjp(g: Sequence[Any], y: Any, a: Any, *, complete: bool) -> list[Any]:
    """With B = dA R^-1 and C = Q^H B: dQ = B - Q U and dR = U R, U = upper(C) + below(C)^H."""
    full_q, full_r = results_of(y)
    q, r, k = _split(full_q, full_r)
    by_q = zeros_like(full_q) if g[0] is None else conjugate(g[0])
    by_r = zeros_like(full_r) if g[1] is None else conjugate(g[1])
    by_first, by_triangle = columns(by_q, 0, k), columns(rows(by_r, 0, k), 0, k)
    beside = None
    if r.shape[-1] < full_r.shape[-1]:
        by_beside = columns(rows(by_r, 0, k), k, None)
        beside = matmul(q, by_beside)
        by_first = by_first + matmul(columns(a, k, None), adjoint(by_beside))
    invalid = None
    if full_q.shape[-1] > k:  # what q spans beside A turns against it only
        rest, by_rest = columns(full_q, k, None), columns(by_q, k, None)
        by_first = by_first - product(rest, adjoint(by_rest), q)
        within = matmul(adjoint(rest), by_rest)
        odd = antisymmetric(within)
        odd = where(negligible(odd, within), odd.dtype.type(0), odd)
        invalid = nonzero(as_matrix(inner(odd, conjugate(odd))))
    weight = matmul(by_triangle, adjoint(r)) - matmul(adjoint(q), by_first)
    by_c = _real_on_diagonal(weight) + lower(adjoint(weight), -1)
    wanted = conjugate(by_first + matmul(q, by_c))
    by_a = conjugate(solve_right(r, wanted, low=False, trans=True))
    if beside is not None:
        by_a = concatenate(by_a, beside, axis=len(by_a.shape) - 1)
    if invalid is not None:
        by_a = where(invalid, by_a.dtype.type(np.nan), by_a)
    return [conjugate(by_a)]


def _qr_jvp(
    tangents: Sequence[Any], y: Any, a: Any, *, complete: bool, needs_results: Sequence[bool]
) -> list[Any]:
    t = tangents[0]
    full_q, full_r = results_of(y)
    q, r, k = _split(full_q, full_r)
    axis = len(t.shape) - 1
    change = solve_right(r, columns(t, 0, k), low=False)
    inside = matmul(adjoint(q), change)
    turning = _real_on_diagonal(inside) + adjoint(lower(inside, -1))
    t_q = change - matmul(q, turning)
    t_r = matmul(turning, r)
    if k < full_r.shape[-1]:
        beside = columns(t, k, None) - matmul(t_q, columns(rows(full_r, 0, k), k, None))
        t_r = concatenate(t_r, matmul(adjoint(q), beside), axis=axis)
    extra = full_q.shape[-1] - k
    if extra:
        if extra > (not is_complex(a.dtype)) and needs_results[0]:
            raise GradientError(at_user_line(_no_basis_of_columns(a.shape[-2:], k)))
        t_rest = -product(q, adjoint(t_q), columns(full_q, k, None))
        t_q = concatenate(t_q, t_rest, axis=axis)
        t_r = concatenate(t_r, zeros_like(rows(full_r, k, None)), axis=axis - 1)
    return [t_q, t_r]


def _no_basis_of_columns(shape: tuple[int, ...], k: int) -> str:
    return (
        f"qr(mode='complete') of a {shape[0]} x {shape[1]} matrix in forward mode: what q has "
        f"beyond {k} columns is any basis of a space, without a derivative of its own. Use "
        "mode='reduced', or reverse mode for what does not depend on the basis"
    )


qr: Primitive = declared(
    "qr",
    lambda xp, a, *, complete: tuple(xp.linalg.qr(a, "complete" if complete else "reduced")),
    _qr_type,
    _qr_vjp,
    _qr_jvp,
    family="linalg",
    multiple=True,
    selective_jvp=True,
    cores=(2,),
    doc="Orthonormal q and upper triangular r with q r = a.",
)


def _order_type(a: Type) -> Type:
    check_matrix(a, "qr")
    return Type((*a.shape[:-2], a.shape[-1]), np.dtype(np.int32))


def _geqp3(a: Any) -> Any:
    return host_linalg.qr(a, mode="r", pivoting=True, check_finite=False)[1]


column_order: Primitive = declared(
    "column_order",
    batched(_geqp3, _order_type, (2,)),
    _order_type,
    family="linalg",
    cores=(2,),
    doc="The order in which a QR factorization with pivoting takes the columns.",
)
