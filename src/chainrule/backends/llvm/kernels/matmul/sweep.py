"""Few rows by a large matrix: B is met once, row after row, as memory likes it.

With tiles, each panel of B is a walk through all of its rows, a piece of each; with few rows of A
nothing repays that. Here C, which is small, is walked through again and again instead. Each sum
still goes over K in order, so the bits are those of the tiles.
"""

from __future__ import annotations

from ...ir.builder import FunctionBuilder, Module
from ...ir.value import Value
from .kernels import Tile

MOST = 4  # rows of A at once
_LARGE = 2**21  # bytes of B, which the second cache does not hold: then twice as many rows
_WIDE = 256  # columns from which on it pays
_TOGETHER = 8  # rows of B at once

ARGUMENTS = [("ptr", "A"), ("i64", "a_row"), ("i64", "a_col"), ("ptr", "B"), ("i64", "b_row"),
             ("ptr", "C"), ("i64", "c_row"), ("i64", "N"), ("i64", "K")]  # fmt: skip


def write_sweep(module: Module, tile: Tile, rows: int) -> None:
    """Write C[rows, N] = A @ B; the rows of B are contiguous."""
    dtype, size = tile.dtype, tile.dtype.itemsize
    f = module.function(f"sweep_{tile.name}_{rows}", ARGUMENTS, linkage="internal")
    for r in range(rows):
        c = f.offset("%C", f.times(r, "%c_row"), size)
        with f.loop(0, "%N") as loop:
            f.store(f.constant(0, dtype), f.offset(c, loop.index, size))
    together = _TOGETHER // (1 if rows == 1 else 2)
    whole = f.name(f"and i64 %K, {-together}")
    for start, stop, step in ((0, whole, together), (whole, "%K", 1)):
        with f.loop(start, stop, step) as block:
            _add_rows(f, tile, rows, block.index, step)
    f.emit("ret void")


def _add_rows(f: FunctionBuilder, tile: Tile, rows: int, k0: str, count: int) -> None:
    """Add `count` numbers of K to all of C."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    numbers: dict[tuple[int, int], Value] = {}
    for r in range(rows):
        for k in range(count):
            offset = f.plus(f.times(r, "%a_row"), f.times(f.plus(k0, k), "%a_col"))
            a = f.load(f.offset("%A", offset, size), dtype)
            numbers[r, k] = f.splat(a, lanes)
    b_rows = [f.offset("%B", f.times(f.plus(k0, k), "%b_row"), size) for k in range(count)]
    c_rows = [f.offset("%C", f.times(r, "%c_row"), size) for r in range(rows)]

    def piece(index: str, mask: Value | None) -> None:
        b = [f.load(f.offset(row, index, size), dtype, lanes, mask) for row in b_rows]
        for r, row in enumerate(c_rows):
            address = f.offset(row, index, size)
            total = f.load(address, dtype, lanes, mask)
            for k in range(count):
                total = f.fma(numbers[r, k], b[k], total)
            f.store(total, address, mask)

    whole = f.name(f"and i64 %N, {-lanes}")
    with f.loop(0, whole, lanes) as loop:
        piece(loop.index, None)
    with f.when(f.name(f"icmp slt i64 {whole}, %N")):
        piece(whole, f.first_lanes(f.name(f"sub i64 %N, {whole}"), lanes))


def is_swept(f: FunctionBuilder, tile: Tile) -> str:
    """Return whether `gemm` sweeps over B, as an i1."""
    size = tile.dtype.itemsize
    large = f.name(f"icmp sgt i64 {f.times('%N', '%K0')}, {_LARGE // size}")
    most = f.name(f"select i1 {large}, i64 {2 * MOST}, i64 {MOST}")
    few = f.name(f"icmp sle i64 %M, {most}")
    wide = f.name(f"icmp sge i64 %N, {_WIDE}")
    contiguous = f.name("icmp eq i64 %b_col, 1")
    return f.name(f"and i1 {contiguous}, {f.name(f'and i1 {few}, {wide}')}")


def sweep_block(f: FunctionBuilder, tile: Tile, a: str, b: str, depth: str, add: str) -> None:
    """Write the sweeps over a block of K.

    What is added to C is summed by itself first, as it is in tiles.
    """
    size = tile.dtype.itemsize
    fresh = f.name(f"icmp eq i64 {add}, 0")
    apart = f.name(f"select i1 {fresh}, i64 %c_row, i64 %N")
    with f.loop(0, "%M", MOST) as loop:
        left = f.offset(a, f.times(loop.index, "%a_row"), size)
        c = f.offset("%C", f.times(loop.index, "%c_row"), size)
        result = f.name(f"select i1 {fresh}, ptr {c}, ptr %scratch")
        count = f.smaller(MOST, f.name(f"sub i64 %M, {loop.index}"))
        for rows in range(1, MOST + 1):
            with f.when(f.name(f"icmp eq i64 {count}, {rows}")):
                f.emit(
                    f"call void @sweep_{tile.name}_{rows}(ptr {left}, i64 %a_row, i64 %a_col, "
                    f"ptr {b}, i64 %b_row, ptr {result}, i64 {apart}, i64 %N, i64 {depth})"
                )
        with f.when(f.name(f"xor i1 {fresh}, true")), f.loop(0, count) as row:
            target = f.offset(c, f.times(row.index, "%c_row"), size)
            more = f.offset("%scratch", f.times(row.index, "%N"), size)
            _add(f, tile, more, target)


def _add(f: FunctionBuilder, tile: Tile, x: str, y: str) -> None:
    """Add N numbers to others."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    whole = f.name(f"and i64 %N, {-lanes}")
    for start, stop, width in ((0, whole, lanes), (whole, "%N", 1)):
        with f.loop(start, stop, width) as loop:
            target = f.offset(y, loop.index, size)
            term = f.load(f.offset(x, loop.index, size), dtype, width)
            f.store(f.load(target, dtype, width) + term, target)
