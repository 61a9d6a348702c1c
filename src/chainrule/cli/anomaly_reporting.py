"""A detector and the rows that it scored as an `AnomalyReport`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..report import AnomalyReport, SeriesChart, Shift, render_anomaly, write_page
from . import models
from .anomaly_model import Scored, rule_in_words
from .keeping import write_somewhere
from .reporting import versions

LIMITATIONS = (
    "A p-value and a false-alarm rate hold for rows that are drawn like the held-out normal rows: "
    "where the world has changed (see Drift), train again.\n\n"
    "An alarm says that a row is unusual, not that it is wrong or malicious. A reason names a "
    "column that this detector finds unusual beside the others, not a cause in the world."
)
series_reading = LazyModule("chainrule.estimators.anomaly.series.reading")
MINUTES = 16  # characters of 2026-01-31 12:00
HALVES = ("first half", "second half")

Floats = NDArray[np.float64]


def of_training(run: Any, command: str) -> AnomalyReport:
    """The report of a training: of its rows, or with labels of the rows of the test."""
    model, split, scored = run.model, run.split, run.scored
    parts: dict[str, Any] = {}
    if split is not None:
        anomalies = split.anomalies[split.test]
        parts = {"labelled anomalies": anomalies, "normal test rows": ~anomalies}
    scores = {name: _known(scored.scores[rows]) for name, rows in parts.items()}
    scores["rows of the training"] = _known(run.train_scores)
    counts = {name: int(scored.is_alarm[rows].sum()) for name, rows in parts.items()}
    if split is None:
        counts["rows of the training"] = int(scored.is_alarm.sum())
    learned = run.learned
    half = len(learned) // 2
    halves = [_known(run.train_scores[:half]), _known(run.train_scores[half:])]
    settings = {
        name.replace("_", " "): value for name, value in run.settings.items() if value is not None
    }
    dataset = {
        "rows to learn from": len(learned), "columns": run.frame.shape[1],
        "empty cells": int(run.frame.isna().to_numpy().sum()),
        **({} if split is None else {"rows to test on": len(split.test)}),
        "seconds": f"{run.seconds:.1f}",
    }  # fmt: skip
    return AnomalyReport(
        data=run.name, scores={name: values for name, values in scores.items() if len(values)},
        counts=counts if model.window is not None else {}, metrics=run.metrics,
        shifts=shifts_in_time(model, learned),
        drift_scores=(halves[0], halves[1]) if all(map(len, halves)) else None,
        drift_names=HALVES, settings=settings, dataset=dataset,
        **_common(model, scored, rule_in_words(model, None, None), command),
    )  # fmt: skip


def of_scores(
    model: Any, model_name: str, data: str, scored: Scored, rule: str, command: str
) -> AnomalyReport:
    """The report of rows that a saved detector scored, beside the held-out rows of its training."""
    card = models.card(model)
    is_series = model.window is not None
    known = _known(scored.scores)
    return AnomalyReport(
        data=data, scores={"rows": known} if len(known) else {},
        counts={"rows": int(scored.is_alarm.sum())} if is_series else {},
        shifts=shifts_in_time(model, scored.frame) if is_series
        else shifts(model, model.fitted_.features, _features(model, scored.frame)),
        drift_names=HALVES if is_series else ("held-out normal rows", "rows of the table"),
        settings={"model": model_name, "trained on": card.get("data", "-"),
                  "trained by": card.get("command", "-")},
        dataset={"rows": len(scored.scores), "columns": scored.frame.shape[1],
                 "empty cells": int(scored.frame.isna().to_numpy().sum())},
        **_common(model, scored, rule, command),
    )  # fmt: skip


def _known(scores: Any) -> Floats:
    """Scores without those of rows that cannot be judged yet."""
    return np.asarray(scores[np.isfinite(scores)], np.float64)


def _common(model: Any, scored: Scored, rule: str, command: str) -> dict[str, Any]:
    """What both kinds of report have."""
    return {
        "method": model.method, "date": date.today().isoformat(),
        "calibration": model.calibration_scores_, "threshold": scored.threshold, "rule": rule,
        "histories": model.history_, "alarms": scored.alarms,
        "groups": scored.alarms.groups(), "summary": model.summary_,
        "series": series(model, scored), "versions": versions(), "limitations": LIMITATIONS,
        "command": command,
    }  # fmt: skip


def write(page: Path, report: AnomalyReport) -> Path:
    """Write a report as a page, and return where it lies in the end."""
    text = render_anomaly(report)
    return write_somewhere(page, lambda path: write_page(path, text))


def _features(model: Any, frame: Any) -> Any:
    columns = model.fitted_.columns
    return columns.encode(columns.raw(frame))[0]


def shifts_in_time(model: Any, frame: Any) -> list[Shift]:
    """How far the usual value of each column has moved between the halves of a table."""
    half = len(frame) // 2
    if half < 2:
        return []
    if model.window is None:
        return shifts(model, *(_features(model, f) for f in (frame.iloc[:half], frame.iloc[half:])))
    channels = model.fitted_.forecaster.channels
    table = series_reading.read_series(frame, model.time, model.series, channels)
    values = np.full((table.length, len(channels)), np.nan)
    for part in table.parts:
        values[part.rows] = part.values
    result = []
    for name, column in zip(channels, values.T, strict=True):
        early, late = _known(column[:half]), _known(column[half:])
        if len(early) > 1 and len(late) > 1:
            # rows follow from each other: as many count as there are windows
            count = max(1.0, min(len(early), len(late)) / model.window)
            error = np.sqrt((early.var() + late.var()) / count)
            move = float(late.mean() - early.mean())
            result.append(Shift(
                name, float(early.mean()), float(late.mean()),
                move / max(float(early.std()), 1e-300), abs(move) / max(float(error), 1e-300),
            ))  # fmt: skip
    return sorted(result, key=lambda shift: -shift.strength)


def shifts(model: Any, before: Any, after: Any) -> list[Shift]:
    """How far the usual value of each column has moved between rows, the surest first.

    Parameters
    ----------
    model : AnomalyDetector
    before, after : array of shape (rows, features)
        Encoded rows.
    """
    if len(before) < 2 or len(after) < 2:
        return []
    early, late = (np.asarray(rows, np.float64) for rows in (before, after))
    means = early.mean(axis=0), late.mean(axis=0)
    spreads = early.std(axis=0), late.std(axis=0)
    difference = means[1] - means[0]
    errors = np.sqrt(spreads[0] ** 2 / len(early) + spreads[1] ** 2 / len(late))
    least = 1.0 / np.sqrt(12.0) / np.minimum(len(early), len(late))  # of what never varied
    strength = np.abs(difference) / np.maximum(errors, least)
    plan = model.fitted_.columns
    result = []
    for column, name, places in zip(plan.columns, plan.labels, plan.places(), strict=True):
        k = max(places, key=lambda feature: strength[feature])
        deviations = float(difference[k] / max(spreads[0][k], 1e-3))
        usual, later = (usual_value(column, places.index(k), float(mean[k])) for mean in means)
        result.append(Shift(name, usual, later, deviations, float(strength[k])))
    return sorted(result, key=lambda shift: -shift.strength)


def usual_value(column: Any, feature: int, mean: float) -> float | str:
    """What the mean of a feature says: a number of the column, or a share of the rows."""
    if not column.is_category:
        if feature == 0:
            return float(column.fill if column.kind == "constant" else column.restored(mean))
        return f"empty: {100 * mean:.1f} %"
    if feature < len(column.levels):
        return f"{column.levels[feature]}: {100 * mean:.1f} %"
    rest = "other values" if column.others and feature == len(column.levels) else "empty"
    return f"{rest}: {100 * mean:.1f} %"


def series(model: Any, scored: Scored) -> list[SeriesChart]:
    """The channels of each time series with what was expected of them; none of a table."""
    if model.window is None:
        return []
    forecaster = model.fitted_.forecaster
    table = series_reading.read_series(scored.frame, model.time, model.series, forecaster.channels)
    expected = model.fitted_.judge(table).expected
    charts = []
    for part in table.parts:
        span = ("", "")
        if part.seconds is not None:
            ends = part.seconds[[0, -1]].astype(np.int64).astype("datetime64[s]")
            first, last = (str(end).replace("T", " ")[:MINUTES] for end in ends)
            span = (first, last)
        for k, channel in enumerate(table.channels):
            name = f"{channel} of {part.name}" if part.name else channel
            charts.append(SeriesChart(
                name, part.values[:, k], expected[part.rows, k], scored.is_alarm[part.rows], span
            ))  # fmt: skip
    return charts
