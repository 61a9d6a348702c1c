"""`custom_call`: a call of a function whose derivatives its author states, or has computed anew.

The node holds the call as an object. Where numbers are known it computes with the function itself,
which may branch on them; where they are not, `body` is the function's graph. No backend meets the
node: `simplify` puts the body in its stead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autodiff.batching import batch_graph
from ..autodiff.forms import FORMS
from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.evaluate import call as call_graph
from ..graph.graph import Graph
from ..graph.node import Node, Primitive, constant, input_node, items
from ..graph.types import Type, is_inexact
from ..primitives.declare import register
from ..primitives.structure import cast, sum_
from .scan import zeros_of


class CustomCall:
    """One call of a function that has rules of its own.

    Rules are written as those of primitives are: they are handed nodes and give nodes, or arrays
    and give arrays.

    Attributes
    ----------
    name : str
        The function's.
    types : tuple of Type
        Of the results.
    """

    name = "custom_call"
    types: tuple[Type, ...] = ()

    def __repr__(self) -> str:  # no address: the text of a graph is compared
        return self.name

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Return the results for these arrays."""
        raise NotImplementedError

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the function's graph for inputs of these types."""
        raise UnsupportedError(at_user_line(f"{self.name} cannot be part of a compiled function"))

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Return the results' tangents; None is zero."""
        raise GradientError(at_user_line(f"{self.name} has no derivative in forward mode"))

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Return the inputs' cotangents, None where zero or not needed."""
        raise GradientError(at_user_line(f"{self.name} has no derivative in reverse mode"))

    def form(self, inputs: tuple[Node, ...], needed: Sequence[bool]) -> Sequence[Node] | None:
        """Return results for a backward pass to read: see `autodiff.forms`."""
        return None


def results_of_call(y: Any) -> Sequence[Any]:
    """Return the results of a call, each a node or each an array."""
    return items(y) if isinstance(y, Node) else y


def apply_call(call: CustomCall, inputs: Sequence[Any], body: Graph | None = None) -> Sequence[Any]:
    """Apply a call as a primitive is applied: nodes give nodes, arrays give arrays."""
    params: dict[str, Any] = {"call": call} if body is None else {"call": call, "body": body}
    return results_of_call(custom_call(*inputs, **params))


def known_call(
    call: CustomCall, inputs: Sequence[Node], body: Graph, values: Sequence[Any]
) -> Sequence[Node]:
    """Return the results of a call that has run already, on inputs whose numbers are known."""
    params = {"call": call, "body": body}
    return items(Node(custom_call, tuple(inputs), params, call.types, None, tuple(values)))


def _evaluate(xp: Any, *inputs: Any, call: CustomCall, body: Graph | None = None) -> Any:
    if body is not None:
        return tuple(body.schedule.run(xp, inputs))
    results = call.evaluate(*inputs)
    return tuple([np.asarray(y, t.dtype)[()] for y, t in zip(results, call.types, strict=True)])


def _infer(*_types: Type, call: CustomCall, body: Graph | None = None) -> tuple[Type, ...]:
    return call.types


def _vjp(
    g: Sequence[Any], y: Any, *inputs: Any, call: CustomCall, needs_input_grad: Sequence[bool],
    body: Graph | None = None,
) -> list[Any]:  # fmt: skip
    needed = [
        need and is_inexact(x.dtype) for need, x in zip(needs_input_grad, inputs, strict=True)
    ]
    if not any(needed):
        return [None] * len(inputs)
    passed = call.vjp(g, results_of_call(y), inputs, needed)
    return [
        _like(c, x) if need and c is not None else None
        for c, x, need in zip(passed, inputs, needed, strict=True)
    ]


def _jvp(
    tangents: Sequence[Any], y: Any, *inputs: Any, call: CustomCall, body: Graph | None = None
) -> list[Any]:
    results = results_of_call(y)
    pushed = call.jvp(tangents, results, inputs)
    return [
        _like(t, result) if t is not None and is_inexact(result.dtype) else None
        for t, result in zip(pushed, results, strict=True)
    ]


def _like(t: Any, x: Any) -> Any:
    """Return a derivative with the dtype of what it is the derivative of."""
    if not isinstance(t, Node):
        return np.asarray(t, x.dtype)[()]
    return t if t.dtype == x.dtype else cast(t, dtype=x.dtype)


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
        self._every = [True] * len(body.outputs)
        self.of_batch = batch_graph(body, batched, size, self._every).graph
        self.types = self.of_batch.output_types

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Compute the function of the batch."""
        return call_graph(self.of_batch, inputs)

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
        of_batch = batch_graph(rule, flags, self.size, self._every).graph
        return call_graph(of_batch, [*inputs, *[tangents[k] for k in moving]])

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
        flags = [*self.batched, *[True] * len(asked)]
        of_batch = batch_graph(rule, flags, self.size, [True] * len(outputs)).graph
        passed = call_graph(of_batch, [*inputs, *[cotangents[k] for k in asked]])
        return [
            None if not need else g if b else sum_(g, axes=(0,))
            for g, b, need in zip(passed, self.batched, needed, strict=True)
        ]

    def form(self, inputs: tuple[Node, ...], needed: Sequence[bool]) -> Sequence[Node] | None:
        """Return results for a backward pass to read."""
        leaves = self._leaves()
        outputs = self.one.form(leaves, needed)
        if outputs is None:
            return None
        rule = Graph(leaves, tuple(outputs))
        return call_graph(batch_graph(rule, self.batched, self.size, self._every).graph, inputs)

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


def _batch(
    size: int, batched: Sequence[bool], *inputs: Any, call: CustomCall, body: Graph | None = None
) -> Sequence[Any]:
    if body is None:
        types = [Type(x.shape[b:], x.dtype) for x, b in zip(inputs, batched, strict=True)]
        body = call.graph(types)
    of_batch = BatchedCall(call, body, size, batched)
    return apply_call(of_batch, inputs, of_batch.of_batch)


def _form(
    node: Node, inputs: tuple[Node, ...], needs_input_grad: Sequence[bool]
) -> Sequence[Node] | None:
    return node.params["call"].form(inputs, needs_input_grad)  # type: ignore[no-any-return]


FORMS["custom_call"] = _form
custom_call = register(
    Primitive(
        "custom_call",
        _evaluate,
        _infer,
        _vjp,
        _jvp,
        multiple=True,
        selective_vjp=True,
        spec={"family": "control", "doc": "A function with derivatives of its own."},
        batch=_batch,
    )
)
