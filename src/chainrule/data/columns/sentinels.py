"""Numbers that stand for a missing value, such as -999: only where they stand far from the rest."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

LOW = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0)
HIGH = (999.0, 9999.0, 99999.0, 999999.0, 9999999.0)
FEWEST = 3  # rows that hold it: one cell may be a mistake, but is no custom
FEW_BELOW, FEW_ABOVE = 4, 8  # different numbers beside it: codes 1, 2, 999 are no quantities
FAR_BELOW, FAR_ABOVE = 2.0, 5.0  # times the range of the others that a value is apart from them


def sentinels(numbers: Floats) -> tuple[float, ...]:
    """Return the numbers of a column that stand for a missing value, as its numbers suggest.

    Taken is a number that repeats: -99, -999, ... if it is further below the others than twice
    their range, or the only negative number there is; 999, 9999, ... if it is further above than
    five times their range (99999 may be where a scale ends); -1 below numbers of 5 and more.

    Examples
    --------
    >>> ages = np.array([18.0, 25.0, 33.0, 41.0, 47.0, 56.0, 62.0, 70.0])
    >>> sentinels(np.append(ages, [-999.0] * 3)), sentinels(np.append(ages, [-1.0] * 3))
    ((-999.0,), (-1.0,))
    >>> sentinels(np.append(ages, [999.0] * 3)), sentinels(np.append(ages, [99.0] * 3))
    ((999.0,), ())
    """
    known = known_numbers(numbers)
    taken: list[float] = []
    while len(known):
        ends = float(known.min()), float(known.max())
        value = ends[0] if ends[0] in LOW else ends[1] if ends[1] in HIGH else None
        if value is None:
            break
        others = known[known != value]
        if not _is_apart(value, others, len(known) - len(others)):
            break
        taken.append(value)
        known = others
    return tuple(sorted(taken))


def known_numbers(numbers: Floats) -> Floats:
    """Return the numbers that are not NaN; the same array where all are."""
    absent = np.isnan(numbers)
    return numbers[~absent] if absent.any() else numbers


def _is_apart(value: float, others: Floats, rows: int) -> bool:
    """Whether a value that so many rows hold stands for none, beside the other numbers."""
    if rows < FEWEST or not len(others):
        return False
    low, high = float(others.min()), float(others.max())
    gap, width = (low - value if value < 0 else value - high), high - low
    alone = low >= 0 and (value < -9 or (value == -9 and width >= 9))
    if value == -1:
        alone = low >= 5 and gap >= 0.25 * width
    far, few = (FAR_BELOW, FEW_BELOW) if value < 0 else (FAR_ABOVE, FEW_ABOVE)
    return (alone or gap >= far * width) and len(np.unique(others[:100_000])) >= few
