"""The grid of a frequency that the user names, such as "15min", "W-SUN" or "QS-OCT"."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError, UnsupportedError
from ....lazy import LazyModule
from .grids import (
    MONDAY,
    MONTHS,
    DayGrid,
    EvenGrid,
    Grid,
    ListedGrid,
    MonthGrid,
    WeekdayGrid,
    days_of,
    month_lengths,
    months_of,
)
from .stamps import DAY

pd = LazyModule("pandas")

Ints: TypeAlias = NDArray[np.int64]

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# As pandas wrote them before 2.2; its later versions warn of these, then refuse them.
OLDER = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns", "M": "ME", "Q": "QE",
         "Y": "YE", "A": "YE", "AS": "YS", "BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE",
         "BAS": "BYS", "BH": "bh"}  # fmt: skip
BUSINESS_DAYS = "1111100"
SPANS = {"days": DAY, "weeks": 7 * DAY, "hours": DAY // 24, "minutes": DAY // 1440,
         "seconds": 1_000_000_000}  # fmt: skip


def usual(values: Ints) -> int:
    """Return the value that comes most often, the least of several."""
    levels, counts = np.unique(values, return_counts=True)
    return int(levels[np.argmax(counts)])


def grid_of(freq: Any, utc: Ints, local: Ints) -> tuple[Grid, str]:
    """Return the grid of a frequency through most of some times, and the name of the frequency.

    Parameters
    ----------
    freq : str or pandas offset
    utc, local : array (n,)
        Times in UTC, and on the clocks of the user's zone; one at least.

    Raises
    ------
    DataError
        For a name that pandas does not know.
    """
    if isinstance(freq, str):
        match = re.fullmatch(r"(-?\d*)([A-Z]+)(-[A-Z0-9]+)?", freq.strip())
        if match and match[2] in OLDER:
            freq = f"{match[1]}{OLDER[match[2]]}{match[3] or ''}"
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"freq={freq!r} is no frequency: give one of pandas, such as 'h', '15min', 'D', 'B', "
            "'W-SUN', 'MS', 'ME', 'QS-OCT' or 'YS'"
        ) from error
    if offset is None or offset.n < 1:
        raise DataError(f"freq={freq!r} does not go forward: give a positive frequency")
    clock = usual(local % DAY)
    grid = _of_offset(offset, utc, clock, days_of(local, clock))
    return grid, offset.freqstr if type(offset) is not pd.DateOffset else name_of(grid)


def period_freq(freq: str) -> str:
    """Return the frequency of the starts of periods.

    Examples
    --------
    >>> [period_freq(freq) for freq in ("M", "2Q-DEC", "Y-JUN", "W-SUN", "15min")]
    ['MS', '2QS-JAN', 'YS-JUL', 'W-MON', '15min']
    """
    match = re.fullmatch(r"(\d*)(ME?|QE?|YE?|A|W)(?:-([A-Z]{3}))?", freq)
    if match is None:
        return freq
    number, kind, end = match[1], match[2][0].replace("A", "Y"), match[3]
    if kind == "M":
        return f"{number}MS"
    names = WEEKDAYS if kind == "W" else MONTHS
    after = names[(names.index(end or names[-1]) + 1) % len(names)]
    return f"{number}W-{after}" if kind == "W" else f"{number}{kind}S-{after}"


def _of_offset(offset: Any, utc: Ints, clock: int, days: Ints) -> Grid:
    """The grid of an offset of pandas."""
    kinds, n = pd.offsets, int(offset.n)
    if type(offset) is kinds.Day:
        return day_grid(n, days, clock)
    if isinstance(offset, kinds.Tick):
        return even_grid(int(offset.nanos), utc)
    if type(offset) is kinds.Week:
        weekday = usual((days - MONDAY) % 7) if offset.weekday is None else int(offset.weekday)
        grid = DayGrid(7, MONDAY + weekday, clock)
        singles = grid.index(days * DAY + clock)
        return DayGrid(7 * n, MONDAY + weekday + 7 * usual(singles % n), clock)
    if type(offset) is kinds.BusinessDay:
        single = WeekdayGrid(BUSINESS_DAYS, clock).index(days * DAY + clock)
        return WeekdayGrid(BUSINESS_DAYS, clock, n, usual(single % n))
    months = {"MonthBegin": (1, 1), "MonthEnd": (1, 31), "QuarterBegin": (3, 1),
              "QuarterEnd": (3, 31), "YearBegin": (12, 1), "YearEnd": (12, 31)}  # fmt: skip
    if type(offset).__name__ in months:
        each, day = months[type(offset).__name__]
        month = getattr(offset, "startingMonth", None) or getattr(offset, "month", None) or 1
        singles = (months_of(days) - (month - 1)) // each
        return MonthGrid(each * n, month - 1 + each * usual(singles % n), day, clock)
    if type(offset) is kinds.DateOffset:
        return _of_spans(offset, utc, clock, days)
    return _listed(offset, days, clock)


def _of_spans(offset: Any, utc: Ints, clock: int, days: Ints) -> Grid:
    """The grid of a `DateOffset` of months, or of days, or of hours."""
    spans = offset.kwds or {"days": 1}
    if spans.keys() <= {"months", "years"}:
        step = offset.n * (spans.get("months", 0) + 12 * spans.get("years", 0))
        return month_grid(step, days, clock)
    if not spans.keys() <= SPANS.keys():
        raise UnsupportedError(f"freq={offset!r}: give a step of months, weeks, days or hours")
    step = offset.n * sum(SPANS[name] * amount for name, amount in spans.items())
    if step % DAY:
        return even_grid(step, utc)
    return day_grid(step // DAY, days, clock)


def _listed(offset: Any, days: Ints, clock: int) -> Grid:
    """The grid of an offset that pandas lists."""
    single = offset.base
    name = single.freqstr
    if isinstance(single, pd.offsets.BusinessHour) or "bh" in name:
        raise UnsupportedError(
            f"freq={name!r}: business hours have no regular step; number them (0, 1, ...) and name "
            "that column as the time"
        )
    try:
        same = pd.tseries.frequencies.to_offset(name) == single
    except ValueError:
        same = False
    if not same:
        raise UnsupportedError(
            f"freq={offset!r} is not told by a name such as 'BME': leave freq out, and the days "
            "are those of the rows"
        )
    grid = ListedGrid(name, 1, 0, clock)
    if offset.n == 1:
        return grid
    return ListedGrid(name, int(offset.n), usual(grid.index(days * DAY + clock) % offset.n), clock)


def single_offset(freq: str) -> bool:
    """Whether a frequency is of days that pandas lists: a hostile file could name nanoseconds.

    Examples
    --------
    >>> single_offset("BME"), single_offset("2BME"), single_offset("ns")
    (True, False, False)
    """
    offset = pd.tseries.frequencies.to_offset(freq)
    short = isinstance(offset, (pd.offsets.Tick, pd.offsets.BusinessHour))
    return bool(offset.n == 1 and not short)


def even_grid(step: int, times: Ints) -> EvenGrid:
    """Return the grid of equal steps that most times are on."""
    return EvenGrid(step, usual(times % step))


def day_grid(step: int, days: Ints, clock: int) -> DayGrid:
    """Return the grid of every `step` days that most days are on."""
    return DayGrid(step, usual(days % step), clock)


def month_grid(step: int, days: Ints, clock: int) -> MonthGrid:
    """Return the grid of every `step` months on the day of the month that fits all days, if any."""
    months = months_of(days)
    in_month = month_days(days)
    day = 31 if (in_month == month_lengths(months)).all() else int(in_month.max())
    return MonthGrid(step, usual(months % step), day, clock)


def month_days(days: Ints) -> Ints:
    """Return the days of the month, from 1."""
    first = days.view("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]")
    return days - first.astype(np.int64) + 1


def name_of(grid: Grid) -> str:
    """Return the name that pandas has for a grid; of months on another day, the words for it.

    Examples
    --------
    >>> grids = EvenGrid(DAY // 96, 0), DayGrid(14, -4, 0), MonthGrid(3, 9, 1, 0)
    >>> [name_of(grid) for grid in grids]
    ['15min', '2W-SUN', 'QS-OCT']
    """
    if isinstance(grid, DayGrid):
        if grid.step % 7:
            return _times(grid.step, "D")
        return _times(grid.step // 7, f"W-{WEEKDAYS[(grid.phase - MONDAY) % 7]}")
    if isinstance(grid, MonthGrid):
        return _name_of_months(grid)
    if isinstance(grid, EvenGrid):
        sizes = {"h": DAY // 24, "min": DAY // 1440, "s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}
        unit = next(unit for unit, size in sizes.items() if grid.step % size == 0)
        return _times(grid.step // sizes[unit], unit)
    if isinstance(grid, WeekdayGrid):
        return _times(grid.step, "B" if grid.mask == BUSINESS_DAYS else "C")
    return grid.freq if isinstance(grid, ListedGrid) else "trading days"


def _name_of_months(grid: MonthGrid) -> str:
    """The name of steps of months."""
    if grid.day not in (1, 31):
        return f"{_times(grid.step, 'month')} (day {grid.day})"
    side = "S" if grid.day == 1 else "E"
    units = ((12, "Y"), (3, "Q"), (1, "M"))
    each, letter = next((k, name) for k, name in units if grid.step % k == 0)
    if letter == "M":
        return _times(grid.step, f"M{side}")
    month = MONTHS[grid.phase % 12 if letter == "Y" else 9 + grid.phase % 3]  # as pandas does
    return _times(grid.step // each, f"{letter}{side}-{month}")


def _times(step: int, unit: str) -> str:
    return unit if step == 1 else f"{step}{unit}"
