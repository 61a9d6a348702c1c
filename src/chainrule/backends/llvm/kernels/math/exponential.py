"""exp, and functions composed of it."""

from __future__ import annotations

from ...ir.builder import FunctionBuilder
from ...ir.value import Value
from .polynomial import Table, copysign, estrin, fabs, integer, power_of_two, shifter

_LOG2E = 1.4426950408889634
_LN2 = 0.6931471805599453
# ln 2 in parts: the first has so few bits that its product with any k is exact (33; 9 for float32)
LN2 = {4: (0.693359375, -2.1219444005469057e-04), 8: (0.6931471804855391, 7.440617109802979e-11)}
# (exp(r) - 1 - r) / r**2 on |r| <= 0.347
_GROWTH: Table = {
    4: (0.5, 0.16666576666119928, 0.04166655421298415, 0.008363232883682618,
        0.0013926250831497611),
    8: (0.5000000000000001, 0.16666666666666669, 0.041666666666623824, 0.008333333333330039,
        0.0013888888917367081, 0.00019841269863171557, 2.4801521057868204e-05,
        2.7557268276905696e-06, 2.7620201591031547e-07, 2.5100472505694996e-08),
}  # fmt: skip
# Beyond these the result is 0 or inf, and k stays within what `scale` can do
_RANGE = {4: (-104.5, 89.0), 8: (-746.0, 710.0)}
_NORMAL = {4: -87.0, 8: -708.0}
_RANGE_OF_EXP2 = {4: (-151.0, 128.5), 8: (-1076.0, 1024.5)}


def _reduced(f: FunctionBuilder, x: Value) -> tuple[Value, Value]:
    """Return k and exp(r) - 1 such that x = k ln 2 + r."""
    size = x.dtype.itemsize
    t = f.fma(x, _LOG2E, shifter(x))
    k = f.bitcast(t, integer(x)) - f.bitcast(x.like(shifter(x)), integer(x))
    n = t - shifter(x)
    high, low = LN2[size]
    r = f.fma(n, -low, f.fma(n, -high, x))
    return k, f.fma(r * r, estrin(f, r, _GROWTH[size]), r)


def within(f: FunctionBuilder, x: Value, low: float, high: float) -> Value:
    """Limit x to a range; nan stays."""
    x = f.select(x < low, low, x)
    return f.select(x > high, high, x)


def exp(f: FunctionBuilder, x: Value) -> Value:
    """Compute e**x, by Cody and Waite's reduction."""
    k, growth = _reduced(f, within(f, x, *_RANGE[x.dtype.itemsize]))
    half = k >> 1  # 2**k in two factors: k may be beyond a single exponent's range
    first = power_of_two(f, half, x)
    return f.fma(growth, first, first) * power_of_two(f, k - half, x)


def exp_below_zero(f: FunctionBuilder, x: Value) -> Value:
    """Compute e**x for x of at most about 0: 0 where that is below the smallest normal number."""
    size = x.dtype.itemsize
    low = _NORMAL[size]
    k, growth = _reduced(f, f.select(x < low, low, x))
    first = power_of_two(f, k, x)
    return f.select(x < low, 0.0, f.fma(growth, first, first))


def exp2(f: FunctionBuilder, x: Value) -> Value:
    """Compute 2**x, exactly where x is whole."""
    x = within(f, x, *_RANGE_OF_EXP2[x.dtype.itemsize])
    t = x + shifter(x)
    k = f.bitcast(t, integer(x)) - f.bitcast(x.like(shifter(x)), integer(x))
    r = (x - (t - shifter(x))) * _LN2
    growth = f.fma(r * r, estrin(f, r, _GROWTH[x.dtype.itemsize]), r)
    half = k >> 1
    first = power_of_two(f, half, x)
    return f.fma(growth, first, first) * power_of_two(f, k - half, x)


def expm1(f: FunctionBuilder, x: Value) -> Value:
    """Compute e**x - 1 with all digits near 0: 2**k (e**r - 1) + (2**k - 1)."""
    low = -40.0 if x.dtype.itemsize == 8 else -18.0
    k, growth = _reduced(f, within(f, x, low, _RANGE[x.dtype.itemsize][1]))
    half = power_of_two(f, k - 1, x)  # k itself may be one too many
    result = 2.0 * f.fma(half, growth, half - 0.5)
    return f.select(fabs(f, x) < 2.0**-60, x, result)  # also -0


def logistic(f: FunctionBuilder, x: Value) -> Value:
    """Compute 1 / (1 + e**-x), without overflow on either side."""
    e = exp(f, -fabs(f, x))
    return f.select(x >= 0.0, 1.0, e) / (e + 1.0)


# (tanh(x) / x - 1) / x**2 by x**2, on |x| <= 0.625
_TANH: Table = {
    4: (-0.33333328944134255, 0.13332769736976327, -0.05385090957851358, 0.020997178999074752,
        -0.006096714165908197),
    8: (-0.3333333333333333, 0.13333333333333322, -0.0539682539682359, 0.021869488535133222,
        -0.008863235499801992, 0.003592127507599252, -0.0014558283998303246,
        0.0005899818158388232, -0.00023888944636751174, 9.604109157026265e-05,
        -3.708106921544234e-05, 1.2209921790162781e-05, -2.438831631472088e-06),
}  # fmt: skip


def tanh(f: FunctionBuilder, x: Value) -> Value:
    """Compute tanh(x): a polynomial near 0, else 1 - 2 / (e**2x + 1)."""
    a = fabs(f, x)
    z = x * x
    near = f.fma(estrin(f, z, _TANH[x.dtype.itemsize]) * z, x, x)
    near = f.select(z.equals(0.0), x, near)  # also -0
    far = 1.0 - 2.0 / (exp(f, within(f, a + a, 0.0, 50.0)) + 1.0)
    return f.select(a < 0.625, near, copysign(f, far, x))


def cosh(f: FunctionBuilder, x: Value) -> Value:
    """Compute (e**x + e**-x) / 2; where that would overflow too early, a product of halves."""
    a = fabs(f, x)
    e = exp(f, a)
    half = exp(f, a * 0.5)
    large = (half * 0.5) * half
    return f.select(a > 20.0, large, (e + 1.0 / e) * 0.5)
