"""Solvers over compiled derivatives against SciPy's with its differences, and against JAX.

Times are of the CPU, one thread for everybody, of calls after the first; those marked "first" are
of functions that were never seen before, compiled with nothing on disk. A fit counts as the same if
it has as many digits of NIST's certified values as SciPy's, a minimum if it is as low.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from scipy import optimize

import chainrule as cr

from . import peers
from .harness import Contest, Outcome, run

TURN = 4e-3  # seconds that the calls of a turn should take
NIST = Path(__file__).parents[1] / "tests" / "solvers"
DIFFERENCES, COMPILED = "SciPy, differences", "SciPy, our gradient"
Function = Callable[..., Any]


def matched(
    task: str, peer: str, ours: Function, theirs: Function, same: Callable[[Any, Any], None]
) -> Outcome:
    """As many calls a turn as take some milliseconds, and turns for a second or two."""
    ours(), theirs()
    start = process_time()
    ours(), theirs()
    slow = process_time() - start
    number = max(1, min(200, round(TURN / slow)))
    rounds = max(5, min(31, round(1.5 / (slow * number))))
    return run(Contest(task, peer, ours, theirs, same, rounds, number, clock=peers.CLOCK))


def _as_low(ours: Any, theirs: Any) -> None:
    """Both end at a minimum as low; where SciPy gave up, ours is lower."""
    assert ours.fun <= theirs.fun + 1e-6 * (1.0 + abs(theirs.fun)), (ours.fun, theirs.fun)


def _close(ours: Any, theirs: Any, rtol: float = 1e-6) -> None:
    a, b = np.asarray(ours), np.asarray(theirs)
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


# Fits


def _as_many_digits(nist: Any, certified: Any, ours: Any, theirs: Any) -> None:
    right = [nist.digits(getattr(fit, "x", fit[0] if type(fit) is tuple else None), certified)
             for fit in (ours, theirs)]  # fmt: skip
    assert right[0] >= right[1] - 0.1, right


def _errors(model: Function, p: Any, x: Any, y: Any) -> Any:
    return model(x, *[p[k] for k in range(len(p))]) - y


def _fits() -> Iterator[Outcome | tuple[str, ...]]:
    sys.path.insert(0, str(NIST))
    import nist_problems as nist

    for name in nist.MODELS:
        regression = nist.problem(name)
        model, x, y = regression.model, regression.x, regression.y
        errors = cr.jit(partial(_errors, model))
        plain = partial(_errors, model)
        same = partial(_as_many_digits, nist, regression.values)
        for k, start in enumerate(regression.starts, 1):
            for solver, ours, theirs in (
                ("curve_fit", partial(cr.curve_fit, model, x, y, start),
                 partial(optimize.curve_fit, model, x, y, start)),
                ("least_squares", partial(cr.least_squares, errors, start, args=(x, y)),
                 partial(optimize.least_squares, plain, start, args=(x, y))),
            ):  # fmt: skip
                task = f"{solver} of {name}, {start.size} parameters, start {k}"
                try:
                    yield matched(task, DIFFERENCES, ours, theirs, same)
                except RuntimeError:
                    right = nist.digits(ours()[0], regression.values)
                    yield ("solvers", task, DIFFERENCES, f"{right:.1f} digits", "no fit", "-", "-")


# Minima and roots


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def logistic(w: Any, rows: Any, labels: Any) -> Any:
    return np.mean(np.logaddexp(0.0, -labels * (rows @ w))) + 0.01 * np.sum(w**2)


def tridiagonal(x: Any) -> Any:
    left, right = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.0]])
    return (3.0 - 2.0 * x) * x - left - 2.0 * right + 1.0


def _minima() -> Iterator[Outcome]:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(500, 20)), np.sign(rng.normal(size=500))
    problems = [
        ("Rosenbrock of 10", rosenbrock, np.zeros(10), ()),
        ("Rosenbrock of 100", rosenbrock, np.zeros(100), ()),
        ("logistic regression, 500 x 20", logistic, np.zeros(20), (rows, labels)),
    ]
    for task, function, start, args in problems:
        gradient = cr.jit(cr.value_and_grad(function))
        for method in ("L-BFGS-B", "BFGS"):
            ours = partial(cr.minimize, function, start, args, method)
            for peer, theirs in (
                (DIFFERENCES, partial(optimize.minimize, function, start, args, method)),
                (COMPILED, partial(optimize.minimize, gradient, start, args, method, True)),
            ):
                yield matched(f"minimize by {method}, {task}", peer, ours, theirs, _as_low)
    for n in (10, 100):
        start = np.full(n, -1.0)
        yield matched(
            f"root, Broyden's tridiagonal function of {n}", DIFFERENCES,
            partial(cr.root, tridiagonal, start), partial(optimize.root, tridiagonal, start),
            lambda a, b: _close(a.x, b.x),
        )  # fmt: skip


# Differential equations


def field(xp: Any, y: Any, t: Any, p: Any) -> Any:
    """Five states, ten rates."""
    a, b, c, d, e = (y[k] for k in range(5))
    r = [p[k] for k in range(10)]
    return xp.stack([
        -r[0] * a + r[1] * b * c, r[0] * a - r[1] * b * c - r[2] * b + r[3] * c * d,
        r[2] * b - r[4] * c + r[5] * xp.sin(t), r[4] * c - r[6] * d * e + r[7] * a,
        r[6] * d * e - r[8] * e + r[9] * b,
    ])  # fmt: skip


def network(xp: Any, y: Any, t: Any, p: Any) -> Any:
    """A neural differential equation of 16 states."""
    return xp.tanh(y @ p["w"] + p["b"]) @ p["v"]


def _equations(jax: Any) -> Iterator[Outcome]:
    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(16, 32)) / 4, "b": rng.normal(size=32),
               "v": rng.normal(size=(32, 16)) / 6}  # fmt: skip
    cases = [("5 states, 10 parameters", field, np.array([1.0, 0.5, 0.2, 0.1, 0.7]),
              np.linspace(0.1, 1.0, 10)), ("network of 16-32-16", network, rng.normal(size=16),
              weights)]  # fmt: skip
    t = np.linspace(0.0, 10.0, 21)
    from jax.experimental.ode import odeint

    there = jax.numpy.asarray(t)
    for task, slope, start, parameters in cases:
        ours = partial(_squares, cr.odeint, np, partial(slope, np), start, t)
        theirs = partial(_squares, odeint, jax.numpy, partial(slope, jax.numpy),
                         jax.numpy.asarray(start), there)  # fmt: skip
        on_device = jax.tree.map(jax.numpy.asarray, parameters)
        for kind, a, b in (
            ("value", cr.jit(ours), jax.jit(theirs)),
            ("gradient", cr.jit(cr.grad(ours)), jax.jit(jax.grad(theirs))),
        ):
            yield matched(
                f"odeint, {task}, {kind}", "JAX jit", partial(a, parameters),
                lambda f=b, p=on_device: jax.block_until_ready(f(p)), _same_trees,
            )  # fmt: skip
        numbers = count(1)

        def first(transform: Any, solve: Any, xp: Any, p: Any, numbers: Any = numbers,
                  slope: Any = slope, start: Any = start) -> Any:  # fmt: skip
            scale = 1.0 + 1e-9 * next(numbers)
            f = partial(_squares, solve, xp, lambda y, t, p: scale * slope(xp, y, t, p), start, t)
            return transform(f)(p)

        with cr.configured(cache=0):
            yield run(Contest(
                f"odeint, {task}, first gradient", "JAX jit",
                partial(first, lambda f: cr.jit(cr.grad(f)), cr.odeint, np, parameters),
                partial(first, lambda f: lambda p: jax.block_until_ready(jax.jit(jax.grad(f))(p)),
                        partial(_on_arrays, jax, odeint), jax.numpy, on_device),
                _same_trees, rounds=5, clock=peers.CLOCK,
            ))  # fmt: skip


def _on_arrays(jax: Any, solve: Function, f: Function, y: Any, t: Any, p: Any) -> Any:
    return solve(f, jax.numpy.asarray(y), jax.numpy.asarray(t), p)


def _squares(solve: Function, xp: Any, slope: Function, start: Any, t: Any, p: Any) -> Any:
    return xp.sum(solve(slope, start, t, p) ** 2)


def _same_trees(ours: Any, theirs: Any) -> None:
    for a, b in zip(cr.tree.leaves(ours), cr.tree.leaves(theirs), strict=True):
        _close(a, b, 1e-5)


# Functions that were never seen before


def _first_calls() -> Iterator[Outcome]:
    numbers = count(1)
    t = np.linspace(0.0, 4.0, 50)
    y = 3.0 * np.exp(-1.5 * t) + 0.5

    def fit(solver: Function) -> Any:
        scale = 1.0 + 1e-9 * next(numbers)
        return solver(lambda t, a, b, c: a * np.exp(-b * t * scale) + c, t, y, [1.0, 1.0, 0.0])

    def minimum(solver: Function, method: str) -> Any:
        scale = 100.0 + 1e-9 * next(numbers)
        function = lambda x: np.sum(scale * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)  # noqa: E731
        return solver(function, np.zeros(10), method=method)

    with cr.configured(cache=0):
        yield run(Contest(
            "curve_fit of 3 parameters, first", DIFFERENCES, partial(fit, cr.curve_fit),
            partial(fit, optimize.curve_fit), lambda a, b: _close(a[0], b[0]), rounds=5,
            clock=peers.CLOCK,
        ))  # fmt: skip
        for method in ("L-BFGS-B", "BFGS"):
            yield run(Contest(
                f"minimize by {method}, Rosenbrock of 10, first", DIFFERENCES,
                partial(minimum, cr.minimize, method), partial(minimum, optimize.minimize, method),
                _as_low, rounds=5, clock=peers.CLOCK,
            ))  # fmt: skip


def contests() -> Iterator[Outcome | tuple[str, ...]]:
    jax = peers.jax()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if jax is not None:
            yield from _equations(jax)
        yield from _minima()
        yield from _fits()
        yield from _first_calls()
