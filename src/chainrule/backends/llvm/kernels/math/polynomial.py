"""Polynomials, and numbers of a dtype: what the functions are made of.

Coefficients were fitted with mpmath's ``chebyfit`` (near-minimax) at 50 digits; each table names
its function and interval. Degrees are the smallest whose error is below a tenth of an ulp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.builder import FunctionBuilder
from ...ir.value import Value

Table = dict[int, Sequence[float]]
"""Coefficients, constant first, by the bytes of the dtype: 4 or 8."""


def estrin(f: FunctionBuilder, x: Value, coefficients: Sequence[float]) -> Value:
    """The polynomial by pairs, pairs of pairs, and so on: its latency is a logarithm."""
    terms: list[Any] = list(coefficients)
    power = x
    while len(terms) > 1:
        paired: list[Any] = []
        for k in range(0, len(terms) - 1, 2):
            low, high = terms[k], terms[k + 1]
            paired.append(f.fma(power, high, low))
        if len(terms) % 2:
            paired.append(terms[-1])
        terms = paired
        if len(terms) > 1:
            power = power * power
    return terms[0] if isinstance(terms[0], Value) else x.like(terms[0])


def integer(x: Value) -> np.dtype[Any]:
    """The signed dtype of as many bits."""
    return np.dtype(np.int32 if x.dtype.itemsize == 4 else np.int64)


def mantissa(x: Value) -> int:
    """Bits of the fraction: 23 or 52."""
    return 23 if x.dtype.itemsize == 4 else 52


def bias(x: Value) -> int:
    """What is added to the exponent: 127 or 1023."""
    return 127 if x.dtype.itemsize == 4 else 1023


def shifter(x: Value) -> float:
    """Added and subtracted, it rounds to a whole number, which its low bits then hold."""
    return 1.5 * 2.0 ** mantissa(x)


def copysign(f: FunctionBuilder, x: Value, sign: Value) -> Value:
    """|x| with the sign of another."""
    return f.intrinsic("copysign", x, sign)


def fabs(f: FunctionBuilder, x: Value) -> Value:
    """|x|."""
    return f.intrinsic("fabs", x)


def power_of_two(f: FunctionBuilder, k: Value, like: Value) -> Value:
    """2**k for integers k within the exponent's range."""
    return f.bitcast((k + bias(like)) << mantissa(like), like.dtype)


def any_lane(f: FunctionBuilder, condition: Value) -> str:
    """The name of an i1: whether the condition holds in some lane."""
    if condition.lanes == 1:
        return condition.name
    lanes = condition.lanes
    name = f"llvm.vector.reduce.or.v{lanes}i1"
    f.declare(name, f"declare i1 @{name}(<{lanes} x i1>)")
    return f.name(f"call i1 @{name}({condition})")
