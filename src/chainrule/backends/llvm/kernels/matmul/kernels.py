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
from ...ir.value import Value
from ...target.host import Host


@dataclass(frozen=True)
class Tile:
    """The largest tile of a dtype on a host, and the length of a vector.

    Attributes
    ----------
    dtype : dtype
    lanes : int
        Numbers a vector.
    rows, vectors : int
        Of the tile.
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
        """Rows of a tile of so many vectors."""
        return self.tall if 2 * vectors <= self.vectors else self.rows

    @property
    def columns(self) -> int:
        """Of the tile."""
        return self.lanes * self.vectors

    @property
    def name(self) -> str:
        """f32 or f64."""
        return f"f{8 * self.dtype.itemsize}"


def tile_for(target: Host, dtype: np.dtype[Any]) -> Tile:
    """6 x 4 or 12 x 2 vectors where there are 32 registers, 6 x 2 or 4 x 2 of 16."""
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
    """Of the kernel with so many rows and vectors."""
    return f"kernel_{tile.name}_{rows}_{vectors}_{int(masked)}"


def write_kernel(module: Module, tile: Tile, rows: int, vectors: int, masked: bool) -> None:
    """C[rows, columns] = A @ B, added to C if `add`; of the last vector only `tail` lanes."""
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
        place = f.times(loop.index, "%a_col")
        new = list(loop.values)
        for r in range(rows):
            a = f.splat(f.load(f.offset(starts[r], place, size), dtype), lanes)
            for v in range(vectors):
                new[r * vectors + v] = f.fma(a, b[v], new[r * vectors + v])
        loop.carry(*new)
    tiles = [f.offset("%C", f.times(r, "%c_row"), size) for r in range(rows)]
    _store(f, tile, tiles, list(loop.values), mask)
    f.emit("ret void")


def _store(
    f: FunctionBuilder, tile: Tile, rows: list[str], values: list[Value], mask: Value | None
) -> None:
    """The accumulators written, or added, to the rows of C."""
    vectors = len(values) // len(rows)
    fresh, adding, done = f.fresh("fresh"), f.fresh("adding"), f.fresh("done")
    f.branch(f.name("icmp eq i64 %add, 0"), fresh, adding)
    for label, adds in ((fresh, False), (adding, True)):
        f.label(label)
        for r, row in enumerate(rows):
            for v in range(vectors):
                place = f.offset(row, v * tile.lanes, tile.dtype.itemsize)
                only = mask if v == vectors - 1 else None
                x = values[r * vectors + v]
                if adds:
                    x = f.load(place, tile.dtype, tile.lanes, only) + x
                f.store(x, place, only)
        f.jump(done)
    f.label(done)


def write_dots(module: Module, tile: Tile, rows: int, columns: int) -> None:
    """Dot products of contiguous rows of A with contiguous columns of B.

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

    def turn(index: str, sums: tuple[Value, ...], mask: Value | None) -> list[Value]:
        b = [f.load(f.offset(p, index, size), dtype, lanes, mask) for p in b_columns]
        new = []
        for r, start in enumerate(a_rows):
            a = f.load(f.offset(start, index, size), dtype, lanes, mask)
            new += [f.fma(a, b[c], sums[r * columns + c]) for c in range(columns)]
        return new

    with f.loop(0, whole, lanes, carried=[zero] * (rows * columns)) as loop:
        loop.carry(*turn(loop.index, loop.values, None))
    mask = f.first_lanes(f.name(f"sub i64 %K, {whole}"), lanes)
    for k, total in enumerate(turn(whole, loop.values, mask)):
        place = f.plus(f.times(k // columns, "%c_row"), k % columns)
        _store_one(f, across(f, total), f.offset("%C", place, size))
    f.emit("ret void")


def _store_one(f: FunctionBuilder, x: Value, place: str) -> None:
    before = f.load(place, x.dtype)
    fresh = f.name("icmp eq i64 %add, 0")
    f.store(f.value(f"select i1 {fresh}, {x}, {before + x}", x.dtype, 1), place)


def across(f: FunctionBuilder, x: Value) -> Value:
    """The sum of all lanes, in halves."""
    while x.lanes > 2:
        half = x.lanes // 2
        x = f.shuffle(x, None, range(half)) + f.shuffle(x, None, range(half, x.lanes))
    return f.extract(x, 0) + f.extract(x, 1)
