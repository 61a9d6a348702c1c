"""Methods of plain arrays for traced arguments, and copies of them that are written."""

from __future__ import annotations

import importlib
import linecache
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import GradientError

X = np.array([0.3, 1.2, -0.7])
MATRIX = np.arange(6.0).reshape(2, 3) - 2.0
TABLE = np.linspace(-1.0, 2.0, 5)


class Model:
    """An object with matrices, whose methods, properties and functions of the class use them."""

    def __init__(self) -> None:
        self.design, self.start = MATRIX, np.array([1.0, 2.0, 3.0])

    @property
    def squares(self) -> Any:
        return self.design.T.dot(self.design)

    def loss(self, x: Any) -> Any:
        state = self.start.copy()
        state[1] = x[0]
        state[2:] *= x[2]
        return self.design.dot(x).dot(self.design.dot(state)) + x.dot(self.squares.dot(x))

    @staticmethod
    def of_table(x: Any) -> Any:
        return TABLE.searchsorted(x[1]) * x[0] + TABLE.clip(x[2], x[1]).sum()


def dots(x: Any) -> Any:
    return MATRIX.dot(x)[0] * MATRIX[1].dot(x)


def closure(x: Any) -> Any:
    def inner(y: Any) -> Any:
        return MATRIX.dot(y)

    return sum(row.dot(x) for row in MATRIX) * inner(x * x).sum()


def rows(x: Any) -> Any:
    out = MATRIX.copy()
    for k in range(2):
        out[k] += MATRIX[k].dot(x) * x
    kept = MATRIX.copy(order="F")
    kept[:, 0] = x[:2]
    return (out * kept).sum()


FORMS: dict[str, Callable[[Any], Any]] = {
    "dot": dots,
    "methods": lambda x: Model().loss(x),
    "bound method": Model().loss,
    "static method": Model.of_table,
    "closure": closure,
    "copies": rows,
    "others' methods": lambda x: {"a": x[0]}.copy()["a"] * [x[1]].copy()[0] * x.copy()[2],
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """Value, both modes, second order and jit; afterwards all functions have their own code."""
    f = FORMS[name]
    codes = [closure.__code__, rows.__code__, Model.loss.__code__, Model.of_table.__code__]
    direction = np.array([0.5, -1.0, 0.25])
    loss = lambda x: f(x) ** 2  # noqa: E731
    np.testing.assert_allclose(cr.value_and_grad(f)(X)[0], f(X), rtol=1e-13)
    slope = along(loss, [X], [direction])
    for transform in (cr.grad, lambda g: cr.jit(cr.grad(g))):
        assert_close(transform(loss)(X) @ direction, slope)
    assert_close(cr.jvp(loss, (X,), (direction,))[1], slope)
    second = lambda x: np.sum(cr.grad(loss)(x) ** 2)  # noqa: E731
    assert_close(cr.grad(second)(X) @ direction, along(second, [X], [direction]), rtol=1e-6)
    after = [closure.__code__, rows.__code__, Model.loss.__code__, Model.of_table.__code__]
    assert all(x is y for x, y in zip(codes, after, strict=True))


def test_effects_happen_once() -> None:
    """A function is compiled anew before it runs, not after it was refused."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return MATRIX.dot(x).sum()

    np.testing.assert_allclose(cr.grad(f)(X), MATRIX.sum(axis=0))
    assert calls == [1]


def test_without_source() -> None:
    """It stays as it is, and the refusal says what to write."""
    code = (lambda x: MATRIX.dot(x)[0]).__code__.replace(co_filename="<nowhere>")
    with pytest.raises(GradientError, match=r"A @ x or np\.dot"):
        cr.grad(types.FunctionType(code, globals()))(X)


def test_a_file_that_was_changed_since(tmp_path: Any, monkeypatch: Any) -> None:
    """The code that was loaded is what runs, never that of the file as it is now."""
    text = "import numpy as np\nA = np.eye(2)\n\ndef f(x):\n    return A.dot(x).sum() * 2.0\n"
    path = tmp_path / "edited_meanwhile.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_meanwhile")
    path.write_text(text.replace("2.0", "3.0"))
    linecache.checkcache()
    with pytest.raises(GradientError):
        cr.grad(module.f)(np.ones(2))
    path.write_text(text)
    linecache.checkcache()
    sys.modules.pop("edited_meanwhile")
    again = importlib.import_module("edited_meanwhile")
    assert cr.grad(again.f)(np.ones(2)).tolist() == [2.0, 2.0]
    sys.modules.pop("edited_meanwhile")


def test_plain_calls_stay_plain() -> None:
    """What is not traced is as ever, in a traced function too."""

    def f(x: Any) -> Any:
        product = MATRIX.dot(MATRIX.T)
        counts = np.array([1, 2]).copy()
        assert type(product) is np.ndarray and type(counts) is np.ndarray
        return product[0, 1] * x[0]

    assert cr.grad(f)(X)[0] == MATRIX[0] @ MATRIX[1]
