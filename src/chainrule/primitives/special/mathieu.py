"""Mathieu functions by their last argument: solutions of y'' = -(a - 2 q cos(2x)) y."""

from __future__ import annotations

from math import pi
from typing import Any

from ...graph.node import Primitive
from ..elementwise import cos, cosh
from .declaration import POSITIVE, refused, results, special

_WHOLE_ORDER = (1, 4)
_RADIANS = pi / 180.0


def _characteristic(name: str) -> Primitive:
    """Declare the a of the equation, as a function of order and q."""
    partials: Any = lambda y, m, q: (  # noqa: E731
        refused(name, "its order m"),
        refused(name, "its parameter q"),
    )
    return special(name, partials, _WHOLE_ORDER, POSITIVE)


mathieu_a: Primitive = _characteristic("mathieu_a")
mathieu_b: Primitive = _characteristic("mathieu_b")


def _angular(name: str, value_of_a: Primitive) -> None:
    """Declare a periodic function of x in degrees, and its slope by x in radians."""

    def partials_of(slope: Any) -> Any:
        return lambda y, m, q, x: (
            refused(name, "its order m"),
            refused(name, "its parameter q"),
            lambda: _RADIANS * slope(m, q, x),
        )

    def second(m: Any, q: Any, x: Any) -> Any:
        stiffness = value_of_a(m, q) - 2.0 * q * cos(2.0 * _RADIANS * x)
        return -stiffness * members[0](m, q, x)

    first: Any = lambda m, q, x: members[1](m, q, x)  # noqa: E731
    members: tuple[Primitive, ...] = results(
        name,
        (name, f"{name}_slope"),
        (partials_of(first), partials_of(second)),
        _WHOLE_ORDER,
        POSITIVE,
        (10.0, 80.0),
        native=False,
    )


def _radial(name: str, value_of_a: Primitive) -> None:
    """Declare a modified function, of an imaginary angle, and its slope."""

    def partials_of(slope: Any) -> Any:
        return lambda y, m, q, x: (
            refused(name, "its order m"),
            refused(name, "its parameter q"),
            lambda: slope(m, q, x),
        )

    def second(m: Any, q: Any, x: Any) -> Any:
        stiffness = value_of_a(m, q) - 2.0 * q * cosh(2.0 * x)
        return stiffness * members[0](m, q, x)

    first: Any = lambda m, q, x: members[1](m, q, x)  # noqa: E731
    members: tuple[Primitive, ...] = results(
        name,
        (name, f"{name}_slope"),
        (partials_of(first), partials_of(second)),
        _WHOLE_ORDER,
        POSITIVE,
        (0.5, 1.5),
        native=False,
    )


_angular("mathieu_cem", mathieu_a)
_angular("mathieu_sem", mathieu_b)
_radial("mathieu_modcem1", mathieu_a)
_radial("mathieu_modcem2", mathieu_a)
_radial("mathieu_modsem1", mathieu_b)
_radial("mathieu_modsem2", mathieu_b)
