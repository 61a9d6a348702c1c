"""Columns that have a dtype of numbers, dates or spans: what else their numbers may stand for."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ...lazy import LazyModule
from ..column_values import to_text
from .date_forms import DateForm, dates_of_numbers
from .drafts import Draft, cut, how_many, mend
from .kinds import Customs, as_option
from .number_forms import LONGEST_NUMBER, NumberForm
from .reading import Reading
from .sentinels import known_numbers, sentinels

pd = LazyModule("pandas")

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

LONGEST = 10.0**LONGEST_NUMBER
DATE_NAME = re.compile(r"(?i)date|datum|fecha|(?<![^\W_])(?:when|tag)(?![^\W_])")
EPOCH_NAME = re.compile(
    r"(?i)date|datum|time|epoch|unix|created|updated|modified|(?<![^\W_])(?:ts|when)(?![^\W_])|_at$"
)
EPOCHS = (315_532_800.0, 4_102_444_800.0)  # seconds: of 1980 and of 2100
SERIALS = (14_611.0, 73_050.0)  # Excel days: of 1940 and of 2099
DIGITS = (19_000_101.0, 21_001_231.0)
LONG_DIGITS = {"ymdhm": 1e4, "ymdhms": 1e6, "yo": 0.1}  # of a day's digits
MOMENT_NAME = re.compile(rf"{DATE_NAME.pattern}|time|zeit|hora|heure|(?<![^\W_])ts(?![^\W_])|_at$")
MONTH_NAME = re.compile(rf"{DATE_NAME.pattern}|month|monat|mois|mes(?![^\W_])|period|yyyymm")
MANY_DATES = 8  # different numbers such as 20261231 which all are days cannot be chance
UNIT_WORDS = {
    "s": "seconds since 1970", "ms": "milliseconds since 1970", "us": "microseconds since 1970",
    "ns": "nanoseconds since 1970", "excel": "days since 1900, as Excel counts them",
    "ymd": "dates written like 20261231", "year": "years", "ym": "months written like 202612",
    "yo": "days of years written like 2026365", "ymdhm": "times written like 202612312359",
    "ymdhms": "times written like 20261231235959",
}  # fmt: skip


def draft_of_typed(column: Series, kind: str | None, _customs: Customs) -> Draft:
    """Learn a column whose dtype is one of numbers, truth values, dates, spans or periods."""
    name, dtype = str(column.name), column.dtype
    if kind == "text":
        return _checked(column, Reading(name, "text", "as asked for"))
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        if kind in (None, "date"):
            note = () if isinstance(dtype, np.dtype) or hasattr(dtype, "tz") else (
                f"each span counts as its first moment; {mend(name, 'text')}",
            )  # fmt: skip
            return _checked(column, Reading(name, "date", f"its dtype is {dtype}", notes=note))
        return _checked(column, Reading(name, kind, "as asked for"))
    if dtype.kind == "m":
        return _checked(column, Reading(name, kind or "duration", f"its dtype is {dtype}"))
    is_number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    if not is_number:
        return _checked(column, Reading(name, kind or "text", f"its dtype is {dtype}"))
    return _of_numbers(column, kind)


def _of_numbers(column: Series, kind: str | None) -> Draft:
    """Learn a column of numbers."""
    name = str(column.name)
    plain = Reading(name, "number", f"its cells are numbers ({column.dtype})")
    try:
        numbers = plain.numbers(column)
    except DataError as error:
        return Draft(plain, error)
    absent = np.isnan(numbers)
    missing = float(absent.mean()) if len(numbers) else 0.0
    examples = _examples(column, absent)
    if missing == 1.0 or not len(numbers):
        return Draft(empty(name, kind))
    if kind in ("time", "duration"):
        unit = "hours of the day" if kind == "time" else "seconds"
        note = (f"its numbers count as {unit}",)
        return Draft(Reading(name, kind, "as asked for", missing, examples, note))
    unit = "" if column.dtype.kind == "b" else date_unit(name, numbers, kind == "date")
    if kind == "date" or (unit and kind is None):
        return _dates_of_numbers(column, Reading(
            name, "date", "as asked for" if kind else f"its name and its {examples[0]}",
            missing, examples,
        ), unit)  # fmt: skip
    known = known_numbers(numbers)
    if kind is None and column.dtype.kind in "iu" and max(-known.min(), known.max()) >= LONGEST:
        return Draft(identifiers(name, missing, examples))
    taken = sentinels(numbers) if kind is None and column.dtype.kind != "b" else ()
    return Draft(Reading(
        name, "number", "as asked for" if kind else plain.why,
        missing + sum(float((numbers == one).mean()) for one in taken), examples,
        tuple(sentinel_note(name, one, numbers) for one in taken),
        NumberForm(truths=True) if column.dtype.kind == "b" else None, sentinels=taken,
    ))  # fmt: skip


def identifiers(name: str, missing: float, examples: tuple[str, ...]) -> Reading:
    """The reading of whole numbers that are too long for a quantity."""
    note = (
        f"numbers of more than {LONGEST_NUMBER} digits, such as {examples[0]}: identifiers, read "
        f"as texts; {mend(name, 'number')}"
    )
    return Reading(name, "text", "its numbers are too long for quantities", missing, examples,
                   (note,))  # fmt: skip


def _dates_of_numbers(column: Series, reading: Reading, unit: str) -> Draft:
    """Learn a column of dates that are written as numbers."""
    name = reading.name
    if not unit:
        return Draft(reading, DataError(
            f"column {name!r}: numbers such as {reading.examples[0]} are neither seconds since "
            "1970, nor days as Excel counts them, nor dates such as 20261231: give dates, or read "
            f"it as numbers ({as_option(name, 'number')})"
        ))  # fmt: skip
    learned = Reading(
        name, "date", reading.why, reading.missing, reading.examples,
        (f"its numbers are read as {UNIT_WORDS[unit]}; {mend(name, 'number')}",),
        DateForm(unit=unit),
    )  # fmt: skip
    return _checked(column, learned)


def date_unit(name: str, numbers: Floats, asked: bool = False) -> str:
    """Return what numbers count if they are dates, by their size and the column's name.

    Examples
    --------
    >>> date_unit("date", np.array([45000.0, 45001.5])), date_unit("size", np.array([45000.0]))
    ('excel', '')
    >>> date_unit("timestamp", np.array([1.7e9, 1.71e9])), date_unit("x", np.array([1.7e9]))
    ('s', '')
    """
    known = known_numbers(numbers)
    if not len(known):
        return ""
    low, high = float(known.min()), float(known.max())
    if DIGITS[0] <= low and high <= DIGITS[1] and not (known % 1).any():
        sample = np.unique(known)
        named = asked or DATE_NAME.search(name) is not None
        many = len(sample) >= (1 if asked else 3 if named else MANY_DATES)
        if many and not np.isnat(dates_of_numbers(sample, "ymd")).any():
            return "ymd"
    if asked or MOMENT_NAME.search(name):
        for unit, size in LONG_DIGITS.items():
            if DIGITS[0] * size <= low and high <= (DIGITS[1] + 1) * size and (
                not np.isnat(dates_of_numbers(np.unique(known), unit)).any()
            ):  # fmt: skip
                return unit
    if (asked or MONTH_NAME.search(name)) and len(np.unique(known)) > 2 and (
        190_001 <= low and high <= 210_012
        and not np.isnat(dates_of_numbers(np.unique(known), "ym")).any()
    ):  # fmt: skip
        return "ym"
    if (asked or DATE_NAME.search(name)) and SERIALS[0] <= low and high <= SERIALS[1]:
        return "excel"
    if asked and low >= 1700 and high <= 2200 and not (known % 1).any():
        return "year"
    if asked or EPOCH_NAME.search(name):
        for unit, size in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
            if EPOCHS[0] * size <= low and high <= EPOCHS[1] * size:
                return unit
    return ""


def sentinel_note(name: str, value: float, numbers: Floats) -> str:
    """Say that a number is taken for a missing cell."""
    rows = np.flatnonzero(numbers == value)
    return (
        f"{to_text(value)} stands in {how_many(len(rows))}, first in row {rows[0] + 1:,}, far "
        f"from the other numbers: taken as missing; {as_option(name, 'number')} keeps it as a "
        "number"
    )


def empty(name: str, kind: str | None = None) -> Reading:
    """The reading of a column without a value."""
    return Reading(
        name, "ignore", "all of its cells are missing", 1.0,
        notes=("all of its cells are missing: left out",)
        + ((f"it cannot be read as {kind}, as asked for",) if kind else ()),
    )  # fmt: skip


def _examples(column: Series, absent: NDArray[np.bool_]) -> tuple[str, ...]:
    """Three different cells, as their dtype writes them."""
    rows = np.flatnonzero(~absent[:1000])[:30]
    different: dict[str, None] = {}
    plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb"
    cells = column.to_numpy()[rows] if plain else column.iloc[rows]
    for cell in cells.tolist():
        different[cut(to_text(cell))] = None
        if len(different) == 3:
            break
    return tuple(different)


def _checked(column: Series, reading: Reading) -> Draft:
    """A reading of which the cells are tried once."""
    absent = column.isna().to_numpy(bool)
    if absent.all():
        return Draft(empty(reading.name, None if reading.kind == "text" else reading.kind))
    learned = Reading(
        reading.name, reading.kind, reading.why, float(absent.mean()), _examples(column, absent),
        reading.notes, reading.form,
    )  # fmt: skip
    try:
        learned.values(column)
    except DataError as error:
        return Draft(learned, error)
    return Draft(learned)
