"""Charts of a detector: distributions of scores, threshold curve, causes, series, drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import COLOURS, Axes, drawing, evenly, figure, whisker_bar
from .elements import details, label, number, scrolled, shortened, table, value
from .scale import Scale, spanning, wants_log
from .training import epoch_scale

N_BINS = 40
MOST_POINTS = 400  # of the threshold curve
MOST_CAUSES = 20
MOST_SHIFTS = 20
MOST_SERIES = 8
LONG_SERIES = 500  # rows, of which some are shown again on a scale of their own
MOST_SPANS = 4  # of a series
AROUND = 60  # rows before and after a group of alarms
RATES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
DRIFTED = 6.0  # standard errors
SERIES_ALARMS = 3  # colour of the dots
CAPTION_SCORES = "minus the score: stranger to the right"

Floats = NDArray[np.float64]


def strangeness_scale(*scores: Any) -> Scale:
    """The axis of minus the scores; logarithmic where the strangest would hide all others."""
    strange = [-np.asarray(values, np.float64) for values in scores]
    return spanning(*strange, log=wants_log(*strange))


def bins(scale: Scale, count: int = N_BINS) -> Floats:
    """The edges of bins that are equally wide on a scale.

    Examples
    --------
    >>> bins(Scale(1.0, 100.0, log=True), 2).round(6).tolist()
    [1.0, 10.0, 100.0]
    """
    if scale.log:
        powers = np.linspace(np.log10(scale.low), np.log10(scale.high), count + 1)
        return np.asarray(10.0**powers, np.float64)
    return np.linspace(scale.low, scale.high, count + 1)


def distributions(report: Any) -> Markup:
    """The scores of held-out rows and of all others, as shares on a logarithmic scale."""
    columns = {"held-out normal rows": report.calibration, **report.scores}
    return tag("div", [_histograms(
        "Distribution of the scores", columns, report.threshold,
        f"a share of rows in each of {N_BINS} bins; logarithmic",
    )], class_="figures")  # fmt: skip


def _histograms(title: str, columns: Any, threshold: float, note: str) -> Markup:
    """Outlines of histograms in one chart, with the threshold."""
    scale = strangeness_scale(*columns.values(), [threshold])
    edges = bins(scale)
    edges[0], edges[-1] = -np.inf, np.inf  # rounding loses no row at the ends
    shares = []
    for scores in columns.values():
        counts, _ = np.histogram(-np.asarray(scores, np.float64), edges)
        shares.append(counts / max(len(scores), 1))
    edges = bins(scale)
    least = min(1.0 / max(len(scores), 1) for scores in columns.values())
    axes = Axes(scale, spanning([least / 2, 1.0], log=True))
    x = np.repeat(edges, 2)[1:-1]
    lines = [
        axes.line(x, np.repeat(np.maximum(share, axes.y.low), 2), k)
        for k, share in enumerate(shares)
    ]
    spoken = ", ".join(
        f"{shortened(name, 40)}: {len(scores):,} rows, half of them below "
        f"{number(float(np.median(-np.asarray(scores, np.float64))))}"
        for name, scores in columns.items()
    )
    chart = drawing(
        axes, (CAPTION_SCORES, "share of the rows"),
        f"{title}, as minus the score. {spoken}. The threshold is {number(-threshold)}.",
        *lines, axes.mark(-threshold, f"threshold {number(-threshold)}"),
    )  # fmt: skip
    return figure(title, chart, note, list(columns))


def thresholds(report: Any) -> Markup:
    """False alarms and alarms at each threshold, the chosen one marked; a table of rates."""
    columns = {"held-out normal rows: false alarms": report.calibration}
    if report.scores:
        name = next(iter(report.scores))
        columns[f"{name}: alarms"] = report.scores[name]
    scale = strangeness_scale(*columns.values(), [report.threshold])
    sorted_columns = {name: np.sort(-np.asarray(s, np.float64)) for name, s in columns.items()}
    least = min(1.0 / len(scores) for scores in sorted_columns.values())
    axes = Axes(scale, spanning([least / 2, 1.0], log=True))
    lines = [axes.line(*_exceeding(scores), k) for k, scores in enumerate(sorted_columns.values())]
    chosen = -float(report.threshold)
    shares = {name: _above(scores, chosen) / len(scores) for name, scores in sorted_columns.items()}
    spoken = "; ".join(f"{shortened(n, 60)}: {number(share)}" for n, share in shares.items())
    rule = f", {report.rule}" if report.rule else ""
    chart = drawing(
        axes, ("minus the threshold", "share of rows beyond it"),
        f"Share of rows beyond each threshold; at the chosen one, {number(chosen)}{rule}, "
        f"{spoken}.",
        *lines, axes.mark(chosen, f"chosen: {number(chosen)}"),
    )  # fmt: skip
    note = "logarithmic; the lines end at one row"
    drawn = figure("Threshold curve", chart, note, list(columns))
    return tag("div", drawn, _rates(sorted_columns), class_="figures")


def _exceeding(scores: Floats) -> tuple[Floats, Floats]:
    """The points of a curve: sorted scores, and the share of rows that are as large."""
    chosen = evenly(len(scores), MOST_POINTS)
    tail = np.arange(max(0, len(scores) - MOST_POINTS), len(scores))  # where it matters
    at = np.union1d(chosen, tail)
    return scores[at], (len(scores) - at) / len(scores)


def _above(scores: Floats, threshold: float) -> int:
    """How many sorted scores are larger."""
    return int(len(scores) - np.searchsorted(scores, threshold, "right"))


def _rates(columns: dict[str, Floats]) -> Markup:
    """For usual false-alarm rates, the threshold and the alarms."""
    held_out, *others = columns.values()
    count = len(held_out)
    rows = []
    for rate in RATES:
        position = rate * (count + 1)
        if position < 1.0:
            break
        threshold = float(np.interp(count + 1 - position, np.arange(1, count + 1), held_out))
        rows.append((f"{rate:g}", -threshold, *[_above(scores, threshold) for scores in others]))
    headers = ("false-alarm rate", "threshold", *["alarms" for _ in others])
    return table("Thresholds that the held-out rows give", headers, rows) if rows else markup()


def causes(alarms: Sequence[Any]) -> Markup | None:
    """Which columns cause alarms: how often as the first reason, how often as any."""
    first = Counter(alarm.reasons[0].column for alarm in alarms if alarm.reasons)
    among = Counter(name for alarm in alarms for name in {its.column for its in alarm.reasons})
    if not among:
        return None
    names = sorted(among, key=lambda name: (-first[name], -among[name], name))[:MOST_CAUSES]
    scale = Scale(0.0, float(max(1, max(first.values()))))
    rows = [
        tag("tr", tag("th", label(name), scope="row"),
            tag("td", whisker_bar(scale, float(first[name]), 0.0), class_="wide"),
            tag("td", value(first[name]), class_="n"), tag("td", value(among[name]), class_="n"))
        for name in names
    ]  # fmt: skip
    heads = [
        tag("th", text, scope="col", class_=side)
        for text, side in (("column", None), ("", None), ("first reason", "n"), ("any", "n"))
    ]
    caption = f"How often each column is a reason of {len(alarms):,} alarms"
    body = tag("table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows),
               class_="importances")  # fmt: skip
    return scrolled(caption, body)


def series(report: Any) -> Markup | None:
    """Each channel of a series: observed, expected, alarms; of a long one also where they are."""
    if not report.series:
        return None
    figures = [
        _series_figure(chart, span)
        for chart in report.series[:MOST_SERIES] for span in spans_of_interest(chart.is_alarm)
    ]  # fmt: skip
    more = len(report.series) - MOST_SERIES
    return markup(
        tag("div", figures, class_="figures"), tag("p", f"And {more:,} more.") if more > 0 else ""
    )


def spans_of_interest(is_alarm: Any) -> list[tuple[int, int]]:
    """All rows of a series, and of a long one those around its largest groups of alarms.

    Examples
    --------
    >>> flags = np.zeros(1000, bool)
    >>> flags[[10, 500, 501]] = True
    >>> spans_of_interest(flags)
    [(0, 1000), (440, 562), (0, 71)]
    """
    count, rows = len(is_alarm), np.flatnonzero(is_alarm)
    spans = [(0, count)]
    if count < LONG_SERIES or not len(rows):
        return spans
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > AROUND) + 1)
    largest = sorted(groups, key=lambda group: (-len(group), group[0]))[:MOST_SPANS]
    return spans + [
        (max(0, int(group[0]) - AROUND), min(count, int(group[-1]) + AROUND + 1))
        for group in largest
    ]


def _series_figure(chart: Any, span: tuple[int, int]) -> Markup:
    start, stop = span
    rows = np.arange(start + 1, stop + 1, dtype=np.float64)
    observed, expected = chart.observed[start:stop], chart.expected[start:stop]
    is_alarm = chart.is_alarm[start:stop]
    axes = Axes(epoch_scale([rows[0], rows[-1]]), spanning(observed, expected))
    dots = np.where(is_alarm, observed, np.nan)
    apart = np.column_stack([dots, np.full(len(dots), np.nan)]).ravel()  # a lone point is a dot
    is_whole = span == (0, len(chart.observed))
    first, last = chart.span
    across = f"row, {first} to {last}" if first and is_whole else "row"
    count = int(np.sum(is_alarm))
    name = shortened(chart.name, 60)
    title = name if is_whole else f"{name}, rows {start + 1:,} to {stop:,}"
    drawn = drawing(
        axes, (across, chart.name),
        f"{title}: {len(rows):,} rows, of which {count:,} are alarms.",
        axes.line(rows, expected, 1), axes.line(rows, observed, 0),
        axes.line(np.repeat(rows, 2), apart, SERIES_ALARMS),
    )  # fmt: skip
    return figure(title, drawn, f"{count:,} alarms, as dots", ["observed", "expected"])


def drift(report: Any) -> Markup | None:
    """Whether later rows differ from earlier ones: their scores, and the columns that moved."""
    parts: list[Any] = []
    if report.drift_scores is not None:
        columns = dict(zip(report.drift_names, report.drift_scores, strict=True))
        chart = _histograms("Scores of earlier and later rows", columns, report.threshold,
                            "the same bins; logarithmic")  # fmt: skip
        parts.append(chart)
    of_columns: list[Any] = []
    if report.shifts:
        strong = [shift for shift in report.shifts if shift.strength > DRIFTED]
        names = ", ".join(shortened(shift.column, 40) for shift in strong[:MOST_SHIFTS])
        of_columns.append(tag("p", (
            f"{len(strong)} of {len(report.shifts)} columns differ by more than {DRIFTED:g} "
            f"standard errors: {names}." if strong else
            f"No column differs by more than {DRIFTED:g} standard errors."
        )))  # fmt: skip
        rows = [
            (shift.column, _usual(shift.before), _usual(shift.after), float(shift.deviations),
             float(shift.strength))
            for shift in report.shifts[:MOST_SHIFTS]
        ]  # fmt: skip
        headers = ("column", *report.drift_names, "shift in deviations", "in standard errors")
        of_columns.append(table("Usual values", headers, rows))
        parts.append(tag("div", of_columns))
    return tag("div", parts, class_="figures") if parts else None


def _usual(x: Any) -> object:
    return float(x) if isinstance(x, (float, np.floating)) else str(x)


def learning(report: Any) -> Markup | None:
    """The losses of each network by epoch."""
    histories = {name: rows for name, rows in report.histories.items() if rows}
    if not histories:
        return None
    figures = []
    for k, (name, rows) in enumerate(histories.items()):
        epochs = [float(row.get("epoch", n)) for n, row in enumerate(rows, 1)]
        losses = [float(row.get("loss", np.nan)) for row in rows]
        axes = Axes(epoch_scale(epochs), spanning(losses, log=wants_log(losses)))
        chart = drawing(
            axes, ("epoch", "loss"),
            f"Loss of the network {name} in {len(rows):,} epochs, from {number(losses[0])} to "
            f"{number(losses[-1])}.",
            axes.line(epochs, losses, k % COLOURS, dots=len(rows) < 20),
        )  # fmt: skip
        figures.append(figure(name, chart, "logarithmic scale" if axes.y.log else ""))
    rows_of_all = [
        (name, len(rows), float(rows[0].get("loss", np.nan)), float(rows[-1].get("loss", np.nan)))
        for name, rows in histories.items()
    ]
    headers = ("network", "epochs", "first loss", "last loss")
    return markup(
        tag("div", figures, class_="figures"),
        details("The losses in numbers", table("Losses", headers, rows_of_all)),
    )
