"""A short last axis, joined with the one before it: vectors run over both, point after point.

Repeated numbers, pairs that change sides, rows of three: along the last axis alone most lanes would
be empty. Results must lie side by side over both axes. What is read lies at offsets that repeat
every few vectors, and so they are known in advance (`lane_access`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..expressions.expression import Expression, Lookup
from ..ir.types import Index
from ..layout.view import View
from .loop_nest import LoopAxis, LoopNestEmitter, lanes_for
from .vector_loops import Span, next_power_of_two

_SHORT = 8  # entries of an axis
_MOST_PARTS = 32  # expressions that are written for all vectors until offsets repeat


def join_short_axis(
    axes: Sequence[LoopAxis], views: Sequence[View], parts: Sequence[Expression]
) -> list[LoopAxis]:
    """Return the axes of a nest, the last two as one if the last is short."""
    if len(axes) < 2 or any(isinstance(part, Lookup) for part in parts):
        return list(axes)
    outer, inner = axes[-2:]
    size = inner.size
    joined = LoopAxis(outer.size, outer.last, outer.members | inner.members, inner)
    lanes = lanes_along(joined, parts, views)
    if size > min(_SHORT, lanes // 2) or outer.size * size < lanes:
        return list(axes)
    if lanes % size and 2 * size * len(parts) > _MOST_PARTS:
        return list(axes)
    for view in views:
        if (view.strides[outer.last], view.strides[inner.last]) != (size, 1):
            return list(axes)
    return [*axes[:-2], joined]


def lanes_along(axis: LoopAxis, parts: Sequence[Expression], views: Sequence[View]) -> int:
    """Return the lanes of vectors along an axis, of which all parts of expressions are listed."""
    dtypes = [part.dtype for part in parts if part.axes & axis.members]
    size = axis.size * (1 if axis.inner is None else axis.inner.size)
    return lanes_for([*dtypes, *[view.dtype for view in views]], size)


def emit_joined_loop(
    nest: LoopNestEmitter, axis: LoopAxis, lanes: int, write: Callable[[], None],
    span: Span | None = None,
) -> None:  # fmt: skip
    """Write a loop over whole vectors of an axis and the one inside it, then the remainder."""
    f = nest.f
    assert axis.inner is not None
    size = axis.inner.size
    step = lanes if lanes % size else lanes // size
    whole = axis.size // step * step
    hoisted, rows = dict(nest.hoisted), dict(nest.row_addresses)
    nest.broadcast_invariants(axis, lanes)

    def write_points(index: Index, points: int) -> None:
        for first in range(0, points, lanes):
            count = min(lanes, points - first)
            width = next_power_of_two(count)
            with nest.vector_scope(axis, index, width, count, first):
                write()

    rest = (axis.size - whole) * size
    if span is None:
        if whole:
            with f.loop(0, whole, step) as loop:
                write_points(loop.index, step * size)
        write_points(whole, rest)
    else:  # it begins at a multiple of the step
        start, stop = span
        last = f.name(f"icmp sgt i64 {stop}, {whole}")
        end = f.name(f"select i1 {last}, i64 {whole}, i64 {stop}")
        with f.loop(start, end, step) as loop:
            write_points(loop.index, step * size)
        if rest:
            with f.when(last):
                write_points(whole, rest)
    nest.hoisted, nest.row_addresses = hoisted, rows
