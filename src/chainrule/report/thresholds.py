"""What becomes of two classes at each threshold of a probability, and at the one chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import details, number, shortened, table
from .scale import Scale, spanning

STEPS = 201  # thresholds of a chart
UNIT = Scale(0.0, 1.0)


@dataclass(frozen=True)
class Thresholds:
    """What becomes of two classes at each threshold."""

    positive: str
    values: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    cost: NDArray[np.float64] | None  # for each row


def threshold_curves(report: Report) -> Thresholds | None:
    """Precision, recall, F1 and cost by threshold; None for other than two classes."""
    if len(report.classes) != 2 or report.probabilities is None:
        return None
    chosen = report.threshold or {}
    positive = str(chosen.get("positive", report.classes[1]))
    k = report.classes.index(positive) if positive in report.classes else 1
    truth, p = report.truth == k, report.probabilities[:, k]
    if not 0 < truth.sum() < len(truth):
        return None
    values = np.linspace(0.0, 1.0, STEPS)
    order = np.sort(p)
    hits = np.sort(p[truth])
    above = len(p) - np.searchsorted(order, values, side="left")
    true = len(hits) - np.searchsorted(hits, values, side="left")
    wrong, missed = above - true, len(hits) - true
    with np.errstate(invalid="ignore"):
        precision = np.where(above > 0, true / np.maximum(above, 1), np.nan)
    cost = chosen.get("cost")
    return Thresholds(
        report.classes[k], values, precision, true / len(hits),
        2 * true / np.maximum(1, 2 * true + wrong + missed),
        None if cost is None else (cost[0] * wrong + cost[1] * missed) / len(p),
    )  # fmt: skip


def threshold_figures(report: Report, by_threshold: Thresholds) -> list[Markup]:
    """The charts of what a threshold does, and the one that was chosen."""
    chosen = report.threshold
    at = None if chosen is None else float(chosen["value"])
    axes = Axes(UNIT, UNIT)
    lines = [
        axes.line(by_threshold.values, column, k)
        for k, column in enumerate((by_threshold.precision, by_threshold.recall, by_threshold.f1))
    ]
    name = shortened(by_threshold.positive, 40)
    best = float(by_threshold.values[int(np.argmax(by_threshold.f1))])
    spoken = (
        f"Precision, recall and F1 of {name} by the threshold of its probability. F1 is highest, "
        f"{number(float(by_threshold.f1.max()))}, at {best:.2f}."
    )
    if at is not None:
        lines.append(axes.mark(at, f"chosen: {at:.2f}"))
        spoken += f" The threshold chosen is {at:.3f}."
    up = f"a row counts as {name} from this probability on"
    figures = [figure(
        "Thresholds", drawing(axes, (f"threshold of {name}", "share"), spoken, *lines), up,
        ["precision", "recall", "F1"],
    )]  # fmt: skip
    if by_threshold.cost is not None:
        below = Axes(UNIT, spanning(by_threshold.cost, [0.0]))
        marks = [below.line(by_threshold.values, by_threshold.cost)]
        if at is not None:
            marks.append(below.mark(at, f"chosen: {at:.2f}"))
        figures.append(figure("Cost of a row", drawing(
            below, (f"threshold of {name}", "mean cost"),
            f"Mean cost of a row by threshold, from {number(float(by_threshold.cost.min()))} to "
            f"{number(float(by_threshold.cost.max()))}.", *marks), _cost_note(chosen)))  # fmt: skip
    return figures


def _cost_note(chosen: Any) -> str:
    wrong, missed = chosen["cost"]
    return f"a false alarm costs {number(wrong)}, a miss {number(missed)}"


def threshold_numbers(report: Report, by_threshold: Thresholds) -> list[Markup]:
    """The curves at round thresholds, and at the one chosen."""
    curves = (by_threshold.precision, by_threshold.recall, by_threshold.f1)
    cost, rows = by_threshold.cost, []
    for value in np.linspace(0.1, 0.9, 9):
        k = int(np.argmin(np.abs(by_threshold.values - value)))
        row = [f"{value:.1f}", *[_cell(curve[k]) for curve in curves]]
        rows.append(row + ([] if cost is None else [number(float(cost[k]))]))
    headers = ["threshold", "precision", "recall", "F1"]
    headers += [] if cost is None else ["cost of a row"]
    note = ""
    if report.threshold is not None:
        at = float(report.threshold["value"])
        goal = report.threshold.get("goal", "")
        n = report.threshold.get("validation_rows")
        by = f" by {n:,} validation rows" if n else ""
        note = f"The threshold {at:.3f} was chosen{by} for the best {goal}."
    caption = f"{shortened(by_threshold.positive, 40)} by threshold"
    listed = details("Thresholds in numbers", table(caption, headers, rows))
    return [tag("p", note, class_="quiet") if note else markup(), listed]


def _cell(x: float) -> str:
    return f"{x:.3f}" if np.isfinite(x) else "–"  # noqa: RUF001
