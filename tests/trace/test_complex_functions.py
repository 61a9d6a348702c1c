"""NumPy's functions of complex numbers on tracers: value, dtype, derivatives, compiled code."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, holds, holds_twice, same

from chainrule.errors import DtypeError, UnsupportedError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad, vjp

UNARY = ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "reciprocal", "sin",
         "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh",
         "arctanh", "exp2", "negative", "positive", "conjugate", "absolute", "sign"]  # fmt: skip
BINARY = ["add", "subtract", "multiply", "divide", "power"]
COMPARE = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
           "logical_or", "logical_xor"]  # fmt: skip
ODD = np.array([1 + 2j, np.nan + 1j, 1j * np.inf, np.inf * 1j + np.nan, 1.7e308 * (1 + 1j), 0])


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name: str) -> None:
    """Value and slope."""
    holds(getattr(np, name), draw(2, 3))


@pytest.mark.parametrize("name", ["exp", "absolute", "tan", "conjugate"])
@pytest.mark.parametrize("shape", [(), (2, 0), (1,)])
def test_shapes(name: str, shape: tuple[int, ...]) -> None:
    """A number, no numbers, one number."""
    holds(getattr(np, name), draw(*shape))


@pytest.mark.parametrize("name", ["sqrt", "tan", "arcsin", "arccosh", "absolute", "sign", "log"])
def test_second_derivatives(name: str) -> None:
    """Of what has a rule of its own."""
    holds_twice(getattr(np, name), draw(3))


@pytest.mark.parametrize("name", UNARY)
def test_complex64(name: str) -> None:
    """The result has the parts of the argument's size."""
    z = draw(5).astype(np.complex64)
    value, pullback = vjp(getattr(np, name), z)
    same(value, getattr(np, name)(z), rtol=1e-5)
    assert pullback(value)[0].dtype == np.complex64


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name: str) -> None:
    """Also of a real and a complex one, whichever comes first, and of Python's numbers."""
    f, z, w = getattr(np, name), draw(2, 3), draw(3, seed=1)
    holds(f, z, w)
    holds(f, z, w.real)
    holds(f, np.abs(z.real) + 0.1, w)
    holds(lambda z: f(z, 2.5), z)
    holds(lambda z: f(2.5 - 1j, z), z)
    holds(lambda x: f(x, 1 + 2j), z.real)
    assert vjp(lambda x: f(x, 1j), z.real.astype(np.float32))[0].dtype == np.complex64


@pytest.mark.parametrize("name", COMPARE)
def test_comparisons(name: str) -> None:
    """NumPy orders by real parts, then by imaginary ones."""
    z = np.array([1 + 2j, 1 + 1j, 0, 2, 1j])
    holds(getattr(np, name), z, z[::-1].copy(), smooth=False)
    holds(getattr(np, name), z, z.real, smooth=False)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_extremes_by_numpys_order(name: str) -> None:
    """The larger real part, whatever the imaginary one."""
    holds(getattr(np, name), draw(4), draw(4, seed=1))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not", "rint"])
def test_special_points(name: str) -> None:
    """A number is infinite if a part of it is, not if its size overflows."""
    holds(getattr(np, name), ODD, smooth=False)


REDUCTIONS = ["sum", "mean", "prod", "std", "var", "max", "min", "ptp", "cumsum", "cumprod", "sort"]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, -1])
def test_reductions(name: str, axis: int | None) -> None:
    """Variances are real: of distances from the mean."""
    holds(lambda z: getattr(np, name)(z, axis=axis), draw(3, 4))


@pytest.mark.parametrize("name", ["any", "all", "argmax", "argmin", "argsort", "count_nonzero"])
def test_questions(name: str) -> None:
    """0 is false, and i is true."""
    holds(lambda z: getattr(np, name)(z, axis=1), np.round(draw(3, 4)), smooth=False)


def _written(z: Any, w: Any) -> Any:
    y = z.copy()
    y[0] = w
    y[1, 1] = 3
    y[2, [0, 1]] += 1j * w[:2]
    return y * y


def _parts_written(z: Any, w: Any) -> Any:
    y = z * w
    y.real = w.real
    y.imag[0] = 2.0
    y.imag *= 3
    part = y.real
    part += w.imag
    return y * w


def _in_place(z: Any, w: Any) -> Any:
    y = z * 1
    y += w
    y *= 1j
    y -= 2
    y /= w
    return y


def _buffer(z: Any, w: Any) -> Any:
    out = np.zeros(4, complex)
    for k in range(4):
        out[k] = z[0, k] * w[k].real
    return out


FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "matmul": lambda z, w: z @ w,
    "real @ complex": lambda z, w: z.real @ w,
    "dot": lambda z, w: np.dot(z, w),
    "vdot": lambda z, w: np.vdot(z[0], w),
    "inner": lambda z, w: np.inner(z, w),
    "outer": lambda z, w: np.outer(z, w),
    "einsum": lambda z, w: np.einsum("ij,ik->jk", z, z.conj()) * np.einsum("ij,j->", z, w),
    "tensordot": lambda z, w: np.tensordot(z, z, ((0,), (0,))),
    "stack": lambda z, w: np.stack([z[0], w]),
    "concatenate": lambda z, w: np.concatenate([z.real, w[None]]),
    "where": lambda z, w: np.where(z.real > 0, z.real, w),
    "parts": lambda z, w: z.real * w.imag + z.imag,
    "index": lambda z, w: z[1:, ::2] * w[[0, 2]] + z[[0, 2], 1:2],
    "take": lambda z, w: np.take(z, [1, 1], axis=1),
    "shapes": lambda z, w: np.broadcast_to(z.T.reshape(-1)[::2], (2, 6)),
    "moves": lambda z, w: np.roll(z, 1, 0) + np.flip(z) + np.tril(z) * np.trace(z),
    "diag": lambda z, w: np.diag(w) @ w,
    "diff": lambda z, w: np.diff(z),
    "round": lambda z, w: np.round(z, 1) * w,
    "nan_to_num": lambda z, w: np.nan_to_num(z) * w,
    "angle": lambda z, w: np.angle(z) + np.angle(w, deg=True),
    "abs": lambda z, w: abs(z) + abs(w),
    "conj": lambda z, w: z.conj() * w.conjugate() + np.conj(z),
    "powers": lambda z, w: z**2 + w**3 + w**-1 + w**0.5 + z ** (1 + 1j) + 2**w,
    "astype": lambda z, w: z.real.astype(complex) * w,
    "from parts": lambda z, w: z.real + 1j * w.imag,
    "power spectrum": lambda z, w: (z * z.conj()).real,
    "isclose": lambda z, w: np.where(np.isclose(z, w), z, w),
    "isreal": lambda z, w: np.where(np.isreal(z) | np.iscomplex(w), z, w),
    "repeat": lambda z, w: np.concatenate([np.repeat(w, 2), np.tile(w, 2)]),
    "split": lambda z, w: np.split(w, 2),
    "average": lambda z, w: np.average(z, axis=0, weights=[1.0, 2.0, 3.0]),
    "full_like": lambda z, w: np.full_like(z, 1j) * w,
    "sum of reals": lambda z, w: np.sum(z.real, dtype=complex) * w,
    "list": lambda z, w: w * [1j, 2, 3, 4],
    "array of list": lambda z, w: np.array([w[0], 1j, w[1] * 2j]),
    "asarray": lambda z, w: np.asarray(w.real, dtype=complex) * w,
    "written": _written,
    "parts written": _parts_written,
    "in place": _in_place,
    "buffer": _buffer,
    "real of real": lambda z, w: z.real.real + z.real.imag + z.real.conj(),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """Products, moves, views, writes: all that code does with complex arrays."""
    holds(FORMS[name], draw(3, 4), draw(4, seed=1))


@pytest.mark.parametrize(
    "name",
    [
        "parts written",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("einsum", "angle", "powers")),
    ],
)
def test_forms_twice(name: str) -> None:
    """Second derivatives, too."""
    holds_twice(FORMS[name], draw(3, 4), draw(4, seed=1))


OPERATORS = ["add", "sub", "mul", "truediv", "pow", "eq", "ne", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_with_python_numbers(name: str) -> None:
    """A Python number takes the dtype that NumPy gives it."""
    rule, z = getattr(operator, name), draw(3)
    for number in (2, 2.5, 1 + 1j):
        for x in (z, z.astype(np.complex64), z.real, z.real.astype(np.float32)):
            for f in (lambda x, n=number: rule(x, n), lambda x, n=number: rule(n, x)):
                with np.errstate(invalid="ignore"):
                    same(jit(f)(x), f(x), rtol=1e-5)
                    same(vjp(f, x)[0], f(x), rtol=1e-5)


@pytest.mark.parametrize("f", [np.floor, np.cbrt, np.fabs, np.trunc, np.ceil, np.deg2rad,
                               lambda z: np.hypot(z, z), lambda z: np.arctan2(z, z),
                               lambda z: z % 2, lambda z: z // 2, lambda z: z & 1])  # fmt: skip
def test_what_numpy_refuses(f: Callable[[Any], Any]) -> None:
    """The same type of error."""
    with pytest.raises(TypeError):
        f(draw(3))
    for way in (lambda z: vjp(f, z), jit(f)):
        with pytest.raises((DtypeError, UnsupportedError)):
            way(draw(3))


@pytest.mark.parametrize("f", [
    lambda z: np.interp(z.real, z.real, [1j, 2, 3]), np.ma.asarray, np.sinc, np.unwrap,
    lambda z: np.convolve(z, z), lambda z: np.cov(np.stack([z, z])), np.gradient,
])  # fmt: skip
def test_rules_for_real_numbers_refuse(f: Callable[[Any], Any]) -> None:
    """What has no rule that was made for complex numbers says so, or is right."""
    z = np.sort(draw(3))
    for way in (lambda z: vjp(f, z)[0], jit(f)):
        try:
            actual = way(z)
        except (UnsupportedError, TypeError):
            continue
        same(actual, f(z), rtol=1e-12)


def test_gradients_at_zero() -> None:
    """The middle of the subdifferential; of a square it is exact."""
    z = np.zeros(2, complex)
    for f in (
        lambda z: np.sum(np.abs(z)),
        lambda z: np.sum(np.abs(z) ** 2),
        lambda z: np.sqrt(np.sum((z * z.conj()).real)),
        lambda z: np.sqrt(np.vdot(z, z).real),
        lambda z: np.sqrt((z.conj() @ z).real),
        lambda z: np.sum(np.angle(z)),
    ):
        np.testing.assert_array_equal(grad(f)(z), z)
        np.testing.assert_array_equal(jit(grad(f))(z), z)


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
                                  "sqrt", "log"])  # fmt: skip
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_slopes_on_both_sides_of_cuts(name: str, zero: float) -> None:
    """The sign of a zero says on which side of a cut a number lies."""
    f = getattr(np, name)

    def along(turned: bool) -> Callable[[Any], Any]:
        def parts(x: Any) -> Any:
            z = np.zeros(4, complex)
            z.real, z.imag = (zero, x) if turned else (x, zero)
            return np.real(f(z)) + 2.0 * np.imag(f(z))

        return parts

    x, step = np.array([1.7, -2.3, 0.4, -0.6]), 1e-6
    with np.errstate(all="ignore"):
        for parts in (along(False), along(True)):
            slope = (parts(x + step) - parts(x - step)) / (2 * step)
            for gradient in (
                grad(lambda x, p=parts: np.sum(p(x))),
                jit(grad(lambda x, p=parts: np.sum(p(x)))),
            ):
                np.testing.assert_allclose(gradient(x), slope, rtol=1e-6, atol=1e-6)
