"""Distribution functions of `scipy.stats` that are no formulas of special functions."""

from __future__ import annotations

from math import inf, pi
from typing import Any

from ...graph.node import REFERENCE, Primitive
from ...lazy import LazyModule
from ..declare import Ufunc
from ..elementwise import cos, equal, exp, log, maximum, sqrt, where
from .bessel import i0e
from .declaration import ANYWHERE, POSITIVE, UNIT, formula, refused
from .error_functions import log_ndtr, ndtr, normal_density
from .gamma_family import digamma

_stats = LazyModule("scipy.stats")

# The inverse Gaussian


def _invgauss_slopes(x: Any, mu: Any) -> tuple[Any, Any]:
    """Return the derivatives of the distribution function by x and mu."""
    distance = x / mu - 1.0
    density = exp(-0.5 * (distance * distance) / x) / sqrt(2.0 * pi * (x * x * x))
    mirrored = 2.0 / mu + log_ndtr(-(x / mu + 1.0) / sqrt(x))
    return density, -2.0 / (mu * mu) * exp(mirrored)


invgauss_ppf: Primitive = formula(
    "invgauss_ppf",
    lambda _xp, q, mu: _stats.invgauss.ppf(q, mu),
    lambda x, q, mu: (
        lambda: 1.0 / _invgauss_slopes(x, mu)[0],
        lambda: -_invgauss_slopes(x, mu)[1] / _invgauss_slopes(x, mu)[0],
    ),
    UNIT,
    POSITIVE,
)
invgauss_isf: Primitive = formula(
    "invgauss_isf",
    lambda _xp, q, mu: _stats.invgauss.isf(q, mu),
    lambda x, q, mu: (
        lambda: -1.0 / _invgauss_slopes(x, mu)[0],
        lambda: -_invgauss_slopes(x, mu)[1] / _invgauss_slopes(x, mu)[0],
    ),
    UNIT,
    POSITIVE,
)

# The skew normal


def _skewnorm_slopes(x: Any, a: Any) -> tuple[Any, Any]:
    rest = 1.0 + a * a
    return 2.0 * normal_density(x) * ndtr(a * x), -exp(-0.5 * (x * x) * rest) / (pi * rest)


skewnorm_cdf: Primitive = formula(
    "skewnorm_cdf",
    lambda _xp, x, a: _stats.skewnorm.cdf(x, a),
    lambda p, x, a: (
        lambda: _skewnorm_slopes(x, a)[0],
        lambda: _skewnorm_slopes(x, a)[1],
    ),
    ANYWHERE,
    ANYWHERE,
)
skewnorm_ppf: Primitive = formula(
    "skewnorm_ppf",
    lambda _xp, q, a: _stats.skewnorm.ppf(q, a),
    lambda x, q, a: (
        lambda: 1.0 / _skewnorm_slopes(x, a)[0],
        lambda: -_skewnorm_slopes(x, a)[1] / _skewnorm_slopes(x, a)[0],
    ),
    UNIT,
    ANYWHERE,
)

# Von Mises'


def _vonmises_density(x: Any, kappa: Any) -> Any:
    return exp(kappa * (cos(x) - 1.0)) / (2.0 * pi * i0e(kappa))


vonmises_cdf: Primitive = formula(
    "vonmises_cdf",
    lambda _xp, x, kappa: _stats.vonmises.cdf(x, kappa),
    lambda p, x, kappa: (
        lambda: _vonmises_density(x, kappa),
        refused("scipy.stats.vonmises.cdf", "its shape kappa"),
    ),
    ANYWHERE,
    POSITIVE,
)
vonmises_ppf: Primitive = formula(
    "vonmises_ppf",
    lambda _xp, q, kappa: _stats.vonmises.ppf(q, kappa),
    lambda x, q, kappa: (
        lambda: 1.0 / _vonmises_density(x, kappa),
        refused("scipy.stats.vonmises.ppf", "its shape kappa"),
    ),
    UNIT,
    POSITIVE,
)

# Counts

whole_number: Primitive = formula(
    "whole_number",
    lambda _xp, k: +k,
    lambda y, k: (refused("scipy.stats: a discrete distribution", "a whole number"),),
    (0.0, 4.0),
)


def _mass(name: str, xp: Any, k: Any, n: Any, p: Any, inside: Any, valid: Any) -> Any:
    """Return SciPy's probability of a count, 0 where it has none, nan where there is none."""
    inside = inside & (k >= 0.0) & k.equals(xp.floor(k))
    ufunc = Ufunc("scipy.special._ufuncs", f"_{name}_pmf")
    one = n.like(1.0)
    mass = xp.loop(ufunc, xp.where(inside, k, 0.0 * one), xp.where(valid, n, one), p)
    mass = xp.where(inside, xp.minimum(mass, one), 0.0 * one)
    return xp.where(valid & k.equals(k), mass, float("nan") * one)


def _binom_pmf(xp: Any, k: Any, n: Any, p: Any) -> Any:
    if xp is REFERENCE:
        return _stats.binom.pmf(k, n, p)
    valid = (n >= 0.0) & n.equals(xp.floor(n)) & (p >= 0.0) & (p <= 1.0)
    return _mass("binom", xp, k, n, p, k <= n, valid)


def _nbinom_pmf(xp: Any, k: Any, n: Any, p: Any) -> Any:
    if xp is REFERENCE:
        return _stats.nbinom.pmf(k, n, p)
    return _mass("nbinom", xp, k, n, p, k <= inf, (n > 0.0) & (p > 0.0) & (p <= 1.0))


binom_pmf: Primitive = formula(
    "binom_pmf",
    _binom_pmf,
    lambda y, k, n, p: (
        refused("scipy.stats.binom.pmf", "the count k"),
        refused("scipy.stats.binom.pmf", "the number of trials n"),
        lambda: n * (_one_trial_less(k - 1.0, n, p) - _one_trial_less(k, n, p)),
    ),
    (0, 4),
    (4, 7),
    UNIT,
    whole=2,
)


def _one_trial_less(k: Any, n: Any, p: Any) -> Any:
    return binom_pmf(k, maximum(n - 1.0, 0.0), p)


def _nbinom_slope(y: Any, k: Any, n: Any, p: Any) -> Any:
    failures = where(equal(k, 0.0), 0.0, k / where(equal(k, 0.0), 1.0, 1.0 - p))
    return y * (n / p - failures)


nbinom_pmf: Primitive = formula(
    "nbinom_pmf",
    _nbinom_pmf,
    lambda y, k, n, p: (
        refused("scipy.stats.nbinom.pmf", "the count k"),
        lambda: y * (digamma(n + k) - digamma(n) + log(p)),
        lambda: _nbinom_slope(y, k, n, p),
    ),
    (0, 4),
    (1.0, 7.0),
    UNIT,
    whole=2,
)
hypergeom_pmf: Primitive = formula(
    "hypergeom_pmf",
    lambda _xp, k, m, n, draws: _stats.hypergeom.pmf(k, m, n, draws),
    lambda y, *x: [refused("scipy.stats.hypergeom.pmf", "a whole number")] * 4,
    (0, 2),
    (10, 12),
    (4, 5),
    (3, 4),
)
