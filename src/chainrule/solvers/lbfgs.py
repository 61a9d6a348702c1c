"""L-BFGS as one compiled loop: SciPy's tests of convergence, without its calls from step to step.

Directions by the two-loop recursion, steps that hold the strong Wolfe conditions: Nocedal and
Wright, Numerical Optimization (2006), algorithms 7.4, 7.5, 3.5 and 3.6. A step's interpolation is
the cubic of their equation 3.59, inside the middle 80 % of the bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import at_user_line
from ..lazy import LazyModule
from ..transforms.differentiating.gradient import value_and_grad
from ..transforms.looping.branches import cond, while_loop
from ..transforms.looping.loops import fori_loop
from .functions import Function

optimize = LazyModule("scipy.optimize")

_OPTIONS = {"maxcor": 10, "ftol": 2.2204460492503131e-09, "gtol": 1e-5, "maxfun": 15000,
            "maxiter": 15000, "maxls": 20}  # fmt: skip
_SUFFICIENT, _CURVATURE = 1e-4, 0.9  # the constants c1 and c2 of the Wolfe conditions
_LONGEST = 1e10
GRADIENT, REDUCTION, ITERATIONS, EVALUATIONS, NO_STEP = 1, 2, 3, 4, 5
_MESSAGES = {
    GRADIENT: "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL",
    REDUCTION: "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH",
    ITERATIONS: "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT",
    EVALUATIONS: "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT",
    NO_STEP: "ABNORMAL: no step along the direction lowers the function enough",
}


def serves(
    name: str, bounds: Any, constraints: Any, callback: Any, hess: Any, hessp: Any,
    options: Mapping[str, Any],
) -> bool:  # fmt: skip
    """Return whether the loop does what this call of `minimize` asks for."""
    plain = all(x is None for x in (bounds, callback, hess, hessp)) and not np.size(constraints)
    return name == "l-bfgs-b" and plain and options.keys() <= _OPTIONS.keys()


class _Step(NamedTuple):
    """A point along a direction: how far, value and slope there, and the gradient."""

    size: Any
    value: Any
    slope: Any
    gradient: Any


class _Search(NamedTuple):
    """A line search: the step before, the two ends of the bracket, and what was decided.

    Attributes
    ----------
    low, high : _Step
        While no bracket is known, `low` is the longest step that is short enough; then the best
        one, and the other end.
    trial : float
        The next step's size.
    bracketed, done : bool
    count : int
        Steps that were tried.
    """

    low: Any
    high: Any
    trial: Any
    bracketed: Any
    done: Any
    count: Any


def line_search(
    evaluate: Callable[[Any], Any], first: _Step, trial: Any, most: Any
) -> tuple[_Step, Any, Any]:
    """Return a step that holds the strong Wolfe conditions, whether there is one, and the count.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(size)`` gives a `_Step`.
    first : _Step
        The one of size 0.
    """

    def search(state: _Search) -> _Search:
        low, high, bracketed = state.low, state.high, state.bracketed
        step = evaluate(state.trial)
        finite = np.isfinite(step.value)
        enough = first.value + _SUFFICIENT * step.size * first.slope
        too_long = (
            ~finite
            | (step.value > enough)
            | ((step.value >= low.value) & (bracketed | (low.size > 0)))
        )
        done = ~too_long & (np.abs(step.slope) <= -_CURVATURE * first.slope)
        # Beyond the minimum along the direction, seen from the better end
        towards = step.slope * np.where(bracketed, high.size - low.size, 1.0) >= 0
        new_high = _chosen(too_long, step, _chosen(towards, low, high))
        new_low = _chosen(too_long, low, step)
        closed = bracketed | too_long | towards
        between = _between(new_low, new_high)
        trial = np.where(closed, between, np.minimum(2.0 * state.trial, _LONGEST))
        return _Search(new_low, new_high, trial, closed, done, state.count + 1)

    def goes_on(state: _Search) -> Any:
        width = np.abs(state.high.size - state.low.size)
        wide = ~state.bracketed | (width > 1e-16 * np.maximum(1.0, state.low.size))
        return ~state.done & (state.count < most) & wide

    start = _Search(first, first, trial, np.bool_(False), np.bool_(False), np.int64(0))
    last = while_loop(goes_on, search, start)
    return last.low, last.low.size > 0, last.count


def _chosen(condition: Any, yes: _Step, no: _Step) -> _Step:
    return _Step(*[np.where(condition, a, b) for a, b in zip(yes, no)])  # noqa: B905


def _between(low: _Step, high: _Step) -> Any:
    """Return the minimum of the cubic through two steps, or the middle where it has none there."""
    width = high.size - low.size
    safe = np.where(width == 0, 1.0, width)
    d1 = low.slope + high.slope - 3.0 * (high.value - low.value) / safe
    square = d1 * d1 - low.slope * high.slope
    d2 = np.sign(width) * np.sqrt(np.maximum(square, 0.0))
    below = high.slope - low.slope + 2.0 * d2
    fraction = 1.0 - (high.slope + d2 - d1) / np.where(below == 0, 1.0, below)
    sound = (square >= 0) & (below != 0) & np.isfinite(fraction)
    return low.size + width * np.where(sound, np.clip(fraction, 0.1, 0.9), 0.5)


class _State(NamedTuple):
    """Where the loop is: x with value and gradient, the last steps and changes of the gradient."""

    x: Any
    value: Any
    gradient: Any
    steps: Any
    changes: Any
    weights: Any
    iterations: Any
    evaluations: Any
    status: Any


def loop(memory: int) -> Callable[[Function], Callable[..., Any]]:
    """Return what makes the loop of a function, with so many steps remembered."""

    def of(function: Function) -> Callable[..., Any]:
        def minimized(
            x: Any, ftol: Any, gtol: Any, most_evaluations: Any, most_iterations: Any,
            most_searches: Any, *leaves: Any,
        ) -> Any:  # fmt: skip
            both = value_and_grad(lambda x: function.call(x, *leaves))

            def iterate(state: _State) -> _State:
                direction = -_product(state)
                slope = np.sum(direction * state.gradient)
                downhill = slope < 0
                direction = np.where(downhill, direction, -state.gradient)
                slope = np.where(downhill, slope, -np.sum(state.gradient**2))

                def at(size: Any) -> _Step:
                    value, gradient = both(state.x + size * direction)
                    return _Step(size, value, np.sum(gradient * direction), gradient)

                first = _Step(np.float64(0.0), state.value, slope, state.gradient)
                length = np.sqrt(np.sum(direction**2))
                trial = np.where(state.iterations == 0, np.minimum(1.0, 1.0 / length), 1.0)
                limit = np.minimum(most_searches, most_evaluations - state.evaluations)
                step, success, count = line_search(at, first, trial, np.maximum(limit, 1))
                return _after(state, step, success, count, direction)

            def _after(
                state: _State, step: _Step, success: Any, count: Any, direction: Any
            ) -> _State:
                s, y = step.size * direction, step.gradient - state.gradient
                curvature = np.sum(s * y)
                keeps = curvature > 2.2e-16 * np.sum(y * y)
                weights = np.where(keeps, 1.0 / np.where(keeps, curvature, 1.0), 0.0)
                steps, changes, all_weights = cond(
                    keeps, _pushed, lambda *old: old[:3],
                    state.steps, state.changes, state.weights, s, y, weights,
                )  # fmt: skip
                # No step from an approximate Hessian: once more from the gradient alone
                again = ~success & np.any(state.weights > 0)
                size = np.maximum(np.maximum(np.abs(state.value), np.abs(step.value)), 1.0)
                iterations, evaluations = state.iterations + success, state.evaluations + count
                status = np.where(evaluations >= most_evaluations, EVALUATIONS, 0)
                status = np.where(iterations >= most_iterations, ITERATIONS, status)
                reduced = success & ((state.value - step.value) / size <= ftol)
                status = np.where(reduced, REDUCTION, status)
                status = np.where(~success & ~again, NO_STEP, status)
                status = np.where(np.max(np.abs(step.gradient)) <= gtol, GRADIENT, status)
                return _State(
                    state.x + s, step.value, step.gradient, steps, changes,
                    np.where(again, 0.0, all_weights), iterations, evaluations, status,
                )  # fmt: skip

            value, gradient = both(x)
            table = np.zeros((memory, x.shape[0]))
            flat = np.max(np.abs(gradient)) <= gtol
            status = np.where(flat, GRADIENT, np.where(most_iterations <= 0, ITERATIONS, 0))
            return while_loop(
                lambda state: state.status == 0, iterate,
                _State(x, value, gradient, table, table, np.zeros(memory), np.int64(0),
                       np.int64(1), status),
            )  # fmt: skip

        return minimized

    return of


def _pushed(steps: Any, changes: Any, weights: Any, s: Any, y: Any, weight: Any) -> Any:
    """Return the tables with a pair as the first row, and without the oldest."""
    return (
        np.concatenate([s[None], steps[:-1]]), np.concatenate([y[None], changes[:-1]]),
        np.concatenate([np.reshape(weight, (1,)), weights[:-1]]),
    )  # fmt: skip


def _product(state: _State) -> Any:
    """Return the approximate inverse Hessian times the gradient: the two-loop recursion.

    Rows of which no step is known yet have the weight 0, and change nothing.
    """
    memory = state.weights.shape[0]

    def first(k: Any, carry: Any) -> Any:
        q, alphas = carry
        alpha = state.weights[k] * np.sum(state.steps[k] * q)
        return q - alpha * state.changes[k], np.where(np.arange(memory) == k, alpha, alphas)

    def second(k: Any, r: Any) -> Any:
        row = memory - 1 - k
        beta = state.weights[row] * np.sum(state.changes[row] * r)
        return r + (alphas[row] - beta) * state.steps[row]

    q, alphas = fori_loop(0, memory, first, (state.gradient, np.zeros(memory)))
    y = state.changes[0]
    square = np.sum(y * y)
    known = state.weights[0] > 0
    scale = 1.0 / (np.where(known, state.weights[0] * square, 1.0))
    return fori_loop(0, memory, second, scale * q)


def minimize_lbfgs(
    function: Function, start: Any, leaves: Sequence[Any], tol: float | None,
    options: Mapping[str, Any],
) -> Any:  # fmt: skip
    """Return the result of the loop as SciPy's method ``"L-BFGS-B"`` gives it."""
    chosen = {**_OPTIONS, **({} if tol is None else {"ftol": tol, "gtol": tol}), **options}
    memory = int(chosen["maxcor"])
    if memory < 1 or chosen["maxls"] < 1:
        raise ValueError(at_user_line("minimize: maxcor and maxls must be at least 1"))
    run = function.loop(("lbfgs", memory), loop(memory))
    limits = [np.float64(min(chosen[k], 2**62)) for k in ("maxfun", "maxiter", "maxls")]
    last = run(start, np.float64(chosen["ftol"]), np.float64(chosen["gtol"]), *limits, *leaves)
    status, pairs = int(last.status), int(np.count_nonzero(last.weights))
    pairs = pairs if pairs else 0
    inverse = optimize.LbfgsInvHessProduct(last.steps[:pairs][::-1], last.changes[:pairs][::-1])
    warning = {ITERATIONS: 1, EVALUATIONS: 1, NO_STEP: 2}.get(status, 0)
    return optimize.OptimizeResult(
        x=last.x, fun=float(last.value), jac=last.gradient, nit=int(last.iterations),
        nfev=int(last.evaluations), njev=int(last.evaluations), status=warning,
        success=not warning, message=_MESSAGES[status], hess_inv=inverse,
    )  # fmt: skip
