"""The geometry of a convolution: its loops, its tiles of results in registers, its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from ..layout.view import View
from ..target.host import host

_CACHED = 2**18  # bytes of x and w that stay in the cache while all tiles are computed


@dataclass(frozen=True)
class Window:
    """The operands of a convolution of the last four axes, over equal leading ones.

    Attributes
    ----------
    left, right, view : View
        (..., N, H, W, C), (..., KH, KW, C, O) and (..., N, OH, OW, O).
    strides, dilation : (int, int)
    axis : int
        The axis that vectors lie along, contiguous in kernel and result: o, -1; or, contiguous in
        x as well, groups, which are the last leading axis: -5.
    """

    left: View
    right: View
    view: View
    strides: tuple[int, int]
    dilation: tuple[int, int]
    axis: int = -1

    @property
    def grouped(self) -> bool:
        """Whether vectors lie along groups."""
        return self.axis != -1

    @property
    def multiplications(self) -> int:
        """Number of multiplications."""
        return prod(self.view.shape) * prod(self.right.shape[-4:-1])

    @property
    def lanes(self) -> int:
        """Numbers in a vector: not more than the axis has."""
        lanes = host().lanes(self.view.dtype.itemsize)
        while lanes // 2 >= self.view.shape[self.axis]:
            lanes //= 2
        return lanes


@dataclass(frozen=True)
class TileAxis:
    """One loop: how many numbers an iteration advances in left, right and result."""

    size: int
    left: int
    right: int = 0
    view: int = 0
    rows: bool = False


@dataclass(frozen=True)
class TileRun:
    """Tiles of one size along an axis: `count` of them, from `start` on."""

    axis: TileAxis
    start: int
    size: int
    count: int


def output_axes(window: Window) -> list[TileAxis]:
    """Return the axes n, i and j by increasing stride in x; axes of size 1 come last."""
    x, y = window.left, window.view
    steps = (1, *window.strides)
    axes = [
        TileAxis(y.shape[k - 4], x.strides[k - 4] * steps[k], 0, y.strides[k - 4], k == 0)
        for k in range(3)
    ]
    return sorted(axes, key=lambda axis: (axis.size == 1, abs(axis.left)))


def sum_axes(window: Window) -> list[TileAxis]:
    """Return the axes k, l and c by decreasing stride in w, joined where both operands allow."""
    x, w = window.left.strides[-3:], window.right
    steps = (*window.dilation, 1)
    axes = [TileAxis(w.shape[k - 4], x[k] * steps[k], w.strides[k - 4]) for k in range(3)]
    joined: list[TileAxis] = []
    for axis in sorted(axes, key=lambda axis: -abs(axis.right)):
        if axis.size == 1:
            continue
        before = joined[-1] if joined else None
        if before and (before.left, before.right) == (
            axis.left * axis.size,
            axis.right * axis.size,
        ):
            joined[-1] = TileAxis(before.size * axis.size, axis.left, axis.right)
        else:
            joined.append(axis)
    return joined or [TileAxis(1, 0)]


def tile_height(vectors: int) -> int:
    """Return the largest number of positions in a tile with so many vectors, by registers."""
    registers = 24 if host().vector_bytes == 64 else 12
    return registers // vectors


def spanned_axes(nearest: Sequence[TileAxis], most: int) -> int:
    """Return how many of the nearest axes a tile of at most `most` positions spans: 1 or 2."""
    return 2 if nearest[1].size > 1 and 2 * nearest[0].size <= most else 1


def tiles_span_rows(window: Window) -> bool:
    """Whether a tile may span rows, so that those cannot be computed one by one."""
    nearest = output_axes(window)
    return any(
        axis.rows and axis.size > 1 for axis in nearest[: spanned_axes(nearest, tile_height(1))]
    )


def tile_runs(axis: TileAxis, most: int) -> list[TileRun]:
    """Split an axis into tiles of at most `most`, of two sizes that differ by one."""
    count = -(-axis.size // max(1, most))
    size, more = divmod(axis.size, count)
    runs = [TileRun(axis, 0, size + 1, more), TileRun(axis, more * (size + 1), size, count - more)]
    return [run for run in runs if run.count]


def sum_blocks(window: Window) -> int:
    """Return into how many blocks the first axis of the sum is cut, so that x and w stay cached.

    One block, unless each tile reads all of x.
    """
    first, x, w = sum_axes(window)[0], window.left, window.right
    if first.size == 1 or any(abs(axis.left) > abs(first.left) for axis in output_axes(window)
                              if axis.size > 1):  # fmt: skip
        return 1
    total = x.dtype.itemsize * sum(_extent(view) for view in (x, w))
    return min(first.size, -(-total // _CACHED))


def _extent(view: View) -> int:
    reach = [abs(s) * (n - 1) for s, n in zip(view.strides[-4:], view.shape[-4:], strict=True)]
    return 1 + sum(reach)


def partition(window: Window, count: int) -> list[Window]:
    """Cut the result into about `count` parts, along its longest axis."""
    lanes, axes = window.lanes, (-4, -3, -2, window.axis)
    sizes = [*window.view.shape[-4:-1], window.view.shape[window.axis] // (2 * lanes)]
    along = max(range(4), key=lambda k: (sizes[k] >= count, sizes[k] % count == 0, k == 3, -k))
    extent = window.view.shape[axes[along]]
    unit = lanes if along == 3 else 1
    size = -(-extent // (count * unit)) * unit
    windows = []
    for start in range(0, extent, size):
        stop = min(extent, start + size)
        view = _sliced(window.view, axes[along], start, stop)
        left, right = window.left, window.right
        if along == 3:
            right = _sliced(right, window.axis, start, stop)
            left = _sliced(left, window.axis, start, stop) if window.grouped else left
        elif along == 0:
            left = _sliced(left, -4, start, stop)
        else:
            s, d = window.strides[along - 1], window.dilation[along - 1]
            reach = (right.shape[along - 5] - 1) * d + 1
            left = _sliced(left, axes[along], start * s, (stop - 1) * s + reach)
        windows.append(replace(window, left=left, right=right, view=view))
    return windows


def _sliced(view: View, axis: int, start: int, stop: int) -> View:
    index = [slice(None)] * len(view.shape)
    index[axis] = slice(start, stop)
    return view.sliced(index)
