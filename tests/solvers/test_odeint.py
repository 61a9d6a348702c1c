"""`odeint` against closed forms and SciPy; its derivatives against both and each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import chainrule as cr
from chainrule.errors import DataError, DtypeError, ShapeError

pytestmark = pytest.mark.usefixtures("_unoptimised")

T = np.array([0.0, 0.3, 1.0, 1.1, 2.5])
START = {"prey": np.array([1.0, 1.5]), "predators": 0.5}
RATES = np.array([1.1, 0.4, 0.7])


def populations(y: Any, t: Any, rates: Any, season: Any) -> Any:
    """Two kinds of prey, and what eats them; with the season."""
    prey, hunters = y["prey"], y["predators"]
    growth = rates[0] * (1.0 + season * np.sin(t))
    return {
        "prey": growth * prey - rates[1] * prey * hunters,
        "predators": rates[1] * 0.5 * np.sum(prey) * hunters - rates[2] * hunters,
    }


def as_vectors(t: float, y: Any) -> Any:
    slope = populations({"prey": y[:2], "predators": y[2]}, t, RATES, 0.3)
    return np.append(slope["prey"], slope["predators"])


def test_the_solution_is_scipys() -> None:
    """A tree, forwards and backwards in time, without jit and with it."""
    exact = solve_ivp(as_vectors, (0.0, 2.5), [1.0, 1.5, 0.5], "DOP853", T, rtol=1e-12, atol=1e-12)
    for solve in (cr.odeint, cr.jit(cr.odeint, static_argnums=0)):
        y = solve(populations, START, T, RATES, 0.3)
        np.testing.assert_allclose(y["prey"], exact.y[:2].T, atol=2e-7)
        np.testing.assert_allclose(y["predators"], exact.y[2], atol=2e-7)
    last = {"prey": y["prey"][-1], "predators": y["predators"][-1]}
    back = cr.odeint(populations, last, T[::-1], RATES, 0.3)
    np.testing.assert_allclose(back["prey"], y["prey"][::-1], atol=2e-6)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_errors_follow_the_tolerance(tolerance: float) -> None:
    """An oscillation over some periods, also between steps, where a polynomial is evaluated."""
    t = np.linspace(0.0, 12.0, 200)
    y = cr.odeint(lambda y, t: np.stack([y[1], -y[0]]), np.array([0.0, 1.0]), t, rtol=tolerance,
                  atol=tolerance)  # fmt: skip
    error = np.abs(y[:, 0] - np.sin(t)).max()
    assert tolerance / 100 < error < 100 * tolerance


def test_dtypes_and_single_times() -> None:
    """Results have the dtypes of y0; one time is y0 itself; the longest step is a limit."""
    start = {"a": np.float32(1.0), "b": np.ones(2)}
    y = cr.odeint(lambda y, t: {"a": -y["a"], "b": y["b"] * 0.5}, start, T)
    assert y["a"].dtype == np.float32 and y["b"].dtype == np.float64
    np.testing.assert_allclose(y["a"], np.exp(-T), rtol=1e-6)
    assert cr.odeint(lambda y, t: -y, np.ones(2), np.array([3.0])).tolist() == [[1.0, 1.0]]

    def bump(y: Any, t: Any) -> Any:  # too short to be seen by long steps
        return np.exp(-(((t - 5.0) / 0.01) ** 2))

    t = np.array([0.0, 10.0])
    exact = 0.01 * np.sqrt(np.pi)
    assert abs(cr.odeint(bump, 0.0, t, hmax=0.02)[1] - exact) < 1e-7


def weighted(y: Any) -> Any:
    return np.sum(np.sin(y["prey"]) * np.arange(10.0).reshape(5, 2)) + np.sum(y["predators"] ** 2)


def loss(rates: Any, season: Any, start: Any, t: Any) -> Any:
    return weighted(cr.odeint(populations, start, t, rates, season, rtol=1e-10, atol=1e-10))


def test_gradients_by_all_that_it_is_given() -> None:
    """By y0, the times and the arguments: central differences, jit and no jit, forward mode."""
    args = (RATES, 0.3, START, T)
    gradient = cr.grad(loss, (0, 1, 2, 3))(*args)
    compiled = cr.jit(cr.grad(loss, (0, 1, 2, 3)))(*args)
    flat, treedef = cr.tree.flatten(gradient)
    for a, b in zip(flat, cr.tree.leaves(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    leaves = cr.tree.leaves(args)
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=np.shape(x)) for x in leaves]

    def along(h: float) -> Any:
        moved = [x + h * d for x, d in zip(leaves, directions, strict=True)]
        return loss(*cr.tree.unflatten(treedef, moved))

    expected = (along(1e-4) - along(-1e-4)) / 2e-4
    inner = sum(np.sum(g * d) for g, d in zip(flat, directions, strict=True))
    np.testing.assert_allclose(inner, expected, rtol=1e-6)
    _, forward = cr.jvp(loss, args, cr.tree.unflatten(treedef, directions))
    np.testing.assert_allclose(forward, expected, rtol=1e-6)


def test_gradients_backwards_in_time_and_by_closures() -> None:
    """d exp(-k t) / dk and d / dt, at negative times, with k in the closure."""
    t = np.array([0.0, -0.5, -2.0])

    def last(k: Any, t: Any) -> Any:
        return cr.odeint(lambda y, s: -k * y, 1.0, t)[-1]

    by_k, by_t = cr.grad(last, (0, 1))(0.7, t)
    np.testing.assert_allclose(by_k, 2.0 * np.exp(1.4), rtol=1e-6)
    np.testing.assert_allclose(by_t, [0.7 * np.exp(1.4), 0.0, -0.7 * np.exp(1.4)], atol=1e-6)


@pytest.mark.slow
def test_second_order() -> None:
    """d2/dk2 of a solution in closed form: forward over reverse, reverse over reverse."""

    def last(k: Any) -> Any:
        return cr.odeint(lambda y, t, k: -k * y, 1.0, np.array([0.0, 1.5]), k)[-1]

    exact = 2.25 * np.exp(-1.5 * 0.8)
    for derivative in (
        cr.grad(cr.grad(last)), cr.jit(cr.grad(cr.grad(last))), cr.hessian(last),
        lambda k: cr.jvp(cr.grad(last), (k,), (1.0,))[1],
    ):  # fmt: skip
        np.testing.assert_allclose(derivative(0.8), exact, rtol=1e-5)


def test_inside_of_a_scan_and_with_integers() -> None:
    """A solver in a loop of ours, with an array of integers and a count among the arguments."""

    def field(y: Any, t: Any, weights: Any, power: int) -> Any:
        return -(y**power) * np.sum(weights)

    def total(start: Any) -> Any:
        def step(y: Any, _: Any) -> Any:
            y = cr.odeint(field, y, np.array([0.0, 0.5]), np.array([1, 2]), 1)[-1]
            return y, y

        return np.sum(cr.scan(step, start, length=3)[1])

    factors = np.exp(-1.5 * np.arange(1, 4))
    np.testing.assert_allclose(total(2.0), 2.0 * factors.sum(), rtol=1e-6)
    np.testing.assert_allclose(cr.jit(cr.grad(total))(2.0), factors.sum(), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: cr.odeint(lambda y, t: y, 1, T), DtypeError, "y0 is int64"),
        (lambda: cr.odeint(lambda y, t: y, 1j, T), DtypeError, "complex"),
        (lambda: cr.odeint(lambda y, t: y, np.zeros(0), T), ShapeError, "empty"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, np.arange(3)), DtypeError, "t is int64"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, np.ones((2, 2))), ShapeError, r"\(2, 2\)"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, np.zeros(0)), ShapeError, "at least one"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, np.array([0.0, 2.0, 1.0])), DataError, "increase"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, np.array([0.0, 0.0])), DataError, "increase"),
        (lambda: cr.odeint(lambda y, t: y[:1], np.ones(2), T), ShapeError, r"\(1,\) for one of"),
        (lambda: cr.odeint(lambda y, t: (y, y), 1.0, T), ShapeError, "func returned"),
        (lambda: cr.odeint(lambda y, t: y * 1j, 1.0, T), DtypeError, "func returned complex"),
        (lambda: cr.odeint(lambda y, t: y, 1.0, T, rtol=0.0), ValueError, "rtol is 0.0"),
        (lambda: cr.odeint(lambda y, t: np.cos(9 * t), 1.0, T, mxstep=3), DataError, "mxstep=3"),
        (lambda: cr.odeint(lambda y, t: y * np.nan, 1.0, T), DataError, "func is nan"),
        (lambda: cr.odeint(lambda y, t: y * y, 1.0, T), DataError, "grows without"),
        (lambda: cr.grad(lambda k: cr.odeint(lambda y, t: k * y * y, 1.0, T)[-1])(1.0), DataError,
         "grows without"),
    ],
)  # fmt: skip
def test_wrong_input_of_odeint(call: Any, error: Any, match: str) -> None:
    """The error says which argument, and what was wrong with it."""
    with pytest.raises(error, match=match):
        call()


def test_under_jit_a_solution_that_ends_is_nan() -> None:
    """From where it ends, and everywhere where times are not sorted."""
    y = cr.jit(lambda start: cr.odeint(lambda y, t: y * y, start, T))(1.0)
    np.testing.assert_allclose(y[:2], 1.0 / (1.0 - T[:2]), rtol=1e-5)
    assert np.isnan(y[3:]).all()
    unsorted = cr.jit(lambda t: cr.odeint(lambda y, s: y, 1.0, t))(np.array([0.0, 2.0, 1.0]))
    assert np.isnan(unsorted[1:]).all()


def test_constants_of_earlier_traces() -> None:
    """``3 - 1`` in the derivative of a power is a constant of the field's graph, not of a trace."""

    def field(y: Any, t: Any, mass: Any) -> Any:
        return -mass * y / np.sqrt(np.sum(y**2)) ** 3

    def last(mass: Any) -> Any:
        return np.sum(cr.odeint(field, np.array([1.0, 0.5]), np.array([0.0, 0.4]), mass)[-1])

    expected = (last(1.0001) - last(0.9999)) / 0.0002
    for derivative in (cr.grad(last), cr.jit(cr.grad(last))):
        np.testing.assert_allclose(derivative(1.0), expected, rtol=1e-5)
