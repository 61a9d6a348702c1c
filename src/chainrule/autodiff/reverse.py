"""Reverse mode: graph to graph, or numbers to numbers where nobody needs the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import GradientError
from ..graph.node import INPUT, ITEM, Node, differentiable, reachable
from ..primitives.elementwise import add

Observer = Callable[[Node, Any, Sequence[Any]], None]


def active_nodes(outputs: Iterable[Node], inputs: Sequence[Node]) -> list[Node]:
    """The nodes between inputs and outputs through which a derivative flows, in order."""
    if not inputs:
        return []
    active = set(inputs)
    path = []
    for node in reachable(outputs, floor=min(node.serial for node in inputs)):
        if node in active:
            continue
        if node.primitive.vjp is None and node.primitive is not ITEM:
            continue
        if differentiable(node) and any(child in active for child in node.inputs):
            active.add(node)
            path.append(node)
    return path


def needs_graph(path: Sequence[Node], inputs: Sequence[Node]) -> bool:
    """Whether anything but `inputs` may be differentiated by somebody else, or is unknown.

    If all that the path reads are constants, known arguments of this very transformation, and
    what follows from them, then the backward pass may compute with plain arrays.
    """
    own = set(inputs)
    for node in inputs:
        if node.value is None or node.primitive is not INPUT:
            return True
    stack = [child for node in path for child in node.inputs]
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in own or node in seen:
            continue
        seen.add(node)
        if node.value is None or node.primitive is INPUT:
            return True
        stack.extend(node.inputs)
    return False


def reverse(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    cotangents: Sequence[Any],
    observe: Observer | None = None,
    values: bool = False,
) -> list[Any]:
    """Cotangents of `inputs` for the given cotangents of `outputs`; None where there is none.

    Parameters
    ----------
    cotangents : sequence
        One an output, or None for zero: nodes (the result is graph), or arrays if `values`.
    observe : callable, optional
        ``observe(node, g, contributions)`` is told what each node received and passed on.
    values : bool
        Compute with the nodes' values instead of building graph. Default False.
    """
    total: dict[Node, Any] = {}
    for node, g in zip(outputs, cotangents, strict=True):
        if g is not None:
            _accumulate(total, node, g)
    wanted = set(inputs)
    path = active_nodes(outputs, inputs)
    active = set(path) | wanted
    for node in reversed(path):
        g = total.get(node)
        if g is None:
            continue
        if node.primitive is ITEM:
            _accumulate_item(total, node, g)
            continue
        if node.primitive.vjp is None:
            raise GradientError(f"{node.primitive.name} has no derivative in reverse mode")
        if values:
            received = [child.value for child in node.inputs]
            passed = node.primitive.vjp(g, node.value, *received, **node.params)
        else:
            passed = node.primitive.vjp(g, node, *node.inputs, **node.params)
        if observe is not None:
            observe(node, g, passed)
        if node not in wanted:
            del total[node]
        for child, contribution in zip(node.inputs, passed, strict=True):
            if contribution is not None and child in active:
                _accumulate(total, child, contribution)
    return [total.get(node) for node in inputs]


def _accumulate(total: dict[Node, Any], node: Node, g: Any) -> None:
    before = total.get(node)
    total[node] = g if before is None else add(before, g)


def _accumulate_item(total: dict[Node, Any], node: Node, g: Any) -> None:
    """The cotangent of a node of several results is a list, one entry a result."""
    parent = node.inputs[0]
    entries = total.setdefault(parent, [None] * len(parent.shape))
    index = node.params["index"]
    entries[index] = g if entries[index] is None else add(entries[index], g)
