"""Columns of times in usual forms: 2026-01-31, 31.01.2026, 1/31/2026, 20260131, 2026-Q1, Jan 2026.

The forecaster itself reads dates as ISO 8601 writes them; whatever else tables hold is read here.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np

from ..data.column_values import is_date
from ..errors import DataError
from ..lazy import LazyModule

pd = LazyModule("pandas")

Series: TypeAlias = Any

LOOKED_AT = 200  # cells that tell whether a column holds dates
CLOCK = r"(?P<clock>[ T]\d{1,2}:\d{2}(?::\d{2})?)?"
DAY_OF_YEARS = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")  # 20260131
MONTH = re.compile(r"\d{4}-\d{2}")
QUARTER = re.compile(r"(?P<year>\d{4})[ -]?Q(?P<quarter>[1-4])", re.IGNORECASE)
POINTS = re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){CLOCK}")
YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<sign>[/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}}){CLOCK}"
)
SLASHES = re.compile(rf"(?P<first>\d{{1,2}})([/-])(?P<second>\d{{1,2}})\2(?P<year>\d{{4}}){CLOCK}")
WORDS = ("%b %Y", "%B %Y", "%b-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y",
         "%b %d %Y", "%B %d %Y")  # fmt: skip


def looks_like_times(column: Series) -> bool:
    """Whether a column holds dates in a form that `read_times` knows."""
    if is_date(column):
        return True
    cells = column.dropna().head(LOOKED_AT)
    if not len(cells):
        return False
    if column.dtype.kind in "iu":
        return all(DAY_OF_YEARS.fullmatch(str(cell)) for cell in cells)
    texts = [str(cell).strip() for cell in cells]
    if column.dtype.kind in "fcb" or not all(isinstance(cell, str) for cell in cells):
        return False
    forms = (MONTH, QUARTER, POINTS, YEAR_FIRST, SLASHES, DAY_OF_YEARS)
    if any(all(form.fullmatch(text) for text in texts) for form in forms):
        return True
    return any(_all_parsed(pd.Series(texts), form) is not None for form in WORDS)


def read_times(column: Series) -> Series:
    """The times of a column as dates, where they are in another form than ISO 8601.

    Whole numbers that are no dates, texts in ISO 8601 and dates are returned as they are.

    Raises
    ------
    DataError
        Where 1/2/2026 may be of January or of February.

    Examples
    --------
    >>> import pandas as pd
    >>> [str(day.date()) for day in read_times(pd.Series(["31.01.2026", "1.2.2026"], name="day"))]
    ['2026-01-31', '2026-02-01']
    """
    if is_date(column) or not looks_like_times(column):
        return column
    if column.dtype.kind in "iu":
        column = column.astype(str)
    texts = column.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    known = texts.dropna()
    if known.map(lambda text: bool(MONTH.fullmatch(text))).all():
        return column  # the forecaster reads 2026-01
    if known.map(lambda text: bool(DAY_OF_YEARS.fullmatch(text))).all():
        return _checked(pd.to_datetime(texts, format="%Y%m%d", errors="coerce"), column)
    if known.map(lambda text: bool(QUARTER.fullmatch(text))).all():
        parts = texts.str.extract(QUARTER)
        months = 3 * parts["quarter"].astype(float) - 2
        iso = parts["year"] + "-" + months.map(lambda m: "" if np.isnan(m) else f"{m:02.0f}")
        return _checked(pd.to_datetime(iso + "-01", errors="coerce"), column)
    for form in (POINTS, YEAR_FIRST):
        if known.head(LOOKED_AT).map(lambda text, form=form: bool(form.fullmatch(text))).all():
            return _of_parts(texts.str.extract(form), column, "day", "month")
    if known.head(LOOKED_AT).map(lambda text: bool(SLASHES.fullmatch(text))).all():
        parts = texts.str.extract(SLASHES)
        return _of_parts(parts, column, *_day_and_month(parts, column))
    for written in WORDS:
        dates = _all_parsed(texts.dropna(), written)
        if dates is not None:
            return dates.reindex(column.index).rename(column.name)
    return column


def _all_parsed(texts: Series, form: str) -> Series | None:
    """The dates of texts that are all in one form."""
    dates = pd.to_datetime(texts, format=form, errors="coerce")
    return dates if dates.notna().all() else None


def _day_and_month(parts: Series, column: Series) -> tuple[str, str]:
    """Which of two numbers is the day: the one that is above 12 somewhere."""
    first = parts["first"].astype(float).max()
    second = parts["second"].astype(float).max()
    if first > 12 >= second:
        return "first", "second"
    if second > 12 >= first:
        return "second", "first"
    text = str(column.dropna().iloc[0])
    raise DataError(
        f"column {str(column.name)!r}: day and month of {text!r} cannot be told apart in all "
        "rows: write dates like 2026-01-31"
    )


def _of_parts(parts: Series, column: Series, day: str, month: str) -> Series:
    """Dates from their parts as texts."""
    clock = parts["clock"].fillna("").str.strip(" T")
    text = (
        parts["year"] + "-" + parts[month].str.zfill(2) + "-" + parts[day].str.zfill(2)
        + clock.map(lambda time: f" {time}" if time else "")
    )  # fmt: skip
    return _checked(pd.to_datetime(text, errors="coerce", format="ISO8601"), column)


def _checked(dates: Series, column: Series) -> Series:
    """Dates where the column has a cell; the first that is none is named."""
    wrong = (dates.isna() & column.notna()).to_numpy(bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"column {str(column.name)!r}, row {row + 1}: {str(column.iloc[row])!r} is no date "
            "like those of the other rows: correct it, or leave the row out"
        )
    return dates.rename(column.name)
