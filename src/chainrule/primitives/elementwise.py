"""Elementwise primitives: one declaration each, the derivative on the line after the value."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, pi
from typing import Any

import numpy as np

from ..graph.node import Node, Primitive
from .complex_numbers import conj
from .declare import broadcast_like, elementwise, unbroadcast

_ANY = (-3.0, 3.0)
_POSITIVE = (0.1, 4.0)
_LARGE = (-700.0, -40.0, 0.0, 40.0, 700.0)

# Arithmetic

add: Primitive = elementwise(
    "add",
    lambda xp, x, y: x + y,
    lambda z, x, y: (1.0, 1.0),
    domain=(_ANY, _ANY),
    kinds="fi",
)
sub: Primitive = elementwise(
    "sub",
    lambda xp, x, y: x - y,
    lambda z, x, y: (1.0, -1.0),
    domain=(_ANY, _ANY),
    kinds="fi",
)
mul: Primitive = elementwise(
    "mul",
    lambda xp, x, y: x * y,
    lambda z, x, y: (y, x),
    domain=(_ANY, _ANY),
    kinds="fi",
)
div: Primitive = elementwise(
    "div",
    lambda xp, x, y: x / y,
    lambda z, x, y: (lambda: 1.0 / y, lambda: -z / y),
    domain=(_ANY, _POSITIVE),
)
neg: Primitive = elementwise("neg", lambda xp, x: -x, lambda y, x: (-1.0,), kinds="fi")
power: Primitive = elementwise(
    "power",
    lambda xp, x, y: xp.power(x, y),
    lambda z, x, y: (lambda: power_by_base(x, y), lambda: power_by_exponent(z, x, y)),
    domain=(_POSITIVE, _ANY),
    doc="x**y. The derivative by y needs x > 0, and is nan for negative x.",
)


def power_by_base(x: Any, y: Any) -> Any:
    """Return y x**(y-1), and 0 for y = 0 whatever x is."""
    below = power(x, y - 1.0)
    if _has_no_zero(y):
        return y * below
    # 0 / x of an x that is 0 or nan: 0 as well, but by y it goes on rising, as 1 / x does
    odd = bitwise_and(equal(y, 0.0), equal(less(absolute(below), inf), False))
    return where(odd, sqrt(y), y * below)


def power_by_exponent(z: Any, x: Any, y: Any) -> Any:
    """Return z log(x), and 0 where z is 0, though log(x) may be infinite."""
    # 0**y log(0): by x it falls without end for y <= 1, as -sqrt(x) does, and is flat for y > 1
    steep = bitwise_and(equal(x, 0.0), less_equal(y, 1.0))
    return where(equal(z, 0.0), where(steep, -sqrt(x), 0.0), z * log(x))


absolute: Primitive = elementwise(
    "abs",
    lambda xp, x: xp.absolute(x),
    lambda y, x: (_abs_slope(y, x),),
    kinds="fi",
    doc="Derivative 0 at 0, the middle of the subdifferential [-1, 1].",
)


def _abs_slope(y: Any, x: Any) -> Any:
    """Return sign(x); of a complex number its conjugate."""
    if x.dtype.kind != "c":
        return sign(x)
    return conj(x) / where(equal(y, 0.0), y.dtype.type(1), y)


remainder: Primitive = elementwise(
    "remainder",
    lambda xp, x, y: xp.remainder(x, y),
    lambda z, x, y: (1.0, lambda: -floor(x / y)),
    domain=(_ANY, _POSITIVE),
    kinds="fi",
)
floor_divide: Primitive = elementwise(
    "floor_divide", lambda xp, x, y: xp.floor_divide(x, y), domain=(_ANY, _POSITIVE), kinds="fi"
)
sign: Primitive = elementwise("sign", lambda xp, x: xp.sign(x), kinds="fi")
floor: Primitive = elementwise("floor", lambda xp, x: xp.floor(x))
rint: Primitive = elementwise("rint", lambda xp, x: xp.rint(x), doc="To the nearest, ties to even.")

# Exponentials and logarithms

exp: Primitive = elementwise(
    "exp", lambda xp, x: xp.exp(x), lambda y, x: (y,), extremes=(-700.0, -40.0, 0.0, 40.0, 700.0)
)
expm1: Primitive = elementwise(
    "expm1",
    lambda xp, x: xp.expm1(x),
    lambda y, x: (exp(x),),  # not y + 1: it is 0 to few digits where x is very negative
    extremes=_LARGE,
)
log: Primitive = elementwise(
    "log", lambda xp, x: xp.log(x), lambda y, x: (1.0 / x,), domain=(_POSITIVE,)
)
log1p: Primitive = elementwise(
    "log1p", lambda xp, x: xp.log1p(x), lambda y, x: (1.0 / (1.0 + x),), domain=((-0.9, 4.0),)
)
sqrt: Primitive = elementwise(
    "sqrt",
    lambda xp, x: xp.sqrt(x),
    lambda y, x: (0.5 / y,),
    slopes={
        # sqrt(x) has the value 0 there, and a slope that says: no second derivative
        "norm": lambda y, x: (where(equal(y, 0.0), sqrt(x), 0.5 / y),),
    },
    domain=(_POSITIVE,),
    doc="Derivative infinite at 0; with slope='norm', the root of a sum of squares, it is 0.",
)
cbrt: Primitive = elementwise(
    "cbrt", lambda xp, x: xp.cbrt(x), lambda y, x: (1.0 / (3.0 * y * y),), domain=(_POSITIVE,)
)
logaddexp: Primitive = elementwise(
    "logaddexp",
    lambda xp, x, y: xp.logaddexp(x, y),
    lambda z, x, y: (lambda: logistic(gap(x, y)), lambda: logistic(gap(y, x))),
    domain=(_ANY, _ANY),
    extremes=_LARGE,
    doc="log(e**x + e**y) without overflow. Derivatives: the softmax of (x, y).",
)


def gap(x: Any, y: Any) -> Any:
    """Return `x - y`, and 0 where both are the same infinity."""
    same_infinity = bitwise_and(equal(x, y), equal(absolute(x), inf))
    return where(same_infinity, 0.0, x - y)


def _logistic(xp: Any, x: Any) -> Any:
    e = xp.exp(-xp.abs(x))  # never overflows; for x < 0 the numerator carries the smallness
    return xp.where(x >= 0, 1.0, e) / (1.0 + e)


logistic: Primitive = elementwise(
    "logistic",
    _logistic,
    lambda y, x: (y * (1.0 - y),),
    slopes={"exact": lambda y, x: (y * logistic(-x, slope="exact"),)},
    extremes=_LARGE,
    doc="1 / (1 + e**-x), without overflow on either side. The derivative needs y only, and is 0 "
    "where y rounds to 1; with slope='exact' it keeps its digits there.",
)
# Circular and hyperbolic functions

sin: Primitive = elementwise("sin", lambda xp, x: xp.sin(x), lambda y, x: (cos(x),))
cos: Primitive = elementwise("cos", lambda xp, x: xp.cos(x), lambda y, x: (-sin(x),))
arctan2: Primitive = elementwise(
    "arctan2",
    lambda xp, y, x: xp.arctan2(y, x),
    lambda z, y, x: _over_square(x, -y, hypot(x, y), x, y),
    domain=(_POSITIVE, _ANY),
    doc="The angle of (x, y). At the origin both derivatives are 0: it has none.",
)


def _over_square(p: Any, q: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return p / z**2 and q / z**2, where z**2 may overflow."""
    return (
        lambda: _but_at_origin(p / z / z, p, z, x, y),
        lambda: _but_at_origin(q / z / z, q, z, x, y),
    )


def _but_at_origin(slope: Any, zero: Any, z: Any, x: Any, y: Any) -> Any:
    """Return the slope, and 0 where z is 0; `zero` is an expression that is 0 there."""
    if _has_no_zero(x) or _has_no_zero(y):
        return slope
    # the root of what is 0 says by its own slope: there is no second derivative
    return where(equal(z, 0.0), sqrt(zero), slope)


def _has_no_zero(x: Any) -> bool:
    """Return whether it is known that no entry is 0."""
    value = x.value if isinstance(x, Node) else x
    return value is not None and bool(np.all(value))


hypot: Primitive = elementwise(
    "hypot",
    lambda xp, x, y: xp.hypot(x, y),
    lambda z, x, y: (
        lambda: _but_at_origin(x / z, x, z, x, y),
        lambda: _but_at_origin(y / z, y, z, x, y),
    ),
    domain=(_POSITIVE, _ANY),
    doc="The length of (x, y). At the origin both derivatives are 0, amid those around it.",
)
cosh: Primitive = elementwise(
    "cosh",
    lambda xp, x: xp.cosh(x),
    lambda y, x: (y * tanh(x),),  # sinh, without the cancellation of e**x - e**-x
)
tanh: Primitive = elementwise(
    "tanh",
    lambda xp, x: xp.tanh(x),
    lambda y, x: (1.0 - y * y,),
    extremes=(-300.0, -20.0, 0.0, 20.0, 300.0),
)
arcsinh: Primitive = elementwise(
    "arcsinh", lambda xp, x: xp.arcsinh(x), lambda y, x: (1.0 / hypot(x, 1.0),)
)
erf: Primitive = elementwise(
    "erf", lambda xp, x: xp.erf(x), lambda y, x: (2.0 / pi**0.5 * exp(-(x * x)),)
)
erfc: Primitive = elementwise(
    "erfc",
    lambda xp, x: xp.erfc(x),
    lambda y, x: (-2.0 / pi**0.5 * exp(-(x * x)),),
    doc="1 - erf(x), of which erf itself has no digits left for large x.",
)

# Choice and comparison

maximum: Primitive = elementwise(
    "maximum",
    lambda xp, x, y: xp.maximum(x, y),
    lambda z, x, y: (lambda: _tie_weight(x, y, z), lambda: _tie_weight(y, x, z)),
    domain=(_ANY, _ANY),
    kinds="fi",
    doc="Ties share the derivative, half each.",
)
minimum: Primitive = elementwise(
    "minimum",
    lambda xp, x, y: xp.minimum(x, y),
    lambda z, x, y: (lambda: _tie_weight(x, y, z), lambda: _tie_weight(y, x, z)),
    domain=(_ANY, _ANY),
    kinds="fi",
)


def _tie_weight(x: Any, other: Any, chosen: Any) -> Any:
    """Return 1 where `x` was chosen, 1/2 where both are equal, else 0; nan counts as chosen."""
    unit, zero = chosen.dtype.type(1), chosen.dtype.type(0)
    mine = where(bitwise_or(equal(x, chosen), not_equal(x, x)), unit, zero)
    theirs = where(bitwise_or(equal(other, chosen), not_equal(other, other)), unit, zero)
    return mine / maximum(mine + theirs, unit)


equal: Primitive = elementwise(
    "equal", lambda xp, x, y: xp.equal(x, y), domain=(_ANY, _ANY), kinds="fib"
)
less: Primitive = elementwise(
    "less", lambda xp, x, y: xp.less(x, y), domain=(_ANY, _ANY), kinds="fi"
)
bitwise_and: Primitive = elementwise(
    "bitwise_and", lambda xp, x, y: xp.bitwise_and(x, y), domain=(_ANY, _ANY), kinds="ib"
)
bitwise_xor: Primitive = elementwise(
    "bitwise_xor", lambda xp, x, y: xp.bitwise_xor(x, y), domain=(_ANY, _ANY), kinds="ib"
)
shift_right: Primitive = elementwise(
    "shift_right", lambda xp, x, y: xp.right_shift(x, y), domain=(_ANY, (0.0, 5.0)), kinds="i"
)


def _where_vjp(
    g: Any, _z: Any, c: Any, x: Any, y: Any, *, needs_input_grad: Sequence[bool], flow: Any = None
) -> list[Any]:
    """Give each side the cotangent where it was selected; `autodiff/flow.py` masks the rest."""
    zero = g.dtype.type(0)
    by_x = unbroadcast(where(c, g, zero), x) if needs_input_grad[1] else None
    return [None, by_x, unbroadcast(where(c, zero, g), y) if needs_input_grad[2] else None]


def _where_jvp(tangents: Sequence[Any], z: Any, c: Any, _x: Any, _y: Any) -> Any:
    t, u = tangents[1:]
    if t is None and u is None:
        return None
    zero = z.dtype.type(0)
    return broadcast_like(where(c, zero if t is None else t, zero if u is None else u), z)


where: Primitive = elementwise(
    "where",
    lambda xp, c, x, y: xp.where(c, x, y),
    rules=(_where_vjp, _where_jvp),
    domain=((-1.0, 1.0), _ANY, _ANY),
    kinds="f",
    doc="Choose by a condition. A derivative comes only from the side that was chosen, whatever "
    "the other one holds: inf and nan do not cross over.",
)


# Compositions that other rules and tables share


def not_equal(x: Any, y: Any) -> Any:
    """Return `x != y`, which is true where either is nan."""
    return equal(equal(x, y), False)


def less_equal(x: Any, y: Any) -> Any:
    """Return `x <= y`, which is false where either is nan."""
    return bitwise_or(less(x, y), equal(x, y))


def bitwise_or(x: Any, y: Any) -> Any:
    """Return `x | y` of integers or truth values."""
    return bitwise_xor(bitwise_xor(x, y), bitwise_and(x, y))


def invert(x: Any) -> Any:
    """Return `~x` of integers or truth values, which reverses their order."""
    return bitwise_xor(x, ~x.dtype.type(0))
