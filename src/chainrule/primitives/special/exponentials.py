"""Exponentials and logarithms in other forms, integrals of them, and angles in degrees."""

from __future__ import annotations

from math import log as _ln
from math import pi
from typing import Any

from ...graph.node import Primitive
from ..elementwise import absolute, cos, equal, exp, less, log, log1p, power, sin, where
from .declaration import ANYWHERE, POSITIVE, UNIT, refused, results, special
from .hypergeometric import hyp1f1, hyp2f1
from .spherical import spherical_in, spherical_jn

_DEGREE = pi / 180.0


def _logit(xp: Any, p: Any) -> Any:
    distance = 2.0 * (p - 0.5)
    central = xp.log1p(distance) - xp.log1p(-distance)
    return xp.where((p >= 0.3) & (p <= 0.65), central, xp.log(p / (1.0 - p)))


logit: Primitive = special(
    "logit", lambda y, p: (lambda: 1.0 / (p * (1.0 - p)),), UNIT, native=_logit
)
exp10: Primitive = special("exp10", lambda y, x: (lambda: y * _ln(10.0),), ANYWHERE)
exprel: Primitive = special("exprel", lambda y, x: (lambda: 0.5 * hyp1f1(2.0, 3.0, x),), ANYWHERE)
cosm1: Primitive = special("cosm1", lambda y, x: (lambda: -sin(x),), ANYWHERE)
powm1: Primitive = special(
    "powm1",
    lambda z, x, y: (lambda: y * power(x, y - 1.0), lambda: power(x, y) * log(x)),
    POSITIVE,
    ANYWHERE,
)

# Box and Cox: (x**lmbda - 1) / lmbda is log(x) * exprel(lmbda * log(x))


def _boxcox_by_power(size: Any, lmbda: Any) -> Any:
    return 0.5 * (size * size) * hyp1f1(2.0, 3.0, lmbda * size)


def _inverse_by_power(x: Any, y: Any, lmbda: Any) -> Any:
    """Return the derivative of exp(log1p(lmbda y) / lmbda), which is exp(y) for lmbda = 0."""
    return -0.5 * x * (y * y) * hyp2f1(2.0, 2.0, 3.0, -lmbda * y)


boxcox: Primitive = special(
    "boxcox",
    lambda y, x, lmbda: (
        lambda: power(x, lmbda - 1.0),
        lambda: _boxcox_by_power(log(x), lmbda),
    ),
    POSITIVE,
    ANYWHERE,
)
boxcox1p: Primitive = special(
    "boxcox1p",
    lambda y, x, lmbda: (
        lambda: power(1.0 + x, lmbda - 1.0),
        lambda: _boxcox_by_power(log1p(x), lmbda),
    ),
    POSITIVE,
    ANYWHERE,
)
inv_boxcox: Primitive = special(
    "inv_boxcox",
    lambda x, y, lmbda: (
        lambda: x / (1.0 + lmbda * y),
        lambda: _inverse_by_power(x, y, lmbda),
    ),
    (0.1, 1.5),
    (-0.6, 2.0),
)
inv_boxcox1p: Primitive = special(
    "inv_boxcox1p",
    lambda x, y, lmbda: (
        lambda: (1.0 + x) / (1.0 + lmbda * y),
        lambda: _inverse_by_power(1.0 + x, y, lmbda),
    ),
    (0.1, 1.5),
    (-0.6, 2.0),
)

# Integrals

exp1: Primitive = special("exp1", lambda y, x: (lambda: -exp(-x) / x,), POSITIVE)
expi: Primitive = special("expi", lambda y, x: (lambda: exp(x) / x,), POSITIVE)


def _expn_slope(n: Any, x: Any) -> Any:
    first = equal(n, 0)
    at_zero = -exp(-x) * (1.0 + 1.0 / x) / x
    return where(first, at_zero, -expn(n - where(first, n, 1), x))


expn: Primitive = special(
    "expn",
    lambda y, n, x: (refused("expn", "its order n"), lambda: _expn_slope(n, x)),
    (0, 5),
    POSITIVE,
)


def _spence_slope(z: Any) -> Any:
    """Return log(z) / (1 - z), which is -1 at z = 1."""
    near = less(absolute(z - 1.0), 0.3)
    around_one = -hyp2f1(1.0, 1.0, 2.0, 1.0 - where(near, z, 1.0))
    z = where(near, 2.0, z)
    return where(near, around_one, log(z) / (1.0 - z))


spence: Primitive = special("spence", lambda y, z: (lambda: _spence_slope(z),), POSITIVE)
results(
    "sici",
    ("sine_integral", "cosine_integral"),
    (lambda y, x: (lambda: spherical_jn(0.0, x),), lambda y, x: (lambda: cos(x) / x,)),
    POSITIVE,
)
results(
    "shichi",
    ("sinh_integral", "cosh_integral"),
    (
        lambda y, x: (lambda: spherical_in(0.0, x),),
        lambda y, x: (lambda: (0.5 * exp(x) + 0.5 * exp(-x)) / x,),
    ),
    POSITIVE,
)

# Degrees

sindg: Primitive = special("sindg", lambda y, x: (lambda: _DEGREE * cosdg(x),), (-400.0, 400.0))
cosdg: Primitive = special("cosdg", lambda y, x: (lambda: -_DEGREE * sindg(x),), (-400.0, 400.0))
tandg: Primitive = special("tandg", lambda y, x: (lambda: _DEGREE * (1.0 + y * y),), (-60.0, 60.0))
cotdg: Primitive = special("cotdg", lambda y, x: (lambda: -_DEGREE * (1.0 + y * y),), (30.0, 150.0))
radian: Primitive = special(
    "radian",
    lambda y, d, m, s: (_DEGREE, _DEGREE / 60.0, _DEGREE / 3600.0),
    ANYWHERE,
    ANYWHERE,
    ANYWHERE,
)
nearest: Primitive = special("round", None, ANYWHERE)
