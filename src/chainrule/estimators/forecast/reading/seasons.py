"""Lengths of seasons that steps of the calendar suggest."""

from __future__ import annotations

import numpy as np

from .grids import Grid, ListedGrid, MonthGrid, TradingGrid, WeekdayGrid

HOUR, DAY = 3600.0, 86_400.0  # seconds
YEAR = 365.25 * DAY
TRADED_WEEKS = 50.4  # of a year: 252 days, where five of a week are traded


def seasons_of(grid: Grid) -> tuple[int, ...]:
    """Return the numbers of steps in an hour, a day, a week and a year, shortest first.

    Examples
    --------
    >>> from chainrule.estimators.forecast.reading.grids import EvenGrid
    >>> seasons_of(EvenGrid(15 * 60 * 10**9, 0)), seasons_of(MonthGrid(3, 0, 1, 0))
    ((96, 672), (4,))
    """
    if isinstance(grid, MonthGrid):
        return (12 // grid.step,) if grid.step < 12 and 12 % grid.step == 0 else ()
    if isinstance(grid, TradingGrid):
        days, week = np.array(grid.days), grid.mask.count("1")
        full = days[-1] - days[0] >= 365
        year = int((days > days[-1] - 365).sum()) if full else round(week * TRADED_WEEKS)
        return (week, year) if week > 1 else (year,)
    seconds = grid.seconds()
    if isinstance(grid, WeekdayGrid):
        week = grid.mask.count("1")
        weekly = (week // grid.step,) if week % grid.step == 0 and week > grid.step else ()
        return (*weekly, round(YEAR / seconds))
    if isinstance(grid, ListedGrid):
        year = round(YEAR / seconds)
        return (year,) if year > 1 else ()
    ratios = [span / seconds for span in ([HOUR] * (seconds <= 60) + [DAY, 7 * DAY])]
    whole = [round(r) for r in ratios if r >= 2 and abs(r - round(r)) < 1e-9]
    year = int(YEAR / seconds)
    return (*whole, year) if seconds >= HOUR and year > 1 else tuple(whole)
