"""Spherical Bessel functions, by recurrences that divide by nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.node import REFERENCE, Primitive
from ..declare import Ufunc
from ..elementwise import maximum
from .declaration import POSITIVE, formula, refused, scipy_special

Slope = Callable[[Any, Any], Any]


def _value(name: str, sign: float | None) -> Callable[..., Any]:
    """Return the value; natively that of -z from z, times a sign that changes with the order."""
    source = Ufunc("scipy.special._ufuncs", f"_{name}", whole=1)

    def evaluate(xp: Any, n: Any, z: Any) -> Any:
        if sign is None or xp is REFERENCE:
            return getattr(scipy_special, name)(n, z)
        odd = n - 2.0 * xp.floor(0.5 * n)
        mirrored = sign * (1.0 - 2.0 * odd)
        return xp.loop(source, n, xp.abs(z)) * xp.where(z < 0.0, mirrored, 1.0)

    return evaluate


def _spherical(
    name: str, below: float, above: float, sign: float | None
) -> tuple[Primitive, Slope]:
    """Declare f with (2n + 1) f_n' = below * n f_(n-1) + above * (n + 1) f_(n+1).

    The sign is that of ``f_0(-z) / f_0(z)``, None where that is no number of size 1.
    """

    def slope(n: Any, z: Any) -> Any:
        lower = below * n * primitive(maximum(n - 1, 0), z)
        return (lower + above * (n + 1.0) * primitive(n + 1, z)) / (2.0 * n + 1.0)

    def partials(_y: Any, n: Any, z: Any) -> Any:
        return refused(name, "its order n"), lambda: slope(n, z)

    primitive = formula(name, _value(name, sign), partials, (0, 5), POSITIVE, whole=1)
    return primitive, slope


SPHERICAL = {
    "spherical_jn": _spherical("spherical_jn", 1.0, -1.0, 1.0),
    "spherical_yn": _spherical("spherical_yn", 1.0, -1.0, -1.0),
    "spherical_in": _spherical("spherical_in", 1.0, 1.0, 1.0),
    "spherical_kn": _spherical("spherical_kn", -1.0, -1.0, None),
}
spherical_jn = SPHERICAL["spherical_jn"][0]
spherical_in = SPHERICAL["spherical_in"][0]
