"""Discrete distributions: `pmf`, `cdf` and `sf` with traced parameters.

Counts have no derivative, nor have parameters that are whole numbers; it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from ...primitives.special.stats_functions import (
    binom_pmf,
    hypergeom_pmf,
    nbinom_pmf,
    whole_number,
)
from ...trace.interception import intercepts
from ...trace.operands import record
from ...trace.tracer import Tracer
from ..arrays import asarray
from .continuous import answer, double, outside_of, parsed, support
from .methods import formula, method, refuse_method

# Formulas for what SciPy computes with private functions of its own


@formula("binom", "pmf")
def _binom_pmf(k: Any, n: Any, p: Any) -> Any:
    return record(binom_pmf, k, n, p)


@formula("binom", "cdf")
def _binom_cdf(k: Any, n: Any, p: Any) -> Any:
    return sc.betaincc(k + 1.0, whole(n) - k, p)


@formula("binom", "sf")
def _binom_sf(k: Any, n: Any, p: Any) -> Any:
    return sc.betainc(k + 1.0, whole(n) - k, p)


@formula("binom", "logpmf")
def _binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    n = whole(n)
    choices = sc.gammaln(n + 1) - (sc.gammaln(k + 1) + sc.gammaln(n - k + 1))
    return choices + sc.xlogy(k, p) + sc.xlog1py(n - k, -p)


def _enter_bernoulli(name: str, compute: Callable[..., Any]) -> None:
    formula("bernoulli", name)(lambda k, p: compute(k, 1.0, p))


for _name, _compute in (
    ("pmf", _binom_pmf), ("logpmf", _binom_logpmf), ("cdf", _binom_cdf), ("sf", _binom_sf)
):  # fmt: skip
    _enter_bernoulli(_name, _compute)


@formula("bernoulli", "stats")
def _bernoulli_stats(p: Any) -> Any:
    return p, p * (1.0 - p)


@formula("nbinom", "pmf")
def _nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    return record(nbinom_pmf, k, n, p)


@formula("nbinom", "cdf")
def _nbinom_cdf(k: Any, n: Any, p: Any) -> Any:
    return sc.betainc(n, k + 1.0, p)


@formula("nbinom", "sf")
def _nbinom_sf(k: Any, n: Any, p: Any) -> Any:
    return sc.betaincc(n, k + 1.0, p)


@formula("nbinom", "logcdf")
def _nbinom_logcdf(k: Any, n: Any, p: Any) -> Any:
    return np.log(sc.betainc(n, k + 1.0, p))


@formula("nbinom", "stats")
def _nbinom_stats(n: Any, p: Any) -> Any:
    mean = n * (1.0 - p) / p
    return mean, mean / p


@formula("hypergeom", "pmf")
def _hypergeom_pmf(k: Any, m: Any, n: Any, draws: Any) -> Any:
    return record(hypergeom_pmf, k, m, n, draws)


@formula("poisson", "stats")
def _poisson_stats(mu: Any) -> Any:
    return mu, mu


# The rules


def whole(x: Any) -> Any:
    """Return a whole number, through which no derivative is passed on."""
    if isinstance(x, Tracer) and x.dtype.kind == "f":
        return record(whole_number, x)
    return x


_OUTSIDE = outside_of("pmf")


def _of_counts(distribution: Any, name: str, k: Any, args: Any, kwds: Any) -> Any:
    outside = _OUTSIDE[name]
    with np.errstate(all="ignore"):
        shapes, loc, _, valid = parsed(distribution, args, kwds)
        k = asarray(k) - loc
        a, b = support(distribution, shapes)
        if outside.closed:
            inside = (k >= a) & (k <= b) & (np.floor(k) == k)
            count = whole(k)
        else:
            inside = (k >= a) & (k < b)
            count = np.floor(k)
        inside = inside & valid & np.isfinite(k)
        safe = double(np.where(inside, count, a))
        value = method(distribution, name)(safe, *shapes)
        value = np.minimum(value, 1.0 if not name.startswith("log") else np.inf)
        beyond = np.where(k >= b, outside.above, outside.below)
        result = np.where(inside, value, beyond)
        return answer(valid & (k == k), result, distribution.badvalue)


def _enter(name: str) -> None:
    @intercepts("scipy.stats", f"rv_discrete.{name}")
    def rule(self: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        return _of_counts(self, name, k, args, kwds)


for _name in _OUTSIDE:
    _enter(_name)


def _refuse(name: str) -> None:
    @intercepts("scipy.stats", f"rv_discrete.{name}")
    def rule(self: Any, q: Any, *args: Any, **kwds: Any) -> Any:
        refuse_method(self, name)


for _name in ("ppf", "isf"):
    _refuse(_name)
