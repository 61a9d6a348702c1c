"""Simple models that a model of time series should beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.timeseries import Series
from ..estimators.timeseries.scaling import Scale, statistics
from ..lazy import LazyModule
from .train_raw import COMMONEST

dummy = LazyModule("sklearn.dummy")
linear = LazyModule("sklearn.linear_model")
metrics = LazyModule("sklearn.metrics")
neighbors = LazyModule("sklearn.neighbors")
pipeline = LazyModule("sklearn.pipeline")
preprocessing = LazyModule("sklearn.preprocessing")

POINTS = 100  # to which series are stretched, of which the nearest is looked for


def baseline_scores(task: str, train: Any, test: Any) -> dict[str, dict[str, float]]:
    """What simple models reach on the test: the nearest series, statistics alone, and a guess.

    Parameters
    ----------
    task : str
    train, test : LabelledData
        With `Series` as inputs.

    Returns
    -------
    dict of dict of float
        The accuracy or R2, by the model's name.
    """
    scale = Scale.of(train.inputs)
    of_classes = task == "classification"
    nearest = neighbors.KNeighborsClassifier if of_classes else neighbors.KNeighborsRegressor
    simple = linear.LogisticRegression(max_iter=1000) if of_classes else linear.Ridge()
    standardized = pipeline.make_pipeline(preprocessing.StandardScaler(), simple)
    guess = dummy.DummyClassifier() if of_classes else dummy.DummyRegressor()
    models = {
        "the nearest series": (nearest(1), stretched),
        "mean, deviation, trend": (standardized, level_and_spread),
        COMMONEST if of_classes else "the mean": (guess, level_and_spread),
    }
    metric = metrics.accuracy_score if of_classes else metrics.r2_score
    rows = {}
    for name, (model, columns) in models.items():
        model.fit(columns(scale, train.inputs), train.labels)
        predicted = model.predict(columns(scale, test.inputs))
        key = "accuracy" if of_classes else "R2"
        rows[name] = {key: float(metric(test.labels, predicted))}
    return rows


def level_and_spread(scale: Scale, series: Series) -> Any:
    """Statistics of each channel."""
    scaled = scale.apply(series, series.values.shape[2])
    return statistics(scaled.values, scaled.counts.astype(np.float32)).astype(np.float64)


def stretched(scale: Scale, series: Series) -> Any:
    """All series stretched to one length, of shape (series, channels * `POINTS`)."""
    scaled = scale.apply(series, series.values.shape[2])
    rows = np.empty((len(series), series.channels, POINTS))
    for k, length in enumerate(scaled.lengths.tolist()):
        at = np.linspace(0.0, length - 1, POINTS)
        for channel, values in enumerate(scaled.values[k, :, :length]):
            rows[k, channel] = np.interp(at, np.arange(length), values)
    return rows.reshape(len(series), -1)
