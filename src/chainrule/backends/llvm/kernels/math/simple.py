"""Signs, rounding, choice and division with remainder: exact, as NumPy has them."""

from __future__ import annotations

from ...ir.builder import FunctionBuilder
from ...ir.value import Value


def absolute(f: FunctionBuilder, x: Value) -> Value:
    """|x|; that of the smallest integer is itself."""
    if x.dtype.kind == "f":
        return f.intrinsic("fabs", x)
    return x if x.dtype.kind == "u" else f.select(x < 0, -x, x)


def sign(f: FunctionBuilder, x: Value) -> Value:
    """-1, 0 or 1; nan stays, and -0 becomes 0."""
    one = x.like(1)
    below = x.like(0) if x.dtype.kind == "u" else x.like(-1)
    result = f.select(x > 0, one, f.select(x < 0, below, x.like(0)))
    return f.select(x.is_nan(), x, result) if x.dtype.kind == "f" else result


def floor(f: FunctionBuilder, x: Value) -> Value:
    """Down to a whole number."""
    return f.intrinsic("floor", x)


def rint(f: FunctionBuilder, x: Value) -> Value:
    """To the nearest whole number, ties to even."""
    return f.intrinsic("roundeven", x)


def sqrt(f: FunctionBuilder, x: Value) -> Value:
    """The square root, correctly rounded."""
    return f.intrinsic("sqrt", x)


def maximum(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """The larger one; nan if one is."""
    larger = f.select(x > y, x, y)  # y if one is nan
    return f.select(x.is_nan(), x, larger) if x.dtype.kind == "f" else larger


def minimum(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """The smaller one; nan if one is."""
    smaller = f.select(x < y, x, y)
    return f.select(x.is_nan(), x, smaller) if x.dtype.kind == "f" else smaller


def remainder(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """What floor division leaves, with the sign of the divisor."""
    if x.dtype.kind != "f":
        return _whole_division(f, x, y)[1]
    m = _fmod(f, x, y)
    wrong = (m.equals(0.0) ^ True) & ((m < 0.0) ^ (y < 0.0))
    m = f.select(wrong, m + y, m)
    return f.select(m.equals(0.0), f.intrinsic("copysign", m, y), m)


def floor_divide(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """NumPy's npy_floor_divide: (x - remainder) / y, put right by at most one."""
    if x.dtype.kind != "f":
        return _whole_division(f, x, y)[0]
    m = _fmod(f, x, y)
    quotient = (x - m) / y
    wrong = (m.equals(0.0) ^ True) & ((m < 0.0) ^ (y < 0.0))
    quotient = f.select(wrong, quotient - 1.0, quotient)
    down = f.intrinsic("floor", quotient)
    down = f.select(quotient - down > 0.5, down + 1.0, down)
    zero = f.intrinsic("copysign", x.like(0.0), x / y)
    down = f.select(quotient.equals(0.0), zero, down)
    return f.select(y.equals(0.0), x / y, down)


def _fmod(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """C's fmod, lane by lane from libm: exact for any two numbers."""
    name = "fmod" if x.dtype.itemsize == 8 else "fmodf"
    kind = "double" if x.dtype.itemsize == 8 else "float"
    f.declare(name, f"declare {kind} @{name}({kind}, {kind})")
    result: Value | None = None
    for lane in range(x.lanes):
        right = f"call {kind} @{name}({f.extract(x, lane)}, {f.extract(y, lane)})"
        one = f.value(right, x.dtype, 1)
        result = one if x.lanes == 1 else f.insert(result, one, lane, x.lanes)
    assert result is not None
    return result


def _whole_division(f: FunctionBuilder, x: Value, y: Value) -> tuple[Value, Value]:
    """Quotient rounded down, and remainder; by zero both are 0, as NumPy has it."""
    zero = y.equals(0)
    safe = f.select(zero, 1, y)
    if x.dtype.kind == "u":
        quotient, rest = f.binary("udiv", x, safe), f.binary("urem", x, safe)
    else:
        negated = y.equals(-1)  # the smallest integer by -1 would trap
        safe = f.select(negated, 1, safe)
        quotient, rest = f.binary("sdiv", x, safe), f.binary("srem", x, safe)
        wrong = (rest.equals(0) ^ True) & ((rest ^ safe) < 0)
        quotient = f.select(wrong, quotient - 1, quotient)
        rest = f.select(wrong, rest + safe, rest)
        quotient = f.select(negated, -x, quotient)
        rest = f.select(negated, 0, rest)
    return f.select(zero, 0, quotient), f.select(zero, 0, rest)
