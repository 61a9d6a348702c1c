"""Streams: rows are judged one at a time, and the threshold and the drift monitor learn of them."""

from __future__ import annotations

from bisect import bisect_left
from math import nan
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ....container import checked_path, read, write
from ....errors import DataError, ModelFileError
from ..alarms import Reason
from ..settings import FALSE_ALARM_RATE
from ..thresholds.online_threshold import OnlineThreshold
from .stream_drift import PATIENCE, RECENT, DriftWatch, StreamDrift
from .stream_file import StreamState, detector_digest, stream_from_bytes, stream_to_bytes
from .stream_scorer import RowScorer, TableScorer, single_rows

Floats = NDArray[np.float64]

N_REASONS = 3
FEWEST = 2  # scores that a stream can begin with


class StreamResult(NamedTuple):
    """What a stream tells of a row.

    Attributes
    ----------
    row : int
        Its number in the stream, from 0.
    score : float
        As `AnomalyDetector.score_samples` gives it: higher is more normal. NaN where a time series
        has too few rows yet.
    p_value : float
        The share of the rows that the stream began with which are at least as strange.
    is_alarm : bool
        Whether the score is below the threshold.
    threshold : float
        With which the row was judged.
    drifted : bool
        Whether a drift is reported with this row.
    reasons : tuple of Reason
        Of an alarm, in a stream that was asked for reasons.
    """

    row: int
    score: float
    p_value: float
    is_alarm: bool
    threshold: float
    drifted: bool
    reasons: tuple[Reason, ...] = ()


class StreamResults(NamedTuple):
    """What a stream tells of the rows of a batch: arrays of what `StreamResult` has of each."""

    row: Any
    score: Any
    p_value: Any
    is_alarm: Any
    threshold: Any
    drifted: Any
    reasons: tuple[tuple[Reason, ...], ...]


class Stream:
    """Judges the rows of a stream as they come; `AnomalyDetector.stream` makes it.

    Two threads may use one stream: a lock lets in one at a time.

    Attributes
    ----------
    n_seen, n_alarms : int
        Rows since the start, and alarms among them.
    false_alarm_rate : float
        The share of ordinary rows that may be alarms.
    threshold : float
        The score below which the next row is an alarm.
    short : str
        In words, that there are too few scores for the false-alarm rate; empty if there are enough.
    drift : StreamDrift
        Whether ordinary rows still are as those of the training, and which columns differ.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(1_000, 1)) * [1.0, 2.0] + rng.normal(size=(1_000, 2)) * 0.1
    >>> detector = cr.AnomalyDetector(random_state=0, max_iter=30, progress=False)
    >>> stream = detector.fit(rows).stream(false_alarm_rate=0.02, reasons=True)
    >>> stream.update(np.array([1.0, 2.0])).is_alarm
    False
    >>> result = stream.update([1.0, -2.0])
    >>> result.row, result.is_alarm, len(result.reasons) > 0
    (1, True, True)
    >>> stream.update([1.0, float("inf")])
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: row 2 of the stream: column 'x1': inf is not a finite number: \
correct or empty the cell
    >>> stream.n_seen, stream.n_alarms, stream.drift.has_drifted
    (2, 1, False)
    """

    def __init__(
        self, scorer: RowScorer, online: OnlineThreshold, watch: DriftWatch, reference: Any,
        columns: Any, digest: str, reasons: bool,
    ) -> None:  # fmt: skip
        self.n_seen = self.n_alarms = 0
        self._scorer, self._online, self._watch = scorer, online, watch
        self._reference: list[float] = np.sort(reference).tolist()
        self._owners, self._labels = columns.owners(), columns.labels
        self._digest, self._with_reasons = digest, bool(reasons)
        self._lock = Lock()

    @property
    def false_alarm_rate(self) -> float:
        """The share of ordinary rows that may be alarms."""
        return self._online.rate

    @property
    def threshold(self) -> float:
        """The score below which the next row is an alarm."""
        return -self._online.threshold

    @property
    def short(self) -> str:
        """In words, that there are too few scores for the false-alarm rate; empty if not."""
        return self._online.short

    @property
    def drift(self) -> StreamDrift:
        """Whether ordinary rows still are as those of the training, and which columns differ."""
        return self._watch.report(self._owners, self._labels)

    def update(self, row: Any) -> StreamResult:
        """Judge the next row, and then learn from it.

        Parameters
        ----------
        row : array, list, dict, Series, or DataFrame of one row
            The cells in the order of the columns, or by their names; None or NaN for an empty one.

        Returns
        -------
        StreamResult

        Raises
        ------
        DataError
            If the row cannot be read, with its number and the column. It does not count then.
        """
        with self._lock:
            try:
                score, features = self._scorer.score(row)
            except DataError as error:
                raise self._wrong_row(error) from None
            result = self._judge(score, features)
            if result[3] and self._with_reasons:
                return result._replace(reasons=self._scorer.reasons(row, N_REASONS))
            return result

    def update_many(self, rows: Any) -> StreamResults:
        """Judge rows, as `update` does one after the other; the results are the same bits.

        (Of detectors with neighbours that holds but for points at the same distance from a row, of
        which a batch may take another as the k-th nearest: then the last digit may differ.)

        Parameters
        ----------
        rows : DataFrame, array of shape (rows, columns), or sequence of rows

        Returns
        -------
        StreamResults

        Raises
        ------
        DataError
            If a row cannot be read, with its number in the stream. Then none of the batch counts.
        """
        if not hasattr(rows, "columns") and not isinstance(rows, np.ndarray):
            rows = list(single_rows(rows))  # it may be a generator
        with self._lock:
            before = self._scorer.state() if self._with_reasons else ({}, {})
            try:
                scored = self._scorer.score_many(rows)
            except DataError as error:
                raise self._wrong_row(error) from None
            results = [self._judge(score, features) for score, features in scored]
            if self._with_reasons and any(result.is_alarm for result in results):
                self._explain(results, rows, before)
        return _in_arrays(results)

    def accept_drift(self) -> None:
        """Take the rows since the drift was reported as the new normal.

        The threshold and the monitor of drift begin anew with them (the latest 1,000 at most), as
        they began with the held-out rows of the training. The detector itself stays as it is: if
        there are many alarms afterwards, or few differences in the scores, train it on new rows.

        Raises
        ------
        DataError
            If no drift has been reported, or there are fewer than 100 rows since.
        """
        with self._lock:
            start = self._watch.row
            if start is None:
                raise DataError("no drift has been reported: there is nothing to accept")
            scores, features = self._watch.recent(min(self.n_seen - start, RECENT))
            usable = np.isfinite(scores)
            if np.sum(usable) < PATIENCE:
                raise DataError(
                    f"there are {np.sum(usable)} rows since the drift was reported, in row {start}:"
                    f" wait for {PATIENCE}"
                )
            features = None if features is None else features[usable]
            self._online = OnlineThreshold(scores[usable], self._online.rate, self._online.memory)
            self._watch = DriftWatch(scores[usable], features, self._scorer.spacing)
            self._reference = np.sort(scores[usable]).tolist()

    def save(self, path: str | Path) -> None:
        """Write all that later results depend on to a file, whole or not at all.

        ``detector.stream(restore=path)`` goes on from there, with the same bits. The detector is
        not in the file: save it as well.

        Raises
        ------
        ModelFileError
            If the place cannot be written. An older file stays then.
        """
        checked_path(path, "save")
        with self._lock:
            data = stream_to_bytes(self._state())
        write(path, data)

    def _state(self) -> StreamState:
        return StreamState(
            self._digest, self.n_seen, self.n_alarms, np.array(self._reference),
            self._online.to_state(), self._watch.to_state(), self._scorer.state(),
        )  # fmt: skip

    def _restore(self, path: Path) -> None:
        """Go on from what `save` wrote; a `ModelFileError` for anything else."""
        try:
            state = stream_from_bytes(read(path), self._digest)
            online = OnlineThreshold.from_state(*state.threshold)
            spacing = self._scorer.spacing
            watch = DriftWatch.from_state(*state.drift, len(self._owners), spacing)
            self._scorer.restore(*state.scorer)
        except ModelFileError as error:
            raise ModelFileError(f"cannot restore {path}: {error}") from error.__cause__
        self._online, self._watch, self._reference = online, watch, state.reference.tolist()
        self.n_seen, self.n_alarms = state.n_seen, state.n_alarms

    def _judge(self, score: float | None, features: Any) -> StreamResult:
        number = self.n_seen
        self.n_seen = number + 1
        online, reference = self._online, self._reference
        threshold = -online.threshold
        if score is None:
            return StreamResult(number, nan, nan, False, threshold, False)
        is_rejected = not score <= online.rejection
        is_alarm = online.update(score)
        self.n_alarms += is_alarm
        drifted = self._watch.update(number, score, features, is_rejected)
        count = len(reference)
        p_value = (1 + count - bisect_left(reference, score)) / (count + 1)
        return StreamResult(number, -score, p_value, is_alarm, threshold, drifted)

    def _explain(self, results: list[StreamResult], rows: Any, before: Any) -> None:
        """Put reasons into the results of a batch; a scorer with a memory goes through it again."""
        scorer = self._scorer
        if scorer.has_memory:
            scorer.restore(*before)
        for k, row in enumerate(single_rows(rows)):
            if scorer.has_memory:
                scorer.score(row)
            if results[k].is_alarm:
                results[k] = results[k]._replace(reasons=scorer.reasons(row, N_REASONS))

    def _wrong_row(self, error: DataError) -> DataError:
        row = self.n_seen + int(getattr(error, "position", 0))
        return DataError(f"row {row} of the stream: {error}")


class StreamMixin:
    """The method `stream` of a detector."""

    def stream(
        self, *, false_alarm_rate: float | None = None, memory: int | None = None,
        reasons: bool = False, restore: str | Path | None = None,
    ) -> Stream:  # fmt: skip
        """A stream, which takes rows as they come, tells alarms, and learns the threshold.

        Parameters
        ----------
        false_alarm_rate : float, optional
            The share of ordinary rows that may be alarms, below 0.2. Default: that of the detector;
            0.01 where `contamination` sets its threshold.
        memory : int, optional
            How many of the latest scores the threshold is estimated of. Default 10,000, or
            ``10 / false_alarm_rate`` if that is more, up to a million.
        reasons : bool
            Whether alarms come with the columns that cause them. Default False.
        restore : str or Path, optional
            A file that `Stream.save` wrote, from which the stream goes on, with its rate and its
            memory.

        Raises
        ------
        DataError
            If there is but one held-out row to begin with.
        ModelFileError
            If the file is damaged, or of another detector's stream.
        """
        check_is_fitted(self, "fitted_")
        detector: Any = self
        fitted = detector.fitted_
        scores, features = fitted.calibration.scores, fitted.features
        if restore is not None and (false_alarm_rate, memory) != (None, None):
            raise ValueError("restore brings its false_alarm_rate and memory: give them no more")
        if len(scores) < FEWEST:
            raise DataError(
                f"the detector has {len(scores)} held-out row, and a stream begins with "
                f"{FEWEST} or more: fit it on more rows, or with a larger calibration_fraction"
            )
        if false_alarm_rate is None:
            rate = detector.checked_rate()
            by_default = restore is not None or rate != rate
            false_alarm_rate = FALSE_ALARM_RATE if by_default else rate
        if not 0 < false_alarm_rate < 0.2:
            raise ValueError(
                f"false_alarm_rate={false_alarm_rate!r}: give a share between 0 and 0.2"
            )
        history, scorer = fitted.calibration.history, self._row_scorer()
        stream = Stream(
            scorer, OnlineThreshold(history, false_alarm_rate, memory),
            DriftWatch(history, features, scorer.spacing), scores, fitted.columns,
            detector_digest(detector), reasons,
        )  # fmt: skip
        if restore is not None:
            stream._restore(checked_path(restore, "stream"))
        return stream

    def _row_scorer(self) -> RowScorer:
        detector: Any = self
        return TableScorer(detector)


def _in_arrays(results: list[StreamResult]) -> StreamResults:
    parts: list[Any] = list(zip(*results, strict=True)) or [()] * 7
    kinds = (np.int64, np.float64, np.float64, np.bool_, np.float64, np.bool_, None)
    arrays: list[Any] = [tuple(its) if kind is None else np.array(its, kind)
              for its, kind in zip(parts, kinds, strict=True)]  # fmt: skip
    return StreamResults(*arrays)
