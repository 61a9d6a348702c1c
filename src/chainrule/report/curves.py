"""ROC and precision-recall curves, and the areas under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import decimals, label, percent, shortened, table
from .scale import Scale
from .thresholds import threshold_curves, threshold_figures, threshold_numbers

metrics = LazyModule("sklearn.metrics")

MOST_CURVES = 4  # classes with a curve each; of more, the worst ones beside the mean
WORST_CURVES = 3
MOST_CLASSES = 20  # with areas in a table
GRID = np.linspace(0.0, 1.0, 201)
UNIT = Scale(0.0, 1.0)


@dataclass(frozen=True)
class Area:
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
        of = f"class {shortened(report.classes[1], 60)}" if two else "each class against the rest"
    spoken = [
        ", ".join(f"{shortened(report.classes[a.code], 40)} {getattr(a, name):.3f}" for a in listed)
        for name in ("roc", "average_precision")
    ]
    by_threshold = threshold_curves(report)
    figures = [
        figure("ROC curve", drawing(
            axes, ("false positive rate", "true positive rate"),
            f"ROC curve. Area under it: {spoken[0]}.", *roc), f"of {of}", names),
        figure("Precision and recall", drawing(
            axes, ("recall", "precision"),
            f"Precision against recall. Average precision: {spoken[1]}.", *precision_recall),
            f"of {of}", names),
        *([] if by_threshold is None else threshold_figures(report, by_threshold)),
    ]  # fmt: skip
    if not two:
        return tag("div", figures, area_table(report), class_="figures")
    numbers = [] if by_threshold is None else threshold_numbers(report, by_threshold)
    return markup(tag("div", figures, class_="figures"), numbers)


def area_table(report: Report) -> Markup | None:
    """The areas under the curves, by class."""
    if report.probabilities is None or len(report.classes) > MOST_CLASSES:
        return None
    rows = [
        (
            label(report.classes[a.code], 40),
            decimals(a.roc, 3),
            decimals(a.average_precision, 3),
            percent(a.share),
        )
        for a in areas(report)
    ]
    headers = ("class", "area under ROC", "average precision", "share of the rows")
    return table("Areas under the curves (1 is perfect)", headers, rows) if rows else None


def _curves_of(report: Report, k: int) -> tuple[NDArray[Any], ...]:
    truth, p = (report.truth == k).astype(int), report.probabilities[:, k]
    false_rate, true_rate, _ = metrics.roc_curve(truth, p)
    precision, recall, _ = metrics.precision_recall_curve(truth, p, drop_intermediate=True)
    return false_rate, true_rate, recall, precision


def _on_grid(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.interp(GRID, x, y))
