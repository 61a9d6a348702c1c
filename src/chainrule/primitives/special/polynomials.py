"""Orthogonal polynomials by their argument: the slope is one of a degree less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ..elementwise import less, maximum, sin, where
from .declaration import ANYWHERE, UNIT, formula, refused, scipy_special, special
from .gamma_family import binom

_SYMMETRIC = (-0.9, 0.9)
_PARAMETER = (0.6, 2.0)


def _with_slope_below(slope: Callable[..., Any], n: Any, *rest: Any) -> Any:
    """Return ``slope(n, n - 1, ...)``, 0 for n = 0, and nan for n < 0, where SciPy has values."""
    some = less(0, n)
    degree = where(some, n, 1)
    below_zero = where(less(n, 0), float("nan"), 0.0)
    return where(some, slope(degree, degree - 1, *rest), below_zero)


def _polynomial(
    name: str, slope: Callable[..., Any], *parameters: str, x: tuple[float, float] = _SYMMETRIC
) -> Primitive:
    """Declare a polynomial of degree n in x, with parameters in between."""

    def partials(y: Any, n: Any, *rest: Any) -> Any:
        others = [refused(name, f"its parameter {each}") for each in ("n", *parameters)]
        return (*others, lambda: _with_slope_below(slope, n, *rest))

    return special(name, partials, (0, 5), *[_PARAMETER] * len(parameters), x)


jacobi: Primitive = _polynomial(
    "eval_jacobi",
    lambda n, m, a, b, x: 0.5 * (n + a + b + 1.0) * jacobi(m, a + 1.0, b + 1.0, x),
    "alpha",
    "beta",
)
gegenbauer: Primitive = _polynomial(
    "eval_gegenbauer", lambda n, m, a, x: 2.0 * a * gegenbauer(m, a + 1.0, x), "alpha"
)
legendre: Primitive = _polynomial(
    "eval_legendre", lambda n, m, x: 0.5 * (n + 1.0) * jacobi(m, 1.0, 1.0, x)
)
chebyu: Primitive = _polynomial("eval_chebyu", lambda n, m, x: 2.0 * gegenbauer(m, 2.0, x))
chebyt: Primitive = _polynomial("eval_chebyt", lambda n, m, x: n * chebyu(m, x) * 1.0)
chebys: Primitive = _polynomial(
    "eval_chebys", lambda n, m, x: gegenbauer(m, 2.0, 0.5 * x), x=(-1.9, 1.9)
)
chebyc: Primitive = _polynomial(
    "eval_chebyc", lambda n, m, x: n * chebys(m, x) * 1.0, x=(-1.9, 1.9)
)
sh_legendre: Primitive = _polynomial(
    "eval_sh_legendre", lambda n, m, x: (n + 1.0) * jacobi(m, 1.0, 1.0, 2.0 * x - 1.0), x=UNIT
)
sh_chebyu: Primitive = _polynomial(
    "eval_sh_chebyu", lambda n, m, x: 4.0 * gegenbauer(m, 2.0, 2.0 * x - 1.0), x=UNIT
)
sh_chebyt: Primitive = _polynomial(
    "eval_sh_chebyt", lambda n, m, x: 2.0 * n * sh_chebyu(m, x), x=UNIT
)
genlaguerre: Primitive = _polynomial(
    "eval_genlaguerre", lambda n, m, a, x: -genlaguerre(m, a + 1.0, x), "alpha", x=ANYWHERE
)
laguerre: Primitive = _polynomial(
    "eval_laguerre", lambda n, m, x: -genlaguerre(m, 1.0, x), x=ANYWHERE
)
hermite: Primitive = _polynomial(
    "eval_hermite", lambda n, m, x: 2.0 * n * hermite(m, x), x=ANYWHERE
)
hermitenorm: Primitive = _polynomial(
    "eval_hermitenorm", lambda n, m, x: 1.0 * n * hermitenorm(m, x), x=ANYWHERE
)


def _sh_jacobi_slope(n: Any, m: Any, p: Any, q: Any, x: Any) -> Any:
    """Return (n + p) times the Jacobi polynomial of one degree less, over its leading factor."""
    scale = binom(2.0 * n + p - 1.0, n * 1.0)
    return (n + p) * jacobi(m, p - q + 1.0, q, 2.0 * x - 1.0) / scale


sh_jacobi: Primitive = _polynomial("eval_sh_jacobi", _sh_jacobi_slope, "p", "q", x=UNIT)


def _lpmv_slope(y: Any, m: Any, v: Any, x: Any) -> Any:
    below = maximum(v - 1.0, -1.0 * m)  # where the order is -v the factor is 0, and lpmv nan
    return (v * x * y - (v + m) * lpmv(m, below, x)) / (x * x - 1.0)


lpmv: Primitive = special(
    "lpmv",
    lambda y, m, v, x: (
        refused("lpmv", "its order m"),
        refused("lpmv", "its degree v"),
        lambda: _lpmv_slope(y, m, v, x),
    ),
    (0, 2),
    (2, 5),
    _SYMMETRIC,
)


def _angle_slope(m: Any, v: Any, theta: Any) -> Any:
    below = lpmv_of_angle(maximum(m - 1.0, -v), v, theta)  # beyond -v its factor is 0
    above = lpmv_of_angle(m + 1.0, v, theta)
    sign = where(less(sin(theta), 0.0), -0.5, 0.5)  # the function is even
    return sign * (above - (v + m) * (v - m + 1.0) * below)


lpmv_of_angle: Primitive = formula(
    "lpmv_of_angle",
    lambda _xp, m, v, theta: scipy_special.lpmv(m, v, np.cos(theta)),
    lambda y, m, v, theta: (
        refused("lpmv", "its order m"),
        refused("lpmv", "its degree v"),
        lambda: _angle_slope(m, v, theta),
    ),
    (0, 2),
    (2, 5),
    (0.1, 3.0),
)
