"""sin, cos and arctan2."""

from __future__ import annotations

from math import pi

import numpy as np

from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from ...target.host import host
from .polynomial import Table, any_lane, copysign, estrin, fabs, integer, shifter

# pi / 2 in parts of 33 bits: their products with k < 2**20 are exact
_HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21,
            8.478427660348229e-32)  # fmt: skip
# pi / 2 in parts of 24 bits, for products that are not rounded
_NARROW = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)
_FAR = 1e5  # beyond, libm's own reduction
# (sin(x) / x - 1) / x**2 and (cos(x) - 1 + x**2 / 2) / x**4 by x**2, on |x| <= pi / 4
_SIN: Table = {
    4: (-0.16666664650292082, 0.008332745936380422, -0.00019587387068464455),
    8: (-0.16666666666666666, 0.008333333333330925, -0.00019841269836722418,
        2.755731608381636e-06, -2.5051127944014188e-08, 1.5917848524808262e-10),
}  # fmt: skip
_COS: Table = {
    4: (0.04166666464745738, -0.00138883006969039, 2.45474372101932e-05),
    8: (0.041666666666666664, -0.0013888888888887382, 2.480158729874307e-05,
        -2.7557317260008837e-07, 2.0876143827993133e-09, -1.1382456778061306e-11),
}  # fmt: skip


def sin(f: FunctionBuilder, x: Value) -> Value:
    """By quarter turns: what is left of x is at most pi / 4."""
    return f.select(x.equals(0.0), x, _turning(f, x, "sin", 0))  # also -0


def cos(f: FunctionBuilder, x: Value) -> Value:
    """The sine of a quarter turn more."""
    return _turning(f, x, "cos", 1)


def _turning(f: FunctionBuilder, x: Value, name: str, quarter: int) -> Value:
    """The polynomial's result; where |x| is large, lane by lane, libm's."""
    near = _near(f, x, quarter)
    far = fabs(f, x) > _FAR
    before = f.block
    slow, after = f.fresh("far"), f.fresh("near")
    f.branch(any_lane(f, far), slow, after)
    f.label(slow)
    f.declare(name, f"declare double @{name}(double)")
    wide, result = f.convert(x, F64), near
    for lane in range(x.lanes):
        right = f"call double @{name}({f.extract(wide, lane)})"
        one = f.convert(f.value(right, F64, 1), x.dtype)
        result = one if x.lanes == 1 else f.insert(result, one, lane, x.lanes)
    result = f.select(far, result, near)
    last = f.block
    f.jump(after)
    f.label(after)
    right = f"phi {x.type} [{near.name}, %{before}], [{result.name}, %{last}]"
    return f.value(right, x.dtype, x.lanes)


def _near(f: FunctionBuilder, x: Value, quarter: int) -> Value:
    size = x.dtype.itemsize
    # Without a fused product, float32 keeps too few bits of pi for its own reduction
    narrow = size == 4 and host().fma
    wide = x if narrow else f.convert(x, F64)
    t = f.fma(wide, 2.0 / pi, shifter(wide))
    turns = f.bitcast(t, integer(wide))
    k = t - shifter(wide)
    for part in _NARROW if narrow else _HALF_PI[: 2 if size == 4 else 4]:
        wide = f.fma(k, -part, wide)
    r = f.convert(wide, x.dtype)
    turns = f.convert(turns, integer(x)) + quarter
    z = r * r
    sine = f.fma(estrin(f, z, _SIN[size]) * z, r, r)
    cosine = f.fma(z * z, estrin(f, z, _COS[size]), f.fma(z, -0.5, 1.0))
    odd = (turns & 1).equals(1)
    result = f.select(odd, cosine, sine)
    return f.select((turns & 2).equals(2), -result, result)


# (arctan(x) / x - 1) / x**2 by x**2, on |x| <= tan(pi / 8); float32 is computed in float64
_ARCTAN = (-0.3333333333333333, 0.1999999999999548, -0.14285714284657894, 0.11111111014561013,
           -0.09090904549884611, 0.07692182535116648, -0.06664502215671447, 0.058580687568615106,
           -0.05085030492810941, 0.03921955253255129, -0.019162068915902577)  # fmt: skip


def arctan2(f: FunctionBuilder, y: Value, x: Value) -> Value:
    """The angle of (x, y): that of the smaller over the larger, then reflected."""
    if x.dtype.itemsize == 4:
        return f.convert(arctan2(f, f.convert(y, F64), f.convert(x, F64)), np.float32)
    a, b = fabs(f, y), fabs(f, x)
    steep = a > b
    low, high = f.select(steep, b, a), f.select(steep, a, b)
    ratio = low / high
    ratio = f.select(low.equals(high), 1.0, ratio)  # both infinite
    ratio = f.select(high.equals(0.0), 0.0, ratio)  # both zero
    folded = ratio > 0.41421356237309503  # tan(pi / 8)
    t = f.select(folded, (ratio - 1.0) / (ratio + 1.0), ratio)
    z = t * t
    angle = f.fma(estrin(f, z, _ARCTAN) * z, t, t)
    angle = f.select(folded, angle + pi / 4, angle)
    angle = f.select(steep, (pi / 2 - angle) + 6.123233995736766e-17, angle)
    behind = f.bitcast(x, np.int64) < 0  # also -0
    angle = f.select(behind, (pi - angle) + 1.2246467991473532e-16, angle)
    angle = f.select(x.is_nan() | y.is_nan(), x + y, angle)
    return copysign(f, angle, y)
