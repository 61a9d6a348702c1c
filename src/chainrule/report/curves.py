"""ROC and precision-recall curves, and what a threshold does, for classes with probabilities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import number, percent, shortened, table
from .scale import Scale, spanning

metrics = LazyModule("sklearn.metrics")

MOST_CURVES = 4  # classes with a curve each; of more, the worst ones beside the mean
WORST_CURVES = 3
MOST_CLASSES = 20  # with areas in a table
GRID = np.linspace(0.0, 1.0, 201)
STEPS = 201  # thresholds of a chart
UNIT = Scale(0.0, 1.0)


class Area(NamedTuple):
    """The areas under the curves of one class against the rest."""

    code: int
    roc: float
    average_precision: float
    share: float


def areas(report: Report) -> list[Area]:
    """Of the second of two classes, or of each against the rest; a class that all rows or none
    belong to has none."""
    count = len(report.classes)
    listed = []
    for k in [1] if count == 2 else range(min(count, MOST_CLASSES)):
        truth, p = (report.truth == k).astype(int), report.probabilities[:, k]
        if 0 < truth.sum() < len(truth):
            listed.append(Area(
                k, float(metrics.roc_auc_score(truth, p)),
                float(metrics.average_precision_score(truth, p)), float(truth.mean()),
            ))  # fmt: skip
    return listed


def curves(report: Report) -> Markup | None:
    """The curves with their areas; of many classes those with the smallest, and the mean."""
    if len(report.classes) > MOST_CLASSES:
        return None
    listed = areas(report)
    if not listed:
        return None
    two = len(report.classes) == 2
    worst = sorted(listed, key=lambda area: area.roc)[:WORST_CURVES]
    chosen = worst if len(listed) > MOST_CURVES else listed
    axes = Axes(UNIT, UNIT)
    of_class = {area.code: _curves_of(report, area.code) for area in listed}
    roc: list[Markup] = [axes.rule((0, 1), (0, 1))]
    precision_recall: list[Markup] = []
    for colour, area in enumerate(chosen):
        false_rate, true_rate, recall, precision = of_class[area.code]
        roc.append(axes.line(false_rate, true_rate, colour))
        precision_recall.append(axes.line(recall, precision, colour))
    names = [] if two else [report.classes[area.code] for area in chosen]
    if len(chosen) < len(listed):
        middle = len(chosen)
        roc.append(axes.line(GRID, np.mean([_on_grid(*c[:2]) for c in of_class.values()], axis=0),
                             middle))  # fmt: skip
        mean = np.mean([_on_grid(c[2][::-1], c[3][::-1]) for c in of_class.values()], axis=0)
        precision_recall.append(axes.line(GRID, mean, middle))
        names.append(f"mean of {len(listed)} classes")
        of = f"the {len(chosen)} classes with the smallest areas, each against the rest"
    else:
        of = shortened(report.classes[1], 60) if two else "each class against the rest"
    rows = [(report.classes[a.code], a.roc, a.average_precision, percent(a.share)) for a in listed]
    spoken = [
        ", ".join(f"{shortened(report.classes[a.code], 40)} {a[at]:.3f}" for a in listed)
        for at in (1, 2)
    ]
    headers = ("class", "area under ROC", "average precision", "its share of the rows")
    return tag(
        "div",
        figure("ROC curve", drawing(
            axes, ("false positive rate", "true positive rate"),
            f"ROC curve. Area under it: {spoken[0]}.", *roc), f"of {of}", names),
        figure("Precision and recall", drawing(
            axes, ("recall", "precision"),
            f"Precision against recall. Average precision: {spoken[1]}.", *precision_recall),
            f"of {of}", names),
        table("Areas under the curves (1 is perfect)", headers, rows),
        class_="figures",
    )  # fmt: skip


def _curves_of(report: Report, k: int) -> tuple[NDArray[Any], ...]:
    truth, p = (report.truth == k).astype(int), report.probabilities[:, k]
    false_rate, true_rate, _ = metrics.roc_curve(truth, p)
    precision, recall, _ = metrics.precision_recall_curve(truth, p, drop_intermediate=True)
    return false_rate, true_rate, recall, precision


def _on_grid(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.interp(GRID, x, y))


class Thresholds(NamedTuple):
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


def thresholds(report: Report) -> Markup | None:
    """The charts of what a threshold does, and the one that was chosen."""
    by_threshold = threshold_curves(report)
    if by_threshold is None:
        return None
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
    return tag("div", figures, _table(report, by_threshold, at), class_="figures")


def _cost_note(chosen: Any) -> str:
    wrong, missed = chosen["cost"]
    return f"a false alarm costs {number(wrong)}, a miss {number(missed)}"


def _table(report: Report, by_threshold: Thresholds, at: float | None) -> Markup:
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
    if at is not None and report.threshold is not None:
        goal = report.threshold.get("goal", "")
        n = report.threshold.get("validation_rows")
        by = f" by {n:,} validation rows" if n else ""
        note = f"The threshold {at:.3f} was chosen{by} for the best {goal}."
    caption = f"{shortened(by_threshold.positive, 40)} by threshold"
    return tag("div", table(caption, headers, rows), tag("p", note, class_="quiet") if note else "")


def _cell(x: float) -> str:
    return f"{x:.3f}" if np.isfinite(x) else "–"  # noqa: RUF001
