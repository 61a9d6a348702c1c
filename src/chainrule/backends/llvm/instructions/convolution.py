"""Convolutions, and their derivatives, which are convolutions with other strides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ....graph.node import Node
from ...threads import get_num_threads
from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..fuse.axis_order import GROUPS, is_grouped, move_to_end
from ..fuse.packed_operands import packed_operands
from ..ir.types import Index
from ..layout.view import Buffer, View
from .access import Access, rows_of_view
from .base import Instruction, tiles_text
from .convolution_emitter import emit_window
from .convolution_tiles import Window, partition, sum_blocks, tiles_span_rows
from .packed_product import plan_packed_product
from .planning import Planning, Rule
from .sharing import count_tiles, is_small


@dataclass(frozen=True, eq=False)
class Convolution(Instruction):
    """A convolution of the last four axes, over equal leading ones.

    Attributes
    ----------
    window : Window
    blocks : int
        Into how many blocks the sum is cut, so that what they read stays in the cache.
    parts : sequence of Window
        Parts of the result that threads compute; none if it is not cut.
    adaptive : bool
        Whether an enclosing loop finds out if sharing pays.
    """

    divisible: ClassVar[bool] = True

    window: Window
    blocks: int
    parts: Sequence[Window] = ()
    adaptive: bool = False

    @classmethod
    def of(cls, window: Window) -> Convolution:
        """Return the instruction with its sum cut into blocks."""
        return cls(window, sum_blocks(window))

    @property
    def extent(self) -> int:
        """The number of parts."""
        return max(1, len(self.parts))

    @property
    def tile_size(self) -> int:
        """Threads claim one part at a time."""
        return 1

    @property
    def n_tiles(self) -> int:
        """The number of parts."""
        return self.extent

    def buffers(self) -> Iterator[Buffer]:
        window = self.window
        yield from (window.left.buffer, window.right.buffer, window.view.buffer)

    def accesses(self) -> list[Access]:
        window = self.window
        return [
            Access(window.view.buffer, True, rows_of_view(window.view)),
            Access(window.left.buffer, False, rows_of_view(window.left)),
            Access(window.right.buffer, False),
        ]

    def results(self) -> Sequence[View]:
        return [self.window.view]

    def nanoseconds(self) -> float:
        return 20.0 + self.window.multiplications / 40.0

    @property
    def outlinable(self) -> bool:
        return not self.parts

    def code_lines(self) -> int:
        return 300  # of tiles in registers, whole ones and those at the borders

    def independent_rows(self) -> int:
        shape = self.window.view.shape
        if len(shape) != 4 or 0 in shape or tiles_span_rows(self.window):
            return 0
        return shape[0]

    def shared(self, smallest: float) -> Instruction:
        work = self.nanoseconds()
        shared = replace(self, adaptive=is_small(work))
        if count_tiles(work, smallest) == 1:
            return shared
        return replace(shared, parts=partition(self.window, get_num_threads()))

    def summary(self) -> str:
        kernel = " x ".join(map(str, self.window.right.shape))
        return f"convolution {list(self.window.view.shape)} by {kernel}, {tiles_text(self)}"

    def emit(self, emitter: Emitter) -> None:
        if not self.parts:
            emit_window(emitter, self.window, self.blocks)
            return

        def write(inner: Emitter, tile: str, tile_size: Index) -> None:
            f = inner.f
            start = f.times(tile, tile_size)
            stop = f.smaller(f.plus(start, tile_size), self.extent)
            with f.loop(start, stop) as loop:
                for k, part in enumerate(self.parts):
                    with f.when(f.name(f"icmp eq i64 {loop.index}, {k}")):
                        emit_window(inner, part, self.blocks)

        emitter.parallel(self, write)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        emit_window(emitter, self.window, self.blocks, rows)


def plan_convolution(planner: Planning, node: Node) -> None:
    """Plan convolutions over broadcast leading axes; vectors lie along o, or along groups."""
    if (narrow := packed_operands(node)) is not None:
        plan_packed_product(planner, node, narrow)
        return
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


def _contiguous_along(planner: Planning, view: View, axis: int) -> View:
    """Return a view, or a copy, whose stride along an axis is 1."""
    if view.strides[axis] == 1 or view.shape[axis] == 1:
        return view
    order = move_to_end(tuple(range(len(view.shape))), axis)
    copy = planner.allocate(view.shape, view.dtype, order)
    planner.move(view, copy)
    return copy


RULES: Mapping[str, Rule] = {"conv": plan_convolution}
