"""Python loops under jit, which become scans, beside scans that are written by hand.

Gradients of both, and first calls: tracing, compiling and one run, with nothing in a cache. There
the peer is the scan, which is traced for one iteration: the ratio says what the loop's trace costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.config import configured

from .harness import Contest

HIDDEN = 24


def gates(z: Any, c: Any) -> tuple[Any, Any]:
    """Return the next state of an LSTM cell."""
    n = HIDDEN
    i, f, o = [1 / (1 + np.exp(-z[k * n : (k + 1) * n])) for k in range(3)]
    c = f * c + i * np.tanh(z[3 * n :])
    return o * np.tanh(c), c


def lstm_loop(w: Any, u: Any, x: Any) -> Any:
    h, c, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for row in x:
        h, c = gates(row @ w + h @ u, c)
        states.append(h)
    return np.sum(np.stack(states) ** 2)


def lstm_scan(w: Any, u: Any, x: Any) -> Any:
    def step(state: Any, row: Any) -> Any:
        h, c = gates(row @ w + state[0] @ u, state[1])
        return (h, c), h

    _, states = cr.scan(step, (np.zeros(HIDDEN), np.zeros(HIDDEN)), x)
    return np.sum(states**2)


def garch_loop(p: Any, r: Any) -> Any:
    omega, alpha, beta = p
    h, total = np.var(r), 0.0
    for k in range(len(r)):
        total = total + np.log(h) + r[k] ** 2 / h
        h = omega + alpha * r[k] ** 2 + beta * h
    return 0.5 * total


def garch_scan(p: Any, r: Any) -> Any:
    omega, alpha, beta = p

    def step(state: Any, x: Any) -> Any:
        h, total = state
        return (omega + alpha * x**2 + beta * h, total + np.log(h) + x**2 / h), None

    (_, total), _ = cr.scan(step, (np.var(r), 0.0), r)
    return 0.5 * total


def slope(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of a drug's amounts in gut, blood and tissue."""
    absorbed = p[0] * y[0]
    elimination = p[1] * y[1] / (p[2] + y[1])
    exchange = p[3] * y[1] - p[4] * y[2]
    return np.array([np.exp(-t) - absorbed, absorbed - elimination - exchange, exchange])


def runge_kutta(t: Any, y: Any, p: Any) -> Any:
    dt = 0.01
    a = slope(t, y, p)
    b = slope(t + dt / 2, y + dt / 2 * a, p)
    c = slope(t + dt / 2, y + dt / 2 * b, p)
    d = slope(t + dt, y + dt * c, p)
    return y + dt / 6 * (a + 2 * b + 2 * c + d)


def kinetics_loop(p: Any, times: Any) -> Any:
    y, levels = np.array([1.0, 0.0, 0.0]), []
    for t in times:
        y = runge_kutta(t, y, p)
        levels.append(y[1])
    return np.sum(np.array(levels) ** 2)


def kinetics_scan(p: Any, times: Any) -> Any:
    def step(y: Any, t: Any) -> Any:
        y = runge_kutta(t, y, p)
        return y, y[1]

    _, levels = cr.scan(step, np.array([1.0, 0.0, 0.0]), times)
    return np.sum(levels**2)


def cases(steps: int) -> list[tuple[str, Callable[..., Any], Callable[..., Any], Any]]:
    """Return names, the gradients of a loop and of a scan, and their arguments."""
    rng = np.random.default_rng(0)
    w = 0.2 * rng.normal(size=(8, 4 * HIDDEN)), 0.2 * rng.normal(size=(HIDDEN, 4 * HIDDEN))
    x, r = rng.normal(size=(steps, 8)), rng.normal(size=steps)
    times = 0.01 * np.arange(steps)
    rates = np.array([1.2, 0.8, 0.5, 0.3, 0.2])
    return [
        ("LSTM", cr.grad(lstm_loop, (0, 1)), cr.grad(lstm_scan, (0, 1)), (*w, x)),
        ("GARCH", cr.grad(lambda p: garch_loop(p, r)), cr.grad(lambda p: garch_scan(p, r)),
         (np.array([0.1, 0.2, 0.7]),)),
        ("RK4", cr.grad(lambda p: kinetics_loop(p, times)),
         cr.grad(lambda p: kinetics_scan(p, times)), (rates,)),
    ]  # fmt: skip


def same(a: Any, b: Any) -> None:
    for x, y in zip(cr.tree.leaves(a), cr.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9)


def call(function: Any, arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)


def first_call(function: Any, arguments: Any) -> Callable[[], Any]:
    def traced() -> Any:
        with configured(cache=0):
            return cr.jit(lambda *args: function(*args))(*arguments)

    return traced


def contests() -> Iterator[Contest]:
    for steps in (100, 1000):
        for name, loop, scan, arguments in cases(steps):
            task = f"gradient of a loop, {name}, {steps:,} iterations"
            yield Contest(
                task, "chainrule.scan", call(cr.jit(loop), arguments),
                call(cr.jit(scan), arguments), same, number=20_000 // steps, clock=process_time,
            )  # fmt: skip
            yield Contest(
                f"{task}: first call", "chainrule.scan", first_call(loop, arguments),
                first_call(scan, arguments), same, rounds=3, clock=process_time,
            )  # fmt: skip
