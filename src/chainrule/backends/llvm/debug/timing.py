"""``CHAINRULE_DEBUG=2``: how long each instruction of a program took, by the CPU's own clock."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..instructions.base import Instruction
from ..ir.builder import FunctionBuilder
from .describe import describe


class Timing:
    """Two words of the frame for each instruction: how often it ran, and the clock's ticks."""

    def __init__(self, f: FunctionBuilder, first: int) -> None:
        self.f, self.first = f, first
        self.names: list[str] = []

    @contextmanager
    def around(self, step: Instruction) -> Iterator[None]:
        """Count what is written inside."""
        f = self.f
        place = self.first + 2 * len(self.names)
        self.names.append(describe(step))
        start = f.clock()
        yield
        spent = f.name(f"sub i64 {f.clock()}, {start}")
        for slot, more in ((place, "1"), (place + 1, spent)):
            where = f.offset("%frame", slot, 8)
            total = f.name(f"add i64 {f.name(f'load i64, ptr {where}, align 8')}, {more}")
            f.emit(f"store i64 {total}, ptr {where}, align 8")


def report(names: Sequence[str], words: Any, seconds: float) -> None:
    """A line for each instruction, the slowest first; the words are set to 0 again."""
    counts, ticks = words[::2], words[1::2]
    total = max(1, int(ticks.sum()))
    lines = sorted(zip(ticks.tolist(), counts.tolist(), names, strict=True), reverse=True)
    print(f"chainrule: a call of {1e6 * seconds:.1f} us", file=sys.stderr)
    for spent, count, name in lines:
        share = spent / total
        line = f"  {100 * share:5.1f} %  {1e6 * seconds * share:9.1f} us  {count:7d} x  {name}"
        print(line, file=sys.stderr)
    words[:] = 0
