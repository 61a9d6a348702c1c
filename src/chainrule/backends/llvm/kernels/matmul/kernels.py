"""Micro-kernels: a tile of C in registers, one row of B and some numbers of A at a time.

A kernel of r rows and v vectors keeps r * v accumulators. Sizes and strides are run-time numbers,
so a few dozen kernels serve every product. Each number of C is a sum over K in order, whichever
kernel computes it: so the bits don't depend on how a caller cuts rows or columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.builder import FunctionBuilder, Module
from ...ir.types import Index
from ...ir.value import Value
from ...target.host import Host

LINE = 64  # bytes that memory moves at once
TOGETHER = 4  # numbers of K, in the kernel for packed matrices


@dataclass(frozen=True)
class Tile:
    """The largest tile of a dtype on a host, and the length of a vector.

    Attributes
    ----------
    dtype : dtype
    lanes : int
        Numbers in a vector.
    rows, vectors : int
        Size of the tile.
    tall : int
        Rows of a tile of half as many vectors or fewer: enough sums at once to hide the time that
        an addition takes.
    """

    dtype: np.dtype[Any]
    lanes: int
    rows: int
    vectors: int
    tall: int

    def tallest(self, vectors: int) -> int:
        """Return the number of rows of a tile with so many vectors."""
        return self.tall if 2 * vectors <= self.vectors else self.rows

    @property
    def columns(self) -> int:
        """Number of columns of the tile."""
        return self.lanes * self.vectors

    @property
    def name(self) -> str:
        """Name of the dtype: f32 or f64."""
        return f"f{8 * self.dtype.itemsize}"


def tile_for(target: Host, dtype: np.dtype[Any]) -> Tile:
    """Return tiles of 6 x 4 or 12 x 2 vectors for 32 registers, of 6 x 2 or 4 x 2 for 16."""
    lanes = target.lanes(dtype.itemsize)
    if target.vector_bytes == 64:
        return Tile(dtype, lanes, 6, 4, 12)
    if target.vector_bytes == 32:
        return Tile(dtype, lanes, 6, 2, 10)
    return Tile(dtype, lanes, 4, 2, 8)


ARGUMENTS = [("ptr", "A"), ("i64", "a_row"), ("i64", "a_col"), ("ptr", "B"), ("i64", "b_row"),
             ("ptr", "C"), ("i64", "c_row"), ("i64", "K"), ("i64", "tail"),
             ("i64", "add")]  # fmt: skip
SIGNATURE = ", ".join(kind for kind, _ in ARGUMENTS)


def kernel_name(tile: Tile, rows: int, vectors: int, masked: bool) -> str:
    """Return the name of the kernel with so many rows and vectors."""
    return f"kernel_{tile.name}_{rows}_{vectors}_{int(masked)}"


def write_kernel(module: Module, tile: Tile, rows: int, vectors: int, masked: bool) -> None:
    """Write C[rows, columns] = A @ B, added to C if `add`. A masked one has `tail` last lanes."""
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    f = module.function(kernel_name(tile, rows, vectors, masked), ARGUMENTS, linkage="internal")
    mask = f.first_lanes("%tail", lanes) if masked else None

    def masks(v: int) -> Value | None:
        return mask if v == vectors - 1 else None

    zero = f.constant(0, dtype, lanes)
    starts = [f.offset("%A", f.times(r, "%a_row"), size) for r in range(rows)]
    with f.loop(0, "%K", carried=[zero] * (rows * vectors)) as loop:
        row = f.offset("%B", f.times(loop.index, "%b_row"), size)
        b = [f.load(f.offset(row, v * lanes, size), dtype, lanes, masks(v)) for v in range(vectors)]
        column = f.times(loop.index, "%a_col")
        new = list(loop.values)
        for r in range(rows):
            a = f.splat(f.load(f.offset(starts[r], column, size), dtype), lanes)
            for v in range(vectors):
                new[r * vectors + v] = f.fma(a, b[v], new[r * vectors + v])
        loop.carry(*new)
    tiles = [f.offset("%C", f.times(r, "%c_row"), size) for r in range(rows)]
    _store(f, tile, tiles, list(loop.values), mask)
    f.emit("ret void")


def write_packed_kernel(module: Module, tile: Tile) -> None:
    """Write the largest kernel for a packed A and a packed B: all strides are known.

    Units that add addresses also multiply, so there is one addition for some numbers of K; and C
    is asked for before the sums begin, so that it is there when they end.
    """
    dtype, lanes, size, rows = tile.dtype, tile.lanes, tile.dtype.itemsize, tile.rows
    arguments = [("ptr", "A"), ("ptr", "B"), ("ptr", "C"), ("i64", "c_row"), ("i64", "K"),
                 ("i64", "add"), ("ptr", "next"), ("i64", "step")]  # fmt: skip
    f = module.function(f"packed_{tile.name}", arguments, linkage="internal")
    tiles = [f.offset("%C", f.times(r, "%c_row"), size) for r in range(rows)]
    for row in tiles:
        for byte in range(0, tile.columns * size, LINE):
            prefetch(f, f.offset(row, byte, 1), writes=True)

    def steps(k: str, sums: tuple[Value, ...], count: int) -> list[Value]:
        left = f.offset("%A", f.times(k, rows), size)
        right = f.offset("%B", f.times(k, tile.columns), size)
        new = list(sums)
        for step in range(count):
            b = [
                f.load(f.offset(right, step * tile.columns + v * lanes, size), dtype, lanes)
                for v in range(tile.vectors)
            ]
            for r in range(rows):
                a = f.splat(f.load(f.offset(left, step * rows + r, size), dtype), lanes)
                for v in range(tile.vectors):
                    new[r * tile.vectors + v] = f.fma(a, b[v], new[r * tile.vectors + v])
        return new

    whole = f.name(f"and i64 %K, {-TOGETHER}")
    sums = tuple([f.constant(0, dtype, lanes)] * (rows * tile.vectors))
    spans: tuple[tuple[Index, Index, int], ...] = ((0, whole, TOGETHER), (whole, "%K", 1))
    for start, stop, count in spans:
        with f.loop(start, stop, count, carried=sums) as loop:
            if count > 1:
                prefetch(f, f.offset("%next", f.times(loop.index, "%step"), 1), level=2)
            loop.carry(*steps(loop.index, loop.values, count))
        sums = loop.values
    _store(f, tile, tiles, list(sums), None)
    f.emit("ret void")


def prefetch(f: FunctionBuilder, address: str, writes: bool = False, level: int = 1) -> None:
    """Ask for a line of memory to be in a cache of this level soon."""
    f.declare("llvm.prefetch", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    f.emit(f"call void @llvm.prefetch.p0(ptr {address}, i32 {int(writes)}, i32 {4 - level}, i32 1)")


def _store(
    f: FunctionBuilder,
    tile: Tile,
    rows: list[str],
    values: list[Value],
    mask: Value | None,
) -> None:
    """Store the accumulators to the rows of C, or add them.

    All of C is read before any of it is written: a read that follows a write 4,096 bytes away, as
    rows often are, waits for it.
    """
    vectors = len(values) // len(rows)
    fresh, adding, done = f.fresh("fresh"), f.fresh("adding"), f.fresh("done")
    addresses = [
        f.offset(row, v * tile.lanes, tile.dtype.itemsize) for row in rows for v in range(vectors)
    ]
    masks = [mask if k % vectors == vectors - 1 else None for k in range(len(values))]
    f.branch(f.name("icmp eq i64 %add, 0"), fresh, adding)
    for label, adds in ((fresh, False), (adding, True)):
        f.label(label)
        sums = values
        if adds:
            sums = [
                f.load(address, tile.dtype, tile.lanes, only) + x
                for address, only, x in zip(addresses, masks, values, strict=True)
            ]
        for address, only, x in zip(addresses, masks, sums, strict=True):
            f.store(x, address, only)
        f.jump(done)
    f.label(done)


def write_dots(module: Module, tile: Tile, rows: int, columns: int) -> None:
    """Write dot products of contiguous rows of A with contiguous columns of B.

    Each sum has a lane of its own for every number of a vector, whatever `rows` and `columns` are.
    """
    dtype, lanes, size = tile.dtype, tile.lanes, tile.dtype.itemsize
    arguments = [("ptr", "A"), ("i64", "a_row"), ("ptr", "B"), ("i64", "b_col"), ("ptr", "C"),
                 ("i64", "c_row"), ("i64", "K"), ("i64", "add")]  # fmt: skip
    f = module.function(f"dots_{tile.name}_{rows}_{columns}", arguments, linkage="internal")
    a_rows = [f.offset("%A", f.times(r, "%a_row"), size) for r in range(rows)]
    b_columns = [f.offset("%B", f.times(c, "%b_col"), size) for c in range(columns)]
    whole = f.name(f"and i64 %K, {-lanes}")
    zero = f.constant(0, dtype, lanes)

    def accumulate(index: str, sums: tuple[Value, ...], mask: Value | None) -> list[Value]:
        b = [f.load(f.offset(p, index, size), dtype, lanes, mask) for p in b_columns]
        new = []
        for r, start in enumerate(a_rows):
            a = f.load(f.offset(start, index, size), dtype, lanes, mask)
            new += [f.fma(a, b[c], sums[r * columns + c]) for c in range(columns)]
        return new

    with f.loop(0, whole, lanes, carried=[zero] * (rows * columns)) as loop:
        loop.carry(*accumulate(loop.index, loop.values, None))
    mask = f.first_lanes(f.name(f"sub i64 %K, {whole}"), lanes)
    for k, total in enumerate(accumulate(whole, loop.values, mask)):
        offset = f.plus(f.times(k // columns, "%c_row"), k % columns)
        _store_one(f, across(f, total), f.offset("%C", offset, size))
    f.emit("ret void")


def _store_one(f: FunctionBuilder, x: Value, address: str) -> None:
    before = f.load(address, x.dtype)
    fresh = f.name("icmp eq i64 %add, 0")
    f.store(f.value(f"select i1 {fresh}, {x}, {before + x}", x.dtype, 1), address)


def across(f: FunctionBuilder, x: Value) -> Value:
    """Sum all lanes, in halves."""
    while x.lanes > 2:
        half = x.lanes // 2
        x = f.shuffle(x, None, range(half)) + f.shuffle(x, None, range(half, x.lanes))
    return f.extract(x, 0) + f.extract(x, 1)
