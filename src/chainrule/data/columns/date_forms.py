"""Dates as people write them, brought into the one order that pandas reads without guessing.

A text is matched with one of `FAMILIES` and written again as ISO 8601; pandas then says which day
it is, and that there is no 30 February. "05/06/2026" fits two families, ``"dmy"`` and ``"mdy"``:
all cells of a column together decide between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from ..column_values import DATE, YEARS, in_utc
from .date_names import DAYS_OF_WEEK, MONTHS

pd = LazyModule("pandas")

Series: TypeAlias = Any

ZONES = {
    "Z": "Z", "UTC": "Z", "GMT": "Z", "WET": "Z", "WEST": "+01:00", "BST": "+01:00",
    "CET": "+01:00", "MEZ": "+01:00", "CEST": "+02:00", "MESZ": "+02:00", "EET": "+02:00",
    "EEST": "+03:00", "MSK": "+03:00", "JST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00",
    "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00", "MST": "-07:00",
    "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00",
}  # fmt: skip
LONGEST_DATE = 60  # characters
# What may stand around a date: brackets, the name of its zone, a word for the year
AROUND = re.compile(
    r"\[(?P<inner>[^\[\]]*)\]|(?P<before>.*?)(?:\[[A-Za-z_/]+\]|\s?(?:\u0433\.?|r\.))"
)
OFFSET = re.compile(r"\s?(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?$")  # as Google writes it
PIVOT = 69  # two-digit years from here on are of the 20th century, as in POSIX
CLOCK = (
    r"(?:(?:[T :]|,\s?)\s*(?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<part>\d{1,9}))?)?)?\s?(?P<half>[AaPp]\.?[Mm]\.?)?(?:\s?Uhr)?"
    rf"\s?(?P<zone>{'|'.join(ZONES)}|[+-]\d{{2}}:?\d{{2}})?(?:\s?\([A-Z]{{3,4}}\))?)?"
)
YEAR, SHORT = r"(?P<year>\d{4})", r"(?P<year>\d{4}|'?\d{2})"
DAY, MONTH = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})"
NAMED = r"(?P<name>[^\W\d_]{3,12})\.?"
WEEKDAY = r"(?:(?P<weekday>[^\W\d_]{2,10})\.?,?\s+)?"
GAP = r"(?:\s*[-/.]\s*|\s+(?:de[l]?\s+)?)"
MARK = r"\s?(?P<mark>[-/.])\s?"
FAMILIES = {
    "ymd": re.compile(rf"{YEAR}\s?(?P<mark>[-/.])\s?{MONTH}(?P=mark)\s?{DAY}{CLOCK}"),
    "dmy": re.compile(rf"{WEEKDAY}{DAY}{MARK}{MONTH}(?P=mark)\s?{SHORT}{CLOCK}"),
    "mdy": re.compile(rf"{WEEKDAY}{MONTH}{MARK}{DAY}(?P=mark)\s?{SHORT}{CLOCK}"),
    "day month year": re.compile(
        rf"{WEEKDAY}{DAY}(?:st|nd|rd|th|er|\.)?{GAP}?{NAMED},?{GAP}?{SHORT}{CLOCK}"
    ),
    "month day year": re.compile(
        rf"{WEEKDAY}{NAMED}{GAP}{DAY}(?:st|nd|rd|th)?(?:,\s*|\s+|[-/]){SHORT}{CLOCK}"
    ),
    "year month day": re.compile(rf"{YEAR}{GAP}{NAMED}{GAP}{DAY}{CLOCK}"),
    "ctime": re.compile(
        rf"{WEEKDAY}{NAMED}\s+{DAY}\s+(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
        rf"(?P<part>)(?P<half>)\s(?:(?P<zone>{'|'.join(ZONES)})\s)?(?P<year>\d{{4}})"
    ),
    "compact": re.compile(
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:[T ]?(?P<hour>\d{2}):?(?P<minute>\d{2})"
        r"(?::?(?P<second>\d{2})(?P<part>))?)?(?P<half>)(?P<zone>Z)?"
    ),
    "month year": re.compile(rf"{NAMED}(?:{GAP}|,\s*)?(?P<year>\d{{4}}|'\d{{2}}|(?<=-)\d{{2}})"),
    "year month": re.compile(rf"{YEAR}(?:(?:[-/]|M){MONTH}|{GAP}?{NAMED})"),
    "month/year": re.compile(rf"{MONTH}[-/]{YEAR}"),
    "quarter": re.compile(
        r"(?P<year>\d{4})[-/ ]?[QqT](?P<quarter>[1-4])|(?:[QqT](?P<quarter2>[1-4])|"
        r"(?P<quarter3>[1-4])(?:[Qq]|\. ?Quartal|e? trimestre))[-/ ]?(?P<year2>\d{4}|'?\d{2})"
    ),
    "week": re.compile(
        r"(?P<year>\d{4})-?W(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?"
        r"|(?:KW|CW|[Ww]eek|W)\s?(?P<week2>\d{1,2})[/ ](?P<year2>\d{4})"
    ),
    "east": re.compile(
        rf"{YEAR}\s?[年년.]\s?{MONTH}\s?[月월.]\s?{DAY}\s?[日일.]?(?:\s?(?P<hour>\d{{1,2}})[:時时시]\s?"
        r"(?P<minute>\d{2})(?:[:分분]\s?(?P<second>\d{2}))?[分分秒]?(?P<part>)(?P<half>)(?P<zone>))?"
    ),
    "colons": re.compile(
        rf"{YEAR}:(?P<month>\d{{2}}):(?P<day>\d{{2}}) (?P<hour>\d{{2}}):(?P<minute>\d{{2}})"
        r":(?P<second>\d{2})(?P<part>)(?P<half>)(?P<zone>)"
    ),
    "hour": re.compile(
        rf"{YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?:T(?P<hour>\d{{2}})(?P<minute>)|_"
        r"(?P<hour2>\d{2})[-:](?P<minute2>\d{2})(?:[-:](?P<second>\d{2}))?)"
        r"(?P<part>)(?P<half>)(?P<zone>Z?)"
    ),
    "day of year": re.compile(rf"{YEAR}-(?P<ordinal>[0-3]\d\d)"),
}
FIRST_WORD = re.compile(r"[^\W\d_]+")
FIRST_WORDS = DAYS_OF_WEEK | MONTHS.keys() | {"q", "t", "kw", "cw", "week", "w"}
DIGIT_UNITS = ("ymd", "year", "ym", "yo", "ymdhm", "ymdhms")  # whose digits are those of dates
MARKED = re.compile(r"(?<!\d)(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(?:\d{4}|'?\d{2})(?!\d)")
MOST_MONTHS = 12
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # of Unix epochs: how many are a second
EXCEL_DAY = 25_569  # 1970-01-01 as a serial of Excel, whose day 1 is 1900-01-01


@dataclass(frozen=True)
class DateForm:
    """How the dates of a column are written.

    Attributes
    ----------
    families : tuple of str
        Of `FAMILIES` those that occur; ISO dates are always read.
    pivot : int
        Two-digit years from here on are 19.., those below 20...
    unit : str
        What numbers count: ``"s"``, ``"ms"``, ``"us"``, ``"ns"`` since 1970, ``"excel"`` days,
        ``"ymd"`` (20261231), ``"yo"`` (2026365), ``"ym"`` (202612), ``"ymdhm"`` and
        ``"ymdhms"``, ``"year"``; empty if numbers are no dates here.
    marks : str
        What stands between day and month; another mark may mean another order. Empty for any.
    """

    families: tuple[str, ...] = ()
    pivot: int = PIVOT
    unit: str = ""
    marks: str = ""

    def times(self, cells: Sequence[Any]) -> Series:
        """Return cells as a Series of dates in UTC; NaT for what is no date of this form."""
        if not all(isinstance(cell, str) and DATE.fullmatch(cell) for cell in cells):
            cells = [self._iso(cell) for cell in cells]
        return in_utc(pd.Series(cells, dtype=object))

    def _iso(self, cell: Any) -> Any:
        """One cell as ISO 8601, or a date as it is; None for anything else."""
        if isinstance(cell, (date, np.datetime64)):
            return cell
        if not isinstance(cell, str):
            return _date_of_number(cell, self.unit) if self.unit else None
        if len(cell) > LONGEST_DATE:
            return None
        if DATE.fullmatch(cell) or self._is_foreign(cell):
            return cell if DATE.fullmatch(cell) else None
        for family in self.families:
            iso = to_iso(cell, family, self.pivot)
            if iso is not None:
                return iso
        return _date_of_number(cell, self.unit) if self.unit else None

    def _is_foreign(self, cell: str) -> bool:
        """Whether 05/06/2026 stands where dates have points: the order may be another, too."""
        parts = MARKED.search(cell) if self.marks else None
        return parts is not None and parts[2] not in self.marks and max(
            int(parts[1]), int(parts[3])
        ) <= MOST_MONTHS  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "families": list(self.families), "pivot": self.pivot, "unit": self.unit,
            "marks": self.marks,
        }  # fmt: skip


def begins_like_date(text: str) -> bool:
    """Whether a text may be a date by its first word: a month, a weekday, Q3 or KW 12, or no word.

    Examples
    --------
    >>> begins_like_date("Dec 2026"), begins_like_date("street 12"), begins_like_date("12 street")
    (True, False, True)
    """
    word = FIRST_WORD.match(text)
    return word is None or word.group().casefold() in FIRST_WORDS


def to_iso(text: str, family: str, pivot: int = PIVOT) -> str | None:
    """Write a date of a family as ISO 8601; None if it is none, though it may be no day still.

    Examples
    --------
    >>> to_iso("31.12.2026", "dmy"), to_iso("1/2/99 2:05 PM", "mdy")
    ('2026-12-31', '1999-01-02T14:05:00')
    >>> to_iso("31. Dezember 2026", "day month year"), to_iso("2026-Q3", "quarter")
    ('2026-12-31', '2026-07-01')
    """
    match = FAMILIES[family].fullmatch(bare_date(text))
    if match is None:
        return None
    parts = match.groupdict()
    if family == "quarter":
        year = _full_year(parts["year"] or parts["year2"], pivot)
        quarter = parts["quarter"] or parts["quarter2"] or parts["quarter3"]
        return f"{year}-{3 * int(quarter) - 2:02}-01"
    if family == "week":
        week, year = parts["week"] or parts["week2"], parts["year"] or parts["year2"]
        return _of_week(int(year), int(week), int(parts["weekday"] or 1))
    if family == "day of year":
        return _of_ordinal(int(parts["year"]), int(parts["ordinal"]))
    if parts.get("hour2"):
        parts |= {"hour": parts["hour2"], "minute": parts["minute2"]}
    if family == "hour" and not parts["minute"]:
        parts["minute"] = "00"
    weekday, name = parts.get("weekday"), parts.get("name")
    if weekday and weekday.casefold() not in DAYS_OF_WEEK:
        return None
    month = MONTHS.get(name.casefold()) if name else int(parts["month"])
    days = int(parts.get("day") or 1)
    if month is None or not (1 <= month <= 12 and 1 <= days <= 31):
        return None
    year = _full_year(parts["year"], pivot)
    day = f"{year}-{month:02}-{days:02}"
    return day if not parts.get("hour") else _with_clock(day, parts)


def bare_date(text: str) -> str:
    """Return a date without brackets around it and the name of a zone behind its offset.

    Examples
    --------
    >>> bare_date("[2026-12-31 12:00]"), bare_date("2026-12-31T12:00+01:00[Europe/Berlin]")
    ('2026-12-31 12:00', '2026-12-31T12:00+01:00')
    >>> bare_date("2026/12/31 1:05:07 PM GMT+2")
    '2026/12/31 1:05:07 PM +02:00'
    """
    if text[-1:].isdigit():
        offset = OFFSET.search(text) if "T" in text else None
        if offset is None:
            return text
        sign, hours, minutes = offset.groups()
        return f"{text[: offset.start()]} {sign}{int(hours):02}:{minutes or '00'}"
    around = AROUND.fullmatch(text)
    if around is None:
        return text
    return around["before"] if around["inner"] is None else around["inner"]


def _full_year(year: str, pivot: int) -> str:
    """A year of two digits with its century."""
    short = year.lstrip("'")
    return short if len(short) > 2 else ("19" if int(short) >= pivot else "20") + short


def _of_ordinal(year: int, ordinal: int) -> str | None:
    """The date of a day of the year; None if there is no such day."""
    day = date(year, 1, 1) + timedelta(days=ordinal - 1) if 1 <= year < 9999 else None
    return day.isoformat() if day is not None and day.year == year else None


def _of_week(year: int, week: int, weekday: int) -> str | None:
    """The date of a day of an ISO week; None if there is no such week."""
    try:
        return date.fromisocalendar(year, week, weekday).isoformat()
    except ValueError:
        return None


def _with_clock(day: str, parts: dict[str, Any]) -> str | None:
    """A day with its clock time; None for "31/12/2026 12" alone."""
    hour, minute, half = int(parts["hour"]), parts["minute"], parts.get("half")
    if minute is None and not half:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0] in "Pp")
    zone = parts.get("zone") or ""
    fraction = f".{parts['part']}" if parts.get("part") else ""
    return (
        f"{day}T{hour:02}:{minute or '00'}:{parts.get('second') or '00'}{fraction}"
        f"{ZONES.get(zone, zone)}"
    )


def _date_of_number(cell: Any, unit: str) -> Any:
    """A number, or its text, as the date that it counts."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    times = dates_of_numbers(np.array([value]), unit)
    return None if np.isnat(times[0]) else times[0]


def dates_of_numbers(values: NDArray[Any], unit: str) -> NDArray[Any]:
    """Return numbers as datetime64[us]; NaT for NaN, and for what is out of range.

    Examples
    --------
    >>> dates_of_numbers(np.array([46022.5]), "excel").astype(str).tolist()
    ['2025-12-31T12:00:00.000000']
    >>> dates_of_numbers(np.array([20261231.0, 20260230.0]), "ymd").astype("M8[D]").astype(str)
    array(['2026-12-31', 'NaT'], dtype='<U28')
    """
    if unit in DIGIT_UNITS:
        return _of_digits(values, unit)
    with np.errstate(invalid="ignore"):
        days = values - EXCEL_DAY if unit == "excel" else values / UNITS[unit] / 86_400.0
        fits = np.abs(days) < 100_000
        micros = np.where(fits, np.round(np.where(fits, days, 0.0) * 86_400e6), 0)
    if unit in UNITS:  # whole numbers keep their last digit
        micros = np.where(fits, np.round(np.where(fits, values, 0.0) * (1e6 / UNITS[unit])), 0)
    return np.where(fits, micros.astype("M8[us]"), np.datetime64("NaT", "us"))


def _of_digits(values: NDArray[Any], unit: str) -> NDArray[Any]:
    """20261231, 2026365, 202612, 20261231235959 or 2026, as dates."""
    known = np.where(np.abs(values) < 1e14, values, 0.0)
    whole = np.where(known % 1 == 0, known, 0.0).astype(np.int64)
    clock = np.zeros_like(whole)
    if unit in ("ymdhm", "ymdhms"):
        length = 10_000 if unit == "ymdhm" else 1_000_000
        whole, clock = whole // length, whole % length * (100 if unit == "ymdhm" else 1)
    year, month, day = whole, np.ones_like(whole), np.ones_like(whole)
    if unit.startswith("ymd"):
        year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    elif unit == "ym":
        year, month = whole // 100, whole % 100
    elif unit == "yo":
        year, day = whole // 1000, whole % 1000
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    fits = (year >= YEARS[0]) & (year <= YEARS[1]) & (month >= 1) & (month <= 12) & (day >= 1)
    fits &= (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(fits, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    days = months.astype("M8[D]") + (np.where(fits, day, 1) - 1)
    same = days.astype("M8[Y]") == months.astype("M8[Y]") if unit == "yo" else (
        days.astype("M8[M]") == months
    )  # fmt: skip
    seconds = np.where(fits, hour * 3600 + minute * 60 + second, 0).astype("m8[s]")
    return np.where(fits & same, days.astype("M8[us]") + seconds, np.datetime64("NaT", "us"))
