"""Rows that are equal in all columns, on both sides of the split: the test repeats the training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....lazy import LazyModule
from .advice import Advice
from .evidence import Evidence
from .row_hashes import row_hashes

pd = LazyModule("pandas")

LEAST = 0.003  # of all rows; fewer duplicates move no score
MIN_COUNT = 3
BEYOND_CHANCE = 3.0  # times as many as where each column is shuffled
MOSTLY = 0.5  # of the rows: a column with so many different values repeats none by chance
MAX_SHUFFLED = 20_000, 60  # rows and columns; with more, chance makes fewer alike


@dataclass(frozen=True)
class Duplicates:
    """Rows that repeat an earlier one in all columns but those that name the row.

    Attributes
    ----------
    count : int
        Of all rows, those of the test among them.
    straddling : array of bool, shape (test rows,)
        Which test rows are in the training as well.
    by_chance : bool
        Whether there would be nearly as many if each column were shuffled.
    """

    count: int
    straddling: NDArray[np.bool_]
    by_chance: bool


def duplicates(evidence: Evidence, leave_out: Collection[str]) -> Duplicates:
    """Count rows that are equal in all columns but `leave_out`."""
    columns = evidence.source.columns(leave_out)
    hashes = row_hashes(columns)
    _, first = np.unique(hashes, return_index=True)
    repeats = len(hashes) - len(first)
    straddling = np.isin(hashes[evidence.test_rows], hashes[evidence.train_rows])
    by_chance = bool(repeats) and _is_chance(columns, evidence.seed)
    return Duplicates(repeats, straddling, by_chance)


def duplicate_advice(
    match: Duplicates, rows: int, scores: tuple[str, float, float] | None = None
) -> list[Advice]:
    """What is said of them, if they are many and not by chance.

    `scores` are the metric's name, its value for all test rows, and for those that are not in the
    training.
    """
    if match.count < max(MIN_COUNT, LEAST * rows) or match.by_chance:
        return []
    straddling = int(match.straddling.sum())
    message = f"{match.count:,} of {rows:,} rows repeat another one in all columns"
    if straddling:
        message += (
            f", and {straddling:,} of the test rows ({straddling / len(match.straddling):.1%}) are "
            "in the training as well: the score is partly of rows learned by heart"
        )
        if scores is not None:
            message += f" ({scores[0]} {scores[1]:.3f}, and {scores[2]:.3f} without them)"
    return [Advice("duplicates", (), f"{message}.", "--deduplicate")]


def _is_chance(columns: list[Any], seed: int) -> bool:
    """Whether shuffled columns have nearly as many rows that are alike."""
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(columns[0]))[: MAX_SHUFFLED[0]])
    codes = np.zeros(len(some), np.int64)
    for column in columns[: MAX_SHUFFLED[1]]:
        values = pd.factorize(column.iloc[some], use_na_sentinel=False)[0]
        if values.max() >= MOSTLY * len(values):
            return False
        codes = codes * (int(values.max()) + 1) + rng.permutation(values)
        codes = np.unique(codes, return_inverse=True)[1]  # so that no product overflows
        if codes.max() == len(codes) - 1:
            return False  # no two rows are alike any more
    by_chance = len(codes) - codes.max() - 1
    hashes = row_hashes(column.iloc[some] for column in columns)
    return bool(len(hashes) - len(np.unique(hashes)) < BEYOND_CHANCE * by_chance)
