"""What `AnomalyDetector` does with time series, where that is not what it does with tables."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ...data.column_values import as_times
from ...errors import DataError, warn_user
from ...lazy import LazyModule
from ..inputs.tables import ReadsTables, named_columns
from .alarms import Alarms
from .series.fitted_series import FittedSeries, JudgedSeries, learn_series
from .series.reading import SeriesTable, as_frame, read_series
from .series.series_stream import SeriesScorer
from .settings import SERIES_METHODS, DetectorSettings
from .streams.stream import StreamMixin
from .streams.stream_scorer import RowScorer
from .thresholds.calibration import FewRowsWarning

pd = LazyModule("pandas")

Floats = NDArray[np.float64]


class SeriesMethods(StreamMixin, ReadsTables, DetectorSettings):
    """Methods that the detector calls where `window` is set."""

    fitted_: Any
    history_: dict[str, list[dict[str, float]]]
    offset_: float

    def _threads(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def _fit_series(self, X: Any, anomalies: Any, rate: float) -> Self:
        """Learn from time series."""
        table = self._series_table(X, reset=True)
        normal, _ = split_known(anomalies, table.length)
        known = np.ones(table.length, bool)
        known[normal] = False
        rng = check_random_state(self.random_state)
        with self._threads():
            self.fitted_, self.history_ = learn_series(
                self, SERIES_METHODS[self.method], table, known, rate, rng
            )
        self.offset_ = -self.fitted_.calibration.threshold(rate)
        return self

    def _series_table(self, X: Any, reset: bool = False) -> SeriesTable:
        """The rows as series, with the channels of the training."""
        if reset:
            self.__dict__.pop("fitted_", None)
        else:
            check_is_fitted(self, "fitted_")
        frame = series_frame(X)
        checked = frame if hasattr(X, "columns") else frame.to_numpy()
        if not reset and checked is frame:
            frame = checked = self._in_order(frame)
        validate_data(self, checked, skip_check_array=True, reset=reset)
        if not len(frame):
            raise DataError("0 sample(s): the series have no rows")
        channels = None if reset else self.fitted_.forecaster.channels
        return read_series(frame, self.time, self.series, channels)

    def _judged_series(self, X: Any) -> JudgedSeries:
        """The rows as series, judged."""
        table = self._series_table(X)
        with self._threads():
            return JudgedSeries(table, self.fitted_.judge(table))

    def _series_thresholds(self, judged: JudgedSeries, rate: float | None = None) -> Floats:
        """The `score_samples` below which each row is an alarm; a warning if rows have none."""
        fitted: FittedSeries = self.fitted_
        chosen = fitted.rate if rate is None else rate
        thresholds, scores = -fitted.thresholds(judged, chosen), judged.scores.score
        missing = int(np.isnan(scores).sum())
        if missing:
            warn_user(
                f"{missing} of {len(scores)} rows have no score and count as normal: too few rows "
                f"come before them (window={self.window}), or their values are missing",
                FewRowsWarning,
            )
        return thresholds

    def _series_alarms(self, X: Any, judged: JudgedSeries, rows: Any, most: int) -> Alarms:
        """Some rows with the channels that cause their scores."""
        labels = row_labels(series_frame(X), self.time)
        with self._threads():
            return self.fitted_.alarms(  # type: ignore[no-any-return]
                judged, rows, labels, most
            )

    def _row_scorer(self) -> RowScorer:
        return super()._row_scorer() if self.window is None else SeriesScorer(self)


def series_frame(X: Any) -> Any:
    """Time series of any form as a DataFrame, whose columns have texts as names.

    Examples
    --------
    >>> series_frame([1.0, 2.0]).columns.tolist(), series_frame(np.zeros((2, 2))).columns.tolist()
    (['value'], ['value0', 'value1'])
    """
    if hasattr(X, "columns"):
        return named_columns(X if isinstance(X, pd.DataFrame) else X.to_pandas())
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    return as_frame(X)


def row_labels(frame: Any, time: str | None) -> Any:
    """The times of rows as they are written, or else their labels in the index."""
    if time is None:
        return frame.index
    column = frame[time]
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(
        column.dtype, pd.PeriodDtype
    ):
        return pd.Index(column)
    return pd.Index(as_times(column).dt.tz_localize(None))


def split_known(anomalies: Any, count: int) -> tuple[Any, Any]:
    """The places of normal rows and of known anomalies; None if there are none of these."""
    if anomalies is None:
        return np.arange(count), None
    mask = np.asarray(anomalies)
    if mask.shape != (count,):
        raise DataError(
            f"anomalies has shape {mask.shape}: give one truth value for each of the {count} rows"
        )
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise DataError("anomalies holds other values than True and False: give a mask of rows")
    mask = mask.astype(bool)
    return np.flatnonzero(~mask), np.flatnonzero(mask) if mask.any() else None
