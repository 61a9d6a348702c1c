"""The zeta functions of Riemann and Hurwitz, and the polygamma functions."""

from __future__ import annotations

from math import factorial
from typing import Any

from ...graph.node import REFERENCE, Primitive
from ..declare import Ufunc
from ..elementwise import exp, less, log, where
from .declaration import POSITIVE, formula, refused, scipy_special, special

_TERMS = 12  # summed one by one; the rest by the formula of Euler and Maclaurin
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)  # fmt: skip
_HURWITZ = Ufunc("scipy.special._ufuncs", "_zeta")


def _log_weighted_sum(s: Any, q: Any) -> Any:
    """Return the derivative of the Hurwitz zeta function by s, for s > -15 and q > 0.

    Of sum (q + k)**-s, with the rest of it by the formula of Euler and Maclaurin.
    """
    total: Any = 0.0
    for k in range(_TERMS):
        size = log(q + float(k))
        total = total - size * exp(-s * size)
    base = q + float(_TERMS)
    size = log(base)
    power_of_base = exp(-s * size)
    rest = base / (s - 1.0) + 0.5  # times base**-s: all that follows
    slope = -base / ((s - 1.0) * (s - 1.0))
    rising, rising_slope = s, s * 0.0 + 1.0  # s (s + 1) ... and its derivative
    scale = 1.0 / base
    for j, number in enumerate(_BERNOULLI, start=1):
        weight = number / factorial(2 * j)
        rest = rest + weight * rising * scale
        slope = slope + weight * rising_slope * scale
        for step in (2.0 * j - 1.0, 2.0 * j):
            rising_slope = rising_slope * (s + step) + rising
            rising = rising * (s + step)
        scale = scale / (base * base)
    return total + power_of_base * (slope - size * rest)


def _by_s(s: Any, q: Any) -> Any:
    known = less(-10.0, s)
    slope = _log_weighted_sum(where(known, s, 2.0), where(less(0.0, q), q, 1.0))
    undefined = float("nan")  # beyond the formula
    return where(known, where(less(0.0, q), slope, undefined), undefined)


zeta: Primitive = formula(
    "zeta",
    lambda _xp, s, q: scipy_special.zeta(s, q),
    lambda y, s, q: (lambda: _by_s(s, q), lambda: -s * zeta(s + 1.0, q)),
    (1.2, 6.0),
    POSITIVE,
    ufunc=_HURWITZ,
)
riemann_zeta: Primitive = formula(
    "riemann_zeta",
    lambda _xp, s: scipy_special.zeta(s),
    lambda y, s: (lambda: _by_s(s, s * 0.0 + 1.0),),
    (1.2, 6.0),
    ufunc=Ufunc("scipy.special._ufuncs", "_riemann_zeta"),
)
zetac: Primitive = special("zetac", lambda y, s: (lambda: _by_s(s, s * 0.0 + 1.0),), (1.2, 6.0))


def _polygamma(xp: Any, n: Any, x: Any) -> Any:
    """Compute as SciPy does: (-1)**(n + 1) n! zeta(n + 1, x), and digamma for n = 0."""
    if xp is REFERENCE:
        return scipy_special.polygamma(n, x)[()]
    order = xp.known(n)
    digamma = xp.loop(Ufunc("scipy.special", "psi"), x) if not order else None
    if order == 0:
        return digamma
    above = xp.loop(_HURWITZ, n + 1.0, x)
    if order is not None:
        return float((-1.0) ** (order + 1.0) * scipy_special.gamma(order + 1.0)) * above
    scale = xp.power(-1.0, n + 1.0) * xp.loop(Ufunc("scipy.special", "gamma"), n + 1.0)
    return xp.where(n.equals(0.0), digamma, scale * above)


polygamma: Primitive = formula(
    "polygamma",
    _polygamma,
    lambda y, n, x: (refused("polygamma", "its order n"), lambda: polygamma(n + 1.0, x)),
    (0, 4),
    POSITIVE,
    whole=1,
)
