"""When buffers are in use, and where they lie in the arena so that none in use overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..instructions.base import Either, Instruction, Turns, While
from ..layout.view import Buffer

ALIGN = 64  # bytes: a cache line, and the widest vector
SLACK = 64  # bytes after each buffer


class Lifetimes:
    """First and last use of each buffer, in the order of instructions.

    What is made before a loop and used inside is in use until the loop ends.
    """

    def __init__(self) -> None:
        self.time = 0
        self.first: dict[Buffer, int] = {}
        self.last: dict[Buffer, int] = {}
        self._loops: list[tuple[int, set[Buffer]]] = []

    def run(self, code: Iterable[Instruction]) -> None:
        """Instructions one after the other."""
        for step in code:
            if isinstance(step, Turns):
                rows = [moving.start.buffer for moving in step.moving]
                self._use(rows)
                with self._again():
                    self._use(rows)  # in each turn another row
                    self.run(step.body)
            elif isinstance(step, While):
                with self._again():
                    self.run(step.asks)
                    self._use([step.condition.buffer])
                    self.run(step.body)
            elif isinstance(step, Either):
                self._use([step.condition.buffer])
                self.run(step.yes)
                self.run(step.no)
            else:  # also a region: its instructions run in no known order
                self._use(step.buffers())

    def _use(self, buffers: Iterable[Buffer]) -> None:
        self.time += 1
        for buffer in buffers:
            if buffer.slot is not None:
                continue
            self.first.setdefault(buffer, self.time)
            self.last[buffer] = self.time
            for _, used in self._loops:
                used.add(buffer)

    @contextmanager
    def _again(self) -> Iterator[None]:
        """What is used inside is used again in the next turn."""
        self.time += 1
        start = self.time
        self._loops.append((start, set()))
        yield
        _, used = self._loops.pop()
        self.time += 1
        for buffer in used:
            if self.first[buffer] < start:
                self.last[buffer] = self.time

    def place(self, share: bool = True) -> int:
        """Give every buffer an offset; the bytes that all need."""
        if not share:
            return self._side_by_side()
        total = 0
        placed: list[Buffer] = []
        for buffer in sorted(self.first, key=lambda b: (-b.nbytes, self.first[b])):
            size = padded(buffer)
            taken = sorted(
                (other.offset, other.offset + padded(other))
                for other in placed
                if self.first[other] <= self.last[buffer] and self.first[buffer] <= self.last[other]
            )
            offset = 0
            for start, end in taken:
                if offset + size <= start:
                    break
                offset = max(offset, end)
            buffer.offset = offset
            total = max(total, offset + size)
            placed.append(buffer)
        return total

    def _side_by_side(self) -> int:
        total = 0
        for buffer in self.first:
            buffer.offset = total
            total += padded(buffer)
        return total


def padded(buffer: Buffer) -> int:
    """Bytes that a buffer takes in the arena."""
    return -(-(buffer.nbytes + SLACK) // ALIGN) * ALIGN
