"""Lambert's function on its real branches, and Wright's omega."""

from __future__ import annotations

from typing import Any

from ...graph.node import Primitive
from ..elementwise import cos, exp, sin
from .declaration import POSITIVE, formula, scipy_special, special


def _slope_of_branch(k: Any, x: Any) -> tuple[Any, Any]:
    """Return both parts of the derivative 1 / (exp(w) (1 + w)), where w is u + iv."""
    u, v = lambertw_real(k, x), lambertw_imag(k, x)
    real = cos(v) * (1.0 + u) - sin(v) * v
    imag = sin(v) * (1.0 + u) + cos(v) * v
    scale = exp(-u) / (real * real + imag * imag)
    return scale * real, -scale * imag


lambertw_real: Primitive = formula(
    "lambertw_real",
    lambda _xp, k, x: scipy_special.lambertw(x, k).real,
    lambda u, k, x: (None, lambda: _slope_of_branch(k, x)[0]),
    (0, 0),
    POSITIVE,
)
lambertw_imag: Primitive = formula(
    "lambertw_imag",
    lambda _xp, k, x: scipy_special.lambertw(x, k).imag,
    lambda v, k, x: (None, lambda: _slope_of_branch(k, x)[1]),
    (0, 0),
    POSITIVE,
)
wrightomega: Primitive = special("wrightomega", lambda w, z: (lambda: w / (1.0 + w),), (-3.0, 3.0))
