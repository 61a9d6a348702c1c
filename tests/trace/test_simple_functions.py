"""Functions that are traced without interception, and all that is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from central_differences import along, assert_close

import chainrule as cr
from chainrule.trace.patches import patches
from chainrule.trace.simple_functions import is_simple

X = np.array([0.3, 1.2, 0.7])
TABLE = np.arange(6.0).reshape(2, 3)
SCALE = 2.0


def helper(x: Any, power: float = 2.0) -> Any:
    return x**power / SCALE


def calls_another(x: Any) -> Any:
    total = 0.0
    for k in range(3):
        total = total + helper(x[k]) if k > 0 else total
    return total * np.sum(TABLE @ x)


def makes_a_list(x: Any) -> Any:
    return np.sum([x[0], x[1]])


def calls_what_is_not(x: Any) -> Any:
    return helper(makes_a_list(x))


def closure_over(factor: Any) -> Callable[[Any], Any]:
    return lambda x: np.sum(x * factor)


SIMPLE: dict[str, Callable[[Any], Any]] = {
    "ufuncs": lambda x: np.sum(np.sin(x) * x - np.exp(-x)),
    "methods": lambda x: x.reshape(3, 1).T.sum() * x.mean(axis=0) + x[1:].max(),
    "helper": calls_another,
    "linalg": lambda x: np.linalg.norm(x) + np.fft.rfft(x).real.sum(),
    "closure": closure_over(TABLE[0]),
}
OTHERS: dict[str, Callable[[Any], Any]] = {
    "list": makes_a_list,
    "helper": calls_what_is_not,
    "math": lambda x: math.sin(x[0]),
    "float": lambda x: float(x[0]) * x[1],
    "buffer": lambda x: np.zeros(3).sum() + x.sum(),
    "method of a plain array": lambda x: TABLE.dot(x).sum(),
    "module": lambda x: scipy.special.erf(x).sum(),
    "import": lambda x: __import__("numpy").sum(x),
    "function in a cell": (lambda f: lambda x: f(x))(makes_a_list),
    "lambda": lambda x: (lambda y: np.sum(y))(x),
    "text": lambda x: x[0] * float(f"{x[1]:.18f}"),
}


@pytest.mark.parametrize(("functions", "simple"), [(SIMPLE, True), (OTHERS, False)])
def test_what_is_simple(functions: dict[str, Callable[[Any], Any]], simple: bool) -> None:
    """Only what names nothing but NumPy's functions, plain data and its own kind."""
    cr.grad(lambda x: np.sum(x))(X)  # loads the tables
    for name, f in functions.items():
        assert is_simple(f, (X,), {}) is simple, name
        assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))
        assert_close(cr.jit(f)(X) if name != "text" else f(X), f(X))


def test_arguments_that_are_not_simple() -> None:
    """Objects have methods of their own, which may do anything."""
    f = lambda x: np.sum(x)  # noqa: E731
    cr.grad(f)(X)
    assert is_simple(f, ({"a": X},), {}) and is_simple(f, ((X, 1.0),), {})
    for other in (object(), [[X]], {"a": helper}, math.sin):
        assert not is_simple(f, (other,), {})
    assert not is_simple(f, (), {"x": X})


def test_names_that_are_bound_anew(monkeypatch: Any) -> None:
    """The answer holds for the objects that were looked at."""

    def f(x: Any) -> Any:
        return helper(x[0])

    cr.grad(f)(X)
    assert is_simple(f, (X,), {})
    monkeypatch.setitem(f.__globals__, "helper", lambda x: math.sin(x))
    assert cr.grad(f)(X)[0] == pytest.approx(math.cos(X[0]), rel=1e-15)
    assert not is_simple(f, (X,), {})
    factor = 2.0
    g = lambda x: x.sum() * factor  # noqa: E731
    assert cr.grad(g)(X)[0] == 2.0
    factor = [1.0, 2.0, 3.0]  # type: ignore[assignment]
    assert cr.grad(lambda x: np.sum(g(x)))(X).tolist() == [6.0] * 3


def test_closures_of_one_code() -> None:
    """What one of them holds says nothing of another one."""
    assert cr.grad(closure_over(2.0))(X)[0] == 2.0
    for plain in (3.0, TABLE[0]):
        assert is_simple(closure_over(plain), (X,), {})
    others = closure_over([1.0, 2.0, 3.0])
    assert not is_simple(others, (X,), {})
    assert cr.grad(others)(X).tolist() == [1.0, 2.0, 3.0]

    def with_default(function: Any) -> Any:
        return lambda x, f=function: f(x[0])

    assert cr.grad(with_default(np.sin))(X)[0] == np.cos(X[0])
    assert cr.grad(with_default(math.sin))(X)[0] == pytest.approx(np.cos(X[0]), rel=1e-15)


def test_a_simple_function_that_was_refused() -> None:
    """`TABLE[index]` under jit: with other code from then on, and its own one after each trace."""

    def f(k: Any) -> Any:
        return np.sum(TABLE[k] * SCALE)

    code = f.__code__
    for _ in range(2):
        assert cr.jit(f)(np.array(1)) == TABLE[1].sum() * SCALE
        assert f.__code__ is code
    assert not patches.depth
