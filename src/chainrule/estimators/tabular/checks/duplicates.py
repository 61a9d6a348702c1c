"""Rows that repeat others, on both sides of the split: the test repeats the training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....data.columns import Reading
from ....lazy import LazyModule
from ..targets import LearnableTable
from ..typed_columns import typed_columns
from .advice import Advice
from .close_copies import CloseCopies, close_copies
from .evidence import Evidence
from .near_duplicates import MAX_ROWS, NearDuplicates, near_duplicates
from .row_hashes import row_hashes

pd = LazyModule("pandas")

LEAST = 0.003  # of all rows; fewer duplicates move no score
LEAST_NEAR = 0.005  # the same of rows that nearly repeat another one
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


def nearly_repeated(
    source: LearnableTable, leave_out: Collection[str], kinds: Mapping[str, str],
    readings: Sequence[Reading] = (),
) -> NearDuplicates | None:  # fmt: skip
    """Rows that nearly repeat another one, if they are many; None if not.

    Parameters
    ----------
    source : LearnableTable
    leave_out : collection of str
        Columns that only name the row.
    kinds : mapping of str to str
    readings : sequence of Reading
    """
    if len(source.frame) > MAX_ROWS:
        return None
    wanted = source.columns(leave_out)
    frame = pd.concat(wanted, axis=1)
    columns = typed_columns(
        frame, {name: kind for name, kind in kinds.items() if name in frame.columns}, (), readings
    )
    match = near_duplicates(columns, source.target)
    if match is None:
        return None
    least = max(MIN_COUNT, LEAST_NEAR * len(frame))
    return match if max(match.repeated.sum(), match.other_target.sum()) >= least else None


def copies_of_rows(
    source: LearnableTable, leave_out: Collection[str], kinds: Mapping[str, str],
    readings: Sequence[Reading] = (),
) -> CloseCopies | None:  # fmt: skip
    """Rows that are copies of others with some noise, if most are."""
    if len(source.frame) > MAX_ROWS:
        return None
    frame = pd.concat(source.columns(leave_out), axis=1)
    known = {name: kind for name, kind in kinds.items() if name in frame.columns}
    columns = typed_columns(frame, known, (), readings)
    target = next((c for c in columns if c.name == source.target), None)
    return None if target is None else close_copies([c for c in columns if c is not target], target)


def copies_advice(match: CloseCopies | None, evidence: Evidence) -> list[Advice]:
    """What is said of them."""
    if match is None:
        return []
    known = np.isin(match.groups[evidence.test_rows], match.groups[evidence.train_rows])
    return [Advice(
        "duplicates", (),
        f"{match.share:.0%} of the rows are copies of another one with some noise: "
        f"{len(match.groups):,} rows of {match.count:,} originals, and {known.mean():.0%} of the "
        "test rows have a copy in the training. A column that names the original would split them "
        "(--group); --deduplicate keeps one of each.",
        "--deduplicate",
    )]  # fmt: skip


def near_advice(match: NearDuplicates | None, evidence: Evidence) -> list[Advice]:
    """What is said of rows that nearly repeat another one."""
    if match is None:
        return []
    rows, advice = len(match.repeated), []
    least = max(MIN_COUNT, LEAST_NEAR * rows)
    count, other = int(match.repeated.sum()), int(match.other_target.sum())
    if count >= least:
        how = f"but {match.column!r}" if match.column else "but for rounding, capitals or spaces"
        known = np.isin(match.groups[evidence.test_rows], match.groups[evidence.train_rows])
        message = f"{count:,} of {rows:,} rows repeat another one in all columns {how}"
        if known.any():
            message += (
                f", and {int(known.sum()):,} of the test rows ({known.mean():.1%}) nearly repeat "
                "one of the training: the score is partly of rows learned by heart"
            )
        advice.append(Advice("duplicates", (), f"{message}.", "--deduplicate"))
    if other >= least:
        advice.append(Advice(
            "duplicates", (),
            f"{other:,} of {rows:,} rows are equal to another one in all columns but the target, "
            f"{evidence.source.target!r}: one of the two may be wrong. --deduplicate keeps the "
            "first.",
            "--deduplicate",
        ))  # fmt: skip
    return advice


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
