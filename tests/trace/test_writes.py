"""What writes into arrays: x.flat, put, place, putmask, fill_diagonal, copyto, put_along_axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded
from whole_calls import agrees_or_fails, same_as_numpy

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError

X, V = seeded(3, 4), seeded(6)
MASK = np.array([True, False, True, True, False, True])


def writing(write: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes into a copy of its first argument and returns that."""

    def f(a: Any, *rest: Any) -> Any:
        b = a * 1.0
        write(b, *rest)
        return b

    return f


@pytest.mark.parametrize("function", [np.putmask, np.place])
def test_masks(function: Any) -> None:
    """Values are taken one after the other, again if they are too few."""
    for mask in (MASK, MASK.reshape(2, 3), [1, 0, 1, 1, 0, 0], [True], np.zeros(6, bool)):
        for values in (1.5, [1, 2.0], [], np.arange(9.0), np.ones((2, 2))):
            agrees_or_fails(writing(lambda b, m=mask, v=values: function(b, m, v)), V)
    agrees(writing(lambda b: function(b, b > 0, [1.0, 2.0, 3.0])), X)
    agrees(writing(lambda b, v: function(b.T, b.T > 0, v)), X, V)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_put(mode: Any) -> None:
    """Positions of all kinds, inside and outside."""
    for where in ([0, 5], [0, -1], [0, -1, 0], [-7], [[0], [1]], 2, [], [True, False], [9, 1]):
        for values in (1.5, [1, 2.0], [], [[3.0, 4.0]]):
            agrees_or_fails(writing(lambda b, i=where, v=values: np.put(b, i, v, mode=mode)), V)
            agrees_or_fails(writing(lambda b, i=where, v=values: b.put(i, v, mode=mode)), X)
        for axis in (None, 0, 1, -1):
            for x in (X, X[:, :0], X[0, 0]):
                agrees_or_fails(lambda a, i=where, k=axis: np.take(a, i, axis=k, mode=mode), x)
    agrees(writing(lambda b, v: np.put(b, [1, 2], v, mode=mode)), V, V[:2])


@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal(wrap: bool) -> None:
    """Arrays of two and more axes, numbers and arrays."""
    for shape in ((3, 3), (3, 5), (5, 3), (7, 3), (3, 3, 3), (2, 3, 3), (3,), (0, 0)):
        for value in (2.0, [1.0, 2.0], np.arange(20.0), []):
            agrees_or_fails(
                writing(lambda b, v=value: np.fill_diagonal(b, v, wrap=wrap)), seeded(*shape)
            )
    agrees(writing(lambda b, v: np.fill_diagonal(b.T, v, wrap=wrap)), X, V)


def test_put_along_axis_and_copyto() -> None:
    """With masks and values that broadcast, or do not."""
    order = np.argsort(X, axis=1)
    for axis in (0, 1, -1, 2):
        agrees_or_fails(writing(lambda b, k=axis: np.put_along_axis(b, order[:, :2], 7.0, k)), X)
        agrees_or_fails(
            writing(lambda b, i, k=axis: np.put_along_axis(b, i, b[:, :1] * 2, k)), X, order[:, :2]
        )
    for source in (2.0, np.arange(4.0), np.ones((1, 4)), np.ones((1, 1, 4)), np.ones((2, 3, 4))):
        for where in (True, [True, False, True, True], np.ones((1, 3, 4), bool),
                      np.array([[1], [0], [1]]), 1):  # fmt: skip
            agrees_or_fails(writing(lambda b, s=source, w=where: np.copyto(b, s, where=w)), X)


INDICES: tuple[Any, ...] = (
    0, -1, slice(None), slice(1, 3), slice(None, None, -2), [0, 1], [[0, 1], [2, 2]],
    np.array([1]), np.array(1), ..., (), (1,), (0, 1), None, 9, [9], [],
)  # fmt: skip


def test_flat() -> None:
    """Read and written by all kinds of indices, of arrays in any order."""
    for index in INDICES:
        agrees_or_fails(lambda a, i=index: a.flat[i], X)
        agrees_or_fails(lambda a, i=index: a.T.flat[i], X)
        for value in (1.5, [1, 2.0], [], np.arange(30.0)):
            write = lambda b, i=index, v=value: b.flat.__setitem__(i, v)  # noqa: E731
            agrees_or_fails(writing(write), X)
            agrees_or_fails(writing(lambda b, w=write: w(b.T)), X)
    agrees(lambda a: a.flat[a.ravel() > 0], X, abstract=False)
    agrees_or_fails(lambda a: a.flat[a > 0], X)
    agrees(writing(lambda b: b.flat.__setitem__(b.ravel() > 0, 0.0)), X)


def test_flat_as_an_iterator() -> None:
    """Iterated over, in step with its array, and as an argument of functions."""

    def f(a: Any) -> Any:
        total = 0.0
        for k, entry in enumerate(a.flat):
            total = total + k * entry**2
        entries = a.flat
        next(entries)
        place = float(entries.index + 10 * entries.coords[1])
        return (total, np.sum(a.T.flat), np.sin(a.flat), np.concatenate([a.flat, a[0].flat]),
                a[1].flat.copy(), next(entries) * place, len(entries) * a[0])  # fmt: skip

    same_as_numpy(f, X)

    def g(a: Any) -> Any:
        b = a * 1.0
        b.flat = [1.0, 2.0, a[0, 0]]
        entries = b.T.flat
        b[1, 0] = a[2, 2]
        next(entries)
        return b * next(entries)

    same_as_numpy(g, X)
    assert cr.grad(lambda a: 1.0 * isinstance(a.flat, np.flatiter) * a[0, 0])(X)[0, 0] == 1.0


@pytest.mark.parametrize(
    "write",
    [
        lambda b: b.flat.__setitem__(slice(1, None), b.ravel()[:-1]),
        lambda b: np.place(b, np.ones(12), b.ravel()[::-1]),
        lambda b: np.fill_diagonal(b, b[:, 1]),
        lambda b: np.put_along_axis(b, np.arange(3), 1.0, None),
    ],
)
def test_entries_that_are_written_while_read_are_refused(write: Any) -> None:
    """NumPy reads what it has just written, or writes into a copy."""
    with pytest.raises(UnsupportedError, match=r"test_writes\.py"):
        cr.grad(lambda a: np.sum(writing(write)(a)))(X)


def test_plain_arrays_are_refused() -> None:
    """They cannot hold what is traced."""
    plain = np.zeros((3, 3))
    for write in (lambda x: np.put(plain, [0], x), lambda x: np.place(plain, plain > 1, x),
                  lambda x: np.putmask(plain, plain > 1, x),
                  lambda x: np.fill_diagonal(plain, x)):  # fmt: skip

        def f(x: Any, write: Any = write) -> Any:
            write(x)
            return np.sum(x)

        with pytest.raises((UnsupportedError, GradientError), match="plain"):
            cr.grad(f)(V)
    assert not plain.any()
