"""Time series row by row: what scores the rows of a stream, of one series or of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil, inf
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ....data.column_values import DATE, as_times
from ....errors import DataError
from ....lazy import LazyModule
from ...serialization import schema
from ..alarms import Reason
from ..streams.stream_scorer import ONE_ROW, RowScorer, Scored, WrongRowError
from .fitted_series import FittedSeries, continues
from .following import RUNS, SeriesState
from .forecasting import SeriesScores
from .reading import OneSeries, SeriesTable
from .residuals import AVERAGES, PARTS, combined
from .running_quantile import STATE, RunningQuantile
from .series_reasons import channel_reasons

pd = LazyModule("pandas")

Floats = NDArray[np.float64]
FIELDS = schema.fields({"names": schema.each(schema.text), "lengths": schema.each(schema.whole(0))})
INDEPENDENT = 5  # half-lives of the averages, after which 3 % of a residual are left
NO_ROWS = np.zeros(0, np.int64)


class DetectorOfSeries(Protocol):
    """What the scorer asks of a detector."""

    fitted_: Any
    time: str | None
    series: str | None

    def column_names(self) -> list[str]:
        """The names of the columns."""

    def _series_table(self, X: Any) -> SeriesTable: ...


@dataclass
class _Following:
    """A series of the stream: the state of its forecast, and the usual scores of its windows."""

    state: SeriesState
    usual: RunningQuantile | None


@dataclass(frozen=True)
class _Latest:
    """The row that was scored last, and the averages of residuals before it."""

    part: OneSeries
    scores: SeriesScores
    averages: Floats


class SeriesScorer(RowScorer):
    """Scores rows of time series as they come; each series is followed by itself.

    The scores are those of `score_samples` for all rows at once (up to rounding). A series goes on
    where the training ended if its first time is later; without times it begins anew.

    Parameters
    ----------
    detector : AnomalyDetector
        A fitted one with a window.

    Examples
    --------
    >>> import chainrule as cr
    >>> rows = np.sin(np.arange(400) / 8) + np.random.default_rng(0).normal(0, 0.05, 400)
    >>> detector = cr.AnomalyDetector(window=24, random_state=0).fit(rows[:300])
    >>> scorer = SeriesScorer(detector)
    >>> scores = [scorer.score_row(row)[0] for row in rows[300:]]
    >>> print(scores[0], round(scores[-1], 3), -detector.score_samples(rows[300:])[-1].round(3))
    None 0.324 0.324
    """

    def __init__(self, detector: DetectorOfSeries) -> None:
        self._detector = detector
        self._fitted: FittedSeries = detector.fitted_
        self.spacing = ceil(INDEPENDENT * self._fitted.forecaster.half_life)
        self._series: dict[str, _Following] = {}
        self._latest: _Latest | None = None

    def score(self, row: Any) -> Scored:
        """The anomaly score of the next row, and its residuals, in which drift shows.

        A row is an array of the channels' values where the training had no column of times or
        series; else a dict, Series or DataFrame of one row with these.
        """
        if type(row) is np.ndarray and row.dtype.kind in "fiu" and row.ndim == 1 and (
            self._detector.column_names() == list(self._fitted.forecaster.channels)
            or len(row) == 1
        ):  # fmt: skip
            return self._pushed("", np.asarray(row, np.float64), None)
        cells = self._plain_cells(row) if isinstance(row, Mapping) else None
        if cells is not None:
            return self._pushed(*cells)
        try:
            table = self._detector._series_table(_one_row(row, self._detector.column_names()))
        except (ValueError, TypeError) as error:
            raise WrongRowError(ONE_ROW.sub("", str(error))) from None
        part = table.parts[0]
        at = None if part.seconds is None else float(part.seconds[0])
        return self._pushed(part.name, part.values[0], at)

    def score_many(self, rows: Any) -> list[Scored]:
        """The same of each row; a table is read as a whole, unless one of its rows is wrong."""
        if not hasattr(rows, "columns") or not len(rows):
            return super().score_many(rows)
        try:
            table = self._detector._series_table(rows)
        except (ValueError, TypeError):
            return super().score_many(rows)  # which names the row
        cells: list[Any] = [None] * table.length
        for part in table.parts:
            seconds = [None] * len(part.rows) if part.seconds is None else part.seconds.tolist()
            for row, values, at in zip(part.rows, part.values, seconds, strict=True):
                cells[row] = (part.name, values, at)
        before, scored = self.state(), []
        try:
            for its in cells:
                scored.append(self._pushed(*its))
        except DataError as error:
            self.restore(*before)
            raise WrongRowError(str(error), len(scored)) from None
        return scored

    def score_row(
        self, row: Any, time: Any = None, series: str | None = None
    ) -> tuple[float | None, dict[str, float] | None]:
        """The anomaly score of the next row of a series, and what was expected there.

        Parameters
        ----------
        row : array (channels,) or number
            NaN where a value is missing.
        time : datetime, Timestamp or text, optional
            Where the training had times.
        series : str, optional
            The name of the series, where the training had several.

        Returns
        -------
        score : float or None
            Higher is stranger; None while the row is not ready.
        expected : dict of str to float, or None
            By channel.
        """
        at = None
        if time is not None:
            at = _seconds_of(as_times(pd.Series([time], name="time", dtype=object)).iloc[0])
            if at is None:
                raise DataError(f"time={time!r:.40}: give the time of the row")
        values = np.asarray(row, np.float64).reshape(-1)
        score, _ = self._pushed("" if series is None else str(series), values, at)
        if score is None or self._latest is None:
            return None, None
        channels = self._fitted.forecaster.channels
        return score, dict(zip(channels, self._latest.scores.expected[0].tolist(), strict=True))

    def reasons(self, row: Any, most: int) -> tuple[Reason, ...]:
        """The channels that make the row strange that was scored last."""
        if self._latest is None:
            return ()
        part, averages = self._latest.part, self._latest.averages
        forecaster = self._fitted.forecaster
        before = SeriesState(part.name, part.values[:0], None, averages, ())
        table = SeriesTable(forecaster.channels, (part,), 1, None)
        return channel_reasons(
            forecaster, table, self._latest.scores, self._fitted.ranges, lambda _: before, [0], most
        )[0]

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All that later scores depend on."""
        its = list(self._series.values())
        channels = len(self._fitted.forecaster.channels)
        description = {
            "names": list(self._series), "lengths": [len(one.state.values) for one in its],
        }  # fmt: skip
        arrays = {
            "values": np.concatenate([np.empty((0, channels)), *(one.state.values for one in its)]),
            "averages": np.array([one.state.averages for one in its]).reshape(
                -1, AVERAGES, channels
            ),
            "ages": np.concatenate([np.empty((0, channels)), *(one.state.ages for one in its)]),
            "runs": np.array([one.state.runs for one in its]).reshape(-1, RUNS, channels),
            "usual": np.array(
                [[usual.to_array() for usual in one.state.usual] for one in its]
            ).reshape(-1, PARTS, STATE),
        }
        if self._is_timed:
            seconds = [one.state.seconds for one in its if one.state.seconds is not None]
            arrays["seconds"] = np.concatenate([np.empty(0), *seconds])
        if self._fitted.usual is not None:
            usual = [one.usual.to_array() for one in its if one.usual is not None]
            arrays["windows"] = np.array(usual).reshape(-1, STATE)
        return description, arrays

    def restore(self, description: Any, arrays: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        known = FIELDS(description, "series")
        names, lengths = known["names"], known["lengths"]
        count, rows, channels = len(names), sum(lengths), len(self._fitted.forecaster.channels)
        shapes: dict[str, tuple[int, ...]] = {
            "values": (rows, channels), "averages": (count, AVERAGES, channels),
            "usual": (count, PARTS, STATE), "ages": (rows, channels),
            "runs": (count, RUNS, channels),
        }  # fmt: skip
        if self._is_timed:
            shapes["seconds"] = (rows,)
        if self._fitted.usual is not None:
            shapes["windows"] = (count, STATE)
        if len(set(names)) < count or len(lengths) != count or arrays.keys() != shapes.keys():
            raise damaged("series does not fit the detector")
        for name, shape in shapes.items():
            array = arrays[name]
            if array.dtype != np.float64 or array.shape != shape:
                raise damaged(f"series.{name} is {array.dtype}{list(array.shape)}")
            wrong = np.isinf(array) if name == "values" else ~np.isfinite(array)
            if wrong.any():
                raise damaged(f"series.{name} has a number that is not finite")
        series, end = {}, 0
        for k, (name, length) in enumerate(zip(names, lengths, strict=True)):
            its = slice(end, end + length)
            end += length
            seconds = arrays["seconds"][its].copy() if self._is_timed else None
            if seconds is not None and (np.diff(seconds) <= 0).any():
                raise damaged("series.seconds has a time that is not later than the one before it")
            usual = tuple(RunningQuantile.from_array(one) for one in arrays["usual"][k])
            state = SeriesState(
                name, arrays["values"][its].copy(), seconds, arrays["averages"][k].copy(), usual,
                arrays["ages"][its].copy(), arrays["runs"][k].copy(),
            )  # fmt: skip
            windows = arrays.get("windows")
            series[name] = _Following(
                state, None if windows is None else RunningQuantile.from_array(windows[k])
            )
        self._series, self._latest = series, None

    @property
    def _is_timed(self) -> bool:
        return self._fitted.forecaster.rhythm.step is not None

    def _plain_cells(self, row: Mapping[str, Any]) -> tuple[str, Floats, float | None] | None:
        """Series, values and time of a row of plain cells; None for one to read as a table."""
        time, series = self._detector.time, self._detector.series
        if row.keys() != set(self._detector.column_names()):
            return None
        values = [row[name] for name in self._fitted.forecaster.channels]
        if not all(isinstance(value, (int, float)) and abs(value) < inf for value in values):
            return None
        name = "" if series is None else row[series]
        if not isinstance(name, str) or name != name.strip() or (series and not name):
            return None
        at = None if time is None else _seconds_of(row[time])
        if (at is None) != (time is None):
            return None
        return name, np.array(values, np.float64), at

    def _pushed(self, name: str, values: Floats, at: float | None) -> Scored:
        """Take in a row, and return its score and residuals."""
        forecaster, windows = self._fitted.forecaster, self._fitted.windows
        following = self._series.get(name)
        if following is None:
            seconds = None if at is None else np.array([at])
            part = OneSeries(name, NO_ROWS, values[None], seconds)
            usual = self._fitted.usual
            following = _Following(
                forecaster.state(name, continues(forecaster, part)),
                None if usual is None else usual.copy(),
            )
        averages = following.state.averages
        window, scores = forecaster.push(following.state, values, at)
        self._series[name] = following
        part = OneSeries(name, np.zeros(1, np.int64), values[None], None)
        self._latest = _Latest(part, scores, averages)
        score = float(scores.score[0])
        if windows is not None and following.usual is not None:
            strange = np.nan
            if window is not None:
                strange = following.usual.push(float(windows.scores(window[None])[0]))
            score = float(combined(scores.parts, np.array([strange]))[0])
        if score != score:
            return None, None
        return score, scores.residuals[0]


def _seconds_of(time: Any) -> float | None:
    """The seconds of a time from 1970 in UTC; None for what is none, or written otherwise."""
    is_text = isinstance(time, str) and DATE.fullmatch(time.strip()) is not None
    if not is_text and not isinstance(time, (datetime, np.datetime64)):
        return None
    try:
        moment = pd.Timestamp(time)
    except ValueError:
        return None
    if moment is pd.NaT:
        return None
    moment = moment.tz_localize("UTC") if moment.tz is None else moment
    return float((moment - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1))


def _one_row(row: Any, names: list[str]) -> Any:
    """A row as a table."""
    if hasattr(row, "columns"):
        if len(row) != 1:
            raise WrongRowError(
                f"a table of {len(row)} rows came: give one row, or all to update_many"
            )
        return row
    if hasattr(row, "to_dict") and hasattr(row, "index"):  # a Series of pandas
        frame = pd.DataFrame([row.tolist()], columns=[str(name) for name in row.index])
        if isinstance(row.name, (pd.Timestamp, pd.Period)):
            return frame.set_axis(pd.Index([row.name]))
        return frame
    if isinstance(row, Mapping):
        return pd.DataFrame({str(name): [value] for name, value in row.items()})
    cells = np.atleast_1d(np.asarray(row, object)).reshape(-1).tolist()
    if len(cells) != len(names):
        raise WrongRowError(f"{len(cells)} cells came, and there are {len(names)} columns")
    return pd.DataFrame({name: [value] for name, value in zip(names, cells, strict=True)})
