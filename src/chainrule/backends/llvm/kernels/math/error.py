"""The error function and its complement."""

from __future__ import annotations

from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from .exponential import exp
from .polynomial import copysign, estrin, fabs

# erf(x) / x - 1 by x**2, on |x| <= 1
_NEAR = (0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777,
         0.0052239776071164225, -0.0008548325975389692, 0.00012055294904839707,
         -1.492473690741966e-05, 1.6447424703317362e-06, -1.6208483801871705e-07,
         1.3720064546777686e-08, -7.795898827002142e-10)  # fmt: skip
# (1 + 2x) exp(x**2) erfc(x) by t = (x - 4) / (x + 4), on 0.9 <= x <= 28; the substitution is of
# M. M. Shepherd, J. G. Laframboise: "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x in
# 0 <= x < inf", Mathematics of Computation 36 (1981)
_FAR = (1.2329951186255526, -0.13962111684056253, 0.01537965210262127, 0.06809705425469327,
        -0.10103906603642072, 0.09373283499835906, -0.06633036580874786, 0.03716751553630065,
        -0.016197734110688332, 0.005031970006014352, -0.0007577728233215004,
        -0.00019925701503757301, 0.00015061917963407617, -2.439712983026389e-05,
        -1.1213763781607378e-05, 5.701605130136403e-06, 2.774620253044185e-07,
        -8.065547599165365e-07, 9.184027551881729e-08, 8.57261706517878e-08,
        -2.414329005725513e-08)  # fmt: skip
_HALF_WORD = -(2**27)  # keeps the upper 26 bits of a fraction: their square is exact


def erf(f: FunctionBuilder, x: Value) -> Value:
    """A polynomial for |x| < 1, else 1 - erfc; float32 in float64."""
    if x.dtype.itemsize == 4:
        return f.convert(erf(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    far = copysign(f, 1.0 - _tail(f, a), x)
    result = f.select(a < 1.0, _near(f, x), far)
    return f.select(x.is_nan(), x, result)


def erfc(f: FunctionBuilder, x: Value) -> Value:
    """1 - erf(x), from the tail's own formula where digits would be lost."""
    if x.dtype.itemsize == 4:
        return f.convert(erfc(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    tail = _tail(f, a)
    far = f.select(x < 0.0, 2.0 - tail, tail)
    near = 0.5 - (_near(f, x) - 0.5)
    return f.select(x.is_nan(), x, f.select(a < 0.9, near, far))


def _near(f: FunctionBuilder, x: Value) -> Value:
    z = x * x
    return f.fma(estrin(f, z, _NEAR), x, x)


def _tail(f: FunctionBuilder, a: Value) -> Value:
    """erfc(a) for a >= 0.9; exp(-a**2) of a square in two parts."""
    a = f.select(a > 28.0, 28.0, a)
    head = f.bitcast(f.bitcast(a, "int64") & _HALF_WORD, F64)
    d = (a - head) * (a + head)  # a**2 - head**2, below 3e-5
    shrink = f.fma(d, f.fma(d, f.fma(d, -1.0 / 6.0, 0.5), -1.0), 1.0)
    t = (a - 4.0) / (a + 4.0)
    return exp(f, -(head * head)) * shrink * estrin(f, t, _FAR) / f.fma(a, 2.0, 1.0)
