"""Error functions, the normal distribution, Fresnel integrals and the Voigt profile."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ..elementwise import cos, erf, exp, less, sin, where
from .declaration import ANYWHERE, POSITIVE, UNIT, formula, results, scipy_special, special

_ROOT_PI = sqrt(pi)
_ROOT_TWO_PI = sqrt(2.0 * pi)

erfcx: Primitive = special("erfcx", lambda y, x: (lambda: 2.0 * x * y - 2.0 / _ROOT_PI,), ANYWHERE)
erfi: Primitive = special("erfi", lambda y, x: (lambda: 2.0 / _ROOT_PI * exp(x * x),), ANYWHERE)
dawsn: Primitive = special("dawsn", lambda y, x: (lambda: 1.0 - 2.0 * x * y,), ANYWHERE)
erfinv: Primitive = special(
    "erfinv", lambda y, x: (lambda: 0.5 * _ROOT_PI * exp(y * y),), (-0.95, 0.95)
)
erfcinv: Primitive = special(
    "erfcinv", lambda y, x: (lambda: -0.5 * _ROOT_PI * exp(y * y),), (0.05, 1.95)
)

# The normal distribution


def normal_density(x: Any) -> Any:
    """Return exp(-x**2 / 2) / sqrt(2 pi)."""
    return exp(-0.5 * (x * x)) / _ROOT_TWO_PI


def _mills_ratio(x: Any) -> Any:
    """Return P(X < x) over the density at x, with all digits at either end."""
    return sqrt(0.5 * pi) * erfcx(x * -sqrt(0.5))


ndtr: Primitive = special("ndtr", lambda y, x: (lambda: normal_density(x),), ANYWHERE)
log_ndtr: Primitive = special(
    "log_ndtr", lambda y, x: (lambda: 1.0 / _mills_ratio(x),), (-30.0, 3.0)
)
ndtri: Primitive = special("ndtri", lambda x, p: (lambda: 1.0 / normal_density(x),), UNIT)
ndtri_exp: Primitive = special("ndtri_exp", lambda x, y: (lambda: _mills_ratio(x),), (-30.0, -0.1))
owens_t: Primitive = special(
    "owens_t",
    lambda y, h, a: (
        lambda: -0.5 * normal_density(h) * erf(a * h * sqrt(0.5)),
        lambda: exp(-0.5 * (h * h) * (1.0 + a * a)) / (2.0 * pi * (1.0 + a * a)),
    ),
    ANYWHERE,
    ANYWHERE,
)

# Fresnel integrals: the sine's first

results(
    "fresnel",
    ("fresnel_s", "fresnel_c"),
    (
        lambda y, x: (lambda: sin(0.5 * pi * (x * x)),),
        lambda y, x: (lambda: cos(0.5 * pi * (x * x)),),
    ),
    ANYWHERE,
)

# The Faddeeva function w(x + iy) as two real ones; w' is -2 z w + 2i / sqrt(pi)


def _faddeeva(x: Any, y: Any) -> Any:
    return scipy_special.wofz(np.asarray(x) + 1j * np.asarray(y))


def _slope_parts(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the real and the imaginary part of w'."""
    u, v = faddeeva_real(x, y), faddeeva_imag(x, y)
    return -2.0 * (x * u - y * v), 2.0 / _ROOT_PI - 2.0 * (x * v + y * u)


faddeeva_real: Primitive = formula(
    "faddeeva_real",
    lambda _xp, x, y: _faddeeva(x, y).real,
    lambda u, x, y: (lambda: _slope_parts(x, y)[0], lambda: -_slope_parts(x, y)[1]),
    ANYWHERE,
    POSITIVE,
)
faddeeva_imag: Primitive = formula(
    "faddeeva_imag",
    lambda _xp, x, y: _faddeeva(x, y).imag,
    lambda v, x, y: (lambda: _slope_parts(x, y)[1], lambda: _slope_parts(x, y)[0]),
    ANYWHERE,
    POSITIVE,
)


def _voigt_slopes(v: Any, x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any, Any]:
    """Return the derivatives of Re w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (s sigma)."""
    width = sqrt(2.0) * sigma
    real, imag = _slope_parts(x / width, gamma / width)
    real, imag = real / (width * width * _ROOT_PI), imag / (width * width * _ROOT_PI)
    return real, -v / sigma - (x * real - gamma * imag) / sigma, -imag


voigt_profile: Primitive = special(
    "voigt_profile",
    lambda v, x, sigma, gamma: (
        lambda: _voigt_slopes(v, x, sigma, gamma)[0],
        lambda: _voigt_slopes(v, x, sigma, gamma)[1],
        lambda: _voigt_slopes(v, x, sigma, gamma)[2],
    ),
    ANYWHERE,
    POSITIVE,
    POSITIVE,
)

# Kolmogorov's distribution of the largest difference


def _kolmogorov_slope(x: Any) -> Any:
    """Return the derivative of P(K > x), by the series for large x and that for small x."""
    large = less(0.8, x)
    near, far = where(large, 0.8, x), where(large, x, 0.8)
    total: Any = 0.0
    for k in range(6, 0, -1):
        total = total + (-1.0) ** k * 8.0 * k * k * far * exp(-2.0 * k * k * (far * far))
    below: Any = 0.0
    square = where(less(0.0, near), near * near, 1.0)
    for k in range(6, 0, -1):
        rate = (2.0 * k - 1.0) ** 2 * pi * pi / 8.0
        below = below + (1.0 - 2.0 * rate / square) * exp(-rate / square)
    below = _ROOT_TWO_PI / square * below
    return where(large, total, where(less(0.0, near), below, 0.0))


kolmogorov: Primitive = special(
    "kolmogorov", lambda y, x: (lambda: _kolmogorov_slope(x),), (0.3, 2.0)
)
kolmogi: Primitive = special("kolmogi", lambda x, p: (lambda: 1.0 / _kolmogorov_slope(x),), UNIT)
