"""What ``CHAINRULE_DEBUG=2`` prints: how long each instruction took in the fastest of all calls."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from ....config import config
from ...base import InstructionTime, TimedInstruction


class TimingReport:
    """The least time of each instruction over the calls of a program.

    A single call tells little: another process may run in the middle, and the first call meets cold
    caches. So it is printed after 1, 2, 4, 8, ... calls, with the minima so far.

    Parameters
    ----------
    instructions : sequence of TimedInstruction
    """

    def __init__(self, instructions: Sequence[TimedInstruction]) -> None:
        self.instructions = instructions
        self.calls = 0
        self.seconds, self.seconds_of_tick = inf, 0.0  # of the fastest call
        self.least = np.full(len(instructions), np.iinfo(np.int64).max)
        self.runs = np.zeros(len(instructions), np.int64)  # in the latest call

    def add(self, counters: Any, seconds: float) -> None:
        """Count a call, and reset the counters to 0.

        Parameters
        ----------
        counters : array of int64
            For each instruction its number of runs, and ticks of the clock.
        seconds : float
            That the call took.
        """
        self.runs, ticks = counters[::2].copy(), counters[1::2].copy()
        counters[:] = 0
        self.calls += 1
        self.least = np.minimum(self.least, ticks)
        if seconds < self.seconds:
            self.seconds, self.seconds_of_tick = seconds, seconds / max(1, int(ticks.sum()))
        if config.debug >= 2 and self.calls & (self.calls - 1) == 0:
            self._print()

    def times(self) -> list[InstructionTime]:
        """Return the least times, in the order of the instructions."""
        if not self.calls:
            return []
        rows = zip(self.instructions, self.least.tolist(), self.runs.tolist(), strict=True)
        return [InstructionTime(x, t * self.seconds_of_tick, count) for x, t, count in rows]

    def _print(self) -> None:
        """Print a line for each instruction, the slowest first."""
        total = max(1, int(self.least.sum()))
        names = [instruction.summary for instruction in self.instructions]
        rows = zip(self.least.tolist(), self.runs.tolist(), names, strict=True)
        calls = "1 call" if self.calls == 1 else f"the fastest of {self.calls} calls"
        print(f"chainrule: {calls}, {1e6 * self.seconds:.1f} us", file=sys.stderr)
        for spent, count, name in sorted(rows, reverse=True):
            microseconds = 1e6 * spent * self.seconds_of_tick
            line = f"  {100 * spent / total:5.1f} %  {microseconds:9.1f} us  {count:7d} x  {name}"
            print(line, file=sys.stderr)
