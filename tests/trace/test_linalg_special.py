"""`numpy.linalg` where derivatives need care: equal eigenvalues, singular matrices, zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import along, gradient
from linalg_cases import drawn
from numpy import linalg

import chainrule as cr

Q = linalg.qr(drawn(3, 3))[0]
DIRECTION = drawn(3, 3, seed=1) + drawn(3, 3, seed=1).T
WEIGHT = drawn(3, 3, seed=2)
# exactly equal eigenvalues, and such as are equal but for rounding
REPEATED = {"exact": np.diag([2.0, 2.0, 1.0]), "rounded": (Q * [2.0, 2.0, 1.0]) @ Q.T,
            "all": 2.0 * np.eye(3)}  # fmt: skip


def symmetric(a: Any) -> Any:
    return 0.5 * (a + a.T)


def projection(a: Any) -> Any:
    v = linalg.eigh(symmetric(a)).eigenvectors[:, 1:]
    return np.sum(WEIGHT * (v @ v.T))


def polar_factor(a: Any) -> Any:
    u, _, vh = linalg.svd(a)
    return np.sum(WEIGHT * (u @ vh))


SMOOTH: dict[str, Callable[..., Any]] = {
    "trace": lambda a: np.sum(linalg.eigvalsh(symmetric(a))),
    "log-determinant": lambda a: np.sum(np.log(linalg.eigh(symmetric(a))[0])),
    "sum of powers": lambda a: np.sum(linalg.eigvalsh(symmetric(a)) ** 3),
    "projection": projection,
    "nuclear norm": lambda a: linalg.norm(a, "nuc"),
    "sum of singular powers": lambda a: np.sum(linalg.svd(a)[1] ** 3),
    "polar factor": polar_factor,
}


@pytest.mark.parametrize("kind", REPEATED)
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_of_equal_values(name: str, kind: str) -> None:
    """Both modes give the derivative; a projection on some of three equal ones has none."""
    if (name, kind) == ("projection", "all"):
        assert np.isnan(cr.grad(projection)(REPEATED[kind])).any()
        return
    f, a = SMOOTH[name], REPEATED[kind]
    if name == "projection":
        a = a @ a  # the equal ones are the largest
    expected = along(f, [a], [DIRECTION])
    assert cr.jvp(f, (a,), (DIRECTION,))[1] == pytest.approx(expected, rel=1e-6, abs=1e-8)
    assert np.sum(cr.grad(f)(a) * DIRECTION) == pytest.approx(expected, rel=1e-6, abs=1e-8)
    compiled = cr.jit(cr.grad(f))(a)
    np.testing.assert_allclose(compiled, cr.grad(f)(a), rtol=1e-9, atol=1e-9)


def square_root(a: Any) -> Any:
    w, v = linalg.eigh(symmetric(a))
    return np.sum(WEIGHT * ((v * np.sqrt(w)) @ v.T))


@pytest.mark.parametrize("kind", REPEATED)
def test_what_equal_values_do_not_tell_is_nan(kind: str) -> None:
    """Of v f(w) v^T and of a single eigenvector of equal values there is nan, and no number."""
    a = REPEATED[kind]
    for f in (square_root, lambda a: np.sum(WEIGHT * linalg.eigh(symmetric(a))[1])):
        assert np.isnan(cr.grad(f)(a)).any()
        if f is square_root:
            assert np.isnan(cr.jvp(f, (a,), (DIRECTION,))[1])
    log = cr.grad(lambda a: np.sum(np.log(linalg.eigvalsh(symmetric(a)))))
    assert np.isnan(cr.jvp(log, (a,), (DIRECTION,))[1]).any()


def test_second_derivatives_of_linear_functions() -> None:
    """Of the trace by eigenvalues, and of the nuclear norm of a positive matrix: 0."""
    for name in ("trace", "nuclear norm"):
        for a in REPEATED.values():
            slope = cr.grad(SMOOTH[name])
            along_slope = cr.grad(lambda a, slope=slope: np.sum(slope(a) * DIRECTION))
            np.testing.assert_allclose(along_slope(a), np.zeros((3, 3)), atol=1e-12)
            pushed = cr.jvp(slope, (a,), (DIRECTION,))[1]
            np.testing.assert_allclose(pushed, np.zeros((3, 3)), atol=1e-12)


SINGULAR = {
    "regular": drawn(3, 3),
    "rank 2": np.array([[1.0, 2, 3], [2, 4, 6], [1, 1, 1]]),
    "rank 1": np.array([[1.0, 2, 3], [2, 4, 6], [3, 6, 9]]),
    "zero": np.zeros((3, 3)),
    "zero pivot first": np.array([[0.0, 1, 2], [0, 3, 4], [0, 5, 6]]),
    "near": np.diag([1.0, 1e-9, 2.0]),
}


def cofactors(a: Any) -> Any:
    """By the definition, through minors."""
    n = len(a)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            minor = np.delete(np.delete(a, i, 0), j, 1)
            result[i, j] = (-1) ** (i + j) * linalg.det(minor)
    return result


@pytest.mark.parametrize("kind", SINGULAR)
def test_det_of_singular_matrices(kind: str) -> None:
    """The first derivative is the cofactors, the second their differences, of any rank."""
    a = SINGULAR[kind]
    np.testing.assert_allclose(cr.grad(linalg.det)(a), cofactors(a), rtol=1e-10, atol=1e-12)
    assert cr.jvp(linalg.det, (a,), (WEIGHT,))[1] == pytest.approx(np.sum(cofactors(a) * WEIGHT))
    expected = (cofactors(a + 1e-4 * WEIGHT) - cofactors(a - 1e-4 * WEIGHT)) / 2e-4
    slope = cr.grad(linalg.det)
    for actual in (
        cr.jvp(slope, (a,), (WEIGHT,))[1],
        cr.grad(lambda a: np.sum(slope(a) * WEIGHT))(a),
        cr.jit(cr.grad(lambda a: np.sum(slope(a) * WEIGHT)))(a),
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-7)


def test_third_derivative_of_det() -> None:
    """Of a cubic: six times the determinant of the direction, along it."""

    def along_weight(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda a: cr.jvp(f, (a,), (WEIGHT,))[1]

    third = along_weight(along_weight(along_weight(linalg.det)))
    assert third(SINGULAR["regular"]) == pytest.approx(6 * linalg.det(WEIGHT))


def test_slogdet_where_nothing_asks() -> None:
    """A singular matrix beside regular ones does no harm where its logarithm is not chosen."""
    stack = np.stack([np.eye(2), np.ones((2, 2))])

    def guarded(a: Any) -> Any:
        sign, logarithm = linalg.slogdet(a)
        return np.sum(np.where(sign > 0, logarithm, 0.0))

    expected = np.stack([np.eye(2), np.zeros((2, 2))])
    np.testing.assert_array_equal(cr.grad(guarded)(stack), expected)
    assert not np.isfinite(cr.grad(lambda a: linalg.slogdet(a)[1])(np.ones((2, 2)))).any()


@pytest.mark.parametrize("ord", [None, 2, 3, 1.5, 1, np.inf])
def test_norms_at_zero(ord: Any) -> None:
    """The subgradient 0, as of the root of a sum of squares; other rows have their slopes."""
    np.testing.assert_array_equal(cr.grad(lambda x: linalg.norm(x, ord))(np.zeros(3)), np.zeros(3))
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    slope = cr.grad(lambda x: np.sum(linalg.norm(x, ord, axis=1)))(x)
    np.testing.assert_array_equal(slope[0], [0.0, 0.0])
    expected = gradient(lambda row: linalg.norm(row, ord), x[1])
    np.testing.assert_allclose(slope[1], expected, rtol=1e-6, atol=1e-9)


def test_matrix_norms_at_zero() -> None:
    """Subgradients: within the unit ball of the dual norm."""
    zero = np.zeros((2, 2))
    np.testing.assert_array_equal(cr.grad(lambda a: linalg.norm(a, "nuc"))(zero), zero)
    np.testing.assert_array_equal(cr.grad(linalg.norm)(zero), zero)
    assert linalg.norm(cr.grad(lambda a: linalg.norm(a, 2))(zero), "nuc") <= 1.0 + 1e-12


def test_one_triangle_is_read() -> None:
    """The derivative is that of NumPy's function: the other triangle is not read."""
    a = 3.0 * np.eye(3) + drawn(3, 3)
    a = a @ a.T + 0.1 * drawn(3, 3, seed=4)
    for f in (
        lambda a: np.sum(WEIGHT * linalg.cholesky(a)),
        lambda a: np.sum(WEIGHT * linalg.cholesky(a, upper=True)),
        lambda a: np.sum(WEIGHT[0] * linalg.eigvalsh(a)),
        lambda a: np.sum(WEIGHT[0] * linalg.eigvalsh(a, "U")),
        lambda a: np.sum(WEIGHT * linalg.pinv(a, hermitian=True)),
    ):
        np.testing.assert_allclose(cr.grad(f)(a), gradient(f, a), rtol=1e-6, atol=1e-7)
