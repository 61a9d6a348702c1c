"""Where the formulas of a distribution are found: in our table, in SciPy's class, or nowhere.

SciPy's classes have private methods (`_logpdf`, `_cdf`, ...) that are plain NumPy and special
functions; those are traced as they are. `FORMULAS` has the others: what SciPy computes with code
that no trace can follow, or whose slopes are better written in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np
import scipy.stats

from ...errors import UnsupportedError, at_user_line

FORMULAS: dict[tuple[str, str], Callable[..., Any]] = {}
# Distributions of SciPy whose methods are traced and tested, one by one
_NAMES = """
    alpha anglit arcsine argus bernoulli beta betaprime binom bradford burr burr12 cauchy
    chi chi2 crystalball dgamma dweibull erlang expon exponnorm exponpow exponweib f
    fatiguelife fisk foldcauchy foldnorm gamma genexpon genextreme gengamma genlogistic
    gennorm genpareto geom gibrat gompertz gumbel_l gumbel_r halfcauchy halfgennorm
    halflogistic halfnorm hypergeom hypsecant invgamma invgauss invweibull johnsonsb
    johnsonsu kappa3 laplace laplace_asymmetric levy levy_l loggamma logistic loglaplace
    lognorm lomax maxwell mielke moyal nakagami nbinom norm pareto poisson powerlaw
    powerlognorm powernorm rayleigh rdist recipinvgauss reciprocal rel_breitwigner rice
    semicircular skewcauchy skewnorm t trapezoid triang truncexpon truncnorm
    truncweibull_min uniform vonmises weibull_max weibull_min wrapcauchy
"""
_VERIFIED = frozenset(_NAMES.split())
_GENERIC = (scipy.stats.rv_continuous, scipy.stats.rv_discrete)


def formula(distribution: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a formula for a method of SciPy's standard form, such as ``("t", "logpdf")``."""

    def enter(compute: Callable[..., Any]) -> Callable[..., Any]:
        FORMULAS[f"{distribution}_gen", name] = compute
        return compute

    return enter


def method(distribution: Any, name: str) -> Callable[..., Any]:
    """Return the function of the standard form and the shapes, such as ``logpdf(y, *shapes)``."""
    check_verified(distribution, name)
    for kind in type(distribution).__mro__:
        compute = FORMULAS.get((kind.__name__, name))
        if compute is not None:
            return compute
        if kind in _GENERIC:
            break
        if f"_{name}" in vars(kind):
            return _of_class(distribution, name, kind)
    return _derived(distribution, name)


def _of_class(distribution: Any, name: str, kind: type) -> Callable[..., Any]:
    """Return SciPy's method, unless it calls another one that has a formula here."""
    other = {"pdf": "logpdf", "pmf": "logpmf", "cdf": "logcdf", "sf": "logsf"}.get(name, "")
    compute = FORMULAS.get((kind.__name__, other))
    if compute is not None:
        return lambda *xs: np.exp(compute(*xs))
    return partial(getattr(kind, f"_{name}"), distribution)


def _derived(distribution: Any, name: str) -> Callable[..., Any]:
    """Return what SciPy makes of another method where a class has none."""
    whole = partial(method, distribution)
    if name in ("logpdf", "logcdf", "logsf", "logpmf"):
        compute = whole(name.removeprefix("log"))
        return lambda *xs: np.log(compute(*xs))
    if name == "sf":
        compute = whole("cdf")
        return lambda *xs: 1.0 - compute(*xs)
    if name == "isf":
        compute = whole("ppf")
        return lambda q, *shapes: compute(1.0 - q, *shapes)
    if name == "pmf":
        compute = whole("logpmf")
        return lambda *xs: np.exp(compute(*xs))
    refuse_method(distribution, name)


def private(distribution: Any, name: str) -> Any:
    """Return one of the methods that subclasses of SciPy's classes override: `_argcheck`, ..."""
    return getattr(distribution, f"_{name}")


def check_verified(distribution: Any, name: str) -> None:
    """Refuse a distribution of SciPy's that is not known to be traced right."""
    kind = type(distribution)
    of_scipy = kind.__module__.startswith("scipy.")
    if of_scipy and kind.__name__.removesuffix("_gen") not in _VERIFIED:
        refuse_method(distribution, name)


def refuse_method(distribution: Any, name: str) -> NoReturn:
    """Raise the error for a method without a formula."""
    raise UnsupportedError(
        at_user_line(
            f"scipy.stats.{distribution.name}.{name} of traced numbers is not supported: SciPy "
            "computes it by other means than a formula"
        )
    )
