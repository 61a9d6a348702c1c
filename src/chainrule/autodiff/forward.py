"""Forward mode: graph to graph, or numbers to numbers, tangents beside values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import GradientError
from ..graph.node import ITEM, Node, derivative_location, origin
from ..primitives.callback import NoTangent
from .bisection import refuse_bisection
from .flow import growing_nodes, tangent_flows
from .reverse import active_nodes


def forward(
    outputs: Sequence[Node], inputs: Sequence[Node], tangents: Sequence[Any], values: bool = False,
    inner: bool = False,
) -> list[Any]:  # fmt: skip
    """Return the tangents of `outputs` for these tangents of `inputs`; None where zero.

    Where a callback gave an output, which has none, that is an error. Of an `inner` graph such an
    output has a `NoTangent`: it may be that nothing reads it.
    """
    tangent: dict[Node, Any] = {
        node: t for node, t in zip(inputs, tangents, strict=True) if t is not None
    }
    path = active_nodes(outputs, inputs)
    refuse_bisection(path, outputs)
    grows = growing_nodes(path, inputs)
    leading: set[Node] | None = None
    outer = origin.location
    try:
        for node in path:
            received: list[Any] = [tangent.get(child) for child in node.inputs]
            if all(t is None for t in received):
                continue
            if not values:
                origin.location = derivative_location(node)
            if node.primitive is ITEM:
                t = received[0][node.params["index"]]
            elif unknown := [t for t in received if type(t) is NoTangent]:
                raise unknown[0].error
            elif node.primitive.jvp is None:
                raise GradientError(f"{node.primitive.name} has no derivative in forward mode")
            else:
                y, x = (node.value, [child.value for child in node.inputs]) if values else (
                    node, node.inputs)  # fmt: skip
                params = node.params
                if grows and (flows := tangent_flows(node, grows, values)) is not None:
                    params = {**params, "flows": flows}
                if node.primitive.spec.get("selective_jvp"):
                    leading = _leading_to(outputs, path) if leading is None else leading
                    params = {**params, "needs_results": _needed_results(node, path, leading)}
                t = node.primitive.jvp(received, y, *x, **params)
            if t is not None:
                tangent[node] = t
    finally:
        origin.location = outer
    results = [tangent.get(node) for node in outputs]
    for t in results:
        if type(t) is NoTangent and not inner:
            raise t.error
    return results


def _leading_to(outputs: Sequence[Node], path: Sequence[Node]) -> set[Node]:
    """Return the nodes from which a derivative flows to the outputs along the path."""
    leading = set(outputs)
    for node in reversed(path):
        if node in leading:
            leading.update(node.inputs)
    return leading


def _needed_results(node: Node, path: Sequence[Node], leading: set[Node]) -> list[bool]:
    """Return which results of a node that has several lead to the outputs."""
    needed = {
        child.params["index"]
        for child in path
        if child.primitive is ITEM and child.inputs[0] is node and child in leading
    }
    return [k in needed for k in range(len(node.shape))]
