"""One or many time series as arrays: read, checked, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....data.cells import check_cells, row_number
from ....data.column_values import as_numbers, as_texts, as_times
from ....errors import DataError
from ....lazy import LazyModule

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

FARTHEST = 20.0  # scales from the mean of a window; more says no more
SLACK = 1.5  # of a step between two stamps is no gap yet
NUMBERS = 0.5  # of the cells are numbers: the others are mistakes


@dataclass(frozen=True)
class OneSeries:
    """The rows of one series.

    Attributes
    ----------
    name : str
        Empty where there is only one.
    rows : array (n,)
        Where they stand in the table.
    values : array (n, channels)
        NaN where missing.
    seconds : array (n,) or None
        Their stamps, in seconds from 1970 in UTC.
    """

    name: str
    rows: Ints
    values: Floats
    seconds: Floats | None


@dataclass(frozen=True)
class SeriesTable:
    """The series of a table, with `length` rows in all.

    `step` is the median of the seconds from one stamp to the next, or None without stamps.
    """

    channels: tuple[str, ...]
    parts: tuple[OneSeries, ...]
    length: int
    step: float | None


def read_series(
    data: Any,
    time: str | None = None,
    series: str | None = None,
    channels: Sequence[str] | None = None,
) -> SeriesTable:
    """Return the series of a table.

    Parameters
    ----------
    data : pandas.DataFrame, pandas.Series or array (n,) or (n, channels)
        Rows in the order of time. The stamps of a table are those of the column `time`, or of an
        index of dates or of periods; without either, steps are regular.
    time, series : str, optional
        The columns of the stamps, and of the names of the series that rows belong to.
    channels : sequence of str, optional
        Those that a model knows; by default all other columns.

    Raises
    ------
    DataError
        For a column that is absent, not of numbers or infinite, and for a stamp that is missing, or
        not later than the one before it in its series.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "day": ["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02"],
    ...     "machine": ["a", "b", "a", "b"],
    ...     "load": [1.0, 10.0, None, 30.0],
    ... })
    >>> table = read_series(frame, time="day", series="machine")
    >>> [(part.name, part.rows.tolist(), part.values.tolist()) for part in table.parts]
    [('a', [0, 2], [[1.0], [nan]]), ('b', [1, 3], [[10.0], [30.0]])]
    >>> table.channels, table.step
    (('load',), 86400.0)
    >>> read_series(frame[::-1], time="day", series="machine")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: column 'day', row 3: 2026-01-01 00:00:00 of series 'b' comes after \
2026-01-02 00:00:00: sort the rows by time
    """
    frame = as_frame(data)
    for name in (time, series):
        if name is not None and name not in frame.columns:
            raise DataError(
                f"there is no column {name!r}: the columns are "
                f"{', '.join(repr(column) for column in frame.columns)}"
            )
    known = tuple(channels) if channels is not None else tuple(
        column for column in frame.columns if column not in (time, series)
    )  # fmt: skip
    values = _channel_values(frame, known)
    stamps = _stamps(frame, time)
    seconds = None if stamps is None else _seconds(stamps)
    names = np.full(len(frame), "", object) if series is None else as_texts(frame[series])
    for row, name in enumerate(names):
        if name is None:
            number = row_number(frame[series], row)
            raise DataError(f"column {series!r}, row {number}: name the series of each row")
    parts = []
    for name in dict.fromkeys(names):  # in the order in which they first come
        rows = np.flatnonzero(names == name)
        inside = None if seconds is None else seconds[rows]
        if stamps is not None and inside is not None:
            _check_order(inside, rows, stamps, name)
        parts.append(OneSeries(name, rows, values[rows], inside))
    return SeriesTable(known, tuple(parts), len(frame), _step(parts))


def as_frame(data: Any) -> Any:
    """Return a table with texts as names of its columns."""
    if isinstance(data, pd.Series):
        name = "value" if data.name is None else str(data.name)
        return data.to_frame(name)
    if isinstance(data, pd.DataFrame):
        frame = data.set_axis([str(column) for column in data.columns], axis=1)
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"two columns are called {twice!r}: rename one")
        return frame
    array = np.asarray(data)
    if array.ndim not in (1, 2):
        raise DataError(
            f"a series of shape {array.shape}: give (rows,) or (rows, channels), and several "
            "series as a table with a column of their names"
        )
    array = array.reshape(len(array), -1)
    names = ["value"] if array.shape[1] == 1 else [f"value{k}" for k in range(array.shape[1])]
    return pd.DataFrame(array, columns=names)


def _channel_values(frame: Any, channels: tuple[str, ...]) -> Floats:
    """Return the numbers of all channels; a `DataError` names the first cell that is none."""
    if not channels:
        raise DataError("there is no column of numbers beside times and series: give one at least")
    columns = []
    for name in channels:
        if name not in frame.columns:
            raise DataError(f"the column {name!r} of the training is missing")
        if pd.api.types.is_datetime64_any_dtype(frame[name].dtype):
            raise DataError(
                f"column {name!r} holds dates: name it in time=, or leave it out of the table"
            )
        check_cells(frame[name])
        try:
            columns.append(as_numbers(frame[name]))
        except DataError as error:
            problem = str(error).partition(", or use")[0]
            raise DataError(f"{problem}{_advice(frame[name])}") from None
    return np.stack(columns, axis=1)


def _advice(column: Any) -> str:
    """What to do with a column that has another cell than numbers: it depends on the others."""
    try:
        as_times(column)
    except DataError:
        numbers = pd.to_numeric(column, errors="coerce").notna().to_numpy(bool)
        if numbers.sum() >= NUMBERS * column.notna().sum():
            return ""
        return f", or leave the column out (a column that names series: series={column.name!r})"
    return f"; the column holds dates: time={column.name!r} makes them the times of the rows"


def _stamps(frame: Any, time: str | None) -> Any:
    """Return a column of dates in UTC, or None where a table has none."""
    if time is not None:
        column = frame[time]
        if isinstance(column.dtype, pd.PeriodDtype):
            column = column.dt.to_timestamp()
        stamps = as_times(column)
    elif isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        index = frame.index
        if isinstance(index, pd.PeriodIndex):
            index = index.to_timestamp()
        name = "index" if index.name is None else str(index.name)
        stamps = as_times(pd.Series(index, name=name))
    else:
        return None
    if stamps.isna().any():
        row = int(np.argmax(stamps.isna()))
        raise DataError(
            f"column {stamps.name!r}, row {row_number(stamps, row)}: there is no time: fill the "
            "cell or leave the row out"
        )
    return stamps


def _seconds(stamps: Any) -> Floats:
    return np.asarray((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1), np.float64)


def _check_order(seconds: Floats, rows: Ints, stamps: Any, name: str) -> None:
    """Refuse stamps that come twice or go back."""
    wrong = np.diff(seconds) <= 0
    if not wrong.any():
        return
    row = int(np.argmax(wrong)) + 1
    times = [str(stamps.iloc[k].tz_localize(None)) for k in (rows[row - 1], rows[row])]
    of = f" of series {name!r}" if name else ""
    where = f"column {str(stamps.name)!r}, row {row_number(stamps, int(rows[row]))}: {times[1]}{of}"
    if seconds[row] == seconds[row - 1]:
        remedy = "" if name else ", or name the column of the series that rows belong to"
        raise DataError(f"{where} comes twice: leave one row out{remedy}")
    raise DataError(f"{where} comes after {times[0]}: sort the rows by time")


def _step(parts: list[OneSeries]) -> float | None:
    """Return the usual seconds from a row to the next."""
    steps = [np.diff(part.seconds) for part in parts if part.seconds is not None]
    if not any(map(len, steps)):
        return None
    return float(np.median(np.concatenate(steps)))


def carried(values: Floats, longest: int) -> Floats:
    """Return values with the missing ones as the last before them, for `longest` rows at most.

    Examples
    --------
    >>> carried(np.array([[1.0], [np.nan], [np.nan], [4.0]]), 1).ravel().tolist()
    [1.0, 1.0, nan, 4.0]
    """
    at = np.arange(len(values))[:, None]
    latest = np.maximum.accumulate(np.where(np.isnan(values), -1, at), axis=0)
    last = np.take_along_axis(values, np.maximum(latest, 0), axis=0)
    return np.where((latest >= 0) & (at - latest <= longest), last, np.nan)


def ages(seconds: Floats | None, length: int, step: float | None, longest: int) -> Ints:
    """Return how many rows there are before each since the last gap of more than `longest` steps.

    Examples
    --------
    >>> ages(np.array([0.0, 1.0, 2.0, 9.0, 10.0]), 5, 1.0, 5).tolist()
    [0, 1, 2, 0, 1]
    """
    at = np.arange(length)
    if seconds is None or step is None:
        return at
    anew = np.r_[True, np.diff(seconds) > max(longest, SLACK) * step][:length]
    return at - np.maximum.accumulate(np.where(anew, at, 0))


def centred(windows: Floats, scale: Floats) -> Floats:
    """Return windows of shape (n, window, channels) about their means, as rows."""
    about = (windows - windows.mean(axis=1, keepdims=True)) / scale
    width = windows.shape[1] * windows.shape[2]
    return np.asarray(np.clip(about, -FARTHEST, FARTHEST).reshape(len(windows), width))


def duration(seconds: float) -> str:
    """Return a span of time in words.

    Examples
    --------
    >>> duration(900.0), duration(3600.0), duration(86400.0 * 7), duration(0.25)
    ('15 minutes', '1 hour', '7 days', '0.25 seconds')
    """
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"))
    size, unit = next((pair for pair in units if seconds % pair[0] == 0), (1, "second"))
    many = seconds / size
    return f"{many:g} {unit}{'' if many == 1 else 's'}"


def usual_scale(values: Floats) -> Floats:
    """Return the scale of each column: the median distance from its median, as of a normal law.

    Where most values are the same, 95 % of the distances decide, and 1 where all are.

    Examples
    --------
    >>> usual_scale(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])).tolist()
    [1.4826, 1.0]
    """
    with np.errstate(invalid="ignore"):
        known = [column[~np.isnan(column)] for column in values.T]
    scales = []
    for column in known:
        distances = np.abs(column - np.median(column)) if len(column) else np.zeros(1)
        scale = max(
            1.4826 * float(np.median(distances)), float(np.quantile(distances, 0.95)) / 1.96
        )
        scale = scale or float(distances.max())
        tiny = 1e-9 * float(np.abs(column).max(initial=0.0))  # of rounding
        scales.append(scale if scale > tiny else 1.0)
    return np.array(scales)
