"""Solutions of initial value problems, y' = F(t, y, c), whose derivatives are such solutions again.

With the solution, its derivative s along a direction follows s' = dF/dy s + dF/dc dc: forward mode
integrates both together. Reverse mode integrates the derivatives by all numbers that are asked for
and sums them with the cotangents. An adjoint would need fewer numbers, but would have to integrate
the solution backwards, which for a problem that is stable forwards is not.

The augmented system is solved by the same method, with a relative tolerance of a tenth of the one
asked for and at most `LOOSEST`; the absolute one is scaled by the numbers that the derivative is
taken by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...control.scan import run_scan
from ...graph.evaluate import call
from ...graph.graph import Graph
from ...graph.node import Node, input_node
from ...graph.types import Type
from ...primitives.elementwise import mul
from ...primitives.products import matmul
from ...primitives.structure import cast, concatenate, reshape, slice_, sum_, transpose
from ..algorithm import Algorithm, call_algorithm
from ..derived_graphs import FLOAT, columns, flat, pullback, pushforward, shaped
from ..plain_function import plain_function

LOOSEST = 1e-6
_LEAST_FACTOR = 1e-6

Solver = Callable[[Callable[[float, Any], Any], float, Any, Any, Any], Any]
Weights = Callable[[Sequence[Any]], Any]


class InitialValueSolution(Algorithm):
    """y at times ts, from y0 at t0; its inputs are t0, ts, y0 and the constants of F.

    Parameters
    ----------
    graph : Graph
        ``(t, y, *constants)`` to F, all but t arrays of one axis.
    times : int
        How many times.
    solver : callable
        ``solver(f, t0, y0, ts, weights)`` gives an array (times, n); `weights` are factors of the
        absolute tolerances. What the derivatives are solved by.
    blocks : int
        Of how many copies of the user's system it consists.
    weights : callable, optional
        ``weights(inputs)`` gives the factors of the absolute tolerances. Default 1.
    """

    def __init__(
        self, name: str, graph: Graph, times: int, solver: Solver, weights: Weights | None = None,
    ) -> None:  # fmt: skip
        self.name, self.graph, self.solver, self.weights = name, graph, solver, weights
        self.n, self.times = graph.inputs[1].shape[0], times
        self.types = (Type((times, self.n), FLOAT),)

    def _factors(self, inputs: Sequence[Any]) -> Any:
        return np.ones(self.n) if self.weights is None else self.weights(inputs)

    def evaluate(self, t0: Any, ts: Any, y0: Any, *constants: Any) -> Sequence[Any]:
        """Solve by SciPy's method."""
        f = plain_function(self.graph, 2, constants, native=True)
        factors = self._factors([t0, ts, y0, *constants])
        return (self.solver(lambda t, y: f(t, y)[0], float(t0), y0, ts, factors),)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Solve for the derivative along the tangents, beside the solution."""
        t0, ts, y0, *constants = inputs
        t_t0, t_ts, t_y0, *others = tangents
        moving = tuple([k for k, t in enumerate(others) if t is not None])
        terms = []
        if moving or t_y0 is not None or t_t0 is not None:
            start = np.zeros(self.n) if t_y0 is None else t_y0
            if t_t0 is not None:
                start = start - mul(call(self.graph, [t0, y0, *constants])[0], t_t0)
            directions = [others[k] for k in moving]
            derived = InitialValueSolution(
                self.name, self._along(moving), self.times, self.solver, self._weights_along(moving)
            )
            both = concatenate(y0, start, axis=0)
            (solved,) = call_algorithm(derived, [t0, ts, both, *constants, *directions])
            index = (slice(None), slice(self.n, None))
            terms.append(slice_(solved, index=index))
        if t_ts is not None:
            slopes = self._slopes(ts, results[0], constants)
            terms.append(mul(slopes, reshape(t_ts, shape=(self.times, 1))))
        return [terms[0] if len(terms) == 1 else terms[0] + terms[1]]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Solve for the derivatives by all that is needed, and sum them with the cotangents."""
        t0, ts, y0, *constants = inputs
        (g,) = cotangents
        passed: list[Any] = [None] * len(inputs)
        if needed[1]:
            passed[1] = sum_(mul(g, self._slopes(ts, results[0], constants)), axes=(1,))
        moving = tuple([k for k in range(len(constants)) if needed[3 + k]])
        of_start = needed[0] or needed[2]
        if not of_start and not moving:
            return passed
        sums = self._weighted_sensitivities(g, inputs, moving, of_start)
        start = self.n if of_start else 0
        if of_start:
            by_start = slice_(sums, index=(slice(0, self.n),))
            passed[2] = by_start if needed[2] else None
            if needed[0]:
                slope = call(self.graph, [t0, y0, *constants])[0]
                passed[0] = -sum_(mul(slope, by_start), axes=(0,))
        for k in moving:
            shape = constants[k].shape
            stop = start + int(np.prod(shape))
            passed[3 + k] = shaped(slice_(sums, index=(slice(start, stop),)), shape)
            start = stop
        return passed

    def _weighted_sensitivities(
        self, g: Any, inputs: Sequence[Any], moving: tuple[int, ...], of_start: bool
    ) -> Any:
        """Return the derivatives of the sum of g * y, by y0 and by the constants that move."""
        t0, ts, y0, *constants = inputs
        count = sum(int(np.prod(constants[k].shape)) for k in moving) + of_start * self.n
        start = np.zeros((count, self.n))
        if of_start:
            start[: self.n] = np.eye(self.n)
        derived = InitialValueSolution(
            self.name, self._by_all(moving, of_start), self.times, self.solver,
            self._weights_by_all(moving, of_start),
        )  # fmt: skip
        both = concatenate(y0, start.ravel(), axis=0)
        (solved,) = call_algorithm(derived, [t0, ts, both, *constants])
        index = (slice(None), slice(self.n, None))
        sensitivities = reshape(slice_(solved, index=index), shape=(self.times, count, self.n))
        weighted = mul(sensitivities, reshape(g, shape=(self.times, 1, self.n)))
        return sum_(weighted, axes=(0, 2))

    def _slopes(self, ts: Any, ys: Any, constants: Sequence[Any]) -> Any:
        """Return F at each of the times, as rows."""
        (slopes,) = run_scan(
            [ts, ys, *constants], body=self.graph, n_carry=0, n_xs=2, length=self.times,
            reverse=False,
        )  # fmt: skip
        return slopes

    # The augmented systems

    def _along(self, moving: tuple[int, ...]) -> Graph:
        """Return F of the solution and one derivative: (t, (y, s), *constants, *directions)."""
        t, _, *constants = self.graph.inputs
        along = pushforward(self.graph, (1, *[2 + k for k in moving]))
        directions = along.inputs[len(self.graph.inputs) + 1 :]
        both = input_node(Type((2 * self.n,), FLOAT))
        y, s = _part(both, 0, self.n), _part(both, self.n, 2 * self.n)
        (slope,) = call(self.graph, [t, y, *constants])
        (change,) = call(along, [t, y, *constants, s, *directions])
        return Graph((t, both, *constants, *directions), (_joined(slope, change),))

    def _by_all(self, moving: tuple[int, ...], of_start: bool) -> Graph:
        """Return F of the solution and all derivatives, S' = S J.T + dF/dc.T, with S as rows."""
        n = self.n
        t, _, *constants = self.graph.inputs
        back = pullback(self.graph, (1, *[2 + k for k in moving]))
        rows_of = Graph(back.inputs, (_joined(*[_float(flat(x)) for x in back.outputs]),))
        p = rows_of.outputs[0].shape[0] - n
        count = p + of_start * n
        both = input_node(Type((n + count * n,), FLOAT))
        y = _part(both, 0, n)
        s = reshape(_part(both, n, n + count * n), shape=(count, n))
        rows = columns(rows_of, n, [t, y, *constants])
        jacobian = slice_(rows, index=(slice(None), slice(0, n)))
        change = matmul(s, transpose(jacobian, axes=(1, 0)))
        if p:
            by_constants = slice_(rows, index=(slice(None), slice(n, None)))
            forced = transpose(by_constants, axes=(1, 0))
            if of_start:
                forced = concatenate(np.zeros((n, n)), forced, axis=0)
            change = change + forced
        (slope,) = call(self.graph, [t, y, *constants])
        return Graph((t, both, *constants), (_joined(slope, flat(change)),))

    # Their absolute tolerances: those of y, over the size of what the derivative is taken by

    def _weights_along(self, moving: tuple[int, ...]) -> Weights:
        first = 3 + len(self.graph.inputs) - 2

        def weights(inputs: Sequence[Any]) -> Any:
            base = self._factors([*inputs[:2], inputs[2][: self.n], *inputs[3:first]])
            pairs = [(inputs[2][: self.n], inputs[2][self.n :])]
            pairs += [(inputs[3 + k], t) for k, t in zip(moving, inputs[first:], strict=True)]
            largest = max(float(np.max(np.abs(t) * _inverse(x), initial=0.0)) for x, t in pairs)
            return np.concatenate([base, base * np.clip(largest, _LEAST_FACTOR, 1.0)])

        return weights

    def _weights_by_all(self, moving: tuple[int, ...], of_start: bool) -> Weights:
        def weights(inputs: Sequence[Any]) -> Any:
            y0 = inputs[2][: self.n]
            base = self._factors([*inputs[:2], y0, *inputs[3:]])
            sources = [*([y0] if of_start else []), *[inputs[3 + k] for k in moving]]
            sizes = np.concatenate([_inverse(np.ravel(x)) for x in sources])
            factors = np.clip(sizes, _LEAST_FACTOR, 1.0)
            return np.concatenate([base, np.outer(factors, base).ravel()])

        return weights


def _inverse(x: Any) -> Any:
    x = np.abs(np.asarray(x, float))
    return 1.0 / np.where(x > 0.0, x, 1.0)


def _part(x: Node, start: int, stop: int) -> Any:
    return slice_(x, index=(slice(start, stop),))


def _joined(*parts: Any) -> Any:
    return parts[0] if len(parts) == 1 else concatenate(*parts, axis=0)


def _float(x: Any) -> Any:
    return x if x.dtype == FLOAT else cast(x, dtype=FLOAT)
