"""`numpy.linalg` and `scipy.linalg` of complex matrices, by real and imaginary parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from agreement import leaves, slopes_agree
from linalg_cases import Case, by_parts, one_in_four
from numpy import linalg

import chainrule as cr
from chainrule import tree
from chainrule.errors import GradientError, UnsupportedError


def drawn(*shape: int, seed: int = 0) -> Any:
    """Normal complex numbers, the same each time."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


A, B, STACK = drawn(4, 4) + 2 * np.eye(4), drawn(4, 3, seed=1), drawn(2, 4, 4, seed=2)
HERMITIAN = A @ A.conj().T + np.eye(4) + 0.1 * drawn(4, 4, seed=3)  # one triangle is read
REAL = STACK[0].real + np.array([[0, 3.0, 0, 0], [-3, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 2]])


def without_phases(f: Callable[..., Any]) -> Callable[..., Any]:
    """Eigenvalues, sizes of eigenvectors and a function of the matrix."""

    def results(a: Any) -> Any:
        w, v = f(a)
        return w, np.abs(v), (v * np.exp(-w)) @ v.conj().T

    return results


def of_svd(f: Callable[..., Any]) -> Callable[..., Any]:
    """Singular values, sizes of their vectors and what both kinds make up together."""

    def results(a: Any) -> Any:
        u, s, vh = f(a)
        return s, np.abs(u), np.abs(vh), (u * np.exp(-s)) @ vh

    return results


CASES: dict[str, Case] = {
    "solve": (linalg.solve, (A, B)),
    "solve for real numbers": (linalg.solve, (A, B.real)),
    "solve with a real matrix": (linalg.solve, (REAL, B)),
    "solve of a stack": (linalg.solve, (STACK, B)),
    "inv": (linalg.inv, (A,)),
    "det": (linalg.det, (STACK,)),
    "slogdet": (linalg.slogdet, (A,)),
    "cholesky": (linalg.cholesky, (HERMITIAN,)),
    "upper cholesky": (lambda a: linalg.cholesky(a, upper=True), (HERMITIAN,)),
    "eigvalsh": (linalg.eigvalsh, (HERMITIAN,)),
    "eigh": (without_phases(linalg.eigh), (HERMITIAN,)),
    "eigh of the upper triangle": (without_phases(lambda a: linalg.eigh(a, "U")), (HERMITIAN,)),
    "eig": (linalg.eig, (STACK,)),
    "eig of a real matrix": (linalg.eig, (REAL,)),
    "eigvals of a real matrix": (linalg.eigvals, (REAL,)),
    "svdvals": (linalg.svdvals, (A,)),
    "svd": (of_svd(lambda a: linalg.svd(a, full_matrices=False)), (A[:, :2],)),
    "svd of a wide matrix": (of_svd(lambda a: linalg.svd(a, full_matrices=False)), (A[:2],)),
    "svd of a Hermitian matrix": (
        of_svd(lambda a: linalg.svd(a, hermitian=True)),
        (HERMITIAN - 3 * np.eye(4),),
    ),
    "qr": (linalg.qr, (STACK,)),
    "qr of a tall matrix": (linalg.qr, (A[:, :2],)),
    "qr of a wide matrix": (linalg.qr, (A[:2],)),
    "pinv": (linalg.pinv, (A[:, :2],)),
    "pinv of a Hermitian matrix": (lambda a: linalg.pinv(a, hermitian=True), (HERMITIAN,)),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], (A[:, :2], B)),
    "lstsq's residuals": (lambda a, b: linalg.lstsq(a, b)[1], (A[:, :2], B)),
    "matrix_power": (lambda a: linalg.matrix_power(a, -3), (A,)),
    "norm": (linalg.norm, (A,)),
    "norm 1": (lambda a: linalg.norm(a, 1), (A,)),
    "norm 3": (lambda a: linalg.norm(a, 3, axis=1), (A,)),
    "nuclear norm": (lambda a: linalg.norm(a, "nuc"), (A,)),
    "cond": (linalg.cond, (A,)),
    "multi_dot": (lambda a, b: linalg.multi_dot([a, a, b]), (A, B)),
    "vecdot": (linalg.vecdot, (A, A[0])),
    "cross": (linalg.cross, (B, B[0])),
    "scipy's solve": (scipy.linalg.solve, (A, B)),
    "scipy's inv": (scipy.linalg.inv, (A,)),
    "scipy's det": (scipy.linalg.det, (A,)),
    "scipy's cholesky": (scipy.linalg.cholesky, (HERMITIAN,)),
    "scipy's cho_factor": (lambda a: scipy.linalg.cho_factor(a, lower=True)[0], (HERMITIAN,)),
    "scipy's lu": (scipy.linalg.lu, (A,)),
    "scipy's lu_solve": (
        lambda a, b: scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b, trans=1), (A, B)),
    "scipy's eigvalsh": (scipy.linalg.eigvalsh, (HERMITIAN,)),
    "scipy's eigh": (without_phases(scipy.linalg.eigh), (HERMITIAN,)),
    "scipy's eigh of the upper triangle": (
        without_phases(lambda a: scipy.linalg.eigh(a, lower=False)), (HERMITIAN,)),
    "scipy's eig": (scipy.linalg.eig, (REAL,)),
    "scipy's eigvals": (scipy.linalg.eigvals, (A,)),
    "scipy's svd": (of_svd(lambda a: scipy.linalg.svd(a, full_matrices=False)), (A[:, :2],)),
    "scipy's qr": (lambda a: scipy.linalg.qr(a, mode="economic"), (A[:, :2],)),
    "scipy's pinv": (scipy.linalg.pinv, (A[:, :2],)),
    "scipy's pinvh": (lambda a: scipy.linalg.pinvh(a, lower=False), (HERMITIAN,)),
    "expm": (scipy.linalg.expm, (A,)),
    "evolution in time": (
        lambda h, t: scipy.linalg.expm(-1j * t * (h + h.conj().T)), (A, np.array(0.3))),
    "logm": (scipy.linalg.logm, (A + 3 * np.eye(4),)),
    "sqrtm": (scipy.linalg.sqrtm, (A + 3 * np.eye(4),)),
    "solve_sylvester": (scipy.linalg.solve_sylvester, (A + 3 * np.eye(4), B[:3], B)),
    "toeplitz": (scipy.linalg.toeplitz, (B[:, 0],)),
    "block_diag": (scipy.linalg.block_diag, (A, B)),
}  # fmt: skip
ONLY_EAGER = {
    "eig of a real matrix",
    "eigvals of a real matrix",
    "lstsq's residuals",
    "scipy's eig",
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    """Values with their dtypes, and both modes against differences, part by part."""
    f, xs = CASES[name]
    expected = leaves(f(*xs))
    actual = leaves(cr.vjp(lambda *args: f(*args), *xs)[0])
    for a, e in zip(actual, expected, strict=True):
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=1e-10, atol=1e-10)
    of_parts, parts = by_parts(f, xs)
    slopes_agree(of_parts, parts, list(range(len(parts))))


@pytest.mark.parametrize("name", one_in_four(CASES))
def test_second_order_and_jit(name: str) -> None:
    """Both modes of the second order against differences; the gradient under jit."""
    f, xs = CASES[name]
    of_parts, parts = by_parts(f, xs)
    rng = np.random.default_rng(9)
    weights = [rng.standard_normal(np.shape(y)) for y in tree.leaves(of_parts(*parts))]

    def loss(*args: Any) -> Any:
        pairs = zip(weights, tree.leaves(of_parts(*args)), strict=True)
        return sum(np.sum(w * np.sin(y)) for w, y in pairs)

    cr.check_grads(loss, tuple(parts), order=2, rtol=1e-5, atol=1e-5)
    if name not in ONLY_EAGER:
        everything = tuple(range(len(parts)))
        compiled = cr.jit(cr.grad(loss, argnums=everything))(*parts)
        for a, e in zip(compiled, cr.grad(loss, argnums=everything)(*parts), strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-8, atol=1e-8)


def test_single_precision() -> None:
    """complex64 stays, and its real results are float32."""
    narrow = HERMITIAN.astype(np.complex64)
    for f in (linalg.inv, linalg.eigh, linalg.svd, linalg.slogdet, linalg.norm, linalg.qr):
        for a, e in zip(leaves(cr.jit(f)(narrow)), leaves(f(narrow)), strict=True):
            assert a.dtype == e.dtype


def test_phases_have_no_derivative() -> None:
    """An eigenvector's phase is LAPACK's choice: what reads it has nan, or is refused."""
    assert np.isnan(cr.grad(lambda a: np.sum(linalg.eigh(a)[1].real))(HERMITIAN)).any()
    assert np.isnan(cr.grad(lambda a: np.sum(linalg.svd(a)[0].real))(A)).any()
    with pytest.raises(GradientError, match="any basis"):
        cr.jvp(lambda a: linalg.svd(a)[0], (A[:, :3],), (A[:, :3],))


@pytest.mark.parametrize("f", [
    lambda a: scipy.linalg.solve(a, a, assume_a="her"),
    lambda a: scipy.linalg.solve(a, a, transposed=True),
    lambda a: scipy.linalg.cosm(a),
    lambda a: scipy.linalg.cho_solve((a, True), a),
    lambda a: scipy.linalg.eigh(a, a),
])  # fmt: skip
def test_refused(f: Callable[..., Any]) -> None:
    """By name."""
    with pytest.raises(UnsupportedError, match="complex numbers"):
        cr.grad(lambda a: np.sum(np.abs(f(a)[0])))(HERMITIAN)
