"""Errors that depend on numbers are branches, in code that would catch them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured


def _or_else(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def caught(x: Any) -> Any:
        try:
            return f(x)
        except (ValueError, ArithmeticError, LookupError, np.linalg.LinAlgError) as error:
            return 0.5 * x + len(type(error).__name__)

    return caught


def _hold(f: Callable[[Any], Any], inputs: list[Any], derivatives: bool = True) -> None:
    """Hold three calls for each input, and derivatives, against the plain ones."""
    pairs = [(cr.jit(f), f)]
    if derivatives:
        total = cr.grad(lambda x: np.sum(f(x)))
        pairs += [(cr.jit(total), total), (cr.grad(cr.jit(lambda x: np.sum(f(x)))), total)]
    with np.errstate(all="ignore"), configured(backend="numpy"):
        for compiled, plain in pairs:
            for x in inputs * 2:
                np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-12)


NUMBERS = [1.5, -0.75, 0.0, 1000.0, 0.25, np.inf, np.nan]
OF_MATH = ["exp", "log", "sqrt", "asin", "gamma", "sin"]


@pytest.mark.parametrize("name", OF_MATH)
def test_domains_of_math(name: str) -> None:
    """`math` raises for what it is not defined at, and for what overflows."""
    _hold(_or_else(lambda x: getattr(math, name)(x)), NUMBERS)


QUOTIENTS: dict[str, Callable[[Any], Any]] = {
    "number": lambda x: 1.0 / x, "numbers": lambda x: (x + 1.0) / (x * 2.0),
    "rest": lambda x: 5.0 % x, "whole": lambda x: 5.0 // x, "both": lambda x: divmod(5.0, x)[1],
    "power": lambda x: math.pow(x, -1.5), "fmod": lambda x: math.fmod(2.0, x),
}  # fmt: skip


@pytest.mark.parametrize("name", QUOTIENTS)
def test_divisions_by_zero(name: str) -> None:
    """Python's numbers raise where they are divided by zero."""
    _hold(_or_else(QUOTIENTS[name]), [1.5, 0.0, -0.75, 0.0], name in ("number", "numbers"))


def test_division_without_jit() -> None:
    """So they do while a function is differentiated; where nobody catches it, inf stays."""
    slope = cr.grad(_or_else(lambda x: 1.0 / x))
    assert slope(2.0) == -0.25
    assert slope(0.0) == 0.5
    with np.errstate(all="ignore"):
        assert cr.grad(lambda x: 1.0 / x)(0.0) == -np.inf
    assert cr.jit(lambda x: 1.0 / x)(0.0) == np.inf
    assert cr.jit(lambda x: 1.0 / x).paths() == []


MATRICES = [np.array([[2.0, 1.0], [1.0, 2.0]]), np.ones((2, 2)), np.array([[-2.0, 1], [1.0, 2.0]])]


def _jittered(m: Any) -> Any:
    added = 0.0
    while True:
        try:
            return np.sum(np.log(np.diag(np.linalg.cholesky(m + added * np.eye(2)))))
        except np.linalg.LinAlgError:
            added = max(2.0 * added, 0.125)


def test_matrices() -> None:
    """Factorisations that fail, and are tried again or left."""
    _hold(_or_else(np.linalg.inv), MATRICES)
    _hold(_or_else(np.linalg.cholesky), MATRICES)
    _hold(_jittered, MATRICES)


def test_indices() -> None:
    """Indices out of range, of lists and of arrays, and maxima of nothing."""
    ints = [0, 2, 5, -1, -7]
    _hold(_or_else(lambda n: [1.0, 2.0, 3.0][n]), ints, derivatives=False)
    _hold(_or_else(lambda n: np.arange(3.0)[n]), ints, derivatives=False)
    arrays = [np.array([1.0, -2.0, 3.0]), np.array([-1.0, -2.0, -3.0])]
    _hold(_or_else(lambda v: np.max(v[v > 0.0])), arrays)
    _hold(_or_else(lambda v: v[v > 0.0][1]), arrays)
    _hold(_or_else(lambda v: v[v > 0.0] @ v[v > 0.0]), arrays)


def test_nobody_catches() -> None:
    """An error that leaves the function needs no guard, or arrives as it is."""
    f = cr.jit(lambda m: np.linalg.inv(m))
    f(MATRICES[0])
    assert f.paths() == []
    with pytest.raises(np.linalg.LinAlgError):
        f(MATRICES[1])
    largest = cr.jit(lambda v: np.max(v[v > 0.0]))
    for _ in range(2):
        assert largest(np.array([1.0, -2.0, 3.0])) == 3.0
        with pytest.raises(ValueError, match="zero-size array to reduction operation maximum"):
            largest(np.array([-1.0, -2.0, -3.0]))


def test_text_of_whole_numbers() -> None:
    """Whole numbers and truth values become the text of plain ones, which may be keys."""

    def named(v: Any) -> Any:
        terms = {}
        for n in np.flatnonzero(v > -1.5):
            terms[f"n{n}"] = v[n]
            terms[str(n)] = 2.0 * v[n]
        return sum(terms.values()) + {"True": v[0], "False": v[1]}[str(v[0] > 0.0)]

    inputs = [np.array([1.0, -2.0, 3.0]), np.array([-1.0, -1.0, 2.0]), np.array([1.0, 1.0, 1.0])]
    _hold(named, inputs)
    _hold(lambda n: sum(map(int, str(n))), [12, 345, 12, 7], derivatives=False)


def test_whole_numbers() -> None:
    """`is_integer`, and truth values of Python as indices."""
    _hold(lambda x: 2.0 * x if float(x).is_integer() else (x, 3.0 * x)[x > 0.0], [2.0, 1.5, -0.5])
