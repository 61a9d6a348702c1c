"""Products with packed weights: of bytes, dense ones and convolutions, and of bfloat16."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..fuse.packed_operands import PackedOperands
from ..ir.types import Index
from ..kernels.packed_products import BYTES, PAIRS, PackedProduct, pack, panel_starts, write_lines
from ..layout.view import Buffer, View
from ..target.host import host
from .access import Access, rows_of_view
from .base import Instruction, tiles_text
from .planning import Planning
from .sharing import count_tiles, is_small

_PER_NANOSECOND = {BYTES: 200.0, PAIRS: 50.0}  # products


@dataclass(frozen=True, eq=False)
class PackBytes(Instruction):
    """A matrix of int8 copied to the order in which products of bytes read it."""

    product: PackedProduct
    matrix: View
    packed: View

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.matrix.buffer, self.packed.buffer)

    def accesses(self) -> list[Access]:
        return [Access(self.packed.buffer, True), Access(self.matrix.buffer, False)]

    def nanoseconds(self) -> float:
        return 10.0 + self.packed.buffer.size / 10.0

    @property
    def outlinable(self) -> bool:
        return True

    def code_lines(self) -> int:
        return 60

    def summary(self) -> str:
        return f"pack {self.packed.buffer.size} bytes"

    def emit(self, emitter: Emitter) -> None:
        addresses = emitter.addresses
        source, to = addresses.of_view(self.matrix), addresses.of_view(self.packed)
        pack(emitter.f, self.product, source, to)


@dataclass(frozen=True, eq=False)
class TimesPacked(Instruction):
    """Sums of products of uint8 and int8, as int32, or of float32 and bfloat16, as float32.

    Attributes
    ----------
    product : PackedProduct
    left, view : View
        C-contiguous: rows and columns, or images.
    line_step : int
        Bytes from a line of an image to the one that the next line of results begins with.
    packed : View
        The right matrix.
    tile_size : int
        How many items threads claim at a time; 0 for all.
    adaptive : bool
        Whether an enclosing loop finds out if sharing pays.
    """

    divisible: ClassVar[bool] = True

    product: PackedProduct
    left: View
    view: View
    line_step: int
    packed: View
    tile_size: int = 0
    adaptive: bool = False

    @property
    def extent(self) -> int:
        """The number of items."""
        return self.view.shape[0]

    @property
    def n_tiles(self) -> int:
        """The number of tiles."""
        return -(-self.extent // self.tile_size) if self.tile_size else 1

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.left.buffer, self.packed.buffer, self.view.buffer)

    def accesses(self) -> list[Access]:
        return [
            Access(self.view.buffer, True, rows_of_view(self.view)),
            Access(self.left.buffer, False, rows_of_view(self.left)),
            Access(self.packed.buffer, False),
        ]

    def results(self) -> Sequence[View]:
        return [self.view]

    def nanoseconds(self) -> float:
        depth = self.product.segments * self.product.run
        speed = _PER_NANOSECOND[self.product.group]
        return 20.0 + prod(self.view.shape) * depth / speed

    @property
    def outlinable(self) -> bool:
        return not self.tile_size

    def code_lines(self) -> int:
        return 20 * len(self.product.panels(host()))

    def independent_rows(self) -> int:
        return self.extent

    def shared(self, smallest: float) -> Instruction:
        work = self.nanoseconds()
        count = min(count_tiles(work, smallest), self.extent)
        tile_size = -(-self.extent // count) if count > 1 else 0
        if tile_size >= self.extent:
            tile_size = 0
        return replace(self, adaptive=is_small(work), tile_size=tile_size)

    def summary(self) -> str:
        product = self.product
        sizes = f"{list(self.view.shape)}, {product.segments} x {product.run}"
        kind = "bytes" if product.group == BYTES else "bfloat16"
        return f"products of {kind} {sizes}, {tiles_text(self)}"

    # Code

    def emit(self, emitter: Emitter) -> None:
        if self.n_tiles > 1:
            emitter.parallel(self, self._emit_tile)
        else:
            self._emit_items(emitter, 0, self.extent)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        self._emit_items(emitter, rows.start, rows.count)

    def _emit_tile(self, emitter: Emitter, tile: str, tile_size: Index) -> None:
        f = emitter.f
        start = f.times(tile, tile_size)
        count = f.smaller(f.name(f"sub i64 {self.extent}, {start}"), tile_size)
        self._emit_items(emitter, start, count)

    def _emit_items(self, emitter: Emitter, start: Index, count: Index) -> None:
        """Write the results of some items: those of a matrix are the rows of one line."""
        f, addresses = emitter.f, emitter.addresses
        left = addresses.of_view(self.left, (start, self.left.strides[0]))
        result = addresses.of_view(self.view, (start, self.view.strides[0]))
        packed = addresses.of_view(self.packed)
        if len(self.view.shape) == 2:
            self._emit_panels(emitter, left, packed, result, 1, count)
            return
        _, lines, rows, _ = self.view.shape
        with f.loop(0, count) as item:
            self._emit_panels(
                emitter, f.offset(left, f.times(item.index, self.left.strides[0]), 1), packed,
                f.offset(result, f.times(item.index, self.view.strides[0]), 4), lines, rows,
            )  # fmt: skip

    def _emit_panels(
        self, emitter: Emitter, left: str, packed: str, result: str, lines: int, rows: Index
    ) -> None:
        """Write calls for each panel and each line."""
        f, product, target = emitter.f, self.product, host()
        lanes = target.lanes(4)
        for byte, column, vectors in panel_starts(product, target):
            name = write_lines(f.module, target, product, vectors)
            last = min(lanes, product.columns - column - (vectors - 1) * lanes)
            panel, first = f.offset(packed, byte, 1), f.offset(result, column, 4)
            with f.loop(0, lines) as line:
                a = f.offset(left, line.index, self.line_step)
                c = f.offset(first, f.times(line.index, rows), 4 * product.columns)
                f.emit(f"call void @{name}(ptr {a}, ptr {panel}, ptr {c}, i64 {rows}, i64 {last})")


def plan_packed_product(planner: Planning, node: Node, operands: PackedOperands) -> None:
    """Plan the packing of the right matrix, unless it is packed, and the products."""
    left, right = (planner.materialize_contiguous(child) for child in operands.in_memory)
    shape, columns = operands.right.shape, operands.right.shape[-1]
    line_step = 0
    if node.dtype.kind == "f":
        row = shape[0] * left.dtype.itemsize
        product = PackedProduct(columns, 1, shape[0], 0, row, group=PAIRS)
    elif node.primitive.name == "matmul":
        product = PackedProduct(columns, 1, shape[0], 0, shape[0])
    else:
        _, _, width, channels = left.shape
        down, along = node.params["strides"]
        height, run, rows = shape[0], shape[1] * channels, node.shape[2]
        product = PackedProduct(columns, height, run, width * channels, along * channels, rows)
        line_step = down * width * channels
    overlaps = product.group == BYTES and product.run % BYTES
    if overlaps and left.buffer.word is not None:  # the arena has bytes after each array
        copy = planner.allocate(left.shape, left.dtype)
        planner.move(left, copy)
        left = copy
    if operands.packed is None:
        packed = planner.allocate((product.blocks * product.block_bytes,), np.dtype(np.int8))
        planner.append(PackBytes(product, right, packed))
        right = packed
    target = result = planner.target(node)
    if not target.is_contiguous:
        result = planner.allocate(node.shape, node.dtype)
    planner.append(TimesPacked(product, left, result, line_step, right))
    if result is not target:
        planner.move(result, target)
