"""Convolutions as loops around a tile of the result in registers: nothing is copied out first.

Of y[n, i, j, o] = sum of x[n, s i + d k, s j + d l, c] w[k, l, c, o], a tile holds some places
(n, i, j) and one or two vectors of o. Each turn of the loops over k, l and c reads a row of w and
one number of x a place, all at known distances from two pointers. ::

    for rows, for vectors of o, for tiles of places:      accumulators = 0
        for k, l, c:     b = w[k, l, c, o...];   accumulator[p] += x[p + (k, l, c)] * b
        y[tile] = accumulators

Groups whose numbers lie side by side (depthwise) take the place of o: then w has a vector of them,
and so has x.

The derivative by the kernel is a convolution as well, whose sum runs over rows and places: it is
cut into blocks of rows that fit the cache. Each number of y is one sum in a fixed order, so that
how threads cut the places changes no bit.

After E. Georganas et al.: "Anatomy of high-performance deep learning convolutions on SIMD
architectures", SC (2018), without its packed layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product

from ..emit.loop_nest import Pointers
from ..emit.loops import Rows
from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..ir.value import Value
from ..layout.view import View
from ..target.host import host
from .base import Convolution

CACHED = 2**18  # bytes of x and w that stay near while all tiles are computed


@dataclass(frozen=True)
class Axis:
    """One loop: how far a turn moves in left, right and result."""

    size: int
    left: int
    right: int = 0
    view: int = 0
    rows: bool = False


@dataclass(frozen=True)
class Part:
    """Tiles of one size along an axis: `count` of them, from `start` on."""

    axis: Axis
    start: int
    size: int
    count: int


def places(step: Convolution) -> list[Axis]:
    """The axes n, i and j, nearest in x first; those of one place last."""
    x, y = step.left, step.view
    steps = (1, *step.strides)
    axes = [
        Axis(y.shape[k - 4], x.strides[k - 4] * steps[k], 0, y.strides[k - 4], k == 0)
        for k in range(3)
    ]
    return sorted(axes, key=lambda axis: (axis.size == 1, abs(axis.left)))


def sums(step: Convolution) -> list[Axis]:
    """The axes k, l and c, farthest in w first, neighbours joined where both operands allow."""
    x, w = step.left.strides[-3:], step.right
    steps = (*step.dilation, 1)
    axes = [Axis(w.shape[k - 4], x[k] * steps[k], w.strides[k - 4]) for k in range(3)]
    joined: list[Axis] = []
    for axis in sorted(axes, key=lambda axis: -abs(axis.right)):
        if axis.size == 1:
            continue
        before = joined[-1] if joined else None
        if before and (before.left, before.right) == (
            axis.left * axis.size,
            axis.right * axis.size,
        ):
            joined[-1] = Axis(before.size * axis.size, axis.left, axis.right)
        else:
            joined.append(axis)
    return joined or [Axis(1, 0)]


def tall(vectors: int) -> int:
    """Places of a tile with so many vectors: as many sums as there are registers for."""
    registers = 24 if host().vector_bytes == 64 else 12
    return registers // vectors


def lanes_of(step: Convolution) -> int:
    """Numbers a vector: no more than there are."""
    lanes = host().lanes(step.view.dtype.itemsize)
    while lanes // 2 >= step.view.shape[step.axis]:
        lanes //= 2
    return lanes


def tiled(near: Sequence[Axis], most: int) -> int:
    """How many of the nearest axes a tile of at most `most` places spans: 1 or 2."""
    return 2 if near[1].size > 1 and 2 * near[0].size <= most else 1


def tiles_rows(step: Convolution) -> bool:
    """Whether a tile may span rows, so that those cannot be taken one by one."""
    near = places(step)
    return any(axis.rows and axis.size > 1 for axis in near[: tiled(near, tall(1))])


def evenly(axis: Axis, most: int) -> list[Part]:
    """An axis in tiles of at most `most`: of two sizes that differ by one."""
    count = -(-axis.size // max(1, most))
    size, more = divmod(axis.size, count)
    parts = [Part(axis, 0, size + 1, more), Part(axis, more * (size + 1), size, count - more)]
    return [part for part in parts if part.count]


def blocks(step: Convolution) -> int:
    """Into how many blocks of its first axis the sum is cut: 1 unless each tile reads all of x."""
    first, x, w = sums(step)[0], step.left, step.right
    if first.size == 1 or any(abs(axis.left) > abs(first.left) for axis in places(step)
                              if axis.size > 1):  # fmt: skip
        return 1
    total = x.dtype.itemsize * sum(_extent(view) for view in (x, w))
    return min(first.size, -(-total // CACHED))


def _extent(view: View) -> int:
    reach = [abs(s) * (n - 1) for s, n in zip(view.strides[-4:], view.shape[-4:], strict=True)]
    return 1 + sum(reach)


def pieces(step: Convolution, count: int) -> list[Convolution]:
    """A convolution cut into about so many, along its longest axis."""
    lanes, axes = lanes_of(step), (-4, -3, -2, step.axis)
    sizes = [*step.view.shape[-4:-1], step.view.shape[step.axis] // (2 * lanes)]
    along = max(range(4), key=lambda k: (sizes[k] >= count, sizes[k] % count == 0, k == 3, -k))
    extent = step.view.shape[axes[along]]
    unit = lanes if along == 3 else 1
    chunk = -(-extent // (count * unit)) * unit
    made = []
    for start in range(0, extent, chunk):
        stop = min(extent, start + chunk)
        view = _cut(step.view, axes[along], start, stop)
        left, right = step.left, step.right
        if along == 3:
            right = _cut(right, step.axis, start, stop)
            left = _cut(left, step.axis, start, stop) if step.grouped else left
        elif along == 0:
            left = _cut(left, -4, start, stop)
        else:
            s, d = step.strides[along - 1], step.dilation[along - 1]
            reach = (right.shape[along - 5] - 1) * d + 1
            left = _cut(left, axes[along], start * s, (stop - 1) * s + reach)
        made.append(replace(step, left=left, right=right, view=view))
    return made


def _cut(view: View, axis: int, start: int, stop: int) -> View:
    index = [slice(None)] * len(view.shape)
    index[axis] = slice(start, stop)
    return view.cut(index)


class ConvolutionEmitter:
    """Writes a convolution into a function, all of it or some rows."""

    def __init__(self, pointers: Pointers, step: Convolution, rows: Rows | None) -> None:
        self.f: FunctionBuilder = pointers.f
        self.step, self.rows, self.cut = step, rows, step.blocks
        self.lanes, self.dtype = lanes_of(step), step.view.dtype
        self.bases = [pointers.of(v.buffer) for v in (step.left, step.right, step.view)]
        self.sums = sums(step)
        self.column = Axis(step.view.shape[step.axis], int(step.grouped), 1, 1)

    def write(self) -> None:
        """The loops over leading axes and blocks of the sum."""
        step, f = self.step, self.f
        starts: list[Index] = [step.left.offset, step.right.offset, step.view.offset]
        with ExitStack() as stack:
            for axis in self._apart():
                loop = stack.enter_context(f.loop(0, axis.size))
                starts = self._moved(starts, [(axis, loop.index)])
            if self.cut == 1:
                self._outputs(starts, self.sums[0].size, adds=False)
                return
            first = self.sums[0]
            size = -(-first.size // self.cut)
            self._outputs(starts, size, adds=False)
            with f.loop(size, first.size, size) as block:
                moved = self._moved(starts, [(first, block.index)])
                rest = f.name(f"sub i64 {first.size}, {block.index}")
                self._outputs(moved, f.smaller(rest, size), adds=True)

    def _apart(self) -> list[Axis]:
        """The leading axes; in the place of one whose numbers lie side by side, o."""
        x, w, y = self.step.left, self.step.right, self.step.view
        found = [Axis(y.shape[k], x.strides[k], w.strides[k], y.strides[k])
                 for k in range(len(y.shape) - 4)]  # fmt: skip
        if self.step.grouped:
            found[-1] = Axis(y.shape[-1], 0, w.strides[-1], y.strides[-1])
        return [axis for axis in found if axis.size > 1]

    def _outputs(self, starts: Sequence[Index], first: Index, adds: bool) -> None:
        """The vectors: as many together as a tile takes, then the rest."""
        f, lanes, column = self.f, self.lanes, self.column
        columns = column.size
        near = places(self.step)
        most = 2 if columns > lanes else 1
        groups, rest = divmod(columns, most * lanes)
        for start, count, width in ((0, groups, most * lanes), (groups * most * lanes, 1, rest)):
            if not count or not width:
                continue
            vectors = -(-width // lanes)
            outer, inner = self._tiling(near, tall(vectors))
            with ExitStack() as stack:
                group = stack.enter_context(f.loop(0, count)).index if count > 1 else 0
                moved = self._moved(starts, [(column, start), (column, f.times(group, width))])
                self._tiles(moved, outer, inner, width, first, adds)

    def _tiling(self, near: list[Axis], most: int) -> tuple[list[Axis], list[list[Part]]]:
        """Axes that loops walk along, and the parts of the one or two that tiles span."""
        spanned = tiled(near, most)
        parts = [evenly(near[0], most)]
        if spanned == 2:
            parts.insert(0, evenly(near[1], most // near[0].size))
        return near[spanned:], parts

    def _tiles(
        self, starts: list[Index], outer: list[Axis], tiled: list[list[Part]], width: int,
        first: Index, adds: bool,
    ) -> None:  # fmt: skip
        """All tiles of the places, for some columns."""
        with ExitStack() as stack:
            for axis in sorted(outer, key=lambda a: -abs(a.left)):
                if axis.size == 1 and not axis.rows:
                    continue
                low, high = self._range(axis)
                loop = stack.enter_context(self.f.loop(low, high))
                starts = self._moved(starts, [(axis, loop.index)])
            for parts in product(*tiled):
                with ExitStack() as inner:
                    here = starts
                    for part in parts:
                        index: Index = 0
                        if part.count > 1:
                            index = inner.enter_context(self.f.loop(0, part.count)).index
                        place = self.f.plus(part.start, self.f.times(index, part.size))
                        here = self._moved(here, [(part.axis, place)])
                    self._kernel(here, parts, width, first, adds)

    def _range(self, axis: Axis) -> tuple[Index, Index]:
        if axis.rows and self.rows is not None:
            return self.rows.start, self.rows.stop
        return 0, axis.size

    def _moved(self, starts: Sequence[Index], moves: Sequence[tuple[Axis, Index]]) -> list[Index]:
        f, made = self.f, list(starts)
        for axis, index in moves:
            for k, stride in enumerate((axis.left, axis.right, axis.view)):
                made[k] = f.plus(made[k], f.times(index, stride))
        return made

    # A tile

    def _kernel(
        self, starts: Sequence[Index], parts: Sequence[Part], width: int, first: Index, adds: bool
    ) -> None:
        f, lanes, size = self.f, self.lanes, self.dtype.itemsize
        left, right, view = (
            f.offset(base, start, size) for base, start in zip(self.bases, starts, strict=True)
        )
        steps = list(product(*[range(part.size) for part in parts]))
        moves = [
            tuple(sum(k * getattr(p.axis, side) for k, p in zip(place, parts, strict=True))
                  for side in ("left", "view"))
            for place in steps
        ]  # fmt: skip
        tail = width % lanes
        masks = [None] * (width // lanes) + ([f.first_lanes(tail, lanes)] if tail else [])
        targets = [
            [f.offset(view, to + v * lanes, size) for v in range(len(masks))] for _, to in moves
        ]
        start = [
            f.load(place, self.dtype, lanes, mask) if adds else f.constant(0, self.dtype, lanes)
            for row in targets for place, mask in zip(row, masks, strict=True)
        ]  # fmt: skip

        def turn(a: str, b: str, totals: Sequence[Value]) -> list[Value]:
            w = [f.load(f.offset(b, v * lanes, size), self.dtype, lanes, mask)
                 for v, mask in enumerate(masks)]  # fmt: skip
            made = []
            for (move, _), row in zip(moves, _rows(totals, len(masks)), strict=True):
                x = self._numbers(f.offset(a, move, size), masks)
                made += [f.fma(x[v], w[v], total) for v, total in enumerate(row)]
            return made

        totals = self._summed(left, right, start, [first, *[a.size for a in self.sums[1:]]], turn)
        for row, places_ in zip(_rows(totals, len(masks)), targets, strict=True):
            for x, place, mask in zip(row, places_, masks, strict=True):
                f.store(x, place, mask)

    def _numbers(self, place: str, masks: Sequence[Value | None]) -> list[Value]:
        """A vector of x for each of w: one number everywhere, or those of as many groups."""
        f, lanes = self.f, self.lanes
        if not self.step.grouped:
            return [f.splat(f.load(place, self.dtype), lanes)] * len(masks)
        size = self.dtype.itemsize
        return [f.load(f.offset(place, v * lanes, size), self.dtype, lanes, mask)
                for v, mask in enumerate(masks)]  # fmt: skip

    def _summed(
        self, left: str, right: str, start: Sequence[Value], sizes: Sequence[Index],
        turn: Callable[[str, str, Sequence[Value]], list[Value]], depth: int = 0,
    ) -> Sequence[Value]:  # fmt: skip
        """The loops over what is summed, the accumulators carried through all of them."""
        if depth == len(self.sums):
            return turn(left, right, start)
        f, axis, size = self.f, self.sums[depth], self.dtype.itemsize
        with f.loop(0, sizes[depth], carried=start, at_least_once=True) as loop:
            a = f.offset(left, f.times(loop.index, axis.left), size)
            b = f.offset(right, f.times(loop.index, axis.right), size)
            loop.carry(*self._summed(a, b, loop.values, sizes, turn, depth + 1))
        return loop.values


def _rows(values: Sequence[Value], width: int) -> Iterator[Sequence[Value]]:
    for start in range(0, len(values), width):
        yield values[start : start + width]


def emit_convolution(pointers: Pointers, step: Convolution, rows: Rows | None = None) -> None:
    """A convolution, or some rows of one."""
    if 0 not in step.view.shape:
        ConvolutionEmitter(pointers, step, rows).write()
