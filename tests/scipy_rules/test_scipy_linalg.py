"""`scipy.linalg` on traced arrays: SciPy's values, slopes, second order, jit, dtypes, errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import linalg

sys.path.append(str(Path(__file__).parents[1] / "trace"))

from agreement import leaves, slopes_agree, without_values
from linalg_cases import one_in_four
from scipy_linalg_cases import CASES, POSITIVE, TALL, VECTOR, A, B, drawn

import chainrule as cr
from chainrule import tree
from chainrule.errors import GradientError, UnsupportedError


def same(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    """The same arrays, in dtype and shape, too."""
    for a, e in zip(leaves(actual), leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes(name: str) -> None:
    """SciPy's values, eagerly and from types alone, and central differences of both modes."""
    f, xs = CASES[name]

    def traced(*args: Any) -> Any:
        return f(*args)

    expected = f(*[np.array(x) for x in xs])
    same(cr.vjp(traced, *xs)[0], expected)
    same(without_values(traced, *xs), leaves(expected))
    slopes_agree(traced, xs, list(range(len(xs))))


@pytest.mark.parametrize("name", one_in_four(CASES))
def test_second_order_and_jit(name: str) -> None:
    """The gradient's derivative along a direction, by both modes and by differences; jit."""
    f, xs = CASES[name]
    rng = np.random.default_rng(5)
    weights = [rng.standard_normal(np.shape(y)) for y in tree.leaves(f(*xs))]

    def loss(*args: Any) -> Any:
        results = tree.leaves(f(*args))
        return sum(np.sum(w * np.sin(y)) for w, y in zip(weights, results, strict=True))

    vs = tuple(rng.standard_normal(x.shape) for x in xs)
    gradient = cr.grad(loss, argnums=tuple(range(len(xs))))

    def slope(*args: Any) -> Any:
        return sum(np.sum(g * v) for g, v in zip(gradient(*args), vs, strict=True))

    step = 1e-6
    high = gradient(*[x + step * v for x, v in zip(xs, vs, strict=True)])
    low = gradient(*[x - step * v for x, v in zip(xs, vs, strict=True)])
    backward = cr.grad(slope, argnums=tuple(range(len(xs))))(*xs)
    forward = cr.jvp(gradient, xs, vs)[1]
    same(cr.jit(gradient)(*xs), gradient(*xs), rtol=1e-8)
    for one, other, above, below in zip(backward, forward, high, low, strict=True):
        scale = (
            float(np.max(np.abs(above), initial=0.0)) + float(np.max(np.abs(one), initial=0.0)) + 1
        )
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9 * scale)
        np.testing.assert_allclose(one, (above - below) / (2 * step), rtol=1e-3, atol=1e-4 * scale)


SINGLE = {
    "solve": (linalg.solve, (A, B)), "inv": (linalg.inv, (A,)), "det": (linalg.det, (A,)),
    "cholesky": (linalg.cholesky, (POSITIVE,)), "expm": (linalg.expm, (A,)),
    "lu_factor": (lambda a: linalg.lu_factor(a)[0], (A,)), "svdvals": (linalg.svdvals, (A,)),
    "eigvalsh": (linalg.eigvalsh, (POSITIVE,)), "pinv": (linalg.pinv, (TALL,)),
    "qr": (linalg.qr, (TALL[:3],)), "norm": (linalg.norm, (A,)),
    "toeplitz": (linalg.toeplitz, (VECTOR,)), "block_diag": (linalg.block_diag, (A, VECTOR)),
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_single_precision(name: str) -> None:
    """float32 stays float32 where SciPy's does, and so does its gradient."""
    f, xs = SINGLE[name]
    narrow = [x.astype(np.float32) for x in xs]
    same(cr.vjp(lambda *a: f(*a), *narrow)[0], f(*narrow), rtol=2e-4)
    slope = cr.grad(lambda *a: sum(np.sum(y) for y in tree.leaves(f(*a))))(*narrow)
    assert slope.dtype == np.float32


ERRORS = {
    "singular": (lambda a: linalg.solve(a, np.ones(2)), np.zeros((2, 2))),
    "not positive": (linalg.cholesky, -np.eye(2)),
    "not positive by bands": (lambda a: linalg.solveh_banded(a, np.ones(2)), -np.ones((1, 2))),
    "not square": (linalg.inv, TALL),
    "no numbers": (linalg.expm, np.ones(3)),
    "not finite": (linalg.solve_triangular, None),
    "structure": (lambda a: linalg.solve(a, a, assume_a="x"), A),
    "shapes": (lambda a: linalg.solve(a, np.ones(3)), A),
    "triangle's shapes": (lambda a: linalg.solve_triangular(a, np.ones(3)), A),
    "zero on the diagonal": (lambda a: linalg.solve_triangular(a, np.ones(2)), np.zeros((2, 2))),
    "mode": (lambda a: linalg.qr(a, mode="x"), A),
    "driver": (lambda a: linalg.eigh(a, driver="x"), A),
    "part": (lambda a: linalg.eigh(a, subset_by_index=[1, 9]), A),
    "side": (lambda a: linalg.polar(a, side="x"), A),
    "columns": (lambda a: linalg.khatri_rao(a, np.ones((2, 2))), A),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_scipys(name: str) -> None:
    """Where SciPy raises, a traced call raises an error of the same kind."""
    f, x = ERRORS[name]
    if name == "not finite":
        f, x = (lambda a: linalg.solve_triangular(a, np.ones(2))), np.full((2, 2), np.nan)
    with pytest.raises(Exception) as expected:
        f(x)
    with pytest.raises(Exception) as actual:
        cr.vjp(lambda a: f(a), x)
    kinds = (ValueError, TypeError)
    matching = [kind for kind in kinds if isinstance(expected.value, kind)]
    assert isinstance(actual.value, tuple(matching))
    if isinstance(expected.value, np.linalg.LinAlgError):
        assert isinstance(actual.value, np.linalg.LinAlgError)


REFUSED = {
    "null_space": lambda a: linalg.null_space(a),
    "orth": lambda a: linalg.orth(a),
    "gesvd": lambda a: linalg.svd(a, lapack_driver="gesvd"),
    "subset_by_value": lambda a: linalg.eigh(a, subset_by_value=[0, 1]),
    "raw": lambda a: linalg.qr(a, mode="raw"),
    "balanced=False": lambda a: linalg.solve_continuous_are(a, a, a, a, e=a),
    "complex": lambda a: linalg.sqrtm(-(a @ a.T)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    """The error names the function, and what to do instead."""
    with pytest.raises((UnsupportedError, GradientError), match=name):
        cr.grad(lambda a: np.sum(REFUSED[name](a)[0]))(POSITIVE)


def test_matrix_functions_at_equal_eigenvalues() -> None:
    """At the identity, where eigenvectors tell nothing: f'(1) times the direction."""
    weight = drawn(3, 3)
    slopes = {linalg.expm: np.e, linalg.sqrtm: 0.5, linalg.logm: 1.0}
    for f, slope in slopes.items():
        actual = cr.grad(lambda a, f=f: np.sum(weight * f(a)))(np.eye(3))
        np.testing.assert_allclose(actual, slope * weight, rtol=1e-7, atol=1e-9)


def test_expm_of_small_and_large_directions() -> None:
    """The derivative is linear in the cotangent, over many orders of magnitude."""
    f = cr.vjp(lambda a: linalg.expm(a), 0.3 * A)[1]
    (plain,) = f(A)
    for scale in (1e-150, 1e150):
        np.testing.assert_allclose(f(scale * A)[0], scale * plain, rtol=1e-12)


def test_known_numbers_go_to_scipy() -> None:
    """What carries no derivative is computed by SciPy itself: also what is refused else."""
    basis = linalg.null_space(TALL.T)
    value = cr.grad(lambda x: np.sum(x * linalg.null_space(np.asarray(TALL.T))))(np.ones((5, 2)))
    np.testing.assert_array_equal(value, basis)
