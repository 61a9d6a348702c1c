"""When buffers are in use, and where they lie in the arena so that none in use overlap."""

from __future__ import annotations

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


def place(lifetimes: Lifetimes, overlap: bool = True) -> Arena:
    """Give every buffer an offset, the largest first; with `overlap` they may share memory."""
    offsets: dict[Buffer, int] = {}
    first, last, total = lifetimes.first, lifetimes.last, 0
    if not overlap:
        for buffer in first:
            offsets[buffer] = total
            total += padded_size(buffer)
        return Arena(offsets, total)
    for buffer in sorted(first, key=lambda b: (-b.nbytes, first[b])):
        size = padded_size(buffer)
        taken = sorted(
            (start, start + padded_size(other))
            for other, start in offsets.items()
            if first[other] <= last[buffer] and first[buffer] <= last[other]
        )
        offset = 0
        for start, end in taken:
            if offset + size <= start:
                break
            offset = max(offset, end)
        offsets[buffer] = offset
        total = max(total, offset + size)
    return Arena(offsets, total)


def padded_size(buffer: Buffer) -> int:
    """Return how many bytes a buffer takes in the arena."""
    return -(-(buffer.nbytes + _SLACK) // _ALIGN) * _ALIGN
