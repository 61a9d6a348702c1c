"""Roots of equations as nodes: the solver finds them, the equations differentiate them.

With J = df/dx at the root, f(x, p) = 0 gives to each order::

    forward mode   J dx = -df/dp dp
    reverse mode   J.T w = g, and -w df/dp for p
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ... import tree
from ...control.custom_call import CustomCall
from ...control.linear_solution import solve_linear
from ...control.recomputed import pullback_of, pushforward_of
from ...errors import GradientError, ShapeError, at_user_line
from ...graph.evaluate import call as call_graph
from ...graph.evaluate import inline
from ...graph.graph import Graph
from ...graph.node import apply, constant, input_node, items
from ...graph.types import Type
from ...primitives.callback import FIRST_TOKEN, TOKEN, HostFunction, callback
from ...primitives.structure import cast, concatenate, reshape, slice_
from ..looping.callbacks import user_line

_MOVE = 1e-3  # how far, relative to its size, a solution may be from a root


class RootCall(CustomCall):
    """``(*x0, *rest)`` to the root x of ``residual(*x, *rest) = 0``.

    Parameters
    ----------
    name : str
    types : tuple of Type
        Those of x.
    residual : Graph
    solve : callable
        The solver, from plain arrays to those of x.
    count : int
        How many of the operands it takes: the first ones.
    """

    def __init__(
        self,
        name: str,
        types: tuple[Type, ...],
        residual: Graph,
        solve: Callable[[Sequence[Any]], list[Any]],
        count: int,
    ) -> None:
        self.name, self.types = name, types
        self._solved, self._count = solve, count
        self._sizes = [prod(t.shape) for t in self.types]
        self._n = len(self.types)
        total, equations = sum(self._sizes), sum(prod(y.shape) for y in residual.outputs)
        if total != equations:
            raise ShapeError(
                at_user_line(
                    f"{self.name}: {equations} equations for {total} unknowns: as many are needed"
                )
            )
        self._vector = Type((total,), self.types[0].dtype)
        x = input_node(self._vector)
        rest = residual.inputs[self._n :]
        outputs = inline(Graph(residual.inputs, residual.outputs), [*self._split(x), *rest])
        self._equations = Graph((x, *rest), (self._joined(outputs),))

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Run the solver."""
        return self._solved(inputs[: self._count])

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return a graph that calls the solver."""
        leaves = [input_node(t) for t in types]
        read = leaves[: self._count]
        structure = tree.structure(tuple(range(len(read))))
        results = tree.structure([0] * self._n)
        function = HostFunction(
            lambda *xs: self._solved(xs), structure, results, self.types, True, user_line()
        )
        last = leaves[-1] if leaves[-1].type == TOKEN else constant(np.asarray(FIRST_TOKEN))
        called = apply(callback, (last, *read), {"call": function})
        return Graph(tuple(leaves), items(called)[1:])

    def check(self, x: Sequence[Any], rest: Sequence[Any]) -> None:
        """Raise if x is no root: if f there is larger than a small change of x would explain."""
        point = np.asarray(self._joined([np.asarray(y) for y in x]))
        with np.errstate(all="ignore"):
            size = np.max(np.abs(self._value(point, rest)), initial=0.0)
            step = _MOVE * np.max(np.abs(point), initial=0.0) or _MOVE
            signs = (-1.0) ** np.arange(len(point))
            near = [self._value(point + step * s, rest) for s in (1.0, -1.0, signs, -signs)]
            changes = [np.abs(y - self._value(point, rest)) for y in near]
        change = np.max(np.nan_to_num(changes, nan=0.0), initial=0.0)
        if not size <= change and size != 0.0:
            raise GradientError(
                at_user_line(
                    f"{self.name}: the solver returned no root: f is {size:.3g} there, and it "
                    f"changes by {change:.3g} where x moves by {step:.3g}. Did it converge?"
                )
            )

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """J dx = -df."""
        moving = [k for k in range(self._n, len(inputs)) if tangents[k] is not None]
        if not moving:
            return [None] * self._n
        at_root = [self._joined(results), *inputs[self._n :]]
        along = pushforward_of(self._equations, [1 + k - self._n for k in moving])
        (change,) = call_graph(along, [*at_root, *[tangents[k] for k in moving]])
        product = _last_first(pushforward_of(self._equations, [0]))
        return self._split(solve_linear(self.name, product, -change, at_root))

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """J.T w = g, and -w df."""
        passed: list[Any] = [None] * len(inputs)
        moving = [k for k in range(self._n, len(inputs)) if needed[k]]
        if not moving:
            return passed
        filled = [np.zeros(t.shape, t.dtype) if g is None else g
                  for g, t in zip(cotangents, self.types, strict=True)]  # fmt: skip
        at_root = [self._joined(results), *inputs[self._n :]]
        product = _last_first(pullback_of(self._equations, [0], [0]))
        w = solve_linear(self.name, product, self._joined(filled), at_root)
        back = pullback_of(self._equations, [1 + k - self._n for k in moving], [0])
        for k, c in zip(moving, call_graph(back, [*at_root, -w]), strict=True):
            passed[k] = c
        return passed

    def _value(self, x: Any, rest: Sequence[Any]) -> Any:
        return np.asarray(call_graph(self._equations, [x, *rest])[0])

    def _joined(self, parts: Sequence[Any]) -> Any:
        """Return arrays as one vector."""
        flat = [reshape(x, shape=(prod(x.shape),)) for x in parts]
        flat = [x if x.dtype == self._vector.dtype else cast(x, dtype=self._vector.dtype)
                for x in flat]  # fmt: skip
        return flat[0] if len(flat) == 1 else concatenate(*flat, axis=0)

    def _split(self, vector: Any) -> list[Any]:
        """Return a vector as arrays like x."""
        parts, start = [], 0
        for size, t in zip(self._sizes, self.types, strict=True):
            part = slice_(vector, index=(slice(start, start + size, 1),))
            parts.append(reshape(part, shape=t.shape))
            start += size
        return parts


def _last_first(graph: Graph) -> Graph:
    *inputs, last = graph.inputs
    return Graph((last, *inputs), graph.outputs)
