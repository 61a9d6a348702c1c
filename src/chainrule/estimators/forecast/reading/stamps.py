"""Times as whole numbers, and back in the form that the user has: dates, periods, integers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....data.cells import check_cells, row_number
from ....data.column_values import as_times
from ....errors import DataError
from ....lazy import LazyModule
from ...serialization.schema import fields, maybe, one_of, text

pd = LazyModule("pandas")

Ints: TypeAlias = NDArray[np.int64]

DAY = 86_400_000_000_000  # nanoseconds
LARGEST = 2**62  # times as integers: steps can be added to it
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
FORMS = ("none", "integers", "dates", "periods")
MONTH = re.compile(r"\d{4}-\d{2}")
OFFSET = re.compile(r"[T ]\d{1,2}:\d{2}[\d:.]*(Z|[+-]\d\d:?\d\d)$")
CHECK_FORM = fields(
    {"kind": one_of(*FORMS), "dtype": text, "unit": one_of(*UNITS), "zone": maybe(text),
     "period": text}
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """How the user writes times.

    Attributes
    ----------
    kind : {"none", "integers", "dates", "periods"}
        "none" where rows have no times, and are numbered from 0.
    dtype : str
        Of integers.
    unit : {"s", "ms", "us", "ns"}
        Of dates.
    zone : str or None
        The time zone of dates.
    period : str
        The frequency of periods, such as "M".
    """

    kind: str
    dtype: str = ""
    unit: str = "ns"
    zone: str | None = None
    period: str = ""

    def index(self, values: Ints) -> Any:
        """Times as an index of pandas, from `Stamps.values`."""
        if self.kind in ("none", "integers"):
            numbers = values.astype(self.dtype or "int64")
            # 125 of int8 goes on with 128, not with -128
            return pd.Index(numbers if (numbers == values).all() else values)
        dates = pd.DatetimeIndex(values.view("datetime64[ns]"))
        if self.kind == "periods":
            return dates.to_period(self.period)
        units = [self.unit, *UNITS]  # a finer one only where the user's cannot hold the times
        dates = dates.as_unit(next(unit for unit in units if not (values % UNITS[unit]).any()))
        return dates if self.zone is None else dates.tz_localize("UTC").tz_convert(self.zone)


@dataclass(frozen=True)
class Stamps:
    """Times of rows.

    `values` of shape (n,) are nanoseconds since 1970 in UTC (of a date without a zone, as if it
    were of UTC; of a period, its start), or the user's integers.
    """

    form: Form
    values: Ints

    def local(self) -> Ints:
        """The times that a clock on the wall shows, in nanoseconds since 1970."""
        return to_local(self.values, self.form.zone)

    def text(self, row: int) -> str:
        """One time for a message."""
        return written(self.form, int(self.values[row]))

    def take(self, rows: Any) -> Stamps:
        """The times of some rows."""
        return Stamps(self.form, self.values[rows])


def written(form: Form, value: int) -> str:
    """Return one time for a message, dates at midnight without the hour.

    Examples
    --------
    >>> written(Form("dates"), 0), written(Form("dates"), 1_000_000_000), written(Form("none"), 7)
    ('1970-01-01', '1970-01-01 00:00:01', '7')
    """
    stamp = str(form.index(np.array([value], np.int64))[0])
    return re.sub(r" 00:00:00([+-]\d\d:\d\d)?$", "", stamp)


def to_local(values: Ints, zone: str | None) -> Ints:
    """Return what clocks of a zone show at times in UTC."""
    if zone is None:
        return values
    dates = pd.DatetimeIndex(values.view("datetime64[ns]")).tz_localize("UTC").tz_convert(zone)
    return np.asarray(dates.tz_localize(None).asi8, np.int64)


def to_utc(local: Ints, zone: str | None) -> Ints:
    """Return the times in UTC at which clocks of a zone show `local`.

    Of a time that comes twice this is the first; one that is skipped is the first that exists.
    """
    if zone is None:
        return local
    dates = pd.DatetimeIndex(local.view("datetime64[ns]"))
    dates = dates.tz_localize(
        zone, ambiguous=np.ones(len(local), np.bool_), nonexistent="shift_forward"
    )
    return np.asarray(dates.asi8, np.int64)


def no_stamps(length: int) -> Stamps:
    """Return the times of rows that have none: their numbers from 0."""
    return Stamps(Form("none"), np.arange(length, dtype=np.int64))


def read_stamps(column: Any) -> Stamps:
    """Return the times of a column or of an index.

    Parameters
    ----------
    column : pandas.Series, pandas.Index or array
        Dates (also as texts like 2026-01-31, 2026-01-31T12:00+01:00 or 2026-01), periods, or
        whole numbers.

    Raises
    ------
    DataError
        For a time that is missing or no time, and for several time zones.

    Examples
    --------
    >>> stamps = read_stamps(["2026-01-31", "2026-02-28"])
    >>> stamps.form.kind, (stamps.values // DAY).tolist()
    ('dates', [20484, 20512])
    """
    if not isinstance(column, pd.Series):
        name = getattr(column, "name", None)
        column = pd.Series(column, name="time" if name is None else name)
    check_cells(column)
    absent = column.isna().to_numpy(bool)
    if absent.any():
        number = row_number(column, int(np.argmax(absent)))
        raise DataError(
            f"column {str(column.name)!r}, row {number}: there is no time: fill the cell or leave "
            "the row out"
        )
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        column = column.astype(dtype.categories.dtype)
    elif isinstance(dtype, pd.ArrowDtype) and not pd.api.types.is_numeric_dtype(dtype):
        column = column.astype(object)
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        raise DataError(f"column {str(column.name)!r} holds truth values, which are no times")
    if pd.api.types.is_numeric_dtype(dtype):
        return _integers(column)
    if not isinstance(dtype, pd.PeriodDtype) and len(column):
        cells = column.tolist() if dtype.kind == "O" else []
        if cells and all(isinstance(cell, pd.Period) for cell in cells):
            column = pd.Series(pd.PeriodIndex(cells), index=column.index, name=column.name)
            dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype):
        starts = pd.PeriodIndex(column).to_timestamp(how="start").as_unit("ns")
        form = Form("periods", period=pd.PeriodIndex(column).freqstr)
        return Stamps(form, np.asarray(starts.asi8, np.int64))
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _dates(column, column.dt.tz)
    return _objects(column)


def _integers(column: Any) -> Stamps:
    """The times of a column of whole numbers."""
    numbers = np.asarray(column.to_numpy())
    if numbers.dtype.kind not in "iu":
        numbers = np.asarray(numbers, np.float64)
        wrong = (numbers != np.round(numbers)) | (np.abs(numbers) > 2**53)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"column {str(column.name)!r}, row {row_number(column, row)}: {numbers[row]} is no "
                "time: give whole numbers or dates"
            )
    dtype = numbers.dtype.str if column.dtype.kind in "iuf" else "int64"
    for number in (numbers.max(initial=0), numbers.min(initial=0)):
        if abs(int(number)) > LARGEST:
            raise DataError(f"column {str(column.name)!r}: {number} is too large for a time")
    values = numbers.astype(np.int64)
    _refuse_dates_as_numbers(column, values)
    return Stamps(Form("integers", dtype=np.dtype(dtype).name), values)


def _refuse_dates_as_numbers(column: Any, numbers: Ints) -> None:
    """20260131 counts as a date, since after it comes 20260201, and 202612 as a month."""
    if len(numbers) < 2 or numbers.min() == numbers.max():
        return
    for form, unit in (("%Y%m%d", 10000), ("%Y%m", 100)):
        years, rest = numbers // unit, numbers % unit
        months, days = (rest // 100, rest % 100) if unit == 10000 else (rest, np.ones_like(rest))
        dated = (1900 <= years) & (years <= 2100) & (1 <= months) & (months <= 12)
        dated &= (1 <= days) & (days <= 31)
        if dated.all() and (unit == 10000 or years.min() < years.max()):
            raise DataError(
                f"column {str(column.name)!r} has dates as numbers, such as {int(numbers[0])}: "
                f"convert them with pd.to_datetime(column, format={form!r}), or number the steps "
                "as 0, 1, ..."
            )


def _dates(column: Any, zone: Any) -> Stamps:
    """The times of a column of dates."""
    times = _times(column)
    form = Form("dates", unit=times.dtype.unit, zone=_zone_name(zone, column))
    return Stamps(form, np.asarray(pd.DatetimeIndex(times).as_unit("ns").asi8, np.int64))


def _times(column: Any) -> Any:
    """The dates of a column in UTC; a `DataError` names the first cell that is none."""
    try:
        return as_times(column)
    except DataError as error:
        raise DataError(str(error).partition(", or use")[0]) from None


def _zone_name(zone: Any, column: Any) -> str | None:
    """The name of a time zone, by which pandas knows it again."""
    if zone is None:
        return None
    name = re.sub(r"^tzfile\('.*/zoneinfo/(.*)'\)$", r"\1", str(zone))  # as dateutil writes it
    try:
        pd.Timestamp(0, tz=name)
    except Exception as error:
        raise DataError(
            f"column {str(column.name)!r} has the time zone {name!r}, which has no IANA name: "
            "convert it to one such as 'Europe/Berlin' (tz_convert)"
        ) from error
    return name


def _objects(column: Any) -> Stamps:
    """The times of a column of texts or of Python's dates, each different one read once."""
    codes, levels = pd.factorize(column)
    distinct = pd.Series(levels, name=column.name, dtype=object)
    months = all(isinstance(cell, str) and MONTH.fullmatch(cell.strip()) for cell in levels)
    if months:
        distinct = distinct.str.strip() + "-01"
    try:
        times = _times(distinct)
    except DataError:
        _times(column)  # names the row of the user
        raise
    zones = {_zone_of(cell) for cell in distinct}
    if len(zones) > 1:
        named = " and ".join(sorted("no zone" if zone is None else zone for zone in zones)[:2])
        raise DataError(
            f"column {str(column.name)!r} has mixed time zones ({named}): convert the times to "
            "one, such as pd.to_datetime(column, utc=True).dt.tz_convert('Europe/Berlin')"
        )
    unit = times.dtype.unit
    zone = _zone_name(next(iter(zones), None), column)
    values = np.asarray(pd.DatetimeIndex(times).as_unit("ns").asi8, np.int64)
    return Stamps(Form("dates", unit=unit, zone=zone), values[codes])


def _zone_of(cell: Any) -> str | None:
    """The name of the time zone of one date or text."""
    if isinstance(cell, datetime):
        return None if cell.tzinfo is None else str(cell.tzinfo)
    match = OFFSET.search(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        return None
    sign, digits = match[1][0], match[1][1:].replace(":", "")
    if sign == "Z" or not int(digits):
        return "UTC"
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return str(timezone(span if sign == "+" else -span))
