"""Errors say what, where and what to do: each names the user's file and line."""

from __future__ import annotations

import array
import math
import pickle
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import chainrule as cr
from chainrule.errors import (
    AbstractValueError,
    ChainruleError,
    DtypeError,
    GradientError,
    ShapeError,
    UnsupportedError,
)


def line_of(function: Callable[..., Any], mark: str = "# here") -> int:
    """The line of this file on which the function's marked statement stands."""
    start = function.__code__.co_firstlineno
    with open(__file__) as file:
        lines = file.read().splitlines()
    return next(k for k in range(start, len(lines) + 1) if mark in lines[k - 1])


def message(error: type[ChainruleError], run: Callable[[], Any]) -> str:
    with pytest.raises(error) as caught:
        run()
    return str(caught.value)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (3, ["int64", "3.0"]),
        (True, ["bool"]),
        (np.array([1, 2]), ["int64", "x.astype(float)"]),
        (np.array([True]), ["bool"]),
        ("text", ["str", "'text'"]),
        (np.array(["a"]), ["<U1", "encode"]),
        (np.array([1j], np.clongdouble), ["clongdouble", "x.astype(complex)"]),
        (np.array([None]), ["object"]),
        ({"w": np.array([1])}, ["int64"]),
    ],
)
@pytest.mark.parametrize("transform", [cr.grad, cr.value_and_grad])
def test_what_cannot_be_differentiated_by(x: Any, words: list[str], transform: Any) -> None:
    """Integers, truth values, text, numbers of more than 64 bits, objects."""

    def run() -> Any:
        return transform(lambda v: 1.0)(x)  # here

    text = message(DtypeError, run)
    assert f"{__file__}:{line_of(run)}:" in text
    assert all(word in text for word in words), text


def test_shape_error_names_the_line_inside_the_function() -> None:
    """Not the line that called grad, but the one that added."""

    def f(x: Any) -> Any:
        y = x * 2.0
        z = y + np.ones(4)  # here
        return np.sum(z)

    for run in (lambda: cr.grad(f)(np.ones(3)), lambda: cr.jit(f)(np.ones(3))):
        text = message(ShapeError, run)
        assert f"{__file__}:{line_of(f)}: add: shapes (3,) and (4,)" in text


def test_matmul_error_names_the_line_with_and_without_values() -> None:
    """The product that does not fit."""

    def f(x: Any) -> Any:
        return np.sum(x @ np.ones((5, 2)))  # here

    for run in (lambda: cr.grad(f)(np.ones((3, 4))), lambda: cr.jit(f)(np.ones((3, 4)))):
        text = message(ShapeError, run)
        assert f"{__file__}:{line_of(f)}: matmul" in text
        assert "4 columns against 5 rows" in text


def test_unsupported_function_names_what_may_do_instead() -> None:
    """np.packbits has no rule, np.sum has."""

    def f(x: Any) -> Any:
        return np.sum(np.packbits(x > 0))  # here

    text = message(UnsupportedError, lambda: cr.grad(f)(np.ones(3)))
    assert f"{__file__}:{line_of(f)}: np.packbits" in text
    assert "np.sum" in text


def test_unsupported_method_and_unknown_attribute() -> None:
    """ndarray's methods without a rule are named; what ndarray lacks is an AttributeError."""

    def f(x: Any) -> Any:
        return x.byteswap()  # here

    text = message(UnsupportedError, lambda: cr.grad(f)(np.ones(3)))
    assert f"{__file__}:{line_of(f)}: ndarray.byteswap" in text
    with pytest.raises(AttributeError, match="no attribute 'wobble'"):
        cr.grad(lambda x: x.wobble)(1.0)


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda x: x if x[0] > 0 else -x, "a truth value"),
        (lambda x: x * int(x[0]), "int()"),
        (lambda x: x * next(iter(range(x.astype(int)[0]))), "an index"),
        (lambda x: x[x > 0][:1], "an index"),
    ],
)
def test_value_asked_for_under_jit(use: Any, what: str) -> None:
    """What asked for it, and what to use instead; without jit the same line works."""

    def f(x: Any) -> Any:
        return np.sum(use(x))

    text = message(AbstractValueError, lambda: cr.jit(f, strict=True)(np.ones(2)))
    assert what in text
    assert "np.where" in text
    assert f"{__file__}:{use.__code__.co_firstlineno}:" in text
    assert cr.grad(f)(np.ones(2)).shape == (2,)


PLAIN = np.zeros(2)


def test_plain_array_cannot_hold_a_traced_number() -> None:
    """Nor may a function of plain numbers compute with one: the derivative would be lost."""

    def f(x: Any) -> Any:
        PLAIN[0] = x  # here
        return np.sum(PLAIN)

    def g(x: Any) -> Any:
        return np.sum(array.array("d", [x])) * x  # here

    for each in (f, g):
        text = message(GradientError, lambda each=each: cr.grad(each)(1.0))
        assert f"{__file__}:{line_of(each)}:" in text
        assert "np.copy(plain) before out[i] = a" in text
        assert "np.sin(a) instead of a function that came through a list" in text
        assert "number itself instead of float(a)" in text


def test_plain_numbers_on_purpose() -> None:
    """int(x), truth values and formatting work where the values are known; others if said so."""
    seen = []

    def f(x: Any) -> Any:
        seen.append((int(x), f"{x:.1f}", "%.2f" % x, "%s %d" % ("x", x), bool(x)))  # noqa: UP031
        stopped = cr.stop_gradient(x)
        seen.append((float(stopped), stopped.item(), math.sin(stopped), [stopped.tolist()]))
        return x * float(stopped)

    assert cr.grad(f)(2.5) == 2.5
    assert seen == [
        (2, "2.5", "2.50", "x 2", True), (2.5, 2.5, math.sin(2.5), [2.5]),
    ]  # fmt: skip


LOSING: dict[str, Callable[[Any], Any]] = {
    "array.array": lambda x: np.sum(array.array("d", x)),
    "fill": lambda x: PLAIN.fill(x[0]),
    "setitem": lambda x: PLAIN.__setitem__(0, x[0]),
    "flat": lambda x: setattr(np.array([1.0, 2.0]), "flat", x),
    "record": lambda x: np.zeros(2, [("a", float)]).__setitem__("a", x[0]),
    "iadd": lambda x: PLAIN.__iadd__(x),
    "put": lambda x: np.put(PLAIN, [0], x[0]),
    "copyto": lambda x: np.copyto(PLAIN, x),
    "fmean": lambda x: statistics.fmean(x),
    "mean": lambda x: statistics.mean(x),
    "pickle": lambda x: pickle.dumps(x),
    "as_integer_ratio": lambda x: x[0].as_integer_ratio(),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSING)
@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_a_plain_number_in_place_of_a_traced_one_is_refused(name: str, transform: str) -> None:
    """Its derivative would be lost: the error names the user's line and what to write."""
    f, x = LOSING[name], np.array([1.3, 0.4])
    with pytest.raises(Exception) as caught:
        cr.grad(f)(x) if transform == "grad" else cr.jvp(f, (x,), (x,))
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    errors = [error for error in chain if isinstance(error, (GradientError, UnsupportedError))]
    assert errors, caught.value
    assert __file__ in str(errors[0])


def test_a_search_that_computes_with_traced_numbers_has_the_derivative_of_its_steps() -> None:
    """SciPy's secant method is Python: d/da a**(1/3) at 1.3."""

    def root(a: Any) -> Any:
        return scipy.optimize.root_scalar(lambda t: t**3 - a, x0=1.0, x1=2.0).root

    np.testing.assert_allclose(cr.grad(root)(1.3), 1.3 ** (-2 / 3) / 3, rtol=1e-6)


def test_out_argument() -> None:
    """out= of a plain array is refused, of a traced one it is written."""

    def f(x: Any) -> Any:
        np.exp(x, out=PLAIN)  # here
        return np.sum(x)

    def g(x: Any) -> Any:
        y = np.zeros_like(x)
        np.exp(x, out=y)
        np.cumsum(y, out=y)
        return y[1]

    text = message(UnsupportedError, lambda: cr.grad(f)(np.ones(2)))
    assert f"{__file__}:{line_of(f)}: out=" in text
    np.testing.assert_allclose(cr.grad(g)(np.array([0.0, 1.0])), [1.0, np.e], rtol=1e-15)


def test_scalar_result_is_needed() -> None:
    """grad of an array names its shape and what to use."""
    text = message(GradientError, lambda: cr.grad(lambda x: x * 2)(np.ones(3)))
    assert "(3,)" in text
    assert "sum it" in text
    text = message(GradientError, lambda: cr.grad(lambda x: (x[0], x[1]))(np.ones(3)))
    assert "[(), ()]" in text
    text = message(GradientError, lambda: cr.grad(lambda x: np.argmax(x))(np.ones(3)))
    assert "int64" in text


@pytest.mark.filterwarnings("ignore::chainrule.errors.GradientWarning")
def test_results_that_are_no_arrays() -> None:
    """A function that returns text or forgets its return."""
    assert "str" in message(DtypeError, lambda: cr.grad(lambda x: "y")(1.0))
    assert "scalar" in message(GradientError, lambda: cr.grad(lambda x: None)(1.0))


def test_has_aux_needs_a_pair() -> None:
    """The function must return (value, aux)."""
    text = message(GradientError, lambda: cr.grad(lambda x: x, has_aux=True)(1.0))
    assert "(value, aux)" in text


def test_argnums_out_of_range() -> None:
    """The number, and how many arguments there are."""
    with pytest.raises(TypeError, match="argnums=2, but there are 1"):
        cr.grad(lambda x: x, argnums=2)(1.0)


def test_cotangents_and_tangents_must_match() -> None:
    """Structure and shape of what is pulled back or pushed forward."""
    _, pullback = cr.vjp(lambda x: {"y": x}, np.ones(2))
    with pytest.raises(TypeError, match="structure"):
        pullback(np.ones(2))
    with pytest.raises(ShapeError, match=r"cotangent of shape \(3,\) for a value of \(2,\)"):
        pullback({"y": np.ones(3)})
    with pytest.raises(ShapeError, match=r"tangent of shape \(\) for a value of \(2,\)"):
        cr.jvp(lambda x: x, (np.ones(2),), (1.0,))
    with pytest.raises(TypeError, match="2 primals but 1 tangents"):
        cr.jvp(lambda x, y: x, (1.0, 2.0), (1.0,))


def test_hash_and_length() -> None:
    """A traced array has no hash, and a number no length, as in NumPy; a number is no key."""
    with pytest.raises(TypeError, match="unhashable"):
        cr.grad(lambda x: {x: 1.0}[x])(np.ones(2))
    with pytest.raises(UnsupportedError, match="used as a key"):
        cr.grad(lambda x: {x: 1.0}[x])(1.0)
    with pytest.raises(TypeError, match="len"):
        cr.grad(lambda x: len(x) * x)(1.0)
    with pytest.raises(TypeError):
        cr.grad(lambda x: x + "text")(1.0)
