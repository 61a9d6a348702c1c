"""Python loops under jit, which become scans, beside scans by hand: python -m bench.loops

Both are run in turns, after their results were compared. ``first call`` is tracing, compiling and
one run, with nothing in a cache.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.config import configured

ROUNDS = 9
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
    """Return gradients of a loop and of a scan, and their arguments."""
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


def first_call(function: Callable[..., Any], arguments: Any) -> tuple[float, Any]:
    """Return the seconds of a first call, and the compiled function."""
    compiled = cr.jit(function)
    start = perf_counter()
    compiled(*arguments)
    return perf_counter() - start, compiled


def seconds_each(functions: list[Any], arguments: Any, steps: int) -> list[float]:
    """Return the least seconds of each function, run in turns."""
    repeats = max(1, 20_000 // steps)
    best = [np.inf] * len(functions)
    for _ in range(ROUNDS):
        for k, function in enumerate(functions):
            start = perf_counter()
            for _ in range(repeats):
                function(*arguments)
            best[k] = min(best[k], (perf_counter() - start) / repeats)
    return best


def main(lengths: list[int]) -> None:
    with configured(cache=0):
        cr.jit(lambda x: x + 1)(1.0)  # loads the compiler
        print("| gradient | steps | first call, s | of a scan, s | run, ms | scan, ms | ratio |")
        print("|---|---|---|---|---|---|---|")
        for steps in lengths:
            for name, loop, scan, arguments in cases(steps):
                seconds, ours = first_call(loop, arguments)
                scan_seconds, theirs = first_call(scan, arguments)
                a, b = ours(*arguments), theirs(*arguments)
                for x, y in zip(cr.tree.leaves(a), cr.tree.leaves(b), strict=True):
                    np.testing.assert_allclose(x, y, rtol=1e-9)
                run, scan_run = seconds_each([ours, theirs], arguments, steps)
                print(
                    f"| {name} | {steps:,} | {seconds:.2f} | {scan_seconds:.2f} | {run * 1e3:.3f} "
                    f"| {scan_run * 1e3:.3f} | {scan_run / run:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [100, 1000, 10_000])
