"""The error function and its complement."""

from __future__ import annotations

from math import inf, pi, sqrt

from .....primitives.error_function import FAR, NEAR
from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from .exponential import exp, exp_below_zero
from .logarithm import log, log1p
from .polynomial import copysign, estrin, fabs

# sqrt(pi) a exp(a**2) erfc(a) by 1 / a**2, over sqrt(pi): (-1)**k (2k - 1)!! / 2**k
_ASYMPTOTIC = [c / sqrt(pi) for c in (1.0, -0.5, 0.75, -1.875, 6.5625, -29.53125, 162.421875)]
# In float32: erf(x) / x - 1 by x**2 on |x| <= 0.928, and beyond it log(1 - erf(x)) / x + 1 by x;
# coefficients that N. Juffa published (1.07 ulp)
_NEAR_32 = (0.128379166, -0.376125336, 0.112819925, -0.0267681349, 0.00499119423, -0.000596761703)
_FAR_32 = (-0.128717512, -0.634846687, -0.106777877, 0.0242546219, -0.00388396438, 0.000383197126,
           -1.72853470e-05)  # fmt: skip
_HALF_WORD = -(2**27)  # keeps the upper 26 bits of a fraction: their square is exact


def erf(f: FunctionBuilder, x: Value) -> Value:
    """Compute erf(x): a polynomial for |x| < 1, else 1 - erfc."""
    if x.dtype.itemsize == 4:
        return _erf_32(f, x)
    a = fabs(f, x)
    far = copysign(f, 1.0 - _tail(f, a), x)
    result = f.select(a < 1.0, _near(f, x), far)
    return f.select(x.is_nan(), x, result)


def _erf_32(f: FunctionBuilder, x: Value) -> Value:
    """Compute erf(x): a polynomial for |x| < 0.928, else 1 - exp of one."""
    a = fabs(f, x)
    near = f.fma(estrin(f, x * x, _NEAR_32), x, x)
    t = f.select(a > 4.0, 4.0, a)
    power = exp_below_zero(f, f.fma(estrin(f, t, _FAR_32), t, -t))
    return f.select(a > 0.927734375, copysign(f, 1.0 - power, x), near)


def erfc(f: FunctionBuilder, x: Value) -> Value:
    """Compute 1 - erf(x), from the tail's own formula where digits would be lost."""
    if x.dtype.itemsize == 4:
        return f.convert(erfc(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    tail = _tail(f, a)
    far = f.select(x < 0.0, 2.0 - tail, tail)
    near = 0.5 - (_near(f, x) - 0.5)
    return f.select(x.is_nan(), x, f.select(a < 0.9, near, far))


def ndtr(f: FunctionBuilder, x: Value) -> Value:
    """Compute the normal distribution function, as half of an erfc."""
    if x.dtype.itemsize == 4:
        return f.convert(ndtr(f, f.convert(x, F64)), x.dtype)
    return erfc(f, x * -sqrt(0.5)) * 0.5


def _near(f: FunctionBuilder, x: Value) -> Value:
    z = x * x
    return f.fma(estrin(f, z, NEAR), x, x)


def _tail(f: FunctionBuilder, a: Value) -> Value:
    """Compute erfc(a) for a >= 0.9, with exp(-a**2) of a square in two parts."""
    a = f.select(a > 28.0, 28.0, a)
    head = f.bitcast(f.bitcast(a, "int64") & _HALF_WORD, F64)
    d = (a - head) * (a + head)  # a**2 - head**2, below 3e-5
    shrink = f.fma(d, f.fma(d, f.fma(d, -1.0 / 6.0, 0.5), -1.0), 1.0)
    return exp(f, -(head * head)) * shrink * _scaled(f, a)


def _scaled(f: FunctionBuilder, a: Value) -> Value:
    """Compute exp(a**2) erfc(a) for 0.9 <= a <= 28."""
    t = (a - 4.0) / (a + 4.0)
    return estrin(f, t, FAR) / f.fma(a, 2.0, 1.0)


def _scaled_anywhere(f: FunctionBuilder, a: Value) -> Value:
    """Compute the same for all a >= 0.9."""
    inverse = 1.0 / a
    far = estrin(f, inverse * inverse, _ASYMPTOTIC) * inverse
    return f.select(a > 26.0, far, _scaled(f, f.select(a > 28.0, 28.0, a)))


def erfcx(f: FunctionBuilder, x: Value) -> Value:
    """Compute exp(x**2) erfc(x)."""
    if x.dtype.itemsize == 4:
        return f.convert(erfcx(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    head = f.bitcast(f.bitcast(a, "int64") & _HALF_WORD, F64)
    d = (a - head) * (a + head)
    growth = f.fma(d, f.fma(d, f.fma(d, 1.0 / 6.0, 0.5), 1.0), 1.0)
    square = exp(f, f.select(a > 28.0, 784.0, head * head)) * growth
    near = square * (0.5 - (_near(f, x) - 0.5))
    far = _scaled_anywhere(f, a)
    far = f.select(x < 0.0, 2.0 * square - far, far)
    far = f.select(x < -28.0, inf, far)
    return f.select(x.is_nan(), x, f.select(a < 0.9, near, far))


def log_ndtr(f: FunctionBuilder, x: Value) -> Value:
    """Compute the logarithm of the normal distribution function, with all digits at both ends."""
    if x.dtype.itemsize == 4:
        return f.convert(log_ndtr(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x) * sqrt(0.5)
    tail = erfc(f, a) * 0.5
    low = x < -1.3
    size = log(f, f.select(low, _scaled_anywhere(f, a) * 0.5, tail))
    below = f.select(low, f.fma(x * x, -0.5, size), size)
    return f.select(x.is_nan(), x, f.select(x < 0.0, below, log1p(f, -tail)))
