"""`numpy.linalg` on tracers: values, both modes, second order, jit, dtypes, errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import agrees
from linalg_cases import (
    EAGER,
    POSITIVE,
    SMOOTH,
    SQUARE,
    TALL,
    WIDE,
    drawn,
    one_in_four,
    positive,
)
from numpy import linalg

import chainrule as cr
from chainrule import tree
from chainrule.errors import (
    AbstractValueError,
    GradientError,
    GradientWarning,
    UnsupportedError,
)

CONSTANT = {"matrix_power 0", *[name for name in SMOOTH if name.startswith("norm 0 ")]}


@pytest.mark.parametrize("name", [*SMOOTH, *EAGER])
def test_values_and_slopes(name: str) -> None:
    """NumPy's values, with and without known numbers, and central differences of both modes."""
    f, xs = {**SMOOTH, **EAGER}[name]
    with warnings.catch_warnings():
        if name in CONSTANT:
            warnings.simplefilter("ignore", GradientWarning)
        agrees(lambda *a: list(f(*a)) if isinstance(f(*a), tuple) else f(*a), *xs, rtol=1e-10,
               abstract=name not in EAGER)  # fmt: skip


def weighted(f: Callable[..., Any], xs: tuple[Any, ...]) -> Callable[..., Any]:
    """A smooth number made of all results."""
    rng = np.random.default_rng(11)
    weights = [rng.standard_normal(np.shape(y)) for y in tree.leaves(f(*xs))]

    def loss(*args: Any) -> Any:
        pairs = zip(weights, tree.leaves(f(*args)), strict=True)
        return sum(np.sum(w * np.sin(y)) for w, y in pairs)

    return loss


def hessian_product(f: Callable[..., Any], xs: tuple[Any, ...], vs: tuple[Any, ...]) -> Any:
    """The derivative of the gradient along v, in reverse mode."""

    def slope(*args: Any) -> Any:
        gradients = cr.grad(f, argnums=tuple(range(len(args))))(*args)
        return sum(np.sum(g * v) for g, v in zip(gradients, vs, strict=True))

    return cr.grad(slope, argnums=tuple(range(len(xs))))(*xs)


@pytest.mark.parametrize("name", one_in_four(name for name in SMOOTH if name not in CONSTANT))
def test_second_order_and_jit(name: str) -> None:
    """Reverse over reverse, forward over reverse, and differences of the gradient; jit."""
    f, xs = SMOOTH[name]
    loss = weighted(f, xs)
    rng = np.random.default_rng(5)
    vs = tuple(rng.standard_normal(x.shape) for x in xs)
    gradient = cr.grad(loss, argnums=tuple(range(len(xs))))
    step = 1e-6

    def at(t: float) -> Any:
        return gradient(*[x + t * v for x, v in zip(xs, vs, strict=True)])

    backward = hessian_product(loss, xs, vs)
    _, forward = cr.jvp(gradient, xs, vs)
    compiled = cr.jit(gradient)(*xs)
    for one, other, high, low, first, again in zip(
        backward, forward, at(step), at(-step), at(0.0), compiled, strict=True
    ):
        scale = float(np.max(np.abs(high))) + float(np.max(np.abs(one))) + 1.0
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9 * scale)
        np.testing.assert_allclose(one, (high - low) / (2 * step), rtol=1e-3, atol=1e-4 * scale)
        np.testing.assert_allclose(again, first, rtol=1e-9, atol=1e-10 * scale)


KINDS: dict[str, Any] = {
    "single": positive(3, 3).astype(np.float32),
    "integers": np.array([[4, 1], [1, 3]]),
    "truths": np.array([[True, False], [True, True]]),
    "half": positive(2, 2).astype(np.float16),
    "no rows": np.zeros((0, 0)),
    "stacked without rows": np.zeros((2, 0, 0)),
    "an empty stack": np.zeros((0, 2, 2)),
    "no columns": np.zeros((3, 0)),
    "without rows": np.zeros((0, 3)),
    "a vector": np.ones(3),
    "a number": np.float64(2.0),
    "tall": TALL,
    "one entry": np.array([[2.0]]),
    "a broadcast stack": positive(2, 1, 3, 3),
    "Fortran's order": np.asfortranarray(POSITIVE),
    "strided": positive(6, 6)[::-2, ::-2],
    "singular": np.ones((2, 2)),
    "negative": -np.eye(2),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (
        linalg.inv, linalg.det, linalg.slogdet, linalg.cholesky, linalg.eigh, linalg.eigvalsh,
        linalg.svd, linalg.svdvals, linalg.qr, linalg.pinv, linalg.cond, linalg.matrix_rank,
        linalg.matrix_norm, linalg.vector_norm, linalg.trace, linalg.diagonal, linalg.norm,
        linalg.eig, linalg.eigvals)},
    "hermitian pinv": lambda a: linalg.pinv(a, hermitian=True),
    "hermitian svd": lambda a: linalg.svd(a, hermitian=True),
    "hermitian rank": lambda a: linalg.matrix_rank(a, hermitian=True),
    "rank above": lambda a: linalg.matrix_rank(a, tol=0.1),
    "cond 1": lambda a: linalg.cond(a, 1),
    "power -1": lambda a: linalg.matrix_power(a, -1),
    "power 3": lambda a: linalg.matrix_power(a, 3),
    "power 1.5": lambda a: linalg.matrix_power(a, 1.5),
    "solve": lambda a: linalg.solve(a, a),
    "solve for ones": lambda a: linalg.solve(a, np.ones(np.shape(a)[-1:])),
    "lstsq": lambda a: linalg.lstsq(a, np.ones(np.shape(a)[:1]))[0],
    "outer": lambda a: linalg.outer(a, a),
    "cross": lambda a: linalg.cross(a, a),
    "vecdot": lambda a: linalg.vecdot(a, a),
    "norm 3": lambda a: linalg.norm(a, 3),
    "norm nuc": lambda a: linalg.norm(a, "nuc"),
    "norm inf": lambda a: linalg.norm(a, np.inf, axis=-1, keepdims=True),
    "norm x": lambda a: linalg.norm(a, "x"),
}  # fmt: skip


def outcome(f: Callable[..., Any], x: Any) -> tuple[Any, Any]:
    """Results and None, or None and the error."""
    try:
        with np.errstate(all="ignore"):
            return f(x), None
    except Exception as error:
        return None, error


@pytest.mark.parametrize("name", FUNCTIONS)
def test_kinds_of_arrays(name: str) -> None:
    """NumPy's dtypes, shapes, containers and errors, eagerly; each second one under jit.

    But for `eig`.
    """
    f = FUNCTIONS[name]

    def eagerly(x: Any) -> Any:
        def shifted(zero: Any) -> Any:
            return f((x + zero).astype(x.dtype))

        return cr.vjp(shifted, np.float16(0.0))[0]

    ways = [eagerly] if name in ("eig", "eigvals") else [eagerly, lambda x: cr.jit(f)(x)]
    first = [*FUNCTIONS].index(name) % 2
    for k, (kind, x) in enumerate(KINDS.items()):
        expected, error = outcome(f, x)
        for way in ways[: 1 + (k % 2 == first)]:
            actual, raised = outcome(way, x)
            if error is not None:
                assert isinstance(raised, type(error)), (kind, raised)
                continue
            assert raised is None, (kind, raised)
            assert type(actual) is type(expected) or not isinstance(expected, tuple)
            for a, e in zip(tree.leaves(actual), tree.leaves(expected), strict=True):
                a, e = np.asarray(a), np.asarray(e)
                assert (a.shape, a.dtype) == (e.shape, e.dtype), kind
                rtol = 1e-5 if e.dtype == np.float32 else 1e-10
                np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol, err_msg=kind)


def test_results_have_names() -> None:
    """The tuples are NumPy's named ones, also under jit."""
    result = cr.jit(linalg.svd)(SQUARE)
    np.testing.assert_allclose((result.U * result.S) @ result.Vh, SQUARE)
    assert cr.jit(linalg.eigh)(POSITIVE).eigenvalues.shape == (4,)
    assert cr.grad(lambda a: linalg.slogdet(a).logabsdet)(SQUARE).shape == (4, 4)


def test_kinds_that_need_numbers() -> None:
    """Under jit the kind of eigenvalues and the number of residuals are unknown: said, if asked."""
    with pytest.raises(AbstractValueError, match="eigvals, whose results are real or complex"):
        cr.jit(linalg.eigvals, strict=True)(SQUARE)
    b = drawn(5)
    np.testing.assert_allclose(
        cr.jit(lambda a: linalg.lstsq(a, b)[0])(TALL), linalg.lstsq(TALL, b)[0]
    )
    with pytest.raises(AbstractValueError, match="residuals of np.linalg.lstsq"):
        cr.jit(lambda a: np.sum(linalg.lstsq(a, b)[1]), strict=True)(TALL)


def test_errors_of_compiled_code() -> None:
    """What a factorization finds only in the numbers is raised where it runs."""
    with pytest.raises(linalg.LinAlgError, match="Singular matrix"):
        cr.jit(linalg.inv)(np.ones((2, 2)))
    with pytest.raises(linalg.LinAlgError, match="not positive definite"):
        cr.jit(linalg.cholesky)(-np.eye(2))


@pytest.mark.parametrize("mode", ["raw", "full", "economic"])
def test_refused_modes_of_qr(mode: str) -> None:
    """Refused by name."""
    with pytest.raises(UnsupportedError, match=mode):
        cr.grad(lambda a: np.sum(linalg.qr(a, mode)[1]))(SQUARE)


def test_bases_of_what_is_beside_a_matrix() -> None:
    """Two vectors or more beside a matrix are any basis: of use is only what they span."""
    weight = drawn(5, 5, seed=9)
    for f in (linalg.svd, lambda a: linalg.qr(a, "complete")):

        def beside(a: Any, f: Any = f) -> Any:
            return f(a)[0][:, 3:]

        def projection(a: Any, beside: Any = beside) -> Any:
            q = beside(a)
            return np.sum(weight * (q @ q.T))

        with pytest.raises(GradientError, match="any basis of a space"):
            cr.jvp(beside, (TALL,), (TALL,))
        assert np.isnan(cr.grad(lambda a, q=beside: np.sum(q(a) ** 3))(TALL)).all()
        direct = cr.grad(lambda a: -np.sum(weight * (a @ linalg.inv(a.T @ a) @ a.T)))
        np.testing.assert_allclose(cr.grad(projection)(TALL), direct(TALL), rtol=1e-9, atol=1e-12)


def test_wide_matrices_are_not_confused() -> None:
    """The gradient of a least-norm solution, by the formula with an inverse."""
    b = drawn(3, seed=8)

    def by_inverse(a: Any) -> Any:
        return a.T @ linalg.inv(a @ a.T) @ b

    weight = drawn(5, seed=9)
    expected = cr.grad(lambda a: weight @ by_inverse(a))(WIDE)
    actual = cr.grad(lambda a: weight @ linalg.lstsq(a, b)[0])(WIDE)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)
    np.testing.assert_allclose(
        cr.grad(lambda a: weight @ (linalg.pinv(a) @ b))(WIDE), expected, rtol=1e-10
    )
