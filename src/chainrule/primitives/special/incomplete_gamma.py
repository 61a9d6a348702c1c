"""The incomplete gamma functions, with their derivatives by both arguments, and their inverses.

By the shape a, d/da of the integral of t**(a-1) exp(-t) is that of the same with log(t). Written as
log(x) and log(t / x), and from the end that is the smaller, all terms have one sign, so nothing is
lost. The integrals of log(t / x)**k are primitives whose derivatives are of their own kind.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ..elementwise import bitwise_and, exp, less, less_equal, log, maximum, minimum, where
from .declaration import POSITIVE, UNIT, formula, special
from .double_exponential import half_line_integral, whole_power
from .entropies import xlogy
from .gamma_family import digamma, gammaln

_SERIES_TERMS = 18


def _lower_moment(_xp: Any, a: Any, x: Any, k: Any) -> Any:
    """Integrate (t/x)**a exp(x - t) log(x/t)**k dt/t from 0 to x, for x <= a; t is x exp(-v)."""
    dtype, shape = np.result_type(a, x, k), np.broadcast_shapes(*map(np.shape, (a, x, k)))
    with np.errstate(all="ignore"):
        length = np.where(np.less(x, 1.0), 1.0 / a, 1.0 / (a - x + np.sqrt(x)))
    return half_line_integral(
        lambda v: whole_power(v, k) * np.exp(-a * v - x * np.expm1(-v)), length, shape, dtype
    )


def _upper_moment(_xp: Any, a: Any, x: Any, k: Any) -> Any:
    """Integrate (t/x)**a exp(x - t) log(t/x)**k dt/t from x, for x >= a and 1; t is x exp(v)."""
    dtype, shape = np.result_type(a, x, k), np.broadcast_shapes(*map(np.shape, (a, x, k)))
    with np.errstate(all="ignore"):
        length = 1.0 / (x - a + np.sqrt(x))
    return half_line_integral(
        lambda v: whole_power(v, k) * np.exp(a * v - x * np.expm1(v)), length, shape, dtype
    )


lower_moment: Primitive = formula(
    "gammainc_moment",
    _lower_moment,
    lambda y, a, x, k: (
        lambda: -lower_moment(a, x, k + 1.0),
        lambda: y - lower_moment(a + 1.0, x, k),
        None,
    ),
    (2.0, 4.0),
    (0.1, 2.0),
    (0, 3),
)
upper_moment: Primitive = formula(
    "gammaincc_moment",
    _upper_moment,
    lambda y, a, x, k: (
        lambda: upper_moment(a, x, k + 1.0),
        lambda: y - upper_moment(a + 1.0, x, k),
        None,
    ),
    (0.1, 2.0),
    (3.1, 4.0),
    (0, 3),
)


def gamma_density(a: Any, x: Any) -> Any:
    """Return x**(a-1) exp(-x) / gamma(a)."""
    return exp(xlogy(a - 1.0, x) - x - gammaln(a))


def _series_by_shape(a: Any, x: Any) -> Any:
    """Return the derivative of the lower function by a, for a and x up to 1.

    P is x**a / gamma(a + 1) * (1 + a * sum((-x)**n / (n! (a + n)))).
    """
    total, slope = 1.0 + 0.0 * x, 0.0 * x
    for n in range(_SERIES_TERMS, 0, -1):  # the smallest first
        term = exp(float(n) * log(x)) * ((-1.0) ** n / factorial(n)) / (a + float(n))
        total = total + a * term
        slope = slope + term * (float(n) / (a + float(n)))
    weight = log(x) - digamma(a + 1.0)
    return exp(a * log(x) - gammaln(a + 1.0)) * (weight * total + slope)


def gammainc_slope_by_shape(a: Any, x: Any) -> Any:
    """Return the derivative of the lower function by a."""
    inside = bitwise_and(less(0.0, x), less(x, float("inf")))
    x = where(inside, x, a)
    small = bitwise_and(less_equal(x, 1.0), less_equal(a, 1.0))
    by_series = _series_by_shape(where(small, a, 1.0), where(small, x, 1.0))
    a, x = where(small, 2.0, a), where(small, 1.0, x)
    low, high = minimum(x, a), maximum(x, a)
    weight = log(x) - digamma(a)
    leading = exp(a * log(x) - x - gammaln(a))
    lower = gammainc(a, low) * weight - leading * lower_moment(a, low, 1.0)
    upper = gammaincc(a, high) * weight + leading * upper_moment(a, high, 1.0)
    by_moments = where(less_equal(x, a), lower, -upper)
    return where(inside, where(small, by_series, by_moments), 0.0)


gammainc: Primitive = special(
    "gammainc",
    lambda y, a, x: (lambda: gammainc_slope_by_shape(a, x), lambda: gamma_density(a, x)),
    POSITIVE,
    POSITIVE,
)
gammaincc: Primitive = special(
    "gammaincc",
    lambda y, a, x: (lambda: -gammainc_slope_by_shape(a, x), lambda: -gamma_density(a, x)),
    POSITIVE,
    POSITIVE,
)
gammaincinv: Primitive = special(
    "gammaincinv",
    lambda x, a, p: (
        lambda: -gammainc_slope_by_shape(a, x) / gamma_density(a, x),
        lambda: 1.0 / gamma_density(a, x),
    ),
    POSITIVE,
    UNIT,
)
gammainccinv: Primitive = special(
    "gammainccinv",
    lambda x, a, p: (
        lambda: -gammainc_slope_by_shape(a, x) / gamma_density(a, x),
        lambda: -1.0 / gamma_density(a, x),
    ),
    POSITIVE,
    UNIT,
)

# The distributions that these are: gamma, chi-squared, Poisson

gdtr: Primitive = special(
    "gdtr",
    lambda y, a, b, x: (
        lambda: x * gamma_density(b, a * x),
        lambda: gammainc_slope_by_shape(b, a * x),
        lambda: a * gamma_density(b, a * x),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
gdtrc: Primitive = special(
    "gdtrc",
    lambda y, a, b, x: (
        lambda: -x * gamma_density(b, a * x),
        lambda: -gammainc_slope_by_shape(b, a * x),
        lambda: -a * gamma_density(b, a * x),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
gdtrix: Primitive = special(
    "gdtrix",
    lambda x, a, b, p: (
        lambda: -x / a,
        lambda: -gammainc_slope_by_shape(b, a * x) / (a * gamma_density(b, a * x)),
        lambda: 1.0 / (a * gamma_density(b, a * x)),
    ),
    POSITIVE,
    POSITIVE,
    UNIT,
)
chdtr: Primitive = special(
    "chdtr",
    lambda y, v, x: (
        lambda: 0.5 * gammainc_slope_by_shape(0.5 * v, 0.5 * x),
        lambda: 0.5 * gamma_density(0.5 * v, 0.5 * x),
    ),
    POSITIVE,
    POSITIVE,
)
chdtrc: Primitive = special(
    "chdtrc",
    lambda y, v, x: (
        lambda: -0.5 * gammainc_slope_by_shape(0.5 * v, 0.5 * x),
        lambda: -0.5 * gamma_density(0.5 * v, 0.5 * x),
    ),
    POSITIVE,
    POSITIVE,
)
chdtri: Primitive = special(
    "chdtri",
    lambda x, v, p: (
        lambda: -gammainc_slope_by_shape(0.5 * v, 0.5 * x) / gamma_density(0.5 * v, 0.5 * x),
        lambda: -2.0 / gamma_density(0.5 * v, 0.5 * x),
    ),
    POSITIVE,
    UNIT,
)
