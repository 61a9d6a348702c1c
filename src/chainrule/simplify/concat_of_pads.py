"""Sums of padded operands that lie beside each other, as one concatenation.

The gradient of slices adds up arrays of zeros, each with one operand in it::

    pad(a) + pad(b) + pad(c)   -> concatenate(a + 0, b + 0, c + 0)   if they fill the whole

The zero is added because ``-0 + 0`` is 0.
"""

from __future__ import annotations

from collections import Counter

from ..graph.graph import Graph
from ..graph.node import Node, constant
from ..graph.types import is_inexact
from ..primitives.elementwise import add
from ..primitives.structure import concatenate, pad
from .rewrite import rewrite


def concat_of_pads(graph: Graph) -> Graph:
    """Replace sums of padded operands by one concatenation."""
    if not any(node.primitive is pad for node in graph.nodes):
        return graph
    readers = Counter(child for node in graph.nodes for child in node.inputs)
    readers.update(graph.outputs)
    inner = {
        child
        for node in graph.nodes if node.primitive is add
        for child in node.inputs if child.primitive is add and readers[child] == 1
    }  # fmt: skip

    def rule(node: Node, original: Node) -> Node:
        if node.primitive is not add or original in inner:  # the whole sum is seen at its end
            return node
        return _concatenated(node, _terms(node, original, inner))

    return rewrite(graph, rule)


def _terms(node: Node, original: Node, inner: set[Node]) -> list[Node]:
    """List the terms of a sum of sums."""
    terms, pending = [], [(node, original)]
    while pending:
        now, before = pending.pop()
        if before is original or before in inner:
            pending += zip(now.inputs, before.inputs, strict=True)
        else:
            terms.append(now)
    return terms


def _concatenated(node: Node, terms: list[Node]) -> Node:
    """Return one concatenation if the operands fill the whole along an axis, else the node."""
    if not all(term.primitive is pad and term.type == node.type for term in terms):
        return node
    spans = [[range(*s.indices(n)) for s, n in zip(t.params["index"], t.shape, strict=True)]
             for t in terms]  # fmt: skip
    cut = [axis for axis, size in enumerate(node.shape)
           if any(span[axis] != range(size) for span in spans)]  # fmt: skip
    if len(cut) != 1:
        return node
    (axis,) = cut
    ordered = sorted(zip([span[axis] for span in spans], terms, strict=True), key=_start_of)
    stop = 0
    for span, _ in ordered:
        if span.step != 1 or span.start != stop:
            return node
        stop = span.stop
    if stop != node.shape[axis]:
        return node
    operands = [term.inputs[0] for _, term in ordered]
    if is_inexact(node.dtype):
        zero = constant(node.dtype.type(0))
        operands = [add(operand, zero) for operand in operands]
    return concatenate(*operands, axis=axis)  # type: ignore[no-any-return]


def _start_of(pair: tuple[range, Node]) -> int:
    return pair[0].start
