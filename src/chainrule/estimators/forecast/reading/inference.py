"""The grid that times are on: found from the steps between them, over all series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError, warn_user
from ....lazy import LazyModule
from ...anomaly.series.reading import duration
from .data_warning import SeriesDataWarning
from .frequencies import (
    BUSINESS_DAYS,
    WEEKDAYS,
    day_grid,
    even_grid,
    grid_of,
    month_days,
    month_grid,
    usual,
)
from .grids import MONDAY, MONTHS, Grid, TradingGrid, WeekdayGrid, days_of, month_lengths, months_of
from .stamps import DAY, Stamps, written

pd = LazyModule("pandas")

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

MOST = 0.9  # of the times have the same hour: those of days, of which clocks change a few
SIMILAR = 0.15  # in logarithms: months, quarters and years of different lengths are alike
FEWEST = 6  # steps of one length in a row, after which another one is a change
MANY = 40  # days that are on an offset: the others are looked at then
REGULAR = 0.75  # of the steps of a series are its usual one: of business days it is 0.8
ONE = (
    "bring them to one frequency, such as by frame.resample(), or give freq= to take the others "
    "for gaps"
)
RARE = 0.1  # of the Saturdays have a row: the others are special sessions
RECENT = 52 * 7  # days of which the usual weekdays are learned


def infer_grid(stamps: Stamps, groups: Ints, names: Sequence[Any] = ()) -> Grid:
    """Return the grid of the times of all series.

    Parameters
    ----------
    stamps : Stamps
        Sorted by series and time.
    groups : array (n,)
        The series of each.
    names : sequence, optional
        Those of the series, for messages.

    Raises
    ------
    DataError
        Where the frequency changes, or where there is no regular step.
    """
    fresh = np.r_[True, (np.diff(groups) != 0) | (np.diff(stamps.values) != 0)][: len(groups)]
    stamps, groups = stamps.take(fresh), groups[fresh]
    steps = steps_in(stamps.values, groups)
    if not len(steps):
        raise DataError(
            f"no series has two times, so their step is unknown (the first is {stamps.text(0)}): "
            "give more rows, or freq="
        )
    _check_change(stamps, groups, names)
    if stamps.form.kind == "integers":
        return even_grid(int(np.gcd.reduce(steps)), stamps.values)
    local = stamps.local()
    clock = usual(local % DAY)
    if (local % DAY == clock).mean() >= MOST and steps.min() >= DAY // 2:
        grid = _grid_of_days(days_of(local, clock), groups, clock, stamps.form.period)
        if grid is not None:
            return grid
    step = _step(steps)
    if step is None:
        _irregular(stamps, groups, steps)
    return even_grid(step, stamps.values)


def steps_in(values: Ints, groups: Ints) -> Ints:
    """Return the steps from each value to the next one of its series, 0 left out."""
    steps = np.diff(values)[np.diff(groups) == 0]
    return np.asarray(steps[steps != 0], np.int64)


def _step(steps: Ints) -> int | None:
    """The usual step if the others are multiples of it, or it is that of the majority."""
    step = usual(steps)
    if not (steps % step).any() or (steps == step).mean() >= 0.5:
        return step
    common = int(np.gcd.reduce(steps))
    return common if (steps == common).mean() >= RARE else None


def _irregular(stamps: Stamps, groups: Ints, steps: Ints) -> Never:
    low, high = np.quantile(steps, [0.1, 0.9]) / 1e9
    first = ", ".join(stamps.text(k) for k in range(min(3, len(groups))))
    raise DataError(
        f"the times have no regular step: most are between {duration(low)} and {duration(high)} "
        f"(they begin with {first}): bring them to one, such as frame.resample('h').mean(), number "
        "the steps as 0, 1, ..., or give freq="
    )


# Days and coarser steps


def _grid_of_days(days: Ints, groups: Ints, clock: int, period: str) -> Grid | None:
    """The grid of times that all have the same hour; None where they have no regular step."""
    steps = steps_in(days, groups)
    if not len(steps):
        return None
    step = usual(steps)
    if step == 1:
        return _grid_of_single_days(days, clock, period)
    if step >= 28:
        months = _grid_of_months(days, groups, clock)
        if months is not None:
            return months
    if not (steps % step).any():
        return day_grid(step, days, clock)
    listed = _listed_grid(days, clock)
    if listed is not None:
        return listed
    regular = _step(steps)
    if regular == 1:
        return _grid_of_single_days(days, clock, period)
    return None if regular is None else day_grid(regular, days, clock)


def _grid_of_months(days: Ints, groups: Ints, clock: int) -> Grid | None:
    """The grid of times on one day of the month (also the last); None where they are not."""
    months = months_of(days)
    steps = steps_in(months, groups)
    if not len(steps):
        return None
    step = usual(steps)
    if (steps % step).any():
        step = int(np.gcd.reduce(steps))
    grid = month_grid(step, days, clock)
    fits = month_days(days) == np.minimum(grid.day, month_lengths(months))
    return grid if fits.all() or (fits.mean() >= MOST and grid.day in (1, 31)) else None


def _listed_grid(days: Ints, clock: int) -> Grid | None:
    """The grid of an offset without a formula here that all days are on, if there is one."""
    some = [pd.Timestamp(day) for day in np.unique(days)[:MANY].view("datetime64[D]")]
    for name in _offsets(some[0]):
        offset = pd.tseries.frequencies.to_offset(name)
        if all(offset.is_on_offset(day) for day in some):
            times = days * DAY + clock
            grid, _ = grid_of(name, times, times)
            if (grid.times(grid.index(times)) == times).all():
                return grid
    return None


def _offsets(day: Any) -> list[str]:
    """Names of offsets that a day may be on, those with the longest steps first."""
    month, quarter = MONTHS[day.month - 1], MONTHS[9 + (day.month - 1) % 3]
    nth = f"{(day.day - 1) // 7 + 1}{WEEKDAYS[day.day_of_week]}"
    years = [f"BYE-{month}", f"BYS-{month}", f"BQE-{quarter}", f"BQS-{quarter}"]
    return [*years, "BME", "BMS", f"WOM-{nth}", "SMS", "SME"]


def _grid_of_single_days(days: Ints, clock: int, period: str) -> Grid:
    """The grid of daily rows: of all days, of business days, or of the days that are traded."""
    union = np.unique(days)
    first, last = int(union[0]), int(union[-1])
    observed = np.bincount((union - MONDAY) % 7, minlength=7)
    possible = np.bincount((np.arange(first, last + 1) - MONDAY) % 7, minlength=7)
    rates = observed / np.maximum(possible, 1)
    if possible[5:].sum() == 0 and 2 <= len(union):
        if period in ("B", "D"):
            return day_grid(1, days, clock) if period == "D" else WeekdayGrid(BUSINESS_DAYS, clock)
        warn_user(
            f"the {len(union)} days from {_named(first)} to {_named(last)} reach no weekend, so "
            "they may be business days: they are taken for days of the calendar; give freq='B' "
            "or freq='D'",
            SeriesDataWarning,
        )
    elif possible[5:].all() and not observed[5:].any() and rates[:5].mean() > 0.5:
        if (rates[:5] == 1).all():
            return WeekdayGrid(BUSINESS_DAYS, clock)
        return trading_grid(union, clock)
    absent = (possible >= 3) & (rates < RARE)
    if absent.any() and rates.max() > 0.5:
        return trading_grid(union, clock)
    return day_grid(1, days, clock)


def _named(day: int) -> str:
    date = np.array([day]).view("datetime64[D]")[0]
    return f"{pd.Timestamp(date).day_name()} {date}"


def trading_grid(days: Ints, clock: int) -> TradingGrid:
    """Return the grid of days that were traded, and of the weekdays that usually are."""
    recent = days[days > days[-1] - RECENT]
    possible = np.arange(max(recent[0], days[-1] - RECENT + 1), days[-1] + 1)
    observed = np.bincount((recent - MONDAY) % 7, minlength=7)
    rates = observed / np.maximum(np.bincount((possible - MONDAY) % 7, minlength=7), 1)
    mask = "".join("1" if rate >= 0.5 else "0" for rate in rates)
    if "1" not in mask:
        mask = "".join("1" if rate == rates.max() else "0" for rate in rates)
    return TradingGrid(tuple(days.tolist()), mask, clock)


# Changes of the frequency


def _check_change(stamps: Stamps, groups: Ints, names: Sequence[Any]) -> None:
    """Refuse a series that goes on in other steps than it began with, or than the others have."""
    regular: dict[int, int] = {}  # the usual step of series
    word = str if stamps.form.kind == "integers" else _span
    starts = np.flatnonzero(np.r_[True, np.diff(groups) != 0])
    for first, end in zip(starts, np.r_[starts[1:], len(groups)], strict=True):
        values = stamps.values[first:end]
        steps = np.diff(values)
        change = _change(steps)
        code = int(groups[first])
        of = f" of series {names[code]!r}" if len(names) > 1 else ""
        if change is not None:
            at, before, after = change
            raise DataError(
                f"the frequency{of} changes: rows come every {word(before)} until "
                f"{written(stamps.form, int(values[at]))}, then every {word(after)}: {ONE}"
            )
        if len(steps) >= FEWEST:
            step = usual(steps)
            if (np.abs(np.log(steps / step)) < SIMILAR).mean() >= REGULAR:
                regular[code] = step
    if len(regular) < MOST * len(starts):
        return
    common = usual(np.array([*regular.values()]))
    for code, step in regular.items():
        if abs(np.log(step / common)) > np.log(1.5):
            named = repr(names[code]) if len(names) else str(code)
            raise DataError(
                f"rows of series {named} come every {word(step)}, those of others every "
                f"{word(common)}: {ONE}"
            )


def _span(nanoseconds: int) -> str:
    days = nanoseconds / DAY
    for length, name in ((365.25, "year"), (91.3, "quarter"), (30.4, "month")):
        if abs(np.log(days / length)) < SIMILAR:
            return name
    return duration(nanoseconds / 1e9).removeprefix("1 ")


def _change(steps: Ints) -> tuple[int, int, int] | None:
    """Where steps of one length end, with the usual steps before and after; None if nowhere."""
    if len(steps) < 2 * FEWEST:
        return None
    base = usual(steps)
    with np.errstate(divide="ignore"):
        is_base = np.abs(np.log(steps / base)) < SIMILAR
    others = steps[~is_base]
    if len(others) < FEWEST:
        return None
    other = usual(others)
    is_other = np.abs(np.log(steps / other)) < SIMILAR
    for left, right in ((is_base, is_other), (is_other, is_base)):
        before, after = np.r_[0, np.cumsum(left)], np.r_[0, np.cumsum(right)]
        fits = before + after[-1] - after
        at = int(np.argmax(fits))
        sides = np.array([at, len(steps) - at])
        if sides.min() < FEWEST:
            continue
        shares = np.array([before[at], after[-1] - after[at]]) / sides
        if shares.min() >= 0.9 or (shares.min() >= 0.7 and sides.min() >= 20):
            return at, usual(steps[:at]), usual(steps[at:])
    return None
