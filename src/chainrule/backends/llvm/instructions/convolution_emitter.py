"""The loops of a convolution around a tile of the result in registers: nothing is copied first.

Of y[n, i, j, o] = sum of x[n, s i + d k, s j + d l, c] w[k, l, c, o], a tile holds some
positions (n, i, j) and one or two vectors of o. Each iteration of the loops over k, l and c reads a
row of w and one number of x for each position, at constant offsets from two pointers. ::

    for rows, for vectors of o, for tiles of positions:      accumulators = 0
        for k, l, c:     b = w[k, l, c, o...];   accumulator[p] += x[p + (k, l, c)] * b
        y[tile] = accumulators

Contiguous groups (depthwise) replace o: then w has a vector of them, and so has x.

The derivative by the kernel is a convolution as well, whose sum runs over rows and positions: it is
cut into blocks of rows that fit the cache. Each number of y is one sum in a fixed order, so that
how threads cut the positions changes no bit.

After E. Georganas et al.: "Anatomy of high-performance deep learning convolutions on SIMD
architectures", SC (2018), without its packed layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import product

from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..ir.value import Value
from .convolution_tiles import (
    TileAxis,
    TileRun,
    Window,
    output_axes,
    spanned_axes,
    sum_axes,
    tile_height,
    tile_runs,
)


def emit_window(
    emitter: Emitter, window: Window, blocks: int, rows: RowRange | None = None
) -> None:
    """Write a convolution, or some rows of one."""
    if 0 not in window.view.shape:
        _WindowEmitter(emitter, window, blocks, rows).write()


class _WindowEmitter:
    """Writes one convolution."""

    def __init__(
        self, emitter: Emitter, window: Window, blocks: int, rows: RowRange | None
    ) -> None:
        self.f: FunctionBuilder = emitter.f
        self.window, self.rows, self.blocks = window, rows, blocks
        self.lanes, self.dtype = window.lanes, window.view.dtype
        views = (window.left, window.right, window.view)
        self.bases = [emitter.addresses.of_buffer(v.buffer) for v in views]
        self.sums = sum_axes(window)
        self.column = TileAxis(window.view.shape[window.axis], int(window.grouped), 1, 1)

    def write(self) -> None:
        """Write the loops over leading axes and blocks of the sum."""
        window, f = self.window, self.f
        starts: list[Index] = [window.left.offset, window.right.offset, window.view.offset]
        with ExitStack() as stack:
            for axis in self._leading_axes():
                loop = stack.enter_context(f.loop(0, axis.size))
                starts = self._advanced(starts, [(axis, loop.index)])
            if self.blocks == 1:
                self._outputs(starts, self.sums[0].size, adds=False)
                return
            first = self.sums[0]
            size = -(-first.size // self.blocks)
            self._outputs(starts, size, adds=False)
            with f.loop(size, first.size, size) as block:
                advanced = self._advanced(starts, [(first, block.index)])
                rest = f.name(f"sub i64 {first.size}, {block.index}")
                self._outputs(advanced, f.smaller(rest, size), adds=True)

    def _leading_axes(self) -> list[TileAxis]:
        """Return the leading axes, with o instead of one that vectors lie along."""
        x, w, y = self.window.left, self.window.right, self.window.view
        axes = [TileAxis(y.shape[k], x.strides[k], w.strides[k], y.strides[k])
                 for k in range(len(y.shape) - 4)]  # fmt: skip
        if self.window.grouped:
            axes[-1] = TileAxis(y.shape[-1], 0, w.strides[-1], y.strides[-1])
        return [axis for axis in axes if axis.size > 1]

    def _outputs(self, starts: Sequence[Index], first: Index, adds: bool) -> None:
        """Write loops over vectors, as many at once as a tile takes, then over the remainder."""
        f, lanes, column = self.f, self.lanes, self.column
        columns = column.size
        nearest = output_axes(self.window)
        most = 2 if columns > lanes else 1
        groups, rest = divmod(columns, most * lanes)
        for start, count, width in ((0, groups, most * lanes), (groups * most * lanes, 1, rest)):
            if not count or not width:
                continue
            vectors = -(-width // lanes)
            outer, inner = self._tiling(nearest, tile_height(vectors))
            with ExitStack() as stack:
                group = stack.enter_context(f.loop(0, count)).index if count > 1 else 0
                advanced = self._advanced(
                    starts, [(column, start), (column, f.times(group, width))]
                )
                self._tiles(advanced, outer, inner, width, first, adds)

    def _tiling(
        self, nearest: list[TileAxis], most: int
    ) -> tuple[list[TileAxis], list[list[TileRun]]]:
        """Return the axes that are looped over, and the tiles of the one or two that tiles span."""
        spanned = spanned_axes(nearest, most)
        runs = [tile_runs(nearest[0], most)]
        if spanned == 2:
            runs.insert(0, tile_runs(nearest[1], most // nearest[0].size))
        return nearest[spanned:], runs

    def _tiles(
        self, starts: list[Index], outer: list[TileAxis], tiled: list[list[TileRun]], width: int,
        first: Index, adds: bool,
    ) -> None:  # fmt: skip
        """Write the loops over all tiles of positions, for some columns."""
        with ExitStack() as stack:
            for axis in sorted(outer, key=lambda a: -abs(a.left)):
                if axis.size == 1 and not axis.rows:
                    continue
                low, high = self._range(axis)
                loop = stack.enter_context(self.f.loop(low, high))
                starts = self._advanced(starts, [(axis, loop.index)])
            for runs in product(*tiled):
                with ExitStack() as inner:
                    offsets = starts
                    for run in runs:
                        index: Index = 0
                        if run.count > 1:
                            index = inner.enter_context(self.f.loop(0, run.count)).index
                        position = self.f.plus(run.start, self.f.times(index, run.size))
                        offsets = self._advanced(offsets, [(run.axis, position)])
                    self._kernel(offsets, runs, width, first, adds)

    def _range(self, axis: TileAxis) -> tuple[Index, Index]:
        if axis.rows and self.rows is not None:
            return self.rows.start, self.rows.stop
        return 0, axis.size

    def _advanced(
        self, starts: Sequence[Index], moves: Sequence[tuple[TileAxis, Index]]
    ) -> list[Index]:
        f, offsets = self.f, list(starts)
        for axis, index in moves:
            for k, stride in enumerate((axis.left, axis.right, axis.view)):
                offsets[k] = f.plus(offsets[k], f.times(index, stride))
        return offsets

    # A tile

    def _kernel(
        self, starts: Sequence[Index], runs: Sequence[TileRun], width: int, first: Index, adds: bool
    ) -> None:
        f, lanes, size = self.f, self.lanes, self.dtype.itemsize
        left, right, view = (
            f.offset(base, start, size) for base, start in zip(self.bases, starts, strict=True)
        )
        steps = list(product(*[range(run.size) for run in runs]))
        moves = [
            tuple(sum(k * getattr(p.axis, side) for k, p in zip(position, runs, strict=True))
                  for side in ("left", "view"))
            for position in steps
        ]  # fmt: skip
        tail = width % lanes
        masks = [None] * (width // lanes) + ([f.first_lanes(tail, lanes)] if tail else [])
        targets = [
            [f.offset(view, to + v * lanes, size) for v in range(len(masks))] for _, to in moves
        ]
        start = [
            f.load(address, self.dtype, lanes, mask) if adds else f.constant(0, self.dtype, lanes)
            for row in targets for address, mask in zip(row, masks, strict=True)
        ]  # fmt: skip

        def accumulate(a: str, b: str, totals: Sequence[Value]) -> list[Value]:
            w = [f.load(f.offset(b, v * lanes, size), self.dtype, lanes, mask)
                 for v, mask in enumerate(masks)]  # fmt: skip
            sums = []
            for (move, _), row in zip(moves, _rows(totals, len(masks)), strict=True):
                x = self._numbers(f.offset(a, move, size), masks)
                sums += [f.fma(x[v], w[v], total) for v, total in enumerate(row)]
            return sums

        totals = self._summed(
            left, right, start, [first, *[a.size for a in self.sums[1:]]], accumulate
        )
        for row, addresses in zip(_rows(totals, len(masks)), targets, strict=True):
            for x, address, mask in zip(row, addresses, masks, strict=True):
                f.store(x, address, mask)

    def _numbers(self, address: str, masks: Sequence[Value | None]) -> list[Value]:
        """Return a vector of x for each of w: one number in all lanes, or those of the groups."""
        f, lanes = self.f, self.lanes
        if not self.window.grouped:
            return [f.splat(f.load(address, self.dtype), lanes)] * len(masks)
        size = self.dtype.itemsize
        return [f.load(f.offset(address, v * lanes, size), self.dtype, lanes, mask)
                for v, mask in enumerate(masks)]  # fmt: skip

    def _summed(
        self, left: str, right: str, start: Sequence[Value], sizes: Sequence[Index],
        accumulate: Callable[[str, str, Sequence[Value]], list[Value]], depth: int = 0,
    ) -> Sequence[Value]:  # fmt: skip
        """Write the loops of the sum, the accumulators carried through all of them."""
        if depth == len(self.sums):
            return accumulate(left, right, start)
        f, axis, size = self.f, self.sums[depth], self.dtype.itemsize
        with f.loop(0, sizes[depth], carried=start, at_least_once=True) as loop:
            a = f.offset(left, f.times(loop.index, axis.left), size)
            b = f.offset(right, f.times(loop.index, axis.right), size)
            loop.carry(*self._summed(a, b, loop.values, sizes, accumulate, depth + 1))
        return loop.values


def _rows(values: Sequence[Value], width: int) -> Iterator[Sequence[Value]]:
    for start in range(0, len(values), width):
        yield values[start : start + width]
