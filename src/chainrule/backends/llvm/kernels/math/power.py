"""x**y, roots and hypot."""

from __future__ import annotations

from math import inf, nan

from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from .exponential import exp
from .logarithm import log, split
from .polynomial import copysign, estrin, fabs, mantissa

# (2 artanh(s) - 2s - 2s**3 / 3) / s**5 by s**2, on |s| <= 0.1716
_SERIES = (0.4, 0.2857142857142937, 0.22222222221652765, 0.18181818336099848, 0.1538459488700718,
           0.1333480879881234, 0.11706126464563398, 0.11724327060846747)  # fmt: skip
_LN2 = (0.6931471804855391, 7.440617109802979e-11, 2.094174429075368e-21)  # 33 bits each
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)

Pair = tuple[Value, Value]
"""A number as the sum of two, the second below half an ulp of the first."""


def _fast_sum(a: Value, b: Value) -> Pair:
    """a + b exactly, |a| >= |b| (Dekker 1971)."""
    s = a + b
    return s, b - (s - a)


def _product(f: FunctionBuilder, a: Value, b: Value) -> Pair:
    """a * b exactly."""
    p = a * b
    return p, f.intrinsic("fma", a, b, -p)


def _log_pair(f: FunctionBuilder, x: Value) -> Pair:
    """log(x) to about 2**-66 of itself, for positive normal x."""
    k, m = split(f, x)
    t = m - 1.0  # exact
    d = t + 2.0
    d_low = t - (d - 2.0)
    s = t / d
    s_low = (f.intrinsic("fma", -s, d, t) - s * d_low) / d
    z, z_low = _product(f, s, s)
    z_low = z_low + 2.0 * s * s_low
    # s**3 * 2/3 in a pair: its rounding alone would be 8 ulp of a large result
    c, c_low = _product(f, z, s)
    c_low = c_low + z_low * s + z * s_low
    e, e_low = _product(f, c, c.like(_TWO_THIRDS[0]))
    e_low = e_low + c_low * _TWO_THIRDS[0] + c * _TWO_THIRDS[1]
    tail = c * z * estrin(f, z, _SERIES)
    high, low = _fast_sum(s * 2.0, e)
    low = low + (s_low * 2.0 + (e_low + tail))
    high, low = _fast_sum(high, low)
    first = k * _LN2[0]  # exact
    larger, rest = _fast_sum(first, high)
    larger = f.select(k.equals(0.0), high, larger)
    rest = f.select(k.equals(0.0), 0.0, rest)
    return _fast_sum(larger, rest + (low + k * _LN2[1] + k * _LN2[2]))


def power(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """exp(y log |x|) with the logarithm in two parts; signs and special values as C99's pow."""
    if x.dtype.itemsize == 4:
        wide = _power(f, f.convert(x, F64), f.convert(y, F64), exact=False)
        return f.convert(wide, x.dtype)
    return _power(f, x, y, exact=True)


def _power(f: FunctionBuilder, x: Value, y: Value, exact: bool) -> Value:
    a = fabs(f, x)
    if exact:
        tiny = a < 2.0**-1022
        normal = f.select(tiny, a * 2.0 ** mantissa(x), a)
        high, low = _log_pair(f, normal)
        shift = f.select(tiny, x.like(mantissa(x) * _LN2[0]), x.like(0.0))
        high, lost = _fast_sum(high, -shift)
        low = low + lost - f.select(tiny, x.like(mantissa(x) * _LN2[1]), x.like(0.0))
        p, p_low = _product(f, y, high)
        p_low = p_low + y * low
        within = (fabs(f, p) < 800.0) & (fabs(f, p_low) < 1.0)
        e = exp(f, p)
        result = f.select(within & (e < inf), f.fma(e, p_low, e), e)
        plain = (a > 0.0) & (a < inf) & (fabs(f, y) < inf)
        result = f.select(plain, result, exp(f, y * log(f, a)))
    else:
        result = exp(f, y * log(f, a))
    whole = f.intrinsic("floor", y).equals(y)
    half = y * 0.5
    odd = whole & (f.intrinsic("floor", half).equals(half) ^ True)
    negative = f.bitcast(x, "int64") < 0  # also -0
    result = f.select(negative & odd, -result, result)
    finite = (x < 0.0) & (x > -inf)
    result = f.select(finite & (whole ^ True), nan, result)
    result = f.select(a.equals(1.0) & fabs(f, y).equals(inf), 1.0, result)
    result = f.select(x.is_nan() | y.is_nan(), x + y, result)
    return f.select(x.equals(1.0) | y.equals(0.0), 1.0, result)


def cbrt(f: FunctionBuilder, x: Value) -> Value:
    """exp(log |x| / 3), then one step of Newton's."""
    if x.dtype.itemsize == 4:
        return f.convert(cbrt(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    tiny = a < 1e-290
    a = f.select(tiny, a * 2.0**60, a)
    root = exp(f, log(f, a) * (1.0 / 3.0))
    better = root - (root * root * root - a) / (root * root * 3.0)
    better = f.select((a > 0.0) & (a < inf), better, root)
    better = f.select(tiny, better * 2.0**-20, better)
    return f.select(x.is_nan(), x, copysign(f, better, x))


def hypot(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """sqrt(x**2 + y**2), of numbers divided by the larger one; float32 in float64."""
    if x.dtype.itemsize == 4:
        return f.convert(hypot(f, f.convert(x, F64), f.convert(y, F64)), x.dtype)
    a, b = fabs(f, x), fabs(f, y)
    high, low = f.select(a > b, a, b), f.select(a > b, b, a)
    ratio = low / high
    result = high * f.intrinsic("sqrt", f.fma(ratio, ratio, 1.0))
    result = f.select(high.equals(0.0), high, result)
    result = f.select(x.is_nan() | y.is_nan(), x + y, result)
    return f.select(a.equals(inf) | b.equals(inf), inf, result)
