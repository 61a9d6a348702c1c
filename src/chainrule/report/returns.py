"""Returns of episodes: as they rose in training, and those of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .elements import details, number, table
from .scale import Scale, spanning

GRID = 240  # steps at which trainings are compared
MOST_ROWS = 30  # of the table of numbers
MOST_BINS = 30
MOST_HISTOGRAMS = 6
CURVES = (("ep_rew_mean", "Mean return of the last 100 episodes", "return"),
          ("ep_len_mean", "Mean length of the last 100 episodes", "steps"))  # fmt: skip
BESIDES = {"num_timesteps", "fps", *(name for name, *_ in CURVES)}


class Curves(NamedTuple):
    """One number of several trainings, at the same steps: values of shape (seeds, steps)."""

    steps: NDArray[np.float64]
    values: NDArray[np.float64]


def curves(histories: Mapping[int, Sequence[Mapping[str, float]]], name: str) -> Curves | None:
    """Interpolate a number of all trainings at common steps; None where nobody has it.

    Before a training's first number, and after its last one, it is missing.
    """
    columns = []
    for rows in histories.values():
        pairs = [(row["num_timesteps"], row.get(name, np.nan)) for row in rows]
        finite = np.array([pair for pair in pairs if np.isfinite(pair[1])]).reshape(-1, 2)
        columns.append(finite)
    steps = np.concatenate([column[:, 0] for column in columns]) if columns else np.zeros(0)
    if not len(steps):
        return None
    if len(columns) == 1:
        return Curves(steps, columns[0][:, 1][None])
    grid = np.linspace(steps.min(), steps.max(), GRID)
    values = [
        np.interp(grid, column[:, 0], column[:, 1], left=np.nan, right=np.nan)
        if len(column) else np.full(GRID, np.nan)
        for column in columns
    ]  # fmt: skip
    return Curves(grid, np.array(values))


def learning(report: Any) -> Markup | None:
    """The section, or None without a history."""
    figures = []
    for name, title, unit in CURVES:
        lines = curves(report.histories, name)
        if lines is not None:
            threshold = report.threshold if name == "ep_rew_mean" else None
            figures.append(_figure(title, unit, lines, threshold))
    if not figures:
        return None
    return markup(tag("div", figures, class_="figures"), *_in_numbers(report.histories))


def updates(report: Any) -> Markup | None:
    """Losses, entropy and whatever else each round of updates reports; None if nothing does."""
    names = dict.fromkeys(
        name for rows in report.histories.values() for row in rows for name in row
        if name not in BESIDES
    )  # fmt: skip
    figures = []
    for name in names:
        lines = curves(report.histories, name)
        if lines is not None:
            figures.append(_figure(name.replace("_", " ").capitalize(), "", lines, None))
    return tag("div", figures, class_="figures") if figures else None


def _figure(title: str, unit: str, lines: Curves, threshold: float | None) -> Markup:
    """A line; of several trainings each one thin, their mean, and a band from least to most."""
    steps, values = lines
    limits = [] if threshold is None else [threshold]
    low, high = float(steps.min()), float(steps.max())
    axes = Axes(Scale(low, high) if low < high else Scale(low - 1, low + 1),
                spanning(values, limits))  # fmt: skip
    known = np.isfinite(values).any(axis=0)
    steps, values = steps[known], values[:, known]
    mean = np.nanmean(values, axis=0)
    marks = []
    note = ""
    if len(values) > 1:
        marks.append(axes.band(steps, np.nanmin(values, axis=0), np.nanmax(values, axis=0)))
        marks += [axes.line(steps, row, thin=True) for row in values]
        note = f"mean of {len(values)} seeds, each of them thin, from least to most"
    marks.append(axes.line(steps, mean))
    spoken = f"{title} from {number(float(mean[0]))} to {number(float(mean[-1]))}"
    if threshold is not None:
        marks.append(axes.rule((axes.x.low, axes.x.high), (threshold, threshold)))
        note = "; ".join(filter(None, [note, f"solved from {number(threshold)} on"]))
    description = f"{spoken} in {number(int(high))} steps, of {len(values)} trainings."
    return figure(title, drawing(axes, ("steps", unit or title), description, *marks), note)


def _in_numbers(histories: Mapping[int, Sequence[Mapping[str, float]]]) -> list[Markup]:
    """The returns in numbers, a column a seed, at evenly spaced steps."""
    lines = curves(histories, "ep_rew_mean")
    if lines is None:
        return []
    chosen = np.unique(np.linspace(0, len(lines.steps) - 1, MOST_ROWS).round().astype(int))
    rows = [(f"{int(lines.steps[k]):,}", *[float(x) for x in lines.values[:, k]]) for k in chosen]
    headers = ("steps", *[f"seed {seed}" for seed in histories])
    return [details("The returns in numbers", table("Mean returns", headers, rows))]


def evaluation(report: Any) -> Markup | None:
    """Returns of whole episodes: a table, and a histogram of each policy."""
    if not report.returns:
        return None
    rows = []
    for name, values in report.returns.items():
        lengths = report.lengths.get(name)
        rows.append((
            name, len(values), float(np.mean(values)), float(np.std(values)),
            float(np.min(values)), float(np.max(values)),
            "–" if lengths is None else float(np.mean(lengths)),  # noqa: RUF001
        ))  # fmt: skip
    headers = ("policy", "episodes", "mean return", "deviation", "least", "most", "mean length")
    drawn = [*report.returns][:MOST_HISTOGRAMS]
    charts = [_histogram(name, report.returns[name], report) for name in drawn]
    notes = []
    if report.threshold is not None:
        notes.append(
            f"The task counts as solved from a mean return of {number(report.threshold)} on."
        )
    if len(drawn) < len(report.returns):
        notes.append(f"The first {len(drawn)} of {len(report.returns)} have a histogram.")
    return markup(
        table("Returns of whole episodes, after the training", headers, rows),
        tag("p", " ".join(notes)) if notes else "",
        tag("div", charts, class_="figures"),
    )


def _histogram(name: str, values: NDArray[np.float64], report: Any) -> Markup:
    everything = np.concatenate(list(report.returns.values()))
    scale = spanning(everything)
    n_bins = min(MOST_BINS, max(8, round(2 * sqrt(len(values)))))
    edges = np.linspace(scale.low, scale.high, n_bins + 1)
    heights, _ = np.histogram(values, edges)
    axes = Axes(scale, Scale(0.0, spanning(heights, [0]).high))
    mean = float(np.mean(values))
    chart = drawing(
        axes, ("return", "episodes"),
        f"Histogram of the returns of {len(values)} episodes of {name}, whose mean is "
        f"{number(mean)}.",
        axes.bars(edges, heights), axes.mark(mean, f"mean {number(mean)}"),
    )  # fmt: skip
    return figure(name, chart)
