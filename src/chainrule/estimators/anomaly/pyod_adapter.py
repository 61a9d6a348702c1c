"""A detector as PyOD has them: scores that rise with strangeness, labels 0 and 1."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.exceptions import NotFittedError

from .detector import AnomalyDetector

Floats = NDArray[np.float64]


class PyODAdapter:
    """`AnomalyDetector` with the methods and attributes of PyOD's detectors; PyOD is not needed.

    PyOD's convention is the opposite of scikit-learn's: higher scores are stranger, and
    anomalies have the label 1.

    Parameters
    ----------
    contamination : float
        The share of the training rows that gets the label 1: it sets `threshold_`. Default 0.1,
        as in PyOD.
    **settings
        Parameters of `AnomalyDetector`.

    Attributes
    ----------
    detector_ : AnomalyDetector
    decision_scores_ : array of float64, shape (n_samples,)
        Of the training rows: the numbers that `decision_function` gives for them. (PyOD's KNN has
        others there: a row is not its own neighbour in training.)
    labels_ : array of int, shape (n_samples,)
    threshold_ : float

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = PyODAdapter(random_state=0, max_iter=5, progress=False).fit(x)
    >>> int(model.labels_.sum()), model.predict([[9.0, 9.0]]).tolist()
    (20, [1])
    """

    detector_: AnomalyDetector
    threshold_: float
    decision_scores_: Floats
    labels_: NDArray[np.int64]

    def __init__(self, contamination: Any = 0.1, **settings: Any) -> None:
        self.contamination = contamination
        self.settings = settings

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is normal; `y` is ignored."""
        if isinstance(self.contamination, bool) or not isinstance(self.contamination, Real):
            raise TypeError(
                f"contamination={self.contamination!r:.40}: give a share of the training rows up "
                "to 0.5; what learns it by itself is AnomalyDetector"
            )
        unknown = set(self.settings) - set(AnomalyDetector().get_params())
        if unknown or "false_alarm_rate" in self.settings:
            raise TypeError(
                f"{min(unknown, default='false_alarm_rate')!r} is no setting of PyODAdapter: give "
                "those of AnomalyDetector, without false_alarm_rate: contamination sets the "
                "threshold"
            )
        self.detector_ = AnomalyDetector(contamination=self.contamination, **self.settings).fit(X)
        self.threshold_ = -self.detector_.offset_
        self.decision_scores_ = self.decision_function(X)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(np.int64)
        return self

    def decision_function(self, X: Any) -> Floats:
        """How strange each row is, shape (n_samples,): higher is stranger."""
        return -self._fitted().score_samples(X)

    def predict(self, X: Any, return_confidence: bool = False) -> Any:
        """1 for anomalies, 0 for normal rows; with `return_confidence` their confidence too."""
        labels = (self.decision_function(X) > self.threshold_).astype(np.int64)
        return (labels, self.predict_confidence(X)) if return_confidence else labels

    def predict_proba(self, X: Any) -> Floats:
        """Two columns: the p-value of the row, and 1 minus it.

        They are calibrated on held-out rows, where PyOD scales scores linearly by those of the
        training.
        """
        p = self._fitted().p_values(X)
        return np.stack([p, 1.0 - p], axis=1)

    def predict_confidence(self, X: Any) -> Floats:
        """How likely other training rows would give the same label, from 0 to 1.

        L. Perini, V. Vercruyssen, J. Davis: "Quantifying the confidence of anomaly detectors in
        their example-wise predictions", ECML PKDD (2020).
        """
        scores, count = self.decision_function(X), len(self.decision_scores_)
        below = np.searchsorted(np.sort(self.decision_scores_), scores, side="right")
        share = (1.0 + below) / (2.0 + count)
        normal = count - int(count * self.contamination)
        anomalous = 1.0 - binom.cdf(normal, count, share)
        confidence = np.where(scores > self.threshold_, anomalous, 1.0 - anomalous)
        return np.asarray(confidence, np.float64)

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """`labels_` of the rows that it is fitted on."""
        return np.asarray(self.fit(X).labels_, np.int64)

    def _fitted(self) -> AnomalyDetector:
        if not hasattr(self, "detector_"):
            raise NotFittedError("this PyODAdapter is not fitted yet: call fit first")
        return self.detector_

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        return f"PyODAdapter(contamination={self.contamination!r}{settings})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name."""
        return {"contamination": self.contamination, **self.settings}
