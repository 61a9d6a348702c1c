"""scipy.integrate: integrals of samples and of functions, initial value problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate as si
from algorithm_cases import agrees

import chainrule as cr
from chainrule.errors import AbstractValueError, GradientError, UnsupportedError

SHAPES = [((5,), -1), ((6, 2), 0), ((2, 3), 1)]


def samples(shape: tuple[int, ...], axis: int) -> tuple[Any, Any, Any]:
    """Values, positions of the same shape, and positions along the axis alone."""
    rng = np.random.default_rng(3)
    y = rng.standard_normal(shape)
    return (
        y,
        np.cumsum(rng.uniform(0.5, 1.0, shape), axis),
        np.cumsum(rng.uniform(0.5, 1, shape[axis])),
    )


@pytest.mark.parametrize("name", ["trapezoid", "simpson", "cumulative_trapezoid",
                                  "cumulative_simpson"])  # fmt: skip
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_samples(name: str, shape: tuple[int, ...], axis: int) -> None:
    """Values and positions may be traced; even and odd numbers of samples, and few."""
    function = getattr(si, name)
    y, x, line = samples(shape, axis)
    agrees(lambda y, x: np.sum(np.sin(function(y, x=x, axis=axis))), y, x)
    agrees(lambda y, x: np.sum(np.sin(function(y, x=x, axis=axis))), y, line, order=1)
    agrees(lambda y: np.sum(np.sin(function(y, dx=0.3, axis=axis))), y, order=1)
    result = cr.jvp(lambda y: function(y, dx=0.3, axis=axis), (y,), (y,))[0]
    assert result.shape == function(y, axis=axis).shape


@pytest.mark.parametrize("n", range(2, 9))
def test_simpsons_rule_for_each_number_of_samples(n: int) -> None:
    """The last interval of an even number is corrected as SciPy does."""
    y, x, _ = samples((n,), -1)
    for function in (si.simpson, si.cumulative_simpson):
        traced = cr.jvp(lambda y, x, f=function: f(y, x=x), (y, x), (y, x))[0]
        np.testing.assert_allclose(traced, function(y, x=x), rtol=1e-13)


def test_other_options_of_samples() -> None:
    """Initial values, Romberg's rule, and dtypes."""
    y, *_ = samples((9,), -1)
    agrees(lambda y: np.sum(si.cumulative_trapezoid(y, initial=0) ** 2), y, order=1)
    agrees(lambda y: np.sum(si.cumulative_simpson(y, dx=0.2, initial=0.5) ** 2), y, order=1)
    agrees(lambda y: si.romb(y, dx=0.3) ** 2, y)
    for name in ("trapezoid", "simpson", "cumulative_trapezoid", "cumulative_simpson", "romb"):
        single = y[:5].astype(np.float32)
        function = getattr(si, name)
        assert cr.jvp(function, (single,), (single,))[0].dtype == function(single).dtype, name
    with pytest.raises(ValueError, match="power of 2"):
        cr.grad(lambda y: si.romb(y))(y[:7])
    with pytest.raises(ValueError, match="increasing"):
        cr.grad(lambda y: np.sum(si.cumulative_simpson(y, x=-y)))(np.arange(5.0))


QUADRATURES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "closure": (lambda a: si.quad(lambda x: np.exp(-a * x**2), 0.0, 1.0)[0], (1.3,)),
    "infinite": (lambda a: si.quad(lambda x: np.exp(-a * x**2), -np.inf, np.inf)[0], (1.3,)),
    "limits": (lambda a, b: a * si.quad(lambda x: np.sin(b * x), a, b**2)[0], (0.3, 1.4)),
    "args": (
        lambda p: si.quad(lambda x, p, k: np.exp(-p[0] * x) * p[1] ** k, 0.0, 2.0, args=(p, 2))[0],
        (np.array([0.7, 1.2]),),
    ),
    "singular": (lambda a: si.quad(lambda x: x ** (a - 1.0), 0.0, 1.0)[0], (0.6,)),
    "points": (
        lambda a: si.quad(lambda x: np.abs(x - 0.5) ** a, 0.0, 1.0, points=[0.5])[0], (1.5,)
    ),
    "weight": (
        lambda a: si.quad(lambda x: np.exp(-a * x), 0.0, np.inf, weight="cos", wvar=2.0)[0], (1.2,)
    ),
    "vector": (
        lambda a: np.sum(si.quad_vec(lambda x: np.exp(-a * x * np.arange(3.0)), 0.0, a)[0] ** 2),
        (1.2,),
    ),
    "fixed": (lambda a: si.fixed_quad(lambda x, b: np.exp(-b * x), 0.0, a, (a,), n=4)[0], (1.2,)),
}  # fmt: skip


@pytest.mark.parametrize("name", QUADRATURES)
def test_integrals_of_functions(name: str) -> None:
    """By what the function reads and by the limits; the integral has SciPy's bits."""
    f, arguments = QUADRATURES[name]
    agrees(f, *arguments)


NESTED: dict[str, Callable[[Any], Any]] = {
    "dblquad": lambda a: si.dblquad(
        lambda y, x, k: np.exp(-k * x * y), 0.0, a, 0.0, lambda x: x * a, args=(a,)
    )[0],
    "nquad": lambda a: si.nquad(lambda x, y: a * x * y**2, [lambda y: (0.0, y * a), (0.0, 1.0)])[0],
    "tplquad": lambda a: si.tplquad(
        lambda z, y, x: a * x * y * z, 0.0, 1.0, 0.0, lambda x: x + a, lambda x, y: y * a, 2.0
    )[0],
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_integrals_over_several_variables(name: str) -> None:
    """Limits may be functions of the outer variables that read what is traced."""
    f = NESTED[name]
    agrees(f, 1.2, order=1, jit=name == "dblquad")
    estimate = {"dblquad": lambda a: si.dblquad(lambda y, x: a * y, 0, 1, 0, 1)[1]}.get(name)
    if estimate is not None:
        assert float(cr.jit(estimate)(1.2)) == estimate(1.2)
        with pytest.raises(GradientError, match="estimate"):
            cr.grad(estimate)(1.2)


def test_an_estimate_of_an_error_has_no_derivative() -> None:
    """Nor has a limit where there is a weight."""

    def f(a: Any) -> Any:
        return si.quad(lambda x: np.exp(a * x), 0.0, 1.0)[1]

    def g(a: Any) -> Any:
        return si.quad(lambda x: x, 0.0, a, weight="cos", wvar=1.0)[0]

    for function in (f, g):
        with pytest.raises(GradientError):
            cr.grad(function)(1.0)
        with pytest.raises(GradientError):
            cr.jvp(function, (1.0,), (1.0,))


TIMES = np.linspace(0.2, 2.0, 4)
LOTKA = np.array([1.0, 0.5, 0.8, 0.4])
START = np.array([1.0, 2.0])


def lotka(y: Any, t: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def test_odeint() -> None:
    """By parameters in `args`, by the initial value and by the times."""

    def f(p: Any, y0: Any, ts: Any) -> Any:
        return np.sum(np.sin(si.odeint(lotka, y0, ts, args=tuple(p), rtol=1e-10, atol=1e-10)))

    agrees(f, LOTKA, START, TIMES, rtol=1e-5)


def test_odeint_of_one_number_against_the_exponential() -> None:
    """Values, first and second derivatives; a number for y0, a closure, time first."""

    def f(k: Any) -> Any:
        return np.sum(si.odeint(lambda t, y: -k * y, 2.0, TIMES, tfirst=True) ** 2)

    def exact(k: Any) -> Any:
        return np.sum(4.0 * np.exp(-2.0 * k * (TIMES - TIMES[0])))

    assert float(cr.grad(f)(1.3)) == pytest.approx(float(cr.grad(exact)(1.3)), rel=1e-6)
    second = cr.grad(cr.grad(f))(1.3), cr.jvp(cr.grad(f), (1.3,), (1.0,))[1]
    np.testing.assert_allclose(second, cr.grad(cr.grad(exact))(1.3), rtol=1e-6)
    y, _info = si.odeint(lambda y, t: -y, 2.0, TIMES, full_output=True)
    assert cr.grad(lambda k: k * np.sum(si.odeint(lambda y, t: -y, 2.0, TIMES)))(1.0) == np.sum(y)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_solve_ivp(method: str) -> None:
    """Every method; the derivative against the damped oscillator's in closed form."""

    def f(p: Any) -> Any:
        def system(t: Any, y: Any) -> Any:
            return [y[1], -p[0] * y[0] - p[1] * y[1]]

        named: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-9}
        result = si.solve_ivp(system, (0.0, 2.0), [1.0, 0.5], method, TIMES, **named)
        return np.sum(result.y[0])

    def exact(p: Any) -> Any:
        w = np.sqrt(p[0] - p[1] ** 2 / 4.0)
        c = (0.5 + p[1] / 2.0) / w
        return np.sum(np.exp(-p[1] / 2.0 * TIMES) * (np.cos(w * TIMES) + c * np.sin(w * TIMES)))

    p = np.array([2.0, 0.3])
    value, gradient = cr.value_and_grad(f)(p)
    assert float(value) == pytest.approx(f(p), rel=1e-12)
    expected = cr.grad(exact)(p)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(cr.jvp(f, (p,), (p,))[1], expected @ p, rtol=1e-5, atol=1e-5)
    if method in ("RK45", "LSODA"):
        np.testing.assert_allclose(cr.jit(cr.grad(f))(p), gradient, rtol=1e-6)
        second = cr.grad(lambda p: cr.grad(f)(p)[0])(p)
        np.testing.assert_allclose(second, cr.grad(lambda p: cr.grad(exact)(p)[0])(p), rtol=1e-4)


def test_solve_ivp_dense_output_limits_and_steps() -> None:
    """The solution as a function of time, a traced end of the time, SciPy's own steps."""

    def f(p: Any, end: Any) -> Any:
        result = si.solve_ivp(
            lambda t, y, p: -p * y, (0.0, end), [1.0], dense_output=True, args=(p,), rtol=1e-8
        )
        assert result.success and result.t.shape == result.y[0].shape
        inner = result.sol(end / 2.0)[0] + np.sum(result.sol(np.array([0.2, 0.1])))
        return result.y[0, -1] + 2.0 * inner + result.t[-1]

    def exact(p: Any, end: Any) -> Any:
        inner = np.exp(-p * end / 2.0) + np.exp(-0.2 * p) + np.exp(-0.1 * p)
        return np.exp(-p * end) + 2.0 * inner + end

    expected = cr.grad(exact, (0, 1))(1.2, 2.0)
    np.testing.assert_allclose(cr.grad(f, (0, 1))(1.2, 2.0), expected, rtol=1e-5)
    with pytest.raises(AbstractValueError, match="t_eval"):
        cr.jit(f, strict=True)(1.2, 2.0)


def test_solve_ivp_events() -> None:
    """A ball lands at 2 v / g with the speed v; a crossing of zero has a derivative, too."""

    def land(v: Any) -> Any:
        def hit(t: Any, y: Any) -> Any:
            return y[0]

        hit.terminal, hit.direction = True, -1
        y0 = np.stack([0.0 * v, v])
        result = si.solve_ivp(lambda t, y: [y[1], -9.81], (0.0, 50.0), y0, events=hit, rtol=1e-8)
        (times,), (ys,) = result.t_events, result.y_events
        return times[0] + 2.0 * ys[0, 1] + 3.0 * result.t[-1] + 4.0 * result.y[1, -1]

    assert float(cr.grad(land)(5.0)) == pytest.approx(4.0 * 2.0 / 9.81 - 6.0, rel=1e-6)

    def crossing(g: Any) -> Any:
        result = si.solve_ivp(
            lambda t, y: [y[1], -g * y[0]], (0.0, 3.0), [1.0, 0.0], events=lambda t, y: y[0],
            rtol=1e-8, atol=1e-9,
        )  # fmt: skip
        return result.t_events[0][0]

    assert float(cr.grad(crossing)(2.0)) == pytest.approx(-np.pi / 4 * 2.0**-1.5, rel=1e-5)


def test_stiff_systems_and_jacobians_of_the_users() -> None:
    """Robertson's reactions by Radau's method, with a Jacobian that reads what is traced."""

    def f(k: Any) -> Any:
        def jac(t: Any, y: Any) -> Any:
            return [
                [-k, 1e4 * y[2], 1e4 * y[1]],
                [k, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]],
                [0.0, 6e7 * y[1], 0.0],
            ]

        def reactions(t: Any, y: Any) -> Any:
            first, second = k * y[0] - 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
            return np.stack([-first, first - second, second])

        options: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-9, "jac": jac}
        return si.solve_ivp(reactions, (0, 40.0), [1.0, 0, 0], "Radau", [40.0], **options).y[2, 0]

    assert float(cr.grad(f)(0.04)) == pytest.approx((f(0.0404) - f(0.0396)) / 8e-4, rel=1e-3)


CALLS: list[float] = []


def counting(x: Any, a: Any) -> Any:
    """An integrand that stores its calls."""
    CALLS.append(x)
    return a * x


REFUSED: dict[str, Callable[[Any], Any]] = {
    "calls are stored": lambda a: si.quad(counting, 0.0, 1.0, args=(a,))[0],
    "branch": lambda a: si.quad(lambda x: x if x > a else a, 0.0, 1.0)[0],
    "branch on time": lambda a: np.sum(
        si.odeint(lambda y, t: -a * y if t > 1.0 else y, 1.0, TIMES)
    ),
    "tanhsinh": lambda a: si.tanhsinh(lambda x: a * x, 0.0, 1.0).integral,
    "complex": lambda a: si.quad(lambda x: a * x, 0.0, 1.0, complex_func=True)[0],
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    """With an error that says what to do."""
    with pytest.raises((UnsupportedError, AbstractValueError)):
        cr.grad(REFUSED[name])(0.5)
