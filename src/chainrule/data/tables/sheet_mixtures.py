"""Columns of a sheet with numbers or dates beside texts: what a text says of the locale it is of.

A spreadsheet program stores what it does not recognise as a text. Texts such as "1,5" and "1.234"
beside numbers are therefore of another locale than the program's; and where it took 05/06/2026 for
May, but left 25/06/2026 as a text, the dates that it recognised are wrong.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias

from ...errors import DataError
from .mixtures import cell_text

Column: TypeAlias = Any  # a Series of cells of a sheet; its labels count the rows from 0

DECIMAL_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+")
CLEAR_COMMA = re.compile(r".*,(?:\d{1,2}|\d{4,})|.*\..*,.*")
POINTED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}")
FEWEST_DATES = 3  # days up to the 12th, all of them: fewer may be chance
MOST_DAYS = 12  # in a month's place


def of_one_custom(column: Column, name: str, sheet: str) -> tuple[Column, tuple[str, ...]]:
    """Return a column whose numbers are written as the texts beside them, and what was changed.

    Raises
    ------
    DataError
        If dates stand beside bare numbers, or beside texts that a program could not read as dates
        because it takes day and month the other way round; with the row.
    """
    known = column.dropna()
    texts = {row: cell.strip() for row, cell in known.items() if isinstance(cell, str)}
    dates = {row: cell for row, cell in known.items() if isinstance(cell, datetime)}
    numbers = {row: cell for row, cell in known.items() if _is_number(cell)}
    if dates and numbers and not any(isinstance(c, (time, timedelta)) for c in known):
        row, cell = next(iter(numbers.items()))
        raise DataError(
            f"{sheet}, row {row + 1}: column {name!r} has dates, and here the number {cell}: give "
            "this cell the format of a date, or empty it"
        )
    if dates and texts:
        _check_days(dates, texts, name, sheet)
    if not numbers or not texts:
        return column, ()
    commas = [text for text in texts.values() if "," in text]
    if commas and all(map(DECIMAL_COMMA.fullmatch, commas)) and any(map(CLEAR_COMMA.match, commas)):
        return column.map(
            lambda cell: cell_text(cell).replace(".", ",") if _is_number(cell) else cell,
            na_action="ignore",
        ), (f"column {name!r} has numbers, and texts with a decimal comma: both are read",)
    pointed = [text for text in texts.values() if POINTED.fullmatch(text)]
    is_whole = all(float(number).is_integer() for number in numbers.values())
    if (
        pointed
        and is_whole
        and not any(
            re.fullmatch(r"[+-]?\d+\.\d+", text) and text not in pointed for text in texts.values()
        )
    ):
        note = f"{pointed[0]!r}, a text among whole numbers, has a mark of thousands"
        return column.map(
            lambda cell: cell.replace(".", "")
            if isinstance(cell, str) and POINTED.fullmatch(cell.strip()) else cell,
            na_action="ignore",
        ), (note,)  # fmt: skip
    return column, ()


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _check_days(dates: dict[int, datetime], texts: dict[int, str], name: str, sheet: str) -> None:
    """Refuse dates of which a program has taken day for month wherever that was possible."""
    matches = {row: match for row, text in texts.items() if (match := SLASHED.fullmatch(text))}
    if len(matches) < FEWEST_DATES or len(dates) < FEWEST_DATES:
        return
    left_over = [max(int(m[1]), int(m[2])) > MOST_DAYS for m in matches.values()]
    if all(left_over) and all(cell.day <= MOST_DAYS for cell in dates.values()):
        text, date = next(iter(matches)), next(iter(dates))
        raise DataError(
            f"{sheet}: column {name!r} has texts such as {texts[text]!r} in row {text + 1}, which "
            "the spreadsheet program could not read, and dates up to the 12th day alone, such as "
            f"{dates[date]:%Y-%m-%d} in row {date + 1}: it took days for months; import the column "
            "anew, as texts or with its own order of day and month"
        )
