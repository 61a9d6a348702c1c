"""Grids, index tricks, functions that are called entry by entry or row by row, and iterators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import seeded
from whole_calls import same_as_numpy

import chainrule as cr
from chainrule.errors import UnsupportedError

X, V, C = seeded(3, 4), seeded(4), seeded(2, 3, 4)
POSITIVE = np.abs(X) + 0.5
ONES = np.ones((2, 2))


@np.vectorize
def decorated(t: Any) -> Any:
    return t * 3.0 + 1.0


OF_VECTOR: dict[str, Any] = {
    "meshgrid": lambda a: np.meshgrid(a, a[:2] * 2),
    "meshgrid ij": lambda a: np.meshgrid(a, [1, 2, 3], indexing="ij", sparse=True, copy=False),
    "meshgrid of three": lambda a: np.meshgrid(a[:2], np.arange(2.0), a[0]),
    "meshgrid of one": lambda a: np.meshgrid(a),
    "meshgrid xx": lambda a: np.meshgrid(a, indexing="xx"),
    "ix_": lambda a: np.ix_(a, [1.0, 2.0]),
    "ix_ of a matrix": lambda a: np.ix_(a.reshape(2, 2)),
    "r_": lambda a: np.r_[a, 0.0, a[0]],
    "r_ numbers": lambda a: np.r_[a[0], 1, 2],
    "r_ list": lambda a: np.r_[a, [a[0], 2.0]],
    "r_ range": lambda a: np.r_[0:1:3j, 1:4, a],
    "r_ axis": lambda a: np.r_["0,2", a, a],
    "r_ placed": lambda a: np.r_["0,3,0", a, [1.0, 2.0, 3.0, 4.0]],
    "r_ along": lambda a: np.r_["-1", ONES, a[:2, None]],
    "c_": lambda a: np.c_[a, a * 2, [1, 2, 3, 4]],
    "c_ numbers": lambda a: np.c_[a[0], a[1]],
    "vectorize": lambda a: np.vectorize(lambda t: t * 2 + 1)(a),
    "vectorize closure": lambda a: np.vectorize(lambda t: a[0] * t)(np.arange(3.0)),
    "vectorize number": lambda a: np.vectorize(lambda t: a[0] * t)(2.0),
    "vectorize plain": lambda a: np.vectorize(lambda t: t * 2)(np.arange(3)) * a[0],
    "vectorize two": lambda a: np.vectorize(lambda t, b: (t * b, t + 1.0))(a[:, None], a),
    "vectorize excluded": lambda a: np.vectorize(lambda t, n=2: t**n, excluded=["n"])(a, n=3),
    "vectorize otypes": lambda a: np.vectorize(lambda t: a[0], otypes=[float])(ONES),
    "vectorize nothing": lambda a: np.vectorize(lambda t: t)(a[:0]),
    "vectorize arrays": lambda a: np.vectorize(lambda t: np.stack([t, t]))(a),
    "vectorize decorated": decorated,
    "along plain": lambda a: np.apply_along_axis(lambda r: a[0] * r.sum(), 0, np.ones((3, 2))),
    "along vector": lambda a: np.apply_along_axis(np.sum, 0, a),
    "fromfunction": lambda a: np.fromfunction(lambda i, j: a[0] * i + j, (2, 3)),
    "ndenumerate": lambda a: [v * 2.0 * i[0] for i, v in np.ndenumerate(a)],
    "broadcast": lambda a: sum(p * q for p, q in np.broadcast(a, a[:, None])),
    "broadcast shape": lambda a: a * np.broadcast(a, a[:, None]).shape[1],
}  # fmt: skip
OF_MATRIX: dict[str, Any] = {
    "ix_ reads": lambda a: a[np.ix_([0, 2], [1, 3])],
    "triangles": lambda a: a[np.triu_indices_from(a)] * a[np.tril_indices_from(a, 1)],
    "diagonal": lambda a: a[:, :3][np.diag_indices_from(a[:, :3])],
    "no diagonal": lambda a: np.diag_indices_from(a),
    "along rows": lambda a: np.apply_along_axis(lambda r: r / np.sum(r**2), 1, a),
    "along gives matrices": lambda a: np.apply_along_axis(np.diag, -1, a),
    "along with options": lambda a: np.apply_along_axis(lambda r, k=1: r[k] * r[0], 0, a, k=2),
    "along nothing": lambda a: np.apply_along_axis(np.sum, 0, a[:, :0]),
    "along no axis": lambda a: np.apply_along_axis(np.sum, 3, a),
    "over axes": lambda a: np.apply_over_axes(np.sum, a, [0, -1]),
    "signature": lambda a: np.vectorize(np.dot, signature="(n),(n)->()")(a, a[0]),
    "signature outer": lambda a: np.vectorize(lambda x: np.outer(x, x), signature="(n)->(n,n)")(a),
    "signature two": lambda a: np.vectorize(lambda x: (x.sum(), x * 2), signature="(n)->(),(n)")(a),
    "signature misfit": lambda a: np.vectorize(np.dot, signature="(n),(n)->()")(a, a[0, :2]),
    "nditer": lambda a: sum(v**2 for v in np.nditer(a)),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_VECTOR)
def test_of_vectors(name: str) -> None:
    """Eagerly, natively, second order."""
    same_as_numpy(OF_VECTOR[name], V)


@pytest.mark.parametrize("name", OF_MATRIX)
def test_of_matrices(name: str) -> None:
    """Eagerly, natively, first order."""
    same_as_numpy(OF_MATRIX[name], X, order=1)


def test_vectorize_of_other_dtypes() -> None:
    """A function sees Python numbers; the first result gives the dtype."""
    for f in (lambda t: t * 2, lambda t: t > 0, lambda t: 1 if t > 0 else 0.5):
        for x in (X.astype(np.float32), np.arange(6).reshape(2, 3), X):
            same_as_numpy(lambda a, f=f, x=x: np.vectorize(f)(x) * 1.0 + 0.0 * a[0, 0], X, order=0)
    same_as_numpy(lambda a: np.vectorize(lambda t: t * 2)(a.astype(np.float32)), X, order=0)
    same_as_numpy(lambda a: np.vectorize(lambda t: t + 0.5, otypes="f")(a), X, order=0)


def test_nditer() -> None:
    """Read and written, one array and several, with their indices, in the order of memory."""

    def running(x: Any) -> Any:
        total = 0.0
        for v in np.nditer(x):
            total = total * 1.1 + v**2
        return total

    for x in (X, X.T, np.asfortranarray(X), X[::-1], X[:, ::-1], V[::-1]):
        same_as_numpy(running, x, order=0)
    same_as_numpy(lambda a: running(a.T) + running(a[::2]) + running(a[0, 0]), X, order=0)
    same_as_numpy(lambda a: running(a[:0]), X)

    def written(x: Any) -> Any:
        y = x * 1.0
        with np.nditer(y, op_flags=["readwrite"]) as entries:
            for v in entries:
                v[...] = 2 * v + 1
        return y

    same_as_numpy(written, X, order=1)

    def indexed(x: Any) -> Any:
        it, total = np.nditer(x, flags=["multi_index", "f_index"], order="C"), 0.0
        while not it.finished:
            total = total + it[0] * (it.multi_index[0] + 3 * it.multi_index[1] + it.index)
            it.iternext()
        return total

    same_as_numpy(indexed, X)

    def allocated(x: Any) -> Any:
        it = np.nditer([x, x[0], None])
        for a, b, c in it:
            c[...] = a * b
        return it.operands[2]

    same_as_numpy(allocated, X)

    def read_only(x: Any) -> Any:
        for v in np.nditer(x):
            v[...] = 1.0
        return x

    same_as_numpy(read_only, X)
    with pytest.raises(UnsupportedError, match=r"external_loop.*np\.ndindex"):
        cr.grad(lambda x: sum(v for v in np.nditer(x, flags=["external_loop"])))(V)


def test_ndenumerate_and_ndindex() -> None:
    """In step with writes into the array."""

    def f(x: Any) -> Any:
        y = x * 1.0
        for index, v in np.ndenumerate(y):
            y[index] = v * (index[0] + 1.0) + y[0, 0]
        for index in np.ndindex(y.shape):
            y[index] *= 0.5
        return y

    same_as_numpy(f, X, order=1)


def test_frompyfunc_is_refused() -> None:
    """It makes arrays of objects."""
    with pytest.raises(UnsupportedError, match=r"np\.frompyfunc\(.*np\.vectorize"):
        cr.grad(lambda x: np.sum(np.frompyfunc(lambda t: t * 2, 1, 1)(x)))(V)


def test_errstate() -> None:
    """As a context and as a decorator."""

    @np.errstate(divide="ignore", invalid="ignore")
    def f(x: Any) -> Any:
        with np.errstate(all="ignore"):
            y = np.log(x - x) * 0.0
        return np.where(x > 0, np.log(x), y)

    np.testing.assert_allclose(cr.grad(lambda x: np.sum(f(x)))(POSITIVE), 1 / POSITIVE)
    np.testing.assert_allclose(cr.jit(cr.grad(lambda x: np.sum(f(x))))(POSITIVE), 1 / POSITIVE)
