"""Clock times as hours of the day, and spans of time as seconds, as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]

CLOCK_TIME = re.compile(
    r"(?:T?(\d{1,2})(?:[:hH](\d{2})?(?::(\d{2}(?:[.,]\d{1,9})?))?)"
    r"|(?P<alone>\d{1,2})(?=\s?[AaPpU]))"
    r"\s?(?:([AaPp])\.?[Mm]\.?|Uhr)?"
)
COLONS = re.compile(r"([+-])?(?:(\d+)\s*(?:days?|d),?\s+)?(\d+):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?")
ISO_SPAN = re.compile(
    r"([+-])?P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
LONGEST = 100  # characters of a clock time or a span of time
YEAR = 365.25 * 86_400.0
MONTH = YEAR / 12.0
SECONDS = {
    "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "sek": 1.0, "sekunden": 1.0,
    "sekunde": 1.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "minuten": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0, "std": 3600.0,
    "stunde": 3600.0, "stunden": 3600.0, "d": 86_400.0, "day": 86_400.0, "days": 86_400.0,
    "tag": 86_400.0, "tage": 86_400.0, "w": 604_800.0, "wk": 604_800.0, "wks": 604_800.0,
    "month": MONTH, "months": MONTH, "monat": MONTH, "monate": MONTH, "mo": MONTH, "year": YEAR,
    "years": YEAR, "yr": YEAR, "yrs": YEAR, "jahr": YEAR, "jahre": YEAR,
    "week": 604_800.0, "weeks": 604_800.0, "woche": 604_800.0, "wochen": 604_800.0,
}  # fmt: skip
STEP = r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)\.?"
STEPS, WORDED = re.compile(STEP), re.compile(rf"([+-])?{STEP}(?:,?\s*(?:and\s+|und\s+)?{STEP})*")


@dataclass(frozen=True)
class SpanForm:
    """How the spans of time of a column are written.

    Attributes
    ----------
    two_parts : float
        How many seconds the last part of "12:30" counts: 1.0 of minutes and seconds, 60.0 of hours
        and minutes.
    """

    two_parts: float = 60.0

    def seconds(self, cells: Sequence[Any]) -> Floats:
        """Return cells as seconds; numbers count as seconds, NaN for what is no span."""
        return np.array([seconds_of(cell, self.two_parts) for cell in cells], np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"two_parts": self.two_parts}


def hours_of_day(cells: Sequence[Any]) -> Floats:
    """Return clock times as hours since midnight; NaN for what is none.

    Examples
    --------
    >>> hours_of_day(["14:30", "2:05 PM", "14h30", "9 am", "24:00", "24:10"]).round(3).tolist()
    [14.5, 14.083, 14.5, 9.0, 24.0, nan]
    """
    return np.array([hour_of_day(cell) for cell in cells], np.float64)


def hour_of_day(cell: Any) -> float:
    """Return one clock time as hours since midnight; NaN for what is none."""
    if isinstance(cell, time):
        return cell.hour + cell.minute / 60 + (cell.second + cell.microsecond / 1e6) / 3600
    match = CLOCK_TIME.fullmatch(cell) if isinstance(cell, str) and len(cell) < LONGEST else None
    if match is None:
        return np.nan
    whole, minute, second, alone, half = match.groups()
    hour = int(whole or alone)
    minutes, seconds = int(minute or 0), float((second or "0").replace(",", "."))
    if half:
        if not 1 <= hour <= 12:
            return np.nan
        hour = hour % 12 + 12 * (half in "Pp")
    is_end = hour == 24 and not minutes and not seconds  # of a day, as ISO 8601 has it
    fits = (hour < 24 or is_end) and minutes < 60 and seconds < 60
    return hour + minutes / 60 + seconds / 3600 if fits else np.nan


def seconds_of(cell: Any, two_parts: float = 60.0) -> float:
    """Return one span in seconds; NaN for what is none."""
    if isinstance(cell, (timedelta, np.timedelta64)):
        return float(pd.Timedelta(cell).total_seconds())
    if not isinstance(cell, str) or len(cell) >= LONGEST:
        return np.nan
    match = COLONS.fullmatch(cell)
    if match:
        sign, days, first, second, third = match.groups()
        if int(second) > 59:
            return np.nan
        last = float((third or "0").replace(",", "."))
        unit = 60.0 if third or days else two_parts
        total = (int(first) * 60 + int(second)) * unit + last + int(days or 0) * 86_400
        return -total if sign == "-" else total
    match = ISO_SPAN.fullmatch(cell)
    if match and any(match.groups()[1:]):
        sign, *parts = match.groups()
        sizes = (604_800.0, 86_400.0, 3600.0, 60.0, 1.0)
        total = sum(float(part) * size for part, size in zip(parts, sizes, strict=True) if part)
        return -total if sign == "-" else total
    return _worded(cell)


def _worded(text: str) -> float:
    """A span in words, such as 2h 15m or 90 min, of which each unit is smaller than the last."""
    match = WORDED.fullmatch(text)
    if match is None:
        return np.nan
    steps = [(float(size.replace(",", ".")), unit.casefold()) for size, unit in STEPS.findall(text)]
    sizes = [
        60.0 if unit == "m" and len(steps) > 1 else SECONDS.get(unit, np.nan) for _, unit in steps
    ]
    if any(not later < earlier for earlier, later in pairwise(sizes)):
        return np.nan
    total = sum(count * size for (count, _), size in zip(steps, sizes, strict=True))
    return -total if match.group(1) == "-" else total


def fit_spans(cells: Sequence[Any]) -> SpanForm:
    """Find what "12:30" means: minutes and seconds beside 1:02:30, or where 60 hours occur."""
    colons = [
        match for cell in cells if isinstance(cell, str) and (match := COLONS.fullmatch(cell))
    ]
    three = [match for match in colons if match.group(5)]
    large = any(int(match.group(3)) > 23 for match in colons if not match.group(5))
    return SpanForm(1.0 if len(three) < len(colons) and (three or large) else 60.0)
