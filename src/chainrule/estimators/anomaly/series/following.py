"""The values that forecasts are made from: without spikes, and without holes.

A value that is far off its forecast says little of those after it, and as one of their lags it
would make each of them look strange, a day later once more. So it is moved to within a few scales
of its forecast, unless several in succession are off to the same side: then the level has changed,
and they count as they are. A missing value is its own forecast. So is a row that is absent from a
series of regular stamps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .reading import SLACK, ages, carried
from .rhythm import Rhythm
from .ridge import predict
from .running_quantile import RunningQuantile

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

FAR = 5.0  # scales of a residual; a value further off is moved to that distance
PERSISTENT = 4  # rows in succession that are so far off to one side are a new level
MOST_FILLED = 5_000  # absent rows; after more a series begins anew
FARTHEST_FILLED = 20.0  # scales of the values between one that is filled in and the last
RUNS = 2  # of missing values, and of those far off
LARGEST_DESIGN = 20_000_000  # numbers that are worked on at a time
LEAST_BLOCK, MOST_BLOCK = 4, 4096  # rows that are forecast together


@dataclass(eq=False)
class SeriesState:
    """What is needed of a series to go on; `SeriesForecaster.state` makes it.

    Attributes
    ----------
    name : str
    values : array (n, channels)
        Its last rows, without spikes, and with forecasts where values are missing.
    seconds : array (n,) or None
        Their stamps.
    averages : array (2, channels)
        Of the residuals so far.
    usual : tuple of RunningQuantile
        Of the three parts of the scores so far.
    ages : array (n, channels)
        How many values there are up to each since the beginning, or the last long gap.
    runs : array (2, channels)
        How many values are missing at the end, and how many are far off, with their sign.
    """

    name: str
    values: Floats
    seconds: Floats | None
    averages: Floats
    usual: tuple[RunningQuantile, ...]
    ages: Floats = field(default_factory=lambda: np.empty((0, 1)))
    runs: Floats = field(default_factory=lambda: np.zeros((RUNS, 1)))


class Forecaster(Protocol):
    """What is asked of a forecaster."""

    @property
    def window(self) -> int:
        """Missing values in succession that still count as values."""

    @property
    def rhythm(self) -> Rhythm:
        """What forecasts are made from."""

    @property
    def weights(self) -> Floats:
        """Means and scales of the features, and the coefficients."""

    @property
    def intercepts(self) -> Floats:
        """One of each channel."""

    def scale(self, name: str) -> Floats:
        """The scales of a series: of values, of residuals, and others."""


@dataclass(frozen=True)
class Coming:
    """Rows that come, with those that are absent between them.

    Attributes
    ----------
    values : array (n, channels)
    seconds : array (n,) or None
    rows : array (m,)
        Which of them are there.
    anew : array (n,) of bool
        Where a series begins again.
    """

    values: Floats
    seconds: Floats | None
    rows: Ints
    anew: Flags


def with_absent(
    rhythm: Rhythm, window: int, before: Floats | None, values: Floats, seconds: Floats | None
) -> Coming:
    """Return rows with missing values in place of those that are absent.

    Examples
    --------
    >>> rhythm = Rhythm(1, (), False, False, 60.0, is_regular=True)
    >>> values, seconds = np.array([[5.0], [6.0]]), np.array([60.0, 180.0])
    >>> its = with_absent(rhythm, 8, np.array([0.0]), values, seconds)
    >>> its.values.ravel().tolist(), its.seconds.tolist(), its.rows.tolist()
    ([5.0, nan, 6.0], [60.0, 120.0, 180.0], [0, 2])
    """
    count = len(values)
    if seconds is None or rhythm.step is None or before is None or not count:
        return Coming(values, seconds, np.arange(count), np.zeros(count, bool))
    last = before[-1] if len(before) else seconds[0]
    steps = np.diff(seconds, prepend=last) / rhythm.step
    most = MOST_FILLED if rhythm.is_regular else max(window, SLACK)
    absent = np.maximum(np.round(steps) - 1, 0)
    anew = (absent > most) if rhythm.is_regular else (steps > most)
    absent = np.where(anew | (not rhythm.is_regular), 0, absent).astype(np.int64)
    rows = np.arange(count) + np.cumsum(absent)
    whole = np.full((count + int(absent.sum()), values.shape[1]), np.nan)
    whole[rows] = values
    begins = np.zeros(len(whole), bool)
    begins[rows] = anew
    stamps = np.interp(np.arange(-1, len(whole)), np.r_[-1, rows], np.r_[last, seconds])[1:]
    stamps[rows] = seconds
    return Coming(whole, stamps, rows, begins)


def follow(forecaster: Forecaster, state: SeriesState, coming: Coming) -> Floats:
    """Take rows into a state, and return the forecast of each, NaN where there is none.

    Rows are forecast in blocks, as if all their values were usual; at the first that is not, the
    block ends. So the numbers are those of one row after the other.
    """
    first, channels = len(state.values), len(coming.values.T)
    scale, spread = forecaster.scale(state.name)[:2]
    values = np.concatenate([state.values, coming.values])
    scaled = values / scale
    if coming.seconds is not None and state.seconds is not None:
        state.seconds = np.concatenate([state.seconds, coming.seconds])
    its_ages = np.concatenate([state.ages, np.zeros(coming.values.shape)])
    runs, lags = state.runs.copy(), forecaster.rhythm.lags
    expected = np.full(values.shape, np.nan)
    largest = max(min(MOST_BLOCK, LARGEST_DESIGN // forecaster.weights[:, 0].size), 1)
    ends = np.flatnonzero(np.isnan(values).any(axis=1) | np.r_[np.zeros(first, bool), coming.anew])
    at, block = first, largest
    while at < len(values):
        is_anew = bool(coming.anew[at - first])
        before = its_ages[at - 1] if at and not is_anew else np.zeros(channels)
        stop = min(at + block, len(values))
        later = ends[np.searchsorted(ends, at, side="right") :][:1]
        if np.isnan(values[at]).any():
            stop = at + 1
        elif len(later):
            stop = min(stop, int(later[0]))
        rows = np.arange(at, stop)
        guess = _guess(forecaster, scaled, state.seconds, rows) * scale
        age = before + np.arange(len(rows))[:, None]
        ready = (age >= lags) & (rows >= lags)[:, None]
        residuals = (values[rows] - guess) / spread
        far = ready & (np.abs(residuals) > FAR)
        unusual = far.any(axis=1) | np.isnan(values[rows]).any(axis=1)
        usual = int(np.argmax(unusual)) if unusual.any() else len(rows)
        expected[at : at + usual] = np.where(ready[:usual], guess[:usual], np.nan)
        its_ages[at : at + usual] = age[:usual] + 1
        if usual:
            runs = np.zeros_like(runs)
        block = min(2 * block, largest)
        if usual < len(rows):
            row = at + usual
            expected[row] = np.where(ready[usual], guess[usual], np.nan)
            last = values[row - 1] if row else np.full(channels, np.nan)
            one = _Row(values[row], guess[usual] if row >= lags else last, last, age[usual],
                       np.where(far[usual], np.sign(residuals[usual]), 0.0))  # fmt: skip
            values[row], its_ages[row], runs = _cleaned(one, runs, forecaster.window, scale, spread)
            scaled[row] = values[row] / scale
            usual, block = usual + 1, LEAST_BLOCK
        at += usual
    state.values, state.ages, state.runs = values, its_ages, runs
    return expected[first:]


@dataclass(frozen=True)
class _Row:
    """A row that is not usual: what came, the forecast, the last row, its ages, and far sides."""

    value: Floats
    guess: Floats
    last: Floats
    age: Floats
    side: Floats


def _cleaned(
    row: _Row, runs: Floats, window: int, scale: Floats, spread: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the value of a row that lags are made from, its ages, and the runs after it."""
    missing = np.isnan(row.value)
    absent = np.where(missing, runs[0] + 1, 0.0)
    same = row.side * runs[1] > 0
    off = np.where(missing, runs[1], np.where(same, runs[1] + row.side, row.side))
    limited = (row.side != 0) & (np.abs(off) < PERSISTENT)
    value = np.where(limited, row.guess + row.side * FAR * spread, row.value)
    most = FARTHEST_FILLED * scale
    filled = np.clip(row.guess, row.last - most, row.last + most)
    filled = np.where(np.isnan(filled) | (absent > MOST_FILLED), row.last, filled)
    value = np.where(missing, filled, value)
    is_there = ~np.isnan(value) & (absent <= window)
    return value, np.where(is_there, row.age + 1, 0.0), np.stack([absent, off])


def _guess(forecaster: Forecaster, scaled: Floats, seconds: Floats | None, rows: Ints) -> Floats:
    """Return the forecasts of rows, in scales of the values."""
    features = forecaster.rhythm.features(scaled, seconds, rows)
    changes = predict(features, forecaster.weights, forecaster.intercepts)
    before = np.where((rows > 0)[:, None], scaled[np.maximum(rows - 1, 0)], np.nan)
    return np.asarray(before + changes)


def forecast(
    forecaster: Forecaster, values: Floats, seconds: Floats | None, scale: Floats
) -> Floats:
    """Return the forecasts of all rows from values as they are, NaN where there is none."""
    window, rhythm = forecaster.window, forecaster.rhythm
    scaled = carried(values, window) / scale
    since = ages(seconds, len(values), rhythm.step, window)
    many = max(LARGEST_DESIGN // forecaster.weights[:, 0].size, 1)
    rows = np.arange(len(values))
    parts = [
        _guess(forecaster, scaled, seconds, rows[start : start + many])
        for start in range(0, len(rows), many)
    ]
    ready = (since >= 1) & (rows >= rhythm.lags)
    return np.where(ready[:, None], np.concatenate(parts) * scale, np.nan)
