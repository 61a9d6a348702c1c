"""What a report says of a saved model on labelled rows: all that needs no training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite, sqrt
from typing import Any

import numpy as np

from ..lazy import LazyModule
from ..report import AdviceItem
from . import models
from .report_dependence import dependences
from .report_overview import overview
from .report_rows import group_scores, worst_rows
from .scores import Predictions
from .table_reporting import calibrated

columns = LazyModule("chainrule.data.columns")
comparing = LazyModule("chainrule.estimators.tabular.comparison")
measures = LazyModule("chainrule.estimators.tabular.metrics")

MODEL = "this model"
GUESSES = {"classification": "the commonest class", "regression": "the mean"}
LIMITATIONS = (
    "Scores are of the rows that were given. Where some of them were in the training, the scores "
    "flatter; of rows from elsewhere or from another time they promise nothing.\n\n"
    "The trivial guess knows these rows: it is their commonest class, or their mean."
)
OF_TABLES = (
    "\n\nAn importance says what this model uses, as measured at its training, not what causes the "
    "target; of columns that say the same, each may look unimportant."
)


def of_evaluation(
    model: Any, target: str, inputs: Any, rows: Any, predictions: Predictions
) -> dict[str, Any]:
    """Fields of `Report`: calibration; of a table also data, rows, groups, dependence.

    Parameters
    ----------
    model : estimator
        Loaded, with its card.
    target : str
        The column with the truth.
    inputs : DataFrame or other
        What was predicted from.
    rows : DataFrame or None
        The labelled rows with all of their columns; None if the model is of no table.
    predictions : Predictions
        For these rows.
    """
    fields = {"limitations": LIMITATIONS, **calibrated(predictions, model)}
    threshold = models.card(model).get("threshold")
    if threshold and threshold.get("positive") in predictions.classes:
        fields["threshold"] = threshold
    if rows is None or not hasattr(model, "features_"):
        return fields
    return fields | _of_table(model, target, inputs, rows, predictions)


def _of_table(
    model: Any, target: str, inputs: Any, rows: Any, predictions: Predictions
) -> dict[str, Any]:
    """What the columns of the rows show."""
    card = models.card(model)
    importances = getattr(model, "importances_", {})
    strengths = {name: mean for name, (mean, _) in importances.items()}
    left_out = [name for name in card.get("left_out", {}) if name in rows.columns]
    wrong, wrong_columns = worst_rows(rows, predictions, strengths, left_out)
    groups, group_score = group_scores(model, rows, predictions, strengths)
    readings = [*_readings(model, rows), columns.learn_reading(rows[target])]
    return {
        "limitations": LIMITATIONS + OF_TABLES,
        "overview": overview(rows, target, predictions.task, readings, strengths),
        "importances": importances,
        "dependence": dependences(model, inputs, strengths, target),
        "groups": groups, "group_score": group_score,
        "wrong_rows": wrong, "wrong_columns": wrong_columns,
        "advice": _drift(model, inputs),
    }  # fmt: skip


def _readings(model: Any, rows: Any) -> list[Any]:
    """How the model reads its columns, with the gaps and examples of these rows."""
    return [
        replace(reading, why="as in the training", missing=of_rows.missing,
                examples=of_rows.examples, notes=())
        for reading in model.features_.readings
        if reading.kind != "ignore" and reading.name in rows.columns
        for of_rows in [columns.learn_reading(rows[reading.name], reading.kind)]
    ]  # fmt: skip


def _drift(model: Any, inputs: Any) -> list[AdviceItem]:
    """Columns that are spread otherwise than in the training."""
    summary = getattr(model, "summary_", None)
    if summary is None or not hasattr(inputs, "columns"):
        return []
    return [
        AdviceItem("drift", (one.name,), one.message, "")
        for one in summary.compare(inputs).drift
    ]  # fmt: skip


def compared(model: Any, predictions: Predictions) -> dict[str, Any]:
    """Fields of `Report`: scores with intervals beside a trivial guess, and what they come to.

    Empty if there are no rows.
    """
    card, task = models.card(model), predictions.task
    truth = predictions.truth
    if not len(truth):
        return {}
    metric = str(card.get("metric"))
    if metric not in measures.HIGHER_IS_BETTER:
        metric = str(measures.choose_metric(task, truth))
    answers = {MODEL: _answers(predictions), GUESSES[task]: _guess(predictions)}
    names = comparing.compared_metrics(metric, len(predictions.classes))
    both = comparing.compare(names, truth, answers)
    intervals, differences = (
        {
            name: {key: (x.value, x.low, x.high) for key, x in by_metric.items()}
            for name, by_metric in part.items()
        }
        for part in (both.scores, both.differences)
    )
    standing, headline = _judged(both, metric, card, GUESSES[task])
    guess = {name: x.value for name, x in both.scores[GUESSES[task]].items()}
    return {
        "intervals": intervals, "differences": differences, "baselines": {GUESSES[task]: guess},
        "verdict": (headline,), "standing": standing,
    }  # fmt: skip


def _answers(predictions: Predictions) -> Any:
    classes = np.arange(len(predictions.classes))
    return measures.Answers(predictions.predicted, predictions.probabilities, classes)


def _guess(predictions: Predictions) -> Any:
    """The commonest class of these rows with all shares, or their mean."""
    truth = predictions.truth
    if predictions.task == "regression":
        return measures.Answers(np.full(len(truth), float(np.mean(truth))))
    count = len(predictions.classes)
    shares = np.bincount(truth, minlength=count) / len(truth)
    return measures.Answers(
        np.full(len(truth), int(np.argmax(shares))), np.tile(shares, (len(truth), 1)),
        np.arange(count),
    )  # fmt: skip


def _judged(
    compared: Any, metric: str, card: Mapping[str, Any], guess: str
) -> tuple[str, str]:  # fmt: skip
    """How the model stands against a trivial guess, and against its score at the training."""
    ours = compared.scores[MODEL][metric]
    if compared.shortage:
        score = (
            f" {metric} is {ours.value:.3f}, which may be chance." if isfinite(ours.value) else ""
        )
        return "unknown", f"Too few rows to judge by: {compared.shortage}.{score}"
    here = f"{metric} {ours.value:.3f} on these {compared.rows:,} rows"
    if isfinite(ours.low):
        here += f" (95 % interval {ours.low:.3f} to {ours.high:.3f})"
    if not compared.beyond_trivial:
        return "nothing", (
            f"The model is not better than {guess} beyond noise: {here}, and "
            f"{compared.scores[guess][metric].value:.3f}."
        )
    before, tested = card.get("score"), card.get("test_rows")
    if card.get("metric") != metric or before is None or not tested or not isfinite(ours.low):
        return "level", f"The model is better than {guess}: {here}."
    # both scores are of a sample of rows; the other's interval is estimated by its size
    wider = sqrt(1.0 + compared.rows / tested)
    gap = (before - ours.value) * (1.0 if measures.HIGHER_IS_BETTER[metric] else -1.0)
    if gap > wider * (ours.value - ours.low):
        standing, words = "behind", "worse than on"
    elif -gap > wider * (ours.high - ours.value):
        standing, words = "ahead", "better than on"
    else:
        standing, words = "level", "as well, within noise, as on"
    return standing, (
        f"The model does {words} the test rows of its training: {here}, where it had {before:.3f}."
    )
