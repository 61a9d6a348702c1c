"""When buffers are in use, and where they lie in the arena so that none in use overlap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ..instructions.access import Access
from ..instructions.base import Instruction
from ..layout.view import Arena, Buffer

_ALIGN = 64  # bytes: a cache line, and the widest vector
_SLACK = 64  # bytes after each buffer
_SMALL = 2**14  # bytes


class Lifetimes:
    """First and last use of each buffer of the arena, in the order of instructions.

    What is written before a loop and used inside is in use until the loop ends.

    Attributes
    ----------
    first, last : dict of int by Buffer
        Points in time.
    begin, end : dict of float by Buffer
        The same, with steps of row tiles as fractions: before and after which no row is in use.
    row_kinds : dict of tuple by Buffer
        How many rows a buffer has, and of how many bytes, where it is used row by row.
    """

    def __init__(self) -> None:
        self.time = 0
        self.first: dict[Buffer, int] = {}
        self.last: dict[Buffer, int] = {}
        self.begin: dict[Buffer, float] = {}
        self.end: dict[Buffer, float] = {}
        self.row_kinds: dict[Buffer, tuple[int, int]] = {}
        self._overwritten: dict[tuple[Buffer, Buffer], tuple[float, float]] = {}
        self._unlike: set[Buffer] = set()  # with other rows elsewhere
        self._loops: list[tuple[int, set[Buffer]]] = []

    def run(self, instructions: Iterable[Instruction]) -> None:
        """Run instructions one after the other."""
        for instruction in instructions:
            instruction.record_liveness(self)

    def use(self, buffers: Iterable[Buffer]) -> None:
        """Use buffers at the next point in time."""
        self.time += 1
        for buffer in buffers:
            if buffer.word is not None:
                continue
            self.first.setdefault(buffer, self.time)
            self.last[buffer] = self.time
            self.begin.setdefault(buffer, self.time)
            self.end[buffer] = self.time + 1
            for _, used in self._loops:
                used.add(buffer)

    def use_rows(self, rows: int, steps: Sequence[Instruction]) -> None:
        """Use buffers at the next point in time, by steps through which each row goes alone."""
        begins: dict[Buffer, float] = {}
        ends: dict[Buffer, float] = {}
        kinds: dict[Buffer, tuple[int, int] | None] = {}
        for k, step in enumerate(steps):
            begin, end = self.time + 1 + k / len(steps), self.time + 1 + (k + 1) / len(steps)
            for access in _all_accesses(step):
                buffer, kind = access.buffer, _row_kind(access, rows)
                begins.setdefault(buffer, begin)
                ends[buffer] = end
                kinds[buffer] = kind if kinds.get(buffer, kind) == kind else None
            for pair in step.overwritable():
                self._overwritten[pair] = end, begin
        new = {buffer for buffer in ends if buffer not in self.first}
        self.use(ends)
        for buffer, kind in kinds.items():
            if buffer.word is not None or kind is None:  # in use all the time
                continue
            if self.row_kinds.setdefault(buffer, kind) != kind:
                self._unlike.add(buffer)
            if buffer in new:
                self.begin[buffer] = begins[buffer]
            self.end[buffer] = ends[buffer]

    @contextmanager
    def loop(self) -> Iterator[None]:
        """Use what is used inside again in the next iteration."""
        self.time += 1
        start = self.time
        self._loops.append((start, set()))
        yield
        _, used = self._loops.pop()
        self.time += 1
        for buffer in used:
            if self.first[buffer] < start:
                self.last[buffer] = self.time
                self.end[buffer] = self.time + 1

    def seats(self) -> list[list[Buffer]]:
        """Return the buffers, those together that may have one offset though they are in use at
        the same point in time.

        They have rows of one size, and a thread takes a tile of rows through all steps: row r of
        the second is written when row r of the first has been read for the last time.
        """
        by_kind: dict[tuple[int, int], list[list[Buffer]]] = {}
        second: set[Buffer] = set()
        seats = {buffer: [buffer] for buffer in self.first}
        rowwise = [b for b in self.row_kinds if b not in self._unlike and b.nbytes >= _SMALL]
        for buffer in sorted(rowwise, key=lambda b: (self.begin[b], self.end[b])):
            alike = by_kind.setdefault(self.row_kinds[buffer], [])
            for seat in alike:
                before = seat[-1]
                if self.last[before] != self.first[buffer]:
                    continue
                ends = self.end[before], self.begin[buffer]
                if ends[0] <= ends[1] or self._overwritten.get((before, buffer)) == ends:
                    seat.append(buffer)
                    second.add(buffer)
                    break
            else:
                alike.append(seats[buffer])
        return [seat for buffer, seat in seats.items() if buffer not in second]


def _all_accesses(step: Instruction) -> Iterator[Access]:
    """Yield what a step touches; buffers that it does not list, such as scratch, as a whole."""
    listed = step.accesses()
    yield from listed
    known = {access.buffer for access in listed}
    yield from (Access(buffer, True) for buffer in step.buffers() if buffer not in known)


def _row_kind(access: Access, rows: int) -> tuple[int, int] | None:
    """Return how many rows the buffer has and of how many bytes, if row r of it is read or written
    for row r, and nothing else.
    """
    if access.rows is None:
        return None
    stride, low, high = access.rows
    if low < 0 or high >= stride or rows * stride != access.buffer.size:
        return None
    return rows, stride * access.buffer.dtype.itemsize


def allocate(lifetimes: Lifetimes, overlap: bool = True) -> Arena:
    """Give every buffer an offset, the largest first; with `overlap` they may share memory."""
    offsets: dict[Buffer, int] = {}
    first, last, total = lifetimes.first, lifetimes.last, 0
    if not overlap:
        for buffer in first:
            offsets[buffer] = total
            total += padded_size(buffer)
        return Arena(offsets, total)
    occupied = _Occupied(lifetimes.time + 1)
    for seat in sorted(lifetimes.seats(), key=lambda s: (-s[0].nbytes, first[s[0]])):
        size = padded_size(seat[0])
        begin, end = first[seat[0]], last[seat[-1]]
        offset = occupied.lowest_gap(begin, end, size)
        occupied.add(begin, end, offset, offset + size)
        offsets.update(dict.fromkeys(seat, offset))
        total = max(total, offset + size)
    return Arena(offsets, total)


class _Occupied:
    """Bytes of the arena that are in use, by time: a segment tree over the points in time.

    A vertex stands for a range of times. It has the bytes that are in use throughout, and those
    that are in use at some time of it, both as the sorted ends of disjoint intervals: start, end,
    start, end, and so on.
    """

    def __init__(self, times: int) -> None:
        self._leaves = 1 << (times - 1).bit_length()
        self._throughout: dict[int, list[int]] = {}
        self._sometimes: dict[int, list[int]] = {}

    def _vertices(self, first: int, last: int) -> list[int]:
        """Return the vertices of which a range of times is made; vertex k has 2 k and 2 k + 1."""
        left, right = first + self._leaves, last + self._leaves + 1
        result = []
        while left < right:
            if left & 1:
                result.append(left)
                left += 1
            if right & 1:
                right -= 1
                result.append(right)
            left >>= 1
            right >>= 1
        return result

    def add(self, first: int, last: int, start: int, end: int) -> None:
        """Use bytes from one time to another, both included."""
        for vertex in self._vertices(first, last):
            _join(self._throughout.setdefault(vertex, []), start, end)
            while vertex and _join(self._sometimes.setdefault(vertex, []), start, end):
                vertex >>= 1

    def lowest_gap(self, first: int, last: int, size: int) -> int:
        """Return where so many bytes are free all the time."""
        nothing: list[int] = []
        used, above = [], set()
        for vertex in self._vertices(first, last):
            used.append(self._sometimes.get(vertex, nothing))
            while (vertex := vertex >> 1) and vertex not in above:
                above.add(vertex)
                used.append(self._throughout.get(vertex, nothing))
        used = [ends for ends in used if ends]
        offset, before = 0, -1
        while offset != before:
            before = offset
            for ends in used:
                offset = _next_gap(ends, offset, size)
        return offset


def _join(ends: list[int], start: int, end: int) -> bool:
    """Add an interval to disjoint ones, with which it may overlap; return whether they grow."""
    k = bisect_right(ends, start)
    if k % 2 and end <= ends[k]:
        return False
    i, j = bisect_left(ends, start), bisect_right(ends, end)
    ends[i:j] = [start] * (i % 2 == 0) + [end] * (j % 2 == 0)
    return True


def _next_gap(ends: list[int], offset: int, size: int) -> int:
    """Return the first place from an offset on that lies between intervals."""
    k = bisect_right(ends, offset)
    while True:
        if k % 2:  # inside of one
            offset = ends[k]
        elif k == len(ends) or offset + size <= ends[k]:
            return offset
        k += 1


def padded_size(buffer: Buffer) -> int:
    """Return how many bytes a buffer takes in the arena."""
    return -(-(buffer.nbytes + _SLACK) // _ALIGN) * _ALIGN
