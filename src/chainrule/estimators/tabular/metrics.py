"""The number that a model of a table is judged by: which one suits a target, and its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

from ..inputs.targets import r2

RARE = 0.1  # a class of a smaller share is rare: to guess the other one is right nine times of ten
HIGHER_IS_BETTER = {
    "accuracy": True, "R2": True, "ROC AUC": True, "average precision": True, "log loss": False,
}  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """What a model says of some rows.

    Attributes
    ----------
    predicted : array, shape (rows,)
        Classes or numbers.
    probabilities : array, shape (rows, classes), or None
    classes : array
        Those that the columns of `probabilities` are of; empty for a regression.
    """

    predicted: Any
    probabilities: Any = None
    classes: Any = ()

    @classmethod
    def of(cls, model: Any, x: Any) -> Answers:
        """Ask a fitted estimator with scikit-learn's methods."""
        if not hasattr(model, "predict_proba"):
            return cls(model.predict(x))
        probabilities = np.asarray(model.predict_proba(x), np.float64)
        probabilities /= probabilities.sum(axis=1, keepdims=True)  # of float32
        classes = np.asarray(model.classes_)
        return cls(classes[probabilities.argmax(axis=1)], probabilities, classes)

    def part(self, rows: Any) -> Answers:
        """Those for some of the rows."""
        p = None if self.probabilities is None else self.probabilities[rows]
        return Answers(self.predicted[rows], p, self.classes)


def rarer_class(y: Any) -> tuple[Any, float]:
    """The rarest class and its share; of several of the same share the last one.

    Examples
    --------
    >>> rarer_class(np.array(["no", "yes", "no", "no"]))
    (np.str_('yes'), 0.25)
    """
    classes, counts = np.unique(y, return_counts=True)
    rarest = len(counts) - 1 - int(np.argmin(counts[::-1]))
    return classes[rarest], float(counts[rarest] / counts.sum())


def choose_metric(task: str, y: Any) -> str:
    """R2 for numbers; accuracy for classes, and ROC AUC where of two one is rare.

    Examples
    --------
    >>> choose_metric("classification", np.array(["a"] * 95 + ["b"] * 5))
    'ROC AUC'
    """
    if task == "regression":
        return "R2"
    imbalanced = len(np.unique(y)) == 2 and rarer_class(y)[1] < RARE
    return "ROC AUC" if imbalanced else "accuracy"


def measure(metric: str, y: Any, answers: Answers) -> float:
    """The value of a metric for some rows; NaN where the rows do not define it.

    Parameters
    ----------
    metric : str
        One of `HIGHER_IS_BETTER`.
    y : array, shape (rows,)
        The truth.
    answers : Answers

    Examples
    --------
    >>> y = np.array(["a", "b", "a"])
    >>> measure("accuracy", y, Answers(np.array(["a", "b", "b"])))
    0.6666666666666666
    """
    if metric == "accuracy":
        return float(metrics.accuracy_score(y, answers.predicted))
    if metric == "R2":
        return r2(y, answers.predicted) if np.ptp(y) > 0 else float("nan")
    if metric == "log loss":
        known = np.isin(y, answers.classes)  # of another class no model says anything
        if not known.any():
            return float("nan")
        return float(metrics.log_loss(y[known], answers.probabilities[known],
                                      labels=list(answers.classes)))  # fmt: skip
    truth, p = of_rarer_class(y, answers)
    if truth.all() or not truth.any():
        return float("nan")
    score = metrics.roc_auc_score if metric == "ROC AUC" else metrics.average_precision_score
    return float(score(truth, p))


def of_rarer_class(y: Any, answers: Answers) -> tuple[Any, Any]:
    """Which rows are of the rarer of two classes, and its probability: precision is of that one."""
    first, last = (np.sum(y == name) for name in (answers.classes[0], answers.classes[-1]))
    rarer = 0 if first < last else -1
    return y == answers.classes[rarer], answers.probabilities[:, rarer]
