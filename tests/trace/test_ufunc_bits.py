"""Each ufunc of floats, traced: NumPy's own bits; compiled: exact where the result is whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

UFUNCS = sorted(
    {u.__name__: u for u in vars(np).values() if isinstance(u, np.ufunc)
     and not u.signature and u.nin <= 2 and "d" in "".join(t.split("->")[0] for t in u.types)
     }.items()
)  # fmt: skip
WHOLE_SECOND = {"ldexp"}


def drawn(dtype: Any) -> list[Any]:
    """All magnitudes: powers of ten and two, whole numbers, halves, subnormals, special values."""
    rng = np.random.default_rng(8)
    whole = np.arange(0.0, 60.0)
    parts = [
        10.0 ** np.arange(-22, 23), 10.0 ** np.arange(-320, 309, 17), 2.0 ** np.arange(-60, 61, 3),
        2.0 ** np.arange(-1074, 1024, 61), whole, whole + 0.5, rng.uniform(0, 1, 200),
        rng.uniform(0, 30, 200), np.exp(rng.uniform(-700, 700, 200)), [np.inf, np.nan],
        [1 - 2.0**-53, 1 + 2.0**-52, 1.7976931348623157e308, 0.0],
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        x = np.concatenate(parts)
        x = np.concatenate([x, -x]).astype(dtype)
    return [x, rng.permutation(x)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_numpys(dtype: Any) -> None:
    """Of every ufunc, to the last bit and the sign of zeros."""
    x, y = drawn(dtype)
    exponents = np.random.default_rng(2).integers(-1100, 1100, x.size)
    assert len(UFUNCS) > 70
    for name, ufunc in UFUNCS:
        rest = [] if ufunc.nin == 1 else [exponents] if name in WHOLE_SECOND else [y]
        expected = ufunc(x, *rest)
        actual = cr.vjp(lambda x, u=ufunc, rest=rest: u(x, *rest), x)[0]
        pairs = zip(actual, expected, strict=True) if ufunc.nout > 1 else [(actual, expected)]
        for a, b in pairs:
            assert a.dtype == b.dtype, name
            np.testing.assert_array_equal(a, b, err_msg=name)
            if b.dtype.kind == "f":
                known = ~np.isnan(b)
                np.testing.assert_array_equal(np.signbit(a)[known], np.signbit(b)[known], name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_logarithms_of_powers(dtype: Any) -> None:
    """Whole numbers, so that `int(np.log10(x))` counts digits."""
    normal = np.finfo(dtype)
    tens = np.arange(int(np.log10(normal.tiny)), int(np.log10(normal.max)) + 1)
    twos = np.arange(normal.minexp - normal.nmant, normal.maxexp)
    powers = np.array([float(f"1e{k}") for k in tens], dtype)

    @cr.jit
    def f(powers_of_ten: Any, powers_of_two: Any, exponents: Any) -> Any:
        return np.log10(powers_of_ten), np.log2(powers_of_two), np.exp2(exponents)

    of_two = np.ldexp(dtype(1), twos)
    with cr.configured(backend="llvm"):  # NumPy's own is not exact in float32
        ten, two, back = f(powers, of_two, twos.astype(dtype))
    np.testing.assert_array_equal(ten, tens)
    np.testing.assert_array_equal(two, twos)
    np.testing.assert_array_equal(back, of_two)
    assert cr.vjp(np.log10, 1000.0)[0] == 3.0


SLOPES: dict[str, tuple[Any, float, float]] = {
    "log2": (np.log2, 0.7, 1 / (0.7 * np.log(2))),
    "log10": (np.log10, 0.7, 1 / (0.7 * np.log(10))),
    "exp2": (np.exp2, 0.7, 2**0.7 * np.log(2)),
    "tan": (np.tan, 0.7, 1 / np.cos(0.7) ** 2),
    "arcsin": (np.arcsin, 0.7, 1 / np.sqrt(0.51)),
    "arccos": (np.arccos, 0.7, -1 / np.sqrt(0.51)),
    "arctan": (np.arctan, 0.7, 1 / 1.49),
    "sinh": (np.sinh, 0.7, np.cosh(0.7)),
    "arccosh": (np.arccosh, 1.7, 1 / np.sqrt(1.89)),
    "arctanh": (np.arctanh, 0.7, 1 / 0.51),
    "float_power": (lambda x: np.float_power(x, 2.5), 0.7, 2.5 * 0.7**1.5),
    "float_power exponent": (lambda x: np.float_power(2.5, x), 0.7, 2.5**0.7 * np.log(2.5)),
    "logaddexp2": (lambda x: np.logaddexp2(x, 0.2), 0.7, 1 / (1 + 2**-0.5)),
    "logaddexp2 second": (lambda x: np.logaddexp2(0.2, x), 0.7, 1 / (1 + 2**-0.5)),
}


@pytest.mark.parametrize("name", SLOPES)
def test_slopes(name: str) -> None:
    """By formula, in both modes and to the second order."""
    f, x, expected = SLOPES[name]
    assert cr.grad(f)(x) == pytest.approx(expected, rel=1e-14)
    assert cr.jit(cr.grad(f))(x) == pytest.approx(expected, rel=1e-14)
    cr.check_grads(f, (x,))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_slopes_at_the_ends() -> None:
    """Infinite where the curve is upright, none far away, and of the sign of the side."""
    assert [np.inf, -np.inf] == [cr.grad(f)(1.0) for f in (np.arcsin, np.arccos)]
    assert [np.inf, np.inf] == [cr.grad(f)(1.0) for f in (np.arccosh, np.arctanh)]
    assert [0.0, 0.0] == [cr.grad(np.arctan)(x) for x in (1e300, -np.inf)]
    assert cr.grad(cr.grad(np.arctan))(1e200) == 0.0
    assert [1.0, 0.0] == [cr.grad(lambda x, y=y: np.logaddexp2(x, y))(1.0) for y in (-2e3, 2e3)]
    assert cr.grad(lambda x: np.logaddexp2(x, -np.inf))(-np.inf) == 0.5
