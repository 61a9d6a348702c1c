"""Elliptic integrals and functions, Carlson's forms, the arithmetic-geometric mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

from ...graph.node import Primitive
from ..elementwise import absolute, cos, less, sin, sqrt, where
from .declaration import ANYWHERE, POSITIVE, UNIT, results, special
from .hypergeometric import hyp2f1

# The complete integrals by m: as quotients, and around m = 0, where these lose digits, as series


def _ellipk_slope(m: Any) -> Any:
    near = less(absolute(m), 0.1)
    around_zero = pi / 8.0 * hyp2f1(1.5, 1.5, 2.0, where(near, m, 0.0))
    m = where(near, 0.5, m)
    rest = 1.0 - m
    return where(near, around_zero, (ellipe(m) - rest * ellipk(m)) / (2.0 * m * rest))


def _ellipe_slope(m: Any) -> Any:
    near = less(absolute(m), 0.1)
    around_zero = -pi / 8.0 * hyp2f1(0.5, 1.5, 2.0, where(near, m, 0.0))
    m = where(near, 0.5, m)
    return where(near, around_zero, (ellipe(m) - ellipk(m)) / (2.0 * m))


def _ellipkm1_slope(p: Any) -> Any:
    near = less(absolute(1.0 - p), 0.1)
    around_one = -pi / 8.0 * hyp2f1(1.5, 1.5, 2.0, 1.0 - where(near, p, 1.0))
    p = where(near, 0.5, p)
    quotient = (p * ellipkm1(p) - ellipe(1.0 - p)) / (2.0 * p * (1.0 - p))
    return where(near, around_one, quotient)


ellipk: Primitive = special("ellipk", lambda y, m: (lambda: _ellipk_slope(m),), (-2.0, 0.9))
ellipe: Primitive = special("ellipe", lambda y, m: (lambda: _ellipe_slope(m),), (-2.0, 0.9))
ellipkm1: Primitive = special("ellipkm1", lambda y, p: (lambda: _ellipkm1_slope(p),), UNIT)

# The incomplete ones

_NEAR = 0.03  # of m: from here on quotients lose at most two digits
# (1 - u)**-0.5 and (1 - u)**-1.5 by u
_ROOT_SERIES = (1.0, 0.5, 0.375, 0.3125, 0.2734375, 0.24609375, 0.2255859375, 0.20947265625)
_CUBE_SERIES = (1.0, 1.5, 1.875, 2.1875, 2.4609375, 2.70703125, 2.9326171875, 3.14208984375)


def _series_of_sines(phi: Any, m: Any, coefficients: Sequence[float]) -> Any:
    """Integrate sin(t)**2 (c_0 + c_1 m sin(t)**2 + ...) from 0 to phi."""
    sine, cosine = sin(phi), cos(phi)
    square = sine * sine
    integral, odd_power = phi, sine * cosine  # of sin**(2k), and sin**(2k-1) cos
    total, scale = 0.0 * phi, 1.0 + 0.0 * m
    for k, coefficient in enumerate(coefficients, start=1):
        integral = ((2.0 * k - 1.0) * integral - odd_power) / (2.0 * k)
        odd_power = odd_power * square
        total = total + coefficient * scale * integral
        scale = scale * m
    return total


def _delta(phi: Any, m: Any) -> Any:
    return sqrt(1.0 - m * (sin(phi) * sin(phi)))


def _ellipkinc_by_m(phi: Any, m: Any) -> Any:
    near = less(absolute(m), _NEAR)
    around_zero = 0.5 * _series_of_sines(phi, where(near, m, 0.0), _CUBE_SERIES)
    m = where(near, 0.5, m)
    rest = 1.0 - m
    quotient = ellipeinc(phi, m) / (2.0 * m * rest) - ellipkinc(phi, m) / (2.0 * m)
    quotient = quotient - sin(phi) * cos(phi) / (2.0 * rest * _delta(phi, m))
    return where(near, around_zero, quotient)


def _ellipeinc_by_m(phi: Any, m: Any) -> Any:
    near = less(absolute(m), _NEAR)
    around_zero = -0.5 * _series_of_sines(phi, where(near, m, 0.0), _ROOT_SERIES)
    m = where(near, 0.5, m)
    quotient = (ellipeinc(phi, m) - ellipkinc(phi, m)) / (2.0 * m)
    return where(near, around_zero, quotient)


ellipkinc: Primitive = special(
    "ellipkinc",
    lambda y, phi, m: (lambda: 1.0 / _delta(phi, m), lambda: _ellipkinc_by_m(phi, m)),
    ANYWHERE,
    (-2.0, 0.9),
)
ellipeinc: Primitive = special(
    "ellipeinc",
    lambda y, phi, m: (lambda: _delta(phi, m), lambda: _ellipeinc_by_m(phi, m)),
    ANYWHERE,
    (-2.0, 0.9),
)

# Jacobi's functions of u and m: sn, cn, dn and the amplitude, of which F is the inverse


def _amplitude_by_m(u: Any, m: Any) -> Any:
    return -ellipj[2](u, m) * _ellipkinc_by_m(ellipj[3](u, m), m)


def _dn_by_m(u: Any, m: Any) -> Any:
    sn, cn = ellipj[0](u, m), ellipj[1](u, m)
    return -sn * (0.5 * sn + m * cn * _amplitude_by_m(u, m)) / ellipj[2](u, m)


ellipj: tuple[Primitive, ...] = results(
    "ellipj",
    ("ellipj_sn", "ellipj_cn", "ellipj_dn", "ellipj_am"),
    (
        lambda y, u, m: (
            lambda: ellipj[1](u, m) * ellipj[2](u, m),
            lambda: ellipj[1](u, m) * _amplitude_by_m(u, m),
        ),
        lambda y, u, m: (
            lambda: -ellipj[0](u, m) * ellipj[2](u, m),
            lambda: -ellipj[0](u, m) * _amplitude_by_m(u, m),
        ),
        lambda y, u, m: (
            lambda: -m * ellipj[0](u, m) * ellipj[1](u, m),
            lambda: _dn_by_m(u, m),
        ),
        lambda y, u, m: (lambda: ellipj[2](u, m), lambda: _amplitude_by_m(u, m)),
    ),
    ANYWHERE,
    (0.1, 0.9),
)

# Carlson's forms


def _rd_slope(x: Any, y: Any, z: Any) -> Any:
    """Return the derivative of elliprd by x, which divides by the distance of x from z."""
    return 0.5 * (elliprd(y, z, x) - elliprd(x, y, z)) / (x - z)


def _rd_by_last(value: Any, x: Any, y: Any, z: Any) -> Any:
    """Return that by z, from the degree -3/2 of homogeneity."""
    return (-1.5 * value - x * _rd_slope(x, y, z) - y * _rd_slope(y, x, z)) / z


elliprd: Primitive = special(
    "elliprd",
    lambda v, x, y, z: (
        lambda: _rd_slope(x, y, z),
        lambda: _rd_slope(y, x, z),
        lambda: _rd_by_last(v, x, y, z),
    ),
    POSITIVE,
    POSITIVE,
    (5.0, 7.0),
)
elliprf: Primitive = special(
    "elliprf",
    lambda v, x, y, z: (
        lambda: elliprd(y, z, x) / -6.0,
        lambda: elliprd(x, z, y) / -6.0,
        lambda: elliprd(x, y, z) / -6.0,
    ),
    POSITIVE,
    (5.0, 7.0),
    (8.0, 9.0),
)
elliprc: Primitive = special(
    "elliprc",
    # By y from the degree -1/2 of homogeneity: elliprd(x, y, y) / -3 has no derivative by our rule
    lambda v, x, y: (
        lambda: elliprd(y, y, x) / -6.0,
        lambda: (-0.5 * v + x * elliprd(y, y, x) / 6.0) / y,
    ),
    POSITIVE,
    (5.0, 7.0),
)
elliprg: Primitive = special(
    "elliprg",
    lambda v, x, y, z: (
        lambda: 0.25 * (elliprf(x, y, z) - x / 3.0 * elliprd(y, z, x)),
        lambda: 0.25 * (elliprf(x, y, z) - y / 3.0 * elliprd(x, z, y)),
        lambda: 0.25 * (elliprf(x, y, z) - z / 3.0 * elliprd(x, y, z)),
    ),
    POSITIVE,
    (5.0, 7.0),
    (8.0, 9.0),
)


def _rj_slope(value: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """Return the derivative of elliprj by x, which divides by the distance of x from p."""
    return 0.5 * (elliprd(y, z, x) - value) / (x - p)


def _rj_by_last(value: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """Return that by p, from the degree -3/2 of homogeneity."""
    by_x = x * _rj_slope(value, x, y, z, p)
    by_y = y * _rj_slope(value, y, z, x, p)
    by_z = z * _rj_slope(value, z, x, y, p)
    return (-1.5 * value - by_x - by_y - by_z) / p


elliprj: Primitive = special(
    "elliprj",
    lambda v, x, y, z, p: (
        lambda: _rj_slope(v, x, y, z, p),
        lambda: _rj_slope(v, y, z, x, p),
        lambda: _rj_slope(v, z, x, y, p),
        lambda: _rj_by_last(v, x, y, z, p),
    ),
    (0.1, 1.0),
    (1.2, 2.0),
    (2.2, 3.0),
    (5.0, 7.0),
)


def _agm_slope(a: Any, b: Any) -> Any:
    """Return the derivative by a of pi (a + b) / (4 K(m)), where m is ((a - b) / (a + b))**2."""
    total = a + b
    ratio = (a - b) / total
    m = ratio * ratio
    by_a = 4.0 * b * ratio / (total * total)
    k = ellipk(m)
    return pi / 4.0 * (1.0 / k - total * _ellipk_slope(m) * by_a / (k * k))


agm: Primitive = special(
    "agm",
    lambda v, a, b: (lambda: _agm_slope(a, b), lambda: _agm_slope(b, a)),
    POSITIVE,
    POSITIVE,
)
