"""`least_squares` and `curve_fit` against NIST's certified values, closed forms, and SciPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from nist_problems import MODELS, digits, problem
from scipy import optimize

import chainrule as cr
from chainrule.errors import DataError, DtypeError, ShapeError, UnsupportedError
from chainrule.solvers.cholesky_qr import cholesky_qr

pytestmark = pytest.mark.usefixtures("_unoptimised")

T = np.linspace(0.0, 2.0, 12)
Y = 3.0 * np.exp(-1.5 * T) + 0.5 + 0.05 * np.cos(17.0 * T)


def decay(t: Any, height: Any, rate: Any, base: Any) -> Any:
    return height * np.exp(-rate * t) + base


def residuals(p: Any, t: Any, y: Any) -> Any:
    return decay(t, *[p[k] for k in range(3)]) - y


def plane(x: Any, a: Any, b: Any) -> Any:
    return a * x[0] + b * x[1]


@pytest.mark.parametrize("name", [
    name if name == "Misra1a" else pytest.param(name, marks=pytest.mark.slow)
    for name in MODELS
])  # fmt: skip
def test_the_certified_values_of_nist(name: str) -> None:
    """From the far start, too: at least as many digits as SciPy, and never fewer than 4."""
    regression = problem(name)
    for start in regression.starts:
        value, covariance = cr.curve_fit(regression.model, regression.x, regression.y, start)
        right = digits(value, regression.values)
        deviations = digits(np.sqrt(np.diag(covariance)), regression.deviations)
        assert right >= 4 and deviations >= 3.7
        squares = np.sum((regression.model(regression.x, *value) - regression.y) ** 2)
        assert digits(squares, regression.squares) >= 8
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs, _ = optimize.curve_fit(regression.model, regression.x, regression.y, start)
        except RuntimeError:
            continue
        assert right >= digits(theirs, regression.values) - 0.1


def test_the_loop_takes_minpacks_steps() -> None:
    """As many evaluations and Jacobians as SciPy's `lm` with the derivative by hand."""
    start = np.array([1.0, 1.0, 0.0])

    def jac(p: Any, t: Any, y: Any) -> Any:
        e = np.exp(-p[1] * t)
        return np.stack([e, -p[0] * t * e, np.ones_like(t)], axis=1)

    theirs = optimize.least_squares(residuals, start, jac, args=(T, Y), method="lm")
    ours = cr.least_squares(residuals, start, args=(T, Y), method="lm")
    assert (theirs.nfev, theirs.njev, theirs.status) == (ours.nfev, ours.njev, ours.status)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-9)
    np.testing.assert_allclose(ours.jac, jac(ours.x, T, Y), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours.fun, residuals(ours.x, T, Y), rtol=1e-12)
    np.testing.assert_allclose(ours.grad, ours.jac.T @ ours.fun, atol=1e-14)
    np.testing.assert_allclose(ours.cost, 0.5 * np.sum(ours.fun**2), rtol=1e-12)
    assert ours.message == theirs.message and ours.success


@pytest.mark.parametrize("options", [
    {}, {"bounds": ([0.0, 0.0, 0.6], np.inf)}, {"loss": "soft_l1", "f_scale": 0.1},
    {"method": "dogbox"}, {"x_scale": [1.0, 2.0, 0.5]}, {"jac": "3-point"}, {"ftol": None},
    {"tr_solver": "lsmr"}, {"loss": lambda z: np.array([z, np.ones_like(z), 0 * z])},
    {"diff_step": 1e-6},
])  # fmt: skip
def test_options_mean_what_they_mean_to_scipy(options: dict[str, Any]) -> None:
    """The same minimum, whichever way it is reached."""
    start = np.array([1.0, 1.0, 0.7])
    ours = cr.least_squares(residuals, start, args=(T, Y), **options)
    theirs = optimize.least_squares(
        residuals, start, args=(T, Y), **{"xtol": 1e-12, "gtol": 1e-12, **options}
    )
    assert ours.success
    np.testing.assert_allclose(ours.cost, theirs.cost, rtol=1e-6)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-3)
    assert ours.keys() >= {"x", "cost", "fun", "jac", "grad", "optimality", "active_mask", "nfev"}


def test_trees_of_unknowns_and_residuals() -> None:
    """x comes back as it was given; residuals may be a tree; more unknowns than residuals."""
    rows = np.random.default_rng(0).normal(size=(7, 3))
    exact = {"w": np.array([1.0, -2.0, 0.5]), "b": 0.25}

    def errors(p: Any) -> Any:
        return {"fit": rows @ p["w"] + p["b"] - (rows @ exact["w"] + 0.25), "w": p["w"][:1] - 1.0}

    result = cr.least_squares(errors, {"w": np.zeros(3), "b": 0.0})
    np.testing.assert_allclose(result.x["w"], exact["w"], atol=1e-8)
    assert abs(result.x["b"] - 0.25) < 1e-8 and result.jac.shape == (8, 4)
    short = cr.least_squares(lambda x: x[:1] - 2.0, np.zeros(2))
    assert abs(short.x[0] - 2.0) < 1e-8
    bounded = cr.least_squares(
        errors, {"w": np.zeros(3), "b": 0.0},
        bounds=({"w": np.full(3, -1.0), "b": -1.0}, {"w": np.full(3, 2.0), "b": 1.0}),
    )  # fmt: skip
    np.testing.assert_allclose(bounded.x["w"][1], -1.0, atol=1e-6)


@pytest.mark.parametrize("digits_lost", [0, 4, 8, 12])
def test_the_factorization_is_as_accurate_as_householders(digits_lost: int) -> None:
    """Orthogonal columns and a product that is the matrix, for condition numbers up to 1e12."""
    rng = np.random.default_rng(digits_lost)
    left, right = (np.linalg.qr(rng.normal(size=(k, 4)))[0] for k in (30, 4))
    matrix = left * np.logspace(0.0, -digits_lost, 4) @ right
    q, r = cr.jit(cholesky_qr)(matrix)
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-13)
    np.testing.assert_allclose(q @ r, matrix, atol=1e-15)
    np.testing.assert_array_equal(np.tril(r, -1), 0.0)


def linear(x: Any, matrix: Any, target: Any) -> Any:
    return matrix @ x - target


@pytest.mark.parametrize(
    ("matrix", "exact"),
    [
        (np.outer([1.0, 2.0, 3.0], [1.0, 1.0]), [1.0, 1.0]),  # a column twice
        (np.outer([1.0, 2.0, 3.0], [1.0, 0.0]), [2.0, 0.0]),  # one that nothing depends on
        (np.diag([1.0, 1e-9, 0.0])[:, :2], [2.0, 3.0]),
        (np.zeros((3, 2)), [0.0, 0.0]),
    ],
)
def test_rank_deficient_problems(matrix: Any, exact: Any) -> None:
    """The shortest of all solutions, from 0; at once where there is nothing to be done."""
    target = matrix @ np.array(exact)
    result = cr.least_squares(linear, np.zeros(2), args=(matrix, target), gtol=0.0)
    assert result.success and result.cost < 1e-17
    np.testing.assert_allclose(result.x, exact, atol=1e-6)
    done = cr.least_squares(linear, np.array(exact), args=(matrix, target))
    assert done.cost == 0.0 and done.nfev == 1 and done.success


@pytest.mark.parametrize("options", [
    {}, {"sigma": np.linspace(0.1, 0.3, 12)}, {"sigma": 0.2, "absolute_sigma": True},
    {"sigma": 0.05 * np.eye(12) + 0.01}, {"bounds": (0.0, 10.0)}, {"method": "trf"},
    {"jac": "2-point"}, {"ftol": 1e-13}, {"p0": None}, {"full_output": True},
    {"sigma": np.linspace(0.1, 0.3, 12), "absolute_sigma": True},
])  # fmt: skip
def test_curve_fit_gives_what_scipy_gives(options: dict[str, Any]) -> None:
    """Parameters and covariance, for each option."""
    named = {"p0": [2.0, 1.0, 0.1], **options}
    ours = cr.curve_fit(decay, T, Y, **named)
    named.pop("jac", None)  # by differences is SciPy's default
    theirs = optimize.curve_fit(decay, T, Y, **named)
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=2e-3, atol=1e-7)


@pytest.mark.slow
def test_models_of_all_kinds() -> None:
    """Data of two rows, rows left out, branches on values, integers, closures that change."""
    both = np.stack([T, T**2])
    value, _ = cr.curve_fit(plane, both, plane(both, 2.0, -1.0))
    np.testing.assert_allclose(value, [2.0, -1.0], atol=1e-9)
    gap = Y.copy()
    gap[3] = np.nan
    ours = cr.curve_fit(decay, T, gap, [2.0, 1.0, 0.1], nan_policy="omit")
    theirs = optimize.curve_fit(decay, np.delete(T, 3), np.delete(Y, 3), [2.0, 1.0, 0.1])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)

    def branching(t: Any, a: Any, b: Any) -> Any:
        return a * t if b > 0 else b * t

    value, _ = cr.curve_fit(branching, T, 2.0 * T, [1.0, -1.0], method="trf", x_scale=1.0)
    assert abs(value[1] - 2.0) < 1e-6 or abs(value[0] - 2.0) < 1e-6
    value, _ = cr.curve_fit(lambda x, a, b: a * x + b, [0, 1, 2, 3], [1, 3, 5, 7], [1, 1])
    np.testing.assert_allclose(value, [2.0, 1.0], atol=1e-9)
    value, _ = cr.curve_fit(lambda x, a: [a * v for v in x], T, 3.0 * T)
    np.testing.assert_allclose(value, 3.0, atol=1e-9)
    for power in (1.0, 2.0):
        value, _ = cr.curve_fit(lambda x, a: a * x**power, T, 3.0 * T**power)  # noqa: B023
        np.testing.assert_allclose(value, 3.0, atol=1e-9)


def test_a_covariance_that_cannot_be_estimated() -> None:
    """Is infinite, with SciPy's warning."""
    with pytest.warns(optimize.OptimizeWarning, match="Covariance"):
        _, covariance = cr.curve_fit(plane, np.stack([T, T]), T, [1.0, 0.5])
    assert np.isinf(covariance).all()
    with pytest.warns(optimize.OptimizeWarning, match="Covariance"):
        cr.curve_fit(lambda x, a, b: a * x + b, T[:2], T[:2])


def wave(x: Any, a: Any, b: Any) -> Any:
    return np.log(a) * np.sin(b * x)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: cr.curve_fit(decay, T, np.append(Y[1:], np.nan)), DataError, "ydata has nan"),
        (lambda: cr.curve_fit(decay, np.append(T[1:], np.inf), Y), DataError, "xdata has nan"),
        (lambda: cr.curve_fit(decay, T, []), ShapeError, "ydata is empty"),
        (lambda: cr.curve_fit(decay, T, Y[:5]), ShapeError, r"\(12,\), and ydata has \(5,\)"),
        (lambda: cr.curve_fit(decay, T[:2], Y[:2]), TypeError, "exceed"),
        (lambda: cr.curve_fit(lambda x, *p: p[0] * x, T, Y), ValueError, "give p0"),
        (lambda: cr.curve_fit(wave, T, Y, [-1.0, 1.0]), DataError, "not finite"),
        (lambda: cr.curve_fit(decay, T, Y, [9.0, 9.0, 9.0], maxfev=3), RuntimeError, "maxfev = 3"),
        (lambda: cr.curve_fit(decay, T, Y, sigma=np.ones(3)), ValueError, "sigma"),
        (lambda: cr.least_squares(residuals, [1, 1, 1], args=(T, Y)), DtypeError, "int64"),
        (lambda: cr.least_squares(lambda x: np.log(x), -np.ones(2)), DataError, "is nan at x0"),
        (lambda: cr.least_squares(lambda x: x[:0], np.ones(2)), ShapeError, "no residuals"),
        (lambda: cr.least_squares(lambda x: x[:1], np.ones(2), method="lm"), ShapeError, "'lm'"),
        (lambda: cr.least_squares(lambda x: np.sqrt(x), np.zeros(2)), DataError, "Jacobian"),
        (lambda: cr.least_squares(lambda x: x, np.ones(2), ftol=-1.0), ValueError, "ftol is -1"),
        (lambda: cr.grad(lambda a: cr.least_squares(lambda x: x - a, np.ones(1)).cost)(1.0),
         UnsupportedError, "scipy.optimize"),
    ],
)  # fmt: skip
def test_wrong_input_of_fits(call: Any, error: Any, match: str) -> None:
    """The error says which argument, and what was wrong with it."""
    with pytest.raises(error, match=match):
        call()
