"""The distribution functions of SciPy: Student's, Fisher's, binomial, Poisson and others."""

from __future__ import annotations

from typing import Any

from ...graph.node import Primitive
from ..elementwise import equal, exp, floor, less, log, log1p, minimum, power, where
from .bessel import ive
from .declaration import ANYWHERE, POSITIVE, UNIT, refused, special
from .entropies import xlog1py, xlogy
from .gamma_family import betaln, digamma, gammaln
from .incomplete_beta import beta_density, betainc_shape_slopes

_COUNT = (0.0, 3.5)
_TRIALS = (4, 8)

# Student's t


def student_density(df: Any, t: Any) -> Any:
    """Return the density of Student's distribution."""
    power_of_kernel = -0.5 * (df + 1.0) * log1p(t * t / df)
    return exp(power_of_kernel - 0.5 * log(df) - betaln(0.5 * df, 0.5 + 0.0 * df))


def _student_by_df_near_zero(df: Any, t: Any) -> Any:
    """Return the same for small t, by three terms of the integral of the density by t."""
    half = 0.5 * df
    size = student_density(df, 0.0 * t)
    growth = 0.5 * (digamma(half + 0.5) - digamma(half)) - 0.5 / df
    square = t * t / df
    second, third = (df + 1.0) / 6.0, (df + 1.0) * (df + 3.0) / 40.0
    terms = 1.0 - second * square + third * (square * square)
    # t**2 / df stays in place of t: of its powers the derivatives by df are minus k over df
    by_df = -(1.0 / 6.0 - second / df) * square
    by_df = by_df + ((df + 2.0) / 20.0 - 2.0 * third / df) * (square * square)
    return size * t * (growth * terms + by_df)


def student_slope_by_df(df: Any, t: Any) -> Any:
    """Return the derivative of the distribution function by its degrees of freedom.

    The upper tail of abs(t) is half of betainc(df/2, 1/2, df / (df + t**2)).
    """
    near = less(t * t, 1e-4 * minimum(df, 1.0))
    around_zero = _student_by_df_near_zero(df, where(near, t, 0.0))
    t = where(near, 1.0, t)
    square, half = t * t, 0.5 + 0.0 * df
    z = df / (df + square)
    by_a, _ = betainc_shape_slopes(0.5 * df, half, z)
    by_z = beta_density(0.5 * df, half, z) * square / ((df + square) * (df + square))
    tail = 0.25 * by_a + 0.5 * by_z
    return where(near, around_zero, where(less(t, 0.0), tail, -tail))


stdtr: Primitive = special(
    "stdtr",
    lambda p, df, t: (lambda: student_slope_by_df(df, t), lambda: student_density(df, t)),
    POSITIVE,
    ANYWHERE,
)
stdtrit: Primitive = special(
    "stdtrit",
    lambda t, df, p: (
        lambda: -student_slope_by_df(df, t) / student_density(df, t),
        lambda: 1.0 / student_density(df, t),
    ),
    POSITIVE,
    UNIT,
)

# Fisher's F


def fisher_slopes(m: Any, n: Any, x: Any) -> tuple[Any, Any, Any]:
    """Return the derivatives of betainc(m/2, n/2, m x / (n + m x))."""
    total = n + m * x
    z = m * x / total
    by_a, by_b = betainc_shape_slopes(0.5 * m, 0.5 * n, z)
    scale = beta_density(0.5 * m, 0.5 * n, z) / (total * total)
    return 0.5 * by_a + scale * n * x, 0.5 * by_b - scale * m * x, scale * m * n


def _fisher(name: str, sign: float) -> None:
    special(
        name,
        lambda y, m, n, x: (
            lambda: sign * fisher_slopes(m, n, x)[0],
            lambda: sign * fisher_slopes(m, n, x)[1],
            lambda: sign * fisher_slopes(m, n, x)[2],
        ),
        POSITIVE,
        POSITIVE,
        POSITIVE,
    )


_fisher("fdtr", 1.0)
_fisher("fdtrc", -1.0)


def _fisher_inverse_slopes(m: Any, n: Any, x: Any) -> tuple[Any, Any, Any]:
    by_m, by_n, by_x = fisher_slopes(m, n, x)
    return -by_m / by_x, -by_n / by_x, 1.0 / by_x


special(
    "fdtri",
    lambda x, m, n, p: (
        lambda: _fisher_inverse_slopes(m, n, x)[0],
        lambda: _fisher_inverse_slopes(m, n, x)[1],
        lambda: _fisher_inverse_slopes(m, n, x)[2],
    ),
    (1.5, 4.0),
    (1.5, 4.0),
    (0.1, 0.8),
)

# Counts: k is rounded down, and has no slope


def _binomial_slope(k: Any, n: Any, p: Any) -> Any:
    """Return the derivative by p of betainc(n - k, k + 1, 1 - p)."""
    k = floor(k * 1.0)
    inside = less(k, n * 1.0)  # for k = n the probability is 1
    below = where(inside, k, n - 1.0)
    log_weight = betaln(n - below, below + 1.0)
    slope = -exp(xlog1py(n - below - 1.0, -p) + xlogy(below, p) - log_weight)
    return where(inside, slope, 0.0)


def _binomial(name: str, sign: float) -> None:
    special(
        name,
        lambda y, k, n, p: (
            None,
            refused(name, "the number of trials n"),
            lambda: sign * _binomial_slope(k, n, p),
        ),
        _COUNT,
        _TRIALS,
        UNIT,
    )


_binomial("bdtr", 1.0)
_binomial("bdtrc", -1.0)
special(
    "bdtri",
    lambda p, k, n, y: (
        None,
        refused("bdtri", "the number of trials n"),
        lambda: 1.0 / _binomial_slope(k, n, p),
    ),
    _COUNT,
    _TRIALS,
    UNIT,
)


def _negative_binomial_slope(k: Any, n: Any, p: Any) -> Any:
    """Return the derivative by p of betainc(n, k + 1, p)."""
    k = floor(k * 1.0)
    return exp(xlogy(n - 1.0, p) + xlog1py(k, -p) - betaln(n * 1.0, k + 1.0))


def _negative_binomial(name: str, sign: float) -> None:
    special(
        name,
        lambda y, k, n, p: (
            refused(name, "the number of failures k"),
            refused(name, "the number of successes n"),
            lambda: sign * _negative_binomial_slope(k, n, p),
        ),
        (0, 4),
        _TRIALS,
        UNIT,
    )


_negative_binomial("nbdtr", 1.0)
_negative_binomial("nbdtrc", -1.0)
special(
    "nbdtri",
    lambda p, k, n, y: (
        refused("nbdtri", "the number of failures k"),
        refused("nbdtri", "the number of successes n"),
        lambda: 1.0 / _negative_binomial_slope(k, n, p),
    ),
    (0, 4),
    _TRIALS,
    UNIT,
)


def _poisson_slope(k: Any, m: Any) -> Any:
    k = floor(k * 1.0)
    return -exp(xlogy(k, m) - m - gammaln(k + 1.0))


special("pdtr", lambda y, k, m: (None, lambda: _poisson_slope(k, m)), _COUNT, POSITIVE)
special("pdtrc", lambda y, k, m: (None, lambda: -_poisson_slope(k, m)), _COUNT, POSITIVE)
special("pdtri", lambda m, k, y: (None, lambda: 1.0 / _poisson_slope(k, m)), (0, 4), UNIT)

# Others


def _tukey_slope(p: Any, lmbda: Any) -> Any:
    return 1.0 / (power(p, lmbda - 1.0) + power(1.0 - p, lmbda - 1.0))


special(
    "tklmbda",
    lambda p, x, lmbda: (
        lambda: where(equal(p * (1.0 - p), 0.0), 0.0, _tukey_slope(p, lmbda)),
        refused("tklmbda", "its shape lmbda"),
    ),
    (-0.2, 0.2),
    POSITIVE,
)


def noncentral_density(x: Any, df: Any, nc: Any) -> Any:
    """Return the density of the noncentral chi-squared distribution, for nc > 0."""
    root = power(x * nc, 0.5)
    below = power(x, 0.5) - power(nc, 0.5)
    order = 0.5 * df - 1.0
    weight = exp(-0.5 * (below * below) + 0.5 * order * (log(x) - log(nc)))
    return 0.5 * weight * ive(order, root)


chndtr: Primitive = special(
    "chndtr",
    lambda y, x, df, nc: (
        lambda: noncentral_density(x, df, nc),
        refused("chndtr", "the degrees of freedom df"),
        lambda: 0.5 * (chndtr(x, df + 2.0, nc) - y),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
chndtrix: Primitive = special(
    "chndtrix",
    lambda x, p, df, nc: (
        lambda: 1.0 / noncentral_density(x, df, nc),
        refused("chndtrix", "the degrees of freedom df"),
        lambda: -0.5 * (chndtr(x, df + 2.0, nc) - p) / noncentral_density(x, df, nc),
    ),
    UNIT,
    POSITIVE,
    POSITIVE,
)
