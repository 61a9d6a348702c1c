"""checkpoint: a function that the backward pass computes again, instead of remembering it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from ... import tree
from ...control.custom_call import apply_call, known_call
from ...control.recomputed import RecomputedCall
from ...errors import at_user_line
from ...graph.graph import Graph
from ...trace.capture import to_user_arrays
from ...trace.function_rules import as_int
from ...trace.plain_numbers import carries_derivative
from ...trace.tracer import Tracer
from ...tracebacks import filters_traceback
from .rule_calls import as_node, graph_of_call

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
def checkpoint(*, max_saved_bytes: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


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
    [[0.9182, 1.308], [0.3232, 0.6624]]
    """
    if f is None:
        return partial(checkpoint, max_saved_bytes=max_saved_bytes)
    if not callable(f):
        raise TypeError(at_user_line(f"checkpoint of {type(f).__name__}: give a function"))
    most_saved = as_int(max_saved_bytes, "max_saved_bytes")
    if most_saved < 0:
        raise ValueError(at_user_line(f"checkpoint: max_saved_bytes={most_saved} is negative"))

    @wraps(f)
    @filters_traceback
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        function = _Function(f, args, kwargs)
        if not function.nodes:
            result = f(*args, **kwargs)
            read = [x.node for x in tree.leaves(result) if isinstance(x, Tracer)]
            if not any(x.value is None or carries_derivative(x) for x in read):
                return result
        return _of_traced(function, most_saved)

    return checkpointed


def _of_traced(function: _Function, most_saved: int) -> Any:
    """Run a function of traced arrays, and drop all but its results and its graph."""
    name = f"checkpoint: {function.name}"
    body, nodes = graph_of_call(name, function, function.nodes, function.weak)
    role = f"a result of {function.name}"
    leaves, structure = tree.flatten(body.result_of(body.graph.outputs))
    outputs = tuple([as_node(x, role) for x in leaves])
    graph = Graph(body.graph.inputs, outputs)
    values = [as_node(x, role).value for x in tree.leaves(body.result_of(nodes))]
    operands = [*function.nodes, *body.outside]
    call = RecomputedCall(function.name, graph, most_saved)
    if operands and all(x is not None for x in (*values, *[x.value for x in operands])):
        results = known_call(call, operands, graph, values)
    else:
        results = apply_call(call, operands, graph)
    return tree.unflatten(structure, to_user_arrays(results))


remat = checkpoint
