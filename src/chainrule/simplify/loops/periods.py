"""Where a sequence of codes repeats itself, in a number of array operations.

The distance of a code from where it came last is a candidate for a period: in a loop, a code that
comes once an iteration repeats at just that distance. So do the codes of several nodes in a row,
which tell an outer loop's iterations apart. For each of the best candidates p, ``codes[k] ==
codes[k + p]`` gives all stretches of that period.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...graph.types import Array

SHORTEST_LOOP = 8
FEWEST_SAVED = 64  # nodes; of fewer, native code is as soon compiled without a loop
FEWEST_NODES = FEWEST_SAVED + SHORTEST_LOOP
FEWEST_LONG_ITERATIONS = 3  # of a loop that saves as many nodes as these:
FEWEST_LONG_SAVED = 2048
MOST_PERIODS = 12  # candidates for each number of codes in a row
_ROWS = (1, 8, 64)  # numbers of codes in a row
_FACTOR = 0x9E3779B97F4A7C15


class Stretch(NamedTuple):
    """Positions from `start` to `stop`, of which each has the code of the one `period` later."""

    start: int
    stop: int
    period: int


def is_long_enough(iterations: int, period: int) -> bool:
    """Return whether a loop may be worth it; one of few nodes only if others read its results."""
    if iterations >= SHORTEST_LOOP:
        return True
    return iterations >= FEWEST_LONG_ITERATIONS and (iterations - 1) * period >= FEWEST_LONG_SAVED


def stretches(codes: Array) -> list[Stretch]:
    """Return the stretches that repeat themselves, the longest first, of equal ones that of the
    shortest period.
    """
    result: set[Stretch] = set()
    for period in _periods(codes):
        same = np.zeros(len(codes) - period + 2, bool)
        same[1:-1] = codes[:-period] == codes[period:]
        edges = np.flatnonzero(same[1:] != same[:-1]).reshape(-1, 2)
        longest = edges[edges[:, 1] - edges[:, 0] >= (FEWEST_LONG_ITERATIONS - 1) * period]
        for start, stop in longest.tolist():
            if is_long_enough((stop - start) // period + 1, period):
                result.add(Stretch(start, stop + period, period))
    return sorted(result, key=lambda s: (s.start - s.stop, s.period, s.start))


def _periods(codes: Array) -> list[int]:
    """Return distances at which much of the sequence repeats itself."""
    periods: dict[int, None] = {}
    for length in _ROWS:
        if length * SHORTEST_LOOP > len(codes):
            break
        hashes = _row_hashes(codes, length)
        order = np.argsort(hashes, kind="stable")
        equal = hashes[order[1:]] == hashes[order[:-1]]
        distances = (order[1:] - order[:-1])[equal]
        if not len(distances):
            break
        counts = np.bincount(distances)
        covered = counts * np.arange(len(counts))
        covered[counts < FEWEST_LONG_ITERATIONS - 1] = 0
        best = np.argsort(-covered, kind="stable")[:MOST_PERIODS]
        periods.update(dict.fromkeys(best[covered[best] > 0].tolist()))
    return list(periods)


def _row_hashes(codes: Array, length: int) -> Array:
    """Return a hash of each `length` codes in a row, `length` being a power of 2."""
    hashes: Array = codes.astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        if length == 1:
            return hashes
        hashes *= np.uint64(_FACTOR)
        span = 1
        while span < length:
            mixed = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(_FACTOR)
            hashes = mixed[:-span] + np.roll(hashes, -span)[:-span] * np.uint64(2 * span + 1)
            span *= 2
    return hashes
