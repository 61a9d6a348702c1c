"""The gamma function, its logarithm and reciprocal, and what is made of them."""

from __future__ import annotations

from math import pi
from typing import Any

from ...graph.node import Primitive
from ..elementwise import absolute, cos, floor, less, sin, where
from .declaration import ANYWHERE, POSITIVE, special
from .zeta import polygamma

_ABOVE_ONE = (1.1, 5.0)

digamma: Primitive = special("psi", lambda y, x: (lambda: polygamma(1.0, x),), POSITIVE)
gammaln: Primitive = special("gammaln", lambda y, x: (lambda: digamma(x),), POSITIVE)
loggamma: Primitive = special("loggamma", lambda y, x: (lambda: digamma(x),), POSITIVE)
gamma: Primitive = special("gamma", lambda y, x: (lambda: y * digamma(x),), POSITIVE)
gammasgn: Primitive = special("gammasgn", None, ANYWHERE)


def _rgamma_slope(y: Any, x: Any) -> Any:
    """Return the derivative of 1 / gamma(x), which is finite at the poles of gamma.

    Left of 1/2 by reflection: 1 / gamma(x) is sin(pi x) gamma(1 - x) / pi.
    """
    left = less(x, 0.5)
    mirrored = 1.0 - where(left, x, 0.0)
    nearest = floor(mirrored + 0.5)  # sin(pi x) from the distance to the nearest zero
    angle = pi * (mirrored - nearest)
    sign = 1.0 - 2.0 * absolute(nearest - 2.0 * floor(0.5 * nearest))
    reflected = sign * gamma(mirrored) * (cos(angle) + sin(angle) * digamma(mirrored) / pi)
    return where(left, -reflected, -y * digamma(where(left, 1.0, x)))


rgamma: Primitive = special("rgamma", lambda y, x: (lambda: _rgamma_slope(y, x),), ANYWHERE)
betaln: Primitive = special(
    "betaln",
    lambda y, a, b: (lambda: digamma(a) - digamma(a + b), lambda: digamma(b) - digamma(a + b)),
    POSITIVE,
    POSITIVE,
)
beta: Primitive = special(
    "beta",
    lambda y, a, b: (
        lambda: y * (digamma(a) - digamma(a + b)),
        lambda: y * (digamma(b) - digamma(a + b)),
    ),
    POSITIVE,
    POSITIVE,
)
poch: Primitive = special(
    "poch",
    lambda y, z, m: (lambda: y * (digamma(z + m) - digamma(z)), lambda: y * digamma(z + m)),
    POSITIVE,
    POSITIVE,
)
binom: Primitive = special(
    "binom",
    lambda y, n, k: (
        lambda: y * (digamma(n + 1.0) - digamma(n - k + 1.0)),
        lambda: y * (digamma(n - k + 1.0) - digamma(k + 1.0)),
    ),
    (5.1, 9.0),
    _ABOVE_ONE,
)
