"""NumPy's ufuncs (and scipy.special's) on tracers: a primitive, or a composition of some."""

from __future__ import annotations

from math import pi

import numpy as np

from ..graph.node import CONSTANT, Node, apply
from ..graph.types import is_float
from ..primitives import elementary
from ..primitives import elementwise as ew
from ..primitives.structure import identity
from .tracer import Tracer, traced
from .ufunc_rules import register_primitive, ufunc

for _name in ("exp", "expm1", "log", "log1p", "cbrt", "sin", "cos", "arctan2", "hypot",
              "cosh", "tanh", "arcsinh", "sign", "floor", "rint", "maximum", "minimum",
              "logaddexp", "remainder", "floor_divide", "equal", "less", "bitwise_and",
              "bitwise_xor", "erf", "erfc"):  # fmt: skip
    register_primitive(getattr(ew, _name), _name)
register_primitive(ew.add, "add")
register_primitive(ew.sub, "subtract")
register_primitive(ew.mul, "multiply")
register_primitive(ew.div, "divide", "true_divide")
register_primitive(ew.neg, "negative")
register_primitive(ew.absolute, "absolute")
register_primitive(ew.power, "power")
register_primitive(ew.shift_right, "right_shift")
ufunc("fabs")(ew.absolute)
ufunc("expit")(lambda x: ew.logistic(x, slope="exact"))


def logistic(x: Tracer) -> Tracer:
    """Compute expit with a derivative that needs its value alone, so that x need not be stored."""
    return traced(apply(ew.logistic, (x.node,), {}))


for _name in ("log2", "log10", "exp2", "float_power", "logaddexp2", "tan", "arcsin", "arccos",
              "arctan", "sinh", "arccosh", "arctanh", "copysign"):  # fmt: skip
    ufunc(_name)(getattr(elementary, _name))
ufunc("not_equal")(ew.not_equal)
ufunc("less_equal")(ew.less_equal)
ufunc("bitwise_or")(ew.bitwise_or)
ufunc("invert")(ew.invert)


@ufunc("positive", "conjugate")
def _positive(x: Node) -> Node:
    return identity(x)  # type: ignore[no-any-return]


@ufunc("sqrt")
def root(x: Node) -> Node:
    """Compute the root; of a sum of squares, a norm, it has the slope 0 at 0, as a subgradient."""
    if x.dtype.kind == "c":
        return ew.sqrt(x)  # type: ignore[no-any-return]
    return ew.sqrt(x, slope="norm") if _is_sum_of_squares(x) else ew.sqrt(x)  # type: ignore[no-any-return]


def _is_sum_of_squares(x: Node, depth: int = 8) -> bool:
    """Return whether x was written as a sum of squares, perhaps divided by a number."""
    name = x.primitive.name
    if name == "mul" and x.inputs[0] is x.inputs[1]:
        return True
    if name == "real":
        return _is_sum_of_sizes(x.inputs[0])
    if x.primitive is CONSTANT:
        return bool(np.all(x.value >= 0))
    if depth == 0 or name not in ("add", "sum", "reshape", "cast", "div", "mul", "matmul"):
        return False
    if name == "matmul":
        row, column = x.inputs
        return x.shape == (1, 1) and _before_reshape(row) is _before_reshape(column)
    if name in ("div", "mul"):
        known = x.inputs[1].value if x.inputs[1].primitive is CONSTANT else None
        if known is None or not np.all(known > 0):
            return False
    terms = x.inputs if name == "add" else x.inputs[:1]
    return all(_is_sum_of_squares(term, depth - 1) for term in terms)


def _is_sum_of_sizes(x: Node, depth: int = 8) -> bool:
    """Return whether x was written as a sum of complex numbers times their conjugates."""
    name = x.primitive.name
    if name == "mul" or (name == "matmul" and x.shape == (1, 1)):
        a, b = map(_before_reshape, x.inputs)
        fits = name == "matmul" or x.inputs[0].shape == x.inputs[1].shape
        return fits and (b in _conjugated(a) or a in _conjugated(b))
    terms = x.inputs if name == "add" else x.inputs[:1]
    inside = depth > 0 and name in ("add", "sum", "reshape")
    return inside and all(_is_sum_of_sizes(term, depth - 1) for term in terms)


def _conjugated(x: Node) -> tuple[Node, ...]:
    return x.inputs if x.primitive.name == "conj" else ()


def _before_reshape(x: Node) -> Node:
    return x.inputs[0] if x.primitive.name == "reshape" else x


@ufunc("square")
def square(x: Node) -> Node:
    return ew.mul(x, x)  # type: ignore[no-any-return]


@ufunc("reciprocal")
def reciprocal(x: Node) -> Node:
    if x.dtype.kind in "iu":
        with np.errstate(divide="ignore"):
            of_zero = np.reciprocal(np.zeros(16, x.dtype))[0]  # what the CPU made of infinity
        whole = ew.where(ew.equal(ew.absolute(x), 1), x, 0)
        return ew.where(ew.equal(x, 0), of_zero, whole)  # type: ignore[no-any-return]
    return ew.div(1.0, x)  # type: ignore[no-any-return]


@ufunc("greater")
def _greater(x: Node, y: Node) -> Node:
    return ew.less(y, x)  # type: ignore[no-any-return]


@ufunc("greater_equal")
def _greater_equal(x: Node, y: Node) -> Node:
    return ew.less_equal(y, x)  # type: ignore[no-any-return]


@ufunc("logical_and")
def _logical_and(x: Node, y: Node) -> Node:
    return ew.bitwise_and(truth(x), truth(y))  # type: ignore[no-any-return]


@ufunc("logical_xor")
def _logical_xor(x: Node, y: Node) -> Node:
    return ew.not_equal(truth(x), truth(y))  # type: ignore[no-any-return]


@ufunc("logical_not")
def _logical_not(x: Node) -> Node:
    return ew.equal(truth(x), False)  # type: ignore[no-any-return]


@ufunc("logical_or")
def _logical_or(x: Node, y: Node) -> Node:
    return ew.bitwise_or(truth(x), truth(y))  # type: ignore[no-any-return]


def truth(x: Node) -> Node:
    """Return whether x is not zero, as NumPy's truth value of each entry."""
    return x if x.dtype.kind == "b" else ew.not_equal(x, 0)


@ufunc("isnan")
def _isnan(x: Node) -> Node:
    return ew.not_equal(x, x)  # type: ignore[no-any-return]


@ufunc("isinf")
def _isinf(x: Node) -> Node:
    return ew.equal(ew.absolute(x), np.inf)  # type: ignore[no-any-return]


@ufunc("isfinite")
def _isfinite(x: Node) -> Node:
    return ew.less(ew.absolute(x), np.inf)  # type: ignore[no-any-return]


@ufunc("signbit")
def _signbit(x: Node) -> Node:
    return ew.less(elementary.copysign(x.dtype.type(1), x), 0.0)  # type: ignore[no-any-return]


@ufunc("left_shift")
def left_shift(x: Node, y: Node) -> Node:
    # times a power of two, which is the highest bit moved down; beyond all bits nothing is left
    bits, dtype = 8 * x.dtype.itemsize, x.dtype
    inside = ew.less(y, dtype.type(bits))
    highest = dtype.type(np.iinfo(dtype).min if dtype.kind == "i" else 1 << (bits - 1))
    if dtype.kind == "i":
        inside = ew.bitwise_and(inside, ew.less(dtype.type(-1), y))
    with np.errstate(over="ignore"):
        down = ew.where(inside, dtype.type(bits - 1) - y, dtype.type(0))
        unit = ew.shift_right(highest, down)  # of a signed one the bits above follow
        product = ew.mul(x, ew.neg(unit) if dtype.kind == "i" else unit)
    return ew.where(inside, product, dtype.type(0))  # type: ignore[no-any-return]


@ufunc("ceil")
def ceil(x: Node) -> Node:
    return ew.neg(ew.floor(ew.neg(x))) if is_float(x.dtype) else x


@ufunc("trunc")
def trunc(x: Node) -> Node:
    if not is_float(x.dtype):
        return x
    return ew.where(ew.less(x, 0.0), ceil(x), ew.floor(x))  # type: ignore[no-any-return]


@ufunc("fmod")
def _fmod(x: Node, y: Node) -> Node:
    if not is_float(x.dtype):  # the smallest integer has no size
        rest = ew.remainder(x, y)
        if x.dtype.kind == "u":
            return rest  # type: ignore[no-any-return]
        other = ew.not_equal(ew.less(x, 0), ew.less(y, 0))
        other = ew.bitwise_and(other, ew.not_equal(rest, 0))
        return ew.where(other, rest - y, rest)  # type: ignore[no-any-return]
    # the remainder of the sizes, with the sign of x, also of -0.0
    size = ew.remainder(ew.absolute(x), ew.absolute(y))
    positive = ew.where(ew.equal(x, 0), x - size, size)
    return ew.where(ew.less(x, 0), ew.neg(size), positive)  # type: ignore[no-any-return]


@ufunc("deg2rad", "radians")
def _radians(x: Node) -> Node:
    return ew.mul(x, pi / 180.0)  # type: ignore[no-any-return]


@ufunc("rad2deg", "degrees")
def _degrees(x: Node) -> Node:
    half_circle = x.dtype.type(180)  # over pi in its dtype, as NumPy has it
    return ew.mul(x, half_circle / x.dtype.type(pi))  # type: ignore[no-any-return]


@ufunc("heaviside")
def _heaviside(x: Node, at_zero: Node) -> Node:
    step = ew.where(ew.less(x, 0.0), 0.0, ew.where(ew.equal(x, 0.0), at_zero, 1.0))
    return ew.where(ew.not_equal(x, x), x, step)  # type: ignore[no-any-return]


@ufunc("fmax")
def _fmax(x: Node, y: Node) -> Node:
    return ew.where(  # type: ignore[no-any-return]
        ew.not_equal(x, x), y, ew.where(ew.not_equal(y, y), x, ew.maximum(x, y))
    )


@ufunc("fmin")
def _fmin(x: Node, y: Node) -> Node:
    return ew.where(  # type: ignore[no-any-return]
        ew.not_equal(x, x), y, ew.where(ew.not_equal(y, y), x, ew.minimum(x, y))
    )


@ufunc("clip")
def clip(x: Node, low: Node, high: Node) -> Node:
    return ew.minimum(ew.maximum(x, low), high)  # type: ignore[no-any-return]


@ufunc("log_expit")
def _log_expit(x: Node) -> Node:
    return ew.neg(ew.logaddexp(ew.neg(x), 0.0))  # type: ignore[no-any-return]


@ufunc("xlogy")
def _xlogy(x: Node, y: Node) -> Node:
    """Return x log(y), and 0 at x = 0 where log(y) is infinite or nan, but not y.

    Its slope by x is log(y) everywhere. Where the product would be nan, something else has to have
    the value 0 and that slope: the root of x, whose own is infinite, with the sign of log(y).
    """
    with np.errstate(all="ignore"):
        size = ew.log(y)
        unknown = ew.equal(ew.less(ew.absolute(size), np.inf), False)
        undefined = ew.bitwise_and(ew.bitwise_and(ew.equal(x, 0.0), unknown), ew.equal(y, y))
        unit, zero = x.dtype.type(1), x.dtype.type(0)
        direction = ew.where(ew.equal(y, 0.0), -unit, ew.where(ew.equal(y, np.inf), unit, zero))
        return ew.where(undefined, ew.sqrt(x) * direction, x * size)  # type: ignore[no-any-return]
