"""Batches, graph to graph: what a graph computes for one example, for many at once.

Each node goes through its primitive's `batch` rule, which has a leading axis of examples at every
input that differs in the batch. What all examples share is computed once::

    one example     y = tanh(w x)            w f64[], x f64[3]
    a batch of x    y = tanh(w x)            w f64[], x f64[n,3]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import UnsupportedError, at_user_line
from ..graph.evaluate import replace_inputs
from ..graph.graph import Graph
from ..graph.node import CONSTANT, ITEM, Node, Unbatched, constant, input_node, items, origin
from ..graph.types import Type
from ..primitives.declare import spread


class BatchedResult(NamedTuple):
    """A value, and whether it has a leading axis of examples."""

    value: Any
    batched: bool


def batch(
    graph: Graph, arguments: Sequence[Any], batched: Sequence[bool], size: int
) -> list[BatchedResult]:
    """Return what a graph gives for each of `size` examples.

    Parameters
    ----------
    arguments : sequence
        One an input: nodes give nodes, arrays give arrays.
    batched : sequence of bool
        Which of them have a leading axis of examples.
    size : int
    """
    if any(isinstance(x, Node) for x in arguments):
        arguments = [x if isinstance(x, Node) else constant(x) for x in arguments]
        nodes = True
    else:
        nodes = False
    known: dict[Node, Any] = {
        node: BatchedResult(x, b)
        for node, x, b in zip(graph.inputs, arguments, batched, strict=True)
    }
    for node in graph.nodes:
        if node.primitive is CONSTANT:
            known[node] = BatchedResult(node if nodes else node.value, False)
        elif node.primitive is ITEM:
            known[node] = _picked(known[node.inputs[0]], node.params["index"])
        else:
            known[node] = _of_batch(node, [known[child] for child in node.inputs], size, nodes)
    return [known[node] for node in graph.outputs]


def _picked(results: Any, index: int) -> BatchedResult:
    """Return one of the results of a node that has several."""
    if isinstance(results, BatchedResult):  # that of a node that all examples share
        return BatchedResult(ITEM(results.value, index=index), False)
    result: BatchedResult = results[index]
    return result


def _of_batch(node: Node, inputs: list[BatchedResult], size: int, nodes: bool) -> Any:
    """Return the result of a node, or a list of its several results."""
    primitive = node.primitive
    values = [x.value for x in inputs]
    if not any(x.batched for x in inputs):
        if nodes:
            return BatchedResult(replace_inputs(node, tuple(values)), False)
        return BatchedResult(primitive(*values, **node.params), False)
    if primitive.batch is None:
        raise UnsupportedError(
            at_user_line(f"{node.line or 'vmap'}: {primitive.name} has no rule for a batch")
        )
    outer, origin.location = origin.location, node.source_location
    try:
        results = primitive.batch(size, [x.batched for x in inputs], *values, **node.params)
    finally:
        origin.location = outer
    if not primitive.multiple:
        return BatchedResult(results, True)
    if isinstance(results, Node):
        results = items(results)
    return [
        BatchedResult(y.value, False) if type(y) is Unbatched else BatchedResult(y, True)
        for y in results
    ]


def spread_results(results: Sequence[BatchedResult], size: int) -> list[Any]:
    """Return the results, all with a leading axis of examples."""
    return spread(size, [y.batched for y in results], [y.value for y in results])


class BatchedGraph(NamedTuple):
    """A graph of batches, and which of its outputs have a leading axis of examples."""

    graph: Graph
    batched: list[bool]


def batch_graph(
    graph: Graph, batched: Sequence[bool], size: int, wanted: Sequence[bool] = ()
) -> BatchedGraph:
    """Return the graph of a batch, for loops and branches that hold one.

    Parameters
    ----------
    batched : sequence of bool
        Which inputs have a leading axis of examples.
    wanted : sequence of bool
        Which outputs have one whether or not they differ. Default none.
    """
    inputs = [
        input_node(Type((size, *node.shape), node.dtype) if b else node.type)
        for node, b in zip(graph.inputs, batched, strict=True)
    ]
    results = batch(graph, inputs, batched, size) if inputs else []
    if not inputs:
        results = [BatchedResult(node, False) for node in graph.outputs]
    wanted = [*wanted, *[False] * (len(results) - len(wanted))]
    outputs = [
        spread(size, [y.batched], [y.value])[0] if w else y.value
        for y, w in zip(results, wanted, strict=True)
    ]
    flags = [y.batched or w for y, w in zip(results, wanted, strict=True)]
    return BatchedGraph(Graph(tuple(inputs), tuple(outputs)), flags)
