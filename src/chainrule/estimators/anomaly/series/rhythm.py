"""What a forecast of a series is made from: values before, rhythms, and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

DAY, WEEK, YEAR = 86_400.0, 604_800.0, 31_557_600.0
LEAST_STEPS = 4  # in a period
WAVES = 4  # of a day and of a week: sines and cosines to the fourth harmonic
NEIGHBOURS = 2  # last changes of each other channel,
MOST_NEIGHBOURS = 16  # where there are no more channels
LEAST_CORRELATION = 0.3
REGULAR = 0.9  # of the rows must be a step apart,
SLACK = 0.1  # give or take so much of a step
LARGEST_LOOK = 20_000  # rows of which a period is sought
SUNDAY, SATURDAY = 3, 2  # days since Thursday, 1970-01-01, modulo 7


@dataclass(frozen=True)
class Rhythm:
    """How far back a forecast looks, and which calendar it follows.

    Attributes
    ----------
    lags : int
        Rows before each one.
    periods : tuple of float
        Seconds (rows where there are no stamps) after which a series is like itself.
    daily, weekly : bool
        Whether the time of day and the day of the week are features.
    step : float or None
        Seconds from a row to the next.
    is_regular : bool
        Whether nearly all rows are a step apart, so that those which are absent can be told.
    """

    lags: int
    periods: tuple[float, ...]
    daily: bool
    weekly: bool
    step: float | None
    is_regular: bool = False

    @property
    def reach(self) -> float:
        """The longest period, 0 where there is none."""
        return max(self.periods, default=0.0)

    def features(self, values: Floats, seconds: Floats | None, rows: Ints) -> Floats:
        """Return the features of some rows, for each channel.

        Parameters
        ----------
        values : array (n, channels)
            NaN where missing.
        seconds : array (n,) or None
        rows : array (m,) of int

        Returns
        -------
        array (channels, m, features)
            Differences from the value before, so that a level does not count; NaN where there is
            no such value.
        """
        channels = values.shape[1]
        last = _last(values, rows, self.lags)
        before, recent = last[:, :, 0], last[:, :, 1:] - last[:, :, :1]
        rhythms = [self._after(values, seconds, rows, period) - before for period in self.periods]
        calendar = self._calendar(seconds, rows)
        depth = min(NEIGHBOURS, recent.shape[2]) if channels <= MOST_NEIGHBOURS else 0
        parts = []
        for channel in range(channels):
            others = [k for k in range(channels) if k != channel]
            crossed = recent[:, others, :depth].reshape(len(rows), -1)
            seasonal = [rhythm[:, channel, None] for rhythm in rhythms]
            parts.append(np.concatenate([recent[:, channel], crossed, *seasonal, calendar], axis=1))
        return np.stack(parts)

    def _after(self, values: Floats, seconds: Floats | None, rows: Ints, period: float) -> Floats:
        """Return the values one period before some rows: of the nearest row half a step off."""
        if seconds is None or self.step is None:
            where = rows - int(period)
            near = where >= 0
        else:
            target = seconds[rows] - period
            where = np.searchsorted(seconds, target + 0.5 * self.step, side="right") - 1
            near = (where >= 0) & (seconds[where] >= target - 0.5 * self.step)
        return np.where(near[:, None], values[np.maximum(where, 0)], np.nan)

    def _calendar(self, seconds: Floats | None, rows: Ints) -> Floats:
        """Return waves of the day, of the week, and of the days of weekends."""
        if seconds is None:
            return np.empty((len(rows), 0))
        at = seconds[rows]
        days = _waves(at / DAY)
        columns = []
        if self.daily:
            columns.append(days)
        if self.weekly:
            weekend = np.isin((at // DAY) % 7, (SUNDAY, SATURDAY)).astype(np.float64)[:, None]
            columns += [_waves(at / WEEK), weekend]
            if self.daily:
                columns.append(weekend * days)
        return np.concatenate(columns, axis=1) if columns else np.empty((len(rows), 0))


def _last(values: Floats, rows: Ints, lags: int) -> Floats:
    """Return the values before some rows (rows, channels, lags), the last first, or NaN."""
    at = rows[:, None] - np.arange(1, lags + 1)
    last = np.where((at >= 0)[:, :, None], values[np.maximum(at, 0)], np.nan)
    return np.asarray(last.transpose(0, 2, 1))


def _waves(cycles: Floats) -> Floats:
    """Return sines and cosines of whole numbers of waves, (n, 2 * WAVES)."""
    angles = 2 * np.pi * (cycles % 1)[:, None] * np.arange(1, WAVES + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def find_rhythm(
    lags: int, values: list[Floats], seconds: list[Floats | None], step: float | None
) -> Rhythm:
    """Return the rhythm of some series: of the calendar, or what their correlation shows.

    A day, a week and a year are periods where steps are a quarter of them at most and the longest
    series has two at least.

    Examples
    --------
    >>> hours = np.arange(24 * 20.0)
    >>> wave = np.sin(2 * np.pi * hours / 24)[:, None]
    >>> rhythm = find_rhythm(8, [wave], [3600 * hours], 3600.0)
    >>> rhythm.periods, rhythm.daily, rhythm.weekly, rhythm.is_regular
    ((86400.0, 604800.0), True, True, True)
    >>> find_rhythm(8, [wave], [None], None).periods
    (24.0,)
    """
    if step is None:
        longest = max(values, key=len)
        period = find_period(longest)
        return Rhythm(lags, () if period is None else (float(period),), False, False, None)
    spans = [at[-1] - at[0] for at in seconds if at is not None and len(at)]
    span = max(spans, default=0.0)
    periods = tuple(
        period for period in (DAY, WEEK, YEAR)
        if LEAST_STEPS * step <= period <= 0.5 * (span + step)
    )  # fmt: skip
    steps = np.concatenate([np.diff(at) for at in seconds if at is not None]) / step
    is_regular = bool(np.mean(np.abs(steps - 1) <= SLACK) >= REGULAR) if len(steps) else False
    return Rhythm(lags, periods, DAY in periods, WEEK in periods, step, is_regular)


def find_period(values: Floats) -> int | None:
    """Return the rows after which a series is most like itself, or None.

    The lag of the first peak of the mean autocorrelation of the channels that is nearly the
    highest, from 4 rows to a third of the series; trends are taken off before.

    Examples
    --------
    >>> find_period(np.sin(2 * np.pi * np.arange(300.0) / 25)[:, None])
    25
    >>> print(find_period(np.random.default_rng(0).normal(size=(300, 1))))
    None
    """
    recent = values[-LARGEST_LOOK:]
    n, most = len(recent), len(recent) // 3
    if most <= LEAST_STEPS + 1:
        return None
    slope = np.linspace(-1.0, 1.0, n)[:, None]
    level = np.nanmean(np.where(np.isfinite(recent).any(axis=0), recent, 0.0), axis=0)
    about = np.where(np.isfinite(recent), recent - level, 0.0)
    about = about - slope * (np.sum(slope * about, axis=0) / np.sum(slope**2))
    power = np.abs(np.fft.rfft(about, 2 * n, axis=0)) ** 2
    products = np.fft.irfft(power, axis=0)[: most + 1]
    products = products / np.maximum(products[0], np.finfo(float).tiny)
    correlation = products.mean(axis=1) * n / (n - np.arange(most + 1))  # of shorter overlaps
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:])) + 1
    peaks = peaks[peaks >= LEAST_STEPS]
    if not len(peaks) or correlation[peaks].max() < LEAST_CORRELATION:
        return None
    return int(peaks[correlation[peaks] > 0.9 * correlation[peaks].max()][0])
