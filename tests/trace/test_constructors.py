"""NumPy's constructors in traced functions: arrays of traced numbers, lists, ranges and buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close
from numpy import array, concatenate, zeros
from whole_calls import same_as_numpy

import chainrule as cr
from chainrule.errors import AbstractValueError, DtypeError

X = np.array([0.3, 1.2, -0.7])
TABLE = np.arange(9.0).reshape(3, 3)


class Cells:
    """An object that keeps buffers for its methods."""

    def __init__(self) -> None:
        self.rows = [np.zeros(2), np.ones(2)]
        self.named = {"a": np.empty((2, 2))}

    def fill(self, x: Any) -> None:
        self.rows[0][:] = x[:2]
        self.rows[1][1] *= x[2]
        for k in range(2):
            set_row(self.named["a"], k, self.rows[k])


def set_row(out: Any, k: int, row: Any) -> None:
    out[k] = row


def cells(x: Any) -> Any:
    box = Cells()
    box.fill(x)
    return box.named["a"] @ box.rows[1]


def running(x: Any) -> Any:
    out = zeros(len(x) + 1)
    for i in range(len(x)):
        out[i + 1] = 0.5 * out[i] + x[i] ** 2
    return out


def tridiagonal(x: Any) -> Any:
    matrix = np.eye(3)
    matrix[0, 1:] = x[1:]
    matrix[2, :] += x[0] * x
    matrix[np.diag_indices(3)] -= 1.0
    np.fill_diagonal(matrix, x)
    return matrix @ matrix


def views(x: Any) -> Any:
    out = np.zeros((2, 3))
    first, rest = out[0], out[1:].reshape(3)
    first += x
    rest[1] = x[0] * x[1]
    out.T[2] *= 2.0
    return out


def in_order(x: Any) -> Any:
    out = np.zeros((2, 2), order="F")
    flat = out.ravel(order="K") if False else out.T.ravel()
    flat[1] = x[0]
    return out * x[1]


def complex_free(x: Any) -> Any:
    total = np.full(3, 2.0)
    total[0] = x @ x
    like = np.zeros_like(TABLE)
    like[1] = total
    ones = np.ones_like(TABLE[0])
    ones -= x
    copy = np.copy(TABLE)
    copy[:, 0] = x
    return like @ ones + copy @ np.full_like(TABLE[0], 0.5)


def written_lists(x: Any) -> Any:
    out = np.zeros((3, 2))
    out[0] = [1.0, x[0]]
    out[1:] = [[x[1], 2.0], (x[2], x[0])]
    pair = np.empty(2)
    pair[:] = x[0], x[1]
    return out @ pair + x * [1, 2, x[0]] - (x[0], 0.0, x[1])


FORMS: dict[str, Callable[[Any], Any]] = {
    "array of numbers": lambda x: np.array([x[0], 2.0, x[1] * 3]),
    "array of rows": lambda x: array([[x[0], 1.0], [2, x[1]]]),
    "array of arrays": lambda x: np.array([x, 2 * x, [1.0, 2.0, 3.0]]),
    "array of tuples": lambda x: np.array(([x[0]], (x[1],))),
    "array of one number": lambda x: np.array(x[1]) * np.array(2.0),
    "a copy": lambda x: np.array(x) * np.array(x, copy=True),
    "dtype": lambda x: np.array([x[0], 1], dtype=np.float64) + np.asarray(x[:2], float),
    "ndmin": lambda x: np.array([x[0], x[2]], ndmin=3),
    "asarray": lambda x: np.asarray(x) * np.asarray([x[0], 1.0, x[2]]) + np.asanyarray(x),
    "orders": lambda x: np.ascontiguousarray(x[::-1]) * np.asfortranarray(x),
    "contiguous number": lambda x: np.ascontiguousarray(x[0]) + np.asarray_chkfinite(x),
    "at least": lambda x: np.atleast_2d(x) @ np.atleast_2d([x[0], 1.0, x[1]]).T + np.atleast_1d(x),
    "fromiter": lambda x: np.fromiter((v * v for v in x), float),
    "fromiter of some": lambda x: np.fromiter((v * v for v in x), dtype=float, count=2),
    "linspace": lambda x: np.linspace(x[0], x[1], 7) ** 2,
    "linspace without end": lambda x: np.linspace(0, x[1], 5, endpoint=False),
    "linspace of arrays": lambda x: np.linspace(x, 2 * x[::-1], 4, axis=1),
    "linspace step": lambda x: np.linspace(x[0], 1, 5, retstep=True)[1] * x,
    "linspace of one": lambda x: np.linspace(x[0], x[1], 1),
    "logspace": lambda x: np.logspace(x[0], x[1], 4, base=2.0),
    "geomspace": lambda x: np.geomspace(x[1], 3 * x[1] ** 2, 4),
    "geomspace of negative numbers": lambda x: np.geomspace(-(x**2), -(x[::-1] ** 4), 4, axis=1),
    "geomspace without end": lambda x: np.geomspace(x[0], [1, 2], 3, endpoint=False),
    "geomspace of one": lambda x: np.geomspace(x[0], x[1], 1),
    "geomspace of complex numbers": lambda x: np.real(np.geomspace(x[0] + 1j, x[1] - 2j, 4)),
    "full": lambda x: np.full((2, 3), x) + np.full(3, x[0]) + np.full_like(x, x[1]),
    "stack of lists": lambda x: np.stack([[x[0], 1.0], [2.0, x[2]]]),
    "hstack": lambda x: np.hstack([[x[0]], [x[1], 1.0], x]) * np.hstack((x[0], x[1], x, 1)),
    "vstack": lambda x: np.vstack(([x[0], 1.0], x[1:])),
    "column_stack": lambda x: np.column_stack([x, [1.0, x[0], 2.0]]),
    "concatenate": lambda x: concatenate([[x[0], 1.0], x, [3.0]]),
    "block": lambda x: np.block([[x, x[0]], [np.ones(3), 2.0]]),
    "r_ and c_": lambda x: np.r_[x[0], 1.0, x] @ np.c_[[1.0, 2, 3, 4, 5], np.r_[x, x[:2]]],
    "sums of lists": lambda x: np.sum([x[0], 2, x[1]]) + np.mean([x[0] ** 2, 3]) * np.prod([x[1]]),
    "extremes of lists": lambda x: np.max([x[0], x[1], 3 * x[2]]) * np.min([[x[0]], [x[2]]]),
    "dot of lists": lambda x: np.dot([x[0], x[1]], [1.0, 2.0]) * np.dot([[1, 2, 3]], x),
    "norm of a list": lambda x: np.linalg.norm([x[0], x[1]]) * x,
    "det of lists": lambda x: np.linalg.det([[x[0], 1.0], [2.0, x[1]]]) + np.trace([[x[0], 1]]),
    "where with lists": lambda x: np.where(x > 0, [x[0], 1.0, 2.0], x),
    "cross of lists": lambda x: np.cross([1.0, 0, x[2]], x),
    "vectorize": lambda x: np.vectorize(lambda v, w: v * w + v)(x, x[::-1]),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: row * row[0], 0, np.outer(x, x)),
    "row of the identity": lambda x: np.eye(3)[1] * x + np.identity(3)[np.argmax(TABLE[0])],
    "running": running,
    "tridiagonal": tridiagonal,
    "views": views,
    "orders of buffers": in_order,
    "constants like": complex_free,
    "objects": cells,
    "lists written": written_lists,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """NumPy's value, shape and dtype; the slope in both modes, under jit and of second order."""
    f = FORMS[name]
    expected = np.asarray(f(X))
    direction, weights = np.cos(np.arange(3.0)), np.sin(1.0 + np.arange(expected.size))

    def loss(x: Any) -> Any:
        y = f(x)
        return np.sum(y * y * weights.reshape(np.shape(y)))

    def squared(x: Any) -> Any:
        return np.sum(cr.grad(loss)(x) ** 2)

    for way in (lambda x: cr.vjp(f, x)[0], cr.jit(f), cr.jit(cr.jit(f))):
        value = np.asarray(way(X))
        assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
    slope = along(loss, [X], [direction])
    for transform in (cr.grad, lambda g: cr.jit(cr.grad(g))):
        assert_close(transform(loss)(X) @ direction, slope)
    assert_close(cr.jvp(loss, (X,), (direction,))[1], slope)
    second = along(squared, [X], [direction])
    assert_close(cr.jvp(squared, (X,), (direction,))[1], second, rtol=1e-6)
    assert_close(cr.jvp(cr.jit(squared), (X,), (direction,))[1], second, rtol=1e-6)


def test_dtypes() -> None:
    """Those of NumPy: Python's numbers are float64 in a list, an array's dtype is its own."""
    x = np.float32(1.5)
    for f in (
        lambda x: np.array([x, 2.0]),
        lambda x: np.array([x, x]),
        lambda x: np.array([x, 2]),
        lambda x: np.array([x, np.float32(2)]),
        lambda x: np.asarray(x),
        lambda x: np.array([x], np.float64),
        lambda x: np.full(2, x),
        lambda x: np.full(2, x, dtype=np.float64),
        lambda x: np.linspace(x, 2, 3),
        lambda x: np.zeros(2, np.float32) + x,
        lambda x: np.array([True, x]),
    ):
        assert cr.jit(f)(x).dtype == f(x).dtype
        assert cr.vjp(f, x)[0].dtype == f(x).dtype


def test_identity_of_arrays() -> None:
    """`asarray` gives the array itself, `array` and `copy` another: writes tell."""

    def f(x: Any) -> Any:
        same, other, again = np.asarray(x), np.array(x), np.copy(x)
        assert same is x and other is not x
        same[0] = 5.0 * x[1]
        other[1] = 7.0
        again[2] = 0.0
        contiguous, reverse = np.ascontiguousarray(x), np.ascontiguousarray(x[::-1])
        contiguous[1] = 3.0 * x[2]
        reverse[0] = 100.0
        return x * other + again

    for way in (f, cr.jit(f), lambda x: cr.vjp(f, x)[0]):
        y = X.copy()
        np.testing.assert_allclose(way(y), f(X.copy()), rtol=1e-14)


def test_integers_stay_plain_without_jit() -> None:
    """Counters and tables of indices are NumPy's own; under jit they may be written as well."""

    def f(x: Any) -> Any:
        counts = np.zeros(3, dtype=int)
        marks = np.zeros(3, dtype=bool)
        counts[np.argmax(x)] += 2
        marks[np.argmin(x)] = True
        return np.sum(x * counts) + np.sum(np.where(marks, x**2, 0.0))

    expected = np.array([0.0, 2.0, 2 * X[2]])
    np.testing.assert_allclose(cr.grad(f)(X), expected)
    np.testing.assert_allclose(cr.jit(cr.grad(f))(X), expected)
    assert cr.grad(lambda x: x * isinstance(type(np.zeros(2, int)), type(np.ndarray)))(1.0) == 1.0


def test_buffers_outlive_the_trace() -> None:
    """What a traced function keeps of them is read as any array afterwards."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        table = np.zeros(3)
        table[1] = 2.0
        kept.append(table)
        return np.sum(x * table)

    assert cr.grad(f)(X).tolist() == [0.0, 2.0, 0.0]
    np.testing.assert_array_equal(np.asarray(kept[0]), [0.0, 2.0, 0.0])
    assert float(kept[0][1]) == 2.0


def test_ranges_of_traced_limits() -> None:
    """Their length needs numbers; their entries carry the derivative."""
    f = lambda x: np.sum(np.arange(x[0], x[0] + 2.0, 0.5) ** 2)  # noqa: E731
    slope = along(f, [X], [np.array([1.0, 0.0, 0.0])])
    assert_close(cr.grad(f)(X)[0], slope)
    with pytest.raises(AbstractValueError, match=r"np\.arange needs the numbers"):
        cr.jit(f, strict=True)(X)


def test_geometric_sequences() -> None:
    """Limits that are far apart, or of two signs; of whole numbers only where they are known."""
    far = lambda x: np.geomspace(1e-200 * x[0], 1e200 * x[1], 4)  # noqa: E731
    mixed = lambda x: np.geomspace(x[0], x[2], 4)  # noqa: E731
    whole = lambda x: np.geomspace(1, 1000.0 + 0.0 * x[0], 4, dtype=int)  # noqa: E731
    with np.errstate(all="ignore"):
        for f in (far, mixed):
            for way in (lambda x, f=f: cr.vjp(f, x)[0], cr.jit(f)):
                np.testing.assert_allclose(way(X), f(X), rtol=1e-12)
        zero = cr.jit(lambda x: np.geomspace(x[0] - X[0], x[1], 4))(X)
    np.testing.assert_array_equal(zero, [np.nan, np.nan, np.nan, X[1]])
    assert cr.vjp(lambda x: (x[0], whole(x)), X)[0][1].tolist() == [1, 10, 100, 1000]
    with pytest.raises(AbstractValueError, match=r"geomspace\(dtype=int\) needs the numbers"):
        cr.jit(whole, strict=True)(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.require(TABLE * x, requirements="C"),
        lambda x: np.require((TABLE * x).T, requirements=["F", "W"]),
        lambda x: np.require(TABLE * x, float, ["fortran", "OWNDATA", "E"]),
        lambda x: np.require(np.broadcast_to(x, (2, 3)), requirements=["W"]).copy(),
        lambda x: np.require([x[0], 1.0]),
        lambda x: np.array(x, copy=np._CopyMode.IF_NEEDED),
        lambda x: np.asarray(x, copy=np._CopyMode.NEVER),
        lambda x: np.array(x, copy=np._CopyMode.ALWAYS),
    ],
)
def test_requirements_and_modes_of_copying(f: Any) -> None:
    """They decide what is a copy: a write into the result is seen in `x` where NumPy's is."""

    def written(x: Any) -> Any:
        x = x * 1.0
        y = f(x)
        y[..., 0] = 7.0
        return x, y, y.flags["C"], y.flags["F"]

    same_as_numpy(written, X)


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: np.array([[x[0]], [1.0, 2.0]]), ValueError, "inhomogeneous"),
        (lambda x: np.array([x, x[:2]]), ValueError, "inhomogeneous"),
        (lambda x: np.asarray([x[0], 1.0], copy=False), ValueError, "avoid copy"),
        (lambda x: np.array([x[0], "a"]), (ValueError, TypeError), "dtype"),
        (lambda x: np.asarray(x, dtype=object), DtypeError, "object"),
        (lambda x: np.asarray_chkfinite(x * np.inf), ValueError, "infs or NaNs"),
        (lambda x: np.fromiter(x, float, count=5), ValueError, "too short"),
        (lambda x: np.linspace(x[0], 1.0, -2), ValueError, "non-negative"),
        (lambda x: np.geomspace(x[0], 0, 3), ValueError, "cannot include zero"),
        (lambda x: np.geomspace(0.0 * x, [1.0], 3), ValueError, "cannot include zero"),
        (lambda x: np.linspace(x[0], 1.0, 2.5), TypeError, "integer"),
        (lambda x: np.require(x, requirements=["C", "F"]), ValueError, "both"),
        (lambda x: np.require([x[0], 1.0], requirements=["Z"]), KeyError, "Z"),
    ],
)
def test_wrong_use(f: Any, error: Any, words: str) -> None:
    """NumPy's errors, or one that names the dtype."""
    with pytest.raises(error, match=words):
        cr.grad(lambda x: np.sum(f(x)))(X)
