"""The loops that all nests are made of: scalar loops, and a loop over vectors with a remainder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from .loop_nest import LoopAxis, LoopNestEmitter, merge_axes

Span = tuple[Index, Index]
"""Start and end of the part of an axis that is computed, for one of several threads."""


@dataclass(frozen=True)
class RowRange:
    """Some rows of a domain, from a multiple of 16 on: a tile that a thread has claimed.

    If `single`, it is one row, which may be any.
    """

    start: str
    stop: str
    count: str
    tile: str
    n_rows: int
    single: bool = False

    def span(self, f: FunctionBuilder, axis: LoopAxis) -> Span:
        """Return the same rows of a loop that joins the rows with axes after them."""
        per_row = axis.size // self.n_rows
        return f.times(self.start, per_row), f.times(self.stop, per_row)


def row_axes(
    domain: Sequence[int], strides: Sequence[Sequence[int]], apart: frozenset[int]
) -> list[LoopAxis]:
    """Return the loops over a domain as `merge_axes` does, but the first axis by itself."""
    inside = merge_axes((1, *domain[1:]), strides, apart)
    return [LoopAxis(domain[0], 0, frozenset([0])), *inside]


def emit_loops(
    nest: LoopNestEmitter,
    axes: Sequence[LoopAxis],
    write: Callable[[], None],
    span: Span | None = None,
) -> None:
    """Write loops over axes, the first outermost, around what `write` writes."""
    if not axes:
        write()
        return
    start, stop = span or (0, axes[0].size)
    with nest.f.loop(start, stop) as loop, nest.enter_axis(axes[0], loop.index):
        emit_loops(nest, axes[1:], write)


def emit_vector_loop(
    nest: LoopNestEmitter,
    axis: LoopAxis,
    lanes: int,
    write: Callable[[], None],
    span: Span | None = None,
) -> None:
    """Write a loop over whole vectors of an axis, then the remainder."""
    f = nest.f
    whole = axis.size // lanes * lanes
    rest = axis.size - whole
    hoisted, rows = dict(nest.hoisted), dict(nest.row_addresses)
    nest.broadcast_invariants(axis, lanes)
    if span is not None:  # it begins at a multiple of the lanes
        start, stop = span
        last = f.name(f"icmp sgt i64 {stop}, {whole}")
        end = f.name(f"select i1 {last}, i64 {whole}, i64 {stop}")
        with f.loop(start, end, lanes) as loop, nest.vector_scope(axis, loop.index, lanes, None):
            write()
        if rest:
            with f.when(last), nest.vector_scope(axis, whole, next_power_of_two(rest), rest):
                write()
        nest.hoisted, nest.row_addresses = hoisted, rows
        return
    if not whole and len(nest.axes) == 1 and axis.size.bit_count() == 2:
        # Without a mask, since a masked store cannot be forwarded to the next load
        for start, width in powers_of_two(axis.size):
            with nest.vector_scope(axis, start, width, None):
                write()
        rest = 0
    if whole == lanes:
        with nest.vector_scope(axis, 0, lanes, None):
            write()
    elif whole:
        with nest.f.loop(0, whole, lanes) as loop, nest.vector_scope(axis, loop.index, lanes, None):
            write()
    if rest:
        narrow = next_power_of_two(rest)
        with nest.vector_scope(axis, whole, narrow, rest):
            write()
    nest.hoisted, nest.row_addresses = hoisted, rows


def powers_of_two(n: int) -> list[tuple[int, int]]:
    """Split a range of n into powers of two, the largest first: (start, size) each."""
    pieces, start = [], 0
    while start < n:
        width = 1 << ((n - start).bit_length() - 1)
        pieces.append((start, width))
        start += width
    return pieces


def next_power_of_two(n: int) -> int:
    """Return the smallest power of two that is not less."""
    return 1 << (n - 1).bit_length()
