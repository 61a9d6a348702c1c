"""A panel of B copied to where its rows follow each other, from rows or from columns."""

from __future__ import annotations

from ...ir.builder import FunctionBuilder, Module
from ...ir.value import Value
from .kernels import LINE, Tile, prefetch

ARGUMENTS = [("ptr", "B"), ("i64", "b_row"), ("i64", "b_col"), ("i64", "K"), ("i64", "width"),
             ("ptr", "to")]  # fmt: skip
SIGNATURE = ", ".join(kind for kind, _ in ARGUMENTS)


def write_pack_rows(module: Module, tile: Tile) -> None:
    """Write ``to[k, n] = B[k, n]`` for contiguous rows of B; `width` columns of the tile's."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    f = module.function(f"pack_rows_{tile.name}", ARGUMENTS, linkage="internal")
    full, part = f.fresh("full"), f.fresh("part")
    f.branch(f.name(f"icmp eq i64 %width, {tile.columns}"), full, part)
    f.label(full)
    with f.loop(0, "%K") as loop:
        row = f.offset("%B", f.times(loop.index, "%b_row"), size)
        target = f.offset("%to", f.times(loop.index, tile.columns), size)
        for v in range(tile.vectors):
            x = f.load(f.offset(row, v * lanes, size), dtype, lanes)
            f.store(x, f.offset(target, v * lanes, size))
    f.emit("ret void")
    f.label(part)
    with f.loop(0, "%K") as loop:
        row = f.offset("%B", f.times(loop.index, "%b_row"), size)
        target = f.offset("%to", f.times(loop.index, tile.columns), size)
        for v in range(tile.vectors):
            mask = f.first_lanes(f.name(f"sub i64 %width, {v * lanes}"), lanes)
            x = f.load(f.offset(row, v * lanes, size), dtype, lanes, mask)
            f.store(x, f.offset(target, v * lanes, size))
    f.emit("ret void")


def write_pack_columns(module: Module, tile: Tile) -> None:
    """Write ``to[k, n] = B[k, n]`` for contiguous columns of B, by transposing squares."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    f = module.function(f"pack_columns_{tile.name}", ARGUMENTS, linkage="internal")
    last = f.name("sub i64 %width, 1")
    whole = f.name(f"and i64 %K, {-lanes}")
    with f.loop(0, "%width", lanes) as columns:
        starts = []
        for lane in range(lanes):  # beyond the width the last column again: nobody reads it
            n = f.plus(columns.index, lane)
            n = f.name(f"call i64 @llvm.smin.i64(i64 {n}, i64 {last})")
            starts.append(f.offset("%B", f.times(n, "%b_col"), size))
        target = f.offset("%to", columns.index, size)
        with f.loop(0, whole, lanes) as loop:
            square = [f.load(f.offset(p, loop.index, size), dtype, lanes) for p in starts]
            for k, row in enumerate(transposed(f, square)):
                offset = f.times(f.plus(loop.index, k), tile.columns)
                f.store(row, f.offset(target, offset, size))
        with f.loop(whole, "%K") as loop:
            packed_row = f.offset(target, f.times(loop.index, tile.columns), size)
            for lane, start in enumerate(starts):
                x = f.load(f.offset(start, loop.index, size), dtype)
                f.store(x, f.offset(packed_row, lane, size))
    module.declare("smin", "declare i64 @llvm.smin.i64(i64, i64)")
    f.emit("ret void")


def write_pack_any(module: Module, tile: Tile) -> None:
    """Write ``to[k, n] = B[k, n]`` for any strides, number by number."""
    dtype, size = tile.dtype, tile.dtype.itemsize
    f = module.function(f"pack_any_{tile.name}", ARGUMENTS, linkage="internal")
    with f.loop(0, "%K") as rows:
        row = f.offset("%B", f.times(rows.index, "%b_row"), size)
        target = f.offset("%to", f.times(rows.index, tile.columns), size)
        with f.loop(0, "%width") as loop:
            x = f.load(f.offset(row, f.times(loop.index, "%b_col"), size), dtype)
            f.store(x, f.offset(target, loop.index, size))
    f.emit("ret void")


LEFT_ARGUMENTS = [("ptr", "A"), ("i64", "a_row"), ("i64", "a_col"), ("i64", "M"), ("i64", "K"),
                  ("ptr", "to")]  # fmt: skip


def write_fetch(module: Module) -> None:
    """Write a function that asks for rows of memory, to be in the second cache soon."""
    arguments = [("ptr", "start"), ("i64", "apart"), ("i64", "rows"), ("i64", "bytes")]
    f = module.function("fetch", arguments, linkage="internal")
    with f.loop(0, "%rows") as rows:
        row = f.offset("%start", f.times(rows.index, "%apart"), 1)
        with f.loop(0, "%bytes", LINE) as loop:
            prefetch(f, f.offset(row, loop.index, 1), level=2)
    f.emit("ret void")


def write_pack_left(module: Module, tile: Tile) -> None:
    """Write the packing of a block of A: panels of the tile's rows, each by its columns.

    A vector holds more than a column's numbers; what it writes too much is written over by the
    next column. So behind the block there is memory for one more vector.
    """
    for name, write in (
        ("rows", _left_rows),
        ("columns", _left_columns),
        ("any", _left_any),
    ):
        f = module.function(f"pack_left_{name}_{tile.name}", LEFT_ARGUMENTS, linkage="internal")
        with f.loop(0, "%M", tile.rows) as panel:
            left = f.name(f"sub i64 %M, {panel.index}")
            source = f.offset("%A", f.times(panel.index, "%a_row"), tile.dtype.itemsize)
            target = f.offset("%to", f.times(panel.index, "%K"), tile.dtype.itemsize)
            write(f, tile, source, left, target)
        f.emit("ret void")


def _left_rows(f: FunctionBuilder, tile: Tile, source: str, left: str, target: str) -> None:
    """Pack a panel of contiguous rows, by transposing squares; beyond the last row again it."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    f.declare("smin", "declare i64 @llvm.smin.i64(i64, i64)")
    last = f.name(f"sub i64 {left}, 1")
    starts = []
    for r in range(tile.rows):
        row = f.name(f"call i64 @llvm.smin.i64(i64 {r}, i64 {last})")
        starts.append(f.offset(source, f.times(row, "%a_row"), size))
    whole = f.name(f"and i64 %K, {-lanes}")
    following = f.times("%a_row", tile.rows)
    with f.loop(0, whole, lanes) as loop:
        for p in starts:
            prefetch(f, f.offset(f.offset(p, following, size), loop.index, size))
        vectors = [f.load(f.offset(p, loop.index, size), dtype, lanes) for p in starts]
        groups = []
        for first in range(0, tile.rows, lanes):
            square = vectors[first : first + lanes]
            groups.append(transposed(f, square + square[-1:] * (lanes - len(square))))
        to = f.offset(target, f.times(loop.index, tile.rows), size)
        for k, columns in enumerate(zip(*groups, strict=True)):
            for group, column in enumerate(columns):
                f.store(column, f.offset(to, k * tile.rows + group * lanes, size))
    with f.loop(whole, "%K") as loop:
        to = f.offset(target, f.times(loop.index, tile.rows), size)
        for r, start in enumerate(starts):
            f.store(f.load(f.offset(start, loop.index, size), dtype), f.offset(to, r, size))


def _left_columns(f: FunctionBuilder, tile: Tile, source: str, left: str, target: str) -> None:
    """Pack a panel of contiguous columns: whole vectors of each, of which the first rows count."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    starts = range(0, tile.rows, lanes)

    def copy(masks: list[Value | None]) -> None:
        with f.loop(0, "%K") as loop:
            column = f.offset(source, f.times(loop.index, "%a_col"), size)
            to = f.offset(target, f.times(loop.index, tile.rows), size)
            for start, mask in zip(starts, masks, strict=True):
                x = f.load(f.offset(column, start, size), dtype, lanes, mask)
                f.store(x, f.offset(to, start, size))

    full, part, done = f.fresh("full"), f.fresh("part"), f.fresh("done")
    f.branch(f.name(f"icmp sge i64 {left}, {starts[-1] + lanes}"), full, part)
    f.label(full)
    copy([None] * len(starts))
    f.jump(done)
    f.label(part)
    copy([f.first_lanes(f.name(f"sub i64 {left}, {start}"), lanes) for start in starts])
    f.jump(done)
    f.label(done)


def _left_any(f: FunctionBuilder, tile: Tile, source: str, left: str, target: str) -> None:
    """Pack a panel of any strides, number by number."""
    dtype, size = tile.dtype, tile.dtype.itemsize
    count = f.smaller(left, tile.rows)
    with f.loop(0, "%K") as columns:
        column = f.offset(source, f.times(columns.index, "%a_col"), size)
        to = f.offset(target, f.times(columns.index, tile.rows), size)
        with f.loop(0, count) as loop:
            x = f.load(f.offset(column, f.times(loop.index, "%a_row"), size), dtype)
            f.store(x, f.offset(to, loop.index, size))


def transposed(f: FunctionBuilder, rows: list[Value]) -> list[Value]:
    """Transpose a square by log2(n) rounds in which distant rows are interleaved.

    ::

        a0 a1      a0 b0 a1 b1  (low halves of a and c, then of b and d, ...)
        b0 b1  ->
    """
    n = len(rows)
    low = [x for k in range(n // 2) for x in (k, n + k)]
    high = [x for k in range(n // 2, n) for x in (k, n + k)]
    for _ in range(n.bit_length() - 1):
        half = n // 2
        mixed = []
        for k in range(half):
            mixed.append(f.shuffle(rows[k], rows[k + half], low))
            mixed.append(f.shuffle(rows[k], rows[k + half], high))
        rows = mixed
    return rows
