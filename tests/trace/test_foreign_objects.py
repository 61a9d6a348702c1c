"""Objects that stand for arrays, or that NumPy leaves operators to, beside traced arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import UnsupportedDtypeError

X = np.array([0.3, 1.2, 0.7])


class Proxy:
    """Hands all questions on to an array."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)


class Holder:
    """Says by `__array__` what it stands for."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.asked = 0

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self.asked += 1
        return np.asarray(self.array, dtype)


class Copying(Holder):
    """Copies when it is asked to."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.array, dtype, copy=copy)


class Old(Holder):
    """Knows nothing of copies, as before NumPy 2."""

    def __array__(self, dtype: Any = None) -> Any:  # type: ignore[override]
        return np.asarray(self.array, dtype)


class Stubborn(Holder):
    """Has no number for whoever asks."""

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)


def grown(kind: Any, x: Any) -> Any:
    """As an array that grows does: written through, read in parts and as a whole."""
    buffer = np.zeros(4)
    proxy = kind(buffer)
    buffer[0] = x[0]
    shared, copied = np.asarray(proxy), np.array(proxy)
    shared[1], copied[2] = x[1] * x[0], x[2]
    return np.sum(buffer**2) + np.sum(copied)


EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "dot": lambda kind, x: np.dot(kind(x), kind(x)),
    "ufuncs": lambda kind, x: np.sum(np.square(kind(x)) * np.exp(kind(x))),
    "reductions": lambda kind, x: np.sum(kind(x)) * np.linalg.norm(kind(x)),
    "operators": lambda kind, x: np.sum((x + kind(x)) * x - x / kind(x + 1.0)),
    "lists": lambda kind, x: np.sum(np.array([kind(x), kind(x * x)]) ** 2),
    "grown": grown,
}


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in EXPRESSIONS for kind in (Proxy, Holder)]
    + [("grown", Copying), ("grown", Old)],
)
def test_what_stands_for_an_array(name: str, kind: Any) -> None:
    """They are that array: the plain call's value, its slope, and the same under jit."""

    def f(x: Any) -> Any:
        return EXPRESSIONS[name](kind, x)

    value, gradient = cr.value_and_grad(f)(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-14)
    tangent = np.array([0.4, -1.0, 0.8])
    assert_close(gradient @ tangent, along(f, [X], [tangent], 1e-6), 1e-8)
    np.testing.assert_allclose(cr.jit(cr.grad(f))(X), gradient, rtol=1e-13)


def test_who_is_asked() -> None:
    """Only what has a traced attribute; an error of its own is that of whoever needs an array."""
    plain, stubborn = Holder(X), Stubborn(X)
    np.dot(plain, plain)
    times = plain.asked
    cr.grad(lambda x: np.sum(x * np.dot(plain, plain)))(X)
    assert plain.asked == 2 * times

    def f(x: Any) -> Any:
        stubborn.x = x
        return np.sum(x * [1.0, 2.0, 3.0] * np.full(3, 2.0))

    np.testing.assert_array_equal(cr.grad(f)(X), [2.0, 4.0, 6.0])


class Symbols:
    """Takes operators over from arrays, as matrices of symbols do."""

    __array_priority__ = 11.0

    def __rmul__(self, other: Any) -> Any:
        return 2.0 * np.asarray(other).sum()

    __mul__ = __rmul__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError("symbols are no numbers")


def test_left_to_others() -> None:
    """Known numbers are handed to the other operand, as NumPy does; derivatives are not lost."""
    other = Symbols()

    def f(x: Any) -> Any:
        buffer = np.eye(2)
        return np.sum(x) * (buffer * other) + np.sum(x) * (other * buffer)

    np.testing.assert_array_equal(cr.grad(f)(X), np.full(3, 8.0))
    np.testing.assert_array_equal(cr.jit(cr.grad(f))(X), np.full(3, 8.0))
    with pytest.raises(UnsupportedDtypeError, match="Symbols"):
        cr.grad(lambda x: x * other)(X)
    with pytest.raises(UnsupportedDtypeError, match="Symbols"):
        cr.jit(lambda x: x * other)(X)
