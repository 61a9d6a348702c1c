"""Spheroidal wave functions by their last argument: each comes with its slope.

All of them solve ``(1 - x**2) y'' - 2 x y' + (a - c**2 x**2 - m**2 / (1 - x**2)) y = 0``, the
oblate ones with ``-c**2`` for ``c**2``, and the oblate radial ones with ``i x`` for x. Those with a
given characteristic value are no solutions if it is another one, and those of the second kind have
few right digits in SciPy: they have no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.node import Primitive
from .declaration import refused, results, special

_ORDER, _DEGREE, _SIZE = (0, 1), (2, 3), (1.5, 2.5)
_INSIDE, _OUTSIDE = (0.1, 0.8), (1.3, 2.0)


def _refusals(name: str) -> tuple[Any, ...]:
    parameters = ("its order m", "its degree n", "its parameter c")
    return tuple(refused(name, parameter) for parameter in parameters)


def _characteristic_value(name: str) -> Primitive:
    """Declare the a of the equation, as a function of m, n and c."""
    partials: Any = lambda a, m, n, c: _refusals(name)  # noqa: E731
    return special(name, partials, _ORDER, _DEGREE, _SIZE)


_VALUES = {kind: _characteristic_value(f"{kind}_cv") for kind in ("pro", "obl")}


def _curvature(is_oblate: bool, is_radial: bool) -> Callable[..., Any]:
    """Return y'' as a function of a, m, c, x, y and y'."""

    def inside(a: Any, m: Any, c: Any, x: Any, y: Any, slope: Any) -> Any:
        breadth = 1.0 - x * x
        squares = c * c * (x * x)
        constant = a + squares if is_oblate else a - squares
        return (2.0 * x * slope - (constant - m * m / breadth) * y) / breadth

    def around(a: Any, m: Any, c: Any, x: Any, y: Any, slope: Any) -> Any:
        distance = 1.0 + x * x
        return ((a - c * c * (x * x) - m * m / distance) * y - 2.0 * x * slope) / distance

    return around if is_oblate and is_radial else inside


def _spheroidal(kind: str, form: str) -> None:
    """Declare a function and its slope, of which the equation gives the slope."""
    name = f"{kind}_{form}"
    curvature = _curvature(kind == "obl", form != "ang1")

    def slope_of_value(y: Any, m: Any, n: Any, c: Any, x: Any) -> tuple[Any, ...]:
        return *_refusals(name), lambda: members[1](m, n, c, x)

    def slope_of_slope(slope: Any, m: Any, n: Any, c: Any, x: Any) -> tuple[Any, ...]:
        y = members[0](m, n, c, x)
        return *_refusals(name), lambda: curvature(_VALUES[kind](m, n, c), m, c, x, y, slope)

    members = results(
        name, (f"{name}_value", f"{name}_slope"), (slope_of_value, slope_of_slope), _ORDER, _DEGREE,
        _SIZE, _INSIDE if form == "ang1" else _OUTSIDE, native=False,
    )  # fmt: skip


for _kind in ("pro", "obl"):
    for _form in ("ang1", "rad1"):
        _spheroidal(_kind, _form)
