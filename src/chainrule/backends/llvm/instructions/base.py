"""What every instruction can be asked: what it touches, what it costs, its text and its code.

Each kind of instruction is a class in a file of its own, which answers these questions. Planning
and scheduling, and the emission of modules, only call the methods below, so a new kind of
instruction is a new file, with the rules that make it in its `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..layout.view import Buffer, View
from .access import Access

Instructions = tuple["Instruction", ...]


class Liveness(Protocol):
    """Takes down when buffers are in use, in the order of execution."""

    def use(self, buffers: Iterable[Buffer]) -> None:
        """Use buffers at the next point in time."""
        ...

    def use_rows(self, rows: int, steps: Sequence[Instruction]) -> None:
        """Use buffers at the next point in time, by steps through which each row goes alone."""
        ...

    def run(self, instructions: Iterable[Instruction]) -> None:
        """Run instructions one after the other."""
        ...

    def loop(self) -> AbstractContextManager[None]:
        """Run what is inside repeatedly: what it uses from outside is in use until the end."""
        ...


@dataclass(frozen=True, eq=False)
class Instruction:
    """A loop nest, a product, a loop, a call, ...: immutable, and equal only to itself."""

    timed: ClassVar[bool] = True  # False for control flow, whose bodies are timed
    divisible: ClassVar[bool] = False  # whether threads may share it
    # What it computes, with the work of each node, if its time is to be measured; else nothing, so
    # that instructions that do the same are alike
    computes: tuple[tuple[Node, float], ...] = field(default=(), kw_only=True, repr=False)

    # What it touches

    def buffers(self) -> Iterator[Buffer]:
        """Yield what it reads and writes, those of its bodies included."""
        raise NotImplementedError

    def accesses(self) -> list[Access]:
        """Return what it reads and writes; by default it may write anything it touches."""
        return [Access(buffer, True) for buffer in self.buffers()]

    def results(self) -> Sequence[View]:
        """Return the views that it writes, where they are known."""
        return ()

    def overwritable(self) -> Sequence[tuple[Buffer, Buffer]]:
        """Return pairs of what is read and what is written, which may lie in one place: a number
        is read only to compute the one that would take its place.
        """
        return ()

    def bounds_checks(self) -> Iterable[Node]:
        """Return the nodes whose computed indices it checks."""
        return ()

    def record_liveness(self, liveness: Liveness) -> None:
        """Tell when its buffers are in use; by default all at once."""
        liveness.use(self.buffers())

    # Control flow

    def bodies(self) -> tuple[Instructions, ...]:
        """Return the lists of instructions that it runs."""
        return ()

    def with_bodies(self, bodies: Sequence[Instructions]) -> Instruction:
        """Return the same instruction with other bodies."""
        assert not bodies
        return self

    # Cost, and how it is cut

    def nanoseconds(self) -> float:
        """Return about how long it takes on one thread."""
        return 10_000.0

    def independent_rows(self) -> int:
        """Return how many rows it computes, each by itself and one by one at no loss; else 0."""
        return 0

    def numbers_per_row(self) -> int:
        """Return how many numbers a row has, if its code may be written for any single row."""
        return 0

    def rows_per_item(self) -> int:
        """Return how many rows of a matrix product are one row here; 0 if it is no product."""
        return 0

    @property
    def n_tiles(self) -> int:
        """Into how many tiles it is cut for threads."""
        return 1

    @property
    def adaptive(self) -> bool:
        """Whether an enclosing loop finds out if sharing it pays."""
        return False

    def shared(self, smallest: float) -> Instruction:
        """Return it cut into tiles for threads, if it takes at least so many nanoseconds."""
        return self

    def in_row_tiles(self, tile_size: int) -> Instruction:
        """Return it as part of instructions that run so many rows at a time."""
        return self

    # Code size

    @property
    def outlinable(self) -> bool:
        """Whether its code follows from its fields alone, is no task, and leaves by no label."""
        return False

    def code_lines(self) -> int:
        """Return about how many lines of IR it is."""
        return 20 + sum(step.code_lines() for body in self.bodies() for step in body)

    # Text

    def summary(self) -> str:
        """Describe it in a few words."""
        raise NotImplementedError

    def headings(self) -> Sequence[str]:
        """Return what stands above each of its bodies."""
        return ()

    # Code

    def emit(self, emitter: Emitter) -> None:
        """Write its code."""
        raise NotImplementedError

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        """Write its code for some rows; only if it has `independent_rows`."""
        raise NotImplementedError


def total_nanoseconds(instructions: Iterable[Instruction]) -> float:
    """Return about how long instructions take one after the other."""
    return sum(instruction.nanoseconds() for instruction in instructions)


def walk(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    """Yield instructions and those in their bodies."""
    for instruction in instructions:
        yield instruction
        for body in instruction.bodies():
            yield from walk(body)


def tiles_text(work: Instruction) -> str:
    """Describe into how many tiles an instruction is cut."""
    plural = "" if work.n_tiles == 1 else "s"
    autotuned = ", autotuned" if work.adaptive and work.n_tiles > 1 else ""
    return f"{work.n_tiles} tile{plural}{autotuned}"
