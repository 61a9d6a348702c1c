"""NumPy's functions of sampled curves, vectors, polynomials and averages, of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, holds

import chainrule as cr
from chainrule.errors import UnsupportedError

X = draw(3, 4, seed=1)
Y = draw(7, seed=2)
Z = draw(5, seed=3)
R = np.random.default_rng(0).uniform(-1, 1, (3, 4))
XP = np.sort(R[0]) + 0.01
CASES: dict[str, tuple[Any, ...]] = {
    "convolve": (np.convolve, Y, Z),
    "correlate": (lambda a, b: np.correlate(a, b, "same"), Y, Z),
    "correlate by the longer": (lambda a, b: np.correlate(a, b, "full"), Z, Y),
    "correlate by a real one": (np.correlate, Y, Z.real.copy()),
    "trapezoid": (lambda a, x: np.trapezoid(a, x, axis=1), X, X[0] ** 2),
    "gradient": (lambda a: np.gradient(a, [0, 1, 3, 4.0], axis=1, edge_order=2), X),
    "ediff1d": (np.ediff1d, X),
    "interp": (lambda q, f: np.interp(q, XP, f), R, Z[:4]),
    "interp, ends": (lambda q, f, a: np.interp(q, XP, f, left=a, right=1j), R * 3, Z[:4], Z[4]),
    "kron": (np.kron, X, Y),
    "cross": (np.cross, X[:, :3], X[:, 1:]),
    "vecdot": (np.vecdot, X, X**2),
    "matvec": (np.matvec, X, X[0] ** 2),
    "vecmat": (np.vecmat, X[:, 0] ** 2, X),
    "polyval": (np.polyval, Z, X),
    "polysub": (np.polysub, Y, Z),
    "polyder": (lambda c: np.polyder(c, 2), Z),
    "polyint": (lambda c: np.polyint(c, 2), Z),
    "vander": (np.vander, Z),
    "chebval": (np.polynomial.chebyshev.chebval, X, Z),
    "cumulative_prod": (lambda a: np.cumulative_prod(a, axis=1, include_initial=True), X),
    "select": (lambda a: np.select([a.real > 0, a.imag > 0], [a**2, a + 1j], 2.0), X),
    "choose": (lambda a: np.choose([0, 1, 1, 0], [a, a**2]), X),
    "piecewise": (lambda a: np.piecewise(a, [a.real > 0], [lambda v: v**2, 1j]), X),
    "average": (lambda a, w: np.average(a, axis=1, weights=w, returned=True), X, X[0] ** 2 + 3),
    "cov": (np.cov, X),
    "cov of columns": (lambda a, b: np.cov(a, b, rowvar=False), X, X**2),
    "cov by weights": (lambda a, w: np.cov(a, aweights=w), X, np.abs(R[0]) + 0.1),
    "corrcoef": (np.corrcoef, X),
    "nansum": (lambda a: np.nansum(np.where(a.real > 0.5, np.nan, a), axis=1), X),
    "nanmean": (lambda a: np.nanmean(np.where(a.real > 0.5, np.nan, a), axis=1), X),
    "sinc": (np.sinc, Z),
}


@pytest.mark.parametrize("name", list(CASES)[::5])
def test_case(name: str) -> None:
    """Plain, traced and compiled, with derivatives by both parts."""
    holds(*CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_case(name: str) -> None:
    """All of them."""
    holds(*CASES[name])


def test_values_alone() -> None:
    """Functions whose results have sizes that follow from numbers, and an array without a root."""
    for call in (np.poly, lambda a: np.polymul(a, Z), lambda a: np.polydiv(Y, a)[0], np.nancumsum):
        value, _ = cr.vjp(call, Z)
        np.testing.assert_allclose(value, call(Z), rtol=1e-12)


@pytest.mark.parametrize(
    "call", [np.median, np.nanvar, np.unwrap, np.histogram, np.unique, np.digitize]
)
def test_what_has_no_order_is_refused(call: Any) -> None:
    """Or is a rule for real numbers."""
    with pytest.raises((UnsupportedError, TypeError)):
        cr.vjp(lambda a: call(a) if call is not np.digitize else call(a, [0.0]), Z)
