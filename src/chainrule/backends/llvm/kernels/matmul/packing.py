"""A panel of B copied to where its rows follow each other, from rows or from columns."""

from __future__ import annotations

from ...ir.builder import FunctionBuilder, Module
from ...ir.value import Value
from .kernels import Tile

ARGUMENTS = [("ptr", "B"), ("i64", "b_row"), ("i64", "b_col"), ("i64", "K"), ("i64", "width"),
             ("ptr", "to")]  # fmt: skip
SIGNATURE = ", ".join(kind for kind, _ in ARGUMENTS)


def write_pack_rows(module: Module, tile: Tile) -> None:
    """``to[k, n] = B[k, n]`` for contiguous rows of B; `width` columns of the tile's."""
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
    """``to[k, n] = B[k, n]`` for contiguous columns of B (b_row is 1): squares are transposed."""
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
                place = f.times(f.plus(loop.index, k), tile.columns)
                f.store(row, f.offset(target, place, size))
        with f.loop(whole, "%K") as loop:
            place = f.offset(target, f.times(loop.index, tile.columns), size)
            for lane, start in enumerate(starts):
                x = f.load(f.offset(start, loop.index, size), dtype)
                f.store(x, f.offset(place, lane, size))
    module.declare("smin", "declare i64 @llvm.smin.i64(i64, i64)")
    f.emit("ret void")


def write_pack_any(module: Module, tile: Tile) -> None:
    """``to[k, n] = B[k, n]`` for any strides, number by number."""
    dtype, size = tile.dtype, tile.dtype.itemsize
    f = module.function(f"pack_any_{tile.name}", ARGUMENTS, linkage="internal")
    with f.loop(0, "%K") as rows:
        row = f.offset("%B", f.times(rows.index, "%b_row"), size)
        target = f.offset("%to", f.times(rows.index, tile.columns), size)
        with f.loop(0, "%width") as loop:
            x = f.load(f.offset(row, f.times(loop.index, "%b_col"), size), dtype)
            f.store(x, f.offset(target, loop.index, size))
    f.emit("ret void")


def transposed(f: FunctionBuilder, rows: list[Value]) -> list[Value]:
    """The columns of a square, by log2(n) rounds in which distant rows are interleaved.

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
