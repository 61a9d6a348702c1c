"""Calls whose backward pass computes the function once more, instead of remembering it.

The backward pass is a loop of one iteration around the function and its derivative: a graph of its
own, which shares nothing with the forward pass. So no rewrite makes one of the two computations,
and what is computed again is needed, and in memory, only while that one loop runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..autodiff.forms import in_other_form, other_forms
from ..autodiff.forward import forward
from ..autodiff.residuals import residuals
from ..autodiff.reverse import active_nodes, reverse
from ..graph.evaluate import call as call_graph
from ..graph.evaluate import closed, inline
from ..graph.graph import Graph
from ..graph.node import CONSTANT, ITEM, Node, constant, input_node
from ..graph.types import Type
from ..primitives.structure import identity, reshape
from .custom_call import CustomCall, apply_call
from .scan import run_scan, zeros_of

_MOVING = {"broadcast_to", "reshape", "transpose", "slice", "cast", "concatenate", "pad", "gather"}
_CHEAP = {"add", "sub", "mul", "neg", "maximum", "minimum", "where", "abs", "equal", "less"}
_WORK_OF_A_FUNCTION = 10.0  # per entry, in units of an addition
_WORK_OF_A_LOOP = 1e4


class RecomputedCall(CustomCall):
    """A call of a graph whose backward pass computes it again.

    Parameters
    ----------
    name : str
    body : Graph
    most_saved : int
        How many bytes of what the backward pass reads may be kept all the same.
    """

    def __init__(self, name: str, body: Graph, most_saved: int) -> None:
        self.name, self.body, self.most_saved = name, body, most_saved
        self.types = body.output_types

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Compute the graph."""
        return call_graph(self.body, inputs)

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the graph."""
        return self.body

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Push tangents through the graph, by a graph that is computed again as well."""
        moving = [k for k, t in enumerate(tangents) if t is not None]
        directions = [tangents[k] for k in moving]
        if _known(inputs):
            leaves, outputs = self._operations(inputs)
            sources = [leaves[k] for k in moving]
            values = not any(isinstance(x, Node) for x in (*inputs, *directions))
            return forward(outputs, sources, directions, values=values)
        pushed = pushforward_of(self.body, moving)
        inputs = [*inputs, *directions]
        return apply_call(RecomputedCall(self.name, pushed, self.most_saved), inputs, pushed)

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Compute the graph and its derivative in a loop of one iteration."""
        moving = [k for k, need in enumerate(needed) if need]
        asked = [k for k, g in enumerate(cotangents) if g is not None]
        g = [cotangents[k] for k in asked]
        if _known(inputs):
            leaves, outputs = self._operations(inputs)
            sources = [leaves[k] for k in moving]
            values = not any(isinstance(x, Node) for x in (*inputs, *g))
            passed = reverse(outputs, sources, cotangents, values=values)
        else:
            passed = self._recomputed(pullback_of(self.body, moving, asked), list(inputs), g)
        by_input: list[Any] = [None] * len(inputs)
        for k, c in zip(moving, passed, strict=True):
            by_input[k] = c
        return by_input

    def form(self, inputs: tuple[Node, ...], needed: Sequence[bool]) -> Sequence[Node] | None:
        """Return results for a backward pass to read."""
        if _known(inputs):
            leaves, outputs = self._operations(inputs)
            sources = [x for x, need in zip(leaves, needed, strict=True) if need]
            forms = other_forms(active_nodes(outputs, sources), sources)
            return in_other_form(outputs, forms) if forms else None
        body = body_in_other_form(self.body, needed)
        if body is self.body:
            return None
        return apply_call(RecomputedCall(self.name, body, self.most_saved), inputs, body)

    def _operations(self, inputs: Sequence[Any]) -> tuple[list[Node], list[Node]]:
        """Compute the graph again at known numbers, on which rules in it may branch.

        Return its inputs and outputs as nodes.
        """
        leaves = [
            identity(x) if isinstance(x, Node) else input_node(Type(x.shape, x.dtype), x)
            for x in inputs
        ]
        return leaves, inline(self.body, leaves)

    def _recomputed(self, pulled: Graph, inputs: list[Any], g: list[Any]) -> list[Any]:
        sources = self.body.inputs
        seeds = pulled.inputs[len(sources) :]
        saved = _saved(self.body, pulled, self.most_saved)
        values = call_graph(Graph(sources, tuple(saved)), inputs) if saved else []
        body = closed((*sources, *saved, *seeds), pulled.outputs, leaves={*sources, *seeds})
        stacks = run_scan(
            [*inputs, *values, *g], body=body, n_carry=0, n_xs=0, length=1, reverse=False
        )
        return [reshape(y, shape=y.shape[1:]) for y in stacks]


def _known(inputs: Sequence[Any]) -> bool:
    return all(not isinstance(x, Node) or x.value is not None for x in inputs)


def without_values(inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
    """Return the graph from inputs to outputs, of which no node that follows from the inputs holds
    its numbers.
    """
    new = {node: input_node(node.type) for node in inputs}
    for node in Graph(tuple(inputs), tuple(outputs)).nodes:
        if not new.keys().isdisjoint(node.inputs):
            children = tuple([new.get(child, child) for child in node.inputs])
            type_ = node.shape, node.dtype
            copy = Node(node.primitive, children, node.params, *type_, None, node.source_location)
            new[node] = copy
    leaves = tuple([new[node] for node in inputs])
    return Graph(leaves, tuple([new.get(node, node) for node in outputs]))


def pushforward_of(graph: Graph, moving: Sequence[int]) -> Graph:
    """Return the graph of ``(*inputs, *tangents of those that move)`` to the outputs' tangents."""
    sources = [graph.inputs[k] for k in moving]
    tangents = [input_node(node.type) for node in sources]
    pushed = forward(graph.outputs, sources, tangents)
    outputs = [t or constant(zeros_of(y)) for t, y in zip(pushed, graph.outputs, strict=True)]
    return Graph((*graph.inputs, *tangents), tuple(outputs))


def pullback_of(graph: Graph, moving: Sequence[int], asked: Sequence[int]) -> Graph:
    """Return the graph of ``(*inputs, *cotangents of those asked)`` to those of what moves."""
    sources = [graph.inputs[k] for k in moving]
    seeds = [input_node(graph.outputs[k].type) for k in asked]
    pulled = reverse([graph.outputs[k] for k in asked], sources, seeds)
    outputs = [c or constant(zeros_of(x)) for c, x in zip(pulled, sources, strict=True)]
    return Graph((*graph.inputs, *seeds), tuple(outputs))


def body_in_other_form(graph: Graph, needed: Sequence[bool]) -> Graph:
    """Return the graph as a backward pass reads it: see `autodiff.forms`."""
    sources = [x for x, need in zip(graph.inputs, needed, strict=True) if need]
    forms = other_forms(active_nodes(graph.outputs, sources), sources)
    return Graph(graph.inputs, in_other_form(graph.outputs, forms)) if forms else graph


def _saved(body: Graph, pulled: Graph, most: int) -> list[Node]:
    """Return what is remembered of the forward pass: what costs most to compute, per byte."""
    if most <= 0:
        return []
    seeds = pulled.inputs[len(body.inputs) :]
    read = residuals(body.inputs, pulled.outputs, seeds)
    candidates = [n for n in read if n not in body.inputs and n.primitive is not CONSTANT]
    rank = {n: -_work_from((*body.inputs, *candidates), n) / max(1, _bytes(n)) for n in candidates}
    candidates.sort(key=lambda n: (rank[n], n.serial))
    saved, total = [], 0
    for node in candidates:
        if total + _bytes(node) <= most:
            saved.append(node)
            total += _bytes(node)
    return sorted(saved, key=lambda n: n.serial)


def _bytes(node: Node) -> int:
    return int(prod(node.shape)) * int(node.dtype.itemsize)


def _work_from(known: Sequence[Node], node: Node) -> float:
    """Estimate the work of computing a node from others that are known or read as well."""
    others = tuple([n for n in known if n is not node])
    return sum([_work(n) for n in Graph(others, (node,)).nodes if n.dtype is not None])


def _work(node: Node) -> float:
    """Estimate the work of computing a node from its inputs, in units of an addition."""
    name, entries = node.primitive.name, float(prod(node.shape))
    if node.primitive is ITEM:
        return _WORK_OF_A_LOOP * entries
    if name == "matmul":
        return 2.0 * entries * int(node.inputs[0].shape[-1])
    if name == "conv":
        return 2.0 * entries * float(prod(node.inputs[1].shape[1:]))
    if name in ("sum", "max", "prod"):
        return float(prod(node.inputs[0].shape))
    if name in _MOVING:
        return 0.5 * entries
    return entries * (1.0 if name in _CHEAP else _WORK_OF_A_FUNCTION)
