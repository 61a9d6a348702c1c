"""What a backward pass reads in place of nodes whose derivative is not that of what they compute.

A function with a rule of its own for reverse mode, ``custom_vjp``, computes one thing, and its
rule's forward function another: the same values, and what the rule remembers. A derivative of the
backward pass (of second order) is that of the forward function, whose operations it can see::

    path     x -> custom_call -> y -> loss
    reads    x -> operations of the forward function -> y' -> loss'

So the path shows where cotangents flow, and the rules read nodes of the copy beside it. Of other
paths there is no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..graph.graph import Graph
from ..graph.node import ITEM, Node

Form = Callable[[Node, tuple[Node, ...], Sequence[bool]], Sequence[Node] | None]

# By primitive: ``form(node, inputs, needs_input_grad)`` gives the results of another node over
# these inputs, or None where the node itself serves.
FORMS: dict[str, Form] = {}
# Those that have another form only if a graph that they hold has one.
HOLDERS = frozenset(["scan", "cond"])


def other_forms(path: Sequence[Node], inputs: Sequence[Node]) -> dict[Node, Node]:
    """Return nodes to be read in place of nodes of a path; most often there are none.

    Parameters
    ----------
    path : sequence of Node
        Those between `inputs` and results through which a derivative flows, in order.
    inputs : sequence of Node
    """
    if FORMS.keys().isdisjoint([node.primitive.name for node in path]):
        return {}
    active = {*path, *inputs}
    new: dict[Node, Node] = {}
    results: dict[Node, Sequence[Node]] = {}
    for node in path:
        children = tuple([new.get(child, child) for child in node.inputs])
        if node.primitive is ITEM and node.inputs[0] in results:
            new[node] = results[node.inputs[0]][node.params["index"]]
            continue
        form = FORMS.get(node.primitive.name)
        if form is not None:
            other = form(node, children, [child in active for child in node.inputs])
            if other is not None:
                results[node] = other
                continue
        if children != node.inputs:
            new[node] = copy_of(node, children)
    return new


def has_forms(graph: Graph) -> bool:
    """Return whether a node of the graph, or of one that it holds, may have another form."""
    for node in graph.nodes:
        name = node.primitive.name
        if name in HOLDERS:
            inner = [x for x in node.params.values() if isinstance(x, Graph)]
            if any(has_forms(x) for x in inner):
                return True
        elif name in FORMS:
            return True
    return False


def copy_of(node: Node, inputs: tuple[Node, ...], **changed: object) -> Node:
    """Return the node over inputs of equal values, and with some parameters changed."""
    params = {**node.params, **changed} if changed else node.params
    copy = Node(
        node.primitive, inputs, params, node.shape, node.dtype, node.value, node.source_location
    )
    order = getattr(node, "order", None)
    if order is not None:
        copy.order = order
    return copy


def in_other_form(nodes: Sequence[Node], forms: Mapping[Node, Node]) -> tuple[Node, ...]:
    """Return the nodes that are read in place of these."""
    return tuple([forms.get(node, node) for node in nodes])
