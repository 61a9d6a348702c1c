"""Solutions of ordinary differential equations as one node of a graph, and their derivatives.

In forward mode the loop itself is differentiated. In reverse mode its length is not known, and the
adjoint equation is solved backwards in time beside the equation itself: Pontryagin et al., The
mathematical theory of optimal processes (1962); Chen, Rubanova, Bettencourt and Duvenaud, Neural
ordinary differential equations (2018), algorithm 2. It is an equation again, so that each order
follows.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..control.custom_call import CustomCall, apply_call
from ..forks import changing
from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.types import Type, is_inexact
from ..lazy import computed
from ..scipy_rules.derived_graphs import pushforward
from ..trace.capture import capture, to_user_arrays, type_of
from ..trace.operands import node_of
from ..trace.tracer import Tracer, traced
from ..transforms.compiling.jit import jit
from ..transforms.differentiating.gradient import vjp
from ..transforms.looping.branches import while_loop
from ..transforms.looping.loops import scan
from .functions import function_over, with_constants
from .layout import FLOAT64, as_vector
from .runge_kutta import Interval, error_ratio, first_size, next_size, step
from .signatures import signature

SOLVED, TOO_MANY_STEPS, NO_STEP, NOT_SORTED = 0, 1, 2, 3
_STATUS = Type((), np.dtype(np.int64))
_MOST = 32  # equations whose compiled loops are remembered
_Y0, _TIMES, _SETTINGS = 0, 1, 2  # positions of inputs before those of the field


class State(NamedTuple):
    """Where a solution is: the point and the derivative there, and the last step."""

    y: Any
    slope: Any
    t: Any
    size: Any
    interval: Interval
    count: Any
    status: Any


class Solver(CustomCall):
    """The solution of ``dy/dt = field(y, t, *args)`` at some increasing times.

    As a call it takes y at the first time, the times, four settings (rtol, atol, the most steps
    between two times, the longest step) and the arguments; it returns y at all times, and a status.

    Parameters
    ----------
    field : Graph
        Of a vector y, a number t, and arguments.
    count : int
        How many times.
    """

    name = "odeint"

    def __init__(self, field: Graph, count: int) -> None:
        self.field, self.times = field, count
        self.n = field.inputs[0].shape[0]
        self.types = (Type((count, self.n), FLOAT64), _STATUS)
        self._adjoints: dict[tuple[bool, ...], tuple[Graph, Any]] = {}

    @computed
    def body(self) -> Graph:
        """The loop."""
        types = [Type((self.n,), FLOAT64), Type((self.times,), FLOAT64), Type((4,), FLOAT64)]
        return _graph(self._solved, [*types, *self.field.input_types[2:]])

    @computed
    def compiled(self) -> Any:
        """The loop for plain numbers."""
        return jit(self._solved)

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Run the compiled loop."""
        return self.compiled(*inputs)  # type: ignore[no-any-return]

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the loop."""
        return self.body

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Differentiate the loop."""
        moving = tuple([k for k, t in enumerate(tangents) if t is not None])
        derived = pushforward(self.body, moving)
        tangent, _ = call(derived, [*inputs, *[tangents[k] for k in moving]])
        return [tangent, None]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Solve the adjoint equation."""
        if cotangents[0] is None:
            return [None] * len(inputs)
        moving = tuple([
            need and is_inexact(x.dtype)
            for need, x in zip(needed[3:], inputs[3:], strict=True)
        ])  # fmt: skip
        if moving not in self._adjoints:
            adjoint = _Adjoint(self, moving)
            types = [self.types[0], *[x.type for x in self.body.inputs[1:3]], self.types[0]]
            graph = _graph(adjoint.solved, [*types, *self.field.input_types[2:]])
            self._adjoints[moving] = graph, jit(adjoint.solved)
        graph, compiled = self._adjoints[moving]
        operands = [results[0], inputs[_TIMES], inputs[_SETTINGS], cotangents[0], *inputs[3:]]
        if any(isinstance(x, Node) for x in operands):
            of_y0, of_times, *rest = call(graph, operands)
        else:
            of_y0, of_times, *rest = compiled(*operands)
        of_args = iter(rest)
        return [of_y0, of_times, None, *[next(of_args) if m else None for m in moving]]

    def _solved(self, y0: Any, times: Any, settings: Any, *args: Any) -> tuple[Any, Any]:
        """Return y at the times, and how it went."""
        rtol, atol, most, longest = [settings[k] for k in range(4)]
        of_graph = function_over(self.field)

        def field(y: Any, t: Any) -> Any:
            return of_graph(y, t, *args)

        def advanced(state: State) -> State:
            new = step(field, state.y, state.slope, state.t, state.size)
            ratio = error_ratio(new.error, state.y, new.y, rtol, atol)
            taken = ratio <= 1.0
            size = np.minimum(next_size(state.size, ratio), longest)
            last = Interval(state.t, state.size, state.y, state.slope, new.middle, new.y, new.slope)
            after = State(
                new.y, new.slope, state.t + state.size, size, last, state.count, state.status
            )
            before = state._replace(size=size)
            chosen = tree.map(lambda a, b: np.where(taken, a, b), after, before)
            return chosen._replace(count=state.count + 1)  # type: ignore[no-any-return]

        def until(state: State, t: Any) -> tuple[State, Any]:
            def goes_on(state: State) -> Any:
                moves = state.t + state.size > state.t
                return (state.t < t) & (state.count < most) & moves & (state.status == SOLVED)

            last = while_loop(goes_on, advanced, state._replace(count=np.int64(0)))
            failed = np.where(last.count >= most, TOO_MANY_STEPS, NO_STEP)
            stopped = (last.status == SOLVED) & ~(last.t >= t)
            last = last._replace(status=np.where(stopped, failed, last.status))
            y = np.where(last.status == SOLVED, last.interval.at(t), np.nan)
            return last, y

        if self.times == 1:
            return y0[None], np.int64(SOLVED)
        slope = field(y0, times[0])
        size = np.minimum(first_size(field, y0, slope, times[0], rtol, atol), longest)
        none = Interval(times[0], np.float64(0.0), y0, slope, y0, y0, slope)
        increasing = np.all(times[1:] > times[:-1])
        status = np.where(increasing, np.int64(SOLVED), np.int64(NOT_SORTED))
        start = State(y0, slope, times[0], size, none, np.int64(0), status)
        last, ys = scan(until, start, times[1:])
        return np.concatenate([y0[None], ys]), last.status


class _Adjoint:
    """The derivatives of a weighted sum of a solution, by one equation backwards in time.

    Its state is y, the cotangent of y, and those of the first time and of the arguments, which are
    integrals along the way.
    """

    def __init__(self, solver: Solver, moving: Sequence[bool]) -> None:
        self.field, self.n, self.moving = solver.field, solver.n, list(moving)
        types = [t for t, m in zip(self.field.input_types[2:], moving, strict=True) if m]
        self.shapes = [t.shape for t in types]
        self.size = sum(int(np.prod(shape)) for shape in self.shapes)

    def _augmented(self, state: Any, minus_t: Any, *args: Any) -> Any:
        """Return the derivative of the state by the time backwards."""
        n, of_graph = self.n, function_over(self.field)
        moving = [x for x, m in zip(args, self.moving, strict=True) if m]

        def field(y: Any, t: Any, *moving: Any) -> Any:
            rest = iter(moving)
            return of_graph(y, t, *[next(rest) if m else x for m, x in zip(self.moving, args)])  # noqa: B905

        slope, pullback = vjp(field, state[:n], -minus_t, *moving)
        of_y, of_t, *of_args = pullback(state[n : 2 * n])
        return np.concatenate([-slope, of_y, as_vector([of_t, *of_args])])

    def solved(
        self, ys: Any, times: Any, settings: Any, weights: Any, *args: Any
    ) -> tuple[Any, ...]:
        """Return the cotangents of y at the first time, of all times, and of the arguments."""
        n, of_graph = self.n, function_over(self.field)

        def back(state: Any, interval: Any) -> tuple[Any, Any]:
            y, t, before, weight, weight_before = interval
            of_y, of_first, of_args = state
            of_t = np.sum(of_graph(y, t, *args) * weight)
            start = np.concatenate([y, of_y, np.reshape(of_first - of_t, (1,)), of_args])
            both = np.stack([-t, -before])
            solution, status = solve(self._augmented, start, both, settings, args)
            end = np.where(status == SOLVED, solution[1], np.nan)
            return (end[n : 2 * n] + weight_before, end[2 * n], end[2 * n + 1 :]), of_t

        begin = (weights[-1], np.float64(0.0), np.zeros(self.size))
        rows = (ys[1:], times[1:], times[:-1], weights[1:], weights[:-1])
        (of_y0, of_first, of_args), of_times = scan(back, begin, rows, reverse=True)
        parts, position = [], 0
        for shape in self.shapes:
            count = int(np.prod(shape))
            part = of_args[position : position + count]
            parts.append(np.reshape(part, shape) if shape else part[0])
            position += count
        return of_y0, np.concatenate([np.reshape(of_first, (1,)), of_times]), *parts


_solvers: dict[Hashable, Solver] = {}


def solve(field: Any, y0: Any, times: Any, settings: Any, args: Sequence[Any]) -> tuple[Any, Any]:
    """Return the solution of ``dy/dt = field(y, t, *args)`` at increasing times, and a status.

    Parameters
    ----------
    field : callable
        Of a vector of float64; may read what is traced around it.
    y0 : float64[n]
    times : float64[k]
    settings : float64[4]
        rtol, atol, the most steps between two times, the longest step.
    args : sequence of array
    """
    types = [type_of(y0), Type((), FLOAT64), *map(type_of, args)]
    graph, outside = with_constants(
        capture(field, types, tree.structure(tuple([0.0] * len(types))))
    )
    solver = _solver(graph, type_of(times).shape[0])
    operands = [y0, times, settings, *args, *map(traced, outside)]
    if not any(isinstance(x, Tracer) for x in operands):
        return solver.compiled(*operands)  # type: ignore[no-any-return]
    nodes = [node_of(x) for x in operands]
    known = all(x.value is not None for x in nodes)
    ys, status = apply_call(solver, nodes, None if known else solver.body)
    ys, status = to_user_arrays([ys, status])
    return ys, status


def _solver(field: Graph, count: int) -> Solver:
    """Return the solver of a field, the one of before if its graph is the same."""
    known = signature(field)
    key = known, count
    if known is not None and key in _solvers:
        return _solvers[key]
    solver = Solver(field, count)
    if known is not None:
        with changing:
            while len(_solvers) >= _MOST:
                del _solvers[next(iter(_solvers))]
            _solvers[key] = solver
    return solver


def _graph(function: Any, types: Sequence[Type]) -> Graph:
    graph, outside = with_constants(
        capture(function, types, tree.structure(tuple([0.0] * len(types))))
    )
    assert not outside
    return graph
