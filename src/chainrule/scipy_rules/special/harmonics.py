"""Spherical harmonics by their angles."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from ...primitives.complex_numbers import complex_
from ...primitives.special.polynomials import lpmv_of_angle
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...trace.operands import record
from ...trace.tracer import ArrayTracer
from ..arrays import asarray, refuse


@intercepts("scipy.special", "sph_harm_y")
def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """Return both parts of the function, by the associated Legendre function of the angle.

    That of -m is the conjugate of that of m, times (-1)**m.
    """
    if is_traced((n, m)) or diff_n or np.any(np.less(n, 0)):
        refuse("scipy.special.sph_harm_y", "only known n >= 0 and m, and diff_n=0, are supported")
    n, m = np.asarray(n), np.asarray(m)
    order = np.abs(m)
    with np.errstate(all="ignore"):
        log_ratio = scipy.special.gammaln(n - order + 1.0) - scipy.special.gammaln(n + order + 1.0)
        scale = np.sqrt((2.0 * n + 1.0) / (4.0 * np.pi) * np.exp(log_ratio))
    scale = np.where(order > n, 0.0, np.where((m < 0) & (order % 2 == 1), -scale, scale))
    size = scale * record(lpmv_of_angle, order + 0.0, n + 0.0, asarray(theta, float))
    angle = m * asarray(phi, float)
    cosine, sine = np.cos(angle), np.sin(angle)
    return ArrayTracer(complex_((size * cosine).node, (size * sine).node))
