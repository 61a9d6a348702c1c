"""Equations for matrices: Sylvester's and Riccati's, and banded systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import ShapeError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type
from ..declare import declared, spread
from ..operators import swap_last
from ..products import matmul
from .lu import inverse, solve
from .matrices import batched, check_square, host_linalg, identity_like, product


def _sylvester_type(a: Type, b: Type, q: Type) -> Type:
    check_square(a, "solve_sylvester")
    check_square(b, "solve_sylvester")
    if q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ShapeError(
            at_user_line(f"solve_sylvester: shapes {a.shape}, {b.shape} and {q.shape} do not fit")
        )
    return q


def _sylvester_kernel(a: Any, b: Any, q: Any) -> Any:
    return host_linalg.solve_sylvester(a, b, q)


def _sylvester_vjp(g: Any, x: Any, a: Any, b: Any, _q: Any) -> list[Any]:
    by_q = sylvester(swap_last(a), swap_last(b), g)
    return [-matmul(by_q, swap_last(x)), -matmul(swap_last(x), by_q), by_q]


def _sylvester_jvp(tangents: Sequence[Any], x: Any, a: Any, b: Any, _q: Any) -> Any:
    ta, tb, right = tangents
    for change in (
        None if ta is None else matmul(ta, x),
        None if tb is None else matmul(x, tb),
    ):
        if change is not None:
            right = -change if right is None else right - change
    return sylvester(a, b, right)


sylvester: Primitive = declared(
    "sylvester",
    batched(_sylvester_kernel, _sylvester_type, (2, 2, 2)),
    _sylvester_type,
    _sylvester_vjp,
    _sylvester_jvp,
    family="linalg",
    batch=lambda size, batched, *x: sylvester(*spread(size, batched, x)),
    doc="x of a x + x b = q; all have the same leading axes.",
)


def stein(a: Any, q: Any) -> Any:
    """Return x of a x a^T - x + q = 0, by a bilinear map to Sylvester's equation."""
    one = identity_like(a)
    at = swap_last(a)
    beyond = inverse(at + one)
    b = matmul(at - one, beyond)
    c = 2.0 * product(solve(a + one, q), beyond)
    return sylvester(swap_last(b), b, -c)


def _riccati_type(a: Type, *_others: Type, discrete: bool, balanced: bool, options: str) -> Type:
    return a


def _riccati_solution(_xp: Any, *inputs: Any, **params: Any) -> Any:
    return batched(_solve_riccati, _riccati_type, (2,) * len(inputs))(_xp, *inputs, **params)


def _solve_riccati(*inputs: Any, discrete: bool, balanced: bool, options: str) -> Any:
    """Call SciPy; `options` names the inputs after the first four, "e" and "s"."""
    solver = host_linalg.solve_discrete_are if discrete else host_linalg.solve_continuous_are
    named = dict(zip(options, inputs[4:], strict=True))
    return solver(*inputs[:4], balanced=balanced, **named)


riccati_solution: Primitive = declared(
    "riccati_solution",
    _riccati_solution,
    _riccati_type,
    family="linalg",
    batch=lambda size, batched, *x, **params: riccati_solution(*spread(size, batched, x), **params),
    doc="SciPy's solution of an algebraic Riccati equation, as a number: see `riccati`.",
)


def _regulated(x: Any, a: Any, g: Any, discrete: bool) -> Any:
    """Return the matrix of the closed loop."""
    if discrete:
        return solve(identity_like(a) + matmul(g, x), a)
    return a - matmul(g, x)


def _riccati_vjp(
    cotangent: Any, x: Any, _solution: Any, a: Any, g: Any, _q: Any, *, discrete: bool
) -> list[Any]:
    loop = _regulated(x, a, g, discrete)
    if discrete:
        by_q = stein(loop, cotangent)
        near = matmul(x, loop)
    else:
        by_q = sylvester(loop, swap_last(loop), -cotangent)
        near = x
    by_a = matmul(near, by_q + swap_last(by_q))
    return [None, by_a, -product(near, by_q, swap_last(near)), by_q]


def _riccati_jvp(
    tangents: Sequence[Any], x: Any, _solution: Any, a: Any, g: Any, _q: Any, *, discrete: bool
) -> Any:
    _, ta, tg, right = tangents
    loop = _regulated(x, a, g, discrete)
    near = matmul(x, loop) if discrete else x
    if ta is not None:
        change = matmul(swap_last(ta), near)
        change = change + swap_last(change)
        right = change if right is None else right + change
    if tg is not None:
        change = product(swap_last(near), tg, near)
        right = -change if right is None else right - change
    if right is None:
        return None
    if discrete:
        return stein(swap_last(loop), right)
    return sylvester(swap_last(loop), loop, -right)


riccati: Primitive = declared(
    "riccati",
    lambda xp, solution, a, g, q, *, discrete: solution,
    lambda solution, a, g, q, *, discrete: solution,
    _riccati_vjp,
    _riccati_jvp,
    family="linalg",
    batch=lambda size, batched, *x, discrete: riccati(*spread(size, batched, x), discrete=discrete),
    doc="The solution x of a^T x + x a - x g x + q = 0, or of x = a^T x (1 + g x)^-1 a + q, with "
    "the derivatives of a function of a, g and q, the latter symmetric.",
)
