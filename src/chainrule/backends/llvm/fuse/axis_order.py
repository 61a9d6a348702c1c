"""In which order the axes of a stored array lie, where that is not the axes' own.

The channels of a depthwise convolution lie side by side, and are its leading axis. Its result is
laid out in the same way, and so are the zeros around its input: what turns the axes back costs
nothing.
"""

from __future__ import annotations

from ....graph.node import Node

GROUPS = -5  # the last leading axis of a convolution, before (N, H, W, C)
Order = tuple[int, ...]
"""The axes, those first along which numbers lie farthest apart."""


def layout(node: Node) -> Order | None:
    """How a node is stored: an order of its axes, or None for their own."""
    if node.primitive.name == "place":
        order = _order(node.inputs[0])
    elif node.primitive.name == "conv" and grouped(node):
        order = _order(node)
    else:
        return None
    return None if order == tuple(range(len(order))) else order


def grouped(node: Node) -> bool:
    """Whether numbers of a convolution's x lie side by side along the last leading axis."""
    x, rank = node.inputs[0], len(node.shape)
    if rank + GROUPS < 0 or len(x.shape) != rank or x.dtype != node.dtype:
        return False
    return x.shape[GROUPS] > 1 and _nearest(x) == rank + GROUPS


def last(order: Order, axis: int) -> Order:
    """An order of axes with one moved to the end."""
    axis %= len(order)
    return (*(k for k in order if k != axis), axis)


def _order(node: Node) -> Order:
    """As a node is stored, or as the array is that it shows."""
    name, own = node.primitive.name, tuple(range(len(node.shape)))
    if name == "transpose":
        axes = node.params["axes"]
        return tuple(axes.index(k) for k in _order(node.inputs[0]))
    if name in ("place", "slice"):
        return _order(node.inputs[0])
    return last(own, GROUPS) if name == "conv" and grouped(node) else own


def _nearest(node: Node) -> int | None:
    """The axis along which numbers lie side by side."""
    return next((k for k in reversed(_order(node)) if node.shape[k] > 1), None)
