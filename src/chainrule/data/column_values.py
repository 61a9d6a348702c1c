"""A column of a table read as numbers, as dates or as texts; what is none of them is refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..lazy import LazyModule
from .cells import row_number

pd = LazyModule("pandas")

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

NUMERIC_SHARE = 0.9  # a column of which more cells are numbers is numeric, with mistakes
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?")
WITH_POINT = re.compile(r"-?\d+\.0")
YEARS = (1678, 2261)  # the whole ones that nanoseconds in 64 bits reach


def is_date(column: Series) -> bool:
    """Return whether a column holds dates: by its dtype, or because its texts look like them."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if column.dtype.kind not in "OTU" and not pd.api.types.is_string_dtype(column.dtype):
        return False
    texts = [str(value).strip() for value in column.dropna().head(200)]
    return bool(texts) and all(DATE.fullmatch(text) for text in texts)


def as_times(column: Series) -> Series:
    """Return the dates of a column in UTC, NaT where missing; one without a zone is one of UTC.

    Of other cells than dates and texts such as 2026-01-31 a `DataError` names the first: pandas
    would take a number for nanoseconds since 1970, and guess at 31/12/2026 and "today".
    """
    absent = column.isna().to_numpy(bool)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        dates = column
    else:
        cells = [None if gone else cell for cell, gone in zip(column.tolist(), absent, strict=True)]
        for row, cell in enumerate(cells):
            written = isinstance(cell, str) and DATE.fullmatch(cell.strip())
            if not (cell is None or written or isinstance(cell, (date, np.datetime64))):
                _no_date(column, row)
        plain = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
        dates = pd.Series(plain, index=column.index, name=column.name, dtype=object)
    times = in_utc(dates)
    years = times.dt.year.to_numpy(np.float64)  # NaN where there is none, and for 2026-02-31
    wrong = ~((years >= YEARS[0]) & (years <= YEARS[1])) & ~absent
    if wrong.any():
        _no_date(column, int(np.argmax(wrong)))
    return times


def in_utc(dates: Series) -> Series:
    """Return dates in UTC; NaT for what is no date, or out of the range of pandas."""
    try:
        return pd.to_datetime(dates, errors="coerce", utc=True, format="ISO8601")
    except (ValueError, OverflowError):
        times = [_time(cell) for cell in dates.tolist()]
        return pd.Series(times, index=dates.index, dtype="datetime64[us, UTC]")


def _time(cell: Any) -> Any:
    """Return one date in UTC, or NaT."""
    try:
        return pd.to_datetime(cell, errors="coerce", utc=True, format="ISO8601")
    except (ValueError, OverflowError):
        return pd.NaT


def _no_date(column: Series, row: int) -> Never:
    """Raise the error of a cell that is no date."""
    fault = f"no date of {YEARS[0]} to {YEARS[1]} written like 2026-01-31 or 2026-01-31T12:00"
    if isinstance(column.tolist()[row], pd.Period):
        fault = "a span of time, no date: give its to_timestamp()"
    _refuse(column, row, fault)


def date_part(times: Series, part: str) -> Floats:
    """Return a number of each date, NaN where there is none; days are counted from 1970."""
    if part == "days":
        values = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    else:
        values = getattr(times.dt, part)
    return np.asarray(values, np.float64)


def is_numeric(column: Series) -> bool:
    """Return whether a column is one of numbers: by its dtype, or as nearly all its texts are."""
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return True
    known = column.dropna()
    return bool(pd.to_numeric(known.astype(str), errors="coerce").notna().mean() > NUMERIC_SHARE)


def as_numbers(column: Series, is_target: bool = False) -> Floats:
    """Return the values as float64, NaN where missing.

    A `DataError` names the first that is no number. Dates and spans of time are none: their
    nanoseconds are nobody's number.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        plain = np.asarray(column, np.float64)
        if not np.isinf(plain).any():
            return plain
    if pd.api.types.is_bool_dtype(column.dtype) and not column.isna().any():
        column = column.astype(float)
    absent = column.isna().to_numpy(bool)
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)
    else:
        values = _numbers_of_objects(column.tolist(), absent)
    wrong = (np.isnan(values) & ~absent) | np.isinf(values)
    if wrong.any():
        _refuse(column, int(np.argmax(wrong)), "not a finite number", is_target)
    return values


def _numbers_of_objects(cells: list[Any], absent: NDArray[np.bool_]) -> Floats:
    """Return numbers: NaN for what is missing or none, infinity for what float64 cannot hold."""
    spans = (date, timedelta, np.datetime64, np.timedelta64, pd.Period, pd.Interval)
    known = [
        None if gone or isinstance(cell, spans) else float(cell) if isinstance(cell, Decimal)
        else np.inf if isinstance(cell, int) and cell.bit_length() > 1023
        else cell for cell, gone in zip(cells, absent, strict=True)
    ]  # fmt: skip
    numbers = pd.to_numeric(pd.Series(known, dtype=object), errors="coerce")
    return np.asarray(numbers, np.float64)


def as_texts(column: Series) -> NDArray[Any]:
    """Return the values as texts, None where missing.

    The text of a number depends on that number alone, not on its type or its neighbours: 3 and
    3.0 are both written 3.
    """
    texts = np.empty(len(column), object)
    for row, (value, absent) in enumerate(zip(column.tolist(), column.isna(), strict=True)):
        texts[row] = None if absent else to_text(value)
    return texts


def as_known_levels(texts: NDArray[Any], known: Collection[str]) -> NDArray[Any]:
    """Return texts as a model knows them: older models wrote 1 as 1.0 beside a fraction.

    Examples
    --------
    >>> as_known_levels(np.array(["1", "2", None], object), ("1.0", "2"))
    array(['1.0', '2', None], dtype=object)
    """
    older = {text[:-2]: text for text in known if WITH_POINT.fullmatch(text)}
    older = {text: level for text, level in older.items() if text not in known}
    if not older:
        return texts
    return np.array([older.get(text, text) for text in texts], object)


def to_text(value: Any) -> str:
    """Return one value as text.

    Examples
    --------
    >>> [to_text(value) for value in (3, 3.0, -0.0, 2.5, Decimal("2.50"), True, " red ")]
    ['3', '3', '0', '2.5', '2.5', 'True', 'red']
    """
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, np.timedelta64)
    if isinstance(value, (bool, np.bool_)) or not is_number:
        return str(value).strip()
    if isinstance(value, Integral):
        return str(int(value))
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _refuse(column: Series, row: int, fault: str, is_target: bool = False) -> Never:
    """Raise a `DataError` that names the column, the row and the cell, and what to do."""
    name, number, cell = str(column.name), row_number(column, row), column.tolist()[row]
    kind = "" if isinstance(cell, (str, Real)) else f" ({type(cell).__name__})"
    other = "or use --task classification" if is_target else (
        f"or use --categorical {name!r} or --drop {name!r}"
    )  # fmt: skip
    raise DataError(
        f"column {name!r}, row {number}: {str(cell)!r:.60}{kind} is {fault}: correct or "
        f"empty the cell, {other}"
    )
