"""When buffers are in use, and where they lie in the arena so that none in use overlap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..instructions.base import Instruction
from ..layout.view import Arena, Buffer

_ALIGN = 64  # bytes: a cache line, and the widest vector
_SLACK = 64  # bytes after each buffer


class Lifetimes:
    """First and last use of each buffer of the arena, in the order of instructions.

    What is written before a loop and used inside is in use until the loop ends.
    """

    def __init__(self) -> None:
        self.time = 0
        self.first: dict[Buffer, int] = {}
        self.last: dict[Buffer, int] = {}
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
            for _, used in self._loops:
                used.add(buffer)

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
    for buffer in sorted(first, key=lambda b: (-b.nbytes, first[b])):
        size = padded_size(buffer)
        offset = occupied.lowest_gap(first[buffer], last[buffer], size)
        occupied.add(first[buffer], last[buffer], offset, offset + size)
        offsets[buffer] = offset
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
