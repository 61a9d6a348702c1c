"""A trained model as a `Report`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..report import Report, write_report
from ..version import __version__
from .keeping import write_somewhere
from .models import layers
from .scores import Predictions, scores

LIMITATIONS = (
    "Scores are of rows drawn at random from the same table: of rows from elsewhere or from "
    "another time they promise nothing.\n\n"
    "An importance says what this model uses, not what causes the target; of columns that say the "
    "same, each may look unimportant."
)


def report(
    data: str,
    target: str,
    predictions: Predictions,
    model: Any,
    more: Mapping[str, Any] | None = None,
) -> Report:
    """The report of a model and its predictions; `more` are further fields of `Report`."""
    of_classes = bool(predictions.classes)
    fields = {"limitations": LIMITATIONS, "scores": scores(predictions), **(more or {})}
    return Report(
        task=predictions.task, data=data, date=date.today().isoformat(), target=target,
        classes=predictions.classes, truth=predictions.truth,
        predicted=None if of_classes else predictions.predicted,
        probabilities=predictions.probabilities,
        layers=[(layer.name, layer.shape, layer.parameters) for layer in layers(model)],
        versions=versions(), **fields,
    )  # fmt: skip


def write(page: Path, report: Report) -> Path:
    """Write a report as a page, and return where it lies in the end."""
    return write_somewhere(page, lambda path: write_report(path, report))


def of_training(result: Any, recorder: Any) -> dict[str, Any]:
    """What only the training of a table knows, as fields of `Report`."""
    model, chosen = result.model, result.options
    network = model.network_
    dead, saturated = recorder.units(network)
    return {
        "baselines": {name: {result.metric: score} for name, score in result.baselines.items()},
        "history": recorder.history,
        "best_epoch": recorder.best_epoch if network.early_stopping else network.n_iter_,
        "score_name": f"validation {result.metric}",
        "importances": model.importances_,
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
            "columns": model.n_features_in_, "features": model.features_.width,
            "empty cells": int(result.frame.isna().to_numpy().sum()),
        },
        "seed": chosen.random_state,
    }  # fmt: skip


def versions() -> dict[str, str]:
    """The versions of all that the numbers depend on."""
    return {
        "chainrule": __version__, "Python": platform.python_version(), "NumPy": np.__version__,
        "scikit-learn": version("scikit-learn"), "pandas": version("pandas"),
    }  # fmt: skip
