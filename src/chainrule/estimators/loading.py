"""`load`: a model file as the estimator that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .anomaly.detector import AnomalyDetector
from .forecast.forecaster import Forecaster
from .mlp.estimators import MLPClassifier, MLPRegressor
from .raw.audio import AudioClassifier
from .raw.images import ImageClassifier
from .raw.text import TextClassifier
from .serialization.reading import read_estimator
from .tabular.estimators import TabularClassifier, TabularRegressor
from .timeseries.estimators import TimeSeriesClassifier, TimeSeriesRegressor

CLASSES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        AnomalyDetector,
        AudioClassifier,
        Forecaster,
        ImageClassifier,
        MLPClassifier,
        MLPRegressor,
        TabularClassifier,
        TabularRegressor,
        TextClassifier,
        TimeSeriesClassifier,
        TimeSeriesRegressor,
    )
}


def load(path: str | Path) -> Any:
    """The fitted estimator that `save` wrote.

    Files need not be trusted: nothing in one is run, and each value is checked.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    estimator
        Of the class that was saved: an `AnomalyDetector`, `AudioClassifier`, `Forecaster`,
        `ImageClassifier`, `MLPClassifier`, `MLPRegressor`, `TabularClassifier`,
        `TabularRegressor`, `TextClassifier`, `TimeSeriesClassifier` or `TimeSeriesRegressor`. It
        answers with the same bits; `card_` holds what was told of it.

    Raises
    ------
    ModelFileError
        If the file is absent, truncated, changed, foreign, or written by a newer version; with
        what to do about it.

    Examples
    --------
    See `MLPClassifier.save`.
    """
    otherwise = f"and this version knows {', '.join(CLASSES)}: update chainrule"
    return read_estimator(path, CLASSES, otherwise)
