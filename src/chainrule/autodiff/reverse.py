"""Reverse mode: graph to graph, or numbers to numbers where no graph is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..graph.node import (
    CONSTANT,
    INPUT,
    ITEM,
    Node,
    derivative_location,
    differentiable,
    origin,
    reachable,
)
from ..primitives.elementwise import add
from .bisection import refuse_bisection
from .flow import flows_of
from .forms import in_other_form, other_forms
from .reverse_values import reverse_values
from .rules import accumulate_item, cotangents_by_rule

Observer = Callable[[Node, Any, Sequence[Any]], None]


def active_nodes(outputs: Iterable[Node], inputs: Sequence[Node]) -> list[Node]:
    """Return the nodes between inputs and outputs through which a derivative flows, in order."""
    if not inputs:
        return []
    active = set(inputs)
    path = []
    for node in reachable(outputs, min([node.serial for node in inputs])):
        if node in active or (node.primitive.vjp is None and node.primitive is not ITEM):
            continue
        for child in node.inputs:
            if child in active:
                if node.dtype is None or node.dtype.kind in "fc":  # `differentiable`, in line
                    active.add(node)
                    path.append(node)
                break
    return path


def needs_graph(path: Sequence[Node], inputs: Sequence[Node], results: Sequence[Node] = ()) -> bool:
    """Return whether anything but `inputs` may be differentiated by an outer transformation, or is
    unknown.

    If all that the path and the results read are constants, known arguments of this very
    transformation, and what follows from them, then the backward pass may compute with plain
    arrays. (The argument of a transformation that is over is a constant: see `freeze_argument`.)
    """
    for node in inputs:
        if node.value is None or node.primitive is not INPUT:
            return True
    seen = {*inputs, *path}
    stack = [
        child
        for node in path
        for child in node.inputs
        if child not in seen and child.primitive is not CONSTANT
    ]
    stack += [node for node in results if node not in seen]
    while stack:
        node = stack.pop()
        if node.primitive is CONSTANT or node in seen:
            continue
        seen.add(node)
        if node.primitive is INPUT or (type(node) is Node and node.value is None):
            return True  # of other types are nodes whose value could be computed again
        stack.extend(node.inputs)
    return False


def reverse(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    cotangents: Sequence[Any],
    observe: Observer | None = None,
    values: bool = False,
    path: Sequence[Node] | None = None,
    forms: Mapping[Node, Node] | None = None,
) -> list[Any]:
    """Return the cotangents of `inputs` for these cotangents of `outputs`; None where zero.

    Parameters
    ----------
    cotangents : sequence
        One an output, or None for zero: nodes (the result is graph), or arrays if `values`.
    observe : callable, optional
        ``observe(node, g, contributions)`` is told what each node received and passed on.
    values : bool
        Compute with the nodes' values instead of building graph. Default False.
    path : sequence of Node, optional
        ``active_nodes(outputs, inputs)``, if the caller has it already.
    forms : mapping of Node to Node, optional
        ``other_forms(path, inputs)``, if the caller has it already.
    """
    wanted = {node for node in inputs if differentiable(node)}
    path = active_nodes(outputs, inputs) if path is None else path
    refuse_bisection(path, outputs)
    if values and observe is None and not forms:
        results = reverse_values(outputs, inputs, cotangents, path, wanted)
        if results is not None:
            return results
    total: dict[Node, Any] = {}
    for node, g in zip(outputs, cotangents, strict=True):
        if g is not None:
            total[node] = add(total[node], g) if node in total else g
    active = {*path, *wanted}
    flows = flows_of(path, wanted, values)
    if forms is None:
        forms = {} if values else other_forms(path, inputs)
    outer = origin.location
    try:
        for node in reversed(path):
            g = total.pop(node, None)
            if g is None:
                continue
            if not values:
                origin.location = derivative_location(node)
            if node.primitive is ITEM:
                accumulate_item(total, node, g)
                continue
            y, x = (
                (node.value, [child.value for child in node.inputs])
                if values
                else (node, node.inputs)
            )
            if forms:
                y, x = forms.get(node, node), in_other_form(node.inputs, forms)
            flow = None if flows is None else flows.known.pop(node, None)
            passed = cotangents_by_rule(node, g, active, y, x, flow)
            if observe is not None:
                observe(node, g, passed)
            if flows is not None and (flow is not None or flows.known or node in flows.blocking):
                flows.propagate(node, flow, passed, total)
            for child, contribution in zip(node.inputs, passed, strict=True):
                if contribution is not None and child in active:
                    before = total.get(child)
                    total[child] = contribution if before is None else add(before, contribution)
    finally:
        origin.location = outer
    return [total.get(node) for node in inputs]
