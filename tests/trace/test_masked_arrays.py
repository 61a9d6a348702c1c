"""Masked arrays beside traced ones: read where nothing is masked, else refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import ChainruleError, UnsupportedDtypeError, UnsupportedError

X = np.array([0.3, 1.2, 0.7])
WITHOUT_MASK = np.ma.array([1.0, 2.0, 3.0])
OF_FALSE = np.ma.array([1.0, 2.0, 3.0], mask=[False, False, False])
WITH_MASK = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
READABLE = [WITHOUT_MASK, OF_FALSE]


def branch(m: Any, x: Any) -> Any:
    """As programs do that leave out what is not there."""
    rest = m - x
    return np.sum(rest * x) if not np.any(np.ma.getmask(rest)) else x[0] * np.nan


def likelihood(m: Any, x: Any) -> Any:
    """As a Kalman filter does: rows of observations, which may be missing."""
    rows = np.ma.atleast_2d(m * 1.0)
    total = 0.0
    for row in rows:
        if np.ma.getmaskarray(row).sum() == 0:
            total = total + np.dot(x, row - x)
    return total


EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "operators": lambda m, x: np.sum((m - x) ** 2 + (x - m) * m - x * m),
    "quotients": lambda m, x: np.sum(m / x + x / (m + x) + 2.0 / (m * x)),
    "powers": lambda m, x: np.sum(m**x + x**m),
    "products": lambda m, x: m @ x + np.dot(x, m) + np.sum(np.outer(m, x)),
    "functions": lambda m, x: np.sum(np.log(m * x) + np.ma.log(x) + np.ma.sqrt(m * x)),
    "comparisons": lambda m, x: np.sum(np.where(m < 2 * x, x, m * x) + (m == x)),
    "constructors": lambda m, x: np.sum(np.ma.asarray(x) * m + np.ma.array(x, copy=True)),
    "written": lambda m, x: np.sum(np.ma.array([x[0], 1.0, x[2]]) * m),
    "branch": branch,
    "likelihood": likelihood,
}


@pytest.mark.parametrize("m", READABLE, ids=["no mask", "mask of False"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_nothing_masked(name: str, m: Any) -> None:
    """The plain call's value; the gradient is the slope, in both modes and twice."""

    def f(x: Any) -> Any:
        return EXPRESSIONS[name](m, x) + np.sum(x**3)

    value, gradient = cr.value_and_grad(f)(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-14)
    tangent = np.array([0.4, -1.0, 0.8])
    assert_close(gradient @ tangent, along(f, [X], [tangent], 1e-6), 1e-8)
    assert_close(cr.jvp(f, [X], [tangent])[1], gradient @ tangent, 1e-13)
    second = cr.grad(lambda x: cr.grad(f)(x) @ tangent)(X) @ tangent
    assert_close(second, along(lambda x: cr.grad(f)(x) @ tangent, [X], [tangent], 1e-6), 1e-7)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_masked(name: str) -> None:
    """What would be left out is refused."""
    if name in ("branch", "likelihood"):  # which go another way then
        return
    with pytest.raises(UnsupportedDtypeError, match=r"x\.filled"):
        cr.grad(lambda x: EXPRESSIONS[name](WITH_MASK, x))(X)


def test_compiled() -> None:
    """What NumPy would never mask is compiled; what it might is refused, by the operation."""
    m = OF_FALSE
    gradient = cr.jit(cr.grad(lambda x: np.sum((m - x) * 2 + m * x) + m @ x))(X)
    np.testing.assert_allclose(gradient, 2 * m.data - 2, rtol=1e-15)
    for f in (lambda x: np.sum(m / x), lambda x: np.sum((m - x) ** 2)):
        with pytest.raises(UnsupportedError, match=r"could, mask entries of (div|mul)"):
            cr.jit(f)(X)


def left_out(m: Any, x: Any) -> Any:
    """A masked entry is less than nothing, and no more either."""
    return x[0] if (m / x)[1] > 3 else 2 * x[0]


BECOME_MASKED: list[Callable[[Any, Any], Any]] = [
    lambda m, x: np.sum(m / x),
    lambda m, x: np.sum((m / x)[1:]),
    lambda m, x: np.sum(np.ma.log(x)),
    lambda m, x: np.sum(x / (m * x)),
    lambda m, x: np.sum(m ** (1e5 * x[2]))[None],
    lambda m, x: np.sum(np.ma.arctanh(x / 2)),
    lambda m, x: np.sum(m % (x + 1)),
    left_out,
]


@pytest.mark.parametrize("f", BECOME_MASKED)
def test_what_becomes_masked(f: Any) -> None:
    """Entries that NumPy masks later, or may, are refused, also where a branch asks for them."""
    at = np.array([0.3, 0.0, 0.7])
    with np.errstate(all="ignore"), pytest.raises(UnsupportedError, match="masks what is not"):
        cr.vjp(lambda x: f(OF_FALSE, x), at)


def test_what_is_not_known() -> None:
    """The mask as an array, and the type: whether NumPy has one depends on too much."""
    for f in (
        lambda x: np.sum(x * ~np.ma.getmask(OF_FALSE - x)),
        lambda x: x[0] if np.ma.isMaskedArray(OF_FALSE - x) else x[1],
        lambda x: np.sum(np.ma.array(x, mask=[True, False, False])),
    ):
        with pytest.raises((ChainruleError, TypeError)):
            cr.grad(f)(X)


def test_traces_apart() -> None:
    """What follows from no masked array, in a later trace, is free to be infinite."""
    cr.grad(lambda x: np.sum(OF_FALSE - x))(X)
    with np.errstate(all="ignore"):
        assert cr.vjp(lambda x: np.sum(1 / x), np.zeros(2))[0] == np.inf
        assert not np.any(np.ma.getmask(X))
    assert cr.grad(lambda x: x[0] if np.ma.getmask(x) is np.ma.nomask else x[1])(X)[0] == 1.0
