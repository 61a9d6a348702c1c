"""What inserts, drops, repeats and splits; views of all kinds; how arrays lie in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded
from whole_calls import agrees_or_fails, same_as_numpy

import chainrule as cr
from chainrule.errors import UnsupportedError

X, V, C = seeded(3, 4), seeded(6), seeded(2, 3, 4)
AXES = (None, 0, 1, -1, 2)
POSITIONS: tuple[Any, ...] = (
    1, -1, [1], [0, 2, 2], slice(0, 3, 2), slice(None, None, -1), np.array([True, False, True]),
    [], np.array([], int), 4, 9, [9], [[1]], 1.5, [0, -1], (1, 3),
)  # fmt: skip
VALUES: tuple[Any, ...] = (2.0, [1.0, 2.0, 3.0], np.arange(4.0), np.ones((2, 4)), np.ones((3, 1)))
windows = np.lib.stride_tricks.sliding_window_view


@pytest.mark.parametrize("axis", AXES)
def test_insert_and_delete(axis: Any) -> None:
    """At positions of all kinds, inside and outside."""
    for where in POSITIONS:
        agrees_or_fails(lambda a, w=where: np.delete(a, w, axis=axis), X)
        for values in VALUES:
            agrees_or_fails(lambda a, w=where, v=values: np.insert(a, w, v, axis=axis), X)
    agrees(lambda a: np.insert(a, 1, a[0, 0], axis=axis if axis != 2 else 0), X)


EDITS: dict[str, Any] = {
    "insert list": lambda a: np.insert(a, 1, [a[0], 2 * a[1]]),
    "insert into plain": lambda a: np.insert(np.ones(3), [0, 1], [a[0], 2 * a[1]]),
    "append": lambda a: np.append(a, a * 2),
    "append list": lambda a: np.append(a, [a[0], 1.0]),
    "append to list": lambda a: np.append([1, 2], a[0]),
    "append axis": lambda a: np.append(a.reshape(2, 3), a.reshape(2, 3), axis=1),
    "append misfit": lambda a: np.append(a.reshape(2, 3), a, axis=1),
    "resize": lambda a: [np.resize(a, s) for s in (3, (2, 9), (0, 2), (4, 5))],
    "resize negative": lambda a: np.resize(a, (-1,)),
    "block": lambda a: np.block([[a, a[:1]], [np.ones(7)]]),
    "block numbers": lambda a: np.block([[a[0], 1], [2, a[1]]]),
    "block deep": lambda a: np.block([[[a[None]], [a[None]]]]),
    "block uneven": lambda a: np.block([[a], a]),
    "unstack": lambda a: np.unstack(a.reshape(2, 3), axis=1),
    "diagflat": lambda a: [np.diagflat(a, -1), np.diagflat(a.reshape(2, 3)), np.diagflat(a[0], 2)],
    "compress": lambda a: [np.compress([1, 0, 1], a), a.compress([False, True])],
    "compress too long": lambda a: np.compress([True] * 9, a),
    "compress of a sum": lambda a: np.sum(np.compress(a > 0, a)),
    "extract": lambda a: np.sum(np.extract(a > 0, a)),
    "matrix_transpose": lambda a: np.matrix_transpose(a.reshape(2, 3)),
    "broadcast_arrays": lambda a: np.broadcast_arrays(a, a[:, None], 2.0),
    "take modes": lambda a: [np.take(a, [-9, 2, 30], mode=m) for m in ("wrap", "clip")],
    "take outside": lambda a: np.take(a, [0, 6]),
    "take out": lambda a: np.take(a, [0, 1], out=np.zeros_like(a, shape=2)),
    "ravel_multi_index": lambda a: a[np.ravel_multi_index(([0, 1], [1, 2]), (2, 3))],
    "windows": lambda a: windows(a, 3) @ np.arange(3.0),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_edit(name: str) -> None:
    """Eagerly, natively, up to second order."""
    same_as_numpy(EDITS[name], V)


def test_trim_zeros() -> None:
    """Its result's size depends on the numbers: eagerly."""
    plain = np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0])
    matrix = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 0.0]])
    for trim in ("fb", "f", "b"):
        agrees(lambda a, t=trim: np.trim_zeros(a, t), plain, abstract=False, smooth=False)
        agrees(lambda a, t=trim: np.trim_zeros(a, t), matrix, abstract=False, smooth=False)
        agrees(lambda a, t=trim: np.trim_zeros(a, t, axis=1), matrix, abstract=False, smooth=False)
    assert cr.grad(lambda a: np.sum(np.trim_zeros(a) ** 2))(plain).tolist() == [0, 0, 2, 0, 4, 0]


def test_windows() -> None:
    """Sizes and axes of all kinds."""
    for size, axis in ((2, 0), (3, 1), ((2, 2), None), ((2, 3), (1, 0)), ((2, 2), (1, 1)),
                       (2, None), (9, 0), ((1,), (-1,)), (0, 0)):  # fmt: skip
        for x in (X, X[:1], X[:0]):
            agrees_or_fails(lambda a, s=size, k=axis: windows(a, s, k), x)


def test_turns_and_axes() -> None:
    """rot90, rollaxis and splits."""
    for k in range(-1, 5):
        for axes, x in (((0, 1), X), ((2, 0), C), ((0, 2), X), ((0, 0), X)):
            agrees_or_fails(lambda a, n=k, s=axes: np.rot90(a, n, s), x)
        for j in range(-4, 5):
            agrees_or_fails(lambda a, i=k, j=j: np.rollaxis(a, i, j), C)
    for split in (np.hsplit, np.vsplit, np.dsplit):
        for x in (X, V, C, np.float64(2.0)):
            for parts in (1, 2, 3, [1, 2]):
                agrees_or_fails(lambda a, f=split, p=parts: f(a, p), x)


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_orders(order: Any) -> None:
    """reshape, ravel and flatten of arrays that lie in memory in several ways."""
    for x in (X, X.T, np.asfortranarray(X), C, C.transpose(1, 0, 2), X[::2], X[:, ::-1], V):
        for f in (
            lambda a: a.reshape(-1, order=order), lambda a: a.ravel(order),
            lambda a: a.flatten(order), lambda a: a.reshape((2, -1), order=order),
        ):  # fmt: skip
            agrees_or_fails(f, x, smooth=False)
        if x.strides[-1] > 0:
            agrees(lambda a: np.ravel(a, order="K"), x, smooth=False)
    with pytest.raises(ValueError, match="order"):
        cr.grad(lambda a: np.sum(a.ravel("X")))(X)


def test_a_reshape_that_may_not_copy() -> None:
    """copy=False is an error where NumPy would copy; copy=True copies."""
    agrees_or_fails(lambda a: (a * 1.0).reshape(4, 3, copy=False), X)
    agrees_or_fails(lambda a: (a * 1.0).T.reshape(12, copy=False), X)

    def f(a: Any) -> Any:
        b = a * 1.0
        b.reshape(12, copy=True)[0] = 7.0
        return b

    agrees(f, X)


def test_arguments_that_lie_in_memory_in_several_ways() -> None:
    """What reshape copies of the caller's array it copies of the traced one, in all transforms."""

    def f(x: Any) -> Any:
        x.reshape(-1)[0] = 7.0
        return x * 1.0

    for cut in (lambda x: x[::-1], lambda x: x[:, ::2], lambda x: x.T, lambda x: x[1:],
                lambda x: x[:, ::-1], lambda x: x.T[1:]):  # fmt: skip
        expected = f(cut(X.copy()))
        tangent = np.ones_like(expected)
        np.testing.assert_array_equal(cr.vjp(f, cut(X.copy()))[0], expected)
        np.testing.assert_array_equal(cr.jvp(f, (cut(X.copy()),), (tangent,))[0], expected)
        np.testing.assert_array_equal(cr.jit(f)(cut(X.copy())), expected)


def test_shared_memory() -> None:
    """As NumPy answers, for views and copies."""
    answers: list[list[bool]] = []

    def f(x: Any) -> Any:
        y = x * 1.0
        answers.append([
            np.shares_memory(y[0], y[1]), np.shares_memory(y[0], y),
            np.shares_memory(y.T.ravel(), y), np.shares_memory(y[::2], y[1::2]),
            np.may_share_memory(y[::2], y[1::2]),
            np.shares_memory(y.reshape(-1)[3:], y[0]), np.may_share_memory(x, y),
            np.may_share_memory(y[0], y[1]),
        ])  # fmt: skip
        return np.sum(y)

    f(X)
    cr.grad(f)(X)
    cr.jit(f)(X)
    assert answers[0] == answers[1] == answers[2]


def test_flags_and_bases() -> None:
    """What NumPy says of memory; strides, where they are known."""

    def f(x: Any) -> Any:
        y = x * 1.0
        said: list[Any] = []
        for z in (y, y.T, y[0], y[:, 0], y[::2], y.reshape(-1), y.T.reshape(-1), y.T.copy(),
                  np.broadcast_to(y, (2, 3, 4)), y[:, :3].diagonal(), y[::-1], y + y):  # fmt: skip
            flags = z.flags
            said += [flags.c_contiguous, flags["F"], flags.owndata, flags.writeable, flags.fnc,
                     flags.forc, flags["C_CONTIGUOUS"], z.base is None, z.base is y]  # fmt: skip
        said += [*y.strides, *y.T.strides, *y[::2].strides, *y[::-1].strides]
        return [np.asarray(float(each)) for each in said]

    same_as_numpy(f, X, order=0)
    same_as_numpy(lambda x: [x.device == "cpu", x.to_device("cpu"), x.view()], X, order=0)


@pytest.mark.parametrize(
    "name", ["tobytes", "tofile", "dumps", "byteswap", "getfield", "resize", "setfield", "dump"]
)
def test_bytes_are_refused(name: str) -> None:
    """By the method's name."""
    with pytest.raises(UnsupportedError, match=rf"test_edits\.py:\d+: ndarray\.{name}"):
        cr.grad(lambda x: getattr(x, name)(1))(V)
