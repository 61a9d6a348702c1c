"""The pseudoinverse and least squares, differentiated at constant rank (Golub and Pereyra 1973)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type, broadcast_shapes
from ..complex_numbers import conjugate, real_part
from ..declare import aligned, declared, spread, unbroadcast
from ..products import matmul
from .matrices import adjoint, as_row, batched, check_matrix, diagonal, product, results_of
from .singular import svd


def _pinv_type(a: Type, rcond: Type, *, hermitian: bool) -> Type:
    check_matrix(a, "pinv")
    *batch, m, n = a.shape
    return Type((*broadcast_shapes("pinv", tuple(batch), rcond.shape), n, m), a.dtype)


def _evaluate_pinv(xp: Any, a: Any, rcond: Any, *, hermitian: bool) -> Any:
    return xp.linalg.pinv(a, rcond=rcond, hermitian=hermitian)


def _pinv_jvp(tangents: Sequence[Any], p: Any, a: Any, _rcond: Any, *, hermitian: bool) -> Any:
    """dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P."""
    if tangents[0] is None:
        return None
    t, pt = adjoint(tangents[0]), adjoint(p)
    left, right = product(p, pt, t), product(t, pt, p)
    change = left - product(left, a, p) + right - product(p, a, right)
    return change - product(p, tangents[0], p)


def _pinv_vjp(g: Any, p: Any, a: Any, _rcond: Any, *, hermitian: bool) -> list[Any]:
    g = conjugate(g)
    gt, pt = adjoint(g), adjoint(p)
    left, right = product(gt, p, pt), product(pt, p, gt)
    change = left - product(a, p, left) + right - product(right, p, a)
    return [unbroadcast(conjugate(change - product(pt, g, pt)), a), None]


def _pinv_batch(size: int, batched: Sequence[bool], a: Any, rcond: Any, *, hermitian: bool) -> Any:
    if batched[1]:  # NumPy has one for each matrix
        a, rcond = spread(size, batched, (a, rcond))
        batched = (True, True)
    return pinv(*aligned(batched, (a, rcond), (2, 0)), hermitian=hermitian)


pinv: Primitive = declared(
    "pinv",
    _evaluate_pinv,
    _pinv_type,
    _pinv_vjp,
    _pinv_jvp,
    family="linalg",
    batch=_pinv_batch,
    doc="The pseudoinverse, without singular values below rcond times the largest. Derivatives "
    "are those of matrices of the same rank.",
)


def _lstsq_type(a: Type, b: Type, rcond: Type) -> tuple[Type, Type, Type]:
    check_matrix(a, "lstsq")
    check_matrix(b, "lstsq")
    m, n = a.shape[-2:]
    if b.shape[-2] != m:
        raise ShapeError(at_user_line(f"lstsq: shapes {a.shape} and {b.shape} do not fit"))
    batch = broadcast_shapes("lstsq", a.shape[:-2], b.shape[:-2], rcond.shape)
    return (
        Type((*batch, n, b.shape[-1]), a.dtype),
        Type(batch, np.dtype(np.int32)),
        Type((*batch, min(m, n)), np.finfo(a.dtype).dtype),
    )


def _gelsd(a: Any, b: Any, rcond: Any) -> tuple[Any, Any, Any]:
    x, _residuals, rank, s = np.linalg.lstsq(a, b, rcond=float(rcond))
    return x, np.int32(rank), s


def _lstsq_vjp(g: Sequence[Any], y: Any, a: Any, b: Any, rcond: Any) -> list[Any]:
    x, _rank, _s = results_of(y)
    by_x, _, by_s = g
    by_a = by_b = None
    if by_x is not None:
        by_x = conjugate(by_x)
        p = pinv(a, rcond, hermitian=False)
        pt = adjoint(p)
        by_b = matmul(pt, by_x)
        residual = b - matmul(a, x)
        outside = by_x - product(p, a, by_x)
        by_a = product(residual, adjoint(by_b), pt) - matmul(by_b, adjoint(x))
        by_a = by_a + product(pt, x, adjoint(outside))
    if by_s is not None:
        u, _, vh = results_of(svd(a, full=False))
        slope = matmul(u * as_row(by_s), vh)
        by_a = slope if by_a is None else by_a + slope
    by_b = None if by_b is None else conjugate(by_b)
    return [None if by_a is None else conjugate(by_a), by_b, None]


def _lstsq_jvp(tangents: Sequence[Any], y: Any, a: Any, b: Any, rcond: Any) -> list[Any]:
    x, _rank, _s = results_of(y)
    ta, tb, _ = tangents
    p = pinv(a, rcond, hermitian=False)
    if ta is None:
        return [matmul(p, tb), None, None]
    pt, at = adjoint(p), adjoint(ta)
    right = matmul(ta, x)
    residual = b - matmul(a, x)
    spread = product(at, pt, x)
    t_x = product(p, pt, at, residual) + spread - product(p, a, spread)
    t_x = t_x + matmul(p, -right if tb is None else tb - right)
    u, _, vh = results_of(svd(a, full=False))
    return [t_x, None, real_part(diagonal(product(adjoint(u), ta, adjoint(vh))))]


lstsq: Primitive = declared(
    "lstsq",
    batched(_gelsd, _lstsq_type, (2, 2, 0)),
    _lstsq_type,
    _lstsq_vjp,
    _lstsq_jvp,
    family="linalg",
    multiple=True,
    cores=(2, 2, 0),
    doc="Solution of least squares and of least size, a's rank and its singular values.",
)
