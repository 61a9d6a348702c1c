"""Equations for matrices in `scipy.linalg`: Sylvester's, Lyapunov's, Riccati's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.node import Node
from ...primitives.linear_algebra import equations, lu
from ...primitives.linear_algebra.matrices import batch_shape, product, spread_batch
from ...primitives.operators import swap_last
from ...primitives.structure import reshape, stop_gradient
from ...trace.interception import intercepts
from ...trace.linalg_operands import result
from ..arrays import refuse
from .operands import arrays_of, complex_too


def _square_equation(name: str, a: Any, q: Any) -> tuple[Node, Node, Any]:
    (x, y), dtype = arrays_of(True, a, q)
    if len(x.shape) < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(at_user_line(f"Matrix a must be square, not of shape {x.shape}."))
    if y.shape[-2:] != x.shape[-2:]:
        raise ValueError(at_user_line("Matrix a and q should have the same shape."))
    batch = batch_shape(name, x.shape, y.shape)
    return spread_batch(x, batch), spread_batch(y, batch), dtype


@intercepts("scipy.linalg", "solve_sylvester")
def _solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    nodes, dtype = arrays_of(True, a, b, q)
    batch = batch_shape("solve_sylvester", *[x.shape for x in nodes])
    return result(equations.sylvester(*[spread_batch(x, batch) for x in nodes]), dtype)


@intercepts("scipy.linalg", "solve_continuous_lyapunov", "solve_lyapunov")
def _solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    x, y, dtype = _square_equation("solve_continuous_lyapunov", a, q)
    return result(equations.sylvester(x, swap_last(x), y), dtype)


@intercepts("scipy.linalg", "solve_discrete_lyapunov")
def _solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    x, y, dtype = _square_equation("solve_discrete_lyapunov", a, q)
    n = x.shape[-1]
    kind = ("bilinear" if n >= 10 else "direct") if method is None else method.lower()
    if kind == "bilinear":
        return result(equations.stein(x, y), dtype)
    if kind != "direct":
        raise ValueError(at_user_line(f"Unknown solver {kind}"))
    batch = x.shape[:-2]
    left = reshape(x, shape=(*batch, n, 1, n, 1))
    right = reshape(x, shape=(*batch, 1, n, 1, n))
    both = np.eye(n * n) - reshape(left * right, shape=(*batch, n * n, n * n))
    flat = lu.solve(both, reshape(y, shape=(*batch, n * n, 1)))
    return result(reshape(flat, shape=y.shape), dtype)


def _riccati(name: str, discrete: bool, inputs: tuple[Any, ...], e: Any, s: Any,
             balanced: bool) -> Any:  # fmt: skip
    """Reduce the equation to one of a^T x + x a - x g x + q = 0, and its discrete kin."""
    if e is not None and balanced:  # SciPy 1.17.1: residuals of 1, or an error
        refuse(f"scipy.linalg.{name}", "SciPy's solution for e= does not solve the equation "
               "unless e is diagonal: pass balanced=False")  # fmt: skip
    more = {key: value for key, value in (("e", e), ("s", s)) if value is not None}
    nodes, dtype = arrays_of(True, *inputs, *more.values())
    if any(len(x.shape) != 2 for x in nodes):
        refuse(f"scipy.linalg.{name}", "stacks of matrices are not supported: use a loop")
    solution = equations.riccati_solution(
        *[stop_gradient(x) for x in nodes], discrete=discrete, balanced=bool(balanced),
        options="".join(more),
    )  # fmt: skip
    a, b, q, r = nodes[:4]
    named = dict(zip(more, nodes[4:], strict=True))
    if "s" in named:
        cross = lu.solve(r, swap_last(named["s"]))
        a = a - product(b, cross)
        q = q - product(named["s"], cross)
    g = product(b, lu.solve(r, swap_last(b)))
    if "e" in named:
        mass = named["e"]
        a = swap_last(lu.solve(swap_last(mass), swap_last(a)))  # a e^-1
        q = lu.solve(mass, q, trans=True)
        q = swap_last(lu.solve(mass, swap_last(q), trans=True))
    return result(equations.riccati(solution, a, g, q, discrete=discrete), dtype)


@intercepts("scipy.linalg", "solve_continuous_are")
def _solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None,
                          balanced: bool = True) -> Any:  # fmt: skip
    return _riccati("solve_continuous_are", False, (a, b, q, r), e, s, balanced)


@intercepts("scipy.linalg", "solve_discrete_are")
def _solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None,
                        balanced: bool = True) -> Any:  # fmt: skip
    return _riccati("solve_discrete_are", True, (a, b, q, r), e, s, balanced)


complex_too("solve_sylvester")
