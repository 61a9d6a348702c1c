"""How the rule of a node for reverse mode is called, and where the cotangents go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..errors import GradientError
from ..graph.node import Node
from ..primitives.declare import ELEMENTWISE_FAMILIES, Flow
from ..primitives.elementwise import add


def cotangents_by_rule(
    node: Node, g: Any, active: Collection[Node], y: Any, x: Sequence[Any], flow: Flow | None = None
) -> Sequence[Any]:
    """Return what a node's rule passes on for its cotangent: one for each input, or None.

    Parameters
    ----------
    y, x
        The node and its inputs, or their values, or others in their stead.
    flow : callable, optional
        Where a derivative flows into the node, if that is known.
    """
    primitive = node.primitive
    if primitive.vjp is None:
        raise GradientError(f"{primitive.name} has no derivative in reverse mode")
    if not primitive.selective_vjp:
        return primitive.vjp(g, y, *x, **node.params)
    needs_input_grad = [child in active for child in node.inputs]
    if flow is None or primitive.spec["family"] not in ELEMENTWISE_FAMILIES:
        return primitive.vjp(g, y, *x, needs_input_grad=needs_input_grad, **node.params)
    return primitive.vjp(g, y, *x, needs_input_grad=needs_input_grad, flow=flow, **node.params)


def accumulate_item(total: dict[Node, Any], node: Node, g: Any) -> None:
    """Add to the cotangent of a node of several results, a list with one entry for each result."""
    parent = node.inputs[0]
    entries = total.setdefault(parent, [None] * len(parent.shape))
    index = node.params["index"]
    entries[index] = g if entries[index] is None else add(entries[index], g)
