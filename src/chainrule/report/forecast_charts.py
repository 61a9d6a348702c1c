"""Charts of forecasts: history, forecast and bands; errors and coverage by step ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .elements import details, number, percent, shortened, table
from .forecast_document import ForecastReport, ForecastSeries
from .scale import Scale, spanning
from .training import epoch_scale

Floats: TypeAlias = NDArray[np.float64]

OPEN_SERIES = 8  # charts that are seen without a click
MOST_SERIES = 40
MOST_STAMPS = 4  # of a chart
MOST_STEPS = 60  # of the tables by step
FEW_STEPS = 14  # of a table that is as high as a chart
OBSERVED, FORECAST, BACKTEST = 0, 1, 2  # colours


@dataclass(frozen=True)
class StampScale(Scale):
    """A scale of row numbers, whose ticks are the times of some rows.

    Examples
    --------
    >>> StampScale(0.0, 3.0, stamps=("Mon", "Tue", "Wed", "Thu")).ticks()[:2]
    [(0.0, 'Mon'), (1.0, 'Tue')]
    """

    stamps: tuple[str, ...] = ()

    def ticks(self) -> list[tuple[float, str]]:
        """A few times, none of them at the very ends of a long axis."""
        count = len(self.stamps)
        some = min(count, MOST_STAMPS)
        rows = np.arange(count) if some == count else (np.arange(some) + 0.5) * count / some
        return [(float(int(row)), shortened(self.stamps[int(row)], 19)) for row in rows]


def forecasts(report: ForecastReport) -> Markup | None:
    """Each series with its forecast and bands; more than a few wait for a click."""
    if not report.series:
        return None
    charts = [series_figure(one, report.target) for one in report.series[:MOST_SERIES]]
    more = len(report.series) - MOST_SERIES
    rest = charts[OPEN_SERIES:]
    note = [report.series_note] if report.series_note else []
    note += [f"And {more:,} more series, which are not drawn."] if more > 0 else []
    return markup(
        [tag("p", text) for text in note],
        tag(
            "div",
            charts[:OPEN_SERIES],
            _in_numbers(report) if len(charts) == 1 else "",
            class_="figures",
        ),
        details(f"{len(rest)} more series", tag("div", rest, class_="figures")) if rest else "",
    )


def _in_numbers(report: ForecastReport) -> Markup:
    """The forecast of one series, step by step, with its widest interval."""
    [one] = report.series
    steps = min(len(one.forecast), FEW_STEPS)
    level = max(one.intervals, default=None)
    headers = ["time", "forecast"]
    columns = [one.forecast]
    if level is not None:
        headers += [f"{level:g} %, from", "to"]
        columns += one.intervals[level]
    times = one.times[len(one.observed) :]
    rows = [(str(times[k]), *[float(column[k]) for column in columns]) for k in range(steps)]
    few = "The forecast" if steps == len(one.forecast) else f"The first {steps} steps"
    return table(few, headers, rows)


def series_figure(one: ForecastSeries, target: str) -> Markup:
    """History, past forecasts, forecast and bands of one series."""
    rows, horizon = len(one.observed), len(one.forecast)
    count = rows + horizon
    past = np.arange(rows, dtype=np.float64)
    joint = rows > 0 and np.isfinite(one.observed[-1])  # the fan begins at the last value
    first = [one.observed[-1]] if joint else []
    ahead = np.arange(rows - len(first), count, dtype=np.float64)
    ends = [end for pair in one.intervals.values() for end in pair]
    scale = spanning(one.observed, one.forecast, one.backtest, *ends)
    axes = Axes(StampScale(*_ends(count), stamps=tuple(map(str, one.times))), scale)
    levels = sorted(one.intervals, reverse=True)
    bands = []
    for level in levels:
        lower, upper = one.intervals[level]
        bands.append(axes.band(ahead, [*first, *lower], [*first, *upper], FORECAST))
    has_past = bool(np.isfinite(one.backtest).any())
    drawn = drawing(
        axes, ("", target), _spoken(one, levels), *bands,
        axes.line(past, one.backtest, BACKTEST) if has_past else markup(),
        axes.line(past, one.observed, OBSERVED),
        axes.line(ahead, [*first, *one.forecast], FORECAST),
        axes.mark(rows - 1.0, str(one.times[rows - 1])) if rows else markup(),
    )  # fmt: skip
    notes = [f"bands: {' and '.join(f'{level:g} %' for level in levels[::-1])}"] if levels else []
    if np.isfinite(one.score):
        notes.append(f"MASE {one.score:.3f}")
    if np.isfinite(one.naive_score):
        notes.append(f"seasonal naive {one.naive_score:.3f}")
    names = ["observed", "forecast", *(["forecast from past origins"] if has_past else [])]
    return figure(shortened(one.name, 60), drawn, "; ".join(notes), names)


def _ends(count: int) -> tuple[float, float]:
    scale = epoch_scale([0.0, count - 1.0])
    return scale.low, scale.high


def _spoken(one: ForecastSeries, levels: list[float]) -> str:
    """A chart in words."""
    known = one.observed[np.isfinite(one.observed)]
    of = (
        f", from {number(float(known.min()))} to {number(float(known.max()))}" if len(known) else ""
    )
    first, last = float(one.forecast[0]), float(one.forecast[-1])
    text = (
        f"{shortened(one.name, 60)}: {len(one.observed):,} rows{of}; forecast "
        f"{number(first)} for {one.times[len(one.observed)]}"
    )
    if len(one.forecast) > 1:
        text += f" to {number(last)} for {one.times[-1]}"
    if levels:
        lower, upper = one.intervals[levels[0]]
        text += (f", between {number(float(lower[-1]))} and {number(float(upper[-1]))} with "
                 f"{levels[0]:g} %")  # fmt: skip
    return f"{text}."


def by_step(report: ForecastReport) -> Markup | None:
    """The errors of each step ahead."""
    columns = {
        name: errors for name, errors in report.errors_by_step.items() if np.isfinite(errors).any()
    }
    if not columns:
        return None
    steps = np.arange(1.0, report.horizon + 1.0)
    rows = [
        (f"{k + 1}", *[float(errors[k]) for errors in columns.values()])
        for k in range(min(report.horizon, MOST_STEPS))
    ]
    grid = table(f"{report.error_name} by step", ("step", *columns), rows)
    if report.horizon == 1:
        return grid
    axes = Axes(epoch_scale(steps.tolist()), spanning(*columns.values(), [0.0]))
    dots = report.horizon <= 30
    spoken = "; ".join(
        f"{shortened(name, 40)} from {number(float(errors[0]))} to {number(float(errors[-1]))}"
        for name, errors in columns.items()
    )
    chart = drawing(
        axes, ("steps ahead", report.error_name),
        f"{report.error_name} of each step ahead: {spoken}.",
        *[axes.line(steps, errors, k, dots) for k, errors in enumerate(columns.values())],
    )  # fmt: skip
    title = f"{report.error_name} by steps ahead"
    drawn = figure(title, chart, "lower is better", list(columns))
    if len(rows) <= FEW_STEPS:  # beside the chart, where there is room
        return tag("div", drawn, grid, class_="figures")
    return markup(tag("div", drawn, class_="figures"), details("The steps in numbers", grid))


def coverage(report: ForecastReport) -> Markup | None:
    """How many values were within the intervals, in all and by step ahead."""
    if not report.coverage:
        return None
    rows = [
        (f"{each.level:g} %", percent(each.covered), each.n,
         "too few forecasts to tell" if each.too_few else "")
        for each in report.coverage
    ]  # fmt: skip
    grid = table("Values within the intervals", ("interval", "covered", "values", ""), rows, [3])
    stepped = [each for each in report.coverage if np.isfinite(_shares(each)).any()]
    if report.horizon == 1 or not stepped:
        return grid
    steps = np.arange(1.0, report.horizon + 1.0)
    nominal = [each.level / 100.0 for each in stepped]
    low = min(0.5, *[float(np.nanmin(_shares(each))) for each in stepped], *nominal)
    axes = Axes(epoch_scale(steps.tolist()), Scale(max(0.0, low - 0.05), 1.02))
    dots = report.horizon <= 30
    ends = (axes.x.low, axes.x.high)
    spoken = "; ".join(
        f"{each.level:g} % covered {percent(float(np.nanmin(_shares(each))))} to "
        f"{percent(float(np.nanmax(_shares(each))))}"
        for each in stepped
    )
    chart = drawing(
        axes, ("steps ahead", "share of values covered"), f"Coverage by step ahead: {spoken}.",
        *[axes.rule(ends, (share, share)) for share in nominal],
        *[axes.line(steps, _shares(each), k, dots) for k, each in enumerate(stepped)],
    )  # fmt: skip
    names = [f"{each.level:g} %" for each in stepped]
    note = "each line should be near its dashed grey one"
    drawn = figure("Coverage by steps ahead", chart, note, names)
    return tag("div", drawn, grid, class_="figures")


def _shares(each: Any) -> Floats:
    return np.asarray(each.by_step, np.float64)
