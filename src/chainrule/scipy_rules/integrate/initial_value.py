"""Initial value problems as SciPy is handed them, with derivatives by the sensitivities; `odeint`.

They are right to the tolerances asked for, as the solution is (see `sensitivities`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.integrate import odeint as scipy_odeint

from ...errors import UnsupportedError, at_user_line
from ..algorithm import run
from ..arrays import asarray
from ..call_arguments import (
    COUNT,
    UNDER_JIT,
    Unavailable,
    arguments_of,
    as_tuple,
    float_type,
)
from ..closures import NUMBER, Closure, Inputs, algorithm_rule, plain
from ..optimize.results import withheld
from .methods import by_odeint
from .sensitivities import InitialValueSolution, Solver


class KnownSolution(InitialValueSolution):
    """A solution that SciPy is asked for by the user, with all its options.

    Its results are the solution, then numbers that say how it went.
    """

    def __init__(
        self, name: str, closure: Closure, times: int, solver: Solver,
        by_scipy: Callable[[Sequence[Any]], tuple[Any, Sequence[Any]]], counts: int,
    ) -> None:  # fmt: skip
        graph = closure.graph
        if graph is None:
            raise UnsupportedError(
                at_user_line(
                    f"{name} of a function that branches on its arguments: use np.where, or solve "
                    "for the time before and after one after the other"
                )
            )
        super().__init__(name, graph, times, solver)
        self.run_scipy = by_scipy
        self.counts = counts
        self.types = (*self.types, *[COUNT] * counts)

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Solve as the user asked."""
        self.outcome, results = self.run_scipy(inputs)
        return results

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Solve for the derivative of the solution."""
        n = self._serving()
        return [*super().jvp(tangents[:n], results[:1], inputs[:n]), *[None] * self.counts]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Solve for the derivatives of the solution."""
        n = self._serving()
        passed = super().vjp(cotangents[:1], results[:1], inputs[:n], needed[:n])
        return [*passed, *[None] * (len(inputs) - n)]

    def _serving(self) -> int:
        """Return how many inputs the solution follows from: the others are options of SciPy's."""
        return len(self.graph.inputs) + 1


class Problem:
    """An initial value problem as SciPy is handed it.

    Attributes
    ----------
    inputs : Inputs
        t0, the times, y0, what F reads, and what its Jacobian does.
    """

    def __init__(self, f: Any, jac: Any, t0: Any, ts: Any, y0: Any, args: tuple[Any, ...]) -> None:
        y0 = asarray(y0)
        if y0.ndim > 1:
            raise ValueError(at_user_line("`y0` must be 1-dimensional."))
        self.n, self.times = y0.size, asarray(ts).size
        self.inputs = Inputs()
        for x in (t0, ts, y0.reshape(self.n)):
            self.inputs.array(x)
        self.types = types = [NUMBER, float_type((self.n,))]
        self.function = self.inputs.function(_flattened(f), types, args)
        self.jac: Closure | int | None = None
        if callable(jac):
            self.jac = self.inputs.function(jac, types, args)
        elif jac is not None:
            self.jac = self.inputs.array(jac)

    def plain_jac(self, values: Sequence[Any]) -> Any:
        """Return the Jacobian for SciPy, a function or a matrix."""
        if isinstance(self.jac, Closure):
            return self.jac.plain(values)
        return None if self.jac is None else np.array(values[self.jac])


def _flattened(f: Any) -> Any:
    """Return F as a function that gives one axis: a number is an array of one."""

    def function(t: Any, y: Any, *args: Any) -> Any:
        slope = asarray(f(t, y, *args))
        if slope.ndim > 1 or slope.size not in (1, y.size):
            raise ValueError(
                at_user_line(
                    f"the function of an initial value problem returned shape {slope.shape} for y "
                    f"of {y.shape}"
                )
            )
        return slope if slope.shape == y.shape else slope.reshape(-1) + 0.0 * y

    return function


@algorithm_rule("scipy.integrate", "odeint", "func", "Dfun")
def _odeint(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.pop("args", ()))
    full_output = named.pop("full_output", 0)
    f, jac, t = named.pop("func"), named.pop("Dfun", None), asarray(named.pop("t"))
    if not named.pop("tfirst", False):
        f, jac = _time_first(f), None if jac is None else _time_first(jac)
    if t.ndim != 1:
        raise ValueError(at_user_line("The second argument, y0/t: t must be one-dimensional."))
    problem = Problem(f, jac, t[0], t, named.pop("y0"), extra)
    options = {k: plain(x, k) for k, x in named.items()}

    def by_scipy(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        solved = scipy_odeint(
            problem.function.plain(values), values[2], values[1], tfirst=True,
            Dfun=problem.plain_jac(values), full_output=full_output, **options,
        )  # fmt: skip
        y, info = solved if full_output else (solved, None)
        return info, (y,)

    solution = KnownSolution(
        "odeint", problem.function, problem.times, by_odeint(options), by_scipy, 0
    )
    outcome = run(solution, problem.inputs.nodes)
    if not full_output:
        return outcome.results[0]
    if outcome.scipy is None:
        return outcome.results[0], Unavailable("infodict", UNDER_JIT, True)
    info = {k: withheld(k, x, problem.inputs) for k, x in outcome.scipy.items()}
    return outcome.results[0], info


def _time_first(f: Any) -> Any:
    return lambda t, y, *args: f(y, t, *args)
