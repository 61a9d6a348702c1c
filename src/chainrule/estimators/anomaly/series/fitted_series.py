"""A fitted detector of time series as one value: from series to scores, thresholds and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError, UnsupportedError
from ..alarms import Alarm, Alarms
from ..settings import CALIBRATION_SHARE, DetectorSettings
from ..tables.contamination import without_suspects
from ..tables.fitted import FittedDetector, History
from ..tables.reasons import RANGE
from .following import SeriesState
from .forecasting import LAGS, MEMORY, USUAL, SeriesForecaster, SeriesScores
from .reading import OneSeries, SeriesTable
from .residuals import combined
from .running_quantile import RunningQuantile
from .series_calibration import SeriesCalibration
from .series_reasons import channel_reasons
from .window_members import MOST_FEATURES, LearnedWindows, learn_windows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SeriesColumns:
    """The names of the channels, one for each feature."""

    labels: list[str]

    def owners(self) -> list[int]:
        """The channel of each feature."""
        return list(range(len(self.labels)))


@dataclass(frozen=True)
class JudgedSeries:
    """Rows of time series, and what the detector makes of them."""

    table: SeriesTable
    scores: SeriesScores


@dataclass
class FittedSeries:
    """All that a detector has learned of time series.

    Attributes
    ----------
    forecaster : SeriesForecaster
        Of the whole training.
    windows : FittedDetector or None
        The members that judge the last values of each row; None with the forecast alone.
    usual : RunningQuantile or None
        What the scores of windows were in the training.
    calibration : SeriesCalibration
    ranges : array of float64, shape (channels, 2)
        Between them are 99 of 100 residuals of the held-out rows.
    features : array of float32, shape (rows, channels)
        Residuals of held-out rows, to see drift by.
    rate : float
        Of false alarms, by default.
    """

    forecaster: SeriesForecaster
    windows: FittedDetector | None
    usual: RunningQuantile | None
    calibration: SeriesCalibration
    ranges: Floats
    features: Any
    rate: float

    is_numeric = False  # a row alone has no score

    @property
    def columns(self) -> SeriesColumns:
        """The channels, each of which has a residual among the features."""
        return SeriesColumns(list(self.forecaster.channels))

    def begin(self, part: OneSeries) -> SeriesState:
        """Return the state before the rows of a series."""
        return self.forecaster.state(part.name, continues(self.forecaster, part))

    def judge(self, table: SeriesTable) -> SeriesScores:
        """Return the scores of rows, joined with those of their windows, in the table's order."""
        scores = self.forecaster.score(table)
        if self.windows is None or self.usual is None or not table.length:
            return scores
        rows, ready = self.forecaster.windows(table)
        strange = np.full(table.length, np.nan)
        if ready.any():
            strange[ready] = self.windows.scores(rows[ready])
        for part in table.parts:
            strange[part.rows] = self.usual.copy().divide(strange[part.rows])
        return replace(scores, score=combined(scores.parts, strange))

    def scores(self, judged: JudgedSeries) -> Floats:
        """The anomaly score of each row: higher is stranger, NaN where not ready."""
        return judged.scores.score

    def thresholds(self, judged: JudgedSeries, rate: float) -> Floats:
        """The anomaly score above which each row is an alarm, by those before it."""
        series = (part.rows for part in judged.table.parts)
        return self.calibration.thresholds(series, judged.scores.score, rate)

    def alarms(self, judged: JudgedSeries, rows: Any, labels: Any, most: int) -> Alarms:
        """Some rows as alarms, with the channels that cause them."""
        table, scores = judged.table, judged.scores
        reasons = channel_reasons(
            self.forecaster, table, scores, self.ranges, self.begin, rows, most
        )
        places = {
            int(row): (part.name, step)
            for part in table.parts for step, row in enumerate(part.rows)
        }  # fmt: skip
        p_values = self.calibration.p_values(scores.score[rows])
        alarms = [
            Alarm(int(row), labels[row], -score, float(p), its, *places[int(row)])
            for row, score, p, its in zip(
                rows, scores.score[rows].tolist(), p_values, reasons, strict=True
            )
        ]
        return Alarms(tuple(alarms), table.length, in_time=True)

    def attributions(self, judged: JudgedSeries, steps: int) -> NoReturn:
        """Raise an `UnsupportedError`."""
        raise UnsupportedError(
            "attributions belong to rows of a table; a row of a time series is judged by its "
            "forecast: explain() tells the share of each channel"
        )

    def summary(self) -> str:
        """What the detector consists of, in words."""
        forecaster, rhythm = self.forecaster, self.forecaster.rhythm
        parts = [f"{rhythm.lags} values before"]
        unit = 1.0 if rhythm.step is None else rhythm.step
        parts += [f"the value {round(period / unit)} rows before" for period in rhythm.periods]
        calendar = [name for name, its in (("day", rhythm.daily), ("week", rhythm.weekly)) if its]
        parts += [f"the time of the {name}" for name in calendar]
        several = len(forecaster.names)
        of = f" of {several} series" if several > 1 else ""
        many = len(forecaster.channels)
        channels = f" of {many} channels" if many > 1 else ""
        beside = "" if self.windows is None else (
            f"; beside it, windows of {forecaster.window} rows by "
            + self.windows.summary().partition("; calibrated")[0]
        )  # fmt: skip
        return (
            f"forecast{channels}{of} from {', '.join(parts)}; residuals averaged with a half-life "
            f"of {forecaster.half_life:g} rows{beside}; calibrated on "
            f"{len(self.calibration.scores)} held-out rows"
        )


def continues(forecaster: SeriesForecaster, part: OneSeries) -> bool:
    """Whether rows go on where a training ended: by their stamps, and not without any."""
    if part.name not in forecaster.names or part.seconds is None or not len(part.seconds):
        return False
    before = forecaster.states[forecaster.names.index(part.name)].seconds
    return before is not None and bool(part.seconds[0] > before[-1])


def learn_series(
    settings: DetectorSettings,
    methods: Sequence[str],
    table: SeriesTable,
    anomalies: Flags,
    rate: float,
    rng: Any,
) -> tuple[FittedSeries, History]:
    """Learn a detector from series.

    The end of each series is held out from a first forecast and from the members of windows; their
    scores of it calibrate. Then the forecast is learned again from all rows. Series with too few
    rows are left out.

    Parameters
    ----------
    settings : DetectorSettings
    methods : sequence of str
        Members that judge windows, beside the forecast.
    table : SeriesTable
    anomalies : array of bool, shape (rows,)
        Rows that are taken as missing values.
    rate : float
        Of false alarms.
    rng : numpy.random.RandomState

    Raises
    ------
    DataError
        If all series are too short, or hold too few values.
    """
    window = int(settings.window or 0)
    fraction = settings.calibration_fraction or CALIBRATION_SHARE
    table = _long_enough(without_rows(table, anomalies), window, fraction)
    if settings.contamination == "auto":
        table = without_rows(table, _suspects(settings, table, window))
    lags = min(LAGS, window)
    ends = [_first_rows(len(part.rows), fraction) for part in table.parts]
    early = SeriesForecaster.learn(_beginning(table, ends), window, lags)
    forecaster = SeriesForecaster.learn(table, window, lags)
    usual, learned, history = None, None, {}
    strange = [np.full(len(part.rows), np.nan) for part in table.parts]
    if methods:
        learned = _members(settings, methods, forecaster, table, ends, rng)
        usual, history, strange = learned.usual, learned.history, learned.relative
    first, last, residuals = [], [], []
    for part, end, its in zip(table.parts, ends, strange, strict=True):
        seconds = (None, None) if part.seconds is None else np.split(part.seconds, [end])
        before = early.state(part.name, continues=False)
        known = early.advance(before, part.values[:end], seconds[0])
        held_out = early.advance(early.state(part.name), part.values[end:], seconds[1])
        joined = its if methods else None
        first.append(combined(known.parts, None if joined is None else joined[:end]))
        last.append(combined(held_out.parts, None if joined is None else joined[end:]))
        residuals.append(held_out.residuals)
    scores, errors = np.concatenate(last), np.concatenate(residuals)
    ready = np.isfinite(scores)
    past = _interleaved([np.concatenate(pair) for pair in zip(first, last, strict=True)])
    if ready.sum() < 2 or len(past) < 2:
        raise DataError(
            f"only {int(ready.sum())} of the {len(scores)} rows that are held out at the end can "
            "be scored: give more rows with values"
        )
    fitted = FittedSeries(
        forecaster, None if learned is None else learned.fitted, usual,
        SeriesCalibration(scores[ready], past), _ranges(errors[ready]),
        np.nan_to_num(errors[ready][:MOST_FEATURES]).astype(np.float32), rate,
    )  # fmt: skip
    return fitted, history


def without_rows(table: SeriesTable, anomalies: Flags) -> SeriesTable:
    """Return series in which all values of some rows are missing."""
    if not anomalies.any():
        return table
    parts = [
        replace(part, values=np.where(anomalies[part.rows][:, None], np.nan, part.values))
        for part in table.parts
    ]
    return replace(table, parts=tuple(parts))


def _first_rows(rows: int, fraction: float) -> int:
    """Return how many rows of a series are not held out."""
    return rows - min(max(1, round(rows * fraction)), rows - 1)


def _long_enough(table: SeriesTable, window: int, fraction: float) -> SeriesTable:
    """Leave out series that are shorter than the window, and refuse if all of them are."""
    least = window + 1
    parts = [part for part in table.parts if _first_rows(len(part.rows), fraction) >= least]
    if not parts:
        longest = max((len(part.rows) for part in table.parts), default=0)
        about = max(int(least / (1 - fraction)) - 2, least)
        enough = next(rows for rows in count(about) if _first_rows(rows, fraction) >= least)
        raise DataError(
            f"n_samples={longest} in the longest series, of which {fraction:.0%} are held out: "
            f"window={window} needs {enough} rows at least; give more, or a smaller window"
        )
    if all(np.isnan(part.values).all() for part in parts):
        raise DataError("all values of the series are missing: there is nothing to learn from")
    return replace(table, parts=tuple(parts))


def _beginning(table: SeriesTable, ends: list[int]) -> SeriesTable:
    """Return the rows of each series before the held-out ones."""
    parts = [
        OneSeries(part.name, part.rows[:end], part.values[:end],
                  None if part.seconds is None else part.seconds[:end])
        for part, end in zip(table.parts, ends, strict=True)
    ]  # fmt: skip
    return replace(table, parts=tuple(parts))


def _suspects(settings: DetectorSettings, table: SeriesTable, window: int) -> Flags:
    """Return which rows of a contaminated training are off their forecast far beyond the others."""
    forecaster = SeriesForecaster.learn(table, window, min(LAGS, window))
    flags = np.zeros(table.length, bool)
    for part in table.parts:
        state = forecaster.state(part.name, continues=False)
        residuals = np.abs(forecaster.advance(state, part.values, part.seconds).residuals)
        ready = ~np.isnan(residuals).all(axis=1)
        sizes = np.nanmax(residuals[ready], axis=1, initial=0.0)
        flags[part.rows[ready]] = ~without_suspects(settings, sizes)
    return flags


def _members(
    settings: DetectorSettings, methods: Sequence[str], forecaster: SeriesForecaster,
    table: SeriesTable, ends: list[int], rng: Any,
) -> LearnedWindows:  # fmt: skip
    """Learn from the windows before the held-out rows."""
    windows, ready = forecaster.windows(table, continues=False)
    learned = [part.rows[:end] for part, end in zip(table.parts, ends, strict=True)]
    held_out = [part.rows[end:] for part, end in zip(table.parts, ends, strict=True)]
    return learn_windows(
        settings, methods, forecaster.channels, windows, ready, learned, held_out, (USUAL, MEMORY),
        rng,
    )  # fmt: skip


def _interleaved(parts: list[Floats]) -> Floats:
    """Return the finite scores of several series, in the order of their shares of the time."""
    at = np.concatenate([np.arange(len(part)) / max(len(part), 1) for part in parts])
    scores = np.concatenate(parts)[np.argsort(at, kind="stable")]
    return scores[np.isfinite(scores)]


def _ranges(residuals: Floats) -> Floats:
    """Return the quantiles of the residuals of each channel, (channels, 2)."""
    ends = []
    for column in residuals.T:
        known = column[np.isfinite(column)]
        ends.append(np.quantile(known, RANGE) if len(known) else np.zeros(2))
    return np.array(ends)
