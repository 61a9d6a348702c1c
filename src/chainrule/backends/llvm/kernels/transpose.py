"""A matrix transposed from memory to memory, a tile in registers at a time.

Of a tile of R rows and C columns, pieces of 16 bytes are read: a register takes one piece of
several rows that lie R / pieces apart. Between the registers of one group of columns rounds of
interleaving exchange rows and columns within 16 bytes each, which is one instruction a register
at every width; then each register is a column, and is stored.

Large matrices go through memory on the stack: a cache line of columns, of as many rows as make a
kilobyte of each, which is then written in one go. Written 64 bytes here, 64 bytes there, memory is
three times as slow, since the CPU fetches in advance what follows in a line of addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder, Module
from ..ir.types import Index
from ..ir.value import Value
from ..target.host import host

_ARGUMENTS = [("ptr", "from"), ("i64", "from_row"), ("ptr", "to"), ("i64", "to_row"),
              ("i64", "rows"), ("i64", "columns")]  # fmt: skip
_PIECE = 16  # bytes, within which every CPU interleaves
_LINE = 64  # bytes: columns that are done of all rows before the next
_COLUMNS = 16  # and at least so many
_BURST = 1024  # bytes of a column that are written at once
_LARGE = 2**19  # bytes of a matrix that goes through the stack
_INTEGERS = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def transpose(
    f: FunctionBuilder, dtype: np.dtype[Any], source: str, source_row: Index, target: str,
    target_row: Index, rows: int, columns: Index, least: int,
) -> None:  # fmt: skip
    """Write ``target[c, r] = source[r, c]`` where each row of both is contiguous.

    The number of columns is 0, or not less than `least`.
    """
    number, size = _INTEGERS[dtype.itemsize], dtype.itemsize
    height = _power_of_two(rows, host().lanes(size))
    width = min(height, _power_of_two(least, _PIECE // size))
    name = f"transpose_{size}_{height}x{width}"
    if name not in f.module.declarations:
        f.module.declarations[name] = ""
        _write_function(f.module, name, number, height, width)
    large = rows * least * size >= _LARGE and rows * size >= _BURST and width == _PIECE // size
    through = f"{name}_through"
    if large and through not in f.module.declarations:
        f.module.declarations[through] = ""
        _write_through(f.module, name, through, number)
    f.emit(
        f"call void @{through if large else name}(ptr {source}, i64 {source_row}, ptr {target}, "
        f"i64 {target_row}, i64 {rows}, i64 {columns})"
    )


def _power_of_two(size: int, most: int) -> int:
    return min(most, 1 << (size.bit_length() - 1))


def _write_function(
    module: Module, name: str, dtype: np.dtype[Any], height: int, width: int
) -> None:
    """Write loops over blocks of columns, rows, and tiles; the last tiles overlap those before."""
    f = module.function(name, _ARGUMENTS, linkage="internal")
    size = dtype.itemsize
    block = max(_COLUMNS, _LINE // size)
    last_row = f.name(f"sub i64 %rows, {height}")
    last_column = f.name(f"sub i64 %columns, {width}")
    with f.loop(0, "%columns", block) as blocks:
        stop = f.smaller(f.plus(blocks.index, block), "%columns")
        with f.loop(0, "%rows", height) as rows:
            row = f.smaller(rows.index, last_row)
            source = f.offset("%from", f.times(row, "%from_row"), size)
            target = f.offset("%to", row, size)
            with f.loop(blocks.index, stop, width) as columns:
                column = f.smaller(columns.index, last_column)
                start = f.offset(source, column, size)
                goal = f.offset(target, f.times(column, "%to_row"), size)
                _write_tile(f, dtype, start, goal, height, width)
    f.emit("ret void")


def _write_through(module: Module, direct: str, name: str, dtype: np.dtype[Any]) -> None:
    """Write loops over blocks that are transposed to the stack, and copied from there."""
    f = module.function(name, _ARGUMENTS, linkage="internal")
    size, lanes = dtype.itemsize, host().lanes(dtype.itemsize)
    height, most = _BURST // size, max(_COLUMNS, _LINE // size)
    length = height + _LINE // size  # of a column on the stack: those of one number lie apart
    stack = f.scratch(most * length * size)
    width = f.smaller(most, "%columns")
    last_row = f.name(f"sub i64 %rows, {height}")
    last_column = f.name(f"sub i64 %columns, {width}")
    with f.loop(0, "%rows", height) as rows, f.loop(0, "%columns", most) as columns:
        row = f.smaller(rows.index, last_row)
        column = f.smaller(columns.index, last_column)
        source = f.offset("%from", f.plus(f.times(row, "%from_row"), column), size)
        target = f.offset("%to", f.plus(f.times(column, "%to_row"), row), size)
        f.emit(
            f"call void @{direct}(ptr {source}, i64 %from_row, ptr {stack}, i64 {length}, "
            f"i64 {height}, i64 {width})"
        )
        with f.loop(0, width) as copied:
            begin = f.offset(stack, f.times(copied.index, length), size)
            end = f.offset(target, f.times(copied.index, "%to_row"), size)
            with f.loop(0, height, lanes) as loop:
                x = f.load(f.offset(begin, loop.index, size), dtype, lanes)
                f.store(x, f.offset(end, loop.index, size))
    f.emit("ret void")


def _write_tile(
    f: FunctionBuilder, dtype: np.dtype[Any], source: str, target: str, height: int, width: int
) -> None:
    """Read registers of pieces of rows, exchange rows and columns within pieces, store columns."""
    size = dtype.itemsize
    rows = [
        f.load(f.offset(source, f.times(r, "%from_row"), size), dtype, width)
        for r in range(height)
    ]  # fmt: skip
    columns = _exchanged(f, [_concatenated(f, rows[k::width]) for k in range(width)])
    for column, x in enumerate(columns):
        f.store(x, f.offset(target, f.times(column, "%to_row"), size))


def _exchanged(f: FunctionBuilder, registers: Sequence[Value]) -> Sequence[Value]:
    """Transpose the squares that pieces of all registers are: a perfect shuffle, log2 times."""
    width, lanes = len(registers), registers[0].lanes
    half = width // 2
    orders = [
        [piece + start + k // 2 + lanes * (k % 2)
         for piece in range(0, lanes, width) for k in range(width)]
        for start in (0, half)
    ]  # fmt: skip
    for _ in range(half.bit_length()):
        pairs = list(zip(registers[:half], registers[half:], strict=True))
        registers = [f.shuffle(a, b, order) for a, b in pairs for order in orders]
    return registers


def _concatenated(f: FunctionBuilder, pieces: Sequence[Value]) -> Value:
    """Return pieces, a power of two, as one vector."""
    while len(pieces) > 1:
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [_joined(f, a, b) for a, b in pairs]
    return pieces[0]


def _joined(f: FunctionBuilder, a: Value, b: Value) -> Value:
    if a.lanes > 1:
        return f.shuffle(a, b, range(2 * a.lanes))
    return f.insert(f.insert(None, a, 0, 2), b, 1, 2)
