"""implicit_root, implicit_fixed_point: derivatives of solutions, however they were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ... import tree
from ...control.custom_call import apply_call, known_call
from ...errors import (
    DtypeError,
    Refusal,
    ShapeError,
    at_user_line,
    outside_of_traces,
    refusals,
)
from ...graph.graph import Graph
from ...graph.node import Node, constant, input_node
from ...graph.types import Type, is_float
from ...primitives.callback import TOKEN
from ...trace.capture import as_array, to_user_arrays
from ...trace.operands import is_weak, node_of
from ...trace.tracer import Tracer
from ...trace.tracing import first_token
from .root_call import RootCall
from .rule_calls import (
    BodyGraph,
    ClosureError,
    as_node,
    body_graph,
    graph_of_call,
    plain_operand,
)
from .ruled_function import check_type


def implicit_root(f: Callable[..., Any], solve: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that solves ``f(x, *params) = 0``, with the derivative of the root.

    The derivative follows from the equation (the implicit function theorem), and not from the steps
    of the solver: ``df/dx dx = -df/dparams dparams``, one linear system for all of them. So the
    solver may be anything: a loop of Newton's method that branches, SciPy, a table. No step of it
    is remembered, and derivatives are as accurate as the root is.

    Parameters
    ----------
    f : callable
        ``f(x, *params)``, as many equations as there are unknowns, in any structure. Zero at the
        root.
    solve : callable
        ``solve(x0, *params)`` returns the root, with the structure and shapes of `x0`. It is given
        plain arrays where their numbers are known; under `jit` it is compiled if it can be, and
        else called back.

    Returns
    -------
    callable
        ``root(x0, *params)``: the root, of the structure, shapes and dtypes of `x0`, a pytree of
        floating numbers from which the solver may start. Differentiable by `params`, and by what
        `f` reads by its closure, in both modes and to any order; the derivative by `x0` is zero.

    Raises
    ------
    GradientError
        If what `solve` returned is no root: f there is larger than a change of x by one part in
        1,000 would explain. Without `jit` only. If the Jacobian at the root is singular.
    ShapeError, DtypeError
        If `solve` returns another structure or shapes than `x0`, `f` as many numbers as there are
        not unknowns, or `x0` is of integers.

    Notes
    -----
    Up to 2,000 unknowns the Jacobian is computed as a matrix and factorized. Beyond, GMRES solves
    the linear system with products alone.

    References
    ----------
    M. Blondel et al., "Efficient and modular implicit differentiation", NeurIPS 35 (2022). S. G.
    Krantz, H. R. Parks, "The implicit function theorem", Birkhäuser (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import optimize
    >>> from chainrule.transforms import grad
    >>> def kepler(e, eccentricity, m):
    ...     return e - eccentricity * np.sin(e) - m
    >>> def solve(e, eccentricity, m):
    ...     return optimize.newton(kepler, e, args=(eccentricity, m))
    >>> anomaly = implicit_root(kepler, solve)
    >>> float(anomaly(0.8, 0.1, 0.8).round(6)), float(grad(anomaly, 2)(0.8, 0.1, 0.8).round(6))
    (0.876874, 1.068326)
    """
    return _root_function(f, solve, "implicit_root")


def implicit_fixed_point(f: Callable[..., Any], solve: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that solves ``x = f(x, *params)``, with the derivative of the fixed point.

    Parameters
    ----------
    f : callable
        ``f(x, *params)``, of the structure and shapes of x.
    solve : callable
        ``solve(x0, *params)`` returns the fixed point; see `implicit_root`.

    Returns
    -------
    callable
        ``fixed_point(x0, *params)``; see `implicit_root`, also for errors and references.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import grad
    >>> def solve(x, a):
    ...     for _ in range(60):
    ...         x = np.cos(a * x)
    ...     return x
    >>> fixed = implicit_fixed_point(lambda x, a: np.cos(a * x), solve)
    >>> float(fixed(1.0, 1.0).round(6)), float(grad(fixed, 1)(1.0, 1.0).round(6))
    (0.739085, -0.297474)
    """

    @wraps(f)
    def residual(x: Any, *params: Any) -> Any:
        value = f(x, *params)
        if tree.structure(value) != tree.structure(x):
            raise ShapeError(
                at_user_line(
                    f"implicit_fixed_point: the function returned {tree.structure(value)} for x of "
                    f"{tree.structure(x)}"
                )
            )
        return tree.map(np.subtract, value, x)

    return _root_function(residual, solve, "implicit_fixed_point")


def _root_function(
    f: Callable[..., Any], solve: Callable[..., Any], kind: str
) -> Callable[..., Any]:
    for role, function in (("f", f), ("solve", solve)):
        if not callable(function):
            raise TypeError(at_user_line(f"{kind}: {role} is {type(function).__name__}"))

    @wraps(solve)
    def of_parameters(x0: Any, *params: Any) -> Any:
        return _Problem(f, solve, kind, x0, params).root()

    return of_parameters


class _Problem:
    """One call: the equations at its parameters, and how they are solved.

    Attributes
    ----------
    unknowns : int
        How many arrays x has: they come first among the leaves of the arguments.
    types : tuple of Type
        Theirs.
    """

    def __init__(
        self, f: Callable[..., Any], solve: Callable[..., Any], kind: str, x0: Any, params: Any
    ) -> None:
        self._f, self._solve = f, solve
        self.name = f"{kind} of {getattr(f, '__qualname__', type(f).__name__)}"
        self.leaves, self._treedef = tree.flatten((x0, *params))
        self._weak = [is_weak(x) for x in self.leaves]
        self.structure = tree.structure(x0)
        self.unknowns = self.structure.num_leaves
        arrays = [as_array(x, f"an argument of {self.name}") for x in self.leaves]
        self.types = tuple([Type(x.shape, x.dtype) for x in arrays[: self.unknowns]])
        for t in self.types:
            if not is_float(t.dtype) or t.dtype.itemsize < 4:
                raise DtypeError(
                    at_user_line(f"{self.name}: x0 is {t}: give floating numbers of 32 or 64 bits")
                )
        if len({t.dtype for t in self.types}) != 1:
            raise DtypeError(
                at_user_line(f"{self.name}: x0 needs arrays of one dtype: it has {self.types}")
            )

    def root(self) -> Any:
        """Return the root: plain arrays if nothing is traced."""
        nodes = [node_of(x) for x in self.leaves]
        results = self._known_root(nodes) if all(x.value is not None for x in nodes) else None
        if results is None:
            results = self._unknown_root(nodes)
        return tree.unflatten(self.structure, to_user_arrays(results))

    def solved(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the leaves of the root that the solver finds for plain arrays."""
        plain = [plain_operand(x, w) for x, w in zip(leaves, self._weak, strict=True)]
        with outside_of_traces():
            result = self._solve(*tree.unflatten(self._treedef, plain))
        arrays = []
        for x, t in zip(self._checked(result), self.types, strict=True):
            value = x.node.value if isinstance(x, Tracer) else x
            if value is None:
                raise ClosureError(f"{self.name}: the solver reads numbers that are not known")
            arrays.append(np.array(value, t.dtype)[()])
        return arrays

    def _known_root(self, nodes: Sequence[Node]) -> Sequence[Any] | None:
        """Return the root for known numbers; None if f or the solver read others."""
        latest = refusals.latest
        try:
            values = self.solved([x.value for x in nodes])
        except ClosureError:
            refusals.latest = latest
            return None
        at_root = [*map(constant, values), *nodes[self.unknowns :]]
        weak = [False] * self.unknowns + self._weak[self.unknowns :]
        body, _ = graph_of_call(self.name, self._residual, at_root, weak)
        if any(x.value is None for x in body.outside):
            return None
        call = self._call(self._closed(body))
        operands = [*nodes, *body.outside]
        call.check(values, [x.value for x in operands[self.unknowns :]])
        if not body.outside and not any(isinstance(x, Tracer) for x in self.leaves):
            return values
        return known_call(call, operands, call.graph([x.type for x in operands]), values)

    def _unknown_root(self, nodes: Sequence[Node]) -> Sequence[Any]:
        """Return the root as a part of a graph."""
        at_root = [*map(input_node, self.types), *nodes[self.unknowns :]]
        weak = [False] * self.unknowns + self._weak[self.unknowns :]
        equations = body_graph(self.name, self._residual, at_root, weak)
        solver = self._captured_solver(nodes)
        bodies = [equations] if solver is None else [equations, solver]
        outside = tuple(dict.fromkeys(node for body in bodies for node in body.outside))
        token = any(body.takes_token for body in bodies)
        operands = [*nodes, *outside, *[node_of(first_token())] * token]
        call = self._call(self._closed(equations, outside, token))
        graph = self._closed(solver, outside, token) if solver else None
        return apply_call(call, operands, graph or call.graph([x.type for x in operands]))

    def _call(self, residual: Graph) -> RootCall:
        return RootCall(self.name, self.types, residual, self.solved, len(self.leaves))

    def _residual(self, *leaves: Any) -> Any:
        return self._f(*tree.unflatten(self._treedef, leaves))

    def _captured_solver(self, nodes: Sequence[Node]) -> BodyGraph | None:
        """Return the solver's graph; None if it cannot be traced."""

        def function(*leaves: Any) -> Any:
            return self._checked(self._solve(*tree.unflatten(self._treedef, leaves)))

        latest = refusals.latest
        try:
            return body_graph(self.name, function, nodes, self._weak)
        except Refusal:  # it branches on numbers, say: then Python runs it
            refusals.latest = latest
            return None

    def _closed(
        self, body: BodyGraph, outside: Sequence[Node] | None = None, token: bool = False
    ) -> Graph:
        """Return a graph over the leaves, all that is read of outside, and a token."""
        count = len(self.leaves)
        inside = dict(zip(body.outside, body.graph.inputs[count:], strict=False))
        outside = body.outside if outside is None else outside
        rest = [inside.get(node) or input_node(node.type) for node in outside]
        last = [body.graph.inputs[-1] if body.takes_token else input_node(TOKEN)] * token
        results = tree.leaves(body.result_of(body.graph.outputs))
        outputs = [as_node(x, f"a result of {self.name}") for x in results]
        return Graph((*body.graph.inputs[:count], *rest, *last), tuple(outputs))

    def _checked(self, result: Any) -> list[Any]:
        """Return the leaves of what the solver returned, if it is like x0."""
        leaves, structure = tree.flatten(result)
        if structure != self.structure:
            raise ShapeError(
                at_user_line(
                    f"{self.name}: the solver returned {structure}, where x0 is {self.structure}"
                )
            )
        for k, (x, t) in enumerate(zip(leaves, self.types, strict=True)):
            check_type(f"{self.name}: the solver returned array {k} of x as", x, t)
        return leaves
