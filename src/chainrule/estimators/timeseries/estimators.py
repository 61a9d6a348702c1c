"""`TimeSeriesClassifier` and `TimeSeriesRegressor`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from ...data.timeseries import Series, as_series
from ...errors import DataError
from ..inputs.targets import ScoredByAccuracy, ScoredByR2, plain_targets, r2
from ..inputs.weights import row_weights
from ..raw.labels import learned_classes
from ..sklearn_private import StrOptions
from .base import TimeSeriesEstimator
from .calibration import fit_softmax, probabilities
from .file_methods import ClassifierFiles, RegressorFiles
from .neighbors import fit_neighbors
from .ridge import RidgeFit

NEGLIGIBLE = 1e-2  # factor of the neighbours below which they are left out


class TimeSeriesClassifier(ScoredByAccuracy, ClassifierFiles, ClassifierMixin, TimeSeriesEstimator):  # type: ignore[misc]
    """Learns to tell time series apart: random convolutions, and a ridge on them.

    10,000 features of a series, each the share of its points at which a convolution is above a
    bias (MiniRocket), of the series itself and of its changes (MultiRocket); with mean, deviation,
    extremes and trend of each channel. A ridge whose penalty is chosen by leaving out each row
    tells the classes apart; its outputs for rows that are left out calibrate the probabilities. Of
    up to 100 series the nearest of each class under dynamic time warping count as well, as far as
    they help with rows that are left out.

    Parameters
    ----------
    n_features : int
        How many features the convolutions make, about. Of more than 4,000 series 4,000 at most.
        Default 10,000.
    class_weight : dict, "balanced" or None
        Of each class, as elsewhere in scikit-learn; `sample_weight` multiplies it. With either,
        a shift of each class is fitted, too.
    random_state : int, RandomState or None
        Of the kernels' biases and channels: the same seed, the same model.
    n_threads : int or None
        Of compiled code. None: as many as there are CPUs.
    progress : bool
        Show a bar in a terminal when something takes over 2 s. Default True.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    n_features_in_ : int
        The number of channels.
    length_, equal_length_ : int, bool
        Points of the longest series of the training, and whether all had so many.
    left_out_score_ : float
        The accuracy on the training series, each predicted without itself (what was chosen by all
        of them makes it a little too high where they are few).
    transform_, ridge_, factor_ : Transform, Ridge, float
        Of the features, of the classes, and of the probabilities.
    neighbors_ : Neighbors or None
        Series of the training whose nearness counts beside the ridge.

    Notes
    -----
    X is an array of shape (n, length) or (n, channels, length), in which NaN and masked points are
    missing; or a list of arrays (channels, length), of any lengths; or a DataFrame with a row for
    each series, or one of sktime's kinds. Gaps are bridged by straight lines, and what was not
    measured is not counted; nor is anything after the end of a shorter series. Values are scaled by
    the training's mean and deviation of each channel: level and size of a series are seen. If they
    are to be ignored, standardise each series before.

    Sources: Dempster, Schmidt, Webb, "MiniRocket", KDD 2021; Tan, Dempster, Bergmeir, Webb,
    "MultiRocket", Data Mining and Knowledge Discovery 2022.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> x = np.sin(np.arange(60) * np.where(y, 0.5, 0.6)[:, None]) + rng.normal(0, 0.5, (40, 60))
    >>> model = TimeSeriesClassifier(n_features=500, random_state=0).fit(x[:20], y[:20])
    >>> model.score(x[20:], y[20:])
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TimeSeriesEstimator._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }
    classes_: Any
    factor_: float
    left_out_score_: float

    def __init__(
        self,
        *,
        n_features: int = 10_000,
        class_weight: Any = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = True,
    ) -> None:
        self._set(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the features and the classes.

        Parameters
        ----------
        X : time series
            See the class.
        y : array of shape (n,)
            Their classes: text, whole numbers or truth values.
        sample_weight : array of shape (n,), optional
            How much each series counts, 0 or more.

        Returns
        -------
        TimeSeriesClassifier
            Itself.

        Raises
        ------
        DataError
            If X has no form that is read, or is empty, or a series has no point; if there is one
            class only, or a label is missing; with where.
        """
        self._validate_params()
        self.__dict__.pop("card_", None)
        series = as_series(X)
        self.classes_, codes = learned_classes(y, len(series))
        weights = row_weights(sample_weight, self.class_weight, self.classes_, codes)
        targets = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        fitted = self._fit(series, targets, weights)
        left_out = self._calibrate(fitted, series, codes, weights)
        hits = np.argmax(left_out, axis=1) == codes
        self.left_out_score_ = float(np.average(hits, weights=weights))
        return self

    def _calibrate(self, fitted: RidgeFit, series: Series, codes: Any, weights: Any) -> Any:
        """Set the factor, the neighbours and shifts of the ridge; the outputs of rows left out."""
        models = [fitted.left_out]
        near = fit_neighbors(series, codes, weights, len(self.classes_))
        if near is not None:
            factors, _ = fit_softmax(np.stack([*models, near[1]]), codes, weights)
            models += [near[1]] if factors[1] > NEGLIGIBLE else []
        factors, shifts = fit_softmax(np.stack(models), codes, weights)
        self.factor_ = float(factors[0])
        left_out = fitted.left_out + shifts / self.factor_
        self.ridge_ = replace(self.ridge_, intercepts=self.ridge_.intercepts + shifts / factors[0])
        self.neighbors_ = None
        if near is not None and len(models) > 1:
            self.neighbors_ = replace(near[0], share=float(factors[1] / factors[0]))
            left_out = left_out + self.neighbors_.share * near[1]
        return left_out

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The ridge's output for each class, of shape (n, classes); of two classes their half
        difference, of shape (n,).
        """
        outputs = self._outputs(X)
        return (outputs[:, 1] - outputs[:, 0]) / 2 if len(self.classes_) == 2 else outputs

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class for each series, of shape (n, classes)."""
        return probabilities(self._outputs(X), self.factor_)

    def predict(self, X: Any) -> Any:
        """The likeliest class of each series, of shape (n,)."""
        shares = self.predict_proba(X)
        return self.classes_[np.argmax(shares, axis=1)]


class TimeSeriesRegressor(ScoredByR2, RegressorFiles, RegressorMixin, TimeSeriesEstimator):  # type: ignore[misc]
    """Predicts a number for each time series: random convolutions, and a ridge on them.

    As `TimeSeriesClassifier`, which see for the features and for what X may be.

    Parameters
    ----------
    n_features, random_state, n_threads, progress
        See `TimeSeriesClassifier`.

    Attributes
    ----------
    n_features_in_, length_, equal_length_, transform_, ridge_
        See `TimeSeriesClassifier`.
    left_out_score_ : float
        R2 on the training series, each predicted without itself.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.uniform(0.3, 0.6, 60)
    >>> x = np.sin(np.arange(80) * y[:, None]) + rng.normal(0, 0.1, (60, 80))
    >>> model = TimeSeriesRegressor(n_features=500, random_state=0).fit(x[:40], y[:40])
    >>> model.score(x[40:], y[40:]) > 0.95
    True
    """

    left_out_score_: float

    def __init__(
        self,
        *,
        n_features: int = 10_000,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = True,
    ) -> None:
        self._set(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the features and the numbers.

        Parameters
        ----------
        X : time series
            See `TimeSeriesClassifier`.
        y : array of shape (n,)
            A number for each.
        sample_weight : array of shape (n,), optional
            How much each series counts, 0 or more.

        Returns
        -------
        TimeSeriesRegressor
            Itself.

        Raises
        ------
        DataError
            As `TimeSeriesClassifier.fit`; and if y is not one finite number for each series.
        """
        self._validate_params()
        self.__dict__.pop("card_", None)
        series = as_series(X)
        targets = _numbers(y, len(series))
        ones = np.zeros(len(targets), np.int64)
        weights = row_weights(sample_weight, None, np.zeros(1), ones)
        low, high = float(targets.min()), float(targets.max())
        if low == high:
            raise DataError(f"y is {low:g} in all series: there is nothing to learn")
        unit = max(abs(low), abs(high))
        fitted = self._fit(series, targets[:, None] / unit, weights)
        self.unit_ = unit
        self.left_out_score_ = r2(targets, fitted.left_out[:, 0] * unit, weights)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """A number for each series, of shape (n,)."""
        return self._outputs(X)[:, 0] * self.unit_


def _numbers(y: Any, count: int) -> NDArray[np.float64]:
    """Targets as float64 of shape (series,)."""
    targets = np.asarray(plain_targets(y), np.float64)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.shape != (count,):
        raise DataError(f"X has {count} series and y shape {targets.shape}: give one number each")
    if not np.isfinite(targets).all():
        raise DataError(f"y[{int(np.argmin(np.isfinite(targets)))}] is not finite: give a number")
    if count < 2:
        raise DataError("X has one series: give two or more to learn from")
    return targets
