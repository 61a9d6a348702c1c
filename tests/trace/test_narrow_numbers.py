"""Truth values, small integers and Python's numbers: as NumPy computes with them, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.errors import GradientError, Refusal, UnsupportedError

BYTES = np.array([200, 100, 0, 255], np.uint8)
SIGNED = np.array([-128, 100, 0, 127], np.int8)
TRUTHS = np.array([True, False, True])
MATRIX = np.arange(6.0).reshape(2, 3)

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "norm of bytes": (np.linalg.norm, (BYTES,)),
    "norm of int32": (np.linalg.norm, (np.array([50000, 1], np.int32),)),
    "sum of sizes": (lambda x: np.linalg.norm(x, 1), (SIGNED,)),
    "largest size": (lambda x: np.linalg.norm(x, np.inf), (SIGNED,)),
    "isclose": (lambda a, b: np.isclose(a, b, atol=2), (BYTES, BYTES[::-1])),
    "isclose of signed": (np.isclose, (SIGNED, SIGNED[::-1])),
    "allclose": (lambda a, b: np.allclose(a, b, atol=2),
                 (np.array([0], np.uint8), np.array([255], np.uint8))),
    "isclose of truths": (np.isclose, (TRUTHS, TRUTHS[::-1])),
    "diff of truths": (np.diff, (TRUTHS,)),
    "ignored label": (lambda a: a == -1, (BYTES,)),
    "not the label": (lambda a: a != 256, (BYTES,)),
    "beyond, less": (lambda a: (a < 1000, a <= -129, a > -129, a >= 1000), (SIGNED,)),
    "mirrored": (lambda a: (1000 < a, -129 <= a, -129 > a, 1000 >= a), (SIGNED,)),
    "functions": (lambda a: (np.equal(-1, a), np.less(a, 300), np.greater(300, a)), (BYTES,)),
    "choice by a label": (lambda a: np.where(a == -1, 0, a), (BYTES,)),
    "clip": (lambda a: (np.clip(a, -1, 300), a.clip(10, 300), a.clip(min=-5)), (BYTES,)),
    "square of truths": (lambda b: b**2, (TRUTHS,)),
    "round of truths": (np.round, (TRUTHS,)),
    "truths added": (lambda a, b: (a + b, a * b, a - b, -1 * b), (True, True)),
    "truths joined": (lambda a, b: (a & b, a | b, a ^ b, a == b), (True, False)),
    "indices that broadcast": (lambda m: np.take_along_axis(m, np.array([[0, 1]]), 1), (MATRIX,)),
    "no tile": (lambda x: (np.tile(x, 0), np.tile(x, (2, 0))), (MATRIX,)),
    "negative step": (lambda m: m[:, -5::-1], (MATRIX,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_numpy(name: str) -> None:
    """Value and dtype, under jit."""
    f, arguments = CASES[name]
    expected = cr.tree.leaves(f(*arguments))
    found = cr.tree.leaves(cr.jit(f)(*arguments))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b)
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype


REFUSED: dict[str, Callable[[Any], Any]] = {
    "fractions added into whole numbers": lambda x: add_at(np.zeros_like(x, int), x),
    "order K of a reversed axis": lambda x: x[:, ::-1].ravel(order="K"),
    "two results in one array": lambda x: np.divmod(x, 0.3, out=(x, x)),
    "what where leaves out": lambda x: np.add(x, 1.0, where=x > 0),
    "entries that are written while read": lambda x: np.place(x, x > 0, x[:, ::-1]),
    "a reduction of powers": np.power.reduce,
    "an ellipsis of no axis": lambda x: x[[0, 1], ..., [1, 2]],
    "one truth value": lambda x: x[True],
    "a function of real numbers": lambda x: scipy.special.xlogy(x, 1j).real,
}


def add_at(c: Any, x: Any) -> Any:
    np.add.at(c, (0, 0), x[0, 0] + 0.5)
    return c


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("transform", [cr.jit, cr.value_and_grad])
def test_refusals_are_not_passed_over(name: str, transform: Any) -> None:
    """What NumPy can do and a trace cannot is an error, also where the function catches it."""

    def f(x: Any) -> Any:
        try:
            return np.sum(REFUSED[name](x))
        except (TypeError, ValueError, IndexError, NotImplementedError):
            return np.sum(x) * 0.0

    with pytest.raises(Refusal, match=r"\.py:\d+: "):
        transform(f)(MATRIX)


def test_a_python_integer_beside_a_small_one() -> None:
    """NumPy raises if it does not fit; as an argument of jit nobody knows."""
    f = cr.jit(lambda a, n: a + n)
    with pytest.raises(UnsupportedError, match=r"give np\.int8\(n\)"):
        f(np.int8(100), 1000)
    assert f(np.int64(100), 1000) == 1100
    assert f(1.5, 2) == 3.5


def test_static_arguments_that_are_equal() -> None:
    """0.0 and -0.0, (1,) and (1.0,): each has a trace of its own."""
    signed = cr.jit(lambda x, n: np.copysign(x, n), static_argnums=1)
    assert (signed(1.0, 0.0), signed(1.0, -0.0)) == (1.0, -1.0)
    for one, other in (((1,), (1.0,)), (frozenset({1}), frozenset({1.0}))):
        scaled = cr.jit(lambda x, n: x * next(iter(n)), static_argnums=1)
        assert [scaled(np.arange(3), n).dtype.kind for n in (one, other)] == ["i", "f"]


def test_an_argument_is_named_once() -> None:
    """By each of its numbers."""
    for argnums in ((0, 0), (0, -2)):
        with pytest.raises(ValueError, match="twice"):
            cr.grad(lambda a, b: a * b, argnums=argnums)(1.0, 2.0)


def test_numbers_that_leave_their_trace() -> None:
    """Through a nonlocal name, a list or an attribute; what a loop reads of its outside is none."""
    x = np.arange(1.0, 4.0)
    leaked: list[Any] = []

    def counted(x: Any) -> Any:
        total: Any = 0.0

        def body(_: Any, s: Any) -> Any:
            nonlocal total
            total = total + s
            return s + x[0]

        return cr.fori_loop(0, 3, body, 0.0) + total

    cr.jit(lambda x: leaked.append(x * 2.0))(x)
    for f in (counted, lambda x: np.sum(x * leaked[0])):
        for transform in (cr.grad, cr.jit, lambda f: cr.jit(cr.grad(f))):
            with pytest.raises(UnsupportedError, match="outside of the function"):
                transform(f)(x)

    def inside(x: Any) -> Any:
        y = np.sin(x)
        nested = lambda _, s: cr.fori_loop(0, 2, lambda _, t: t * y[1] + s, x[0])  # noqa: E731
        return cr.jit(lambda z: cr.fori_loop(0, 3, nested, z + y[0]))(x[2])

    slopes = cr.grad(inside)(x)
    np.testing.assert_allclose(cr.jit(cr.grad(inside))(x), slopes)
    for k, h in enumerate(np.eye(3) * 1e-6):
        assert slopes[k] == pytest.approx((inside(x + h) - inside(x - h)) / 2e-6, rel=1e-6)
    with pytest.raises(GradientError):
        cr.grad(lambda x: x)(x)
