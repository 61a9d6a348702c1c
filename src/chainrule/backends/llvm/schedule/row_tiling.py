"""Row tiling: chains of instructions of which each row needs only its own row of the others.

Row r of a layer's activation depends on row r of the layer before, and so does the gradient on the
way back. Such instructions are fused into `RowTiles`: a thread takes a tile of rows through all of
them, without waiting for others in between, while the rows are in its cache (Halide's compute_at).
The same holds for the rows of a weight's gradient and the optimiser's step that reads it. ::

    [128 rows]  gather, x @ w, relu, h @ v, ..., d @ v.T, mask         one set of tiles
    [784 rows]  x.T @ d, Adam                                          another
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from ...threads import get_num_threads
from ..instructions.access import Access, RowSpan
from ..instructions.base import Instruction
from ..instructions.elementwise import Elementwise
from ..instructions.pack import packed_once
from ..instructions.row_tiles import RowTiles
from ..instructions.sharing import UNIT, count_tiles, is_small, rows_per_tile
from ..layout.view import Buffer

_MIN_MATRIX_ROWS = 512  # of a tile, where there are products: each reads all of its right matrix
_CACHED = 2**20  # bytes of intermediate results that the second cache holds


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An instruction, what it touches, and its independent rows."""

    step: Instruction
    accesses: Sequence[Access]
    rows: int


def tile_rows(code: Sequence[Instruction], smallest: float) -> list[Instruction]:
    """Fuse instructions into row tiles, and cut all others for threads where that pays."""
    candidates = [_Candidate(step, step.accesses(), step.independent_rows()) for step in code]
    result: list[Instruction] = []
    for step in _grouped(candidates, smallest):
        result += _sized(step, smallest) if isinstance(step, RowTiles) else [step.shared(smallest)]
    return result


def _grouped(code: Sequence[_Candidate], smallest: float) -> list[Instruction]:
    """Fuse those with the number of rows that most work has; then again for what is left."""
    result: list[Instruction] = []
    pending: list[Sequence[_Candidate] | Instruction] = [code]  # the first one last
    while pending:
        part = pending.pop()
        if isinstance(part, Instruction):
            result.append(part)
            continue
        rows = _rows_with_most_work(part, smallest)
        if not rows:
            result += [candidate.step for candidate in part]
            continue
        before, fused, after = _split(part, rows)
        if not fused:  # rows of each that has them overlap in memory
            result += [candidate.step for candidate in part]
            continue
        steps = tuple(candidate.step for candidate in fused)
        tiles = [RowTiles(rows, steps)] if len(steps) > 1 else steps
        pending += [after, *tiles, before]
    return result


def _rows_with_most_work(code: Sequence[_Candidate], smallest: float) -> int:
    """Return the number of rows that most work has, if that is worth tiling; else 0."""
    work: dict[int, float] = {}
    for candidate in code:
        if candidate.rows >= 2 * UNIT:
            work[candidate.rows] = work.get(candidate.rows, 0.0) + candidate.step.nanoseconds()
    rows = max(work, key=lambda rows: work[rows], default=0)
    if not rows or count_tiles(work[rows], smallest) > 1:
        return rows
    written = sum(_bytes_written(c.step) for c in code if c.rows == rows)
    return rows if written > _CACHED else 0


def _split(
    code: Sequence[_Candidate], rows: int
) -> tuple[list[_Candidate], list[_Candidate], list[_Candidate]]:
    """Return what must or may run before the tiles, the tiles, and what must run after them."""
    before, fused, after = _Group(), _Group(), _Group()

    def group_of(candidate: _Candidate) -> _Group:
        late = after.conflicts(candidate)
        if candidate.rows == rows and not late and _fits(candidate, fused):
            return fused
        return after if late or fused.conflicts(candidate) else before

    for fills, candidate in _with_fills(code):
        group = group_of(candidate)
        for fill in fills:
            (after if group is after else group_of(fill)).append(fill)
        (group_of(candidate) if fills else group).append(candidate)
    return before.members, fused.members, after.members


def _with_fills(
    code: Sequence[_Candidate],
) -> Iterator[tuple[list[_Candidate], _Candidate]]:
    """Yield instructions, each with those that only fill a buffer with numbers that it is the
    first to touch: so late the buffer takes no memory before.
    """
    waiting: dict[Buffer, list[_Candidate]] = {}
    for candidate in code:
        buffers = dict.fromkeys(access.buffer for access in candidate.accesses)
        if isinstance(candidate.step, Elementwise) and len(candidate.accesses) == 1:
            waiting.setdefault(candidate.accesses[0].buffer, []).append(candidate)
            continue
        yield [fill for buffer in buffers for fill in waiting.pop(buffer, ())], candidate
    for fills in waiting.values():
        for fill in fills:
            yield [], fill


class _Group:
    """Instructions, and the buffers that they read and write."""

    def __init__(self) -> None:
        self.members: list[_Candidate] = []
        self.read: set[Buffer] = set()
        self.written: set[Buffer] = set()
        self.accesses: dict[Buffer, list[Access]] = {}

    def append(self, candidate: _Candidate) -> None:
        self.members.append(candidate)
        for access in candidate.accesses:
            (self.written if access.writes else self.read).add(access.buffer)
            self.accesses.setdefault(access.buffer, []).append(access)

    def conflicts(self, candidate: _Candidate) -> bool:
        """Whether an instruction must stay behind one of the group."""
        return any(
            a.buffer in self.written or (a.writes and a.buffer in self.read)
            for a in candidate.accesses
        )


def _fits(candidate: _Candidate, group: _Group) -> bool:
    """Whether each row depends only on the same row of all members."""
    for access in candidate.accesses:
        same = group.accesses.get(access.buffer, ())
        is_written = access.writes or any(b.writes for b in same)
        if is_written and not _are_disjoint([a.rows for a in (access, *same)]):
            return False
    return True


def _are_disjoint(spans: Sequence[RowSpan | None]) -> bool:
    """Whether different rows never overlap: one stride, and all of a row within it."""
    known = [span for span in spans if span is not None]
    if len(known) != len(spans):
        return False
    strides = {stride for stride, _, _ in known}
    if len(strides) != 1:
        return False
    width = max(high for _, _, high in known) - min(low for _, low, _ in known)
    return width < abs(strides.pop())


def _sized(tiles: RowTiles, smallest: float) -> list[Instruction]:
    """Return tiles with a size: several a thread, many where rows are too wide for the cache.

    If there are several, matrices that each would pack are packed before them.
    """
    threads = get_num_threads()
    per_thread = count_tiles(tiles.nanoseconds(), smallest) // threads
    heights = [height for step in tiles.steps if (height := step.rows_per_item())]
    if heights:
        most = tiles.rows * min(heights) // (threads * _MIN_MATRIX_ROWS)
        per_thread = min(per_thread, most)
    written = sum(map(_bytes_written, tiles.steps))
    per_thread = max(per_thread, written // (threads * _CACHED))
    size = rows_per_tile(tiles.rows, per_thread)
    before, steps = packed_once(tiles.steps) if size < tiles.rows else ([], tiles.steps)
    steps = [step.in_row_tiles(size) for step in steps]
    return [*before, RowTiles(tiles.rows, tuple(steps), size, is_small(tiles.nanoseconds()))]


def _bytes_written(step: Instruction) -> int:
    return sum(prod(view.shape) * view.dtype.itemsize for view in step.results())
