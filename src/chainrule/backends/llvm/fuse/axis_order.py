"""The order in which axes of a stored array lie in memory, where that is not C order.

The channels of a depthwise convolution are its last leading axis, and are contiguous. Its result
and the zero padding of its input are stored the same way, so that the transposes around it are
views.
"""

from __future__ import annotations

from math import prod

from ....graph.node import Node
from ..layout.view import Buffer, View

GROUPS = -5  # the last leading axis of a convolution, before (N, H, W, C)
AxisOrder = tuple[int, ...]
"""The axes by decreasing stride."""


def stored_axis_order(node: Node) -> AxisOrder | None:
    """Return the order in which a node's axes are stored, or None for C order."""
    name = node.primitive.name
    if name == "pad":
        order = _order(node.inputs[0])
    elif name == "conv" and is_grouped(node):
        order = _order(node)
    elif name == "transpose":  # a copy, for a reshape that joins axes
        order = _copied_order(node)
    else:
        return None
    return None if order == tuple(range(len(order))) else order


def is_grouped(node: Node) -> bool:
    """Whether the input of a convolution is contiguous along the last leading axis."""
    x, rank = node.inputs[0], len(node.shape)
    if rank + GROUPS < 0 or len(x.shape) != rank or x.dtype != node.dtype:
        return False
    return x.shape[GROUPS] > 1 and _contiguous_axis(x) == rank + GROUPS


def move_to_end(order: AxisOrder, axis: int) -> AxisOrder:
    """Return an order of axes with one moved to the end."""
    axis %= len(order)
    return (*(k for k in order if k != axis), axis)


def _copied_order(node: Node) -> AxisOrder:
    """Return the order of a transposed array: that of its axes, but the contiguous one stays."""
    c_order = tuple(range(len(node.shape)))
    if not _is_of_grouped(node):
        return c_order
    axis = _contiguous_axis(node)
    return c_order if axis is None else move_to_end(c_order, axis)


def _is_of_grouped(node: Node) -> bool:
    """Whether an array views the result of a convolution whose groups are contiguous."""
    while node.primitive.name in ("transpose", "reshape", "slice"):
        (node,) = node.inputs
    return node.primitive.name == "conv" and is_grouped(node)


def _order(node: Node) -> AxisOrder:
    """Return the order of a node as it is stored, or of the array that it views."""
    name, c_order = node.primitive.name, tuple(range(len(node.shape)))
    if name == "transpose":
        axes = node.params["axes"]
        return tuple(axes.index(k) for k in _order(node.inputs[0]))
    if name in ("pad", "slice"):
        return _order(node.inputs[0])
    if name == "reshape":
        return _reshaped_order(node)
    return move_to_end(c_order, GROUPS) if name == "conv" and is_grouped(node) else c_order


def _reshaped_order(node: Node) -> AxisOrder:
    """Return the order of a reshaped array: that of its input, if no copy is needed."""
    (x,) = node.inputs
    order = _order(x)
    if order == tuple(range(len(order))):
        return tuple(range(len(node.shape)))
    view = View.whole(Buffer(prod(x.shape), x.dtype), x.shape, order).reshaped(node.shape)
    return tuple(range(len(node.shape))) if view is None else view.axes_by_stride


def _contiguous_axis(node: Node) -> int | None:
    """Return the axis of stride 1."""
    return next((k for k in reversed(_order(node)) if node.shape[k] > 1), None)
