"""Which columns of a table are what: times, series, the target, covariates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Never

from ..data import Table
from ..data.column_values import is_numeric
from ..errors import DataError
from . import used_columns
from .forecast_dates import looks_like_times, read_times

ID, TIME, TARGET = "unique_id", "ds", "y"  # Nixtla's names
MOST_NAMED = 8


@dataclass(frozen=True)
class Columns:
    """The columns of a table, by what they are.

    Attributes
    ----------
    time : str or None
        None: rows are steps in their order.
    target : str
    id : str or None
        None: there is one series.
    known, past, static : tuple of str
    """

    time: str | None
    target: str
    id: str | None = None
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of all columns that are used."""
        roles = (self.time, self.target, self.id, *self.known, *self.past, *self.static)
        return [name for name in roles if name is not None]

    def as_arguments(self) -> dict[str, Any]:
        """As `Forecaster.fit` and `backtest` take them."""
        return {"id": self.id, "time": self.time, "target": self.target, "known": self.known,
                "past": self.past, "static": self.static}  # fmt: skip


def choose_columns(
    table: Table, time: str | None, target: str | None, id: str | None,
    known: Sequence[str] = (), past: Sequence[str] = (), static: Sequence[str] = (),
) -> Columns:  # fmt: skip
    """The columns that options name, checked; what is left out is found, or asked for.

    Options of several columns hold them with commas between, and may be repeated.

    Raises
    ------
    DataError
        For a name that is no column, with the nearest one, and where it is not clear which column
        has the times or the target.
    """
    names = [str(name) for name in table.frame.columns]
    several = {
        role: split_names(role, texts, table)
        for role, texts in (("known", known), ("past", past), ("static", static))
    }
    named = {name for columns in several.values() for name in columns} | {id, time, target}
    id = ID if id is None and ID in names and ID not in named else id
    for role, name in (("time", time), ("target", target), ("id", id)):
        if name is not None and name not in names:
            _absent(role, name, table)
    if time is None:
        time = _times_of(table, {*named, id})
    if target is None:
        target = _target_of(table, {*named, id, time})
    return Columns(time, target, id, **several)


def split_names(role: str, texts: Iterable[str], table: Table) -> tuple[str, ...]:
    """The columns that a repeated option names, with commas between or not."""
    columns = {str(name) for name in table.frame.columns}
    result: dict[str, None] = {}
    for text in texts:
        parts = [text] if text in columns else [part.strip() for part in text.split(",")]
        for name in filter(None, parts):
            if name not in columns:
                _absent(role, name, table)
            result[name] = None
    return tuple(result)


def with_times(frame: Any, time: str | None) -> Any:
    """The table whose times are dates, in whatever usual form they are written."""
    if time is None or time not in frame.columns:
        return frame
    times = read_times(frame[time])
    return frame if times is frame[time] else frame.assign(**{time: times})


def read_rows(
    source: str, columns: Columns, card: Mapping[str, Any], encoding: str | None = None
) -> Any:
    """Further rows of a table that was read already, for a model with such a card."""
    table = used_columns.read_again(source, card, encoding)
    used_columns.check_used(table, columns.names)
    return with_times(table.frame, columns.time)


def _times_of(table: Table, named: set[str | None]) -> str | None:
    """The column of times where none is named; None where no column looks like one."""
    frame = table.frame
    if TIME in frame.columns and TIME not in named:
        return TIME
    dates = _dates_among(table, named)
    if dates:
        raise DataError(
            f"which column of {table.name} has the times? {_listed(dates)} "
            f"look{'s' * (len(dates) == 1)} like dates: give --time {dates[0]}"
        )
    return None


def _dates_among(table: Table, named: set[str | None]) -> list[str]:
    return [
        str(name) for name in table.frame.columns
        if str(name) not in named and looks_like_times(table.frame[name])
    ]  # fmt: skip


def _target_of(table: Table, named: set[str | None]) -> str:
    """The column to forecast where none is named: "y", or the only one of numbers."""
    frame = table.frame
    numbers = [
        str(name) for name in frame.columns if str(name) not in named and is_numeric(frame[name])
    ]
    if TARGET in numbers:
        return TARGET
    if len(numbers) != 1:
        choice = f"it has {_listed(numbers)}" if numbers else "no column of numbers is left"
        raise DataError(
            f"which column of {table.name} is to be forecast? {choice}: give --target COLUMN"
        )
    return numbers[0]


def _absent(role: str, name: str, table: Table) -> Never:
    names = [str(column) for column in table.frame.columns]
    near = get_close_matches(name, names, 1) or [n for n in names if n.lower() == name.lower()]
    hint = f" (is it {near[0]!r}?)" if near else ""
    dates = _dates_among(table, set()) if role == "time" and not near else []
    more = f"; {_listed(dates)} look{'s' * (len(dates) == 1)} like dates" if dates else ""
    raise DataError(
        f"--{role} {name}: {table.name} has no such column{hint}; it has {_listed(names)}{more}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:MOST_NAMED])) + ", ..." * (len(names) > MOST_NAMED)
