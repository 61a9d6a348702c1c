"""checkpoint: a function that the backward pass computes again, instead of remembering it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from .. import tree
from ..control.custom_call import apply_call, known_call
from ..control.recomputed import RecomputedCall, without_values
from ..errors import at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, input_node, next_serial
from ..trace.capture import call_user_function, close_graph, to_user_arrays
from ..trace.function_rules import as_int
from ..trace.operands import node_of
from ..trace.plain_numbers import carries_derivative
from ..trace.restarts import restarted
from ..trace.tracer import Tracer, traced
from ..trace.tracing import first_token
from .rule_calls import as_node, body_graph, refuse_effects_in, refuse_writes

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
        known = all(x.value is not None for x in function.nodes)
        result = _of_known(function, most_saved) if known else None
        return _captured(function, most_saved) if result is None else result[0]

    return checkpointed


def _of_known(function: _Function, most_saved: int) -> tuple[Any] | None:
    """Run a function whose numbers are known, and drop all of them but the results.

    What stays is its graph, as the function went with these numbers. Return None if it reads
    numbers by its closure that are not known.
    """
    name = f"checkpoint: {function.name}"
    first_serial = next_serial()
    leaves: list[Node] = []
    tracers: list[Tracer] = []

    def run() -> Any:
        leaves[:] = [input_node(x.type, x.value) for x in function.nodes]
        tracers[:] = [traced(x, w) for x, w in zip(leaves, function.weak, strict=True)]
        return call_user_function(function, tracers, {})

    result = restarted(run)
    refuse_writes(name, tracers, leaves)
    results, structure = tree.flatten(result)
    outputs = [as_node(x, f"a result of {function.name}") for x in results]
    _, outside = close_graph(first_serial, leaves, outputs)
    values = [x.value for x in outputs]
    if any(x is None for x in values):
        return None
    graph = without_values([*leaves, *outside], outputs)
    refuse_effects_in(name, graph)
    call = RecomputedCall(function.name, graph, most_saved)
    nodes = known_call(call, [*function.nodes, *outside], graph, values)
    return (tree.unflatten(structure, to_user_arrays(nodes)),)


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
