"""How the training went: losses and scores by epoch."""

from __future__ import annotations

import numpy as np

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, evenly, figure
from .document import Report
from .elements import details, number, shortened, table
from .scale import Scale, spanning, wants_log

MOST_ROWS = 30  # of the table of epochs
FEW_ROWS = 11  # of one that stands beside a chart
LOSSES = (("loss", "training loss"), ("validation_loss", "validation loss"))


def learning(report: Report) -> Markup | None:
    """The section, or None without a history."""
    if not report.history:
        return None
    names = dict(LOSSES) | {"score": report.score_name}
    present = [key for key in names if any(key in row for row in report.history)]
    epochs = [row.get("epoch", k) for k, row in enumerate(report.history, 1)]
    columns = {key: [row.get(key, np.nan) for row in report.history] for key in present}
    losses = [key for key, _ in LOSSES if key in present]
    figures = []
    if losses:
        figures.append(_curves(report, epochs, {names[k]: columns[k] for k in losses}, "loss"))
    if "score" in present:
        column = {report.score_name: columns["score"]}
        figures.append(_curves(report, epochs, column, report.score_name))
    best = report.best_epoch
    if best is None:
        note = ""
    elif best == 0:
        note = "No epoch improved on the weights that the training began with: those are kept."
    else:
        note = f"The weights of epoch {best:,} of {len(epochs):,} are kept."
    positions = set(evenly(len(epochs), MOST_ROWS if len(figures) > 1 else FEW_ROWS - 1).tolist())
    positions |= {k for k, epoch in enumerate(epochs) if epoch == best}
    rows = [
        (f"{epochs[k]:,}" + (" (best)" if epochs[k] == best else ""),
         *[float(columns[key][k]) for key in present])
        for k in sorted(positions)
    ]  # fmt: skip
    headers = ("epoch", *[names[key] for key in present])
    numbers = table("Epochs", headers, rows)
    if len(figures) == 1 and len(rows) <= FEW_ROWS:  # beside the one chart, where there is room
        return markup(
            tag("p", note) if note else "", tag("div", figures, numbers, class_="figures")
        )
    return markup(
        tag("p", note) if note else "",
        tag("div", figures, class_="figures"),
        details("The epochs in numbers", numbers),
    )


def epoch_scale(epochs: list[float]) -> Scale:
    """The scale from the first epoch to the last; around it if there is one only."""
    low, high = min(epochs), max(epochs)
    return Scale(low, high, whole=True) if low < high else Scale(low - 1, low + 1, whole=True)


def _curves(
    report: Report, epochs: list[float], columns: dict[str, list[float]], name: str
) -> Markup:
    log = name == "loss" and wants_log(*columns.values())
    title = shortened(f"{name[:1].upper()}{name[1:]}", 60)
    axes = Axes(epoch_scale(epochs), spanning(*columns.values(), log=log))
    marks = [axes.line(epochs, column, k) for k, column in enumerate(columns.values())]
    spoken = [
        f"{shortened(name, 40)} from {number(c[0])} to {number(c[-1])}"
        for name, c in columns.items()
    ]
    best = report.best_epoch
    if best in epochs:
        marks.append(axes.mark(best, f"best: {best:,}"))
        spoken.append(f"the best epoch is {best:,}")
    description = f"{title} in {len(epochs):,} epochs: {', '.join(spoken)}."
    chart = drawing(axes, ("epoch", name), description, *marks)
    names = list(columns) if len(columns) > 1 else []
    return figure(title, chart, "logarithmic scale" if log else "", names)
