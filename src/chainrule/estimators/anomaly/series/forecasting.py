"""Time series against their forecast: ridge regression, and how unusual its residuals are.

A value is forecast from the differences of those before it, of those a day, a week or another
period ago, and from the calendar. Residuals are averaged over a quarter of a window, with their
sign, which shows slow faults, and without, which shows restless ones; a single one must be larger.
All are divided by the quantile of what they were so far. What a forecast looks back to has neither
spikes nor holes (`following`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from .following import RUNS, SeriesState, follow, forecast, with_absent
from .reading import OneSeries, SeriesTable, ages, carried, centred, duration, usual_scale
from .residuals import AVERAGED, AVERAGES, combined, part_sizes, running_averages
from .rhythm import Rhythm, find_rhythm
from .ridge import ridge
from .running_quantile import RunningQuantile

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

LAGS = 24
USUAL = 0.99  # of the scores so far are below 1
MEMORY = 20_000.0  # rows after which a score counts half in that quantile
SCALES = 4  # of values, residuals, and both averages
LARGEST_DESIGN = 20_000_000  # numbers that are worked on at a time
OTHER_STEP = 1.5  # times as long, or as short, is not that of the training;
MANY_STEPS = 8  # long ones may be gaps if they are fewer


@dataclass(frozen=True, eq=False)
class SeriesScores:
    """How unusual some rows are.

    Attributes
    ----------
    score : array (n,)
        The mean of the first two parts, or half the third if that is more: up to about 1 is usual,
        and an alarm from about 1.5 on. NaN where not ready.
    ready : array (n,) of bool
        False for the first rows of a series, the first after a long gap, and missing values.
    expected : array (n, channels)
        The forecasts from the rows before, NaN where there is none.
    residuals : array (n, channels)
        What came less what was expected, in robust scales of the training.
    parts : array (n, 3)
        The averages of residuals with their sign, those of their sizes, and their sizes: each the
        largest of its channels, by the 0.99 quantile of what it was so far.
    """

    score: Floats
    ready: Flags
    expected: Floats
    residuals: Floats
    parts: Floats


@dataclass(frozen=True, eq=False)
class SeriesForecaster:
    """A forecast of each channel, and the usual sizes of its errors in each series.

    Attributes
    ----------
    channels, names : tuple of str
        Of the training's table and its series.
    window : int
    rhythm : Rhythm
    weights : array (channels, 3, features)
        Means and scales of the features, and the coefficients.
    intercepts : array (channels,)
    scales : array (series, 4, channels)
        Of the values, the residuals, and the two averages.
    states : tuple of SeriesState
        Each series at the end of the training.

    Examples
    --------
    >>> from chainrule.estimators.anomaly.series.reading import read_series
    >>> rows = np.arange(1200)
    >>> load = np.sin(2 * np.pi * rows / 50) + np.random.default_rng(0).normal(0, 0.1, 1200)
    >>> load[1000] += 2
    >>> forecaster = SeriesForecaster.learn(read_series(load[:800]), window=48)
    >>> forecaster.rhythm.periods
    (50.0,)
    >>> scores = forecaster.score(read_series(load[800:]), continues=True)
    >>> int(np.nanargmax(scores.score)), round(float(np.nanmax(scores.score)), 1)
    (200, 2.3)
    """

    channels: tuple[str, ...]
    names: tuple[str, ...]
    window: int
    rhythm: Rhythm
    weights: Floats
    intercepts: Floats
    scales: Floats
    states: tuple[SeriesState, ...]

    @classmethod
    def learn(cls, table: SeriesTable, window: int = 48, lags: int = LAGS) -> SeriesForecaster:
        """Learn to forecast the series of a table.

        Raises
        ------
        DataError
            If no series has more rows than a window and the lags.
        """
        least = max(window, lags) + 1
        longest = max((len(part.values) for part in table.parts), default=0)
        if longest < least:
            raise DataError(
                f"the longest series has {longest} rows: give {least} at least, or a smaller window"
            )
        seconds = [part.seconds for part in table.parts]
        rhythm = find_rhythm(lags, [part.values for part in table.parts], seconds, table.step)
        scales = np.ones((len(table.parts), SCALES, len(table.channels)))
        scales[:, 0] = [usual_scale(part.values) for part in table.parts]
        weights, intercepts = _fit(table, window, rhythm, scales[:, 0])
        names = tuple(part.name for part in table.parts)
        fitted = cls(table.channels, names, window, rhythm, weights, intercepts, scales, ())
        states = [_usual_state(fitted, part, k) for k, part in enumerate(table.parts)]
        return replace(fitted, states=tuple(states))  # which entered the other scales

    @property
    def half_life(self) -> float:
        """Rows after which a residual counts half in the averages."""
        return self.window / 4

    def scale(self, name: str) -> Floats:
        """Return the scales (4, channels) of a series, medians if the training had none such."""
        if name in self.names:
            return np.asarray(self.scales[self.names.index(name)])
        return np.asarray(np.median(self.scales, axis=0))

    def state(self, name: str = "", continues: bool = True) -> SeriesState:
        """Return the state of a series as the training left it, to be advanced by `push`.

        One that the training had not, or that does not continue it, has no rows before.
        """
        known = name in self.names
        at_end = self.states[self.names.index(name) if known else 0]
        usual = tuple(one.copy() for one in at_end.usual)
        if known and continues:
            return SeriesState(
                name, at_end.values, at_end.seconds, at_end.averages, usual, at_end.ages,
                at_end.runs,
            )  # fmt: skip
        averages = np.array([[0.0], [1.0]]) * self.scale(name)[2:]
        seconds = None if at_end.seconds is None else at_end.seconds[:0]
        runs = np.zeros((RUNS, len(self.channels)))
        return SeriesState(name, at_end.values[:0], seconds, averages, usual, at_end.ages[:0], runs)

    def score(self, table: SeriesTable, continues: bool | None = None) -> SeriesScores:
        """Return how unusual each row is, seen from the rows before it.

        Parameters
        ----------
        table : SeriesTable
        continues : bool, optional
            Whether the table goes on where the training ended; by default where its first stamp is
            later than the training's last.
        """
        self._check(table)
        results = []
        for part in table.parts:
            state = self.state(part.name, self._follows(part) if continues is None else continues)
            results.append(self.advance(state, part.values, part.seconds))
        if not results:
            return self.advance(
                self.state(continues=False), np.empty((0, len(self.channels))), None
            )
        order = np.argsort(np.concatenate([part.rows for part in table.parts]))
        return SeriesScores(
            *(
                np.concatenate([getattr(result, field) for result in results])[order]
                for field in ("score", "ready", "expected", "residuals", "parts")
            )
        )

    def windows(self, table: SeriesTable, continues: bool | None = None) -> tuple[Floats, Flags]:
        """Return the last values at each row and whether they are ready, without spikes and holes.

        A row of the first, (n, window * channels), holds the oldest values first, about their
        mean and in scales of the values; 0 where not ready. Where the table goes on where the
        training ended, windows reach back into it.
        """
        self._check(table)
        result = np.zeros((table.length, self.window * len(self.channels)))
        ready = np.zeros(table.length, bool)
        for part in table.parts:
            state = self.state(part.name, self._follows(part) if continues is None else continues)
            _, rows = self._follow(state, part.values, part.seconds)
            before = np.full((self.window - 1, len(self.channels)), np.nan)
            values = np.concatenate([before, state.values])
            sliding = np.lib.stride_tricks.sliding_window_view(values, self.window, axis=0)
            its_ready = state.ages[rows].min(axis=1) >= self.window
            where = part.rows[its_ready]
            chosen = sliding[rows[its_ready]].transpose(0, 2, 1)
            result[where] = centred(chosen, self.scale(part.name)[0])
            ready[where] = True
        return result, ready

    def push(
        self, state: SeriesState, row: Floats, seconds: float | None = None
    ) -> tuple[Floats | None, SeriesScores]:
        """Advance a state by one row; return its window, None where not ready, and its scores.

        The numbers are those of `windows` and `score` for all rows at once.

        Parameters
        ----------
        state : SeriesState
        row : array (channels,)
            NaN where missing.
        seconds : float, optional
            Its stamp, from 1970 in UTC, where the training had some.

        Raises
        ------
        DataError
            For another number of values, an infinite one, or a stamp that is not later.
        """
        values = np.asarray(row, np.float64).reshape(1, -1)
        if values.shape[1] != len(self.channels) or np.isinf(values).any():
            raise DataError(
                f"a row is {values[0].tolist()}: give {len(self.channels)} finite numbers, or NaN "
                "where one is missing"
            )
        at = None if seconds is None else np.array([seconds], np.float64)
        scores = self.advance(state, values, at)
        return self._last_window(state), scores

    def _last_window(self, state: SeriesState) -> Floats | None:
        if len(state.values) < self.window or state.ages[-1].min() < self.window:
            return None
        last = state.values[-self.window :]
        return np.asarray(centred(last[None], self.scale(state.name)[0])[0])

    def advance(self, state: SeriesState, values: Floats, seconds: Floats | None) -> SeriesScores:
        """Return the scores of the next rows of a series, and take them into its state."""
        if len(values) and (seconds is None) != (self.rhythm.step is None):
            some, none = ("the training", "these rows") if seconds is None else (
                "these rows", "the training"
            )  # fmt: skip
            raise DataError(f"{some} have times, {none} have none: give both or neither")
        scales = self.scale(state.name)
        expected, _ = self._follow(state, values, seconds)
        residuals = (values - expected) / scales[1]
        averages = running_averages(residuals, state.averages, self.half_life)
        if len(averages):
            state.averages = averages[-1]
        sizes = part_sizes(residuals, averages, scales[2:])
        quantiles = zip(state.usual, sizes.T, strict=True)
        parts = np.stack([usual.divide(size) for usual, size in quantiles], axis=1)
        self.forget(state)
        score = combined(parts)
        return SeriesScores(score, ~np.isnan(score), expected, residuals, parts)

    def _follow(
        self, state: SeriesState, values: Floats, seconds: Floats | None
    ) -> tuple[Floats, Ints]:
        """Take rows into a state; return their forecasts, and where they stand in it."""
        if seconds is not None and state.seconds is not None:
            later = np.concatenate([state.seconds[-1:], seconds])
            if (np.diff(later) <= 0).any():
                raise DataError(
                    "a time is not later than that of the row before it: give rows in their order"
                )
        coming = with_absent(self.rhythm, self.window, state.seconds, values, seconds)
        first = len(state.values)
        expected = follow(self, state, coming)
        return expected[coming.rows], first + coming.rows

    def forget(self, state: SeriesState) -> None:
        """Drop the rows of a state that no forecast and no window looks back to."""
        least = 2 * self.window + self.rhythm.lags + 1
        first = len(state.values) - least
        if state.seconds is None or self.rhythm.step is None:
            first = min(first, len(state.values) - int(self.rhythm.reach) - self.window)
        elif len(state.seconds):
            oldest = state.seconds[-1] - self.rhythm.reach - 2 * self.rhythm.step
            first = min(first, int(np.searchsorted(state.seconds, oldest)) - self.window)
        if first > 0:
            state.values = state.values[first:].copy()
            state.ages = state.ages[first:].copy()
            state.seconds = None if state.seconds is None else state.seconds[first:].copy()

    def _check(self, table: SeriesTable) -> None:
        """Refuse a table of other channels, or of another step."""
        if table.channels != self.channels:
            raise DataError(
                f"the channels are {', '.join(table.channels)}, those of the training were "
                f"{', '.join(self.channels)}: give the same, in the same order"
            )
        step, its = self.rhythm.step, table.step
        if step is None or its is None or not self.rhythm.is_regular:
            return
        count = table.length - len(table.parts)
        if its < step / OTHER_STEP or (its > OTHER_STEP * step and count >= MANY_STEPS):
            raise DataError(
                f"the rows are {duration(its)} apart, those of the training were {duration(step)} "
                "apart: give rows of the same step (resample them), or train on such rows"
            )

    def _follows(self, part: OneSeries) -> bool:
        if part.name not in self.names or part.seconds is None or not len(part.seconds):
            return False
        before = self.states[self.names.index(part.name)].seconds
        return before is not None and bool(part.seconds[0] > before[-1])


def _fit(table: SeriesTable, window: int, rhythm: Rhythm, scales: Floats) -> tuple[Floats, Floats]:
    """Return the weights and intercepts of a regression for each channel, on all series."""
    designs, targets = [], []
    total = sum(len(part.values) for part in table.parts)
    for part, scale in zip(table.parts, scales, strict=True):
        filled = carried(part.values, window) / scale
        rows = np.flatnonzero(ages(part.seconds, len(filled), table.step, window) >= 1)
        width = rhythm.features(filled, part.seconds, rows[:1]).shape[2]
        every = 1 + total * width * len(table.channels) // LARGEST_DESIGN
        rows = rows[::every]
        designs.append(rhythm.features(filled, part.seconds, rows))
        targets.append(part.values[rows] / scale - filled[rows - 1])
    features, changes = np.concatenate(designs, axis=1), np.concatenate(targets)
    fits = [ridge(features[k], changes[:, k]) for k in range(len(table.channels))]
    return np.stack([weights for weights, _ in fits]), np.array([first for _, first in fits])


def _usual_state(fitted: SeriesForecaster, part: OneSeries, k: int) -> SeriesState:
    """Enter the scales of a series of the training, and return its state at the end."""
    scales, channels = fitted.scales[k], len(fitted.channels)
    first = np.zeros((AVERAGES, channels))
    nothing = np.empty((0, channels))
    seconds = None if part.seconds is None else part.seconds[:0]
    runs = np.zeros((RUNS, channels))
    state = SeriesState(part.name, nothing, seconds, first, (), nothing, runs)
    scales[1] = usual_scale(part.values - forecast(fitted, part.values, part.seconds, scales[0]))
    expected, _ = fitted._follow(state, part.values, part.seconds)
    residuals = (part.values - expected) / scales[1]
    known = np.isfinite(residuals)
    size = np.where(known, np.minimum(np.abs(residuals), AVERAGED), 0.0)
    usual_size = size.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    first[1] = np.where(usual_size > 0, usual_size, 1.0)
    averages = running_averages(residuals, first, fitted.half_life)
    scales[2] = usual_scale(np.where(known, averages[:, 0], np.nan))
    scales[3] = first[1]
    state.averages = averages[-1]
    sizes = part_sizes(residuals, averages, scales[2:])
    state.usual = tuple(RunningQuantile.learn(size, USUAL, MEMORY) for size in sizes.T)
    fitted.forget(state)
    return state
