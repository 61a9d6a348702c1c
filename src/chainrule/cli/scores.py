"""What a model predicts for rows whose target is known, and scikit-learn's scores of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from ..data.column_values import as_known_levels, as_numbers, as_texts
from ..data.moments import exponent
from ..lazy import LazyModule

metrics = LazyModule("sklearn.metrics")
pd = LazyModule("pandas")


@dataclass(frozen=True)
class Predictions:
    """Truth and predictions, row by row.

    Attributes
    ----------
    task : str
    classes : tuple of str
        Those of the model, then those that only the rows have; empty for a regression.
    truth, predicted : array
        Class numbers, or values.
    probabilities : array or None
        Of shape (rows, classes).
    unknown : int
        Rows of classes that the model has never met.
    """

    task: str
    classes: tuple[str, ...]
    truth: Any
    predicted: Any
    probabilities: Any = None
    unknown: int = 0


def predictions(model: Any, inputs: Any, labels: Any) -> Predictions:
    """The predictions of a model for labelled inputs; `labels` is a Series."""
    if not hasattr(model, "classes_"):
        return Predictions("regression", (), as_numbers(labels, True), model.predict(inputs))
    known = [str(text) for text in as_texts(pd.Series(model.classes_))]
    texts = as_known_levels(as_texts(labels), known).astype(str)
    unknown = sorted(set(texts) - set(known))
    codes = {name: k for k, name in enumerate([*known, *unknown])}
    truth = np.array([codes[text] for text in texts])
    probabilities = np.zeros((len(texts), len(codes)))
    rounded = np.asarray(model.predict_proba(inputs), np.float64)
    probabilities[:, : len(known)] = rounded / rounded.sum(axis=1, keepdims=True)  # of float32
    return Predictions(
        "classification", tuple(codes), truth, np.argmax(probabilities, axis=1), probabilities,
        int(np.sum(truth >= len(known))),
    )  # fmt: skip


def scores(predictions: Predictions) -> dict[str, float]:
    """Scores by their names, without those that the rows do not define, such as R2 of one row."""
    if predictions.task == "regression":
        power = exponent(predictions.truth)  # taken out, so that squares stay in range
        truth, predicted = (
            np.ldexp(values, -power) for values in (predictions.truth, predictions.predicted)
        )
        by_name = {
            "RMSE": np.ldexp(sqrt(metrics.mean_squared_error(truth, predicted)), power),
            "MAE": np.ldexp(metrics.mean_absolute_error(truth, predicted), power),
        }
        if len(truth) > 1:
            by_name = {"R2": metrics.r2_score(truth, predicted), **by_name}
        return {name: float(value) for name, value in by_name.items()}
    with warnings.catch_warnings():  # classes that are predicted, and are none of these rows'
        warnings.filterwarnings("ignore", "y_pred contains classes", UserWarning)
        warnings.filterwarnings("ignore", "A single label was found", UserWarning)
        balanced = metrics.balanced_accuracy_score(predictions.truth, predictions.predicted)
    by_name = {
        "accuracy": metrics.accuracy_score(predictions.truth, predictions.predicted),
        "balanced accuracy": balanced,
        "log loss": metrics.log_loss(
            predictions.truth, predictions.probabilities, labels=range(len(predictions.classes))
        ),
    }
    if len(predictions.classes) == 2 and len(np.unique(predictions.truth)) == 2:
        positive = predictions.probabilities[:, 1]
        by_name["ROC AUC"] = metrics.roc_auc_score(predictions.truth, positive)
    return {name: float(value) for name, value in by_name.items()}
