"""Which rows each member of an ensemble does not see: at random, of whole groups, or of a time.

A model that is to answer for other patients or for later days must be judged so while it trains:
where it stops, how much it trusts its Gaussian process, its intervals and thresholds all follow
from these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from ...errors import DataError
from ...lazy import LazyModule

pd = LazyModule("pandas")

PERIODS = 50  # into which rows in the order of time are divided, if there are so many times
SLACK = 1.05  # of the rows wanted, so that a period of a row more is not left over


@dataclass(frozen=True, eq=False)
class Bonds:
    """Which rows know of each other, so that those that are asked are left out together.

    Attributes
    ----------
    codes : array of int, shape (rows,)
        Of the group or the period of each row, from 0 on.
    in_time : bool
        Whether they are periods, in order.
    """

    codes: Any
    in_time: bool = False

    def part(self, rows: Any) -> Bonds:
        """The bonds of some rows."""
        return Bonds(np.unique(self.codes[rows], return_inverse=True)[1], self.in_time)


def bonds_of(groups: Any, times: Any, rows: int) -> Bonds | None:
    """The bonds between rows of one group, or of one time; None if neither is named.

    Raises
    ------
    DataError
        If both are, or they are not one a row, or all rows are of one group or time.

    Examples
    --------
    >>> bonds_of(["a", "b", None, "a", None], None, 5).codes.tolist()
    [0, 1, 2, 0, 3]
    >>> bonds_of(None, [3.0, 1.0, 2.0, 3.0], 4).codes.tolist()
    [2, 0, 1, 2]
    """
    if groups is None and times is None:
        return None
    if groups is not None and times is not None:
        raise DataError("groups and times: rows are held out by one of them; leave out the other")
    name, values = ("groups", groups) if times is None else ("times", times)
    series = pd.Series(np.asarray(values))
    if len(series) != rows:
        raise DataError(f"{name} has {len(series)} entries and X {rows} rows: give one a row")
    if times is None:
        codes = pd.factorize(series)[0]
        alone = codes < 0  # a missing group is one of its own
        codes[alone] = codes.max(initial=-1) + 1 + np.arange(np.sum(alone))
    else:
        codes = _periods(_as_numbers(series))
    if codes.max(initial=0) < 1:
        raise DataError(
            f"{name}: all rows are of the same, so that none can be held out by it; leave it out"
        )
    return Bonds(codes, times is not None)


def _as_numbers(times: Any) -> Any:
    """Times as float64; missing ones are early."""
    if times.dtype.kind not in "iufM":
        raise DataError(f"times of {times.dtype}: give numbers or datetime64, the later the larger")
    numbers = times.to_numpy()
    if numbers.dtype.kind == "M":
        numbers = np.where(np.isnat(numbers), np.nan, numbers.astype(np.int64).astype(np.float64))
    return np.where(np.isnan(numbers), -np.inf, numbers).astype(np.float64)


def _periods(times: Any) -> Any:
    """The number of each row's period: of about equally many rows, those of one time together."""
    first = np.searchsorted(np.sort(times), times)
    return np.unique(first * PERIODS // len(times), return_inverse=True)[1]


def draw_validation_rows(
    count: int,
    members: int,
    size: int,
    rng: Any,
    strata: Any = None,
    bonds: Bonds | None = None,
    known: Callable[[Any], Any] = lambda rows: rows,
) -> Any:
    """Draw which rows each member does not see.

    Parameters
    ----------
    count, members, size : int
        Of the rows, of the members, and about how many rows a member does not see.
    rng : RandomState
    strata : array, shape (rows,), optional
        Classes of which each member does not see the same share.
    bonds : Bonds, optional
        Of groups: each member leaves out some whole ones, drawn at random. Of periods: the first
        member leaves out the latest, the next those before, and so on (C. Bergmeir, J. M. Benítez:
        "On the use of cross-validation for time series predictor evaluation", 2012).
    known : callable
        Which of the rows of a member may be asked of it.

    Returns
    -------
    array of bool, shape (rows, members)
    """
    held_out = np.zeros((count, members), bool)
    if bonds is not None and bonds.in_time:
        drawn = _latest(bonds.codes, members, size)
    elif bonds is not None:
        split = GroupShuffleSplit(members, test_size=size / count, random_state=rng)
        drawn = [rows for _, rows in split.split(bonds.codes, groups=bonds.codes)]
    else:
        drawn = [
            train_test_split(np.arange(count), test_size=size, random_state=rng, stratify=strata)[1]
            for _ in range(members)
        ]
    for member, rows in enumerate(drawn):
        held_out[known(rows), member] = True
    return held_out


def _latest(codes: Any, members: int, size: int) -> list[Any]:
    """The rows of the last periods for the first member, of those before for the next, ..."""
    counts = np.bincount(codes)
    last, drawn = len(counts), []
    for _ in range(members):
        chosen: list[int] = []
        rows = 0
        while not chosen or (
            rows + counts[last - 1] <= SLACK * size and len(chosen) < len(counts) - 1
        ):
            last -= 1
            chosen.append(last)
            rows += counts[last]
            last = last or len(counts)  # the earliest is followed by the latest again
        drawn.append(np.flatnonzero(np.isin(codes, chosen)))
    return drawn


def drawn_to_leave_out(candidates: Any, most: int, rng: Any, bonds: Bonds | None) -> Any:
    """Rows that a Gaussian process is asked without, sorted: at most so many, or whole groups.

    Groups of more than that are left aside; the result may be empty.
    """
    if bonds is None:
        return np.sort(rng.permutation(candidates)[:most])
    codes = bonds.codes
    counts = np.bincount(codes)
    order = rng.permutation(np.unique(codes[candidates]))
    order = order[counts[order] <= most]
    chosen = order[np.cumsum(counts[order]) <= most]
    return np.flatnonzero(np.isin(codes, chosen))
