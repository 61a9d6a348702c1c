"""Counters around instructions, for ``CHAINRULE_DEBUG=2``: how often one ran, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .addresses import Addresses


class Timing:
    """Two words of the frame for each instruction: its number of runs, and ticks of the clock."""

    def __init__(self, addresses: Addresses, first_word: int) -> None:
        self.addresses, self.first_word = addresses, first_word
        self.names: list[str] = []

    @contextmanager
    def count(self, name: str) -> Iterator[None]:
        """Count the code that is written inside."""
        f, word = self.addresses.f, self.first_word + 2 * len(self.names)
        self.names.append(name)
        start = f.clock()
        yield
        ticks = f.name(f"sub i64 {f.clock()}, {start}")
        for counter, increment in ((word, "1"), (word + 1, ticks)):
            address = self.addresses.word(counter)
            before = f.name(f"load i64, ptr {address}, align 8")
            f.emit(f"store i64 {f.name(f'add i64 {before}, {increment}')}, ptr {address}, align 8")
