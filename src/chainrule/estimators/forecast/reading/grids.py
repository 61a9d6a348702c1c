"""Regular times as positions: whole numbers, one more for each step.

A grid has `index`, from times to positions (for a time that is not on the grid, that of one beside
it), and `times` back; `seconds`, the length of a step on average; and `absolute`: whether its times
are nanoseconds in UTC (or the user's integers), or what clocks of the user's zone show.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....lazy import LazyModule
from .stamps import DAY

pd = LazyModule("pandas")

Ints: TypeAlias = NDArray[np.int64]

HALF = DAY // 2
YEAR = 365.25  # days
MONDAY = -3  # the number of a day, from Thursday 1970-01-01, that was a Monday
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class EvenGrid:
    """Steps of equal length, such as hours."""

    step: int
    phase: int
    absolute: ClassVar[bool] = True

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        return (times - self.phase) // self.step

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        return positions * self.step + self.phase

    def seconds(self) -> float:
        """The length of a step."""
        return self.step / 1e9


def days_of(times: Ints, clock: int) -> Ints:
    """Return the days since 1970 whose time `clock` is nearest."""
    return (times - clock + HALF) // DAY


@dataclass(frozen=True)
class DayGrid:
    """Every `step` days of the calendar at the same time of the day."""

    step: int
    phase: int
    clock: int
    absolute: ClassVar[bool] = False

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        return (days_of(times, self.clock) - self.phase) // self.step

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        return (positions * self.step + self.phase) * DAY + self.clock

    def seconds(self) -> float:
        """The length of a step."""
        return 86_400.0 * self.step


@dataclass(frozen=True)
class WeekdayGrid:
    """Every `step` of some days of each week: `mask` has a 1 or a 0 for each from Monday on."""

    mask: str
    clock: int
    step: int = 1
    phase: int = 0
    absolute: ClassVar[bool] = False

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        weeks, weekdays = np.divmod(days_of(times, self.clock) - MONDAY, 7)
        chosen = np.array([day == "1" for day in self.mask])
        single = weeks * int(chosen.sum()) + (np.cumsum(chosen) - 1)[weekdays]
        return np.asarray((single - self.phase) // self.step, np.int64)

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        weekdays = np.flatnonzero([day == "1" for day in self.mask])
        weeks, slots = np.divmod(positions * self.step + self.phase, len(weekdays))
        return (weeks * 7 + weekdays[slots] + MONDAY) * DAY + self.clock

    def seconds(self) -> float:
        """The length of a step, on average."""
        return 7 * 86_400.0 / self.mask.count("1") * self.step


@dataclass(frozen=True)
class MonthGrid:
    """Every `step` months on one day of the month, or on its last where there is no such day."""

    step: int
    phase: int
    day: int
    clock: int
    absolute: ClassVar[bool] = False

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        return (months_of(days_of(times, self.clock)) - self.phase) // self.step

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        months = positions * self.step + self.phase
        days = first_days(months) + np.minimum(self.day, month_lengths(months)) - 1
        return days * DAY + self.clock

    def seconds(self) -> float:
        """The length of a step, on average."""
        return 86_400.0 * YEAR / 12 * self.step


def months_of(days: Ints) -> Ints:
    """Return months since January 1970."""
    return days.view("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_days(months: Ints) -> Ints:
    """Return the first days of months since January 1970."""
    return months.view("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def month_lengths(months: Ints) -> Ints:
    """Return the numbers of days of months since January 1970."""
    return first_days(months + 1) - first_days(months)


@dataclass(frozen=True)
class TradingGrid:
    """Days that were traded, in order, and before and after them those of some weekdays."""

    days: tuple[int, ...]
    mask: str
    clock: int
    absolute: ClassVar[bool] = False

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        days = days_of(times, self.clock)
        table = np.array(self.days, np.int64)
        inside = np.searchsorted(table, days, side="right") - 1
        first, last = self._ends()
        usual = WeekdayGrid(self.mask, 0).index(days * DAY)
        before = np.where(days < table[0], usual - first, inside)
        # A weekday that is not traded has the position of the one before it, so it's seen as wrong.
        return np.where(days > table[-1], len(table) - 1 + usual - last, before)

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        table = np.array(self.days, np.int64)
        first, last = self._ends()
        usual = WeekdayGrid(self.mask, 0)
        after = usual.times(last + positions - (len(table) - 1)) // DAY
        before = usual.times(first + positions) // DAY
        inside = table[np.clip(positions, 0, len(table) - 1)]
        days = np.where(positions < 0, before, np.where(positions < len(table), inside, after))
        return np.asarray(days * DAY + self.clock, np.int64)

    def _ends(self) -> tuple[int, int]:
        """Positions among the usual days: of the first after those before the table, of the last
        up to its end.
        """
        usual = WeekdayGrid(self.mask, 0)
        before, last = usual.index(np.array([self.days[0] - 1, self.days[-1]]) * DAY)
        return int(before) + 1, int(last)

    def seconds(self) -> float:
        """The length of a step, on average."""
        return 7 * 86_400.0 / self.mask.count("1")


@dataclass(frozen=True)
class ListedGrid:
    """Every `step` times of an offset of pandas without a formula here: "BME", "WOM-3FRI"."""

    freq: str
    step: int
    phase: int
    clock: int
    absolute: ClassVar[bool] = False

    def index(self, times: Ints) -> Ints:
        """Positions of times."""
        single = np.searchsorted(_listed(self.freq), days_of(times, self.clock), side="right") - 1
        return (single.astype(np.int64) - self.phase) // self.step

    def times(self, positions: Ints) -> Ints:
        """Times of positions."""
        listed = _listed(self.freq)
        single = np.clip(positions * self.step + self.phase, 0, len(listed) - 1)
        return listed[single] * DAY + self.clock

    def seconds(self) -> float:
        """The length of a step, on average."""
        listed = _listed(self.freq)
        return 86_400.0 * self.step * float(listed[-1] - listed[0]) / (len(listed) - 1)


@lru_cache(maxsize=16)
def _listed(freq: str) -> Ints:
    """All days of an offset in the years that pandas has, counted from 1970."""
    dates = pd.date_range("1680-01-01", "2260-12-31", freq=freq).as_unit("ns")
    return np.unique(np.asarray(dates.asi8, np.int64) // DAY)


Grid: TypeAlias = EvenGrid | DayGrid | WeekdayGrid | MonthGrid | TradingGrid | ListedGrid

GRIDS: dict[str, Any] = {
    "even": EvenGrid, "days": DayGrid, "weekdays": WeekdayGrid, "months": MonthGrid,
    "trading": TradingGrid, "listed": ListedGrid,
}  # fmt: skip
