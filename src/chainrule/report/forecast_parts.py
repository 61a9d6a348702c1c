"""Why a forecast is as it is: what an N-BEATS' blocks add, and what lags and covariates add."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure, whisker_bar
from .elements import details, label, number, scrolled, shortened, table, value
from .scale import spanning
from .training import epoch_scale

MOST_SERIES = 6
MOST_INPUTS = 12  # of a series; of the others there are sums
LAG, COVARIATE = re.compile(r"lag (\d+)"), re.compile(r"((?:known|past) .*) (?:\+|lag )\d+")

Floats: TypeAlias = NDArray[np.float64]
Part: TypeAlias = tuple[str, str, Markup]


def decomposition(frame: Any, target: str = "forecast") -> Part:
    """Charts of `Forecaster.decomposition`: its partial sums up to the forecast, and each part.

    Parameters
    ----------
    frame : DataFrame
        As `Forecaster.decomposition` returns it: the id, if there is one, the time, "forecast" and
        its parts.
    target : str
        The name of the values.

    Returns
    -------
    (str, str, Markup)
        The section's anchor, its title and its content: one of `ForecastReport.parts`.
    """
    columns = list(frame.columns)
    first = columns.index("forecast")
    names = [str(name) for name in columns[first + 1 :]]
    figures, tables = [], []
    every = list(_series(frame, columns[0] if first > 1 else None))
    for name, rows in every[:MOST_SERIES]:
        parts = rows.iloc[:, first + 1 :].to_numpy(np.float64)
        times = [str(time) for time in rows.iloc[:, first - 1]]
        figures += _figures(name, names, parts, times, target)
        tables.append(table(
            f"Parts of the forecast{_of(name)}", ("time", "forecast", *names),
            [(time, float(row.sum()), *map(float, row))
             for time, row in zip(times, parts, strict=True)],
        ))  # fmt: skip
    member = frame.attrs.get("member")
    text = (
        "The level is the window's, which the network sees as 0; its linear skip and its blocks "
        "add to it, and the last sum is its forecast."
    )
    content = markup(
        tag("p", f"{member}: " if member else "", text),
        tag("div", figures, class_="figures"),
        _more(len(every)),
        details("The parts in numbers", markup(tables)),
    )
    return "parts", "What each block of the N-BEATS adds", content


def _figures(
    name: str, names: list[str], parts: Floats, times: list[str], target: str
) -> list[Markup]:
    """The partial sums of one series, and the parts about 0, step by step."""
    steps = [float(step) for step in range(1, len(parts) + 1)]
    sums = np.cumsum(parts, axis=1)
    across = "step ahead" if len(times) < 2 else f"step ahead, {times[0]} to {times[-1]}"
    title = shortened(name, 60) if name else "Forecast"
    axes = Axes(epoch_scale(steps), spanning(sums))
    colours = [len(names) - 1, *range(len(names) - 1)]  # of a part in both charts
    stacked = drawing(
        axes, (across, target),
        f"{title}: partial sums of {len(names)} parts over {len(steps)} steps; the last one, the "
        f"forecast, goes from {number(sums[0, -1])} to {number(sums[-1, -1])}.",
        *[axes.line(steps, sums[:, k], colour) for k, colour in enumerate(colours)],
    )  # fmt: skip
    about = Axes(epoch_scale(steps), spanning(parts[:, 1:], [0.0]))
    largest = [float(np.max(np.abs(parts[:, k]))) for k in range(1, len(names))]
    single = drawing(
        about, (across, f"part of {target}"),
        f"{title}: " + "; ".join(
            f"{part} is at most {number(most)} in size"
            for part, most in zip(names[1:], largest, strict=True)
        ) + ".",
        about.rule([steps[0], steps[-1]], [0.0, 0.0]),
        *[about.line(steps, parts[:, k], colours[k]) for k in range(1, len(names))],
    )  # fmt: skip
    labels = [*[f"+ {part}" for part in names[1:]], names[0]]
    note = f"from the {names[0]} to the forecast"
    return [
        figure(f"{title}: sums of the parts", stacked, note, labels),
        figure(f"{title}: each part", single, f"without the {names[0]}", names[1:]),
    ]


def attributions(frame: Any, target: str = "forecast") -> Part:
    """Bars of `Forecaster.attributions`, the largest first.

    Parameters
    ----------
    frame : DataFrame
        As `Forecaster.attributions` returns it: the id, if there is one, "input", "value" and
        "attribution", with a row "baseline" for each series.
    target : str
        The name of the values.

    Returns
    -------
    (str, str, Markup)
        The section's anchor, its title and its content: one of `ForecastReport.parts`.
    """
    columns = list(frame.columns)
    every = list(_series(frame, None if columns[0] == "input" else columns[0]))
    bars = [
        _bars(name, list(rows["input"]), rows["value"].to_numpy(np.float64),
              rows["attribution"].to_numpy(np.float64), target, frame.attrs.get("seasons", ()))
        for name, rows in every[:MOST_SERIES]
    ]  # fmt: skip
    text = (
        "The forecast is that of a flat window with covariates at their means, the baseline, plus "
        "what each input adds (integrated gradients); lag 1 is the last value."
    )
    return (
        "attributions",
        "What the forecast hangs on",
        markup(tag("p", text), bars, _more(len(every))),
    )


def _bars(
    name: str, inputs: list[str], values: Floats, parts: Floats, target: str,
    seasons: Sequence[int],
) -> Markup:  # fmt: skip
    """The table of one series."""
    is_base = np.array([text == "baseline" for text in inputs])
    base, total = float(parts[is_base].sum()), float(parts.sum())
    order = np.flatnonzero(~is_base)
    order = order[np.argsort(-np.abs(parts[order]), kind="stable")]
    largest, rest = order[:MOST_INPUTS], order[MOST_INPUTS:]
    rows = [(inputs[k], float(values[k]), float(parts[k])) for k in largest]
    sums: dict[str, float] = {}
    for k in sorted(rest, key=lambda k: _order(inputs[k])):
        group = group_of(inputs[k], seasons)
        sums[group] = sums.get(group, 0.0) + float(parts[k])
    rows += [(group, np.nan, part) for group, part in sums.items()]
    scale = spanning([part for _, _, part in rows], [0.0], margin=0.01)
    body = [
        tag("tr", tag("th", label(text), scope="row"),
            tag("td", whisker_bar(scale, part, 0.0), class_="wide"),
            tag("td", value(part), class_="n"),
            tag("td", value(x) if np.isfinite(x) else "", class_="n"))
        for text, x, part in rows
    ]  # fmt: skip
    heads = [
        tag("th", text, scope="col", class_=side)
        for text, side in (("input", None), ("", None), ("adds", "n"), ("its value", "n"))
    ]
    caption = (
        f"{shortened(target, 40)}{_of(name)}: {number(base)} of the baseline and "
        f"{number(total - base)} of the inputs are {number(total)}"
    )
    content = tag("table", tag("caption", caption), tag("thead", tag("tr", heads)),
                  tag("tbody", body), class_="importances")  # fmt: skip
    return scrolled(caption, content)


def group_of(text: str, seasons: Sequence[int]) -> str:
    """Which sum of the smaller ones an input belongs to: lags by season, covariates by name.

    Examples
    --------
    >>> [group_of(f"lag {k}", (7, 365)) for k in (3, 8, 400)]
    ['other lags up to 7', 'other lags up to 365', 'other lags beyond 365']
    >>> group_of("known promo +3", ()), group_of("past temp lag 2", ()), group_of("lag 2", ())
    ('known promo, other steps', 'past temp, other steps', 'other lags')
    """
    lag, covariate = LAG.fullmatch(text), COVARIATE.fullmatch(text)
    if covariate is not None:
        return f"{covariate[1]}, other steps"
    if lag is None or not seasons:
        return "other lags" if lag is not None else "others"
    within = [season for season in sorted(seasons) if int(lag[1]) <= season]
    return f"other lags up to {within[0]}" if within else f"other lags beyond {max(seasons)}"


def _order(text: str) -> tuple[bool, int, str]:
    """Lags first, the latest first."""
    lag = LAG.fullmatch(text)
    return lag is None, 0 if lag is None else int(lag[1]), text


def _series(frame: Any, column: Any) -> Iterator[tuple[str, Any]]:
    """The rows of each series, in the order of the frame; without a column of ids, all rows."""
    if column is None:
        yield "", frame
        return
    for name, rows in frame.groupby(column, sort=False, observed=True):
        yield str(name), rows


def _of(name: str) -> str:
    return f" of {shortened(name, 60)}" if name else ""


def _more(many: int) -> Markup:
    more = many - MOST_SERIES
    return tag("p", f"And {more:,} more series.") if more > 0 else markup()
