"""Python's `cmath` of traced numbers: its values, their derivatives, its errors."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, holds

import chainrule as cr

OF_ONE = ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "log", "log10",
          "sin", "sinh", "sqrt", "tan", "tanh"]  # fmt: skip


@pytest.mark.parametrize(("k", "name"), list(enumerate(OF_ONE)))
def test_functions_of_one_number(k: int, name: str) -> None:
    """Of complex numbers, and of a real one on one side of 0 and 1, eagerly and under jit.

    Of those without branches, `exp` alone for the latter.
    """
    f = getattr(cmath, name)
    holds(lambda z: np.complex128(f(z)), draw())
    if name not in ("cos", "cosh", "sin", "sinh", "tan", "tanh"):
        holds(lambda x: np.complex128(f(x)) * (2.0 - 1.0j), (0.4, -0.6, 1.7, -2.3)[k % 4])


def test_other_functions() -> None:
    """Polar coordinates, logarithms to a base, and numbers that Python's operators take on."""
    z = draw(seed=1)
    holds(lambda z: np.float64(cmath.phase(z)), z)
    holds(lambda z: np.array(cmath.polar(z)), z)
    holds(lambda r, p: np.complex128(cmath.rect(r, p)), 1.3, -0.4)
    holds(lambda z, b: np.complex128(cmath.log(z, b)), z, 2.5)
    holds(lambda x: np.float64((cmath.sqrt(x) ** 3 / (1j + cmath.exp(1j * x))).real), -0.7)


def _largest_root(a: Any) -> Any:
    """The largest of three real roots of x**3 - a x + 0.2, by Cardano's formula."""
    root = (-0.1 + cmath.sqrt(0.01 - a**3 / 27)) ** (1 / 3)
    return (root + a / (3 * root)).real


def test_a_cubic_with_three_real_roots() -> None:
    """Whose formula leaves the real numbers."""
    x = _largest_root(1.5)
    assert pytest.approx(0.0, abs=1e-12) == x**3 - 1.5 * x + 0.2
    for way in (cr.grad(_largest_root), cr.jit(cr.grad(_largest_root))):
        assert pytest.approx(x / (3 * x**2 - 1.5)) == way(1.5)
    step = 1e-5
    slope = (cr.grad(_largest_root)(1.5 + step) - cr.grad(_largest_root)(1.5 - step)) / (2 * step)
    assert pytest.approx(slope) == cr.grad(cr.grad(_largest_root))(1.5)


def test_questions_are_answered() -> None:
    """Where the numbers are known, by Python's own True and False."""

    def f(x: Any) -> Any:
        assert cmath.isfinite(x) is True
        assert cmath.isnan(x * 1j) is False
        assert cmath.isinf(x) is False
        assert cmath.isclose(x, 0.9 + 0j) is True
        return x

    assert cr.grad(f)(0.9) == 1.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: cmath.log(x - x).real,
        lambda x: cmath.exp(1000.0 * x).real,
        lambda x: cmath.sqrt(np.array([x, x])).real,
        lambda x: cmath.atanh(x / x).real,
    ],
)
def test_errors_of_cmath(f: Any) -> None:
    """Where the numbers are known, it raises as it does of plain ones."""
    with pytest.raises((ValueError, OverflowError, TypeError)) as plain:
        f(0.9)
    with pytest.raises(plain.type):
        cr.grad(f)(0.9)
