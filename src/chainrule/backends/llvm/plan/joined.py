"""Where results are computed that are outputs in another shape, or parts of a concatenation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from ....graph.node import Node
from ..fuse.steps import FusedGraph, Materialized
from ..layout.view import View


def viewed_at(node: Node, target: View, materialized: Materialized) -> tuple[Node, View | None]:
    """Return the node in memory of which a node is a view, and its view if that lies at a target.

    The view is None if the node in memory is not stored in the order in which it would lie there.
    """
    source, view = node, target
    while source.primitive.name in ("identity", "reshape", "transpose"):
        (x,) = source.inputs
        if source.primitive.name == "transpose":
            view = view.transposed(tuple(int(k) for k in np.argsort(source.params["axes"])))
        elif (reshaped := view.reshaped(x.shape)) is not None:
            view = reshaped
        else:
            return source, None
        source = x
    if source not in materialized.nodes:
        return source, None
    order = materialized.axis_order(source)
    axes = range(len(source.shape)) if order is None else order
    strides = [abs(view.strides[k]) for k in axes if view.shape[k] != 1]
    return source, view if strides == sorted(strides, reverse=True) else None


def parts_to_compute(
    fused: FusedGraph, target: Callable[[Node], View]
) -> Iterator[tuple[Node, Node, View]]:
    """Yield concatenations, the convolutions or concatenations that only they read, and where
    these lie within; the last ones first.
    """
    materialized = fused.materialized
    nodes = [n for n in materialized.nodes if n.primitive.name == "concatenate"]
    if not nodes:
        return
    readers = Counter(child for n in fused.graph.nodes for child in n.inputs)
    readers.update(fused.graph.outputs)
    for node in sorted(nodes, key=lambda n: -n.serial):
        axis, start = node.params["axis"], 0
        for x in node.inputs:
            index = [slice(None)] * len(node.shape)
            index[axis] = slice(start, start + x.shape[axis])
            start += x.shape[axis]
            if x.dtype != node.dtype or not _is_read_once(x, readers, materialized):
                continue
            last = _source(x, materialized)
            if last.primitive.name not in ("conv", "concatenate"):
                continue
            source, part = viewed_at(x, target(node).sliced(index), materialized)
            if part is not None and source is last:
                yield node, source, part


def _source(node: Node, materialized: Materialized) -> Node:
    while node not in materialized.nodes and node.primitive.name in (
        "identity", "reshape", "transpose",
    ):  # fmt: skip
        (node,) = node.inputs
    return node


def _is_read_once(node: Node, readers: Counter[Node], materialized: Materialized) -> bool:
    """Whether all views down to the node in memory have one reader each."""
    while readers[node] == 1 and node not in materialized.nodes and node.inputs:
        node = node.inputs[0]
    return readers[node] == 1


def is_same(a: View, b: View) -> bool:
    """Whether two views of one shape are of the same numbers."""
    strides = all(
        s == t or size == 1 for s, t, size in zip(a.strides, b.strides, a.shape, strict=True)
    )
    return (a.buffer, a.offset) == (b.buffer, b.offset) and a.shape == b.shape and strides
