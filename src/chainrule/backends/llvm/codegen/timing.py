"""Counters around instructions, for ``CHAINRULE_DEBUG=2``: how often one ran, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from ....graph.node import Node
from ...base import TimedInstruction
from .addresses import Addresses


class Measurable(Protocol):
    """What is asked of an instruction whose time is measured."""

    @property
    def computes(self) -> Sequence[tuple[Node, float]]:
        """The nodes that it computes, and the work of each."""
        ...

    def summary(self) -> str:
        """Describe it in a few words."""
        ...

    def nanoseconds(self) -> float:
        """Return about how long it takes."""
        ...

    def bodies(self) -> Sequence[Sequence[Measurable]]:
        """Return the lists of instructions that it runs."""
        ...


class Timing:
    """Two words of the frame for each instruction: its number of runs, and ticks of the clock."""

    def __init__(self, addresses: Addresses, first_word: int) -> None:
        self.addresses, self.first_word = addresses, first_word
        self.instructions: list[TimedInstruction] = []

    @contextmanager
    def count(self, instruction: Measurable) -> Iterator[None]:
        """Count the code that is written inside."""
        f, word = self.addresses.f, self.first_word + 2 * len(self.instructions)
        nodes = tuple(_shares(instruction))
        self.instructions.append(TimedInstruction(instruction.summary(), nodes))
        start = f.clock()
        yield
        ticks = f.name(f"sub i64 {f.clock()}, {start}")
        for counter, increment in ((word, "1"), (word + 1, ticks)):
            address = self.addresses.word(counter)
            before = f.name(f"load i64, ptr {address}, align 8")
            f.emit(f"store i64 {f.name(f'add i64 {before}, {increment}')}, ptr {address}, align 8")


def _shares(instruction: Measurable) -> Iterator[tuple[Node, float]]:
    """Yield nodes and their shares; what runs together is weighed by its estimated time."""
    inner = [step for body in instruction.bodies() for step in body]
    total = sum(step.nanoseconds() for step in inner)
    for step in inner:
        for node, share in _shares(step):
            yield node, share * step.nanoseconds() / total
    if not inner:
        work = sum(amount for _, amount in instruction.computes)
        for node, amount in instruction.computes:
            yield node, amount / work
