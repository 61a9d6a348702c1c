"""Whatever form series come in, as a frame, the roles of its columns and the times of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....data.cells import check_cells, row_number, with_row_numbers
from ....data.column_values import is_date, is_numeric
from ....errors import DataError
from ....lazy import LazyModule
from ...inputs.features import collected
from ...inputs.tables import named_columns
from .encoders import plain_numbers
from .roles import ID, TARGET, TIME, Roles, absent, as_names, find_roles, listed
from .stamps import Stamps, no_stamps, read_stamps

pd = LazyModule("pandas")

Frame: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

LAYOUTS = ("long", "one", "wide", "array")


@dataclass(frozen=True)
class Table:
    """Rows as the user gave them.

    Attributes
    ----------
    frame : pandas.DataFrame
        Texts as names of columns; an index of times is a column.
    roles : Roles
    layout : {"long", "one", "wide", "array"}
        One row for each series and time; one series; a column for each series, of a frame or of an
        array.
    stamps : Stamps
        Of all rows. Of several series without times they count the rows of each.
    codes : array (n,) of int64
        The series of each row, of a long table.
    names : tuple
        Of the series, as the user has them.
    id_dtype : str
        Of the column of names.
    freq : pandas offset or None
        Of an index of dates that knows it.
    """

    frame: Frame
    roles: Roles
    layout: str
    stamps: Stamps
    codes: Ints
    names: tuple[Any, ...]
    id_dtype: str = "object"
    freq: Any = None


def read_table(
    data: Any,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    known: Any = (),
    past: Any = (),
    static: Any = (),
) -> Table:
    """Return the table of series in any form; see `read_panel`."""
    id, time, target = (name if name is None else str(name) for name in (id, time, target))
    known, past, static = (
        as_names(names, role)
        for role, names in (("known", known), ("past", past), ("static", static))
    )
    has_roles = (id, time, target, known, past, static) != (None, None, None, (), (), ())
    data = collected(data)
    if isinstance(data, pd.Series):
        return _of_series(data, has_roles)
    if not hasattr(data, "columns"):
        return _of_array(data, has_roles)
    is_named = time is not None
    frame, time = _as_frame(data, time)
    if not len(frame):
        raise DataError("the table has no rows")
    freq = _index_freq(data)
    if id is None and target is None and _is_wide(frame, time, is_named, (known, past, static)):
        return replace(_of_wide(frame, time, data), freq=freq)
    roles = find_roles(frame, id, time, target, known, past, static)
    return replace(rows_of(frame, roles), freq=freq)


def _index_freq(data: Any) -> Any:
    """The frequency that an index of dates has, if any."""
    index = getattr(data, "index", None)
    return index.freq if isinstance(index, pd.DatetimeIndex) else None


def rows_of(frame: Frame, roles: Roles) -> Table:
    """Return the rows of a long table whose roles are known."""
    frame = with_row_numbers(frame)
    codes, names, dtype = _series_names(frame, roles)
    if roles.time is None:
        of_index = None if roles.id is not None else _index_stamps(frame)
        stamps = of_index or no_stamps(len(frame))
        if of_index is None and roles.id is not None:
            counts = pd.Series(codes).groupby(codes).cumcount().to_numpy(np.int64)
            stamps = Stamps(stamps.form, counts)
    else:
        stamps = read_stamps(frame[roles.time])
    layout = "one" if roles.id is None else "long"
    return Table(frame, roles, layout, stamps, codes, names, dtype)


def future_table(data: Any, roles: Roles) -> Table:
    """Return the rows of steps to come: their ids, times and known covariates."""
    frame, _ = _as_frame(collected(data), roles.time)
    need_columns(frame, roles, tuple(n for n in (roles.id, roles.time, *roles.known) if n))
    return rows_of(frame, roles)


def later_table(data: Any, roles: Roles, layout: str) -> Table:
    """Return rows that continue those of a table with these roles."""
    data = collected(data)
    if isinstance(data, pd.DataFrame) or hasattr(data, "columns"):
        if layout == "array":
            raise DataError("the training had an array: give the new rows as one")
        frame, _ = _as_frame(data, roles.time)
        if not len(frame):
            raise DataError("there are no new rows")
        if layout == "wide":
            time = roles.time if roles.time in frame.columns else None
            return _of_wide(frame, time, data)
        names = (roles.id, roles.time, roles.target, *roles.known, *roles.past, *roles.static)
        need_columns(frame, roles, tuple(name for name in names if name is not None))
        return rows_of(frame, roles)
    table = read_table(data)
    if table.layout != layout or roles.id is not None:
        raise DataError("give the new rows in the form of the training: a table with its columns")
    return replace(table, names=(roles.target,)) if layout == "one" else table


def _as_frame(data: Any, time: str | None) -> tuple[Frame, str | None]:
    """A frame of pandas with texts as names, whose index of times, if any, is a column."""
    frame = data if isinstance(data, pd.DataFrame) else data.to_pandas()
    frame = named_columns(frame)
    index = frame.index
    if isinstance(index, pd.MultiIndex) or (index.name is not None and index.name == time):
        levels = [f"level_{k}" if name is None else str(name) for k, name in enumerate(index.names)]
        twice = next((name for name in levels if name in frame.columns), None)
        if twice is not None:
            raise DataError(f"{twice!r} names both a column and the index: rename one")
        return frame.reset_index(names=levels), time
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    if is_time and (time or TIME) not in frame.columns:
        name = time or (TIME if index.name is None else str(index.name))
        if name in frame.columns:
            raise DataError(f"{name!r} names both a column and the index: rename one")
        frame = frame.copy(deep=False)
        frame.insert(0, name, index)
        return frame.reset_index(drop=True), name
    return frame, time


def _is_wide(frame: Frame, time: str | None, is_named: bool, covariates: tuple[Any, ...]) -> bool:
    """Whether each column is a series: no other role is named, nor are they Nixtla's names.

    Beside a column of times that the user names, "y" is the target.
    """
    if any(covariates):
        return False
    columns = set(frame.columns) - {time}
    return len(columns) > 1 and not columns & {ID, TIME} and not (TARGET in columns and is_named)


def _of_wide(frame: Frame, time: str | None, data: Frame) -> Table:
    """The table of a frame that has a column for each series, named as in the user's `data`."""
    names = tuple(name for name in frame.columns if name != time)
    several = isinstance(data.columns, pd.MultiIndex)
    ids = names if several else tuple(name for name in data.columns if str(name) in names)
    dtype = "object" if several or len(ids) < len(data.columns) else str(data.columns.dtype)
    frame = with_row_numbers(frame) if time is not None else frame
    stamps = _index_stamps(frame) if time is None else read_stamps(frame[time])
    for name in names:
        if frame[name].notna().any() and (is_date(frame[name]) or not is_numeric(frame[name])):
            raise DataError(
                f"column {name!r} holds no numbers, so the columns are not a series each: name "
                f"the roles of the columns (id=, time=, target=); there are {listed(names)}"
            )
    values = frame[list(names)]
    roles = Roles(None, time, TARGET)
    return Table(values, roles, "wide", stamps or no_stamps(len(frame)), _none(), ids, dtype)


def _of_series(data: Any, has_roles: bool) -> Table:
    """The table of a pandas Series."""
    if has_roles:
        raise DataError("a Series has no columns: give a DataFrame to name roles of columns")
    if not len(data):
        raise DataError("the series has no rows")
    name = TARGET if data.name is None else str(data.name)
    if isinstance(data.index, pd.MultiIndex):
        raise DataError("a Series with several levels in its index: give a DataFrame (reset_index)")
    time = None
    if isinstance(data.index, (pd.DatetimeIndex, pd.PeriodIndex)) or data.index.name is not None:
        time = TIME if data.index.name is None else str(data.index.name)
    stamps = _index_stamps(data)
    if stamps is None:
        raise DataError(
            f"the index of the series holds {str(data.index[0])!r}, which is no time: give dates, "
            "periods or whole numbers"
        )
    frame = data.to_frame(name)
    roles = Roles(None, time, name)
    rows = Table(frame, roles, "one", stamps, _none(len(data)), (name,))
    return replace(rows, freq=_index_freq(data))


def _of_array(data: Any, has_roles: bool) -> Table:
    """The table of an array of shape (n,) or (n, series)."""
    if has_roles:
        raise DataError("an array has no columns with names: give a DataFrame to name roles")
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)  # what is masked is missing
    array = np.asarray(data)
    if not array.ndim:
        raise DataError(
            f"{data!r:.60} is no table of series: give a DataFrame, a Series or an array"
        )
    if array.ndim not in (1, 2):
        raise DataError(
            f"an array of shape {array.shape}: give (steps,) or (steps, series), or a long table"
        )
    if not array.size:
        raise DataError(f"an array of shape {array.shape} has no values")
    if array.ndim == 1:
        frame = pd.DataFrame({TARGET: array}, copy=False)
        roles = Roles(None, None, TARGET)
        return Table(frame, roles, "one", no_stamps(len(array)), _none(len(array)), (TARGET,))
    names = tuple(range(array.shape[1]))
    frame = pd.DataFrame(array, copy=False)
    roles = Roles(None, None, TARGET)
    return Table(frame, roles, "array", no_stamps(len(array)), _none(), names, "int64")


def _none(length: int = 0) -> Ints:
    return np.zeros(length, np.int64)


def _index_stamps(frame: Any) -> Stamps | None:
    """The times of an index of dates, periods or whole numbers; None of another."""
    index = frame.index
    if index.equals(pd.RangeIndex(len(index))) and isinstance(index, pd.RangeIndex):
        return no_stamps(len(index))
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) or index.dtype.kind in "iu":
        return read_stamps(pd.Series(index, name=index.name or "index"))
    return None


def _series_names(frame: Frame, roles: Roles) -> tuple[Ints, tuple[Any, ...], str]:
    """The series of each row, by its number, the sorted names, and the dtype of their column."""
    id = roles.id
    if id is None:
        return _none(len(frame)), (roles.target,), "object"
    column = frame[id]
    check_cells(column)
    missing = column.isna().to_numpy(bool)
    if missing.any():
        number = row_number(column, int(np.argmax(missing)))
        raise DataError(f"column {id!r}, row {number}: name the series of each row")
    codes, levels = pd.factorize(column)
    names = levels.tolist()
    try:
        order = sorted(range(len(names)), key=lambda k: names[k])
    except TypeError:  # numbers beside texts
        order = sorted(range(len(names)), key=lambda k: (type(names[k]).__name__, str(names[k])))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[codes], tuple(names[k] for k in order), str(column.dtype)


def target_values(column: Any, name: str) -> Floats:
    """Return the numbers of a target, NaN where missing."""
    return plain_numbers(column, f"target {name!r}")


def need_columns(frame: Frame, roles: Roles, names: tuple[str, ...]) -> None:
    """Refuse a table that lacks one of some columns of the training."""
    columns = list(frame.columns)
    for name in names:
        if name not in columns:
            role = next(
                role for role in ("id", "time", "target", "known", "past", "static")
                if name == getattr(roles, role) or name in (getattr(roles, role) or ())
            )  # fmt: skip
            absent(name, columns, role)
