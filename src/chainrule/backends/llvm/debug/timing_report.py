"""What ``CHAINRULE_DEBUG=2`` prints: how long each instruction of a call took."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def report(names: Sequence[str], counters: Any, seconds: float) -> None:
    """Print a line for each instruction, the slowest first, and reset the counters to 0.

    Parameters
    ----------
    names : sequence of str
    counters : array of int64
        For each instruction its number of runs, and ticks of the clock.
    seconds : float
        That the call took.
    """
    runs, ticks = counters[::2], counters[1::2]
    total = max(1, int(ticks.sum()))
    rows = sorted(zip(ticks.tolist(), runs.tolist(), names, strict=True), reverse=True)
    print(f"chainrule: a call of {1e6 * seconds:.1f} us", file=sys.stderr)
    for spent, count, name in rows:
        share = spent / total
        line = f"  {100 * share:5.1f} %  {1e6 * seconds * share:9.1f} us  {count:7d} x  {name}"
        print(line, file=sys.stderr)
    counters[:] = 0
