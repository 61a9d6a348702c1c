"""The error function and its complement."""

from __future__ import annotations

from .....primitives.error_function import FAR, NEAR
from ...ir.builder import FunctionBuilder
from ...ir.types import F64
from ...ir.value import Value
from .exponential import exp
from .polynomial import copysign, estrin, fabs

_HALF_WORD = -(2**27)  # keeps the upper 26 bits of a fraction: their square is exact


def erf(f: FunctionBuilder, x: Value) -> Value:
    """Compute erf(x): a polynomial for |x| < 1, else 1 - erfc; float32 in float64."""
    if x.dtype.itemsize == 4:
        return f.convert(erf(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    far = copysign(f, 1.0 - _tail(f, a), x)
    result = f.select(a < 1.0, _near(f, x), far)
    return f.select(x.is_nan(), x, result)


def erfc(f: FunctionBuilder, x: Value) -> Value:
    """Compute 1 - erf(x), from the tail's own formula where digits would be lost."""
    if x.dtype.itemsize == 4:
        return f.convert(erfc(f, f.convert(x, F64)), x.dtype)
    a = fabs(f, x)
    tail = _tail(f, a)
    far = f.select(x < 0.0, 2.0 - tail, tail)
    near = 0.5 - (_near(f, x) - 0.5)
    return f.select(x.is_nan(), x, f.select(a < 0.9, near, far))


def _near(f: FunctionBuilder, x: Value) -> Value:
    z = x * x
    return f.fma(estrin(f, z, NEAR), x, x)


def _tail(f: FunctionBuilder, a: Value) -> Value:
    """Compute erfc(a) for a >= 0.9, with exp(-a**2) of a square in two parts."""
    a = f.select(a > 28.0, 28.0, a)
    head = f.bitcast(f.bitcast(a, "int64") & _HALF_WORD, F64)
    d = (a - head) * (a + head)  # a**2 - head**2, below 3e-5
    shrink = f.fma(d, f.fma(d, f.fma(d, -1.0 / 6.0, 0.5), -1.0), 1.0)
    t = (a - 4.0) / (a + 4.0)
    return exp(f, -(head * head)) * shrink * estrin(f, t, FAR) / f.fma(a, 2.0, 1.0)
