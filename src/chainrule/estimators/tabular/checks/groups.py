"""Rows that belong together: several of one patient, customer or machine.

A column tells groups if its values come several times each, and other columns or the target are the
same within a group more often than in rows of any groups.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ..splits import group_codes
from ..typed_columns import TypedColumn
from .advice import Advice, listed, option
from .column_names import (
    COUNTERS,
    GROUPS,
    IDENTIFIERS,
    suggests_identifier,
    suggests_time,
    words_of,
)
from .evidence import Evidence
from .row_hashes import row_hashes
from .time_order import tells_time

MIN_GROUPS = 8
MIN_ROWS = 40
TOGETHER = 0.5  # of the rows are in a group of two or more
TOGETHER_NAMED = 0.3  # the same where the name says what it is
LARGEST = 0.15  # of the rows, the largest group
LARGEST_NAMED = 0.5  # likewise
MAX_CANDIDATES = 6
MAX_COMPARED = 200  # other columns
CONSTANT = 0.97  # of the pairs of a group, to be called the same
BY_CHANCE = 0.7  # of any pairs: more, and a column says nothing
MANY_VALUES = 8
MANY_GROUPS = 12  # that a measurement may tell
PLACEHOLDER = "P001"
ALIKE, SURELY_ALIKE = 0.1, 0.3  # correlation of the targets within a group
SURE = 4.0  # standard deviations from no correlation
NAMES = GROUPS | IDENTIFIERS | COUNTERS | {"name", "label"}
CODE = re.compile(r"(\D*)\d+(\D*)")
HEX = re.compile(r"(0x)?[0-9a-fA-F-]{8,}")


@dataclass(frozen=True)
class Groups:
    """A column whose values are those of groups of rows.

    Attributes
    ----------
    column : str
    count, rows : int
        Groups, and rows that they hold.
    constant : tuple of str
        Columns that are the same in all rows of a group.
    correlation : float
        Of the targets of two rows of a group.
    """

    column: str
    count: int
    rows: int
    constant: tuple[str, ...]
    correlation: float


def groups(
    evidence: Evidence, leave_out: Collection[str], unique_rows: bool = True
) -> Groups | None:
    """The column that tells which rows belong together, if there is one.

    Where rows repeat as a whole (not `unique_rows`), so do measurements, and tell nothing.
    """
    if len(evidence.y) < MIN_ROWS:
        return None
    matches = []
    candidates = [c for c in evidence.columns if c.name not in leave_out and _may_tell(c, evidence)]
    candidates.sort(key=lambda column: not _is_named(column))
    for candidate in candidates[:MAX_CANDIDATES]:
        view = evidence if evidence.is_whole else _whole_groups(evidence, candidate)
        column = next((c for c in view.columns if c.name == candidate.name), None)
        match = None if column is None else _groups(view, column, leave_out)
        if match is not None:
            matches.append((_is_named(candidate), len(match.constant), match.correlation, match))
    if matches:
        return max(matches, key=lambda entry: entry[:3])[3]
    if not unique_rows:
        return None
    further = [column for name in sorted(leave_out) if (column := _parts(evidence, name))]
    further += [c for c in evidence.columns if c.name not in leave_out and _may_be_alike(c)]
    some = (_groups(evidence, column, leave_out) for column in further[:MAX_CANDIDATES])
    return next((match for match in some if match is not None), None)


def group_advice(match: Groups, split: str) -> list[Advice]:
    """What is said of it, if rows were not split by groups."""
    if split != "random":
        return []
    reason = []
    if match.constant:
        verb = "is" if len(match.constant) == 1 else "are"
        reason.append(f"{listed(match.constant)} {verb} the same in all rows of one")
    if match.correlation >= ALIKE:
        reason.append(f"their targets are alike (correlation {match.correlation:.2f})")
    return [Advice(
        "groups", (match.column,),
        f"Rows belong together by {match.column!r}: {match.count:,} groups of "
        f"{match.rows / match.count:.1f} rows; {' and '.join(reason)}. A random split tests on "
        "groups that the training has seen.",
        option("group", match.column),
    )]  # fmt: skip


def _is_named(column: TypedColumn) -> bool:
    """Whether a name, or texts such as P012, are those of somebody or something."""
    words = words_of(column.name)
    if words and (words <= NAMES and words & (GROUPS | IDENTIFIERS)):
        return True
    if suggests_identifier(column.name) and len(words) <= 2:
        return True
    texts = column.levels[:200]
    if texts and all(HEX.fullmatch(text) for text in texts):
        return True
    matches = [CODE.fullmatch(text) for text in texts]
    around = {match.groups() if match else None for match in matches}
    return len(around) == 1 and around.isdisjoint({None, ("", "")})


def _may_tell(column: TypedColumn, evidence: Evidence) -> bool:
    """Whether values come several times each, none of them very often."""
    if column.kind not in ("text", "number") or column.distinct < MIN_GROUPS:
        return False
    gaps = len(column.known) < len(column.values)  # whole numbers with gaps are read as floats
    if not column.is_text and not (column.is_whole and (gaps or not column.floats)):
        return False
    if suggests_time(column.name) and not _is_named(column):
        return False
    counts = np.unique(column.known, return_counts=True)[1]
    largest = LARGEST_NAMED if _is_named(column) else LARGEST
    if counts.max() > max(largest * len(column.values), 2):
        return False
    if not evidence.is_whole:  # of groups of a few rows, one is left of each
        return _is_named(column) or counts.max() > 1
    return bool(counts[counts > 1].sum() >= _together(column) * len(column.values))


def _parts(evidence: Evidence, name: str) -> TypedColumn | None:
    """A column that names each row as one of a group: P012_1, P012_2."""
    if name not in evidence.source.frame.columns or not evidence.is_whole:
        return None
    cells = evidence.source.frame[name]
    codes = group_codes(cells)[evidence.rows].astype(np.float64)
    counts = np.unique(codes, return_counts=True)[1]
    if len(counts) < MIN_GROUPS or counts.max() > LARGEST_NAMED * len(codes) or counts.max() < 2:
        return None
    levels = [PLACEHOLDER]  # of a code: the name of a row tells who or what it is of
    return TypedColumn(name, "text", codes, tuple(levels))


def _may_be_alike(column: TypedColumn) -> bool:
    """Whether a column of measurements or birthdays has values that come several times each."""
    if column.kind not in ("number", "date") or column.distinct < MANY_GROUPS or tells_time(column):
        return False
    counts = np.unique(column.known, return_counts=True)[1]
    enough = counts[counts > 1].sum() >= TOGETHER * len(column.values)
    return bool(enough and counts.max() <= LARGEST * len(column.values))


def _together(column: TypedColumn) -> float:
    """The share of the rows that must be in a group of two or more."""
    return TOGETHER_NAMED if _is_named(column) else TOGETHER


def _whole_groups(evidence: Evidence, column: TypedColumn) -> Evidence:
    """All training rows of some groups, instead of some rows of all groups."""
    cells = evidence.source.inputs[column.name].iloc[evidence.train_rows]
    every = np.uint64(-(-len(evidence.train_rows) // len(evidence.rows)))
    some = (row_hashes([cells]) >> np.uint64(8)) % every == 0
    return evidence.of_rows(evidence.train_rows[some][: 2 * len(evidence.rows)])


def _groups(evidence: Evidence, column: TypedColumn, leave_out: Collection[str]) -> Groups | None:
    """What is the same within the groups of a column, if it is enough to call them so."""
    rng = np.random.default_rng(evidence.seed)
    # Pairs of a group are drawn: rows that follow each other may be alike for another reason
    known = rng.permutation(np.flatnonzero(~np.isnan(column.values)))
    order = known[np.argsort(column.values[known], kind="stable")]
    values = column.values[order]
    same = values[1:] == values[:-1]
    first, second = order[:-1][same], order[1:][same]
    count = len(np.unique(values))
    together = np.unique(values, return_counts=True)[1]
    if len(first) < MIN_ROWS // 2 or together[together > 1].sum() < _together(column) * len(
        column.values
    ):
        return None
    others = rng.permutation(len(column.values))
    constant, many = [], 0
    for other in [c for c in evidence.columns if c.name != column.name][:MAX_COMPARED]:
        if other.name in leave_out or other.distinct < 2:
            continue
        cells = np.where(np.isnan(other.values), np.inf, other.values)
        same = np.mean(cells[first] == cells[second])
        if same >= CONSTANT and np.mean(cells == cells[others]) <= BY_CHANCE:
            constant.append(other.name)
            many += other.distinct >= MANY_VALUES
    correlation, sure = _likeness(evidence, first, second)
    alike = correlation >= ALIKE and sure >= SURE
    clocks = {c.name for c in evidence.columns if tells_time(c)}
    if _is_named(column):
        enough = bool(constant) or alike
    elif _may_be_alike(column) and (column.floats or column.kind == "date"):
        enough = many > 1 and correlation >= SURELY_ALIKE and sure >= SURE
        enough = enough and clocks.isdisjoint(constant)  # the weather of a day
    else:
        enough = (many > 0 or len(constant) > 1) and correlation >= SURELY_ALIKE and sure >= SURE
    if not enough:
        return None
    correlation = correlation if alike else 0.0
    return Groups(column.name, count, len(order), tuple(constant), correlation)


def _likeness(evidence: Evidence, first: Any, second: Any) -> tuple[float, float]:
    """The correlation of the targets of pairs of rows, and its distance from none."""
    if evidence.is_classification:
        y = np.eye(int(evidence.codes.max()) + 1)[evidence.codes]
    else:
        y = stats.rankdata(evidence.y)[:, None]
    y = y - y.mean(axis=0)
    spread = float(np.sum(y**2)) / len(y)
    if not spread > 0:
        return 0.0, 0.0
    correlation = float(np.sum(y[first] * y[second])) / len(first) / spread
    return correlation, correlation * len(first) ** 0.5
