"""How the answer changes with the strongest columns: curves of numbers, a line for each level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure, interval_bar
from .document import Report
from .elements import label, number, rounded, scrolled, shortened
from .scale import spanning
from .table_parts import Dependence

MOST_LEVELS = 12
BAND = (
    "For 80 of 100 rows the answer follows within the band, their mean put at the mean of all: "
    "where it is wide, the effect depends on other columns. "
)


def dependence(report: Report) -> Markup | None:
    """The section, or None if nothing was computed."""
    if not report.dependence:
        return None
    figures = [
        _levels(each) if _is_category(each) else _curves(each)
        for each in report.dependence
        if len(each.at) > 1
    ]
    note = (
        "The mean answer for the same rows, with this column set to one value after the other and "
        f"all others as they are. {BAND if any(map(_has_band, report.dependence)) else ''}"
        "It says what the model does, not what would happen if the column were changed."
    )
    return markup(tag("p", note, class_="quiet"), tag("div", figures, class_="columns"))


def _has_band(part: Dependence) -> bool:
    """Whether its band is drawn: of several classes it would lie across the others' curves."""
    return len(part.low) > 0 and len(part.curves) == 1


def _is_category(part: Dependence) -> bool:
    return any(isinstance(at, str) for at in part.at)


def _curves(part: Dependence) -> Markup:
    x = np.asarray(part.at, np.float64)
    curves = {name: np.asarray(curve, np.float64) for name, curve in part.curves.items()}
    low, high = (np.asarray(end, np.float64) for end in (part.low, part.high))
    scale = replace(spanning(x, margin=0.0), dates=part.dates, whole=bool(np.all(x % 1 == 0)))
    band = [low, high] if _has_band(part) else []
    axes = Axes(scale, spanning(*curves.values(), *band))
    marks: list[Markup] = [axes.band(x, low, high)] if band else []
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


def _levels(part: Dependence) -> Markup:
    """A row a level, the largest answer first; of several outputs the first one is drawn."""
    curves = {name: np.asarray(curve, np.float64) for name, curve in part.curves.items()}
    first = next(iter(curves.values()))
    low, high = (np.asarray(end, np.float64) for end in (part.low, part.high))
    low, high = (low, high) if _has_band(part) else (first, first)
    scale = spanning(first, low, high)
    order = np.argsort(-first, kind="stable")[:MOST_LEVELS]
    spread = float(np.ptp(first)) / 10
    rows = [
        tag("tr", tag("th", label(part.at[k], 24), scope="row"),
            tag("td", interval_bar(scale, first[k], low[k], high[k]), class_="wide"),
            [tag("td", tag("data", rounded(curve[k], spread), value=repr(float(curve[k]))),
                 class_="n") for curve in curves.values()])
        for k in order.tolist()
    ]  # fmt: skip
    name = shortened(part.name, 60)
    heads = [tag("th", text, scope="col", class_=side) for text, side in (
        (label(name, 24), None), ("", "wide"), *[(label(each, 24), "n") for each in curves]
    )]  # fmt: skip
    grid = tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="importances")
    return tag("figure", tag("figcaption", tag("strong", name)), scrolled(name, grid))
