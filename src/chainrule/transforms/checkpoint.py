"""checkpoint: a function that the backward pass computes again, instead of remembering it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from .. import tree
from ..autodiff.forward import forward
from ..autodiff.reverse import reverse
from ..control.custom_call import CustomCall, apply_call
from ..control.recomputed import (
    RecomputedCall,
    body_in_other_form,
    pullback_of,
    pushforward_of,
)
from ..errors import at_user_line
from ..graph.evaluate import call as call_graph
from ..graph.graph import Graph
from ..graph.node import Node, input_node, next_serial
from ..graph.types import Type
from ..trace.capture import call_user_function, close_graph, to_user_arrays
from ..trace.function_rules import as_int
from ..trace.operands import node_of
from ..trace.plain_numbers import carries_derivative
from ..trace.restarts import restarted
from ..trace.tracer import Tracer, traced
from ..trace.tracing import first_token
from .rule_calls import as_node, body_graph, closure_error_by, refuse_effects_in, refuse_writes

P = ParamSpec("P")
R = TypeVar("R")


class _Function:
    """A function of the traced leaves of its arguments; all others stay as they are."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.f = f
        self.leaves, self.treedef = tree.flatten((args, kwargs))
        self.positions = [k for k, x in enumerate(self.leaves) if isinstance(x, Tracer)]
        self.nodes = [self.leaves[k].node for k in self.positions]
        self.weak = [bool(self.leaves[k].weak) for k in self.positions]
        self.name = str(getattr(f, "__qualname__", type(f).__name__))

    def __call__(self, *tracers: Any) -> Any:
        leaves = list(self.leaves)
        for k, tracer in zip(self.positions, tracers, strict=True):
            leaves[k] = tracer
        args, kwargs = tree.unflatten(self.treedef, leaves)
        return self.f(*args, **kwargs)


class _KnownCall(CustomCall):
    """A call with known numbers: its function runs again, on tracers, for a derivative.

    Attributes
    ----------
    closure : tuple of Node
        What the function read beside its traced arguments: further operands.
    results : TreeDef
        Of the function's result.
    """

    def __init__(self, function: _Function) -> None:
        self._function = function
        self.name = function.name
        self.closure: tuple[Node, ...] = ()
        self._values: list[Any] | None = None

    def run_first(self) -> bool:
        """Run the function; return whether all its numbers are known."""
        function = self._function
        outputs, self.results, self.closure = self._run([x.value for x in function.nodes])
        self.types = tuple([x.type for x in outputs])
        self._values = [x.value for x in outputs]
        return all(x is not None for x in self._values)

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Return the results of the first run, or run the function for other numbers."""
        values, self._values = self._values, None  # whoever differentiates has them in the node
        return call_graph(self._graph_at(inputs), inputs) if values is None else values

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the function's graph."""
        n = len(self._function.nodes)
        leaves = [input_node(t) for t in types]
        body = body_graph(self.name, self._function, leaves[:n], self._function.weak)
        if not set(body.outside) <= set(self.closure):
            raise closure_error_by(f"checkpoint: {self.name}")
        for node, leaf in zip(body.outside, body.graph.inputs[n:], strict=False):
            leaves[n + self.closure.index(node)] = leaf
        outputs = tree.leaves(body.result_of(body.graph.outputs))
        nodes = tuple([as_node(x, f"a result of {self.name}") for x in outputs])
        return Graph((*body.graph.inputs[:n], *leaves[n:]), nodes)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Run the function again, and push the tangents through its operations."""
        graph = self._graph_at(inputs)
        moving = [k for k, t in enumerate(tangents) if t is not None]
        directions = [tangents[k] for k in moving]
        if any(isinstance(x, Node) for x in (*inputs, *directions)):
            return call_graph(pushforward_of(graph, moving), [*inputs, *directions])
        return forward(graph.outputs, [graph.inputs[k] for k in moving], directions, values=True)

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Run the function again, and pull the cotangents back through its operations."""
        graph = self._graph_at(inputs)
        moving = [k for k, need in enumerate(needed) if need]
        asked = [k for k, g in enumerate(cotangents) if g is not None]
        g = [cotangents[k] for k in asked]
        if any(isinstance(x, Node) for x in (*inputs, *g)):
            passed = call_graph(pullback_of(graph, moving, asked), [*inputs, *g])
        else:
            sources = [graph.inputs[k] for k in moving]
            passed = reverse(graph.outputs, sources, cotangents, values=True)
        by_input: list[Any] = [None] * len(inputs)
        for k, c in zip(moving, passed, strict=True):
            by_input[k] = c
        return by_input

    def form(self, inputs: tuple[Node, ...], needed: Sequence[bool]) -> Sequence[Node] | None:
        """Return results for a backward pass to read."""
        graph = self._graph_at(inputs)
        other = body_in_other_form(graph, needed)
        return None if other is graph else call_graph(other, inputs)

    def _graph_at(self, inputs: Sequence[Any]) -> Graph:
        """Return the graph of another run, over its arguments and the closure."""
        values = [x.value if isinstance(x, Node) else x for x in inputs]
        n = len(self._function.nodes)
        if any(x is None for x in values[:n]):
            return self.graph([Type(x.shape, x.dtype) for x in inputs])
        leaves: list[Node] = []
        outputs, _, outside = self._run(values[:n], leaves)
        if not set(outside) <= set(self.closure):
            raise closure_error_by(f"checkpoint: {self.name}")
        return Graph((*leaves, *self.closure), tuple(outputs))

    def _run(
        self, values: Sequence[Any], leaves: list[Node] | None = None
    ) -> tuple[list[Node], tree.TreeDef, tuple[Node, ...]]:
        """Run the function on tracers with these values.

        Return the results as nodes, their structure, and what was read of outside.
        """
        function = self._function
        first_serial = next_serial()
        leaves = [] if leaves is None else leaves
        tracers: list[Tracer] = []

        def run() -> Any:
            leaves[:] = [input_node(Type(x.shape, x.dtype), x) for x in values]
            tracers[:] = [traced(x, w) for x, w in zip(leaves, function.weak, strict=True)]
            return call_user_function(function, tracers, {})

        result = restarted(run)
        refuse_writes(f"checkpoint: {self.name}", tracers, leaves)
        outputs, structure = tree.flatten(result)
        nodes = [as_node(x, f"a result of {self.name}") for x in outputs]
        graph, outside = close_graph(first_serial, leaves, nodes)
        refuse_effects_in(f"checkpoint: {self.name}", graph)
        return nodes, structure, outside


@overload
def checkpoint(f: Callable[P, R], *, max_saved_bytes: int = 0) -> Callable[P, R]: ...


@overload
def checkpoint(
    *, max_saved_bytes: int = 0
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def checkpoint(f: Callable[..., Any] | None = None, *, max_saved_bytes: int = 0) -> Any:
    """Make a function that the backward pass computes again, instead of remembering it.

    A gradient needs what the forward pass computed, so that memory grows with the number of
    operations. Of `f` only the arguments are remembered: the backward pass computes `f` once more
    when it comes to it, and needs the memory for one such function at a time
    (rematerialisation). The same numbers, for one more forward pass of time. As `jax.checkpoint`;
    `remat` is the same function.

    Parameters
    ----------
    f : callable, optional
        Takes and returns pytrees of arrays and numbers. Without it,
        ``checkpoint(max_saved_bytes=n)`` is a decorator. It may run more than once, so it must have
        no effects.
    max_saved_bytes : int
        How many bytes of what the backward pass reads of one call may be remembered all the same:
        what takes most work to compute again for its size comes first, as far as it fits. Where
        compiled code runs (`jit`, loops, branches). Default 0.

    Returns
    -------
    callable
        Takes what `f` takes, and returns what `f` returns.

    Raises
    ------
    UnsupportedError
        If `f` writes into its arguments, or calls `io_callback`.

    References
    ----------
    A. Griewank, A. Walther, "Algorithm 799: revolve", ACM TOMS 26 (2000) 19-45. T. Chen, B. Xu, C.
    Zhang, C. Guestrin, "Training deep nets with sublinear memory cost", arXiv 1604.06174 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import grad
    >>> layer = checkpoint(lambda w, x: np.tanh(w @ x))
    >>> w = np.array([[0.5, -0.25], [0.25, 0.5]])
    >>> grad(lambda w: np.sum(layer(w, layer(w, np.ones(2)))))(w).round(4).tolist()
    [[1.6066, 1.9914], [1.1039, 1.4734]]
    """
    if f is None:
        return partial(checkpoint, max_saved_bytes=max_saved_bytes)
    if not callable(f):
        raise TypeError(at_user_line(f"checkpoint of {type(f).__name__}: give a function"))
    most_saved = as_int(max_saved_bytes, "max_saved_bytes")
    if most_saved < 0:
        raise ValueError(at_user_line(f"checkpoint: max_saved_bytes={most_saved} is negative"))

    @wraps(f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        function = _Function(f, args, kwargs)
        if not function.nodes:
            result = f(*args, **kwargs)
            read = [x.node for x in tree.leaves(result) if isinstance(x, Tracer)]
            if not any(x.value is None or carries_derivative(x) for x in read):
                return result
        if all(x.value is not None for x in function.nodes):
            known = _KnownCall(function)
            if known.run_first():
                results = apply_call(known, [*function.nodes, *known.closure])
                return tree.unflatten(known.results, to_user_arrays(results))
        return _captured(function, most_saved)

    return checkpointed


def _captured(function: _Function, most_saved: int) -> Any:
    """Enter a call into the graph of a function whose numbers are not known."""
    name = f"checkpoint: {function.name}"
    body = body_graph(name, function, function.nodes, function.weak)
    leaves, structure = tree.flatten(body.result_of(body.graph.outputs))
    outputs = tuple([as_node(x, f"a result of {function.name}") for x in leaves])
    graph = Graph(body.graph.inputs, outputs)
    operands = [*function.nodes, *body.outside, *[node_of(first_token())] * body.takes_token]
    results = apply_call(RecomputedCall(function.name, graph, most_saved), operands, graph)
    return tree.unflatten(structure, to_user_arrays(results))
