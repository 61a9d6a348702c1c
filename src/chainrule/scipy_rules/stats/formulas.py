"""Formulas of continuous distributions that SciPy computes in ways that no trace can follow.

Or with a case of its own for one value of a shape, which would have no slope there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ...primitives.special.stats_functions import (
    invgauss_isf,
    invgauss_ppf,
    skewnorm_cdf,
    skewnorm_ppf,
    vonmises_cdf,
    vonmises_ppf,
)
from ...trace.operands import record
from .methods import formula

_LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)


def _log_quotient(u: Any) -> Any:
    """Return log1p(u) / u, which is 1 at 0."""
    near = np.abs(u) < 0.2
    around_zero = sc.hyp2f1(1.0, 1.0, 2.0, np.where(near, -u, 0.0))
    u = np.where(near, 1.0, u)
    return np.where(near, around_zero, np.log1p(u) / u)


# Student's t; with infinitely many degrees of freedom the normal distribution


@formula("t", "logpdf")
def _t_logpdf(x: Any, df: Any) -> Any:
    infinite = np.isposinf(df) if not hasattr(df, "node") else df == np.inf
    finite = np.where(infinite, 1.0, df)
    kernel = -0.5 * (finite + 1.0) * np.log1p(x * x / finite)
    student = np.log(sc.poch(0.5 * finite, 0.5)) - 0.5 * np.log(finite * np.pi) + kernel
    return np.where(infinite, -0.5 * x * x - _LOG_ROOT_TWO_PI, student)


# Beta and those made of it


@formula("beta", "pdf")
def _beta_pdf(x: Any, a: Any, b: Any) -> Any:
    return np.exp(sc.xlog1py(b - 1.0, -x) + sc.xlogy(a - 1.0, x) - sc.betaln(a, b))


@formula("beta", "ppf")
def _beta_ppf(q: Any, a: Any, b: Any) -> Any:
    return sc.betaincinv(a, b, q)


@formula("betaprime", "ppf")
def _betaprime_ppf(q: Any, a: Any, b: Any) -> Any:
    x, rest = sc.betaincinv(a, b, q), sc.betainccinv(b, a, q)
    return x / rest


@formula("semicircular", "ppf")
def _semicircular_ppf(q: Any) -> Any:
    return 2.0 * sc.betaincinv(1.5, 1.5, q) - 1.0


@formula("rdist", "ppf")
def _rdist_ppf(q: Any, c: Any) -> Any:
    return 2.0 * sc.betaincinv(0.5 * c, 0.5 * c, q) - 1.0


# Quantiles


@formula("cauchy", "ppf")
def _cauchy_ppf(q: Any) -> Any:
    central = np.abs(q - 0.5) < 0.25
    inner = np.tan(np.pi * (np.where(central, q, 0.5) - 0.5))
    outer = -1.0 / np.tan(np.pi * np.where(central, 0.25, q))
    return np.where(central, inner, outer)


@formula("cauchy", "isf")
def _cauchy_isf(q: Any) -> Any:
    return -_cauchy_ppf(q)


@formula("rice", "ppf")
def _rice_ppf(q: Any, b: Any) -> Any:
    return np.sqrt(sc.chndtrix(q, 2.0, b * b))


@formula("invgauss", "ppf")
def _invgauss_ppf(q: Any, mu: Any) -> Any:
    return record(invgauss_ppf, q, mu)


@formula("invgauss", "isf")
def _invgauss_isf(q: Any, mu: Any) -> Any:
    return record(invgauss_isf, q, mu)


# Extreme values: smooth in c through 0


@formula("genpareto", "support")
def _genpareto_support(c: Any) -> Any:
    return np.zeros_like(c), np.where(c < 0, -1.0 / np.where(c < 0, c, -1.0), np.inf)


@formula("genpareto", "logpdf")
def _genpareto_logpdf(x: Any, c: Any) -> Any:
    return -(c + 1.0) * x * _log_quotient(c * x)


@formula("genpareto", "logsf")
def _genpareto_logsf(x: Any, c: Any) -> Any:
    return -x * _log_quotient(c * x)


@formula("genpareto", "sf")
def _genpareto_sf(x: Any, c: Any) -> Any:
    return np.exp(_genpareto_logsf(x, c))


@formula("genpareto", "cdf")
def _genpareto_cdf(x: Any, c: Any) -> Any:
    return -np.expm1(_genpareto_logsf(x, c))


@formula("genpareto", "ppf")
def _genpareto_ppf(q: Any, c: Any) -> Any:
    return -sc.boxcox1p(-q, -c)


def _reduced(x: Any, c: Any) -> Any:
    """Return log1p(-c x) / c, which is -x for c = 0."""
    return -x * _log_quotient(-c * x)


@formula("genextreme", "logpdf")
def _genextreme_logpdf(x: Any, c: Any) -> Any:
    t = _reduced(x, c)
    return t - np.exp(t) - np.log1p(-c * x)


@formula("genextreme", "logcdf")
def _genextreme_logcdf(x: Any, c: Any) -> Any:
    return -np.exp(_reduced(x, c))


@formula("genextreme", "sf")
def _genextreme_sf(x: Any, c: Any) -> Any:
    return -np.expm1(_genextreme_logcdf(x, c))


@formula("genextreme", "ppf")
def _genextreme_ppf(q: Any, c: Any) -> Any:
    x = -np.log(-np.log(q))
    return x * sc.exprel(-c * x)


@formula("genextreme", "isf")
def _genextreme_isf(q: Any, c: Any) -> Any:
    x = -np.log(-np.log1p(-q))
    return x * sc.exprel(-c * x)


# The triangle, whose top may be at an end


@formula("triang", "pdf")
def _triang_pdf(x: Any, c: Any) -> Any:
    rising = (x < c) | (c == 1)
    left = 2.0 * x / np.where(rising, c, 1.0)
    return np.where(rising, left, 2.0 * (1.0 - x) / (1.0 - np.where(rising, 0.0, c)))


@formula("triang", "cdf")
def _triang_cdf(x: Any, c: Any) -> Any:
    rising = (x < c) | (c == 1)
    left = x * x / np.where(rising, c, 1.0)
    rest = 1.0 - x
    return np.where(rising, left, 1.0 - rest * rest / (1.0 - np.where(rising, 0.0, c)))


# Exponential powers


@formula("gennorm", "stats")
def _gennorm_stats(beta: Any) -> Any:
    return 0.0, np.exp(sc.gammaln(3.0 / beta) - sc.gammaln(1.0 / beta))


# The normal distribution bent, cut and wound up


@formula("skewnorm", "pdf")
def _skewnorm_pdf(x: Any, a: Any) -> Any:
    return 2.0 * np.exp(-0.5 * x * x - _LOG_ROOT_TWO_PI) * sc.ndtr(a * x)


@formula("skewnorm", "logpdf")
def _skewnorm_logpdf(x: Any, a: Any) -> Any:
    return np.log(2.0) - 0.5 * x * x - _LOG_ROOT_TWO_PI + sc.log_ndtr(a * x)


@formula("skewnorm", "cdf")
def _skewnorm_cdf(x: Any, a: Any) -> Any:
    return record(skewnorm_cdf, x, a)


@formula("skewnorm", "sf")
def _skewnorm_sf(x: Any, a: Any) -> Any:
    return record(skewnorm_cdf, -x, -a)


@formula("skewnorm", "ppf")
def _skewnorm_ppf(q: Any, a: Any) -> Any:
    return record(skewnorm_ppf, q, a)


@formula("skewnorm", "isf")
def _skewnorm_isf(q: Any, a: Any) -> Any:
    upper: Any = record(skewnorm_ppf, q, -a)
    return -upper


@formula("vonmises", "cdf")
def _vonmises_cdf(x: Any, kappa: Any) -> Any:
    return record(vonmises_cdf, x, kappa)


@formula("vonmises", "ppf")
def _vonmises_ppf(q: Any, kappa: Any) -> Any:
    return record(vonmises_ppf, q, kappa)


def _log_difference(larger: Any, smaller: Any) -> Any:
    """Return log(exp(larger) - exp(smaller))."""
    return larger + np.log(-np.expm1(smaller - larger))


def _log_gauss_mass(a: Any, b: Any) -> Any:
    """Return the logarithm of the normal probability between a and b."""
    left, right = b <= 0, a > 0
    one_side = left | right
    low = np.where(left, a, np.where(right, -b, -2.0))
    high = np.where(left, b, np.where(right, -a, -1.0))
    in_tail = _log_difference(sc.log_ndtr(high), sc.log_ndtr(low))
    below, above = np.where(one_side, -1.0, a), np.where(one_side, 1.0, b)
    return np.where(one_side, in_tail, np.log1p(-sc.ndtr(below) - sc.ndtr(-above)))


def _log_of_part(part: Any, rest: Any, whole: Any) -> Any:
    """Return the logarithm of a share, by that of the rest where the share is nearly all."""
    share = part - whole
    nearly = share > -0.1
    other = np.where(nearly, rest - whole, -1.0)
    return np.where(nearly, np.log1p(-np.exp(other)), share)


@formula("truncnorm", "logpdf")
def _truncnorm_logpdf(x: Any, a: Any, b: Any) -> Any:
    return -0.5 * x * x - _LOG_ROOT_TWO_PI - _log_gauss_mass(a, b)


@formula("truncnorm", "logcdf")
def _truncnorm_logcdf(x: Any, a: Any, b: Any) -> Any:
    return _log_of_part(_log_gauss_mass(a, x), _log_gauss_mass(x, b), _log_gauss_mass(a, b))


@formula("truncnorm", "logsf")
def _truncnorm_logsf(x: Any, a: Any, b: Any) -> Any:
    return _log_of_part(_log_gauss_mass(x, b), _log_gauss_mass(a, x), _log_gauss_mass(a, b))


@formula("truncnorm", "ppf")
def _truncnorm_ppf(q: Any, a: Any, b: Any) -> Any:
    whole, left = _log_gauss_mass(a, b), a < 0
    start = sc.log_ndtr(np.where(left, a, -b))
    size = np.where(left, np.log(q), np.log1p(-q)) + whole
    x = sc.ndtri_exp(np.logaddexp(start, size))
    return np.where(left, x, -x)


@formula("truncnorm", "isf")
def _truncnorm_isf(q: Any, a: Any, b: Any) -> Any:
    part, left = np.log(q) + _log_gauss_mass(a, b), b < 0
    below = _log_difference(sc.log_ndtr(np.where(left, b, 0.0)), np.where(left, part, -2.0))
    above = np.logaddexp(sc.log_ndtr(-b), part)
    x = sc.ndtri_exp(np.where(left, below, above))
    return np.where(left, x, -x)
