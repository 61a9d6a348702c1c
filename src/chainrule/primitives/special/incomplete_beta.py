"""The incomplete beta function, with its derivatives by all arguments, and its inverse.

By the shapes as in `incomplete_gamma`: log(t) is log(x) and log(t / x), log(1 - t) likewise, and
seen from the end that is the smaller all terms have one sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.node import Primitive
from ..elementwise import bitwise_and, exp, less, less_equal, log, log1p, maximum, where
from .declaration import POSITIVE, UNIT, formula, special
from .double_exponential import half_line_integral, whole_power
from .entropies import xlog1py, xlogy
from .gamma_family import betaln, digamma


def _moment(_xp: Any, a: Any, b: Any, x: Any, j: Any, k: Any) -> Any:
    """Integrate r**a s**b log(1/r)**j log(s)**k dt / (t (1 - t)) from 0 to x <= a / (a + b).

    With r = t / x, which is exp(-v), and s = (1 - t) / (1 - x).
    """
    inputs = (a, b, x, j, k)
    dtype, shape = np.result_type(*inputs), np.broadcast_shapes(*map(np.shape, inputs))
    with np.errstate(all="ignore"):
        odds = x / (1.0 - x)
        curvature = b * odds / (1.0 - x)
        length = np.where(curvature < 1.0, 1.0 / a, 1.0 / (a - b * odds + np.sqrt(curvature)))

    def integrand(v: Any) -> Any:
        size = np.log1p(-odds * np.expm1(-v))
        logarithms = whole_power(v, j) if np.ndim(k) == 0 and k == 0 else v**j * size**k
        return logarithms * np.exp(b * size - a * v) / (1.0 - x * np.exp(-v))

    return half_line_integral(integrand, length, shape, dtype)


def _moment_by_x(y: Any, a: Any, b: Any, x: Any, j: Any, k: Any) -> Any:
    at_end = where(less(j + k, 0.5), 1.0 / (x * (1.0 - x)), 0.0)
    by_r = j / x * moment(a, b, x, maximum(j - 1.0, 0.0), k)
    by_s = k / (1.0 - x) * moment(a, b, x, j, maximum(k - 1.0, 0.0))
    return (b / (1.0 - x) - a / x) * y + by_r + by_s + at_end


moment: Primitive = formula(
    "betainc_moment",
    _moment,
    lambda y, a, b, x, j, k: (
        lambda: -moment(a, b, x, j + 1.0, k),
        lambda: moment(a, b, x, j, k + 1.0),
        lambda: _moment_by_x(y, a, b, x, j, k),
        None,
        None,
    ),
    (2.0, 4.0),
    (0.5, 2.0),
    (0.1, 0.4),
    (0, 2),
    (0, 2),
)


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """Return x**(a-1) (1-x)**(b-1) / beta(a, b)."""
    return exp(xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b))


def betainc_shape_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """Return the derivatives of ``betainc(a, b, x)`` by a and by b."""
    inside = bitwise_and(less(0.0, x), less(x, 1.0))
    x = where(inside, x, a / (a + b))
    near = less_equal(x * (a + b), a)
    # p, q, z: the shapes and the argument as seen from the nearer end
    p, q, z = where(near, a, b), where(near, b, a), where(near, x, 1.0 - x)
    tail = where(near, betainc(a, b, x), betaincc(a, b, x))
    leading = exp(p * log(z) + q * log1p(-z) - betaln(p, q))
    both = digamma(p + q)
    by_p = tail * (log(z) - digamma(p) + both) - leading * moment(p, q, z, 1.0, 0.0)
    by_q = tail * (log1p(-z) - digamma(q) + both) + leading * moment(p, q, z, 0.0, 1.0)
    by_a, by_b = where(near, by_p, -by_q), where(near, by_q, -by_p)
    return where(inside, by_a, 0.0), where(inside, by_b, 0.0)


betainc: Primitive = special(
    "betainc",
    lambda y, a, b, x: (
        lambda: betainc_shape_slopes(a, b, x)[0],
        lambda: betainc_shape_slopes(a, b, x)[1],
        lambda: beta_density(a, b, x),
    ),
    POSITIVE,
    POSITIVE,
    UNIT,
)
betaincc: Primitive = special(
    "betaincc",
    lambda y, a, b, x: (
        lambda: -betainc_shape_slopes(a, b, x)[0],
        lambda: -betainc_shape_slopes(a, b, x)[1],
        lambda: -beta_density(a, b, x),
    ),
    POSITIVE,
    POSITIVE,
    UNIT,
)
betaincinv: Primitive = special(
    "betaincinv",
    lambda x, a, b, p: (
        lambda: -betainc_shape_slopes(a, b, x)[0] / beta_density(a, b, x),
        lambda: -betainc_shape_slopes(a, b, x)[1] / beta_density(a, b, x),
        lambda: 1.0 / beta_density(a, b, x),
    ),
    POSITIVE,
    POSITIVE,
    UNIT,
)
betainccinv: Primitive = special(
    "betainccinv",
    lambda x, a, b, p: (
        lambda: -betainc_shape_slopes(a, b, x)[0] / beta_density(a, b, x),
        lambda: -betainc_shape_slopes(a, b, x)[1] / beta_density(a, b, x),
        lambda: -1.0 / beta_density(a, b, x),
    ),
    POSITIVE,
    POSITIVE,
    UNIT,
)
