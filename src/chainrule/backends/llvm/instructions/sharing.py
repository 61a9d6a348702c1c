"""How much work is worth sharing among threads, and in tiles of which size.

Threads never change the numbers: products and loop nests have the same bits however they are cut.
"""

from __future__ import annotations

from ...threads import get_num_threads

# Nanoseconds of work that repay handing its data to another core, which may be on another die
SMALLEST_SHARED = 80_000.0
SMALLEST_AUTOTUNED = 5_000.0  # on the same die: an enclosing loop finds out whether it pays
_TILE = 50_000.0  # nanoseconds of work that is worth a tile of its own
UNIT = 16  # rows: tiles of a multiple begin where a vector does
_SAME = 0.02  # of the time: a smaller number of tiles must save as much


def is_small(nanoseconds: float) -> bool:
    """Whether work is shared only if an enclosing loop finds that to pay."""
    return nanoseconds < SMALLEST_SHARED


def smallest_shared(autotuned: bool) -> float:
    """Return how much work is shared; less in programs with a loop, which can try."""
    return SMALLEST_AUTOTUNED if autotuned else SMALLEST_SHARED


def count_tiles(nanoseconds: float, smallest: float) -> int:
    """Return into how many tiles work is cut; one if it is less than `smallest`."""
    threads = get_num_threads()
    if threads == 1 or nanoseconds < smallest:
        return 1
    return threads * max(1, min(4, int(nanoseconds / threads / _TILE)))


def rows_per_tile(rows: int, tiles_per_thread: int) -> int:
    """Return rows of a tile such that all threads end at about the same time."""
    threads = get_num_threads()
    best, lost = rows, 1.0
    for count in range(max(1, tiles_per_thread), 0, -1):
        size = -(-rows // (threads * count * UNIT)) * UNIT
        tiles = -(-rows // size)
        longest = min(rows, size * -(-tiles // threads))
        waiting = longest * threads / rows - 1.0
        if waiting < lost - _SAME:
            best, lost = size, waiting
    return best
