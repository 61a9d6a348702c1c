"""How reductions, products, convolutions, sorts, scatters and joins become instructions."""

from __future__ import annotations

from math import prod

import numpy as np

from ....graph.node import Node
from ..expressions.lowering import gathered_shape, identity_index
from ..fuse.axis_order import GROUPS, is_grouped, move_to_end
from ..instructions.argmax import ArgMax
from ..instructions.convolution import Convolution
from ..instructions.convolution_tiles import Window
from ..instructions.cumulative import Cumulative
from ..instructions.matmul import Matmul, flattened
from ..instructions.reduce import Reduce
from ..instructions.scatter import Scatter
from ..instructions.sort import Sort, SortKeys
from ..layout.view import View
from .planner import Planner

_TWO_STEP_ROWS = 32  # and as many numbers a row: sums over both are made row by row first


def plan_reduction(planner: Planner, node: Node) -> None:
    """Plan a sum, maximum or product, whose input is computed inside its loops."""
    (x,) = node.inputs
    expression = planner.lowering(len(x.shape))(x)
    target, name = planner.target(node), node.primitive.name
    axes = tuple(node.params["axes"] if name != "prod" else (node.params["axis"],))
    if name == "sum" and _sums_rows_first(x.shape, axes):
        shape = tuple(n for k, n in enumerate(x.shape) if not k or k not in axes)
        by_row = planner.allocate(shape, target.dtype)
        planner.append(Reduce(name, x.shape, axes[1:], expression, by_row))
        load = planner.lowering(len(shape)).load(by_row, identity_index(shape))
        planner.append(Reduce(name, shape, axes[:1], load, target))
        return
    planner.append(Reduce(name, x.shape, axes, expression, target))


def _sums_rows_first(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether a sum is that of sums of rows, which run in row tiles and round less."""
    per_row = prod(shape[k] for k in axes[1:])
    return axes[:1] == (0,) and shape[0] >= _TWO_STEP_ROWS and per_row >= _TWO_STEP_ROWS


def plan_cumulative(planner: Planner, node: Node) -> None:
    """Plan a cumulative sum or product."""
    (x,) = node.inputs
    expression, target = planner.lowering(len(x.shape))(x), planner.target(node)
    name, axis = node.primitive.name, node.params["axis"]
    planner.append(Cumulative(name, x.shape, axis, expression, target))


def plan_argmax(planner: Planner, node: Node) -> None:
    """Plan the position of a maximum."""
    (x,) = node.inputs
    expression, target = planner.lowering(len(x.shape))(x), planner.target(node)
    planner.append(ArgMax(x.shape, node.params["axis"], expression, target))


def plan_argsort(planner: Planner, node: Node) -> None:
    """Plan keys first, then their order, row by row."""
    (x,) = node.inputs
    keys = planner.allocate(x.shape, np.dtype(np.uint64))
    planner.append(SortKeys(x.shape, [(planner.lowering(len(x.shape))(x), keys)]))
    planner.append(Sort.of(keys, planner.target(node)))


def plan_matmul(planner: Planner, node: Node) -> None:
    """Plan matrix products over broadcast leading axes."""
    operands = [planner.materialize_as(child, node.dtype) for child in node.inputs]
    batch = node.shape[:-2]
    left, right = (v.broadcast((*batch, *v.shape[-2:])) for v in operands)
    planner.append(flattened(Matmul(left, right, planner.target(node))))


def plan_convolution(planner: Planner, node: Node) -> None:
    """Plan convolutions over broadcast leading axes; vectors lie along o, or along groups."""
    left, right = (planner.materialize_as(child, node.dtype) for child in node.inputs)
    lead, axis = node.shape[:-4], GROUPS if is_grouped(node) else -1
    left, right = (v.broadcast((*lead, *v.shape[-4:])) for v in (left, right))
    right = _contiguous_along(planner, right, axis)
    if axis == GROUPS:
        left = _contiguous_along(planner, left, axis)
    target = result = planner.target(node)
    if 0 in right.shape:
        planner.fill(target, 0)
        return
    if axis == GROUPS and target.strides[axis] != 1:
        order = move_to_end(target.axes_by_stride, axis)
        result = planner.allocate(node.shape, node.dtype, order)
    strides, dilation = node.params["strides"], node.params["dilation"]
    planner.append(Convolution.of(Window(left, right, result, strides, dilation, axis)))
    if result is not target:
        planner.move(result, target)


def _contiguous_along(planner: Planner, view: View, axis: int) -> View:
    """Return a view, or a copy, whose stride along an axis is 1."""
    if view.strides[axis] == 1 or view.shape[axis] == 1:
        return view
    order = move_to_end(tuple(range(len(view.shape))), axis)
    copy = planner.allocate(view.shape, view.dtype, order)
    planner.move(view, copy)
    return copy


def plan_pad(planner: Planner, node: Node) -> None:
    """Plan zeros with an array at a slice."""
    target = planner.target(node)
    (x,) = node.inputs
    part = target.sliced(node.params["index"])
    if part.shape != target.shape:
        planner.fill(target, 0)
    planner.copy(x, part)


def plan_concatenate(planner: Planner, node: Node) -> None:
    """Plan arrays written one after the other."""
    target, axis, start = planner.target(node), node.params["axis"], 0
    for x in node.inputs:
        index = [slice(None)] * len(node.shape)
        index[axis] = slice(start, start + x.shape[axis])
        planner.copy(x, target.sliced(index))
        start += x.shape[axis]


def plan_scatter(planner: Planner, node: Node) -> None:
    """Plan a copy with values written, or added, at computed positions."""
    x, value, *arrays = node.inputs
    target = planner.target(node)
    planner.copy(x, target)
    pattern = node.params["pattern"]
    shape = gathered_shape(node.shape, arrays, pattern)
    lowering = planner.lowering(len(shape))
    lookup = lowering.lookup(target, node, pattern, arrays, identity_index(shape))
    values = lowering.broadcast(value, shape)
    planner.append(Scatter(node.primitive.name == "scatter_add", shape, values, lookup))
