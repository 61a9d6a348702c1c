"""Matrix products: unrolled if they are small, else calls to the kernels of the library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, NamedTuple

from ....graph.node import Node
from ...threads import get_num_threads
from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange, Span
from ..fuse.packed_operands import packed_operands
from ..ir.types import Index
from ..kernels.matmul import FAR, MOST, PACKED, scratch_bytes, tile_for
from ..layout.view import Buffer, View
from ..target.host import host
from .access import Access, rows_of_view
from .base import Instruction, tiles_text
from .packed_product import plan_packed_product
from .planning import Planning, Rule
from .sharing import count_tiles, is_small
from .unrolled_matmul import Operands, emit_unrolled, is_unrolled

_FEW, _DEEP = 128, 256  # so few results, of sums over so many numbers, are dot products
_MIN_COLUMNS = 512  # of a tile, where there are more than one a thread
_MAX_PACKED = 2**19  # bytes of B that may be packed again for each tile of rows


class Routine(NamedTuple):
    """A kernel of the library, and whether it computes C.T = B.T @ A.T."""

    name: str
    transposed: bool


@dataclass(frozen=True, eq=False)
class Matmul(Instruction):
    """Matrix products of the last two axes, over equal leading ones.

    Attributes
    ----------
    left, right, view : View
    item_rows : int
        How many rows belong to one position of the first axis, as the graph has it.
    scratch : Buffer or None
        Memory to pack panels of B in, for each of the tiles.
    tile_size : int
        How many rows, columns or leading positions threads claim at a time; 0 for all.
    axis : int
        Which axis of the result is cut into tiles.
    adaptive : bool
        Whether an enclosing loop finds out if sharing pays.
    packed : bool
        Whether `right` is what `pack.Pack` made of it.
    """

    divisible: ClassVar[bool] = True

    left: View
    right: View
    view: View
    item_rows: int = 1
    scratch: Buffer | None = None
    tile_size: int = 0
    axis: int = 0
    adaptive: bool = False
    packed: bool = False

    @property
    def operands(self) -> Operands:
        """The three matrices."""
        return Operands(self.left, self.right, self.view)

    @property
    def extent(self) -> int:
        """The size of the axis that is cut."""
        return self.view.shape[self.axis]

    @property
    def n_tiles(self) -> int:
        """The number of tiles."""
        return -(-self.extent // self.tile_size) if self.tile_size else 1

    @property
    def routine(self) -> Routine:
        """The kernel, chosen by the whole shape: so parts of a product have the same bits."""
        if self.packed:
            return Routine("gemm", False)
        (rows, columns), depth = self.view.shape[-2:], self.left.shape[-1]
        few = rows * columns <= _FEW and depth >= _DEEP
        if self.left.strides[-1] == 1 and self.right.strides[-2] == 1:
            if columns == 1 or few:
                return Routine("dots", False)
            if rows == 1:
                return Routine("dots", True)
        contiguous = self.view.strides[-2] == 1
        return Routine("gemm", columns == 1 and contiguous and self.left.strides[-2] == 1)

    @property
    def is_thin(self) -> bool:
        """Whether it takes as long as reading a matrix."""
        return min(self.view.shape[-2:]) <= MOST

    @property
    def is_unrolled(self) -> bool:
        """Whether it is written without a kernel."""
        return not self.packed and is_unrolled(self.operands)

    @property
    def packs(self) -> bool:
        """Whether the kernel packs B, if it is used often."""
        far = self.right.strides[-2] * self.view.dtype.itemsize >= FAR
        return not self.packed and (self.right.strides[-1] != 1 or far)

    @property
    def packs_often(self) -> bool:
        """Whether it would pack B each time, and can do without."""
        matrices = (
            len(self.view.shape) == 2 and 0 not in self.view.shape and bool(self.left.shape[-1])
        )
        if not matrices or self.is_unrolled or self.routine != Routine("gemm", False):
            return False
        return self.packs and self.view.shape[0] > 2 * MOST

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.left.buffer, self.right.buffer, self.view.buffer)
        if self.scratch is not None:
            yield self.scratch

    def accesses(self) -> list[Access]:
        by_rows = len(self.view.shape) > 2 and self.right.strides[0] != 0
        right = rows_of_view(self.right) if by_rows else None
        return [
            Access(self.view.buffer, True, rows_of_view(self.view, self.item_rows)),
            Access(self.left.buffer, False, rows_of_view(self.left, self.item_rows)),
            Access(self.right.buffer, False, right),
        ]

    def results(self) -> Sequence[View]:
        return [self.view]

    def nanoseconds(self) -> float:
        work = prod(self.view.shape) * self.left.shape[-1] / 50.0
        if self.is_thin:
            itemsize = self.view.dtype.itemsize
            for matrix in (self.right, self.left):
                work = max(work, prod(matrix.shape) * itemsize / 40.0)
        return 10.0 + work

    @property
    def outlinable(self) -> bool:
        return True

    def code_lines(self) -> int:
        return 2 * prod(self.view.shape) if self.is_unrolled else 20

    def independent_rows(self) -> int:
        """Return 0 if B is large and must be packed: each tile of rows would pack it again."""
        if 0 in self.view.shape:
            return 0
        depth, columns = self.right.shape[-2:]
        large = depth * columns * self.view.dtype.itemsize > _MAX_PACKED
        if (self.packs and large) or self.is_unrolled:
            return 0
        return self.view.shape[0] // self.item_rows

    def rows_per_item(self) -> int:
        return self.item_rows

    def shared(self, smallest: float) -> Instruction:
        """Cut the first leading axis, the rows, or the columns."""
        shape, work, threads = self.view.shape, self.nanoseconds(), get_num_threads()
        whole = replace(self, adaptive=is_small(work))
        count = count_tiles(work, smallest)
        if self.is_thin:  # memory likes long pieces of rows
            count = min(count, threads)
        if count == 1 or 0 in shape or self.is_unrolled:
            return whole._with_scratch()
        if len(shape) > 2:
            if shape[0] >= threads:
                whole = replace(whole, axis=0, tile_size=-(-shape[0] // min(count, shape[0])))
            return whole._with_scratch()
        tile = tile_for(host(), self.view.dtype)
        # Unless it comes packed, each tile of rows packs all of B again;
        # a tile of columns its own, but perhaps all of A
        wide = not self.packed and shape[1] >= 2 * threads * tile.columns
        if wide:
            count = min(count, max(threads, shape[1] // _MIN_COLUMNS))
        axis, unit = (1, tile.columns) if wide else (0, tile.rows if self.packed else tile.tall)
        tile_size = -(-shape[axis] // (count * unit)) * unit
        if tile_size < shape[axis]:
            whole = replace(whole, axis=axis, tile_size=tile_size)
        return whole._with_scratch()

    def in_row_tiles(self, tile_size: int) -> Instruction:
        tiled = replace(self, axis=0, tile_size=tile_size * self.item_rows)
        return tiled._with_scratch()

    def _with_scratch(self) -> Matmul:
        """Set memory aside to pack B in, for each tile."""
        dtype, (rows, columns) = self.view.dtype, self.view.shape[-2:]
        needed = scratch_bytes(rows, columns, self.left.shape[-1], dtype, self.packed)
        if not needed:
            return self
        numbers = -(-needed // 64) * 64 // dtype.itemsize
        return replace(self, scratch=Buffer(numbers * self.n_tiles, dtype))

    def summary(self) -> str:
        rows, columns = self.view.shape[-2:]
        packed = ", packed" if self.packed else ""
        return f"matmul {rows} x {self.left.shape[-1]} x {columns}{packed}, {tiles_text(self)}"

    # Code

    def emit(self, emitter: Emitter) -> None:
        if self.is_unrolled:
            emit_unrolled(emitter, self.operands)
        elif self.n_tiles > 1:
            emitter.parallel(self, self._emit_tile)
        else:
            self._emit_calls(emitter)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        f = emitter.f
        if len(self.view.shape) == 2:
            part = f.times(rows.start, self.item_rows), f.times(rows.count, self.item_rows)
            self._emit_calls(emitter, part=part, tile=rows.tile)
            return
        with f.loop(0, rows.count) as loop:
            self._emit_calls(emitter, (f.plus(rows.start, loop.index),), tile=rows.tile)

    def _emit_tile(self, emitter: Emitter, tile: str, tile_size: Index) -> None:
        """Write the product of some rows, columns or leading positions."""
        f, axis = emitter.f, self.axis
        start = f.name(f"mul i64 {tile}, {tile_size}")
        count = f.smaller(f.name(f"sub i64 {self.extent}, {start}"), tile_size)
        if axis < len(self.view.shape) - 2:
            with f.loop(0, count) as loop:
                self._emit_calls(emitter, (f.plus(start, loop.index),), tile=tile)
            return
        self._emit_calls(emitter, part=(start, count), tile=tile)

    def _emit_calls(
        self, emitter: Emitter, position: tuple[Index, ...] = (), part: Span | None = None,
        tile: Index = 0,
    ) -> None:  # fmt: skip
        """Write a loop for each leading axis that `position` does not fix, around a call.

        `part` is the first of some rows or columns, and how many.
        """
        f, view, rank = emitter.f, self.view, len(position)
        if 0 in view.shape:
            return
        if rank < len(view.shape) - 2:
            with f.loop(0, view.shape[rank]) as loop:
                self._emit_calls(emitter, (*position, loop.index), part, tile)
            return
        matrices = (self.left, self.right, view)
        moves: list[list[tuple[Index, int]]] = [
            list(zip(position, v.strides[:rank], strict=True)) for v in matrices
        ]
        sizes: list[Index] = list(view.shape[-2:])
        if part is not None:
            start, count = part
            cut = self.axis - rank  # 0 for rows, 1 for columns
            moves[cut].append((start, (self.left.strides[-2], self.right.strides[-1])[cut]))
            moves[2].append((start, view.strides[self.axis]))
            sizes[cut] = count
        left, right, result = (
            emitter.addresses.of_view(v, *steps) for v, steps in zip(matrices, moves, strict=True)
        )
        scratch = "null"
        if self.scratch is not None:
            per_tile = self.scratch.nbytes // self.n_tiles
            base = emitter.addresses.of_buffer(self.scratch)
            scratch = f.offset(base, f.times(tile, per_tile), 1)
        a = (left, self.left.strides[-2], self.left.strides[-1])
        b = (right, self.right.strides[-2], self.right.strides[-1])
        result_stride = view.strides[-2]
        routine = self.routine
        if routine.transposed:
            a, b = (b[0], b[2], b[1]), (a[0], a[2], a[1])
            sizes.reverse()
            result_stride = 1
        name = f"{routine.name}_f{view.dtype.itemsize * 8}"
        kinds = "i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr"
        f.declare(name, f"declare void @{name}({kinds})")
        f.emit(
            f"call void @{name}(i64 {sizes[0]}, i64 {sizes[1]}, i64 {self.left.shape[-1]}, "
            f"ptr {a[0]}, i64 {a[1]}, i64 {a[2]}, ptr {b[0]}, i64 {b[1]}, i64 {b[2]}, "
            f"ptr {result}, i64 {result_stride}, i64 {PACKED if self.packed else 0}, ptr {scratch})"
        )


def flattened(product: Matmul) -> Matmul:
    """Return leading axes as rows of one product, if all share the right matrix."""
    lead = len(product.view.shape) - 2
    rows = prod(product.view.shape[:-1])
    if not lead or not rows or any(product.right.strides[:lead]):
        return product
    for v in (product.left, product.view):
        following = v.strides[-2] * v.shape[-2]
        for size, stride in zip(v.shape[lead - 1 :: -1], v.strides[lead - 1 :: -1], strict=True):
            if size != 1 and stride != following:
                return product
            following *= size
    left, view = (
        View(v.buffer, v.offset, (rows, v.shape[-1]), v.strides[-2:])
        for v in (product.left, product.view)
    )
    right = replace(
        product.right, shape=product.right.shape[-2:], strides=product.right.strides[-2:]
    )
    return Matmul(left, right, view, item_rows=rows // product.view.shape[0])


def plan_matmul(planner: Planning, node: Node) -> None:
    """Plan matrix products over broadcast leading axes."""
    if (narrow := packed_operands(node)) is not None:
        plan_packed_product(planner, node, narrow)
        return
    operands = [planner.materialize_as(child, node.dtype) for child in node.inputs]
    batch = node.shape[:-2]
    left, right = (v.broadcast((*batch, *v.shape[-2:])) for v in operands)
    planner.append(flattened(Matmul(left, right, planner.target(node))))


RULES: Mapping[str, Rule] = {"matmul": plan_matmul}
