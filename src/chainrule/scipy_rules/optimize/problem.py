"""A function to be minimised, with bounds: what SciPy is handed, and what defines the minimum.

At a minimum the gradient is zero, which defines it implicitly: its derivative takes the Hessian.
Of coordinates that a bound stops only the bound counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import Bounds

from ...errors import UnsupportedError, at_user_line
from ...graph.evaluate import evaluate
from ...graph.graph import Graph
from ...graph.node import Node, input_node
from ...graph.types import Type
from ...primitives.elementwise import where
from ...trace.tracer import Tracer
from ..algorithm import Outcome
from ..arrays import asarray
from ..call_arguments import float_type
from ..closures import Closure, Inputs
from ..derived_graphs import FLOAT, gradient, mapped, shaped
from ..implicit import find

MASK = np.dtype(bool)
Cost = Callable[[Graph], Graph]


def as_number(graph: Graph) -> Graph:
    """Return the graph of a function whose result is an array of one number, as of a number."""
    return mapped(graph, lambda y: shaped(y, ()))


def stationarity(graph: Graph) -> Graph:
    """Return the graph of the gradient by the first input."""
    return gradient(as_number(graph), 0)


class Problem:
    """A function to be minimised as SciPy is handed it, with its derivatives.

    Attributes
    ----------
    inputs : Inputs
    functions : dict of str to Closure
        By SciPy's names: ``fun``, and of ``jac hess hessp`` those that there are.
    cost : callable
        Makes the graph of a number, which is minimised, of that of ``fun``.
    """

    def __init__(self, x0: Any, bounds: Any, cost: Cost = as_number) -> None:
        self.inputs, self.cost = Inputs(), cost
        x0 = asarray(x0)
        self.n = x0.size
        self.start = self.inputs.array(x0.reshape((self.n,)) if x0.ndim == 0 else x0)
        self.functions: dict[str, Closure] = {}
        self.bounds: list[int] = []
        if bounds is not None:
            self.bounds = [self.inputs.array(limit) for limit in bounds(self.n)]

    def add(self, key: str, function: Any, args: tuple[Any, ...]) -> None:
        """Add the function, or a derivative of it."""
        x = float_type((self.n,))
        types = [x, x] if key == "hessp" else [x]
        self.functions[key] = self.inputs.function(function, types, args)

    def options(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return what SciPy takes beside the function and x0."""
        named: dict[str, Any] = {
            k: f.plain(values) for k, f in self.functions.items() if k != "fun"
        }
        if self.bounds:
            named["bounds"] = Bounds(*[np.array(values[k]) for k in self.bounds])
        return named

    def plain(self, values: Sequence[Any]) -> Callable[..., Any]:
        """Return the function itself for SciPy."""
        f = self.functions["fun"].plain(values)
        return lambda x: np.reshape(f(x), ())[()]

    def states(self) -> dict[str, Type]:
        """Return the fields that say which bounds are reached."""
        mask = Type((self.n,), MASK)
        return {"at_lower": mask, "at_upper": mask} if self.bounds else {}

    def find(
        self, name: str, solver: Callable[[Sequence[Any]], tuple[Any, Any, Sequence[Any]]],
        fields: dict[str, Type], more: Sequence[int] = (),
    ) -> tuple[Outcome, Closure]:  # fmt: skip
        """Run ``solver(values)``, which gives SciPy's result, x and the fields."""

        def with_states(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
            result, x, numbers = solver(values)
            return result, (x, *self.active(x, values), *numbers)

        states = self.states()
        positions = [*more, *self.bounds]
        outcome, closure = find(
            name, self.inputs, self.functions["fun"], with_states, {**states, **fields},
            self.residual, len(states), positions,
        )  # fmt: skip
        x, improved, *extras = outcome.results
        return Outcome([x, improved, *extras[len(states) :]], outcome.scipy), closure

    def active(self, x: Any, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return which coordinates stand at their lower and upper bounds.

        Those whose slope is larger than the distance: at a minimum one of the two is zero.
        """
        if not self.bounds:
            return ()
        fun = self.functions["fun"]
        graph = fun.graph
        if graph is None:
            raise UnsupportedError(
                at_user_line(
                    "minimize with bounds, of a function that branches on its argument: use "
                    "np.where"
                )
            )
        (slope,) = evaluate(stationarity(self.cost(graph)), [x, *fun.constants(values)])
        lower, upper = (values[k] for k in self.bounds)
        return slope > x - lower, -slope > upper - x

    def residual(self, graph: Graph) -> Graph:
        """Return the graph that is zero at the minimum."""
        slope = stationarity(self.cost(graph))
        if not self.bounds:
            return slope
        x, (flat_slope,) = slope.inputs[0], slope.outputs
        vector, mask = Type((self.n,), FLOAT), Type((self.n,), MASK)
        lower, upper, at_lower, at_upper = map(input_node, (vector, vector, mask, mask))
        stopped = where(at_upper, _minus(x, upper), flat_slope)
        output = where(at_lower, _minus(x, lower), stopped)
        return Graph((*slope.inputs, lower, upper, at_lower, at_upper), (output,))


def _minus(x: Node, y: Node) -> Any:
    return x - y  # type: ignore[operator]


def pairs(bounds: Any) -> Callable[[int], tuple[Any, Any]] | None:
    """Return a function from the number of coordinates to their lower and upper bounds.

    Of a pair (low, high) a coordinate, or of `Bounds`; traced if anything in them is.
    """
    if bounds is None:
        return None
    if isinstance(bounds, Bounds):
        return sides((bounds.lb, bounds.ub))

    def limits(n: int) -> tuple[Any, Any]:
        rows = [tuple(row) for row in bounds]
        if any(len(row) != 2 for row in rows) or len(rows) != n:
            raise ValueError(at_user_line("bounds: give one pair (low, high) a coordinate"))
        lower = [-np.inf if low is None else low for low, _ in rows]
        upper = [np.inf if high is None else high for _, high in rows]
        return asarray(lower, FLOAT), asarray(upper, FLOAT)

    return limits


def sides(bounds: Any) -> Callable[[int], tuple[Any, Any]] | None:
    """Return the same of all lower and all upper bounds; None if there are none."""
    if isinstance(bounds, Bounds):
        bounds = bounds.lb, bounds.ub
    lower, upper = (asarray(x, FLOAT) for x in bounds)
    if is_unbounded(lower, -np.inf) and is_unbounded(upper, np.inf):
        return None
    return lambda n: (np.broadcast_to(lower, (n,)), np.broadcast_to(upper, (n,)))


def is_unbounded(limit: Any, infinity: float) -> bool:
    """Return whether bounds are known to be none."""
    return not isinstance(limit, Tracer) and bool(np.all(limit == infinity))
