"""The rows of each series: sorted by time, one for each time, on the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....data.cells import row_number
from ....errors import DataError, warn_user
from .calendar import Calendar
from .data_warning import SeriesDataWarning
from .encoders import Encoders
from .stamps import DAY, Stamps
from .tables import Table, target_values

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

DUPLICATES = ("error", "sum", "mean", "first", "last")


@dataclass(frozen=True)
class Piece:
    """The rows of one series, in the order of time.

    `positions` of shape (n,) go up; `values` (n,) and the covariates (n, columns) have NaN where
    a cell is empty.
    """

    name: Any
    positions: Ints
    values: Floats
    known: Floats
    past: Floats
    static: Floats


@dataclass(frozen=True)
class Rows:
    """All rows of a table, sorted by series and time, each time once.

    `numbers` of shape (n, columns) has the target, and known, past and static covariates, which
    begin at the columns `starts`.
    """

    codes: Ints
    stamps: Stamps
    numbers: Floats
    starts: tuple[int, int, int, int]

    def pieces(self, names: tuple[Any, ...], calendar: Calendar) -> Iterator[Piece]:
        """The rows of each series."""
        positions = calendar.positions(self.stamps)
        firsts = np.flatnonzero(np.r_[True, np.diff(self.codes) != 0])
        for first, end in zip(firsts, np.r_[firsts[1:], len(self.codes)], strict=True):
            target, *covariates = np.split(self.numbers[first:end], self.starts[1:], axis=1)
            values = np.ascontiguousarray(target[:, 0])
            name = names[int(self.codes[first])]
            yield Piece(name, positions[first:end], values, *covariates)


def long_rows(table: Table, encoders: Encoders, duplicates: str, is_training: bool = False) -> Rows:
    """Return the rows of a long table, or of one series."""
    frame, roles = table.frame, table.roles
    parts = [target_values(frame[roles.target], roles.target)[:, None]]
    parts += [encoders.encode(frame, role, is_training) for role in ("known", "past", "static")]
    ends = np.cumsum([part.shape[1] for part in parts])
    starts = (0, int(ends[0]), int(ends[1]), int(ends[2]))
    numbers = np.concatenate(parts, axis=1)
    if encoders.static:
        _check_static(table, encoders)
    order = np.lexsort((table.stamps.values, table.codes))
    sorted_already = bool((np.diff(order) == 1).all())
    codes, stamps = table.codes, table.stamps
    if not sorted_already:
        codes, stamps, numbers = codes[order], stamps.take(order), numbers[order]
    rows = Rows(codes, stamps, numbers, starts)
    same = (np.diff(codes) == 0) & (np.diff(stamps.values) == 0)
    return _once(rows, order, np.r_[False, same], table, duplicates) if same.any() else rows


def _once(rows: Rows, order: Ints, again: Flags, table: Table, duplicates: str) -> Rows:
    """The rows of which each time is there once: by a rule, or because they are equal."""
    firsts = np.flatnonzero(~again)
    numbers = rows.numbers
    if duplicates == "error":
        before, after = numbers[:-1][again[1:]], numbers[1:][again[1:]]
        equal = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
        if not equal.all():
            row = int(np.flatnonzero(again)[np.argmin(equal)])
            _refuse(rows, order, row, table)
        many = int(again.sum())
        warn_user(
            f"left out {many} row{'s' * (many > 1)}, equal to another in all columns that are used",
            SeriesDataWarning,
        )
        numbers = numbers[firsts]
    elif duplicates in ("sum", "mean"):
        targets = numbers[:, 0]
        known = ~np.isnan(targets)
        sums = np.add.reduceat(np.where(known, targets, 0.0), firsts)
        counts = np.add.reduceat(known.astype(np.int64), firsts)
        sums = np.where(counts > 0, sums, np.nan)
        numbers = numbers[firsts].copy()
        numbers[:, 0] = sums if duplicates == "sum" else sums / np.maximum(counts, 1)
    else:
        ends = np.r_[firsts[1:], len(again)] - 1
        numbers = numbers[firsts if duplicates == "first" else ends]
    return Rows(rows.codes[firsts], rows.stamps.take(firsts), numbers, rows.starts)


def _refuse(rows: Rows, order: Ints, row: int, table: Table) -> None:
    """Raise the error of two rows of one series and time that differ."""
    index = table.frame if len(table.frame.columns) == 0 else table.frame.iloc[:, 0]
    numbers = [row_number(index, int(order[k])) for k in (row - 1, row)]
    of = f" of {table.names[int(rows.codes[row])]!r}" if table.layout == "long" else ""
    form = rows.stamps.form
    hint = "" if table.layout == "long" else "; if they are of two series, name the column in id="
    if form.kind == "dates" and form.zone is None and int(rows.stamps.values[row]) % DAY:
        hint += (
            " (where clocks change an hour comes twice: give the times their zone, by "
            "dt.tz_localize(zone, ambiguous='infer'))"
        )
    raise DataError(
        f"rows {numbers[0]} and {numbers[1]} are both for {rows.stamps.text(row)}{of} and differ: "
        f"leave one out, or say duplicates='sum', 'mean', 'first' or 'last'{hint}"
    )


def _check_static(table: Table, encoders: Encoders) -> None:
    """Refuse a static covariate that changes within a series."""
    for encoder in encoders.static:
        column = table.frame[encoder.name]
        present = column.notna().to_numpy(bool)
        cells, codes = column[present], table.codes[present]
        counts = cells.groupby(codes).nunique()
        if (counts > 1).any():
            code = int(counts.index[np.argmax(counts > 1)])
            two = [repr(value) for value in cells[codes == code].unique()[:2].tolist()]
            of = f" within {table.names[code]!r}" if table.layout == "long" else ""
            raise DataError(
                f"static covariate {encoder.name!r} changes{of} from {two[0]} to {two[1]}: name it "
                "in past= or known="
            )


def wide_pieces(table: Table, calendar: Calendar, duplicates: str) -> Iterator[Piece]:
    """Return the rows of each series of a wide table, column by column."""
    positions = calendar.positions(table.stamps)
    order = np.argsort(positions, kind="stable")
    is_sorted = bool((np.diff(order) == 1).all())
    again = np.r_[False, np.diff(positions[order]) == 0]
    if again.any() and duplicates == "error":
        _check_wide_duplicates(table, order, again)
    for k, name in enumerate(table.names):
        column = table.frame.iloc[:, k]
        values = target_values(column, str(name))
        empty = np.zeros((len(values), 0))
        codes = np.zeros(len(values), np.int64)
        if not is_sorted or again.any():
            values = values[order]
        unique = positions if is_sorted else positions[order]
        if again.any():
            rule = "first" if duplicates == "error" else duplicates
            rows = Rows(codes, table.stamps.take(order), values[:, None], (0, 1, 1, 1))
            values = _once(rows, order, again, table, rule).numbers[:, 0]
            unique = unique[~again]
            empty = empty[: len(values)]
        yield Piece(name, unique, values, empty, empty, empty)


def _check_wide_duplicates(table: Table, order: Ints, again: Flags) -> None:
    """Refuse rows of one time that differ; warn of those that are equal."""
    values = np.stack(
        [target_values(table.frame.iloc[:, k], str(n)) for k, n in enumerate(table.names)], axis=1
    )[order]
    rows = Rows(np.zeros(len(order), np.int64), table.stamps.take(order), values, (0, 1, 1, 1))
    _once(rows, order, again, table, "error")


def future_rows(
    table: Table, encoders: Encoders, calendar: Calendar
) -> dict[Any, tuple[Ints, Floats]]:
    """Return positions and known covariates of the rows of each series, whose targets may lack."""
    known = encoders.encode(table.frame, "known")
    order = np.lexsort((table.stamps.values, table.codes))
    codes = table.codes[order]
    rows = Rows(codes, table.stamps.take(order), known[order], (0, known.shape[1]) * 2)
    same = (np.diff(codes) == 0) & (np.diff(rows.stamps.values) == 0)
    if same.any():
        rows = _once(rows, order, np.r_[False, same], table, "error")
    positions = calendar.positions(rows.stamps)
    return {
        table.names[code]: (positions[rows.codes == code], rows.numbers[rows.codes == code])
        for code in range(len(table.names))
    }
