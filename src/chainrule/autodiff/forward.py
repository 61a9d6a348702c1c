"""Forward mode: graph to graph, or numbers to numbers, tangents beside values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import GradientError
from ..graph.node import ITEM, Node
from ..primitives.callback import NoTangent
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
    grows = growing_nodes(path, inputs)
    for node in path:
        received: list[Any] = [tangent.get(child) for child in node.inputs]
        if all(t is None for t in received):
            continue
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
            t = node.primitive.jvp(received, y, *x, **params)
        if t is not None:
            tangent[node] = t
    results = [tangent.get(node) for node in outputs]
    for t in results:
        if type(t) is NoTangent and not inner:
            raise t.error
    return results
