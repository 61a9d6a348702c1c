"""Calls of functions with derivatives of their own, for a batch of examples at once.

The function becomes the graph of a batch, and so do its rules: each is asked for the derivative of
one example, as a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autodiff.batching import batch_graph
from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node, Unbatched, constant, input_node
from ..graph.types import Type
from ..primitives.reductions import sum_
from .custom_call import CustomCall, apply_call
from .scan import zeros_of


class BatchedCall(CustomCall):
    """A call for a batch.

    Parameters
    ----------
    one : CustomCall
        The call for one example.
    body : Graph
        Its function's.
    size : int
    batched : sequence of bool
        Which operands have a leading axis of examples.
    """

    def __init__(self, one: CustomCall, body: Graph, size: int, batched: Sequence[bool]) -> None:
        self.name = one.name
        self.one, self.body, self.size, self.batched = one, body, size, list(batched)
        of_batch = batch_graph(body, batched, size)
        self.of_batch, self.results_batched = of_batch.graph, of_batch.batched
        self.types = of_batch.graph.output_types

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Compute the function of the batch."""
        return call(self.of_batch, inputs)

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the function's graph."""
        return self.of_batch

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Run the rule for forward mode, as a graph of the batch."""
        moving = [k for k, t in enumerate(tangents) if t is not None]
        leaves = self._leaves()
        directions: list[Any] = [None] * len(leaves)
        for k in moving:
            directions[k] = input_node(leaves[k].type)
        pushed = self.one.jvp(directions, self._results(leaves), leaves)
        outputs = _nodes(pushed, self.body.outputs)
        rule = Graph((*leaves, *[directions[k] for k in moving]), tuple(outputs))
        flags = [*self.batched, *[self.batched[k] for k in moving]]
        of_batch = batch_graph(rule, flags, self.size, self.results_batched).graph
        return call(of_batch, [*inputs, *[tangents[k] for k in moving]])

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Run the rule for reverse mode, as a graph of the batch; what is shared gets the sum."""
        asked = [k for k, g in enumerate(cotangents) if g is not None]
        leaves = self._leaves()
        seeds: list[Any] = [None] * len(cotangents)
        for k in asked:
            seeds[k] = input_node(self.body.outputs[k].type)
        pulled = self.one.vjp(seeds, self._results(leaves), leaves, needed)
        outputs = _nodes(pulled, leaves)
        rule = Graph((*leaves, *[seeds[k] for k in asked]), tuple(outputs))
        flags = [*self.batched, *[self.results_batched[k] for k in asked]]
        of_batch = batch_graph(rule, flags, self.size, [True] * len(outputs)).graph
        passed = call(of_batch, [*inputs, *[cotangents[k] for k in asked]])
        return [
            None if not need else g if b else sum_(g, axes=(0,))
            for g, b, need in zip(passed, self.batched, needed, strict=True)
        ]

    def form(self, inputs: tuple[Node, ...]) -> Sequence[Node] | None:
        """Return results for a backward pass to read."""
        leaves = self._leaves()
        outputs = self.one.form(leaves)
        if outputs is None:
            return None
        rule = Graph(leaves, tuple(outputs))
        return call(batch_graph(rule, self.batched, self.size, self.results_batched).graph, inputs)

    def _leaves(self) -> tuple[Node, ...]:
        return tuple([input_node(t) for t in self.body.input_types])

    def _results(self, leaves: tuple[Node, ...]) -> Sequence[Any]:
        return apply_call(self.one, leaves, self.body)


def _nodes(derivatives: Sequence[Any], like: Sequence[Node]) -> list[Node]:
    """Return derivatives as nodes, zeros where there is none."""
    return [
        constant(zeros_of(x)) if d is None else d if isinstance(d, Node) else constant(d)
        for d, x in zip(derivatives, like, strict=True)
    ]


def batch_call(
    one: CustomCall, body: Graph, size: int, batched: Sequence[bool], inputs: Sequence[Any]
) -> Sequence[Any]:
    """Return the results of a call for a batch: see `Primitive`."""
    call_of_batch = BatchedCall(one, body, size, batched)
    results = apply_call(call_of_batch, inputs, call_of_batch.of_batch)
    return [
        y if b else Unbatched(y) for y, b in zip(results, call_of_batch.results_batched, strict=True)
    ]
