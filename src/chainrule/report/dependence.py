"""How the answer changes with the strongest columns: curves of numbers, bars of levels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import label, number, scrolled, shortened, value
from .scale import Scale, spanning
from .table_parts import Dependence

MOST_LEVELS = 12


def dependence(report: Report) -> Markup | None:
    """The section, or None if nothing was computed."""
    if not report.dependence:
        return None
    figures = [
        _bars(each) if _is_category(each) else _curves(each)
        for each in report.dependence
        if len(each.at) > 1
    ]
    note = (
        "The mean answer for the same rows, with this column set to one value after the other and "
        "all others as they are. For 80 of 100 rows the answer follows within the band, their "
        "mean put at the mean of all: where it is wide, the effect depends on other columns. It "
        "says what the model does, not what would happen if the column were changed."
    )
    return markup(tag("p", note, class_="quiet"), tag("div", figures, class_="columns"))


def _is_category(part: Dependence) -> bool:
    return any(isinstance(at, str) for at in part.at)


def _curves(part: Dependence) -> Markup:
    x = np.asarray(part.at, np.float64)
    curves = {name: np.asarray(curve, np.float64) for name, curve in part.curves.items()}
    low, high = (np.asarray(end, np.float64) for end in (part.low, part.high))
    scale = replace(spanning(x, margin=0.0), dates=part.dates)
    axes = Axes(scale, spanning(*curves.values(), low, high))
    marks: list[Markup] = [axes.band(x, low, high)] if len(low) else []
    marks += [axes.line(x, curve, k) for k, curve in enumerate(curves.values())]
    name = shortened(part.name, 60)
    first = next(iter(curves.values()))
    spoken = (
        f"Partial dependence on {name}: from {number(float(first[0]))} at {_at(part, x[0])} to "
        f"{number(float(first[-1]))} at {_at(part, x[-1])}."
    )
    up = next(iter(curves)) if len(curves) == 1 else "probability"
    names = list(curves) if len(curves) > 1 else []
    return figure(name, drawing(axes, (name, up), spoken, *marks), "", names)


def _at(part: Dependence, x: Any) -> str:
    return str(np.datetime64(int(x), "D")) if part.dates else number(float(x))


def _bars(part: Dependence) -> Markup:
    """A row a level; of several outputs a column each, the first one drawn."""
    curves = {name: np.asarray(curve, np.float64) for name, curve in part.curves.items()}
    first = next(iter(curves.values()))
    low, high = (np.asarray(end, np.float64) for end in (part.low, part.high))
    scale = spanning(first, low, high, [0.0] if first.min() >= 0 else [], margin=0.02)
    order = np.argsort(-first, kind="stable")[:MOST_LEVELS]
    rows = [
        tag("tr", tag("th", label(part.at[k], 24), scope="row"),
            tag("td", _bar(scale, first[k], low[k] if len(low) else first[k],
                           high[k] if len(high) else first[k]), class_="wide"),
            [tag("td", value(float(curve[k])), class_="n") for curve in curves.values()])
        for k in order.tolist()
    ]  # fmt: skip
    name = shortened(part.name, 60)
    heads = [tag("th", text, scope="col", class_=side) for text, side in (
        (label(name, 24), None), ("", None), *[(label(each, 24), "n") for each in curves]
    )]  # fmt: skip
    grid = tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="importances")
    return tag("figure", tag("figcaption", tag("strong", name)), scrolled(name, grid))


def _bar(scale: Scale, middle: float, low: float, high: float) -> Markup:
    zero = max(scale.low, min(0.0, scale.high))
    start, end, left, right = (100 * float(x) for x in scale.share([zero, middle, low, high]))
    a, b = sorted((start, end))
    return tag(
        "svg",
        tag("rect", class_="fill", x=f"{a:.1f}", y=1, width=f"{b - a:.1f}", height=8),
        tag("path", class_="whisker", d=f"M{left:.1f} 5H{right:.1f}") if right > left else "",
        class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip
