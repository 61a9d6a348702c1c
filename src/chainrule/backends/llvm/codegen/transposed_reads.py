"""Nests that read across the vectors that they write: arrays are transposed on the way.

A plain copy is one call of the transposing kernel for each matrix. Any other nest goes over tiles
of rows and columns: what it reads across is transposed into memory on the stack, which the first
cache holds, and read from there, side by side. ::

    for tiles of rows, for blocks of columns:
        b.T[rows, columns] -> stack
        for rows, for vectors of columns:    y[row, columns] = a[row, columns] + stack[...]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..expressions.expression import Load
from ..ir.types import Index
from ..kernels.transpose import transpose
from ..layout.view import View
from .loop_nest import LoopAxis, LoopNestEmitter, Relocated
from .vector_loops import Span, emit_loops, next_power_of_two

_NEAR = 8  # numbers from lane to lane, up to which vectors are shuffled instead
_SMALLEST = 8  # rows, and columns
_ROWS = 16  # of a tile, and a cache line of numbers
_LINE = 64  # bytes
_STACK = 2**14  # bytes for all tiles
_FEWEST_COLUMNS = 32


@dataclass(frozen=True)
class TransposedReads:
    """Loads of a nest that are contiguous along `rows`, and far apart along `columns`, its vectors.

    Attributes
    ----------
    loads : sequence of Load
    others : sequence of LoopAxis
    rows, columns : LoopAxis
    """

    loads: Sequence[Load]
    others: Sequence[LoopAxis]
    rows: LoopAxis
    columns: LoopAxis


def find_transposed_reads(
    axes: Sequence[LoopAxis], loads: Sequence[Load], views: Sequence[View]
) -> TransposedReads | None:
    """Return what a nest reads across its vectors, along the axis that most of it lies along."""
    if len(axes) < 2 or axes[-1].size < _SMALLEST or axes[-1].inner is not None:
        return None
    columns = axes[-1]
    if any(view.strides[columns.last] != 1 for view in views):
        return None
    best: TransposedReads | None = None
    for rows in axes[:-1]:
        across = [load for load in loads if abs(load.strides[columns.last]) > _NEAR
                  and abs(load.strides[rows.last]) == 1]  # fmt: skip
        if rows.size >= _SMALLEST and len(across) > (len(best.loads) if best else 0):
            others = [axis for axis in axes[:-1] if axis is not rows]
            best = TransposedReads(across, others, rows, columns)
    return best


def emit_transposing_copy(
    nest: LoopNestEmitter, reads: TransposedReads, view: View, span: Span | None
) -> None:
    """Write a nest that stores one load as it is."""
    (load,), rows, columns = reads.loads, reads.rows, reads.columns
    f, size = nest.f, load.dtype.itemsize
    forward = load.strides[rows.last] == 1

    def write_matrix(start: Index, count: Index, least: int) -> None:
        first = start if forward else f.plus(f.plus(start, count), -1)
        with _entered(nest, rows, first), _entered(nest, columns, 0):
            source = nest.start(nest.bases[load.buffer], load.offset, load.strides, size)
            target = nest.start(nest.bases[view.buffer], view.offset, view.strides, size)
        step = view.strides[rows.last] if forward else -view.strides[rows.last]
        transpose(
            f, load.dtype, source, load.strides[columns.last], target, step, columns.size, count,
            least,
        )  # fmt: skip

    def write() -> None:
        if span is None or reads.others:
            write_matrix(0, rows.size, rows.size)
            return
        whole = rows.size // _ROWS * _ROWS
        start, stop = span
        last = f.name(f"icmp sgt i64 {stop}, {whole}")
        end = f.name(f"select i1 {last}, i64 {whole}, i64 {stop}")
        if whole:
            write_matrix(start, f.name(f"sub i64 {end}, {start}"), _ROWS)
        if whole < rows.size:
            with f.when(last):
                write_matrix(whole, rows.size - whole, rows.size - whole)

    emit_loops(nest, reads.others, write, span)


def emit_transposed_reads(
    nest: LoopNestEmitter, reads: TransposedReads, lanes: int, write: Callable[[], None],
    span: Span | None,
) -> None:  # fmt: skip
    """Write a nest by tiles."""
    f, rows, columns = nest.f, reads.rows, reads.columns
    width = sum(load.dtype.itemsize for load in reads.loads)
    height = min(rows.size, max(_ROWS, _LINE // max(load.dtype.itemsize for load in reads.loads)))
    block = _divided(columns.size, max(_FEWEST_COLUMNS, _STACK // (height * width)))

    def write_columns(start: Index, count: int) -> None:
        whole = columns.size // block * block
        if whole:
            with f.loop(0, whole, block) as loop:
                _write_tile(nest, reads, (start, count), (loop.index, block), lanes, write)
        if whole < columns.size:
            part = (whole, columns.size - whole)
            _write_tile(nest, reads, (start, count), part, lanes, write)

    def write_tiles() -> None:
        whole = rows.size // height * height
        rest = rows.size - whole
        if span is None or reads.others:
            with f.loop(0, whole, height) as loop:
                write_columns(loop.index, height)
            if rest:
                write_columns(whole, rest)
            return
        start, stop = span
        last = f.name(f"icmp sgt i64 {stop}, {whole}")
        end = f.name(f"select i1 {last}, i64 {whole}, i64 {stop}")
        with f.loop(start, end, height) as loop:
            write_columns(loop.index, height)
        if rest:
            with f.when(last):
                write_columns(whole, rest)

    emit_loops(nest, reads.others, write_tiles, span)


def _divided(size: int, most: int) -> int:
    """Return a block of at most so many, if possible such that nothing remains."""
    fewest = -(-size // most)
    exact = (size // count for count in range(fewest, 2 * fewest + 1) if size % count == 0)
    return next(exact, min(size, most))


def _write_tile(
    nest: LoopNestEmitter, reads: TransposedReads, rows: tuple[Index, int],
    columns: tuple[Index, int], lanes: int, write: Callable[[], None],
) -> None:  # fmt: skip
    """Transpose what is read of a tile, and compute it: (start, count) of rows and columns."""
    f = nest.f
    (top, height), (left, width) = rows, columns
    tile = 0
    for load in reads.loads:
        size = load.dtype.itemsize
        forward = load.strides[reads.rows.last] == 1
        with (
            _entered(nest, reads.rows, top if forward else f.plus(top, height - 1)),
            _entered(nest, reads.columns, left),
        ):
            source = nest.start(nest.bases[load.buffer], load.offset, load.strides, size)
        scratch = f.offset(f.scratch(0), tile, 1)
        transpose(
            f, load.dtype, source, load.strides[reads.columns.last], scratch, width, width, height,
            height,
        )  # fmt: skip
        strides = [0] * len(load.strides)
        strides[reads.columns.last] = 1
        strides[reads.rows.last] = width if forward else -width
        first = 0 if forward else (height - 1) * width
        before = f.plus(f.times(top, strides[reads.rows.last]), left)
        base = f.offset(scratch, f.plus(first, f.times(before, -1)), size)
        nest.relocated[load] = Relocated(base, strides)
        tile += -(-height * width * size // _LINE) * _LINE
    f.scratch(tile)
    with f.loop(top, f.plus(top, height)) as loop, nest.enter_axis(reads.rows, loop.index):
        hoisted, addresses = dict(nest.hoisted), dict(nest.row_addresses)
        nest.broadcast_invariants(reads.columns, lanes)
        whole = width // lanes * lanes
        if whole:
            with (
                f.loop(left, f.plus(left, whole), lanes, at_least_once=True) as vectors,
                nest.vector_scope(reads.columns, vectors.index, lanes, None),
            ):
                write()
        if whole < width:
            narrow = next_power_of_two(width - whole)
            start = f.plus(left, whole)
            with nest.vector_scope(reads.columns, start, narrow, width - whole):
                write()
        nest.hoisted, nest.row_addresses = hoisted, addresses
    nest.relocated.clear()


@contextmanager
def _entered(nest: LoopNestEmitter, axis: LoopAxis, index: Index) -> Iterator[None]:
    """Take a point of an axis for addresses alone."""
    nest.variables[axis] = index
    yield
    del nest.variables[axis]
