"""How far predicted numbers are from the true ones."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, markup, tag
from .charts import MOST_POINTS, Axes, drawing, figure
from .document import Report
from .elements import number, table
from .scale import Scale, spanning

metrics = LazyModule("sklearn.metrics")

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
MOST_BINS = 40


def regression(report: Report) -> Markup | None:
    """The section, or None if there are no predictions of numbers."""
    if report.task != "regression" or report.truth is None:
        return None
    truth, predicted = report.truth, report.predicted
    residuals = truth - predicted
    target = report.target or "value"
    both = spanning(truth, predicted)
    square, flat = Axes(both, both), Axes(spanning(predicted), spanning(residuals, [0.0]))
    edges = _edges(residuals)
    heights, _ = np.histogram(residuals, edges)
    below = Axes(spanning(edges), Scale(0.0, spanning(heights, [0]).high, whole=True))
    largest = float(np.max(np.abs(residuals)))
    note = f"{MOST_POINTS:,} of {len(truth):,} rows" if len(truth) > MOST_POINTS else ""
    return markup(tag(
        "div",
        figure("Predicted against true", drawing(
            square, (f"true {target}", f"predicted {target}"),
            f"Scatter of {len(truth):,} predictions against the true values, which run from "
            f"{number(truth.min())} to {number(truth.max())}.",
            square.points(truth, predicted), square.rule(*2 * ((both.low, both.high),))), note),
        figure("Residuals", drawing(
            flat, (f"predicted {target}", "true - predicted"),
            f"Scatter of the residuals against the predictions; the farthest is "
            f"{number(largest)} away.", flat.points(predicted, residuals),
            flat.rule((flat.x.low, flat.x.high), (0, 0))), note),
        figure("Histogram of the residuals", drawing(
            below, ("true - predicted", "rows"),
            f"Histogram of the residuals, whose mean is {number(float(residuals.mean()))}.",
            below.bars(edges, heights))),
        class_="figures",
    ), tag("div", error_table(truth, predicted), class_="panels"))  # fmt: skip


def error_table(truth: NDArray[Any], predicted: NDArray[Any]) -> Markup:
    """The usual scores, and below which error how many of the rows lie."""
    scores: list[tuple[str, float]] = [
        ("mean absolute error", float(metrics.mean_absolute_error(truth, predicted))),
        ("root mean squared error", sqrt(metrics.mean_squared_error(truth, predicted))),
    ]
    if len(truth) > 1:  # of one row, R2 is not defined
        scores.insert(0, ("R2", float(metrics.r2_score(truth, predicted))))
    quantiles = np.quantile(np.abs(truth - predicted), QUANTILES)
    within = [
        (f"{100 * q:.0f} % of the rows", float(x))
        for q, x in zip(QUANTILES, quantiles, strict=True)
    ]
    return markup(
        table("Errors on the test rows", ("measure", "value"), scores),
        table("Quantiles of the absolute error", ("for", "it is at most"), within),
    )


def _edges(values: NDArray[Any]) -> NDArray[np.float64]:
    """Equal bins, more of them for more rows; around 0 if all values are the same."""
    low, high = float(values.min()), float(values.max())
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        margin = abs(low) / 2 or 0.5
        low, high = low - margin, high + margin
    return np.linspace(low, high, 1 + min(MOST_BINS, max(5, round(sqrt(len(values))))))
