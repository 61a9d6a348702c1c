"""A trained model as a `Report`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..report import FORMAT, Report, write_json, write_report
from ..version import __version__
from .console import complain
from .keeping import write_somewhere
from .models import layers
from .options import PAGES
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
    beside = json_path(page)
    if beside is not None:
        write_somewhere(beside, lambda path: write_json(path, report))
    return written


def json_path(page: Path) -> Path | None:
    """Where the JSON of a page goes: its name, unless another file has it.

    None beside what is no file, such as a pipe.
    """
    if page.exists() and not page.is_file():
        return None
    stem = page.with_suffix("") if page.suffix.lower() in PAGES else page
    endings = (".json", ".report.json", *(f".report-{k}.json" for k in range(2, 100)))
    paths = [stem.with_name(stem.name + ending) for ending in endings]
    path = next((path for path in paths if _is_free(path)), None)
    if path != paths[0]:
        complain(f"chainrule: {paths[0]} is another file: the report's numbers go to {path}")
    return path


def _is_free(path: Path) -> bool:
    """Whether there is no file, or one that is such a report."""
    try:
        with path.open("rb") as file:
            return FORMAT.encode() in file.read(100)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def versions() -> dict[str, str]:
    """The versions of all that the numbers depend on."""
    return {
        "chainrule": __version__, "Python": platform.python_version(), "NumPy": np.__version__,
        "scikit-learn": version("scikit-learn"), "pandas": version("pandas"),
    }  # fmt: skip
