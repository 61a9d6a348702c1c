"""Spherical Bessel functions, by recurrences that divide by nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.node import Primitive
from ..elementwise import maximum
from .declaration import POSITIVE, formula, refused, scipy_special

Slope = Callable[[Any, Any], Any]


def _spherical(name: str, below: float, above: float) -> tuple[Primitive, Slope]:
    """Declare f with (2n + 1) f_n' = below * n f_(n-1) + above * (n + 1) f_(n+1)."""

    def slope(n: Any, z: Any) -> Any:
        lower = below * n * primitive(maximum(n - 1, 0), z)
        return (lower + above * (n + 1.0) * primitive(n + 1, z)) / (2.0 * n + 1.0)

    def partials(_y: Any, n: Any, z: Any) -> Any:
        return refused(name, "its order n"), lambda: slope(n, z)

    primitive = formula(
        name, lambda _xp, n, z: getattr(scipy_special, name)(n, z), partials, (0, 5), POSITIVE
    )
    return primitive, slope


SPHERICAL = {
    "spherical_jn": _spherical("spherical_jn", 1.0, -1.0),
    "spherical_yn": _spherical("spherical_yn", 1.0, -1.0),
    "spherical_in": _spherical("spherical_in", 1.0, 1.0),
    "spherical_kn": _spherical("spherical_kn", -1.0, -1.0),
}
spherical_jn = SPHERICAL["spherical_jn"][0]
spherical_in = SPHERICAL["spherical_in"][0]
