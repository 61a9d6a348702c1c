"""The numbers of a report as JSON: what the page shows, for programs that read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from math import sqrt
from typing import Any

import numpy as np

from .. import escape
from ..lazy import LazyModule
from .calibration import calibration_scores, reliability_of
from .classification import class_scores, confusion_matrix
from .curves import areas
from .document import Report
from .regression import QUANTILES
from .thresholds import threshold_curves

metrics = LazyModule("sklearn.metrics")

FORMAT = "chainrule report"
VERSION = 1
# Fields of `Report` that are written as they are
PLAIN = (
    "task", "data", "date", "target", "scores", "baselines", "verdict", "standing", "next_steps",
    "comparison_notes", "advice", "overview", "history", "best_epoch", "score_name", "classes",
    "threshold", "temperature", "calibration_note", "importances", "dependence", "groups",
    "group_score", "wrong_rows", "wrong_columns", "gradient_norms", "update_ratios", "dead",
    "saturated", "layers", "settings", "dataset", "versions", "seed", "limitations", "command",
)  # fmt: skip
TRIPLE = ("value", "low", "high")


def as_json(report: Report) -> str:
    """A report as JSON; numbers that are not finite are null.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        An object with ``format`` (``"chainrule report"``), ``version`` (1), the fields of `Report`
        but the predictions themselves, ``intervals`` and ``differences`` as objects of ``value``,
        ``low`` and ``high`` by model and metric, and what follows from the predictions:

        - ``classification``: ``confusion_matrix`` (rows are true classes), ``precision``,
          ``recall``, ``f1`` and ``rows`` by class, ``areas``, ``calibration`` (bins and scores,
          before and after), ``thresholds``;
        - ``regression``: ``R2``, ``MAE``, ``RMSE``, ``absolute_error_quantiles``.

    Examples
    --------
    >>> import json
    >>> report = Report("regression", "houses", "2026-11-25", {"R2": float("nan")},
    ...                 truth=[1.0, 2.0, 4.0], predicted=[1.5, 2.0, 3.0])
    >>> parts = json.loads(as_json(report))
    >>> parts["version"], parts["scores"], parts["regression"]["MAE"]
    (1, {'R2': None}, 0.5)
    """
    value: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    value |= {name: _plain(getattr(report, name)) for name in PLAIN}
    for name in ("intervals", "differences"):
        value[name] = {
            str(model): {
                str(metric): dict(zip(TRIPLE, map(_plain, triple), strict=True))
                for metric, triple in by_metric.items()
            }
            for model, by_metric in getattr(report, name).items()
        }
    if report.truth is not None:
        of = _of_classes if report.task == "classification" else _of_numbers
        value[report.task] = _plain(of(report))
    return escape.as_json(value) + "\n"


def _of_classes(report: Report) -> dict[str, Any]:
    precision, recall, f1, rows = class_scores(report)
    value: dict[str, Any] = {
        "confusion_matrix": confusion_matrix(report), "precision": precision, "recall": recall,
        "f1": f1, "rows": rows,
    }  # fmt: skip
    if report.probabilities is None:
        return value
    value["areas"] = {
        report.classes[area.code]: {
            "roc": area.roc, "average_precision": area.average_precision, "share": area.share,
        } for area in areas(report)
    }  # fmt: skip
    kinds = {"before": report.probabilities, "after": report.calibrated}
    value["calibration"] = {
        name: {
            **asdict(reliability_of(report, p)),
            "scores": calibration_scores(report, name == "after"),
        }
        for name, p in kinds.items()
        if p is not None
    }
    by_threshold = threshold_curves(report)
    if by_threshold is not None:
        value["thresholds"] = by_threshold
    return value


def _of_numbers(report: Report) -> dict[str, Any]:
    truth, predicted = report.truth, report.predicted
    errors = np.abs(truth - predicted)
    return {
        "R2": float(metrics.r2_score(truth, predicted)) if len(truth) > 1 else None,
        "MAE": float(metrics.mean_absolute_error(truth, predicted)),
        "RMSE": sqrt(metrics.mean_squared_error(truth, predicted)),
        "absolute_error_quantiles": {f"{q:g}": float(np.quantile(errors, q)) for q in QUANTILES},
        "mean_residual": float(np.mean(truth - predicted)),
    }


def _plain(value: Any) -> Any:
    """Dicts, lists, texts, finite numbers, truth values and None, whatever it was."""
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
