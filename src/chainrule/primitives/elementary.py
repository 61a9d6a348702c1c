"""Elementary functions that are compositions of others but for their last digits.

Their values are NumPy's own. The formula of each is for executors that have code for the functions
in it; native code of `log2`, `log10` and `exp2` is exact where the result is a whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log as _ln
from typing import Any

import numpy as np

from ..graph.node import REFERENCE, Primitive
from .declare import Partials, elementwise
from .elementwise import (
    cosh,
    gap,
    logistic,
    power_by_base,
    power_by_exponent,
    sign,
    sqrt,
)

_AROUND_ZERO = (-3.0, 3.0)
_ABOVE_ZERO = (0.1, 4.0)
_INSIDE = (-0.9, 0.9)


def _elementary(
    name: str, formula: Callable[..., Any], partials: Partials, *domain: tuple[float, float]
) -> Primitive:
    def evaluate(xp: Any, *x: Any) -> Any:
        return getattr(np, name)(*x) if xp is REFERENCE else formula(xp, *x)

    return elementwise(name, evaluate, partials, domain=domain, family="special")


# Logarithms and powers

log2: Primitive = _elementary(
    "log2",
    lambda xp, x: xp.log(x) / _ln(2),
    lambda y, x: (lambda: 1.0 / (x * _ln(2)),),
    _ABOVE_ZERO,
)
log10: Primitive = _elementary(
    "log10",
    lambda xp, x: xp.log(x) / _ln(10),
    lambda y, x: (lambda: 1.0 / (x * _ln(10)),),
    _ABOVE_ZERO,
)
exp2: Primitive = _elementary(
    "exp2", lambda xp, x: xp.power(2.0, x), lambda y, x: (lambda: y * _ln(2),), _AROUND_ZERO
)
float_power: Primitive = _elementary(
    "float_power",
    lambda xp, x, y: xp.power(x, y),
    lambda z, x, y: (lambda: power_by_base(x, y), lambda: power_by_exponent(z, x, y)),
    _ABOVE_ZERO,
    _AROUND_ZERO,
)
logaddexp2: Primitive = _elementary(
    "logaddexp2",
    lambda xp, x, y: xp.logaddexp(x * _ln(2), y * _ln(2)) / _ln(2),
    lambda z, x, y: (
        lambda: logistic(gap(x, y) * _ln(2)),
        lambda: logistic(gap(y, x) * _ln(2)),
    ),
    _AROUND_ZERO,
    _AROUND_ZERO,
)

copysign: Primitive = _elementary(
    "copysign",
    lambda xp, x, y: xp.copysign(x, y),
    lambda z, x, y: (lambda: sign(x) * copysign(y.dtype.type(1), y), None),
    _AROUND_ZERO,
    _AROUND_ZERO,
)

# Circular functions


def _other_leg(xp: Any, x: Any) -> Any:
    """Return the leg beside x of a right triangle of hypotenuse 1, exact near both ends."""
    return xp.sqrt(1.0 - x) * xp.sqrt(1.0 + x)


def _leg(x: Any) -> Any:
    # Two roots: of one, (1 - x)(1 + x), the second derivative would be nan at the ends
    return sqrt(1.0 - x) * sqrt(1.0 + x)


tan: Primitive = _elementary(
    "tan", lambda xp, x: xp.sin(x) / xp.cos(x), lambda y, x: (lambda: 1.0 + y * y,), (-1.4, 1.4)
)
arcsin: Primitive = _elementary(
    "arcsin",
    lambda xp, x: xp.arctan2(x, _other_leg(xp, x)),
    lambda y, x: (lambda: 1.0 / _leg(x),),
    _INSIDE,
)
arccos: Primitive = _elementary(
    "arccos",
    lambda xp, x: xp.arctan2(_other_leg(xp, x), x),
    lambda y, x: (lambda: -1.0 / _leg(x),),
    _INSIDE,
)
arctan: Primitive = _elementary(
    "arctan",
    lambda xp, x: xp.arctan2(x, 1.0),
    lambda y, x: (lambda: 1.0 / (1.0 + x * x),),
    _AROUND_ZERO,
)

# Hyperbolic functions

sinh: Primitive = _elementary(
    "sinh", lambda xp, x: xp.cosh(x) * xp.tanh(x), lambda y, x: (lambda: cosh(x),), _AROUND_ZERO
)
arccosh: Primitive = _elementary(
    "arccosh",
    lambda xp, x: xp.arcsinh(xp.sqrt(x - 1.0) * xp.sqrt(x + 1.0)),
    lambda y, x: (lambda: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    (1.1, 4.0),
)
arctanh: Primitive = _elementary(
    "arctanh",
    # the two logarithms have opposite signs: their difference loses nothing
    lambda xp, x: 0.5 * (xp.log1p(x) - xp.log1p(-x)),
    lambda y, x: (lambda: 1.0 / ((1.0 - x) * (1.0 + x)),),
    _INSIDE,
)
