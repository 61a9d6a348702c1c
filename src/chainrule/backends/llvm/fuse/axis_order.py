"""The order in which axes of a stored array lie in memory, where that is not C order.

The channels of a depthwise convolution are its last leading axis, and are contiguous; those of
other convolutions of groups lie side by side as well. Its result, the zero padding of its input and
results that are joined are stored the same way, so that the transposes around it are views.
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
    elif name == "conv":
        order = _order(node)
    elif name == "transpose":  # a copy, for a reshape that joins axes
        order = _copied_order(node)
    elif name == "concatenate":
        order = _joined_order(node)
    else:
        return None
    return None if order == tuple(range(len(order))) else order


def is_grouped(node: Node) -> bool:
    """Whether the input of a convolution is contiguous along the last leading axis."""
    x, rank = node.inputs[0], len(node.shape)
    if rank + GROUPS < 0 or len(x.shape) != rank or x.dtype != node.dtype:
        return False
    return x.shape[GROUPS] > 1 and _contiguous_axis(x) == rank + GROUPS


def _lie_side_by_side(node: Node) -> bool:
    """Whether the channels of all groups of a convolution's input lie side by side."""
    x, rank = node.inputs[0], len(node.shape)
    if rank + GROUPS < 0 or len(x.shape) != rank or x.shape[GROUPS] == 1:
        return False
    return _order(x)[-2:] == (rank + GROUPS, rank - 1)


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
    node = _viewed(node)
    return node.primitive.name == "conv" and is_grouped(node)


def _viewed(node: Node) -> Node:
    while node.primitive.name in ("transpose", "reshape", "slice"):
        (node,) = node.inputs
    return node


def _joined_order(node: Node) -> AxisOrder:
    """Return the order of joined results of convolutions: theirs; axes of size 1 follow others."""
    x = node.inputs[0]
    if _viewed(x).primitive.name not in ("conv", "concatenate"):
        return tuple(range(len(node.shape)))
    order = [k for k in _order(x) if x.shape[k] > 1]
    for k, size in enumerate(x.shape):
        if size <= 1:
            order.insert(order.index(k - 1) + 1 if k else 0, k)
    return tuple(order)


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
    if name == "concatenate":
        return _joined_order(node)
    if name == "conv" and is_grouped(node):
        return move_to_end(c_order, GROUPS)
    if name == "conv" and _lie_side_by_side(node):
        return move_to_end(move_to_end(c_order, GROUPS), -1)
    return c_order


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
