"""What a model says of rows whose target is known, and scikit-learn's scores of it."""

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
class Answers:
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


def answers(model: Any, inputs: Any, labels: Any) -> Answers:
    """Of a model for rows of a table, beside what they should be."""
    if not hasattr(model, "classes_"):
        return Answers("regression", (), as_numbers(labels, True), model.predict(inputs))
    known = [str(text) for text in as_texts(pd.Series(model.classes_))]
    texts = as_known_levels(as_texts(labels), known).astype(str)
    strange = sorted(set(texts) - set(known))
    places = {name: k for k, name in enumerate([*known, *strange])}
    truth = np.array([places[text] for text in texts])
    probabilities = np.zeros((len(texts), len(places)))
    made = np.asarray(model.predict_proba(inputs), np.float64)
    probabilities[:, : len(known)] = made / made.sum(axis=1, keepdims=True)  # float32's rounding
    return Answers(
        "classification", tuple(places), truth, np.argmax(probabilities, axis=1), probabilities,
        int(np.sum(truth >= len(known))),
    )  # fmt: skip


def scores(found: Answers) -> dict[str, float]:
    """By name; those that the rows do not define, such as R2 of a single row, are left out."""
    if found.task == "regression":
        power = exponent(found.truth)  # taken out, so that squares stay in range
        truth, predicted = (np.ldexp(a, -power) for a in (found.truth, found.predicted))
        made = {
            "RMSE": np.ldexp(sqrt(metrics.mean_squared_error(truth, predicted)), power),
            "MAE": np.ldexp(metrics.mean_absolute_error(truth, predicted), power),
        }
        if len(truth) > 1:
            made = {"R2": metrics.r2_score(truth, predicted), **made}
        return {name: float(value) for name, value in made.items()}
    with warnings.catch_warnings():  # classes that are predicted, and are none of these rows'
        warnings.filterwarnings("ignore", "y_pred contains classes", UserWarning)
        warnings.filterwarnings("ignore", "A single label was found", UserWarning)
        balanced = metrics.balanced_accuracy_score(found.truth, found.predicted)
    made = {
        "accuracy": metrics.accuracy_score(found.truth, found.predicted),
        "balanced accuracy": balanced,
        "log loss": metrics.log_loss(
            found.truth, found.probabilities, labels=range(len(found.classes))
        ),
    }
    if len(found.classes) == 2 and len(np.unique(found.truth)) == 2:
        made["ROC AUC"] = metrics.roc_auc_score(found.truth, found.probabilities[:, 1])
    return {name: float(value) for name, value in made.items()}
