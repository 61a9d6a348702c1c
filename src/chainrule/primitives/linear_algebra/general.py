"""Eigenvalues and eigenvectors of matrices that need not be symmetric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ...graph.types import Type, is_complex
from ..complex_numbers import complex_, conjugate, imaginary_part, real_part
from ..declare import declared
from ..elementwise import absolute, equal, where
from ..operators import swap_last
from ..products import matmul
from ..reductions import argmax
from ..structure import stop_gradient, sum_, zeros_like
from .hermitian import equal_within, rotation
from .lu import solve
from .matrices import (
    as_row,
    check_square,
    diagonal,
    diagonal_matrix,
    differences,
    either,
    nonzero,
    off_diagonal,
    quotients,
    results_of,
)


def _eig_type(a: Type) -> tuple[Type, Type]:
    check_square(a, "eig")
    dtype = np.result_type(a.dtype, np.complex64)
    return Type(a.shape[:-1], dtype), Type(a.shape, dtype)


def _evaluate_eig(xp: Any, a: Any) -> tuple[Any, Any]:
    dtype = np.result_type(a.dtype, np.complex64)
    w, v = xp.linalg.eig(a)
    return w.astype(dtype), v.astype(dtype)


def _largest_entries(v: Any) -> Any:
    """Return 1 / v where an entry is its column's largest, which LAPACK makes real, else 0."""
    n = v.shape[-1]
    if n == 0:
        return real_part(v)
    size = where(nonzero(imaginary_part(v)), real_part(v).dtype.type(-1), absolute(v))
    first = argmax(stop_gradient(size), axis=len(v.shape) - 2)
    chosen = equal(as_row(first), np.arange(n)[:, None])
    zero, one = size.dtype.type(0), size.dtype.type(1)
    return where(chosen, one / where(chosen, real_part(v), one), zero)


def _eig_vjp(g: Sequence[Any], y: Any, a: Any) -> list[Any]:
    """With M = V^-1 dA V and U = V F M, F = 1 / (w_j - w_i): dw = diag(M), dv_j = u_j + c_j v_j.

    The numbers c_j are such that columns remain of length 1, and their largest entries real.
    """
    w, v = results_of(y)
    by_w, by_v = g
    vt = swap_last(v)
    inside = None if by_w is None else diagonal_matrix(by_w)
    if by_v is not None:
        scale = as_row(sum_(by_v * v, axes=(len(v.shape) - 2,)))
        upright = _largest_entries(v) * imaginary_part(scale)
        by_u = by_v - conjugate(v) * real_part(scale) - complex_(zeros_like(upright), upright)
        wanted = matmul(vt, by_u)
        gaps = differences(w)
        ambiguous = None if by_w is None else either(nonzero(by_w))
        beside = absolute(wanted) + as_row(absolute(diagonal(wanted)))
        closed = equal_within(gaps, w)
        turning = quotients(off_diagonal(wanted), gaps, closed, beside, ambiguous)
        inside = turning if inside is None else inside + turning
    by_a = solve(vt, matmul(inside, vt))
    return [by_a if is_complex(a.dtype) else real_part(by_a)]


def _eig_jvp(
    tangents: Sequence[Any], y: Any, _a: Any, *, needs_results: Sequence[bool]
) -> list[Any]:
    w, v = results_of(y)
    inside = solve(v, matmul(tangents[0], v))
    t_w = diagonal(inside) if needs_results[0] else None
    if not needs_results[1]:
        return [t_w, None]
    gaps = differences(w)
    strict = inside if all(needs_results) else None
    turning = rotation(off_diagonal(inside), gaps, equal_within(gaps, w), strict)
    u = matmul(v, turning)
    axes = (len(v.shape) - 2,)
    longer = sum_(real_part(conjugate(v) * u), axes=axes)
    rotated_by = sum_(_largest_entries(v) * imaginary_part(u), axes=axes)
    return [t_w, u - v * as_row(complex_(longer, rotated_by))]


eig: Primitive = declared(
    "eig",
    _evaluate_eig,
    _eig_type,
    _eig_vjp,
    _eig_jvp,
    family="linalg",
    multiple=True,
    selective_jvp=True,
    cores=(2,),
    doc="Eigenvalues and eigenvectors of any matrix, as complex numbers; the vectors have length 1 "
    "and their largest entries are real.",
)
