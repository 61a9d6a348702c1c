"""One or many series as arrays on a common calendar, with their covariates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError, UnsupportedError, warn_user
from .calendar import Calendar, infer_calendar
from .data_warning import SeriesDataWarning
from .encoders import Encoders, learn_encoders
from .gaps import RULES, carried, filled
from .pieces import DUPLICATES, Piece, long_rows, wide_pieces
from .roles import ID, TIME, Roles, listed
from .tables import Table, read_table

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

FULL = 0.5  # of the steps have a value, or a warning says so
EMPTIEST = 200  # steps for each row, above which a step cannot be the usual one
LONGEST = 100_000  # steps that are few, however empty
LARGEST_VALUE = 1e150  # the squares of more overflow


@dataclass(frozen=True)
class OneSeries:
    """One series without gaps.

    Attributes
    ----------
    name : object
        As the user has it in the column of ids, or the name of the column.
    start : int
        The position of the first value.
    values : array (n,)
        Gaps are filled.
    observed : array (n,) of bool
        Where the user's table has a value.
    known : array (n + ahead, K)
        Covariates that are known ahead, also for the rows after the last value.
    past : array (n, P)
    static : array (S,)
    """

    name: Any
    start: int
    values: Floats
    observed: Flags
    known: Floats
    past: Floats
    static: Floats

    @property
    def end(self) -> int:
        """The position after the last value."""
        return self.start + len(self.values)

    @property
    def ahead(self) -> int:
        """For how many steps after the last value known covariates are there."""
        return len(self.known) - len(self.values)


@dataclass(frozen=True)
class Panel:
    """The series of a table, with all that an answer in the user's form needs.

    Attributes
    ----------
    calendar : Calendar
    roles : Roles
    series : tuple of OneSeries
        In the order of their names; of a wide table, of its columns.
    encoders : Encoders
    layout : {"long", "one", "wide", "array"}
    fill_gaps, duplicates : str
        The rules, which hold for later rows too.
    id_dtype : str
        Of the column of ids.
    """

    calendar: Calendar
    roles: Roles
    series: tuple[OneSeries, ...]
    encoders: Encoders
    layout: str = "long"
    fill_gaps: str = "auto"
    duplicates: str = "error"
    id_dtype: str = "object"

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the series."""
        return tuple(one.name for one in self.series)

    @property
    def id_name(self) -> str | None:
        """The name of the column of ids in an answer; None for one series without an id."""
        if self.roles.id is not None:
            return self.roles.id
        return ID if self.layout in ("wide", "array") else None

    @property
    def time_name(self) -> str:
        """The name of the column of times in an answer."""
        return TIME if self.roles.time is None else self.roles.time

    @property
    def known_names(self) -> tuple[str, ...]:
        """The names of the columns of `OneSeries.known`."""
        return self.encoders.names("known")

    @property
    def past_names(self) -> tuple[str, ...]:
        """The names of the columns of `OneSeries.past`."""
        return self.encoders.names("past")

    @property
    def static_names(self) -> tuple[str, ...]:
        """The names of the numbers of `OneSeries.static`."""
        return self.encoders.names("static")


def read_panel(
    data: Any,
    *,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    known: Any = (),
    past: Any = (),
    static: Any = (),
    freq: Any = None,
    fill_gaps: str = "auto",
    duplicates: str = "error",
    encoders: Encoders | None = None,
    calendar: Calendar | None = None,
) -> Panel:
    """Return the series of a table.

    Parameters
    ----------
    data : DataFrame, Series or array
        A long table, with a row for each series and time; a table of one series; a wide table, in
        which each column is a series (when neither `id` nor `target` is named); a Series with an
        index of dates, periods or whole numbers; an array (n,) or (n, series). Frames of polars
        are taken as well.
    id, time, target : str, optional
        Columns. Nixtla's names "unique_id", "ds" and "y" are found by themselves, and so is an
        index of dates or periods.
    known, past, static : sequence of str
        Covariates. Texts and categories have a column of 0 and 1 for each level (32 at most).
    freq : str, optional
        The frequency; by default the usual step over all series.
    fill_gaps : {"auto", "zero", "error"}
        How missing values and rows between the first value of a series and its last are filled.
        "auto": up to two steps in a row by a straight line, longer ones by the value one (the
        shortest) season earlier, or by a straight line where there is none. "zero" is for tables
        that leave out days without sales: a series then has zeros up to the last step for which
        any series has a value.
    duplicates : {"error", "sum", "mean", "first", "last"}
        What is done with rows of one series and time. "error": equal ones are left out, with a
        warning, and others refused. "sum" and "mean" are those of the target; covariates are then
        those of the first row.
    encoders, calendar : optional
        Those of a model that is already trained.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        For what cannot be used: the message says where it is, and what to do.

    Notes
    -----
    Empty targets before the first value are left out, and those after the last are its future,
    for which known covariates may be there. Empty known and past covariates are as the last one
    before: a value that comes later is never used for an earlier step, but for those before the
    first.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "shop": ["a", "a", "a", "b", "b"],
    ...     "day": ["2024-05-01", "2024-05-02", "2024-05-04", "2024-05-02", "2024-05-03"],
    ...     "sold": [1.0, 2.0, 4.0, 10.0, 20.0],
    ... })
    >>> panel = read_panel(frame, id="shop", time="day", target="sold", freq="D")
    >>> [(one.name, one.values.tolist(), one.observed.tolist()) for one in panel.series]
    [('a', [1.0, 2.0, 3.0, 4.0], [True, True, False, True]), ('b', [10.0, 20.0], [True, True])]
    >>> panel.series[1].start - panel.series[0].start
    1
    """
    check_rules(fill_gaps, duplicates)
    if calendar is not None and freq is not None:
        raise ValueError("calendar= has a frequency: leave freq= out")
    table = read_table(data, id, time, target, known, past, static)
    calendar = _calendar(table, freq) if calendar is None else calendar.with_days(table.stamps)
    is_training = encoders is None
    if encoders is None:
        encoders = learn_encoders(table.frame, table.roles)
    pieces = pieces_of(table, encoders, calendar, duplicates, is_training)
    series = series_of(pieces, calendar, encoders, fill_gaps)
    return Panel(
        calendar, table.roles, series, encoders, table.layout, fill_gaps, duplicates, table.id_dtype
    )


def check_rules(fill_gaps: str, duplicates: str) -> None:
    """Refuse unknown rules."""
    for name, value, allowed in (
        ("fill_gaps", fill_gaps, RULES),
        ("duplicates", duplicates, DUPLICATES),
    ):
        if value not in allowed:
            raise ValueError(f"{name}={value!r}: give one of {', '.join(map(repr, allowed))}")


def _calendar(table: Table, freq: Any) -> Calendar:
    """The calendar of a table; a frequency is no use where rows have no times."""
    if freq is not None and table.stamps.form.kind == "none":
        raise DataError(f"freq={freq!r}, but the rows have no times: name their column in time=")
    groups = table.codes if table.layout in ("long", "one") else None
    if freq is None and table.freq is not None:
        with suppress(UnsupportedError):  # such as business hours, whose rows may tell more
            return infer_calendar(table.stamps, table.freq, groups)
    names = table.names if table.layout == "long" else ()
    return infer_calendar(table.stamps, freq, groups, names)


def pieces_of(
    table: Table,
    encoders: Encoders,
    calendar: Calendar,
    duplicates: str,
    is_training: bool = False,
) -> Iterator[Piece]:
    """Return the rows of each series of a table."""
    if table.layout in ("wide", "array"):
        return wide_pieces(table, calendar, duplicates)
    rows = long_rows(table, encoders, duplicates, is_training)
    return rows.pieces(table.names, calendar)


def series_of(
    pieces: Iterable[Piece],
    calendar: Calendar,
    encoders: Encoders,
    fill_gaps: str,
    end: int | None = None,
) -> tuple[OneSeries, ...]:
    """Return series without gaps; a warning names those of which more than half is missing.

    Where gaps are zeros, series reach to the last end of them all, or to `end`.
    """
    until = None
    if fill_gaps == "zero":
        pieces = list(pieces)
        until = common_end(pieces, end)
    series = tuple(one_series(piece, calendar, encoders, fill_gaps, until) for piece in pieces)
    sparse = [one.name for one in series if one.observed.mean() < FULL]
    if sparse and fill_gaps != "zero":
        of = f": {listed(sparse, 3)}" if len(series) > 1 else ""
        step = "" if calendar.freq is None else f" at freq={calendar.freq!r}"
        warn_user(
            f"more than half of the steps{step} of {len(sparse)} of {len(series)} series have no "
            f"value{of}: is the frequency right? Where no row means 0, say fill_gaps='zero'",
            SeriesDataWarning,
        )
    return series


def common_end(pieces: Iterable[Piece], end: int | None = None) -> int:
    """Return the position after the last that has a value in any series."""
    present = [piece.positions[~np.isnan(piece.values)] for piece in pieces]
    return max([int(at[-1]) + 1 for at in present if len(at)], default=0) if end is None else end


def one_series(
    piece: Piece, calendar: Calendar, encoders: Encoders, fill_gaps: str, until: int | None = None
) -> OneSeries:
    """Return the series of its rows, with zeros up to the position `until`, if any."""
    present = np.flatnonzero(~np.isnan(piece.values))
    if not len(present):
        raise DataError(
            f"series {piece.name!r} has no value ({len(piece.values)} rows, all empty): leave its "
            "rows out"
        )
    largest = float(np.abs(piece.values[present]).max())
    if largest > LARGEST_VALUE:
        raise DataError(
            f"series {piece.name!r} has values of {largest:.0e}, whose squares no float holds: "
            "divide the target by a constant"
        )
    first, last = int(present[0]), int(present[-1])
    start = int(piece.positions[first])
    length = max(int(piece.positions[last]) + 1, until or start) - start
    last = int(np.searchsorted(piece.positions, start + length)) - 1
    check_length(piece.name, start, length, len(present), calendar)
    inside = slice(first, last + 1)
    at = piece.positions[inside] - start
    values = np.full(length, np.nan)
    values[at] = piece.values[inside]
    observed = ~np.isnan(values)
    if fill_gaps == "error" and not observed.all():
        missing = start + int(np.argmin(observed))
        raise DataError(
            f"series {piece.name!r} has no value for {calendar.text(missing)}, nor for "
            f"{int((~observed).sum()) - 1} other steps: fill them, or say fill_gaps='auto'"
        )
    season = next(iter(calendar.seasons()), None)
    return OneSeries(
        name=piece.name,
        start=start,
        values=filled(values, fill_gaps, season),
        observed=observed,
        known=_known(piece, first, start, length, encoders),
        past=_past(piece, inside, start, length, encoders),
        static=_static(piece, encoders),
    )


def check_length(name: Any, start: int, length: int, present: int, calendar: Calendar) -> None:
    """Refuse a series of which nearly all steps are empty, before memory is full."""
    if length > max(LONGEST, EMPTIEST * present):
        raise DataError(
            f"series {name!r} has {present} values in {length} steps, from {calendar.text(start)} "
            f"to {calendar.text(start + length - 1)}: bring the times to a coarser step, such as "
            "by frame.resample('h').sum()"
        )


def _scattered(numbers: Floats, at: Any, length: int) -> Floats:
    result = np.full((length, numbers.shape[1]), np.nan)
    result[at] = numbers
    return result


def _past(piece: Piece, inside: slice, start: int, length: int, encoders: Encoders) -> Floats:
    """Past covariates on all steps, carried on where missing."""
    if not piece.past.shape[1]:
        return np.zeros((length, 0))
    past = _scattered(piece.past[inside], piece.positions[inside] - start, length)
    _check_some(past, piece, "past", encoders)
    return carried(past, encoders.is_level("past"))


def _known(piece: Piece, first: int, start: int, length: int, encoders: Encoders) -> Floats:
    """Known covariates on all steps, and on those after the last as far as none is missing."""
    if not piece.known.shape[1]:
        return np.zeros((length, 0))
    total = max(int(piece.positions[-1]) - start + 1, length)
    known = _scattered(piece.known[first:], piece.positions[first:] - start, total)
    missing = np.flatnonzero(np.isnan(known[length:]).any(axis=1))
    ahead = int(missing[0]) if len(missing) else max(total - length, 0)
    inside = known[:length]
    _check_some(inside, piece, "known", encoders)
    return np.concatenate(
        [carried(inside, encoders.is_level("known")), known[length : length + ahead]]
    )


def _check_some(values: Floats, piece: Piece, role: str, encoders: Encoders) -> None:
    """Refuse a covariate that has no value at all in a series."""
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        name = encoders.names(role)[int(np.argmax(empty))]
        raise DataError(
            f"{role} covariate {name!r} has no value in series {piece.name!r}: fill it, or leave "
            "the column out"
        )


def _static(piece: Piece, encoders: Encoders) -> Floats:
    """Static covariates: the value that a series has in some row."""
    result = np.zeros(piece.static.shape[1])
    for k, is_level in enumerate(encoders.is_level("static")):
        column = piece.static[:, k]
        known = column[~np.isnan(column)]
        if not len(known):
            raise DataError(
                f"static covariate {encoders.names('static')[k]!r} has no value in series "
                f"{piece.name!r}: fill it, or leave the column out"
            )
        result[k] = known.max() if is_level else known[0]
    return result
