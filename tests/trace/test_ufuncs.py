"""NumPy's ufuncs on tracers: values, dtypes, special points, derivatives, operators."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from agreement import agrees, seeded, with_values, without_values

from chainrule.errors import UnsupportedError
from chainrule.primitives import special
from chainrule.trace.tracer import UFUNCS
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad, value_and_grad, vjp

INF, NAN = np.inf, np.nan
UNARY: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        ["exp", "exp2", "expm1", "sin", "cos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
         "square", "negative", "positive", "absolute", "fabs", "deg2rad", "radians", "rad2deg",
         "degrees", "sign", "floor", "ceil", "trunc", "rint", "conjugate"], (-2.4, 2.4)),
    **dict.fromkeys(["log", "log2", "log10", "sqrt", "cbrt", "reciprocal"], (0.1, 4.0)),
    "log1p": (-0.9, 4.0), "arcsin": (-0.9, 0.9), "arccos": (-0.9, 0.9), "arctanh": (-0.9, 0.9),
    "arccosh": (1.1, 4.0), "tan": (-1.4, 1.4),
}  # fmt: skip
SPECIAL = ["erf", "erfc", "expit", "log_expit"]
BINARY = ["add", "subtract", "multiply", "divide", "true_divide", "power", "float_power",
          "remainder", "fmod", "floor_divide", "arctan2", "hypot", "logaddexp", "logaddexp2",
          "maximum", "minimum", "fmax", "fmin", "copysign", "heaviside"]  # fmt: skip
COMPARE = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
           "logical_or", "logical_xor"]  # fmt: skip
TESTS = ["isnan", "isinf", "isfinite", "signbit", "logical_not"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor"]
OTHER = {"invert", "divmod", "left_shift", "right_shift", "clip", "xlogy", "matmul",
         # in test_sets_and_orders.py
         "hankel1", "hankel1e", "hankel2", "hankel2e", "kelvin", "wofz",  # in test_special.py
         "bitwise_count", "frexp", "gcd", "isnat", "lcm", "ldexp", "matvec", "modf", "nextafter",
         "spacing", "vecdot", "vecmat"}  # fmt: skip
POINTS = np.array(
    [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, INF, -INF, NAN, 1e300, -1e300, 5e-324]
)


def test_every_ufunc_in_the_table_is_tested() -> None:
    """A ufunc that is added without a row here fails; SciPy's have theirs in test_special.py."""
    rows = {*UNARY, *SPECIAL, *BINARY, *COMPARE, *TESTS, *BITS, *OTHER}
    assert set(UFUNCS) - rows <= special.SPECIAL.keys()


def of(name: str) -> Any:
    return getattr(np, name, None) or getattr(scipy.special, name)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_unary(name: str, shape: tuple[int, ...]) -> None:
    """Value, dtype and slope, for any shape."""
    low, high = UNARY[name]
    agrees(of(name), seeded(*shape, low=low, high=high))


@pytest.mark.parametrize("name", [*UNARY, *SPECIAL])
def test_unary_at_special_points(name: str) -> None:
    """Infinities, nan, signed zeros, huge and tiny: NumPy's value, and the sign of zeros."""
    with np.errstate(all="ignore"):
        expected = of(name)(POINTS)
        for (actual,) in (with_values(of(name), POINTS), without_values(of(name), POINTS)):
            np.testing.assert_allclose(actual, expected, rtol=1e-14)
            zero = expected == 0
            np.testing.assert_array_equal(np.signbit(actual)[zero], np.signbit(expected)[zero])


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "int8", "uint8", "bool"])
def test_unary_dtypes(name: str, dtype: str) -> None:
    """Each dtype gives NumPy's dtype, or NumPy's refusal."""
    x = np.array([1, name == "reciprocal", 1]).astype(dtype)  # 1 // 0 is undefined in NumPy
    try:
        with np.errstate(all="ignore"):
            of(name)(x)
    except TypeError:
        with pytest.raises(TypeError):
            without_values(of(name), x)
        return
    tolerance = {"float16": 4e-3, "int8": 4e-3, "uint8": 4e-3, "bool": 4e-3, "float32": 1e-6}
    agrees(of(name), x, rtol=tolerance.get(dtype, 1e-13), smooth=False)


@pytest.mark.parametrize("name", SPECIAL)
def test_scipy_special(name: str) -> None:
    """scipy.special's ufuncs of one argument."""
    agrees(of(name), seeded(4, 3))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes", [((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0, 3), (3,))]
)
def test_binary(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """Broadcasting of two inputs, both differentiated."""
    agrees(of(name), seeded(*shapes[0], low=0.2), seeded(*shapes[1], seed=1, low=0.3, high=1.9))


@pytest.mark.parametrize("name", [*BINARY, *COMPARE])
def test_binary_at_special_points(name: str) -> None:
    """Every pair of special points: NumPy's value."""
    x, y = (a.ravel() for a in np.meshgrid(POINTS, POINTS))
    with np.errstate(all="ignore"):
        expected = of(name)(x, y)
        for (actual,) in (with_values(of(name), x, y), without_values(of(name), x, y)):
            np.testing.assert_allclose(actual, expected, rtol=1e-14)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("float32", "float64"),
                                    ("int64", "int64"), ("int32", "float32"),
                                    ("uint8", "int8"), ("bool", "float32")])  # fmt: skip
def test_binary_dtypes(name: str, dtypes: tuple[str, str]) -> None:
    """Two dtypes promote as in NumPy, or are refused as there."""
    x, y = np.array([3, 1, 7]).astype(dtypes[0]), np.array([1, 2, 3]).astype(dtypes[1])
    try:
        of(name)(x, y)
    except TypeError:
        with pytest.raises(TypeError):
            without_values(of(name), x, y)
        return
    agrees(of(name), x, y, rtol=1e-3 if "8" in dtypes[0] else 1e-6, smooth=False)


@pytest.mark.parametrize("name", [*COMPARE, *BITS])
@pytest.mark.parametrize("dtype", ["float64", "int64", "uint8", "bool"])
def test_comparisons_and_bits(name: str, dtype: str) -> None:
    """Truth values, and bits of integers."""
    if name in BITS and dtype == "float64":
        with pytest.raises(TypeError):
            without_values(of(name), np.ones(2), np.ones(2))
        return
    x, y = np.array([0, 1, 2, 3, 200]).astype(dtype), np.array([1, 1, 0, 2, 7]).astype(dtype)
    agrees(of(name), x, y, smooth=False)


@pytest.mark.parametrize("name", TESTS)
def test_predicates(name: str) -> None:
    """isnan and kin, at every special point."""
    agrees(of(name), POINTS, smooth=False)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "uint32", "uint64"])
def test_integer_bits(dtype: str) -> None:
    """Inversion and shifts of signed and unsigned integers."""
    x = np.array([0, 1, 5, 100]).astype(dtype)
    y = np.array([0, 1, 2, 3]).astype(dtype)
    agrees(np.invert, x, smooth=False)
    agrees(lambda a: ~a, x, smooth=False)
    agrees(np.left_shift, x, y, smooth=False)
    agrees(lambda a, b: (a << b) | (a >> 1) ^ (a & b), x, y, smooth=False)


def test_invert_truth() -> None:
    """~ of truth values is not."""
    agrees(lambda a: ~a, np.array([True, False]), smooth=False)


def test_xlogy_is_zero_at_zero() -> None:
    """x log y is 0 for x = 0, also at y = 0, with slope log y by x elsewhere."""
    agrees(scipy.special.xlogy, seeded(3, low=0.1), seeded(3, seed=1, low=0.1))
    agrees(scipy.special.xlogy, np.zeros(2), np.array([0.0, 3.0]), smooth=False)


OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "==": operator.eq,
    "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@pytest.mark.parametrize("symbol", OPERATORS)
@pytest.mark.parametrize("other", [2, 1.5, True, np.float64(1.5), np.array([1.0, 2.0, 0.5]),
                                   [1.0, 2.0, 0.5]])  # fmt: skip
def test_operators_on_either_side(symbol: str, other: Any) -> None:
    """A number, an array or a list on the left and on the right."""
    x = np.array([0.7, 2.1, 1.6])
    agrees(lambda a: OPERATORS[symbol](a, other), x)
    agrees(lambda a: OPERATORS[symbol](other, a), x)


@pytest.mark.parametrize("exponent", [2, 3, 0, 1, -1, -2, 0.5, 2.5, -0.5, 2.0])
def test_powers(exponent: float) -> None:
    """The exponents that NumPy treats on their own, and others."""
    agrees(lambda x: x**exponent, seeded(5, low=0.2))
    if exponent == int(exponent):
        agrees(lambda x: x**exponent, seeded(5, low=-2, high=-0.2))


def test_slope_of_powers_at_zero() -> None:
    """x**2 at 0 has slope 0, x**1 slope 1, x**0 slope 0: no nan from log(0)."""
    for exponent, slope in [(3, 0.0), (2, 0.0), (1, 1.0), (0, 0.0), (1.5, 0.0)]:
        assert grad(lambda x, p=exponent: x**p)(0.0) == slope


def test_reflected_power_and_negation() -> None:
    """2**x, -x, +x, abs(x)."""
    agrees(lambda x: 2**x + 2.0**x, seeded(4))
    agrees(lambda x: -x + abs(x) - (+x), seeded(4))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8"])
def test_python_numbers_are_weak(dtype: str) -> None:
    """NEP 50: a Python number takes the array's dtype, NumPy's scalars do not."""
    x = np.array([1, 2, 3]).astype(dtype)
    for f in (
        lambda a: a + 1,
        lambda a: 2 * a,
        lambda a: a * 2.0,
        lambda a: a + np.float64(1.0),
        lambda a: a + np.int64(1),
        lambda a: np.maximum(a, 2),
        lambda a: np.where(a > 1, a, 0),
        lambda a: np.where(a > 1, a, 0.0),
        lambda a: np.clip(a, 0, 2),
        lambda a: a / 2,
        lambda a: a**2,
    ):
        agrees(f, x, smooth=False, rtol=1e-3)


def test_a_differentiated_python_float_is_weak() -> None:
    """grad by a Python number leaves float32 data in float32."""
    data = np.float32([1, 2])
    y, pullback = vjp(lambda c: c * data, 3.0)
    assert y.dtype == np.float32
    (g,) = pullback(np.float32([1, 1]))
    assert (g.dtype, float(g)) == (np.float64, 3.0)


def test_float32_stays_float32() -> None:
    """Value and gradient of a typical expression keep single precision."""
    x = np.float32([0.5, -1.0])
    y, pullback = vjp(lambda a: np.tanh(a * 2 + 1) / (1 + np.exp(-a)) + np.maximum(a, 0.0), x)
    (g,) = pullback(np.ones_like(y))
    assert (y.dtype, g.dtype) == (np.float32, np.float32)


def test_dtype_argument() -> None:
    """ufuncs take dtype=."""
    agrees(lambda x: np.add(x, 1, dtype=np.float64), np.float32([1, 2]), smooth=False)
    agrees(lambda x: np.exp(x, dtype=np.float32), np.float32([1, 2]), smooth=False, rtol=1e-6)


def test_reduce_accumulate_outer_at() -> None:
    """The methods of ufuncs that have a rule."""
    x = seeded(3, 4)
    agrees(lambda a: np.add.reduce(a, axis=1), x)
    agrees(lambda a: np.multiply.reduce(a), x)
    agrees(lambda a: np.maximum.reduce(a, axis=-1, keepdims=True), x)
    agrees(lambda a: np.minimum.reduce(a, axis=0), x)
    agrees(lambda a: np.logaddexp.reduce(a, axis=1), x)
    agrees(lambda a: np.add.accumulate(a, axis=1), x)
    agrees(lambda a: np.multiply.accumulate(a), x)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        agrees(getattr(np, name).outer, seeded(3, low=0.5), seeded(2, 2, seed=1, low=0.5))
    agrees(lambda a: np.logical_and.reduce(a > 0, axis=1), x, smooth=False)
    agrees(lambda a: np.logical_or.reduce(a > 0, axis=1), x, smooth=False)


@pytest.mark.parametrize(
    ("call", "name", "instead"),
    [
        (lambda x: np.greater.reduce(x > 0), "np.greater.reduce", None),
        (lambda x: np.packbits(x > 0), "np.packbits", "np.sum"),
        (lambda x: np.unpackbits(x.astype(np.uint8)), "np.unpackbits", None),
        (lambda x: scipy.special.smirnov(1, x), "scipy.special.smirnov", None),
    ],
)
def test_unsupported_function_is_named(call: Any, name: str, instead: str | None) -> None:
    """By the name that a user calls it by, and with what may do instead, if anything does."""
    with pytest.raises(UnsupportedError, match=f"{name} of a traced array") as caught:
        grad(lambda x: np.sum(call(x)))(np.ones(3))
    assert ("; use" in str(caught.value)) == (instead is not None)
    assert instead is None or instead in str(caught.value)


def test_dtype_errors_name_the_function() -> None:
    """Of SciPy's as well; what SciPy can do there is refused as not supported."""
    for call, name in ((scipy.special.gammainc, "scipy.special.gammainc"), (np.fmod, "np.fmod")):
        with pytest.raises(TypeError, match=f"{name} is not defined for complex numbers"):
            grad(lambda x, call=call: call(x, np.array([1j])).sum())(1.0)
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.xlogy of complex numbers"):
        grad(lambda x: scipy.special.xlogy(x, np.array([1j])).real.sum())(1.0)


@pytest.mark.parametrize("number", [2.5, 3.5, -1.25, 7.0])
def test_python_operators_of_numbers(number: float) -> None:
    """divmod both ways, round and math's: as of a NumPy number; rounding to digits has slope 0."""
    x = np.float64(number)
    value, slope = value_and_grad(lambda x: divmod(x, 1.5)[1] + divmod(9.0, x)[1])(x)
    assert value == divmod(x, 1.5)[1] + divmod(9.0, x)[1]
    assert slope == 1.0 - divmod(9.0, x)[0]
    assert jit(lambda x: divmod(x, 1.5))(x) == divmod(x, 1.5)
    agrees(lambda a: np.divmod(a, 1.5)[1], np.array([x, 2.2]), smooth=False)
    for f in (round, math.floor, math.ceil, math.trunc):
        seen = []

        def g(x: Any, f: Any = f, seen: Any = seen) -> Any:
            seen.append(f(x))
            return x * f(x)

        assert grad(g)(x) == f(x)
        assert type(seen[0]) is int
    assert value_and_grad(lambda x: round(x, 1))(x) == (round(x, 1), 0.0)
    assert jit(lambda x: round(x, 1))(x) == round(x, 1)
    for decimals in (-1, 0, 1, 3):
        agrees(lambda a, d=decimals: np.round(a, d), 30.0 * np.array([x, 0.123456]), smooth=False)
    with pytest.raises(TypeError, match="use np.round"):
        grad(lambda x: round(x) * x)(np.ones(2))


PLAIN = np.zeros(2)


def test_what_where_and_out_cannot_be_is_refused() -> None:
    """where= without out= leaves numbers undefined; a plain array cannot hold traced ones."""
    mask = np.array([True, False])
    with pytest.raises(UnsupportedError, match="where="):
        grad(lambda x: np.sum(np.add(x, 1.0, where=mask)))(np.ones(2))
    with pytest.raises(UnsupportedError, match="out="):
        grad(lambda x: np.sum(np.add(x, 1.0, out=PLAIN)))(np.ones(2))


def test_reciprocal_of_integers_truncates() -> None:
    """NumPy's 1/x of integers is an integer."""
    agrees(np.reciprocal, np.array([1, -1, 2, -3]), smooth=False)
