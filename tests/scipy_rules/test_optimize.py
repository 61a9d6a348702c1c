"""scipy.optimize: what its algorithms find, and the derivatives of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize as so
from algorithm_cases import agrees

import chainrule as cr
from chainrule.errors import AbstractValueError, GradientError, UnsupportedError

A = 1.7
P = np.array([1.2, 0.7])
T = np.linspace(0.0, 2.0, 9)
DATA = 2.5 * np.exp(-1.3 * T) + 0.1 * np.sin(7.0 * T)


def cubic(x: Any, a: Any) -> Any:
    return x**3 + x - a


def slope(x: Any, a: Any) -> Any:
    return 3.0 * x**2 + 1.0


SCALAR_ROOTS: dict[str, Callable[[Any], Any]] = {
    "brentq": lambda a: so.brentq(lambda x: x**3 + x - a, 0.0, 5.0),
    "brenth": lambda a: so.brenth(cubic, 0.0, 5.0, args=(a,)),
    "bisect": lambda a: so.bisect(cubic, 0.0, 5.0, args=a),
    "ridder": lambda a: so.ridder(cubic, 0.0, a, args=(a,)),
    "toms748": lambda a: so.toms748(cubic, 0.0, 5.0, args=(a,)),
    "secant": lambda a: so.newton(cubic, 1.0, args=(a,)),
    "newton": lambda a: so.newton(cubic, 1.0, fprime=slope, args=(a,)),
    "halley": lambda a: so.newton(cubic, a, slope, (a,), fprime2=lambda x, a: 6.0 * x),
    "vectorised": lambda a: np.sum(so.newton(lambda x: x**2 - a * T[1:3], np.ones(2)) ** 2),
    "root_scalar": lambda a: so.root_scalar(cubic, args=(a,), bracket=[0.0, 3.0]).root,
    "fprime": lambda a: so.root_scalar(
        lambda x: (x**3 + x - a, 3.0 * x**2 + 1.0), x0=1.0, fprime=True
    ).root,
    "fixed point": lambda a: np.sum(so.fixed_point(lambda x: np.cos(a * x), [0.5, 0.6])),
    "full output": lambda a: so.brentq(cubic, 0.0, 5.0, (a,), full_output=True)[1].root,
}  # fmt: skip


@pytest.mark.parametrize("name", SCALAR_ROOTS)
def test_roots_of_one_number(name: str) -> None:
    """The root has SciPy's bits; its derivatives are those of the root, not of the steps."""
    f = SCALAR_ROOTS[name]
    agrees(f, A)
    assert cr.value_and_grad(f)(A)[0] == f(A)


def test_roots_have_derivatives_of_each_order() -> None:
    """The cube root has three known derivatives."""

    def f(a: Any) -> Any:
        return so.brentq(lambda x: x**3 - a, 0.1, 5.0)

    third = cr.grad(cr.grad(cr.grad(f)))(2.0)
    assert float(third) == pytest.approx(10 / 27 * 2 ** (-8 / 3), rel=1e-12)


def system(x: Any, p: Any) -> Any:
    return [x[0] + 0.3 * np.sin(x[1]) - p[0], x[1] + 0.2 * x[0] ** 2 - p[1]]


@pytest.mark.parametrize("method", ["hybr", "lm", "df-sane", "broyden1", "krylov"])
def test_root_of_several_numbers(method: str) -> None:
    """Every method finds the same root, so its derivative is the same."""

    def f(p: Any) -> Any:
        result = so.root(system, np.zeros(2), args=(p,), method=method, tol=1e-12)
        return np.sum(result.x**2) + np.sum(result.fun)

    agrees(f, P, value=1e-9, order=2 if method == "hybr" else 1)


def test_fsolve_and_what_else_it_returns() -> None:
    """fsolve with and without its full output; the status is a plain number outside of jit."""

    def f(p: Any) -> Any:
        x, info, status, message = so.fsolve(system, [0.0, 0.0], (p,), full_output=True)
        assert (status, type(message), info["nfev"] > 3) == (1, str, True)
        return x[0] * x[1] + np.sum(info["fvec"])

    agrees(f, P, jit=False)
    agrees(lambda p: np.sum(so.fsolve(lambda x: x**3 + x - p, [1.0, 1.0]) ** 2), P)


def test_a_jacobian_of_the_users_is_used() -> None:
    """`jac` may read the traced closure, and says nothing about the derivative by it."""

    def jac(x: Any, p: Any) -> Any:
        return [[1.0, 0.3 * np.cos(x[1])], [0.4 * x[0], p[0] / p[0]]]

    agrees(lambda p: np.sum(so.root(system, np.zeros(2), args=(p,), jac=jac).x), P)


def rosenbrock(x: Any, p: Any) -> Any:
    return (p[0] - x[0]) ** 2 + 2.0 * p[1] * (x[1] - x[0] ** 2) ** 2 + 0.1 * x[0]


@pytest.mark.parametrize(
    "method", [None, "Nelder-Mead", "Powell", "CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP",
               "trust-constr"],
)  # fmt: skip
def test_minimize(method: str | None) -> None:
    """x and fun have derivatives, whatever found them, against the minimum in closed form."""

    def f(p: Any) -> Any:
        result = so.minimize(lambda x: rosenbrock(x, p), [1.0, 1.0], method=method)
        return np.sum(result.x) + 3.0 * result.fun

    def exact(p: Any) -> Any:
        x = p[0] - 0.05
        return x + x**2 + 3.0 * (0.05**2 + 0.1 * x)

    gradient = cr.grad(f)(P)
    np.testing.assert_allclose(gradient, cr.grad(exact)(P), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(cr.jvp(f, (P,), (P,))[1], gradient @ P, rtol=1e-9)
    if method is None:
        np.testing.assert_allclose(cr.jit(cr.grad(f))(P), gradient, rtol=1e-6)
        second = cr.grad(lambda p: cr.grad(f)(p)[0])(P)
        np.testing.assert_allclose(second, cr.grad(lambda p: cr.grad(exact)(p)[0])(P), atol=1e-4)


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "trust-krylov", "dogleg"])
def test_minimize_with_derivatives_of_the_users(method: str) -> None:
    """`jac` and `hess` may read what is traced; the derivative is that of the minimum."""

    def jac(x: Any, p: Any) -> Any:
        return np.stack([2.0 * x[0] - 2.0 * p[0], 4.0 * p[1] * x[1] - 1.0])

    def hess(x: Any, p: Any) -> Any:
        return np.diag([2.0, 4.0]) * np.stack([1.0, p[1]])

    def function(x: Any, p: Any) -> Any:
        return (x[0] - p[0]) ** 2 + 2.0 * p[1] * x[1] ** 2 - x[1]

    named = {} if method == "BFGS" else {"hess": hess}

    def f(p: Any) -> Any:
        result = so.minimize(function, [0.1, 0.2], args=(p,), method=method, jac=jac, **named)
        return np.sum(result.x)

    np.testing.assert_allclose(cr.grad(f)(P), [1.0, -0.25 / P[1] ** 2], rtol=1e-5)


@pytest.mark.parametrize("method", ["L-BFGS-B", "SLSQP", "TNC", "trust-constr"])
def test_bounds_stop_coordinates(method: str) -> None:
    """Of coordinates at a bound the bound counts, of the others the function."""

    def f(p: Any) -> Any:
        bounds = [(None, 0.5), (None, None), (p[0], 3.0)]

        def function(x: Any) -> Any:
            return np.sum((x - p) ** 2) + 0.3 * x[0] * x[1]

        result = so.minimize(function, [0.1, 0.0, 2.0], bounds=bounds, method=method)
        return np.sum(result.x**2) + result.fun

    p = np.array([1.5, 0.3, 1.2])
    x = np.array([0.5, 0.225, 1.5])  # the second follows p[1], the third p[0]
    expected = [
        2 * x[2] - 2 * (x[0] - p[0]) + 2 * (x[2] - p[2]),
        2 * x[1] - 2 * (x[1] - p[1]),
        -2 * (x[2] - p[2]),
    ]
    np.testing.assert_allclose(cr.grad(f)(p), expected, rtol=1e-4)


SCALAR_MINIMA: dict[str, Callable[[Any], Any]] = {
    "brent": lambda a: so.minimize_scalar(lambda x: (x - a) ** 4 + (x - a * a) ** 2 + a),
    "golden": lambda a: so.minimize_scalar(lambda x: (x - a * a) ** 2, method="golden"),
    "bounded": lambda a: so.minimize_scalar(lambda x: (x - a) ** 2, bounds=(0.0, 3.0 * a)),
    "minimize": lambda a: so.minimize(lambda x: (x - a) ** 2 + a, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALAR_MINIMA)
def test_minima_of_one_number(name: str) -> None:
    """The minimum and where it is."""

    def f(a: Any) -> Any:
        result = SCALAR_MINIMA[name](a)
        return np.sum(result.x) + 2.0 * result.fun

    agrees(f, A, rtol=2e-4, order=1, step=1e-3)


def test_older_functions() -> None:
    """They return x alone."""

    def f(a: Any) -> Any:
        def g(x: Any) -> Any:
            return (x[0] - a) ** 2

        def h(x: Any) -> Any:
            return (x - a) ** 2

        several = [so.fmin(g, 0.0, disp=False), so.fmin_bfgs(g, 0.0, disp=False)]
        return several[0][0] + several[1][0] + so.fminbound(h, 0.0, 5.0) + so.brent(h)

    assert float(cr.grad(f)(A)) == pytest.approx(4.0, rel=1e-6)


def decay(t: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * t)


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_least_squares(loss: str, method: str) -> None:
    """Every loss and method: x, the cost and the residuals."""

    def f(y: Any) -> Any:
        result = so.least_squares(
            lambda p: decay(T, *p) - y, [1.0, 1.0], loss=loss, method=method, f_scale=0.1,
            xtol=1e-12, ftol=1e-12, gtol=1e-12,
        )  # fmt: skip
        return np.sum(result.x**2) + result.cost + np.sum(result.fun)

    agrees(f, DATA, rtol=1e-4, value=1e-6, order=1, step=1e-3)


def test_least_squares_within_bounds() -> None:
    """A parameter at its bound does not move; the other one does, as if it were alone."""

    def both(y: Any) -> Any:
        bounds = ([0.0, 0.0], [5.0, 1.1])
        return so.least_squares(lambda p: decay(T, *p) - y, [1.0, 1.0], bounds=bounds).x

    def alone(y: Any) -> Any:
        return so.least_squares(lambda p: decay(T, p[0], 1.1) - y, [1.0]).x

    _, t = cr.jvp(both, (DATA,), (np.ones(9),))
    _, expected = cr.jvp(alone, (DATA,), (np.ones(9),))
    np.testing.assert_allclose(t, [expected[0], 0.0], rtol=1e-4)


@pytest.mark.parametrize("absolute", [False, True])
def test_curve_fit(absolute: bool) -> None:
    """Parameters and their covariance, by the data and by their errors."""

    def f(y: Any, sigma: Any) -> Any:
        popt, pcov = so.curve_fit(decay, T, y, sigma=sigma, absolute_sigma=absolute)
        return popt[0] * 2.0 + popt[1] + np.sum(np.sqrt(np.diag(pcov)))

    agrees(f, DATA, 0.1 + 0.05 * T, rtol=2e-3, value=1e-6, order=1, step=1e-3)


def test_leastsq() -> None:
    """x, the covariance and the residuals of the full output."""

    def f(y: Any) -> Any:
        x, cov, info, *_ = so.leastsq(lambda p: decay(T, *p) - y, [1.0, 1.0], full_output=True)
        return np.sum(x) + np.sum(cov) + np.sum(info["fvec"] ** 2)

    agrees(f, DATA, rtol=2e-3, value=1e-6, order=1, step=1e-3)


def test_fmin_l_bfgs_b() -> None:
    """With the gradient from the function, within bounds, and estimated."""

    def f(p: Any) -> Any:
        def both(x: Any) -> Any:
            return np.sum((x - p) ** 2) + x[0] * x[1], 2.0 * (x - p) + x[::-1]

        x, value, info = so.fmin_l_bfgs_b(both, [0.0, 0.0], pgtol=1e-10)
        assert info["warnflag"] == 0
        bounded, _, _ = so.fmin_l_bfgs_b(
            lambda x: np.sum((x - p) ** 2), [0.0, 0.0], approx_grad=True, bounds=[(0, 1), (0, 1)]
        )
        return np.sum(x**2) + value + np.sum(bounded)

    agrees(f, P, rtol=1e-4, value=1e-6, order=1, step=1e-3, jit=False)


def test_linear_least_squares() -> None:
    """By the matrix and the right side; coordinates at their bound stay there."""
    matrix = np.array([[1.0, 0.4, 0.3], [0.2, 1.0, 0.1], [0.3, 0.2, 1.0], [0.5, 0.1, 0.2]])
    right = np.array([1.0, -0.5, 0.7, 0.4])

    def f(a: Any, b: Any) -> Any:
        x, norm = so.nnls(a, b)
        result = so.lsq_linear(a, b, bounds=(-0.1, [0.5, 2.0, 2.0]))
        free = so.lsq_linear(a, b)
        return (
            np.sum(x**2) + norm + np.sum(result.x**3) + result.cost + np.sum(free.fun * free.x[0])
        )

    agrees(f, matrix, right, rtol=1e-5, value=1e-9)


def test_functions_that_branch_on_their_argument() -> None:
    """Where all else is known the branch at the solution counts; under jit none is known."""

    def f(a: Any) -> Any:
        def piecewise(x: Any) -> Any:
            return x * x - a if x > 1.0 else x - a

        return so.brentq(piecewise, 0.0, 5.0)

    agrees(f, A, jit=False)
    with pytest.raises(AbstractValueError):
        cr.jit(f, strict=True)(A)


def test_functions_without_anything_traced_are_left_alone() -> None:
    """They are called as often as SciPy says, with plain numbers."""
    calls: list[float] = []

    def f(x: float) -> float:
        calls.append(x)
        return x**3 - 2.0

    def loss(a: Any) -> Any:
        root, result = so.brentq(f, 0.0, 2.0, full_output=True)
        assert result.function_calls == len(calls)
        return a * root

    assert float(cr.grad(loss)(3.0)) == so.brentq(f, 0.0, 2.0)
    assert {type(x) for x in calls} == {float}


def test_functions_that_count_their_calls_are_refused() -> None:
    """While it is traced such a function is called once, so that the count would be wrong."""
    calls = 0
    points: list[Any] = []

    def counting(x: Any, a: Any) -> Any:
        nonlocal calls
        calls += 1
        return x**2 - a

    def storing(x: Any, a: Any) -> Any:
        points.append(x)
        local: list[Any] = []
        local.append(x)
        return x**2 - a

    for f in (counting, storing):
        with pytest.raises(UnsupportedError, match=r"calls|points"):
            cr.grad(lambda a, f=f: so.brentq(f, 0.0, 5.0, args=(a,)))(A)


def test_what_depends_on_steps_refuses_a_derivative() -> None:
    """In both modes, and it may be looked at."""

    def f(a: Any) -> Any:
        result = so.minimize(lambda x: (x[0] - a) ** 2, 0.0)
        assert result.success and result.nit > 0 and isinstance(result.message, str)
        return result.hess_inv[0, 0]

    with pytest.raises(GradientError, match="hess_inv"):
        cr.grad(f)(A)
    with pytest.raises(GradientError, match="hess_inv"):
        cr.jvp(f, (A,), (1.0,))


@pytest.mark.parametrize("method", ["BFGS", "Nelder-Mead", "trust-constr"])
def test_callbacks(method: str) -> None:
    """They see the steps; numbers that they store refuse a derivative."""
    path: list[Any] = []

    def f(a: Any) -> Any:
        path.clear()

        def callback(xk: Any, *_state: Any) -> bool:
            path.append(np.copy(xk))
            return False

        x = so.minimize(lambda x: (x[0] - a) ** 4, [0.5], method=method, callback=callback).x
        assert len(path) >= 3
        return path[-1][0] if a < 2.0 else x[0]

    with pytest.raises(GradientError, match="callback"):
        cr.grad(f)(A)
    silent = {"callback": lambda intermediate_result: None}

    def g(a: Any) -> Any:
        return so.minimize(lambda x: (x - a) ** 2, 0.0, method=method, **silent).x[0]

    assert float(cr.grad(g)(A)) == pytest.approx(1.0)
    assert float(cr.jit(cr.grad(g))(A)) == pytest.approx(1.0)


def test_no_derivative_where_there_is_no_solution() -> None:
    """A search that fails, and a minimum along a line, are refused; under jit they give nan."""

    def flat(a: Any) -> Any:
        return np.sum(so.minimize(lambda x: (x[0] + x[1] - a) ** 2, np.zeros(2)).x)

    with pytest.raises(GradientError, match="isolated"):
        cr.grad(flat)(A)
    assert np.isnan(cr.jit(cr.grad(flat))(A))


REFUSED: dict[str, Callable[[Any], Any]] = {
    "constraints": lambda a: so.minimize(
        lambda x: (x[0] - a) ** 2, 0.0, constraints={"type": "eq", "fun": lambda x: x}
    ).fun,
    "linprog": lambda a: so.linprog(np.array([a, 1.0]), bounds=(0, 1)).fun,
    "differential_evolution": lambda a: so.differential_evolution(
        lambda x: (x[0] - a) ** 2, [(0, 5)]
    ).fun,
    "brute": lambda a: so.brute(lambda x: (x[0] - a) ** 2, [(0, 5)])[0],
    "more equations": lambda a: np.sum(
        so.root(lambda x: [x[0] - a, 2.0 * x[0] - a], [0.0], method="lm").x
    ),
    "complex": lambda a: so.newton(lambda x: x**2 + a, 1.0 + 1.0j).real,
    "function as loss": lambda a: so.least_squares(lambda x: x - a, [0.0], loss=lambda z: z).cost,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    """What has no rule says so."""
    with pytest.raises(UnsupportedError):
        cr.grad(REFUSED[name])(A)


def test_errors_are_scipys() -> None:
    """A bracket without a change of sign, in each mode of running."""

    def f(a: Any) -> Any:
        return so.brentq(lambda x: x**2 + a, 0.0, 1.0)

    for run in (cr.grad(f), cr.jit(f)):
        with pytest.raises(ValueError, match="different signs"):
            run(A)
