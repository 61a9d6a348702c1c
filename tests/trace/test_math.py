"""Python's `math` on traced numbers."""

from __future__ import annotations

import fractions
import math
import statistics
from collections.abc import Callable
from math import exp, sin
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import UnsupportedError

OF_ONE = """sin cos tan asin acos atan sinh cosh tanh asinh atanh exp expm1 log log1p log2 log10
    sqrt fabs degrees radians erf erfc gamma lgamma"""
OF_TWO = "atan2 pow hypot fmod copysign remainder"
# Functions of two numbers between 0.2 and 0.9
FORMS: dict[str, Callable[..., Any]] = {
    **{name: (lambda x, y, name=name: getattr(math, name)(x)) for name in OF_ONE.split()},
    **{name: (lambda x, y, name=name: getattr(math, name)(x, y)) for name in OF_TWO.split()},
    "acosh": lambda x, y: math.acosh(1 + x),
    "log by a base": lambda x, y: math.log(x, 1 + y),
    "hypot of three": lambda x, y: math.hypot(x, y, 2.0),
    "ldexp": lambda x, y: math.ldexp(x, 3),
    "dist": lambda x, y: math.dist([x, 1.0], (y, 2.0)),
    "fsum": lambda x, y: math.fsum([x, y * y, 3]) * math.fsum(v * x for v in (x, y)),
    "prod": lambda x, y: math.prod([x, y, 2.0], start=3),
    "modf": lambda x, y: math.modf(5 * x)[0] * y + math.modf(x * 9)[1],
    "frexp": lambda x, y: math.frexp(7 * x)[0] * y,
    "imported by name": lambda x, y: sin(x) * exp(y),
    "whole parts": lambda x, y: x * math.floor(3 * y) + y * math.ceil(x) + math.trunc(4 * y),
    "questions": lambda x, y: x * y if math.isfinite(x) and not math.isnan(y) else 0.0,
    "isclose": lambda x, y: x if math.isclose(x, y) else x * y,
    "of arrays without axes": lambda x, y: math.sin(np.array(x)) * math.sqrt(np.sum(np.array([y]))),
    "constants": lambda x, y: math.pi * x + math.sin(1.0) * y + math.comb(5, 2),
}  # fmt: skip
if hasattr(math, "cbrt"):
    FORMS |= {"cbrt": lambda x, y: math.cbrt(x), "exp2": lambda x, y: math.exp2(x)}
if hasattr(math, "sumprod"):
    FORMS["sumprod"] = lambda x, y: math.sumprod([x, y], [y, 2.0])
ON_VALUES = {"modf", "frexp", "whole parts", "questions", "isclose"}


@pytest.mark.parametrize("name", FORMS)
def test_functions(name: str) -> None:
    """The value to rounding, the slope in both modes, second order, under jit."""
    f = FORMS[name]
    point, direction = (0.37, 0.81), [0.7, -1.3]
    expected = f(*point)
    assert_close(cr.value_and_grad(f, argnums=(0, 1))(*point)[0], expected, rtol=1e-14)
    gradient = lambda *xs: cr.grad(f, argnums=(0, 1))(*xs)  # noqa: E731
    slope = along(f, list(point), direction)
    ways = [gradient] if name in ON_VALUES else [gradient, cr.jit(gradient)]
    for way in ways:
        assert_close(np.dot(way(*point), direction), slope)
    assert_close(cr.jvp(f, point, tuple(direction))[1], slope)
    first = lambda *xs: cr.grad(lambda *ys: f(*ys) ** 2)(*xs)  # noqa: E731
    second = along(first, list(point), direction)
    assert_close(cr.jvp(first, point, tuple(direction))[1], second, rtol=1e-6)


def test_kinds_of_numbers() -> None:
    """`math` gives a Python float: weak beside float32, float64 of a float32."""
    f = lambda x, y: math.sin(x) * y  # noqa: E731
    x, y = np.float32(0.5), np.float32(2.0)
    value = cr.vjp(f, x, y)[0]
    assert value.dtype == np.asarray(math.sin(x) * y).dtype
    np.testing.assert_allclose(value, math.sin(x) * y, rtol=1e-7)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.sqrt(-x),
        lambda x: math.log(x - 1.0),
        lambda x: math.acos(2.0 + x),
        lambda x: math.exp(1000 * x),
        lambda x: math.pow(-x, 0.5),
        lambda x: math.fmod(x, 0.0),
        lambda x: math.dist([x], [1.0, 2.0]),
        lambda x: math.sin(np.array([x, x])),
        lambda x: math.gcd(x, 2),
    ],
)
def test_errors_of_math(f: Any) -> None:
    """Where the numbers are known, `math` raises as it does of plain ones."""
    with pytest.raises((ValueError, OverflowError, TypeError)) as plain:
        f(0.9)
    with pytest.raises(plain.type):
        cr.grad(f)(0.9)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: statistics.mean([x, 1.0]), r"statistics\.mean.*np\.mean"),
        (lambda x: statistics.stdev([x, 1.0]), r"statistics\.stdev.*np\.std"),
        (lambda x: float(fractions.Fraction(x)), r"fractions\.Fraction"),
    ],
)
def test_modules_of_plain_numbers(f: Any, name: str) -> None:
    """Refused by name, with what to use instead and the user's line."""
    for way in (cr.grad, cr.jit):
        with pytest.raises(UnsupportedError, match=rf"test_math\.py:\d+: {name}"):
            way(f)(0.9)
