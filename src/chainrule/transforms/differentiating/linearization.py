"""linearize: the derivative at one point as a function of the direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ... import tree
from ...autodiff.forward import forward
from ...autodiff.residuals import dependents
from ...config import current
from ...errors import at_user_line
from ...graph.evaluate import call, substitute
from ...graph.graph import Graph
from ...graph.node import CONSTANT, Node, constant, input_node
from ...trace.capture import to_user_arrays
from ...trace.operands import node_of
from ...tracebacks import filters_traceback
from ..nan_checks.nonfinite import check_graph
from .gradient import matching_leaves, node_or_value
from .traced_call import TracedCall, zeros

R = TypeVar("R")


@filters_traceback
def linearize(f: Callable[..., R], *primals: Any) -> tuple[R, Callable[..., R]]:
    """Return the value of `f`, and its derivative at this point as a function of the direction.

    ``jvp(f, primals, tangents)`` for many tangents: `f` is computed once, and what its derivative
    reads of it is remembered, so that each direction costs the linear operations alone. As
    `jax.linearize`.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, numbers or pytrees of them.
    *primals : pytrees of floating numbers
        Where to take the derivative.

    Returns
    -------
    value : pytree
        ``f(*primals)``.
    f_jvp : callable
        ``f_jvp(*tangents)`` takes directions, each of the structure and shapes of its primal, and
        returns the derivative along them, in the structure of the value. It is linear, and can be
        compiled by `jit`.

    Raises
    ------
    DtypeError
        If a primal is of integers, or a tangent is complex where its primal is not.
    TypeError, ShapeError
        If tangents differ from the primals in structure or shape.

    Examples
    --------
    >>> import numpy as np
    >>> y, along = linearize(lambda x: x**3, np.array([1.0, 2.0]))
    >>> y.tolist(), along(np.array([1.0, 0.0])).tolist(), along(np.array([0.5, 1.0])).tolist()
    ([1.0, 8.0], [3.0, 0.0], [1.5, 12.0])
    """
    positions = range(len(primals))
    traced = TracedCall(f, primals, positions, {}, copy_inputs=True, reverse_mode=False)
    directions = [input_node(node.type) for node in traced.inputs]
    with np.errstate(all="ignore"):
        pushed = forward(traced.outputs, traced.inputs, directions)
    outputs = [
        constant(zeros(y)) if t is None else t for t, y in zip(pushed, traced.outputs, strict=True)
    ]
    graph = Graph(tuple(directions), tuple(outputs))
    whole = graph if current().nans else None  # with the lines of all numbers that it reads
    if traced.eager:
        graph = _with_known_numbers(graph)

    def f_jvp(*tangents: Any) -> R:
        if len(tangents) != len(primals):
            raise TypeError(at_user_line(f"{len(primals)} primals but {len(tangents)} tangents"))
        flat: list[Any] = []
        for treedef, tangent in zip(traced.treedefs, tangents, strict=True):
            nodes = traced.inputs[len(flat) : len(flat) + treedef.num_leaves]
            flat += matching_leaves(tangent, treedef, nodes, "tangent")
        values = [node_or_value(t, traced.eager) for t in flat]
        if not traced.eager:
            values = [node_of(t) for t in values]
        with np.errstate(all="ignore"):
            results = call(graph, values)
        if whole is not None and traced.eager and not any(isinstance(x, Node) for x in values):
            check_graph(whole, values, results)
        return tree.unflatten(traced.out_treedef, to_user_arrays(results))  # type: ignore[no-any-return]

    copies = tree.map(lambda y: y.copy() if type(y) is np.ndarray else y, traced.result())
    return copies, f_jvp


def _with_known_numbers(graph: Graph) -> Graph:
    """Return the graph with the numbers of what does not depend on its inputs as constants."""
    linear = dependents(graph.nodes, graph.inputs)
    known: dict[Node, Node] = {}
    for node in graph.nodes:
        if node in linear:
            for child in node.inputs:
                if child not in linear and child.primitive is not CONSTANT:
                    known[child] = constant(child.value)
    nodes = [node for node in graph.nodes if node in linear]
    return Graph(graph.inputs, tuple(substitute(graph.outputs, known, nodes)))
