"""Integer functions on the numbers at which they change their way, traced and compiled."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from agreement import with_values

import chainrule as cr

DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
OF_TWO = ["add", "subtract", "multiply", "divide", "floor_divide", "remainder", "fmod", "power",
          "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift",
          "right_shift", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
          "logical_and", "logical_or", "logical_xor"]  # fmt: skip
OF_ONE = ["negative", "absolute", "sign", "invert", "square", "reciprocal", "floor", "ceil",
          "trunc", "logical_not", "isfinite"]  # fmt: skip
REDUCTIONS = ["sum", "prod", "max", "min", "any", "all", "cumsum", "cumprod", "argmax", "argmin"]


def numbers(dtype: str) -> Any:
    """Both ends, zero, small ones, and counts of bits."""
    limits = np.iinfo(dtype)
    given = [limits.min, limits.max, limits.max - 1, limits.max // 2, 0, 1, 2, 3, 5, 7, 8, 13,
             limits.bits - 1, limits.bits, limits.bits + 1]  # fmt: skip
    if limits.min:
        given += [-1, -2, -3, -8, limits.min + 1, -limits.bits]
    return np.array(given, dtype)


def pairs(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Each with each, but for what NumPy refuses: whole powers of negative exponents."""
    left, right = (a.ravel() for a in np.meshgrid(x, y))
    allowed = right >= 0 if name == "power" else np.ones(left.shape, bool)
    return left[allowed], right[allowed]


def check(names: list[str], functions: list[Any], arguments: list[Any], what: str) -> None:
    """All functions in one program, and each one traced with values, against NumPy."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [f(*xs) for f, xs in zip(functions, arguments, strict=True)]
        traced = [with_values(f, *xs)[0] for f, xs in zip(functions, arguments, strict=True)]

        def everything(given: Any) -> Any:
            return [f(*xs) for f, xs in zip(functions, given, strict=True)]

        compiled = cr.jit(everything)(arguments)
    for name, a, b, c in zip(names, expected, traced, compiled, strict=True):
        for found in (b, c):
            assert (found.dtype, found.shape) == (a.dtype, a.shape), (name, what)
            np.testing.assert_allclose(found, a, rtol=1e-7, err_msg=f"{name} of {what}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_integers_are_those_of_numpy(dtype: str) -> None:
    """Elementwise functions and reductions of one dtype."""
    x = numbers(dtype)
    check(OF_ONE, [getattr(np, name) for name in OF_ONE], [(x,)] * len(OF_ONE), dtype)
    check(REDUCTIONS, [getattr(np, n) for n in REDUCTIONS], [(x,)] * len(REDUCTIONS), dtype)
    arguments = [pairs(name, x, x) for name in OF_TWO]
    check(OF_TWO, [getattr(np, name) for name in OF_TWO], arguments, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_kinds_of_integers_meet(dtype: str) -> None:
    """Also int64 beside uint64, which meet in float64, or are refused as NumPy refuses them."""
    for other in DTYPES:
        mixed = {"int64", "uint64"} == {dtype, other} or (
            "uint64" in (dtype, other) and {dtype[0], other[0]} == {"i", "u"}
        )
        names = [n for n in OF_TWO if not (mixed and ("bitwise" in n or "shift" in n))]
        arguments = [pairs(name, numbers(dtype), numbers(other)) for name in names]
        what = f"{dtype} and {other}"
        check(names, [getattr(np, name) for name in names], arguments, what)


def test_single_integers_shift_without_a_warning() -> None:
    """A shift by a negative number, or by all bits, leaves 0, also of numbers without an axis."""
    for dtype in DTYPES:
        one, many = np.array(5, dtype), np.iinfo(dtype).bits
        shifts = [0, 1, many - 1, many, many + 1] + ([-1] if dtype[0] == "i" else [])
        for count in shifts:
            y = np.array(count, dtype)
            expected = np.left_shift(one, y)
            assert int(expected) == int(with_values(np.left_shift, one, y)[0])
            assert int(expected) == int(cr.jit(lambda x, y: x << y)(one, y))


def test_a_negative_power_of_integers_is_an_error_of_numpy() -> None:
    """The message is NumPy's, when the compiled program runs."""
    f = cr.jit(lambda x, y: np.power(x, y))
    assert [8, 9] == f(np.array([2, 3]), np.array([3, 2])).tolist()
    with pytest.raises(ValueError, match="negative integer powers"):
        f(np.array([2, 3]), np.array([-3, 2]))
