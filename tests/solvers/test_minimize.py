"""`minimize` against minima that are known, and against SciPy with derivatives written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

import chainrule as cr
from chainrule.errors import DataError, DtypeError, GradientError, ShapeError, UnsupportedError

pytestmark = pytest.mark.usefixtures("_unoptimised")

START = np.array([0.98, 0.97, 0.95])
GRADIENT_METHODS = ["CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "SLSQP", "dogleg", "trust-ncg",
                    "trust-krylov", "trust-exact", "trust-constr"]  # fmt: skip


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", [None, *GRADIENT_METHODS])
def test_every_method_takes_the_same_steps_as_with_derivatives_by_hand(method: Any) -> None:
    """Iterations and evaluations are SciPy's with its own `rosen_der` and `rosen_hess`."""
    start = np.zeros(3) if method == "dogleg" else START  # where the Hessian is positive
    derivatives: dict[str, Any] = {"jac": optimize.rosen_der}
    if method in ("Newton-CG", "trust-ncg", "trust-krylov"):
        derivatives["hessp"] = optimize.rosen_hess_prod
    elif method in ("dogleg", "trust-exact", "trust-constr"):
        derivatives["hess"] = optimize.rosen_hess
    ours = cr.minimize(rosenbrock, start, method=method)
    theirs = optimize.minimize(optimize.rosen, start, method=method, **derivatives)
    assert ours.success == theirs.success
    np.testing.assert_allclose(ours.x, 1.0, atol=1e-2)
    if method != "L-BFGS-B":  # which is a loop of our own
        assert (theirs.nit, theirs.nfev) == (ours.nit, ours.nfev)
        np.testing.assert_allclose(ours.x, theirs.x, atol=1e-5)


def logistic(w: Any, rows: Any, labels: Any) -> Any:
    return np.mean(np.logaddexp(0.0, -labels * (rows @ w))) + 0.01 * np.sum(w**2)


def beale(x: Any) -> Any:
    return np.sum((np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))) ** 2)


def quartic(x: Any) -> Any:
    return np.sum(np.arange(1.0, 13.0) * (x - 0.5) ** 4) + np.sum(x) ** 2


def powell(x: Any) -> Any:
    terms = [x[0] + 10 * x[1], 5**0.5 * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2,
             10**0.5 * (x[0] - x[3]) ** 2]  # fmt: skip
    return np.sum(np.stack(terms) ** 2)


@pytest.mark.parametrize(
    ("function", "start", "args"),
    [
        (rosenbrock, np.zeros(6), ()),
        pytest.param(beale, np.array([1.0, 1.0]), (), marks=pytest.mark.slow),
        pytest.param(quartic, np.linspace(-2.0, 2.0, 12), (), marks=pytest.mark.slow),
        (powell, np.array([3.0, -1.0, 0.0, 1.0]), ()),
        (logistic, np.zeros(3), (np.random.default_rng(0).normal(size=(40, 3)),
                                 np.sign(np.random.default_rng(1).normal(size=40)))),
    ],
)  # fmt: skip
def test_the_loop_finds_what_scipy_finds(function: Any, start: Any, args: Any) -> None:
    """The value is as small, the gradient as flat; the count of evaluations of the same size."""
    options = {"ftol": 1e-13, "gtol": 1e-8}
    ours = cr.minimize(function, start, args, method="L-BFGS-B", options=options)
    jac = cr.jit(cr.grad(function))
    theirs = optimize.minimize(function, start, args, "L-BFGS-B", jac, options=options)
    assert ours.success and theirs.success
    assert ours.fun <= theirs.fun + 1e-10
    assert ours.nfev <= 2 * theirs.nfev + 5
    np.testing.assert_allclose(ours.fun, function(ours.x, *args), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.jac, jac(ours.x, *args), atol=1e-12)
    assert ours.hess_inv.shape == (start.size, start.size)


def test_the_inverse_hessian_of_the_loop_is_that_of_its_steps() -> None:
    """It takes the last change of the gradient to the last step; of a quadratic both are known."""
    scales = np.array([1.0, 3.0, 10.0])
    result = cr.minimize(lambda x: np.sum(scales * (x - 1.0) ** 2), np.zeros(3), method="L-BFGS-B",
                         options={"gtol": 1e-10, "ftol": 0.0})  # fmt: skip
    assert np.abs(result.x - 1.0).max() < 1e-9
    s, y = result.hess_inv.sk, result.hess_inv.yk
    assert len(s) >= 3
    np.testing.assert_allclose(y, 2.0 * scales * s, rtol=1e-5)
    np.testing.assert_allclose(result.hess_inv @ y[-1], s[-1], rtol=1e-9)


def test_limits_of_the_loop_end_it() -> None:
    """As SciPy does: not successful, and no more steps than that."""
    for options, count in (({"maxiter": 3}, "nit"), ({"maxfun": 5}, "nfev")):
        result = cr.minimize(rosenbrock, START, method="L-BFGS-B", options=options)
        limit = next(iter(options.values()))
        assert not result.success and result[count] in (limit, limit + 1)
        assert "LIMIT" in result.message
    with pytest.raises(ValueError, match="maxcor"):
        cr.minimize(rosenbrock, START, method="L-BFGS-B", options={"maxcor": 0})


def test_any_tree_of_floats() -> None:
    """x, the gradient and what callbacks see have the structure of x0, for each method."""
    target = np.arange(6.0).reshape(2, 3)

    def loss(p: Any) -> Any:
        return np.sum((p["w"] - target) ** 2) + (p["b"] - 2.0) ** 2

    seen: list[Any] = []
    start = {"w": np.zeros((2, 3), np.float32), "b": 0.0}
    for method in ("BFGS", "L-BFGS-B", "trust-exact", "Powell"):
        result = cr.minimize(loss, start, method=method, callback=seen.append)
        np.testing.assert_allclose(result.x["w"], target, atol=1e-3)
        assert abs(result.x["b"] - 2.0) < 1e-3 and result.x["w"].dtype == np.float64
    assert all(set(p) == {"w", "b"} and p["w"].shape == (2, 3) for p in seen)
    assert cr.minimize(loss, start, method="L-BFGS-B").jac["w"].shape == (2, 3)

    def named(intermediate_result: Any) -> None:
        seen.append(intermediate_result.x)

    seen.clear()
    cr.minimize(loss, start, callback=named)
    assert seen and seen[-1]["w"].shape == (2, 3)


def test_scipys_ways_to_write_x0() -> None:
    """A list of numbers is an array; a number is one."""
    assert cr.minimize(rosenbrock, [0.5, 0.5]).x.shape == (2,)
    result = cr.minimize(lambda x: (x - 3.0) ** 2, 1.0, method="L-BFGS-B")
    assert np.shape(result.x) == () and abs(result.x - 3.0) < 1e-4


def test_bounds_and_constraints() -> None:
    """The minimum is where hand calculation puts it; Jacobians of constraints are compiled."""

    def square(x: Any, centre: Any) -> Any:
        return np.sum((x - centre) ** 2)

    centre = np.array([2.0, 1.0])
    result = cr.minimize(square, np.zeros(2), (centre,), bounds=[(None, 1.0), (None, None)])
    np.testing.assert_allclose(result.x, [1.0, 1.0], atol=1e-6)
    circle = {"type": "ineq", "fun": lambda x: 1.0 - np.sum(x**2)}
    on_circle = centre / np.sqrt(5.0)
    result = cr.minimize(square, np.zeros(2), (centre,), constraints=circle)
    np.testing.assert_allclose(result.x, on_circle, atol=1e-6)
    calls: list[Any] = []

    def radius(x: Any) -> Any:
        calls.append(x)
        return np.sum(x**2)

    nonlinear = optimize.NonlinearConstraint(radius, -np.inf, 1.0)
    result = cr.minimize(square, np.full(2, 0.1), (centre,), "trust-constr", constraints=nonlinear)
    np.testing.assert_allclose(result.x, on_circle, atol=1e-4)
    assert len(calls) <= 2  # traced
    user = {"type": "eq", "fun": lambda x: x[0] - x[1], "jac": lambda x: np.array([1.0, -1.0])}
    result = cr.minimize(square, np.zeros(2), (centre,), constraints=[user])
    np.testing.assert_allclose(result.x, [1.5, 1.5], atol=1e-6)


def test_the_users_derivatives_are_taken() -> None:
    """A gradient by hand, one beside the value, SciPy's differences, a Hessian and its product."""
    calls: list[str] = []

    def jac(x: Any) -> Any:
        calls.append("jac")
        return optimize.rosen_der(x)

    def hess(x: Any) -> Any:
        calls.append("hess")
        return optimize.rosen_hess(x)

    def hessp(x: Any, p: Any) -> Any:
        calls.append("hessp")
        return optimize.rosen_hess_prod(x, p)

    for method, given in (
        ("L-BFGS-B", {"jac": jac}), ("trust-exact", {"hess": hess}),
        ("Newton-CG", {"hessp": hessp}), ("trust-exact", {"jac": jac, "hess": hess}),
    ):  # fmt: skip
        calls.clear()
        assert cr.minimize(rosenbrock, START, method=method, **given).success
        assert given.keys() == set(calls)
    both = cr.minimize(lambda x: (optimize.rosen(x), optimize.rosen_der(x)), START, jac=True)
    theirs = optimize.minimize(optimize.rosen, START, jac=optimize.rosen_der)
    assert both.nit == theirs.nit
    differences = cr.minimize(rosenbrock, START, method="L-BFGS-B", jac="3-point")
    assert differences.nfev > 5 * cr.minimize(rosenbrock, START, method="L-BFGS-B").nfev


def test_functions_that_branch_on_values() -> None:
    """What no graph is made of is differentiated as it runs."""

    def huber(x: Any) -> Any:
        total = 0.0
        for k in range(3):
            r = x[k] - k
            total = total + (r * r / 2 if abs(r) < 1.0 else abs(r) - 0.5)
        return total

    for method in ("BFGS", "L-BFGS-B", "trust-exact"):
        result = cr.minimize(huber, np.array([0.5, 1.2, 2.9]), method=method)
        np.testing.assert_allclose(result.x, [0.0, 1.0, 2.0], atol=1e-4)


def test_what_a_function_reads_may_change() -> None:
    """A closure over an array, a number, or a global is not what was compiled before."""
    data = np.array([1.0, 2.0])

    def from_array(x: Any) -> Any:
        return np.sum((x - data) ** 2)

    def minimum() -> Any:
        return cr.minimize(from_array, np.zeros(2), method="L-BFGS-B").x.round(4).tolist()

    assert [1.0, 2.0] == minimum()
    data[0] = 5.0
    assert [5.0, 2.0] == minimum()
    for shift in (1.0, 2.0):
        x = cr.minimize(lambda x: np.sum((x - shift) ** 2), np.zeros(1), method="L-BFGS-B").x  # noqa: B023
        assert abs(x[0] - shift) < 1e-4


@pytest.mark.slow
def test_arguments_that_are_no_arrays() -> None:
    """Counts and texts decide the function, arrays and fractions are its arguments."""

    def loss(x: Any, power: int, kind: str, centre: Any) -> Any:
        return np.sum((x - centre) ** power) + (1.0 if kind == "shifted" else 0.0)

    for power, kind, centre in ((2, "plain", 1.0), (4, "shifted", 1.0), (2, "shifted", -2.0)):
        result = cr.minimize(loss, np.zeros(2), (power, kind, centre), method="L-BFGS-B",
                             options={"gtol": 1e-9, "ftol": 0.0})  # fmt: skip
        np.testing.assert_allclose(result.x, centre, atol=1e-2)
        assert abs(result.fun - (kind == "shifted")) < 1e-6


@pytest.mark.parametrize(
    ("function", "x0", "error", "match"),
    [
        (rosenbrock, np.array([1, 2]), DtypeError, "x0 is int64"),
        (rosenbrock, [1, 2], DtypeError, "floating numbers"),
        (rosenbrock, np.array([1.0, np.nan]), DataError, "nan at position 1"),
        (rosenbrock, np.zeros(0), ShapeError, "empty"),
        (rosenbrock, np.array([1j, 2.0]), DtypeError, "real"),
        (rosenbrock, "text", (DtypeError, TypeError), "text"),
        (lambda x: x**2, np.ones(2), ShapeError, r"returned \(2,\)"),
        (lambda x: (x[0], x[1]), np.ones(2), ShapeError, "one number"),
        (lambda x: np.sum(np.log(x)), -np.ones(2), DataError, "nan at x0"),
        (lambda x: np.sum(np.sqrt(x)), np.zeros(2), DataError, "gradient of fun at x0 is inf"),
        (lambda x: 1j * np.sum(x), np.ones(2), GradientError, "complex"),
        (None, np.ones(2), TypeError, "no function"),
    ],
)
@pytest.mark.parametrize("method", ["L-BFGS-B", None])
def test_wrong_input(function: Any, x0: Any, error: Any, match: str, method: Any) -> None:
    """The error says which argument, and what was wrong with it."""
    with pytest.raises(error, match=match):
        cr.minimize(function, x0, method=method)


def test_errors_of_the_function_are_the_users() -> None:
    """Nothing of it is caught, in a trace or later; and traced arguments are refused."""

    def broken(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        cr.minimize(broken, np.ones(2))
    with pytest.raises(UnsupportedError, match=r"scipy\.optimize\.minimize"):
        cr.grad(lambda x: cr.minimize(rosenbrock, x).fun)(np.ones(2))
    with pytest.raises(UnsupportedError, match=r"scipy\.optimize"):
        cr.grad(lambda a: cr.minimize(lambda x: np.sum((x - a) ** 2), np.ones(2)).fun)(1.0)
    with pytest.raises(ShapeError, match="jac has shape"):
        cr.minimize(rosenbrock, np.ones(2), jac=lambda x: np.ones(3))
