"""Triangular matrices: to solve with them, and Cholesky's factorization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type
from ..complex_numbers import conjugate
from ..declare import declared, unbroadcast
from ..operators import swap_last
from ..products import matmul
from .matrices import (
    adjoint,
    batch_shape,
    batched,
    check_matrix,
    check_square,
    for_dtype,
    from_lower,
    half_lower,
    lower,
    solved_batch,
    to_lower,
    upper,
)


def solve_type(name: str, a: Type, b: Type) -> Type:
    """Return the type of the solution of a x = b; both have two axes or more."""
    check_square(a, name)
    check_matrix(b, name)
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(at_user_line(f"{name}: shapes {a.shape} and {b.shape} do not fit"))
    return Type((*batch_shape(name, a.shape, b.shape), *b.shape[-2:]), b.dtype)


def _triangular_type(a: Type, b: Type, *, low: bool, trans: bool, unit: bool) -> Type:
    return solve_type("solve_triangular", a, b)


def _trtrs(a: Any, b: Any, *, low: bool, trans: bool, unit: bool) -> Any:
    x, info = for_dtype("trtrs", a)(a, b, lower=low, trans=trans, unitdiag=unit)
    if info > 0:
        raise np.linalg.LinAlgError(
            f"singular matrix: resolution failed at diagonal {int(info) - 1}"
        )
    return x


def triangle(x: Any, low: bool, unit: bool) -> Any:
    """Return the triangle that is read."""
    return lower(x, -1 if unit else 0) if low else upper(x, 1 if unit else 0)


def _triangular_vjp(
    g: Any, x: Any, a: Any, b: Any, *, low: bool, trans: bool, unit: bool,
    needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    by_b = triangular_solve(a, g, low=low, trans=not trans, unit=unit)
    by_a = None
    if needs_input_grad[0]:
        outer = matmul(x, swap_last(by_b)) if trans else matmul(by_b, swap_last(x))
        by_a = unbroadcast(triangle(-outer, low, unit), a)
    return [by_a, unbroadcast(by_b, b) if needs_input_grad[1] else None]


def _triangular_jvp(
    tangents: Sequence[Any], x: Any, a: Any, b: Any, *, low: bool, trans: bool, unit: bool
) -> Any:
    ta, tb = tangents
    right = tb
    if ta is not None:
        ta = triangle(ta, low, unit)
        change = matmul(swap_last(ta) if trans else ta, x)
        right = -change if tb is None else tb - change
    return triangular_solve(a, right, low=low, trans=trans, unit=unit)


def _triangular_batch(size: int, batched: Sequence[bool], a: Any, b: Any, **params: Any) -> Any:
    return solved_batch(size, batched, (a, b), lambda *x: triangular_solve(*x, **params), (2, 2))


triangular_solve: Primitive = declared(
    "triangular_solve",
    batched(_trtrs, _triangular_type, (2, 2)),
    _triangular_type,
    _triangular_vjp,
    _triangular_jvp,
    family="linalg",
    selective_vjp=True,
    batch=_triangular_batch,
    doc="x of a x = b for the lower or upper triangle of a, or its transpose.",
)


def solve_right(a: Any, b: Any, *, low: bool, trans: bool = False) -> Any:
    """Return b a^-1, for a triangle of a (or its transpose)."""
    return swap_last(triangular_solve(a, swap_last(b), low=low, trans=not trans, unit=False))


def _cholesky_type(a: Type) -> Type:
    check_square(a, "cholesky")
    return a


def _cholesky_vjp(g: Any, c: Any, _a: Any) -> list[Any]:
    """With S = L L^H: dL = L half(L^-1 dS L^-H), half() the lower triangle with half a diagonal."""
    inside = half_lower(matmul(adjoint(c), lower(conjugate(g))))
    inside = conjugate(inside)
    left = conjugate(triangular_solve(c, inside, low=True, trans=True, unit=False))
    by_s = solve_right(c, left, low=True)
    return [conjugate(to_lower(by_s))]


def _cholesky_jvp(tangents: Sequence[Any], c: Any, _a: Any) -> Any:
    left = triangular_solve(c, from_lower(tangents[0]), low=True, trans=False, unit=False)
    inside = adjoint(triangular_solve(c, adjoint(left), low=True, trans=False, unit=False))
    return matmul(c, half_lower(inside))


cholesky: Primitive = declared(
    "cholesky",
    lambda xp, a: xp.linalg.cholesky(a),
    _cholesky_type,
    _cholesky_vjp,
    _cholesky_jvp,
    family="linalg",
    cores=(2,),
    doc="The lower factor L of L L^H = A. Only the lower triangle of A is read, and has the "
    "derivative.",
)
