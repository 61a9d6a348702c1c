"""Factorials, binomial coefficients and other functions that SciPy composes of its ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from ...graph.node import Node, apply, constant
from ...primitives import elementwise as ew
from ...primitives.complex_numbers import complex_
from ...primitives.special import lambert, polynomials, zeta
from ...trace.interception import intercepts
from ...trace.operands import node_of, nodes_of
from ...trace.tracer import ArrayTracer, Tracer, traced
from ...trace.ufunc_rules import as_dtype, floating
from ..arrays import asarray, known, refuse
from .ufuncs import arguments_of

_DOUBLE = np.dtype(float)


def _masked(condition: Node, value: Any) -> Tracer:
    """Return the value where the condition holds, else 0."""
    return traced(ew.where(condition, value.node, value.dtype.type(0)))


def _all(*conditions: Any) -> Node:
    result = conditions[0]
    for each in conditions[1:]:
        result = ew.bitwise_and(result, each)
    return result  # type: ignore[no-any-return]


@intercepts("scipy.special", "factorial")
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    if exact or extend != "zero":
        refuse("scipy.special.factorial", "exact=True and extend='complex' are not supported")
    x = floating(node_of(asarray(n)))
    value = scipy.special.gamma(traced(ew.add(ew.where(ew.less(x, 0.0), 0.0, x), 1.0)))
    result = _masked(ew.invert(ew.less(x, 0.0)), value)
    return ArrayTracer(result.node) if isinstance(n, ArrayTracer) else result


def _choices(n: Any, k: Any) -> Node:
    n, k = nodes_of(n, k)
    return _all(ew.less_equal(k, n), ew.less_equal(0, n), ew.less_equal(0, k))


@intercepts("scipy.special", "comb")
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    if exact:
        refuse("scipy.special.comb", "exact=True is not supported")
    N, k = asarray(N), asarray(k)
    if not repetition:
        return _masked(_choices(N, k), scipy.special.binom(N, k))
    n, size = nodes_of(N, k)
    one = _all(ew.equal(size, 0), ew.less_equal(0, n))
    value = scipy.special.binom(N + k - 1, k)
    return traced(ew.where(one, value.dtype.type(1), value.node))


@intercepts("scipy.special", "perm")
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    if exact:
        refuse("scipy.special.perm", "exact=True is not supported")
    N, k = asarray(N), asarray(k)
    return _masked(_choices(N, k), scipy.special.poch(N - k + 1, k))


@intercepts("scipy.special", "multigammaln")
def multigammaln(a: Any, d: Any) -> Any:
    if isinstance(d, Tracer) or np.floor(d) != d or np.ndim(d):
        raise ValueError("d should be a positive integer (dimension)")
    value = known(a)
    if value is not None and np.any(value <= 0.5 * (d - 1)):
        raise ValueError(f"condition a ({value}) > 0.5 * (d-1) ({0.5 * (d - 1)}) not met")
    total: Any = d * (d - 1) * 0.25 * np.log(np.pi)
    for j in range(int(d)):
        total = total + scipy.special.loggamma(a - j / 2)
    return total


@intercepts("scipy.special", "polygamma")
def polygamma(n: Any, x: Any) -> Any:
    order = n.node if isinstance(n, Tracer) else constant(np.asarray(n))
    return ArrayTracer(apply(zeta.polygamma, (order, floating(node_of(asarray(x)))), {}))


@intercepts("scipy.special", "zeta")
def riemann_or_hurwitz_zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    if out is not None:
        refuse("scipy.special.zeta", "out= is not supported")
    if q is None:
        return traced(zeta.riemann_zeta(*arguments_of(scipy.special.zetac, (x,))))
    return traced(zeta.zeta(*arguments_of(scipy.special.poch, (x, q))))


@intercepts("scipy.special", "diric")
def diric(x: Any, n: Any) -> Any:
    """Return sin(n x/2) / (n sin(x/2)); near its poles as a polynomial of cos(x/2)."""
    x, n = nodes_of(asarray(x), asarray(n))
    x, n = floating(x), floating(n)
    valid = _all(ew.less(0.0, n), ew.equal(ew.floor(n), n))
    n = ew.where(valid, n, 1.0)
    sine = ew.sin(0.5 * x)
    near = ew.less(ew.absolute(sine), 1e-2)
    smooth = polynomials.chebyu(ew.sub(as_dtype(n, np.dtype(np.int64)), 1), ew.cos(0.5 * x))
    quotient = ew.sin(0.5 * n * x) / ew.where(near, 1.0, sine)
    value = ew.where(near, as_dtype(smooth, quotient.dtype), quotient) / n
    return ArrayTracer(ew.where(valid, value, np.nan))


@intercepts("scipy.special", "lambertw")
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    if isinstance(tol, Tracer) or tol != 1e-8:
        refuse("scipy.special.lambertw", "tol= is not supported")
    x = as_dtype(node_of(asarray(z)), _DOUBLE)
    branch = node_of(asarray(k)) if isinstance(k, Tracer) else constant(np.asarray(k, np.int64)[()])
    parts = [apply(p, (branch, x), {}) for p in (lambert.lambertw_real, lambert.lambertw_imag)]
    return traced(complex_(*parts))


@intercepts("scipy.special", "assoc_laguerre")
def assoc_laguerre(x: Any, n: Any, k: Any = 0.0) -> Any:
    return scipy.special.eval_genlaguerre(n, k, x)
