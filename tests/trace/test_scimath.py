"""`numpy.emath`: real results where there are some, complex ones else; slopes of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, holds, same

from chainrule.errors import AbstractValueError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad, vjp

INSIDE = np.array([0.3, 0.6])
ONE_ARGUMENT = ["sqrt", "log", "log2", "log10", "arcsin", "arccos", "arctanh"]
TWO_ARGUMENTS: list[Callable[[Any], Any]] = [
    lambda x: np.emath.logn(2, x),
    lambda x: np.emath.logn(x, 3.0),
    lambda x: np.emath.power(x, -2),
    lambda x: np.emath.power(x, [2, -1]),
    lambda x: np.emath.power(np.array([2, 3]), x),
]


def _right(f: Callable[[Any], Any], x: Any) -> None:
    """The plain function's numbers and dtype; the gradient is the slope of both parts."""

    def parts(x: Any) -> Any:
        return np.sum(np.real(f(x)) + 2.0 * np.imag(f(x)))

    same(vjp(f, x)[0], f(x), 1e-13)
    slopes = [(parts(x + 1e-6 * u) - parts(x - 1e-6 * u)) / 2e-6 for u in np.eye(x.size)]
    np.testing.assert_allclose(grad(parts)(x), slopes, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_real_and_complex_results(name: str) -> None:
    """One number outside makes all results complex."""
    f = getattr(np.emath, name)
    for x in (INSIDE, -INSIDE, INSIDE * np.array([3.0, -3.0])):
        _right(f, x)
    narrow = np.array([-0.5, -3.0], np.float32)
    same(vjp(f, narrow)[0], f(narrow), 1e-5)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_complex_arguments(name: str) -> None:
    """They are functions of complex numbers, under jit too."""
    holds(getattr(np.emath, name), draw(3))


@pytest.mark.parametrize("f", TWO_ARGUMENTS)
def test_two_arguments(f: Callable[[Any], Any]) -> None:
    """Either may be what is differentiated by."""
    _right(f, INSIDE)
    _right(f, -INSIDE)


def test_the_dtype_needs_the_numbers() -> None:
    """Under jit that of real arguments is not known."""
    with pytest.raises(AbstractValueError, match="needs the numbers"):
        jit(np.emath.sqrt, strict=True)(INSIDE)
    root = jit(np.emath.sqrt)
    for x in (INSIDE, -INSIDE, INSIDE, -INSIDE):
        np.testing.assert_array_equal(root(x), np.emath.sqrt(x), strict=True)
