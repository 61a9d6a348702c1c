"""log, and functions composed of it."""

from __future__ import annotations

from math import inf, nan

import numpy as np

from ...ir.builder import FunctionBuilder
from ...ir.value import Value
from .exponential import LN2, exp, exp2
from .polynomial import Table, copysign, estrin, fabs, integer, mantissa

# (log(1 + t) - t + t**2 / 2) / t**3 on sqrt(1/2) - 1 <= t <= sqrt(2) - 1
_NARROW = (0.33333331180030046, -0.24999996957950882, 0.200007157488921, -0.16667802319501254,
           0.1424905764569748, -0.12425687331451106, 0.1168541992348674, -0.11479733846637635,
           0.06971611471451178)  # fmt: skip
# log((1 + s) / (1 - s)) = 2s + s R(s**2): FreeBSD msun, e_log.c (Sun Microsystems, 1993)
_WIDE = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
         2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
         1.479819860511658591e-01)  # fmt: skip
_ROOT: Table = {4: (np.float32(0.5**0.5).item(),), 8: (0.5**0.5,)}
# log10(2) in parts: the product of the first with any k is exact
_LOG10_OF_2: Table = {
    4: (0.301025390625, 4.605038981195214e-06),
    8: (0.30102999566361177, 3.694239077158931e-13),
}
_TINY = {4: 2.0**-126, 8: 2.0**-1022}


def split(f: FunctionBuilder, x: Value) -> tuple[Value, Value]:
    """Return k as a float and m: x = 2**k m, sqrt(1/2) <= m < sqrt(2), for positive normal x."""
    whole, bits = integer(x), mantissa(x)
    pattern = f.bitcast(x, whole)
    root = f.bitcast(x.like(_ROOT[x.dtype.itemsize][0]), whole)
    k = (pattern - root) >> bits
    m = f.bitcast(pattern - (k << bits), x.dtype)
    return f.convert(k, x.dtype), m


def _log(f: FunctionBuilder, x: Value, correction: Value | None, shift: Value | None) -> Value:
    """Compute log(x) + correction - shift * ln 2 of a positive normal number."""
    k, m = split(f, x)
    if shift is not None:
        k = k - shift
    high, low = LN2[x.dtype.itemsize]
    t = m - 1.0
    small = k * low if correction is None else f.fma(k, low, correction)
    half = t * t * 0.5
    if x.dtype.itemsize == 4:
        rest = (t * t) * t * estrin(f, t, _NARROW)
        return f.fma(k, high, t - (half - (rest + small)))
    s = t / (t + 2.0)
    z = s * s
    rest = z * estrin(f, z, _WIDE)
    return f.fma(k, high, t - (half - f.fma(s, half + rest, small)))


def _special(f: FunctionBuilder, x: Value, result: Value) -> Value:
    """Correct a logarithm at 0, below it, at inf and nan."""
    result = f.select(x.equals(inf), inf, result)
    result = f.select(x.equals(0.0), -inf, result)
    return f.select(x < 0.0, nan, f.select(x.is_nan(), x, result))


def log(f: FunctionBuilder, x: Value) -> Value:
    """Compute the natural logarithm."""
    bits = mantissa(x)
    tiny = x < _TINY[x.dtype.itemsize]
    normal = f.select(tiny, x * 2.0**bits, x)
    shift = f.select(tiny, x.like(bits), x.like(0.0))
    return _special(f, x, _log(f, normal, None, shift))


def log2(f: FunctionBuilder, x: Value) -> Value:
    """Compute the logarithm to base 2: of powers of 2 it is exact."""
    k, fraction = _parts(f, x)
    return _special(f, x, f.fma(fraction, 1.0 / np.log(2.0), k))


def log10(f: FunctionBuilder, x: Value) -> Value:
    """Compute the logarithm to base 10: of powers of 10 it is exact, as the sum is rounded once."""
    k, fraction = _parts(f, x)
    high, low = _LOG10_OF_2[x.dtype.itemsize]
    return _special(f, x, f.fma(k, high, f.fma(k, low, fraction * (1.0 / np.log(10.0)))))


def _parts(f: FunctionBuilder, x: Value) -> tuple[Value, Value]:
    """Return k and log(m) for x = 2**k m; a subnormal number is scaled before."""
    bits = mantissa(x)
    tiny = x < _TINY[x.dtype.itemsize]
    k, m = split(f, f.select(tiny, x * 2.0**bits, x))
    return f.select(tiny, k - float(bits), k), _log(f, m, None, None)


def log1p(f: FunctionBuilder, x: Value) -> Value:
    """Compute log(1 + x), adding what rounding 1 + x lost."""
    u = x + 1.0
    lost = f.select(u >= 2.0, 1.0 - (u - x), x - (u - 1.0))
    result = _log(f, u, lost / u, None)
    result = f.select(x.equals(0.0), x, _special(f, u, result))
    return result


def logaddexp2(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """Compute the larger one plus the logarithm to base 2 of 1 + 2 to minus the distance."""
    gap = x - y
    larger = f.select(gap > 0.0, x, y)
    sum_ = f.fma(log1p(f, exp2(f, -fabs(f, gap))), 1.0 / np.log(2.0), larger)
    sum_ = f.select(x.equals(y), x + 1.0, sum_)  # also of equal infinities
    return f.select(gap.is_nan() & (x.equals(y) ^ True), x + y, sum_)


def logaddexp(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """Compute the larger one plus log1p of e to minus the distance."""
    gap = x - y
    larger = f.select(gap > 0.0, x, y)
    sum_ = larger + log1p(f, exp(f, -fabs(f, gap)))
    sum_ = f.select(x.equals(y), x + np.log(2.0), sum_)  # also of equal infinities
    return f.select(gap.is_nan() & (x.equals(y) ^ True), x + y, sum_)


def arcsinh(f: FunctionBuilder, x: Value) -> Value:
    """Compute sign(x) log1p(|x| + x**2 / (1 + sqrt(1 + x**2))); of large ones log |2x|."""
    a = fabs(f, x)
    z = a * a
    near = log1p(f, a + z / (f.intrinsic("sqrt", z + 1.0) + 1.0))
    far = log(f, a) + np.log(2.0)
    large = 2.0**28 if x.dtype.itemsize == 8 else 2.0**13
    return copysign(f, f.select(a > large, far, near), x)
