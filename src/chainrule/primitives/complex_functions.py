"""Functions of complex numbers that are compositions only where their argument is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.node import Primitive
from .complex_numbers import complex_, imag, real
from .declare import elementwise
from .elementwise import cosh, sqrt


def _holomorphic(name: str, slope: Callable[[Any, Any], Any], doc: str) -> Primitive:
    """Declare NumPy's function of this name with its derivative, ``slope(y, x)``."""
    return elementwise(
        f"complex_{name}",
        lambda xp, x: getattr(xp, name)(x),
        lambda y, x: (slope(y, x),),
        kinds="c",
        family="complex",
        doc=doc,
    )


def _both_legs(x: Any) -> Any:
    """Return the root of 1 - x**2 that is cut along |x| > 1, as two roots.

    On the cut the sign of a zero says on which side: 1 - x would lose it, and 1 + x that of -0.
    """
    return sqrt(-(x - 1.0)) * sqrt(x - -1.0)


def _times_i(x: Any) -> Any:
    """Return ix, with the signs of zeros."""
    return complex_(-imag(x), real(x))


BY_NAME: dict[str, Primitive] = {
    name: _holomorphic(name, slope, doc)
    for name, slope, doc in (
        ("tan", lambda y, x: 1.0 + y * y, "Finite where sin / cos overflows."),
        ("sinh", lambda y, x: cosh(x), "Exact at the zeros of cosh, too."),
        ("arcsin", lambda y, x: 1.0 / _both_legs(x), "Cut along |x| > 1."),
        ("arccos", lambda y, x: -1.0 / _both_legs(x), "Cut along |x| > 1."),
        ("arctan", lambda y, x: 1.0 / (1.0 + x * x), "Cut along iy, |y| > 1."),
        ("arcsinh", lambda y, x: 1.0 / _both_legs(_times_i(x)), "Cut along iy, |y| > 1."),
        ("arccosh", lambda y, x: 1.0 / (sqrt(x - 1.0) * sqrt(x - -1.0)), "Cut along x < 1."),
        ("arctanh", lambda y, x: 1.0 / (1.0 - x * x), "Cut along |x| > 1."),
    )
}
"""NumPy's functions by their names."""
