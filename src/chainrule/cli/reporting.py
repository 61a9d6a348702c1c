"""A trained model as a `Report`: what the commands know, put where the page wants it."""

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
from .keeping import kept
from .models import layers
from .scores import Answers, scores

LIMITATIONS = (
    "Scores are of rows drawn at random from the same table: of rows from elsewhere or from "
    "another time they promise nothing.\n\n"
    "An importance says what this model uses, not what causes the target; of columns that say the "
    "same, each may look unimportant."
)


def report(
    data: str, target: str, found: Answers, model: Any, more: Mapping[str, Any] | None = None
) -> Report:
    """Of a model and its answers; `more` are further fields of `Report`."""
    count = len(found.classes)
    more = {"limitations": LIMITATIONS, **(more or {})}
    return Report(
        task=found.task, data=data, date=date.today().isoformat(), scores=scores(found),
        target=target, classes=found.classes, truth=found.truth,
        predicted=None if count else found.predicted, probabilities=found.probabilities,
        layers=[(one.name, one.shape, one.parameters) for one in layers(model)],
        versions=versions(), **more,
    )  # fmt: skip


def write(page: Path, made: Report) -> Path:
    """Write it as a page; where it lies in the end."""
    return kept(page, lambda path: write_report(path, made))


def of_training(tested: Any, recorder: Any, settings: Any) -> dict[str, Any]:
    """What only the training knows, as fields of `Report`."""
    model = tested.model
    network = model.network_
    dead, saturated = recorder.units(network)
    return {
        "baselines": {name: {tested.metric: score} for name, score in baselines(tested).items()},
        "history": recorder.history,
        "best_epoch": recorder.best_epoch if network.early_stopping else network.n_iter_,
        "score_name": f"validation {tested.metric}",
        "importances": model.importances_,
        "gradient_norms": recorder.gradient_norms, "update_ratios": recorder.update_ratios,
        "dead": dead, "saturated": saturated,
        "settings": {
            "hidden layers": ", ".join(map(str, settings.hidden)) or "none",
            "members": settings.members, "epochs": f"{network.n_iter_} of {network.max_iter}",
            "rows a step": network.batch_size, "learning rate": settings.rate,
            "weight decay": settings.weight_decay, "dropout": settings.dropout,
            "embedding of numbers": network.numeric_embedding or "none",
            "running means of the weights": settings.ema or "none",
        },
        "dataset": {
            "rows to train on": len(tested.train_rows), "rows to test on": len(tested.test_rows),
            "columns": model.n_features_in_, "features": model.features_.width,
            "empty cells": int(tested.frame.isna().to_numpy().sum()),
        },
        "seed": settings.seed,
    }  # fmt: skip


def baselines(tested: Any) -> dict[str, float]:
    """Scores of the trivial guess and of a linear model, by their names."""
    classes = tested.task == "classification"
    return {
        "logistic regression" if classes else "ridge regression": tested.linear,
        "the commonest class" if classes else "the mean": tested.trivial,
    }


def versions() -> dict[str, str]:
    """Of what the numbers depend on."""
    return {
        "chainrule": __version__, "Python": platform.python_version(), "NumPy": np.__version__,
        "scikit-learn": version("scikit-learn"), "pandas": version("pandas"),
    }  # fmt: skip
