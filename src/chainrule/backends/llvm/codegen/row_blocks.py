"""Reductions over the rows of large arrays: in the order in which memory lies.

Column by column, each row is another page of memory, and what the CPU fetches ahead comes to
nothing. So a few rows at a time are added to the result, which stays in the first cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

from ..ir.types import Index
from ..ir.value import Value
from ..layout.view import View
from .loop_nest import LoopAxis, LoopNestEmitter
from .reductions import ACCUMULATORS, Reducer, is_latency_bound
from .vector_loops import Span, emit_vector_loop

_ROWS = 8  # of a block
_CHUNK = 16 * 2**10  # bytes of the result at a time
_FIRST_CACHE = 32 * 2**10  # bytes of rows that may be read in any order
_CACHED = 2**20  # and of a whole array


def pays(nest: LoopNestEmitter, reducer: Reducer, inner: Sequence[LoopAxis], lanes: int) -> bool:
    """Whether to reduce a block of rows at a time: of a large array with many columns."""
    itemsize, columns = reducer.dtype.itemsize, nest.axes[-1].size
    return (
        not reducer.ordered
        and is_latency_bound(nest, inner)
        and inner[0].size * columns * itemsize > _FIRST_CACHE
        and prod(axis.size for axis in nest.axes) * itemsize > _CACHED
        and columns > ACCUMULATORS * lanes
    )


@dataclass(frozen=True)
class _Row:
    """What the nest knows inside of one row, before the loop over its vectors begins."""

    index: Index
    hoisted: dict[object, Value]
    addresses: dict[object, str]


@dataclass(frozen=True)
class RowBlocks:
    """Reduces the rows along an axis; the last axis of the nest is that of the columns."""

    nest: LoopNestEmitter
    reducer: Reducer
    axis: LoopAxis
    view: View
    lanes: int
    term: Callable[[], Value]

    def emit(self, span: Span | None = None) -> None:
        """Write the loops over all columns, or those of a span."""
        f, columns = self.nest.f, self.nest.axes[-1]
        start, stop = span or (0, columns.size)
        chunk = _CHUNK // self.reducer.dtype.itemsize
        if columns.size <= chunk:
            self._reduce(start, stop)
            return
        with f.loop(start, stop, chunk) as loop:
            self._reduce(loop.index, f.smaller(f.plus(loop.index, chunk), stop))

    def _reduce(self, start: Index, stop: Index) -> None:
        """Reduce some columns, of which the first is a multiple of the lanes."""
        f, size = self.nest.f, self.axis.size
        whole = size // _ROWS * _ROWS
        self._add(0, _ROWS, start, stop)
        for first, last, count in ((_ROWS, whole, _ROWS), (whole, size, 1)):
            if first < last:
                with f.loop(first, last, count) as loop:
                    self._add(loop.index, count, start, stop)

    def _add(self, first: Index, count: int, start: Index, stop: Index) -> None:
        """Add some rows to the result, or begin it with the first ones."""
        nest = self.nest
        rows = [self._row(nest.f.plus(first, k)) for k in range(count)]

        def write() -> None:
            values = []
            for row in rows:
                with self._inside(row):
                    values.append(self.term())
            total = self.reducer.combine_all(values)
            if first != 0:
                pointer, step = nest.pointer(
                    self.view, self.view.buffer, self.view.offset, self.view.strides
                )
                total = self.reducer.combine(nest.read(pointer, self.view.dtype, step), total)
            nest.store(total, self.view)

        emit_vector_loop(nest, nest.axes[-1], self.lanes, write, (start, stop))

    def _row(self, index: Index) -> _Row:
        nest = self.nest
        with nest.enter_axis(self.axis, index):
            nest.broadcast_invariants(nest.axes[-1], self.lanes)
            return _Row(index, dict(nest.hoisted), dict(nest.row_addresses))

    @contextmanager
    def _inside(self, row: _Row) -> Iterator[None]:
        """Compute a vector of a row."""
        nest = self.nest
        hoisted, addresses = nest.hoisted, nest.row_addresses
        nest.hoisted, nest.row_addresses = dict(row.hoisted), dict(row.addresses)
        nest.variables[self.axis] = row.index
        yield
        del nest.variables[self.axis]
        nest.hoisted, nest.row_addresses = hoisted, addresses
