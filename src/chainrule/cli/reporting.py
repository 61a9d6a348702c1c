"""A trained model as a `Report`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..report import Report, write_json, write_report
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
    """Write a report as a page with its JSON beside, and return where the page lies in the end."""
    written = write_somewhere(page, lambda path: write_report(path, report))
    write_somewhere(page.with_suffix(".json"), lambda path: write_json(path, report))
    return written


def versions() -> dict[str, str]:
    """The versions of all that the numbers depend on."""
    return {
        "chainrule": __version__, "Python": platform.python_version(), "NumPy": np.__version__,
        "scikit-learn": version("scikit-learn"), "pandas": version("pandas"),
    }  # fmt: skip
