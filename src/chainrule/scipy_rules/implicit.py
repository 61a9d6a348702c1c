"""Solutions of equations, r(x, c) = 0, whose derivative by c the implicit function theorem gives.

SciPy's algorithm finds x. The derivative is taken at a point that Newton's method improves, since
an optimiser stops at a gradient of 1e-5; the value stays SciPy's, bit for bit. With J = dr/dx and
the solution x itself in the formulas, they hold for each order:

    forward mode   J dx = -dr/dc dc
    reverse mode   J.T w = g, and -w dr/dc for c
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.types import Type, is_inexact
from ..primitives.callback import NoTangent
from ..primitives.structure import transpose
from .algorithm import Algorithm, Outcome, depth_of_traces, run
from .closures import Closure, Inputs
from .derived_graphs import flat, jacobian, pullback, pushforward, shaped
from .linear_solve import solve, solve_plain

_MOST_STEPS = 5
_DONE = 1e-12  # a step of Newton's method that is as good as none
_CONVERGED = 1e-6
_CLOSE = 1e-1  # how far from a solution, relative to it, SciPy's may be


class ImplicitSolution(Algorithm):
    """An x with r(x, c) = 0, found by SciPy.

    Its results are x, x improved, and further fields of SciPy's result that have no derivative.

    Parameters
    ----------
    name : str
        SciPy's function.
    residual : Graph
        ``(x, *constants, *states)`` to r, an array of x's size.
    positions : sequence of int
        Which inputs of the node the constants are.
    solver : callable
        ``solver(inputs)`` gives SciPy's result, and its fields: x, then those of `extras`.
    extras : dict of str to Type
    states : int
        How many of `extras` the residual reads, as numbers.
    """

    def __init__(
        self, name: str, residual: Graph, positions: Sequence[int],
        solver: Callable[..., tuple[Any, Sequence[Any]]], extras: dict[str, Type], states: int = 0,
    ) -> None:  # fmt: skip
        self.name, self.residual, self.positions = name, residual, positions
        self.solver, self.extras, self.states = solver, extras, states
        x = residual.inputs[0].type
        self.types = (x, x, *extras.values())

    def _constants(self, inputs: Sequence[Any], extras: Sequence[Any]) -> list[Any]:
        return [*[inputs[k] for k in self.positions], *extras[: self.states]]

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Run SciPy's algorithm, then Newton's method."""
        self.outcome, (x, *extras) = self.solver(inputs)
        x = np.asarray(x, float)
        return (x, improved(self.residual, x, self._constants(inputs, extras)), *extras)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """J dx = -dr/dc dc."""
        graph, x = self.residual, self._solution(results)
        moving = [k for k in range(len(self.positions)) if tangents[self.positions[k]] is not None]
        refused = [NoTangent(self) if is_inexact(t.dtype) else None for t in self.types[2:]]
        if not moving:
            return [None, None, *refused]
        constants = self._constants(inputs, results[2:])
        along = pushforward(graph, tuple(1 + k for k in moving))
        directions = [tangents[self.positions[k]] for k in moving]
        (change,) = call(along, [x, *constants, *directions])
        t_x = solve(jacobian(graph, 0, [x, *constants]), -flat(change))
        t_x = shaped(t_x, self.types[0].shape)
        return [t_x, t_x, *refused]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """J.T w = g, and -w dr/dc for c."""
        if any(g is not None for g in cotangents[2:]):
            raise self.no_derivative()
        graph, x = self.residual, self._solution(results)
        passed: list[Any] = [None] * len(inputs)
        moving = [k for k in range(len(self.positions)) if needed[self.positions[k]]]
        g = [flat(c) for c in cotangents[:2] if c is not None]
        if not moving or not g:
            return passed
        constants = self._constants(inputs, results[2:])
        matrix = transpose(jacobian(graph, 0, [x, *constants]), axes=(1, 0))
        w = solve(matrix, g[0] if len(g) == 1 else g[0] + g[1])
        back = pullback(graph, tuple(1 + k for k in moving))
        w = shaped(-w, graph.outputs[0].shape)
        for k, c in zip(moving, call(back, [x, *constants, w]), strict=True):
            passed[self.positions[k]] = c
        return passed

    def _solution(self, results: Sequence[Any]) -> Any:
        """Return the improved x; raise if it is known that there is none."""
        x = results[1]
        value = x.value if isinstance(x, Node) else x
        if value is not None and np.isnan(value).any():
            raise GradientError(
                at_user_line(
                    f"{self.name} has no derivative here: the point that it returned is no "
                    f"isolated solution, to which Newton's method converges within {_CLOSE} of it. "
                    "Did it succeed, and is there one solution near?"
                )
            )
        return x

    def no_derivative(self) -> GradientError:
        """Return the error for fields that depend on how the algorithm went."""
        fields = ", ".join(k for k, t in self.extras.items() if is_inexact(t.dtype))
        return GradientError(
            at_user_line(
                f"{self.name}: its results {fields} depend on the steps of the algorithm and have "
                "no derivative: use x and fun, or chainrule.stop_gradient of them"
            )
        )


def improved(residual: Graph, x: Any, constants: Sequence[Any]) -> Any:
    """Return the solution near x by Newton's method; nan where it does not converge."""
    start = flat(np.asarray(x))
    point = start
    shape = residual.inputs[0].shape
    size = 1.0 + np.max(np.abs(start), initial=0.0)
    with np.errstate(all="ignore"):
        for k in range(_MOST_STEPS):
            arguments = [shaped(point, shape), *constants]
            (r,) = call(residual, arguments)
            step = solve_plain(jacobian(residual, 0, arguments), flat(np.asarray(r)))
            length = np.max(np.abs(step), initial=0.0) / size
            if not k:
                first = length
            if not length < np.inf:
                break
            point = point - step
            if length <= _DONE:
                break
        converged = (
            length <= _CONVERGED and np.max(np.abs(point - start), initial=0.0) <= _CLOSE * size
        )
    if converged:
        return point.reshape(x.shape)
    return x if first <= 1e-4 else np.full(x.shape, np.nan)


def _known(outcome: tuple[Any, Sequence[Any]], _inputs: Any) -> tuple[Any, Sequence[Any]]:
    return outcome


def find(
    name: str, inputs: Inputs, closure: Closure,
    solver: Callable[..., tuple[Any, Sequence[Any]]], extras: dict[str, Type],
    residual: Callable[[Graph], Graph] | None = None, states: int = 0, more: Sequence[int] = (),
) -> tuple[Outcome, Closure]:  # fmt: skip
    """Run SciPy's algorithm for what a function of the user's defines.

    Parameters
    ----------
    residual : callable, optional
        Makes the graph of r from that of the function. Default: the function is r.
    more : sequence of int
        Further inputs that r reads, after those of the function.
    """
    if closure.graph is None:
        with depth_of_traces(0):
            outcome = solver([node.value for node in inputs.nodes])
        closure = closure.at(outcome[1][0])
        closure = replace(closure, start=len(inputs.nodes))
        inputs.nodes += closure.outside
        solver = partial(_known, outcome)
    assert closure.graph is not None
    graph = closure.graph if residual is None else residual(closure.graph)
    unknowns, equations = (int(np.prod(x.shape)) for x in (graph.inputs[0], graph.outputs[0]))
    if unknowns != equations:
        raise UnsupportedError(
            at_user_line(
                f"{name} of {equations} equations for {unknowns} unknowns: use "
                "scipy.optimize.least_squares, whose minimum has a derivative"
            )
        )
    positions = [*range(closure.start, closure.start + len(closure.outside)), *more]
    call = ImplicitSolution(name, graph, positions, solver, extras, states)
    return run(call, inputs.nodes), closure
