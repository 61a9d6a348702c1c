"""Bessel functions and their kin by their argument: recurrences that divide by nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, pi, sqrt
from typing import Any

from ...graph.node import Primitive
from ..elementwise import absolute, exp, less, sign, where
from ..elementwise import sqrt as root
from .declaration import ANYWHERE, POSITIVE, refused, results, special
from .entropies import xlogy
from .gamma_family import gammaln

_ORDER = (0.1, 3.0)


def _by_recurrence(name: str, below: float, above: float, damping: str = "") -> Primitive:
    """Declare f with 2 f_v' = below * f_(v-1) + above * f_(v+1), times an exponential or not."""

    def slope(y: Any, v: Any, z: Any) -> Any:
        total = 0.5 * (below * primitive(v - 1, z) + above * primitive(v + 1, z))
        if damping == "exp(z)":
            return total + y
        return total - sign(z) * y if damping == "exp(-abs(z))" else total

    primitive = special(
        name,
        lambda y, v, z: (refused(name, "its order v"), lambda: slope(y, v, z)),
        _ORDER,
        POSITIVE,
    )
    return primitive


jv: Primitive = _by_recurrence("jv", 1.0, -1.0)
yv: Primitive = _by_recurrence("yv", 1.0, -1.0)
iv: Primitive = _by_recurrence("iv", 1.0, 1.0)
kv: Primitive = _by_recurrence("kv", -1.0, -1.0)
jve: Primitive = _by_recurrence("jve", 1.0, -1.0)  # scaled by the imaginary part of z only
yve: Primitive = _by_recurrence("yve", 1.0, -1.0)
ive: Primitive = _by_recurrence("ive", 1.0, 1.0, "exp(-abs(z))")
kve: Primitive = _by_recurrence("kve", -1.0, -1.0, "exp(z)")


def _of_whole_order(name: str, below: float, above: float) -> Primitive:
    def slope(n: Any, z: Any) -> Any:
        return 0.5 * (below * primitive(n - 1, z) + above * primitive(n + 1, z))

    partials: Any = lambda y, n, z: (refused(name, "its order n"), lambda: slope(n, z))  # noqa: E731
    primitive = special(name, partials, (0, 4), POSITIVE)
    return primitive


yn: Primitive = _of_whole_order("yn", 1.0, -1.0)
kn: Primitive = _of_whole_order("kn", -1.0, -1.0)
j0: Primitive = special("j0", lambda y, x: (lambda: -j1(x),), ANYWHERE)
j1: Primitive = special("j1", lambda y, x: (lambda: 0.5 * (j0(x) - jv(2.0, x)),), ANYWHERE)
y0: Primitive = special("y0", lambda y, x: (lambda: -y1(x),), POSITIVE)
y1: Primitive = special("y1", lambda y, x: (lambda: 0.5 * (y0(x) - yv(2.0, x)),), POSITIVE)
i0: Primitive = special("i0", lambda y, x: (lambda: i1(x),), ANYWHERE)
i1: Primitive = special("i1", lambda y, x: (lambda: 0.5 * (i0(x) + iv(2.0, x)),), ANYWHERE)
k0: Primitive = special("k0", lambda y, x: (lambda: -k1(x),), POSITIVE)
k1: Primitive = special("k1", lambda y, x: (lambda: -0.5 * (k0(x) + kv(2.0, x)),), POSITIVE)
i0e: Primitive = special("i0e", lambda y, x: (lambda: i1e(x) - sign(x) * y,), ANYWHERE)
i1e: Primitive = special(
    "i1e", lambda y, x: (lambda: 0.5 * (i0e(x) + ive(2.0, x)) - sign(x) * y,), ANYWHERE
)
k0e: Primitive = special("k0e", lambda y, x: (lambda: y - k1e(x),), POSITIVE)
k1e: Primitive = special("k1e", lambda y, x: (lambda: y - 0.5 * (k0e(x) + kve(2.0, x)),), POSITIVE)

# Airy functions: Ai'' = x Ai

_AIRY = ("airy_ai", "airy_ai_slope", "airy_bi", "airy_bi_slope")
airy: tuple[Primitive, ...] = results(
    "airy",
    _AIRY,
    (
        lambda y, x: (lambda: airy[1](x),),
        lambda y, x: (lambda: x * airy[0](x),),
        lambda y, x: (lambda: airy[3](x),),
        lambda y, x: (lambda: x * airy[2](x),),
    ),
    ANYWHERE,
)


def _scaling(x: Any) -> Any:
    """Return the derivative of 2/3 x**1.5, of which Ai is scaled by the exponential."""
    return root(x)


def _scaling_of_bi(x: Any) -> Any:
    return where(less(0.0, x), root(where(less(0.0, x), x, 1.0)), 0.0)


airye: tuple[Primitive, ...] = results(
    "airye",
    tuple(f"{name}_scaled" for name in _AIRY),
    (
        lambda y, x: (lambda: airye[1](x) + _scaling(x) * y,),
        lambda y, x: (lambda: x * airye[0](x) + _scaling(x) * y,),
        lambda y, x: (lambda: airye[3](x) - _scaling_of_bi(x) * y,),
        lambda y, x: (lambda: x * airye[2](x) - _scaling_of_bi(x) * y,),
    ),
    POSITIVE,
)

# Struve functions


def _struve_term(v: Any, x: Any) -> Any:
    """Return (x / 2)**v / (sqrt(pi) gamma(v + 3/2))."""
    return exp(xlogy(v, 0.5 * x) - gammaln(v + 1.5)) / sqrt(pi)


def _struve(name: str, above: float) -> Primitive:
    def slope(v: Any, x: Any) -> Any:
        neighbours = primitive(v - 1.0, x) + above * primitive(v + 1.0, x)
        return 0.5 * (neighbours + _struve_term(v, x))

    partials: Any = lambda y, v, x: (refused(name, "its order v"), lambda: slope(v, x))  # noqa: E731
    primitive = special(name, partials, _ORDER, POSITIVE)
    return primitive


struve: Primitive = _struve("struve", -1.0)
modstruve: Primitive = _struve("modstruve", 1.0)

# Kelvin functions: w'' = i w - w' / x


def _alternating(x: Any, coefficients: Sequence[float]) -> Any:
    """Return the sum of (-1)**k c_k (x / 2)**(4 k)."""
    square = 0.25 * (x * x)
    total: Any = 0.0 * x
    for coefficient in reversed(coefficients):
        total = coefficient - total * (square * square)
    return total


_KELVIN_TERMS = range(1, 7)  # enough for abs(x) up to 1
_BER = [-k / factorial(2 * k) ** 2 for k in _KELVIN_TERMS]
_BEI = [(2 * k - 1) / (2.0 * factorial(2 * k - 1) ** 2) for k in _KELVIN_TERMS]


def _berp_over_x(y: Any, x: Any) -> Any:
    near = less(absolute(x), 1.0)
    around_zero = 0.25 * (x * x) * _alternating(where(near, x, 0.0), _BER)
    return where(near, around_zero, y / where(near, 1.0, x))


def _beip_over_x(y: Any, x: Any) -> Any:
    near = less(absolute(x), 1.0)
    return where(near, _alternating(where(near, x, 0.0), _BEI), y / where(near, 1.0, x))


ber: Primitive = special("ber", lambda y, x: (lambda: berp(x),), ANYWHERE)
bei: Primitive = special("bei", lambda y, x: (lambda: beip(x),), ANYWHERE)
ker: Primitive = special("ker", lambda y, x: (lambda: kerp(x),), POSITIVE)
kei: Primitive = special("kei", lambda y, x: (lambda: keip(x),), POSITIVE)
berp: Primitive = special("berp", lambda y, x: (lambda: -bei(x) - _berp_over_x(y, x),), ANYWHERE)
beip: Primitive = special("beip", lambda y, x: (lambda: ber(x) - _beip_over_x(y, x),), ANYWHERE)
kerp: Primitive = special("kerp", lambda y, x: (lambda: -kei(x) - y / x,), POSITIVE)
keip: Primitive = special("keip", lambda y, x: (lambda: ker(x) - y / x,), POSITIVE)

# Parabolic cylinder functions: each with its slope


def _cylinder(name: str, second: Any) -> tuple[Primitive, ...]:
    members = results(
        name,
        (name, f"{name}_slope"),
        (
            lambda y, v, x: (refused(name, "its parameter"), lambda: members[1](v, x)),
            lambda y, v, x: (
                refused(name, "its parameter"),
                lambda: second(v, x) * members[0](v, x),
            ),
        ),
        _ORDER,
        ANYWHERE,
        native=False,
    )
    return members


_cylinder("pbdv", lambda v, x: 0.25 * (x * x) - v - 0.5)
_cylinder("pbvv", lambda v, x: 0.25 * (x * x) - v - 0.5)
_cylinder("pbwa", lambda a, x: a - 0.25 * (x * x))

# Integrals from 0 to x, and of what is divided by x once more


def _minus(function: Any) -> Any:
    return lambda x: -function(x)


def _over_x(function: Any) -> Any:
    return lambda x: function(x) / x


def _integrals(name: str, *integrands: Any) -> None:
    members = tuple(f"{name}_{k}" for k in range(len(integrands)))
    partials = [(lambda y, x, f=f: (lambda: f(x),)) for f in integrands]
    results(name, members, partials, (0.1, 2.0))


_integrals("itairy", airy[0], airy[2], lambda x: airy[0](-x), lambda x: airy[2](-x))
_integrals("iti0k0", i0, k0)
_integrals("itj0y0", j0, y0)
_integrals("it2j0y0", lambda x: (1.0 - j0(x)) / x, _minus(_over_x(y0)))
_integrals("it2i0k0", lambda x: (i0(x) - 1.0) / x, _minus(_over_x(k0)))
special("itstruve0", lambda y, x: (lambda: struve(0.0, x),), POSITIVE)
special("it2struve0", lambda y, x: (lambda: -struve(0.0, x) / x,), POSITIVE)
special("itmodstruve0", lambda y, x: (lambda: modstruve(0.0, x),), POSITIVE)

besselpoly: Primitive = special(
    "besselpoly",
    lambda y, a, lmb, nu: (
        lambda: (jv(nu, 2.0 * a) - (lmb + 1.0) * y) / a,
        refused("besselpoly", "its power lmb"),
        refused("besselpoly", "its order nu"),
    ),
    POSITIVE,
    (0.5, 2.0),
    _ORDER,
)
