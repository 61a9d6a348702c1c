"""What only the training of a table knows, as fields of a `Report`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ..report import AdviceItem
from .report_dependence import dependences
from .report_overview import overview
from .report_rows import group_scores, worst_rows
from .scores import Predictions
from .table_results import honest_text

MOST_SHARPENED, MOST_SOFTENED = 0.2, 10.0  # temperatures


def of_training(result: Any, recorder: Any, predictions: Predictions) -> dict[str, Any]:
    """Fields of `Report`: verdict, comparison, data, rows, importances, gradients, settings.

    Parameters
    ----------
    result : TrainResult
    recorder : Recorder
        Of the training.
    predictions : Predictions
        For the test rows.
    """
    model, chosen = result.model, result.options
    strengths = {name: mean for name, (mean, _) in model.importances_.items()}
    rows = result.frame.iloc[result.test_rows]
    inputs = rows[list(model.feature_names_in_)]
    wrong, wrong_columns = worst_rows(rows, predictions, strengths, result.identifiers)
    grouping = [chosen.group] if chosen.group else []
    groups, group_score = group_scores(
        model, rows, predictions, strengths, grouping, chosen.random_state
    )
    threshold = None if result.threshold is None else result.threshold.to_json()
    return {
        **_judgement(result),
        **_training(result, recorder),
        **calibrated(predictions, model),
        "overview": overview(
            result.frame, result.target, result.task, result.columns, strengths,
            result.identifiers,
        ),
        "importances": model.importances_,
        "dependence": dependences(model, inputs, strengths, result.target),
        "groups": groups, "group_score": group_score,
        "wrong_rows": wrong, "wrong_columns": wrong_columns,
        "threshold": threshold,
    }  # fmt: skip


def _judgement(result: Any) -> dict[str, Any]:
    """The verdict, the comparison, and the advice."""
    verdict, comparison = result.verdict, result.comparison
    intervals, differences = (
        {
            model: {metric: (x.value, x.low, x.high) for metric, x in by_metric.items()}
            for model, by_metric in part.items()
        }
        for part in (comparison.scores, comparison.differences)
    )
    return {
        "verdict": (verdict.headline, *verdict.sentences), "standing": verdict.standing,
        "next_steps": verdict.next_steps, "intervals": intervals, "differences": differences,
        "comparison_notes": comparison.notes,
        "baselines": {
            name: {metric: x.value for metric, x in by_metric.items()}
            for name, by_metric in list(comparison.scores.items())[1:]
        },
        "advice": [
            *(AdviceItem(one.kind, one.columns, one.message, one.option) for one in result.advice),
            *(
                AdviceItem(f"{one.kind}_split", (), _sentence(honest_text(one)), one.option)
                for one in result.honest
            ),
        ],
    }  # fmt: skip


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _training(result: Any, recorder: Any) -> dict[str, Any]:
    """How the training went, its settings and its rows."""
    model, chosen = result.model, result.options
    network = model.network_
    dead, saturated = recorder.units(network)
    return {
        "history": recorder.history,
        "best_epoch": recorder.best_epoch if network.early_stopping else network.n_iter_,
        "score_name": "validation R2" if result.task == "regression" else "validation accuracy",
        "gradient_norms": recorder.gradient_norms, "update_ratios": recorder.update_ratios,
        "dead": dead, "saturated": saturated,
        "settings": {
            "hidden layers": ", ".join(map(str, chosen.hidden_layer_sizes)) or "none",
            "members": chosen.n_members, "epochs": f"{network.n_iter_} of {network.max_iter}",
            "batch size": chosen.batch_size, "learning rate": chosen.learning_rate_init,
            "weight decay": chosen.weight_decay, "dropout": chosen.dropout,
            "embedding of numbers": network.numeric_embedding or "none",
            "running means of the weights": chosen.ema or "none",
        },
        "dataset": {
            "rows to train on": len(result.train_rows), "rows to test on": len(result.test_rows),
            "split": result.split, "columns": model.n_features_in_,
            "features": model.features_.width,
            "empty cells": int(result.frame.isna().to_numpy().sum()),
        },
        "seed": chosen.random_state,
    }  # fmt: skip


def calibrated(predictions: Predictions, model: Any) -> Mapping[str, Any]:
    """Probabilities after temperature scaling, and by which rows the temperature was chosen.

    The logarithms of all probabilities are divided by one number, which makes the likelihood of
    some rows the largest. Of two classes those are validation rows, where the model has kept its
    answers for them; else each half of the test rows is scaled by the other half's. C. Guo et al.:
    "On calibration of modern neural networks", arXiv:1706.04599 (2017).
    """
    p = predictions.probabilities
    if p is None or len(p) < 20:
        return {}
    already = getattr(model, "temperature_", 1.0)
    applied = f" The training has applied {already:.2f} before." if already != 1.0 else ""
    unseen = getattr(model, "unseen_answers_", None)
    if unseen is not None and len(predictions.classes) == 2:
        codes, chance = unseen
        of_validation = np.column_stack([1.0 - chance, chance])
        chosen = temperature(of_validation, np.asarray(codes, int))
        note = f"It was chosen by {len(codes):,} validation rows.{applied}"
        return {"calibrated": scaled(p, chosen), "temperature": chosen, "calibration_note": note}
    after = np.empty_like(p)
    halves = np.arange(len(p)) % 2
    for half in (0, 1):
        of_half = halves == half
        chosen = temperature(p[~of_half], predictions.truth[~of_half])
        after[of_half] = scaled(p[of_half], chosen)
    note = (
        "Each half of the test rows was scaled by a temperature chosen on the other half." + applied
    )
    return {
        "calibrated": after, "temperature": temperature(p, predictions.truth),
        "calibration_note": note,
    }  # fmt: skip


def scaled(p: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Probabilities whose logarithms are divided by a temperature.

    Examples
    --------
    >>> scaled(np.array([[0.2, 0.8]]), 2.0).round(3).tolist()
    [[0.333, 0.667]]
    """
    logits = np.log(np.clip(p, 1e-12, 1.0)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def temperature(p: NDArray[Any], truth: NDArray[Any]) -> float:
    """The temperature at which the log loss of some rows is least.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> right = rng.random(2000) < 0.7
    >>> p = np.tile([0.05, 0.95], (2000, 1))  # too sure of itself
    >>> bool(2.5 < temperature(p, right.astype(int)) < 5.0)
    True
    """

    def loss(log_temperature: float) -> float:
        q = scaled(p, float(np.exp(log_temperature)))
        return -float(np.mean(np.log(np.clip(q[np.arange(len(q)), truth], 1e-12, 1.0))))

    bounds = (np.log(MOST_SHARPENED), np.log(MOST_SOFTENED))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
