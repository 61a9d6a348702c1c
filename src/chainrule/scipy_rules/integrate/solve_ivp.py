"""`solve_ivp`: every method, ``t_eval``, dense output and events.

The times of SciPy's own steps are constants: the solution at these times is what is differentiated.
The time of an event is where the event, of the solution at a time, is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp as scipy_solve_ivp
from scipy.optimize import OptimizeResult

from ...errors import AbstractValueError, at_user_line
from ...trace.tracer import Tracer
from ..algorithm import Outcome, depth_of_traces, run
from ..arrays import asarray
from ..call_arguments import UNDER_JIT, Unavailable, arguments_of, as_tuple
from ..closures import NUMBER, Closure, Inputs, algorithm_rule, plain
from ..derived_graphs import FLOAT
from ..implicit import find
from .initial_value import KnownSolution, Problem
from .methods import by_solve_ivp
from .sensitivities import InitialValueSolution

_COUNTS = ("nfev", "njev", "nlu", "status")


@algorithm_rule("scipy.integrate", "solve_ivp", "fun", "events", "jac")
def _solve_ivp(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    named.pop("vectorized", None)  # only how Jacobians are estimated
    return _Call(named).result()


class _Call:
    """A call of `solve_ivp`."""

    def __init__(self, named: dict[str, Any]) -> None:
        args = named.pop("args", None)
        self.args = () if args is None else as_tuple(args)
        self.t0, self.end = named.pop("t_span")
        self.f, self.jac = named.pop("fun"), named.pop("jac", None)
        self.y0 = asarray(named.pop("y0"))
        if self.y0.ndim != 1:
            raise ValueError(at_user_line("`y0` must be 1-dimensional."))
        t_eval = named.pop("t_eval", None)
        self.t_eval = None if t_eval is None else asarray(t_eval, FLOAT)
        self.dense = bool(named.pop("dense_output", False))
        events = named.pop("events", None) or []
        self.events = [events] if callable(events) else list(events)
        self.options = {k: plain(x, k) for k, x in named.items()}

    def problem(self, ts: Any) -> Problem:
        """Return the problem with the solution asked for at these times."""
        return Problem(self.f, self.jac, self.t0, ts, self.y0, self.args)

    def result(self) -> Any:
        """Return SciPy's result with what is traced in it."""
        problem = self.problem(np.zeros(1) if self.t_eval is None else self.t_eval)
        end = problem.inputs.array(self.end)
        monitors = [
            problem.inputs.function(event, problem.types, self.args) for event in self.events
        ]
        if not problem.inputs.known:
            return self._unknown(problem, end)
        with depth_of_traces(0):
            values = [node.value for node in problem.inputs.nodes]
            solved = self._solve(problem, values, end, monitors)
        result = type(solved)(solved)
        if self.events:
            result.t_events, result.y_events = self._occurrences(solved)
        result.t = self._times(solved, result.t_events)
        y = self._run(self.problem(result.t), lambda _: (None, (solved.y.T, *_counts(solved))))
        result.y = y.results[0].T
        result.sol = self._dense(solved.sol) if self.dense else None
        return result

    def _solve(
        self, problem: Problem, values: Sequence[Any], end: int, monitors: Sequence[Closure],
        dense: bool | None = None,
    ) -> Any:  # fmt: skip
        jac = problem.plain_jac(values)
        options = self.options if jac is None else {**self.options, "jac": jac}
        events = [
            _with_attributes(closure.plain(values), event)
            for closure, event in zip(monitors, self.events, strict=False)
        ]
        return scipy_solve_ivp(
            problem.function.plain(values), (float(values[0]), float(values[end])), values[2],
            t_eval=None if self.t_eval is None or dense else values[1],
            dense_output=self.dense if dense is None else dense, events=events or None, **options,
        )  # fmt: skip

    def _run(self, problem: Problem, by_scipy: Callable[..., Any]) -> Outcome:
        solver = by_solve_ivp(self.options)
        method = KnownSolution("solve_ivp", problem.function, problem.times, solver, by_scipy, 4)
        return run(method, problem.inputs.nodes)

    def _times(self, solved: Any, t_events: Any) -> Any:
        """Return the times of the solution: traced where they are limits, events or times that
        are.
        """
        if self.t_eval is not None:
            asked: Any = self.t_eval
            return asked[: len(solved.t)] if issubclass(type(asked), Tracer) else solved.t
        start, last = self.t0, solved.t[-1]
        if solved.status == 0:
            last = self.end
        elif solved.status == 1:
            at_end = [k for k, times in enumerate(solved.t_events) if last in times]
            last = t_events[at_end[-1]][-1]
        if not isinstance(start, Tracer) and not isinstance(last, Tracer):
            return solved.t
        first, last = (asarray(x, FLOAT).reshape(1) for x in (start, last))
        return np.concatenate([first, solved.t[1:-1], last])

    def _unknown(self, problem: Problem, end: int) -> Any:
        """Return the result under jit, where SciPy runs later."""
        if self.t_eval is None or self.events:
            raise AbstractValueError(
                at_user_line(
                    "solve_ivp under jit: how many steps it takes, and when events occur, is not "
                    "known: give t_eval, and no events"
                )
            )

        def by_scipy(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
            solved = self._solve(problem, values, end, [], False)
            y = np.full((problem.times, problem.n), np.nan)
            y[: solved.y.shape[1]] = solved.y.T
            return None, (y, *_counts(solved))

        y, *counts = self._run(problem, by_scipy).results
        result: Any = OptimizeResult()
        result.update(zip(_COUNTS, counts, strict=True))
        result.update(
            t=self.t_eval, y=y.T, sol=self._dense(None) if self.dense else None, t_events=None,
            y_events=None, success=counts[3] >= 0, message=Unavailable("message", UNDER_JIT, True),
        )  # fmt: skip
        return result

    def _dense(self, known: Any) -> Callable[[Any], Any]:
        """Return the solution as a function of time, with its derivatives."""

        def solution(t: Any) -> Any:
            times = asarray(t, FLOAT)
            problem = self.problem(times.reshape(-1))
            end = problem.inputs.array(self.end)

            def by_scipy(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
                dense = known or self._solve(problem, values, end, [], True).sol
                return None, (dense(values[1]).T, 0, 0, 0, 0)

            y = self._run(problem, by_scipy).results[0].T
            return y if times.ndim else y[:, 0]

        return solution

    # Events

    def _occurrences(self, solved: Any) -> tuple[list[Any], list[Any]]:
        """Return when events occur and the solution then, traced."""
        all_times, all_ys = list(solved.t_events), list(solved.y_events)
        for k, event in enumerate(self.events):
            if not len(all_times[k]):
                continue
            times = np.stack([self._event_time(event, t) for t in all_times[k]])
            ys = all_ys[k]
            outcome = self._run(self.problem(times), lambda _, ys=ys: (None, (ys, 0, 0, 0, 0)))
            all_times[k], all_ys[k] = times, outcome.results[0]
        return all_times, all_ys

    def _event_time(self, event: Any, time: float) -> Any:
        def at(t: Any) -> Any:
            problem = self.problem(t.reshape(1))
            graph = problem.function.graph
            assert graph is not None
            method = InitialValueSolution("solve_ivp", graph, 1, by_solve_ivp(self.options))
            count = 3 + len(problem.function.outside)
            y = run(method, problem.inputs.nodes[:count]).results[0]
            return event(t, y[0], *self.args)

        inputs = Inputs()
        closure = inputs.function(at, [NUMBER])
        return find("solve_ivp", inputs, closure, lambda _: (None, (time,)), {})[0].results[0]


def _counts(solved: Any) -> tuple[int, ...]:
    return tuple(int(solved[key]) for key in _COUNTS)


def _with_attributes(plain_event: Callable[..., Any], event: Any) -> Callable[..., Any]:
    """Return an event for SciPy, which reads whether it ends the solution from its attributes."""

    def number(t: float, y: Any) -> float:
        return float(np.reshape(plain_event(t, y), ()))

    for key in ("terminal", "direction"):
        if hasattr(event, key):
            setattr(number, key, getattr(event, key))
    return number
