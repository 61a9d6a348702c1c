"""`scipy.linalg.lapack`: the functions that Gaussian processes call by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from same_as_scipy import case, check_compiled, check_derivatives, check_values
from scipy import linalg
from scipy.linalg import lapack

import chainrule as cr
from chainrule.errors import UnsupportedError

A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.5, -0.3, 1.8]])
B = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, 0.1]])


def agrees(f: Any, *arrays: Any) -> None:
    """SciPy's numbers, with values and without, and derivatives in both modes."""
    check_values(case(f, *arrays))
    check_derivatives(case(f, *arrays))


def test_compiled() -> None:
    """A likelihood as Gaussian processes have it."""

    def likelihood(a: Any, b: Any) -> Any:
        c, info = lapack.dpotrf(a @ a.T, lower=1)
        assert info == 0
        half, whole = lapack.dtrtrs(c, b, lower=1)[0], lapack.dpotrs(c, b, lower=1)[0]
        inverse = lapack.dpotri(c, lower=1)[0] + lapack.dtrtri(c, lower=1)[0]
        return np.sum(half**2) + np.sum(whole * b) + np.sum(inverse) - np.sum(np.log(np.diag(c)))

    check_compiled(case(likelihood, A, B))


@pytest.mark.parametrize("lower", [0, 1])
def test_positive_definite_matrices(lower: int) -> None:
    """Only one triangle is read; without `clean` the other one stays."""
    agrees(lambda a: lapack.dpotrf(a + a.T, lower=lower)[0], A)
    agrees(lambda a: lapack.dpotrf(a, lower, clean=0)[0], A)
    agrees(lambda c: linalg.lapack.dpotri(c, lower=lower)[0], A)
    for b in (B, B[:, 0]):
        agrees(lambda c, b: lapack.dpotrs(c, b, lower=lower)[0], A, b)


@pytest.mark.parametrize("lower", [0, 1])
@pytest.mark.parametrize("unit", [0, 1])
def test_triangles(lower: int, unit: int) -> None:
    """Of a unit diagonal the one that is there is not read."""
    agrees(lambda c: lapack.dtrtri(c, lower=lower, unitdiag=unit)[0], A)
    for trans in (0, 1, 2):
        agrees(lambda a, b, trans=trans: lapack.dtrtrs(a, b, lower, trans, unit)[0], A, B)
    agrees(lambda b: lapack.dtrtrs(A, b, lower=lower, unitdiag=unit)[0], B[:, 1])


def test_what_has_no_factor() -> None:
    """LAPACK's number says why, and no number stands for the result; compiled it is an error."""
    singular = np.diag([1.0, 2.0, 0.0])
    for f, a in [
        (lambda a: lapack.dpotrf(a), -A),
        (lambda a: lapack.dtrtrs(a, B), singular),
        (lambda a: lapack.dtrtri(a), singular),
    ]:
        (x, info, _), _ = cr.vjp(lambda a, f=f: (*f(a), np.sum(a)), a)
        assert info == f(a)[1] > 0
        assert np.isnan(x).all()
        with pytest.raises(np.linalg.LinAlgError, match="positive definite|singular"):
            cr.jit(f)(a)


def test_jitter() -> None:
    """A program that looks at the number goes NumPy's way."""

    def safe(s: Any) -> Any:
        matrix = np.array([[1.0, 2.0], [2.0, 1.0]]) * s
        c, info = lapack.dpotrf(matrix, lower=1)
        if info:
            c, info = lapack.dpotrf(matrix + 3.0 * np.eye(2), lower=1)
        return np.sum(c) if info == 0 else s

    cr.check_grads(safe, (1.3,), order=2)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        cr.jit(safe)(1.3)
    with pytest.raises(UnsupportedError, match="overwrite"):
        cr.grad(lambda a: np.sum(lapack.dpotrf(a, overwrite_a=1)[0]))(A)
