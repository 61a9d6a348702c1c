"""Complex numbers as values of a trace: convention of gradients, kinds, casts, loops, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, gradient_of_parts, holds, holds_twice

from chainrule import cond, fori_loop, pure_callback, scan, stop_gradient, while_loop
from chainrule.errors import DtypeError, GradientError, UnsupportedDtypeError, UnsupportedError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.compiling.make_graph import make_graph
from chainrule.transforms.differentiating.check import check_grads
from chainrule.transforms.differentiating.gradient import grad, jvp, value_and_grad, vjp

Z = draw(4)


@pytest.mark.parametrize("f", [
    lambda z: np.sum(np.abs(z) ** 2),
    lambda z: np.sum(np.abs(np.exp(z) + z.conj()) ** 1.5),
    lambda z: np.real(np.prod(z)) * np.imag(np.sum(z * z)),
    lambda z: np.sum(np.angle(z * z + 1)),
])  # fmt: skip
def test_gradient_by_complex_numbers(f: Any) -> None:
    """The slope by the real part minus i times that by the imaginary one, as in JAX."""
    expected = gradient_of_parts(f, Z)
    for way in (grad(f), jit(grad(f))):
        np.testing.assert_allclose(way(Z), expected, rtol=1e-7, atol=1e-8)


def test_gradient_of_a_square() -> None:
    """Of |z|**2 it is 2 conj(z): minus its conjugate is the direction of steepest descent."""
    np.testing.assert_allclose(grad(lambda z: np.vdot(z, z).real)(Z), 2 * Z.conj(), rtol=1e-14)


def test_holomorphic_functions() -> None:
    """Tangents and cotangents are multiplied by the derivative, without conjugation."""
    tangent = draw(4, seed=5)
    slope = np.cos(Z) * np.exp(np.sin(Z))
    pushed = jvp(lambda z: np.exp(np.sin(z)), (Z,), (tangent,))[1]
    (pulled,) = vjp(lambda z: np.exp(np.sin(z)), Z)[1](tangent)
    np.testing.assert_allclose(pushed, slope * tangent, rtol=1e-14)
    np.testing.assert_allclose(pulled, slope * tangent, rtol=1e-14)


def test_real_functions_with_complex_numbers_inside() -> None:
    """A real argument has a real gradient, of any order."""
    x = np.array([0.3, -1.2, 2.0])

    def f(x: Any) -> Any:
        z = np.exp(1j * x) * x + (x + 0j) ** 2.5
        return np.sum(np.abs(z) ** 2 + np.angle(z + 3) * z.real)

    assert grad(f)(x).dtype == np.float64
    holds_twice(f, x)
    check_grads(f, (x,), order=3)
    check_grads(jit(f), (x,))


def test_complex_arguments_of_check_grads() -> None:
    """A wrong derivative is noticed, also in the imaginary part alone."""
    check_grads(lambda z: z * z.conj() + np.sin(z), (Z,))
    with pytest.raises(AssertionError, match="jvp"):
        check_grads(lambda z: z.real + 1j * stop_gradient(z.imag), (Z,), order=1)


def test_grad_of_a_complex_result() -> None:
    """There is none; the error says what to take instead."""
    with pytest.raises(GradientError, match=r"complex128.*vjp"):
        grad(lambda z: z[0] * 2)(Z)


def test_cotangents_and_tangents_have_the_dtype_of_the_value() -> None:
    """A real one is taken for a complex value, a complex one for a real value is refused."""
    assert vjp(lambda z: z * 1j, Z)[1](np.ones(4))[0].dtype == np.complex128
    with pytest.raises(DtypeError, match="complex tangent"):
        jvp(lambda x: 2 * x, (Z.real,), (Z,))
    with pytest.raises(DtypeError, match="complex cotangent"):
        vjp(lambda x: 2 * x, Z.real)[1](Z)


def test_kinds() -> None:
    """A number of a complex array is one of NumPy's, a Python number stays one."""
    seen = []

    def f(z: Any, number: Any) -> Any:
        entry = z[0]
        seen.append((isinstance(entry, np.complex128), isinstance(entry, complex)))
        seen.append((isinstance(number, complex), isinstance(number, np.complex128)))
        seen.append((np.iscomplexobj(z), np.isrealobj(entry), np.iscomplexobj(entry.real)))
        single = np.float32(2) * number
        assert single.dtype == np.complex64
        assert isinstance(number.real, float)
        return abs(entry) + abs(single) + np.float32(1)

    value, gradient = value_and_grad(f, (0, 1))(Z, 1 + 2j)
    assert seen == [(True, True), (True, False), (True, False, False)]
    assert gradient[1].dtype == np.complex128
    assert jit(f)(Z, 1 + 2j).dtype == value.dtype


def test_real_if_close() -> None:
    """A view of the real parts where the others are rounding."""
    assert vjp(lambda x: np.real_if_close(x * (1 + 0j)), Z.real)[0].dtype == np.float64
    assert vjp(np.real_if_close, Z)[0].dtype == np.complex128
    assert vjp(np.real_if_close, Z.real)[0].dtype == np.float64


def test_astype_to_real_numbers_warns() -> None:
    """As NumPy does; the derivative is that of the real part."""
    with pytest.warns(np.exceptions.ComplexWarning, match="imaginary"):
        gradient = grad(lambda z: np.sum(z.astype(float) ** 2))(Z)
    np.testing.assert_array_equal(gradient, 2 * Z.real)
    np.testing.assert_array_equal(vjp(lambda z: z.astype(bool), 1j * Z.real)[0], True)


def test_writes_into_real_arrays() -> None:
    """Python's complex numbers are an error, NumPy's lose their imaginary part with a warning."""

    def write(x: Any, value: Any) -> Any:
        y = x.copy()
        y[0] = value
        return y

    def add(x: Any) -> Any:
        x += 1j * x
        return x

    with pytest.raises(TypeError, match="complex"):
        vjp(lambda x: write(x, 1j), Z.real)
    with pytest.warns(np.exceptions.ComplexWarning):
        value, pullback = vjp(lambda x: write(x, x[1] * (2 + 1j)), Z.real)
    np.testing.assert_array_equal(value, [2 * Z[1].real, *Z[1:].real])
    np.testing.assert_array_equal(pullback(np.ones(4))[0], [0, 3, 1, 1])
    with pytest.raises(TypeError, match="complex128"):
        vjp(add, Z.real)
    with pytest.raises(TypeError, match="imaginary"):
        vjp(lambda x: setattr(x, "imag", 1.0), Z.real)


def _recurrence(x: Any) -> Any:
    last, sizes = scan(lambda c, t: (c * np.exp(1j * t) + t, np.abs(c)), np.complex128(1), x)
    return np.abs(last) + np.sum(sizes)


LOOPS = {
    "scan": _recurrence,
    "scan over complex": lambda x: scan(lambda c, z: (c * z, c), 1 + 1j * x[0], x * 1j + 1),
    "fori_loop": lambda x: fori_loop(0, 3, lambda k, c: c * (1 + 1j) + x, x * 1j),
    "cond": lambda x: cond(x[0] > 0, lambda z: z * 1j, lambda z: z * 2, x + 1j),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_and_branches(name: str) -> None:
    """Their states, and what they read and stack, may be complex."""
    holds(LOOPS[name], np.array([0.3, -1.2, 2.0]))


def test_while_loop_in_forward_mode() -> None:
    """A complex state, a real condition."""
    f = lambda z: while_loop(lambda c: np.abs(c) < 10, lambda c: c * (1 + 1j), z)  # noqa: E731
    for way in (f, jit(f)):
        value, tangent = jvp(way, (Z[0],), (np.complex128(1),))
        np.testing.assert_allclose(tangent, value / Z[0], rtol=1e-14)


def test_callbacks() -> None:
    """They take and return complex arrays."""
    double = jit(lambda z: pure_callback(lambda z: z * 2, z, z))
    np.testing.assert_array_equal(double(Z), 2 * Z)


def test_graphs_print_complex_numbers() -> None:
    """Dtypes are c64 and c128."""
    text = str(make_graph(lambda z: (z * 1j).astype(np.complex64))(Z))
    assert "%0: c128[4]" in text
    assert "constant 1j" in text
    assert "c64[4] = cast" in text


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_memory_of_arguments(order: str) -> None:
    """Compiled code reads arrays as they lie."""
    z = draw(6, 4)
    z = np.asfortranarray(z) if order == "F" else z[::2, ::-1] if order == "strided" else z
    f = lambda z: (z.T @ z).sum(0) + z[0]  # noqa: E731
    np.testing.assert_allclose(jit(f)(z), f(z), rtol=1e-13)


@pytest.mark.parametrize("f", [
    lambda z: z[0].astype(np.clongdouble), lambda z: np.sin(z, dtype=float),
    lambda z: float(z),
])  # fmt: skip
def test_refusals(f: Any) -> None:
    """What would lose digits or a derivative."""
    with pytest.raises((UnsupportedDtypeError, UnsupportedError, TypeError, GradientError)):
        grad(lambda z: np.abs(f(z * 1)).sum())(Z)


def test_complex_powers_of_negative_numbers() -> None:
    """The principal branch of what was cast before."""
    x = np.array([-0.5, -2.0, 3.0])
    holds_twice(lambda x: (x + 0j) ** 0.3 + np.sqrt(x + 0j) + np.log(x + 0j), x)
