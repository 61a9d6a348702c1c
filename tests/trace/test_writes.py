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


def test_another_shape_of_the_array_itself() -> None:
    """`x.shape = ...`: of arrays and of views, written through."""

    def f(x: Any) -> Any:
        y = np.empty(6)
        y[:3], y[3:] = x, x**2
        y.shape = (2, -1)
        y[1] *= 2.0
        z = np.concatenate([x, x])
        part = z[1:5]
        part.shape = (2, 2)
        part[0, 1] = 7.0
        z[3] = x[0]
        return np.sum(y[:, 1] * y[:, 0]) + np.sum(part @ part) + np.sum(z**2)

    agrees(f, np.array([0.5, 2.0, 3.0]))


def test_another_shape_beside_views() -> None:
    """Views that were taken before look at the same memory, in the shape that they have."""

    def f(x: Any) -> Any:
        y = np.concatenate([x, x])[1::2]
        part, whole, number = y[1:3], y.reshape(2, 3), y[:1]
        first = part[:1]
        y.shape = (3, 2)
        part[0] = 7.0 * y[2, 1]
        y[0, 0] = 3.0 * part[1]
        whole[1, 1] = y[1, 0] * 2.0
        first[0] *= number[0]
        later = y[1:]
        y.shape = (6,)
        later[0, 1] = part[0] + y[5]
        return np.sum(y * np.arange(6.0)) + np.sum(whole**2) + np.sum(later @ later.T)

    agrees(f, seeded(6))


def test_another_shape_of_an_argument() -> None:
    """It may be set, and set back; both of what is given twice would have it."""

    def f(x: Any, y: Any) -> Any:
        x.shape = (3, 2)
        total = np.sum(x @ y.reshape(2, 3))
        x[1] *= 2.0
        x.shape = (6,)
        return total + np.sum(x**2 * np.arange(6.0))

    agrees(f, V, V + 1.0)
    np.testing.assert_allclose(
        cr.grad(lambda z: np.sum(cr.grad(f)(z, V) * z))(V),
        cr.grad(lambda z: np.sum(cr.grad(lambda x: f(x * 1.0, V))(z) * z))(V),
    )
    with pytest.raises(UnsupportedError, match="given twice"):
        cr.grad(f)(V, V)


def _another_shape(x: Any) -> Any:
    x.shape = (2, 3)
    return np.sum(x)


@pytest.mark.parametrize("transform", [cr.grad, cr.jit, lambda f: cr.jit(cr.grad(f))])
def test_the_callers_shape(transform: Any) -> None:
    """An argument that has another shape in the end is refused."""
    with pytest.raises(UnsupportedError, match=r"set the shape \(6,\) again before"):
        transform(_another_shape)(V.copy())


def test_sequences_for_a_number() -> None:
    """`a[0] = [x]`: an error for a sequence of one, too, where the index is of a number."""
    sequences = [lambda x: x[:1, 0], lambda x: x[:1, :1], np.ones_like]
    for index in (0, (0, 1), (0, ...), (..., 0, 1), (1, slice(1)), [0], ([0], 1), np.array(0)):
        for make in (*sequences, lambda x: [x[0, 0]]) if index in (0, (0, 1)) else sequences:
            agrees_or_fails(lambda x, i=index, new=make: _with_entry(x.copy(), i, new(x)), X)
            agrees_or_fails(lambda x, i=index, new=make: _with_entry(x[0].copy(), i, new(x)), X)


def _with_entry(x: Any, index: Any, new: Any) -> Any:
    x[index] = new
    return x


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda x: np.append(x, 1.0), ValueError, "cannot reshape"),
        (lambda x: np.outer(x[:3], x[:3]).T, AttributeError, "incompatible shape"),
    ],
)
def test_another_shape_is_refused(make: Any, error: Any, match: str) -> None:
    """Where the caller or a view would see it; where NumPy has its own error, that."""

    def f(x: Any) -> Any:
        y = make(x)
        y.shape = (9,)
        return np.sum(y)

    with pytest.raises(error, match=match):
        cr.grad(f)(np.arange(9.0))
