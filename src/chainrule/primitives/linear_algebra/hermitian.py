"""Symmetric matrices: eigenvalues and eigenvectors.

Where eigenvalues are equal, eigenvectors are any basis of what they span, and a smooth function is
one of the span, or a symmetric one of the eigenvalues. The convention: such a basis does not rotate
within itself, and complex vectors do not change their phases. A function of eigenvalues alone, or
of eigenvectors alone, has the right derivative then. One of both at once would need more than is
known (the derivative of v f(w) v^T holds f'), and a cotangent that depends on the basis has no
derivative: there the result is nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ...graph.types import Type
from ..complex_numbers import conjugate, real_part
from ..declare import declared
from ..elementwise import absolute, less_equal, where
from ..operators import swap_last
from ..products import matmul
from ..structure import sum_
from .matrices import (
    adjoint,
    antisymmetric,
    as_matrix,
    as_row,
    batched,
    check_square,
    diagonal,
    diagonal_matrix,
    differences,
    either,
    from_lower,
    host_linalg,
    nonzero,
    off_diagonal,
    product,
    quotients,
    results_of,
    to_lower,
)


def _eigh_type(a: Type, *, low: bool, driver: str | None) -> tuple[Type, Type]:
    check_square(a, "eigh")
    return Type(a.shape[:-1], np.finfo(a.dtype).dtype), a


def _eigh_kernel(a: Any, *, low: bool, driver: str | None) -> Any:
    return host_linalg.eigh(a, lower=low, driver=driver, check_finite=False)


_by_scipy = batched(_eigh_kernel, _eigh_type, (2,))


def _evaluate_eigh(xp: Any, a: Any, *, low: bool, driver: str | None) -> tuple[Any, Any]:
    if driver is None:
        return tuple(xp.linalg.eigh(a, "L" if low else "U"))
    return _by_scipy(xp, a, low=low, driver=driver)  # type: ignore[no-any-return]


def _to_triangle(s: Any, low: bool) -> Any:
    triangle = to_lower(s)
    return conjugate(triangle) if low else swap_last(triangle)


def _from_triangle(a: Any, low: bool) -> Any:
    return from_lower(a if low else adjoint(a))


def equal_within(gaps: Any, w: Any) -> Any:
    """Return which gaps between numbers w are 0 up to the rounding of their computation."""
    size = sum_(absolute(w), axes=(len(w.shape) - 1,)) * float(10 * np.finfo(w.dtype).eps)
    return less_equal(absolute(gaps), as_matrix(size))


def _eigh_vjp(g: Sequence[Any], y: Any, _a: Any, *, low: bool, driver: str | None) -> list[Any]:
    w, v = results_of(y)
    vh = adjoint(v)
    by_w, by_v = g
    if by_v is None:
        return [_to_triangle(matmul(v * as_row(by_w), vh), low)]
    gaps = differences(w)
    ambiguous = None if by_w is None else either(nonzero(by_w))
    wanted = matmul(vh, conjugate(by_v))
    inside = quotients(antisymmetric(wanted), gaps, equal_within(gaps, w), wanted, ambiguous)
    if by_w is not None:
        inside = inside + diagonal_matrix(by_w)
    return [_to_triangle(product(v, inside, vh), low)]


def _eigh_jvp(
    tangents: Sequence[Any],
    y: Any,
    _a: Any,
    *,
    needs_results: Sequence[bool],
    low: bool,
    driver: str | None,
) -> list[Any]:
    w, v = results_of(y)
    inside = product(adjoint(v), _from_triangle(tangents[0], low), v)
    t_w = real_part(diagonal(inside)) if needs_results[0] else None
    t_v = None
    if needs_results[1]:
        gaps = differences(w)
        strict = inside if all(needs_results) else None
        turning = rotation(off_diagonal(inside), gaps, equal_within(gaps, w), strict)
        t_v = matmul(v, turning)
    return [t_w, t_v]


def rotation(numerators: Any, gaps: Any, closed: Any, beside: Any) -> Any:
    """Return how fast basis vectors turn into each other; not within a closed gap.

    If it is ambiguous what reads them, `beside` says what the numerators were made of, and what
    would turn within a closed gap is nan.
    """
    if beside is not None:
        return quotients(numerators, gaps, closed, beside)
    dtype = numerators.dtype
    return where(closed, dtype.type(0), numerators / where(closed, dtype.type(1), gaps))


eigh: Primitive = declared(
    "eigh",
    _evaluate_eigh,
    _eigh_type,
    _eigh_vjp,
    _eigh_jvp,
    family="linalg",
    multiple=True,
    selective_jvp=True,
    cores=(2,),
    doc="Eigenvalues in rising order and orthonormal eigenvectors of a Hermitian matrix, of which "
    "only one triangle is read, and has the derivative. With a `driver`, SciPy computes it.",
)


def symmetric_eigen(a: Any, low: bool = True, driver: str | None = None) -> tuple[Any, Any]:
    """Return eigenvalues and eigenvectors of matrices of which one triangle is read."""
    w, v = results_of(eigh(a, low=low, driver=driver))
    return w, v
