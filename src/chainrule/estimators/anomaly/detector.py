"""`AnomalyDetector`: learns what is normal, and tells how far rows are from it, and why."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ...config import configured
from ...errors import DataError
from ...lazy import LazyModule
from .alarms import Alarm, Alarms
from .file_methods import FileMethods
from .series_methods import SeriesMethods, split_known
from .settings import CONSTRAINTS, METHODS, check_share, whole_number
from .tables.fitted import FittedDetector, learn_detector

pd = LazyModule("pandas")

Floats = NDArray[np.float64]


class AnomalyDetector(
    FileMethods,
    SeriesMethods,
    OutlierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Finds rows that do not fit what it was trained on: fraud, intrusion, failing systems.

    It learns from normal rows. By default three detectors are joined: the mean distance to the
    nearest training rows, the reconstruction error of autoencoders, and that of denoising
    autoencoders. Each score is measured by how rare it is among training rows that the detector
    had left out, and their ``-log p`` are added. A part of the rows is held out from all of them:
    p-values and the threshold come from there.

    As in scikit-learn's outlier detectors, **higher scores are more normal**, and `predict` gives
    -1 for anomalies. (PyOD has it the other way round: see `estimators.PyODAdapter`.)

    Parameters
    ----------
    method : str
        ``"auto"`` joins ``"neighbors"``, ``"autoencoder"`` and ``"denoising"``. Each of these can
        be had alone, also ``"variational"``, and ``"masked"``, which predicts hidden columns from
        the others. Default ``"auto"``. With a `window`, a forecast judges the rows of a time
        series: ``"auto"`` is the forecast alone; the others join their judgement of windows to it,
        which on real series (NAB) gained nothing.
    contamination : float, "auto" or None
        None: the rows that `fit` is given are normal. ``"auto"``: most are; suspicious ones lose
        their weight while the networks train, and are left out of neighbours and calibration. A
        number up to 0.5: likewise, and so large a share of the rows of `fit` is below the
        threshold; not with a `window`, where suspicious rows of the training count as missing
        values. Default None.
    false_alarm_rate : float, optional
        The share of new normal rows that may be alarms: it sets the threshold, where
        `contamination` is no number. Default 0.01; 0.005 in a time series, where alarms come in
        runs.
    window : int, optional
        The rows are a time series in the order of time, of numbers, and each is judged with so many
        before it. Nothing of a row depends on a later one. Its score is NaN while that is
        impossible: in the first rows of a series that does not go on where the training ended,
        after a long gap, and where all values are missing; such rows are no alarms.
    time, series : str, optional
        The columns of times, and of the names of several series. Default: a DatetimeIndex or
        PeriodIndex, or regular steps; one series. Rows go on where the training ended if their
        first time is later. Series that the training had not have the usual scale of all.
    hidden_layer_sizes : sequence of int, optional
        Of the encoder, whose last size is the code (``"autoencoder"``, ``"variational"``); of all
        hidden layers for the other networks. Default: (128, 64) and a code of as many numbers as
        there are principal components for 90 % of the variance; (128, 128).
    n_members : int
        Networks of each kind, trained together, of which each leaves out other rows. Default 4.
    n_neighbors : int
        Default 5.
    max_iter : int, optional
        Epochs. Default: as many as 1,500 steps take, whatever the number of rows.
    batch_size : int, optional
        Default 128.
    learning_rate_init : float
        Adam's at the start; it falls to 0 along half a cosine. Default 0.003.
    calibration_fraction : float, optional
        Share of the normal rows that is held out for p-values and the threshold. Default: 0.2, and
        up to a third of fewer than 500 rows, so that 99 are held out. In a
        time series it is the end: its rows depend on each other, so p-values are approximate; the
        threshold begins with all scores of the training and is estimated again with each row.
    categorical_features : sequence of str, optional
        Columns of numbers to treat as text.
    random_state : int, RandomState or None
        The same number, the same model.
    callbacks : sequence of callable, optional
        Each is called with an `EpochReport` after each epoch of each network.
    n_threads : int, optional
        Of compiled code. Default: as many as there are CPUs.
    progress : bool
        Whether to show a bar in a terminal when training takes over 2 s. Default True.

    Attributes
    ----------
    offset_ : float
        `decision_function` is `score_samples` minus this; in a time series minus the threshold of
        the row, which for the first row after the training is this.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    history_ : dict of str to list of dict
        A row an epoch, by the network's name.
    n_iter_ : int
        Epochs of each network; 1 where there is none.
    summary_ : str
        What was chosen, in words.
    calibration_scores_ : array of float64, sorted
        `score_samples` of the held-out rows.

    References
    ----------
    S. Han et al.: "ADBench: anomaly detection benchmark", NeurIPS (2022); S. Bates et al.:
    "Testing for outliers with conformal p-values", Annals of Statistics 51 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 1)) * [1.0, 2.0] + rng.normal(size=(500, 2)) * 0.1
    >>> detector = cr.AnomalyDetector(random_state=0, max_iter=30, progress=False).fit(x)
    >>> detector.predict([[1.0, 2.0], [1.0, -2.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS
    fitted_: FittedDetector  # FittedSeries of time series

    # Training

    def fit(self, X: Any, y: Any = None, anomalies: Any = None) -> Self:
        """Learn what normal rows look like.

        Parameters
        ----------
        X : DataFrame (pandas or polars), or array of shape (n_samples, n_features)
            Columns of numbers, texts, truth values and dates, with empty cells.
        y : ignored
            As in scikit-learn's outlier detectors.
        anomalies : array of bool, shape (n_samples,), optional
            Which rows are known anomalies: they are not learned as normal, and rows near them are
            stranger. In a time series they count as missing values.

        Returns
        -------
        AnomalyDetector
            Itself.

        Raises
        ------
        DataError
            If there are no two normal rows, or a column cannot be read, with what to do about it.
        ValueError
            If a parameter is out of its range, or `contamination` and `false_alarm_rate` both set
            the threshold.
        """
        self.__dict__.pop("card_", None)
        self._validate_params()
        rate = self.checked_rate()
        self.check_window()
        if self.window is not None:
            return self._fit_series(X, anomalies, rate)
        frame = self._frame(X, reset=True)
        if len(frame) < 2:
            raise DataError(f"n_samples={len(frame)}: there is nothing to learn from a single row")
        normal, known = split_known(anomalies, len(frame))
        rng = check_random_state(self.random_state)
        with self._threads():
            self.fitted_, self.history_ = learn_detector(
                self, METHODS[self.method], frame, self._categories(frame), normal, known, rng
            )
            if np.isnan(rate):
                scores = -self.fitted_.scores(self.fitted_.columns.raw(frame))
                self.offset_ = float(np.percentile(scores, 100.0 * self.contamination))
            else:
                self.offset_ = -self.fitted_.calibration.threshold(rate)
        return self

    @property
    def n_iter_(self) -> int:
        """The number of epochs of each network; 1 where there is none."""
        check_is_fitted(self, "history_")
        return max([1, *map(len, self.history_.values())])

    @property
    def summary_(self) -> str:
        """What was chosen, in words."""
        check_is_fitted(self, "fitted_")
        return self.fitted_.summary()

    @property
    def calibration_scores_(self) -> Floats:
        """The scores of the held-out rows, as `score_samples` gives them, sorted."""
        check_is_fitted(self, "fitted_")
        return np.asarray(-self.fitted_.calibration.scores[::-1], np.float64)

    # Answers

    def score_samples(self, X: Any) -> Floats:
        """How normal each row is, shape (n_samples,): higher is more normal.

        A row's score depends on no other row of the call. It is the sum of ``log p`` over the
        joined methods (one, or those of ``"auto"``), where p is how rare so large a distance or
        reconstruction error is among training rows that the method had left out. An empty cell
        where none was, and an unseen category, lower it further.
        """
        return self._scored(X)[1]

    def _scored(self, X: Any) -> tuple[Any, Floats]:
        """The rows as the fitted detector reads them, and their scores."""
        fitted = self.__dict__.get("fitted_")
        if fitted is not None and self._is_plain_row(X):
            score, _ = fitted.row_program(X)
            if score == score:  # NaN: an infinite number, of which the error is raised below
                return X, np.array([-score])
        check_is_fitted(self, "fitted_")
        raw = self._raw(X)
        with self._threads():
            return raw, -self.fitted_.scores(raw)

    def decision_function(self, X: Any) -> Floats:
        """`score_samples` minus `offset_`: negative for anomalies."""
        if self.window is None:
            return self.score_samples(X) - self.offset_
        raw, scores = self._scored(X)
        return scores - self._series_thresholds(raw)

    def predict(
        self, X: Any, *, false_alarm_rate: float | None = None, fdr: float | None = None
    ) -> NDArray[np.int64]:
        """-1 for anomalies, 1 for normal rows.

        Parameters
        ----------
        X : DataFrame or array
        false_alarm_rate : float, optional
            In place of the threshold of `fit`: the share of normal rows that may be alarms. Where
            the held-out rows are too few for it, an extreme-value tail is fitted, and a
            `FewRowsWarning` says so.
        fdr : float, optional
            Choose the anomalies of these rows together, so that on average at most this share of
            them are normal rows (Benjamini-Hochberg, 1995).
        """
        raw, scores = self._scored(X)
        return np.where(self._is_alarm(raw, scores, false_alarm_rate, fdr), -1, 1)

    def _is_alarm(self, raw: Any, scores: Any, false_alarm_rate: Any, fdr: Any) -> Any:
        for name, value in (("false_alarm_rate", false_alarm_rate), ("fdr", fdr)):
            if value is not None:
                check_share(name, value)
        if fdr is not None:
            if false_alarm_rate is not None:
                raise ValueError("false_alarm_rate and fdr both decide what is an alarm: give one")
            return self.fitted_.calibration.discoveries(-scores, fdr)
        if self.window is not None:
            return scores < self._series_thresholds(raw, false_alarm_rate)
        if false_alarm_rate is None:
            return scores < self.offset_
        return -scores > self.fitted_.calibration.threshold(false_alarm_rate)

    def p_values(self, X: Any) -> Floats:
        """The probability that a normal row is at least as strange, shape (n_samples,).

        By split-conformal calibration: among rows like those of the training, p-values of at most
        a have a probability of at most a, whatever the model. The least is ``1 / (n + 1)`` with n
        held-out rows.
        """
        scores = self.score_samples(X)
        return self.fitted_.calibration.p_values(-scores)

    def threshold(self, false_alarm_rate: float) -> float:
        """The `score_samples` below which so large a share of new normal rows is."""
        check_is_fitted(self, "fitted_")
        check_share("false_alarm_rate", false_alarm_rate)
        return -self.fitted_.calibration.threshold(false_alarm_rate)

    # Why

    def alarms(
        self, X: Any, *, false_alarm_rate: float | None = None, fdr: float | None = None,
        n_reasons: int = 3,
    ) -> Alarms:  # fmt: skip
        """The anomalies among rows, the strangest first, each with the columns that cause it.

        Parameters
        ----------
        X : DataFrame or array
        false_alarm_rate, fdr : float, optional
            See `predict`.
        n_reasons : int
            Columns to name, at most. Default 3.

        Returns
        -------
        Alarms
            A sequence that prints as a table; `to_frame` makes a DataFrame of it, `groups` joins
            alarms with the same cause.
        """
        raw, scores = self._scored(X)
        rows = np.flatnonzero(self._is_alarm(raw, scores, false_alarm_rate, fdr))
        return self._explained(
            X, raw, scores, rows[np.argsort(scores[rows], kind="stable")], n_reasons
        )

    def explain(self, X: Any, *, n_reasons: int = 3) -> Alarms:
        """Why each row has its score, alarm or not: `alarms` of all rows, in their order."""
        raw, scores = self._scored(X)
        return self._explained(X, raw, scores, np.arange(len(scores)), n_reasons)

    def _explained(self, X: Any, raw: Any, scores: Any, rows: Any, n_reasons: int) -> Alarms:
        n_reasons = whole_number("n_reasons", n_reasons)
        if self.window is not None:
            return self._series_alarms(X, raw, rows, n_reasons)
        frame = self._frame(X, reset=False).iloc[rows]
        labels = X.index if isinstance(X, pd.DataFrame) else np.arange(len(scores))
        columns = self.fitted_.columns
        texts = {k: column.texts(frame[column.name]) for k, column in enumerate(columns.columns)
                 if column.is_category}  # fmt: skip
        with self._threads():
            reasons = self.fitted_.reasons(raw[rows], texts, n_reasons)
        p_values = self.fitted_.calibration.p_values(-scores[rows])
        alarms = [
            Alarm(int(row), labels[row], float(scores[row]), float(p), its)
            for row, p, its in zip(rows, p_values, reasons, strict=True)
        ]
        return Alarms(tuple(alarms), len(scores))

    def attributions(self, X: Any, steps: int = 16) -> Any:
        """How much each column adds to the strangeness of each row, by integrated gradients.

        Along the line from what the nearest normal rows have to the row; the attributions of a row
        add up to the difference of the scores, up to the steps of the sum.

        Parameters
        ----------
        X : DataFrame or array
        steps : int
            Points on the line. Default 16.

        Returns
        -------
        pandas.DataFrame
            A row for each row of X, with its label in the index of a DataFrame, and a column for
            each column of the training.

        References
        ----------
        M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks",
        arXiv:1703.01365 (2017).
        """
        check_is_fitted(self, "fitted_")
        raw = self._raw(X)
        with self._threads():
            parts = self.fitted_.attributions(raw, steps)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(parts, index=index, columns=self.fitted_.columns.labels)

    # Rows

    def _is_plain_row(self, X: Any) -> bool:
        """Whether X is one row of float64, which needs no other check than for infinity."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.float64
            and X.shape == (1, self.n_features_in_)
            and self._takes_arrays
            and self.n_threads is None
        )

    @property
    def _takes_arrays(self) -> bool:
        return self.fitted_.is_numeric and "feature_names_in_" not in self.__dict__

    def _raw(self, X: Any) -> Any:
        """The rows as numbers, or as series that are judged."""
        if self.window is not None:
            return self._judged_series(X)
        if type(X) is np.ndarray and X.dtype.kind in "fiu" and self._takes_arrays:
            array = validate_data(
                self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
            )
            return np.asarray(array, np.float64)
        return self.fitted_.columns.raw(self._frame(X, reset=False))

    def _threads(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)
