"""The page of a forecast: its worth in a sentence, charts of series, backtest, committee."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..markup import Markup, markup, tag
from . import anomaly_charts, card, forecast_charts
from .elements import details, table
from .forecast_document import ForecastReport
from .page import html_page

MOST_SCORED = 200  # series, of the table of scores

Section = tuple[str, str, Callable[[ForecastReport], Markup | None]]


def verdict(report: ForecastReport) -> Markup | None:
    """The sentence, and what the data is."""
    headline = tag("p", report.verdict, class_="headline")
    parts = [tag("div", headline, class_="verdict even") if report.verdict else ""]
    parts.append(tag("p", report.summary) if report.summary else "")
    return markup(parts) if report.verdict or report.summary else None


def backtest(report: ForecastReport) -> Markup | None:
    """The scores of the forecaster beside those of simple rules."""
    if not report.scores:
        return None
    metrics = list(dict.fromkeys(name for row in report.scores.values() for name in row))
    rows = [
        (tag("b", model) if k == 0 else model, *[_score(row.get(name)) for name in metrics])
        for k, (model, row) in enumerate(report.scores.items())
    ]
    return markup(
        table("Errors of forecasts from past origins", ("model", *metrics), rows),
        tag("p", report.scores_note) if report.scores_note else "",
        _scores_of_series(report),
    )


def _score(x: float | None) -> object:
    return "–" if x is None or not np.isfinite(x) else float(x)  # noqa: RUF001


def _scores_of_series(report: ForecastReport) -> Markup:
    """The errors of all series, the largest first."""
    if len(report.series_scores) < 2:
        return markup()
    ordered = sorted(report.series_scores, key=lambda row: -np.nan_to_num(row[1], nan=-np.inf))
    rows = [(name, _score(ours), _score(naive)) for name, ours, naive in ordered[:MOST_SCORED]]
    more = len(ordered) - MOST_SCORED
    return details(
        f"MASE of {len(ordered):,} series, the largest first",
        markup(
            table("MASE by series", ("series", "forecaster", "seasonal naive"), rows),
            tag("p", f"And {more:,} more series.") if more > 0 else "",
        ),
    )


def committee(report: ForecastReport) -> Markup | None:
    """The members and what each of them is."""
    note = tag("p", report.members_note) if report.members_note else markup()
    if not report.members:
        return note or None
    rows = [
        (member.name, "yes" if member.is_chosen else "no", member.meaning)
        for member in report.members
    ]
    chosen = sum(member.is_chosen for member in report.members)
    alone = "The forecast is that of the one member in use" if chosen == 1 else (
        f"The forecast is the median of the {chosen} members in use"
    )  # fmt: skip
    return markup(
        tag("p", f"{alone}. Members are chosen by their latest errors, again after each update."),
        note,
        table("Members", ("member", "in use", "what it is"), rows, texts=[1, 2]),
    )


def learning(report: ForecastReport) -> Markup | None:
    """The losses of the networks, if there are any."""
    return anomaly_charts.learning(report)


def model_card(report: ForecastReport) -> Markup | None:
    """Settings, data, versions, and where not to trust the forecast."""
    return card.card(report)  # type: ignore[arg-type]  # it has the fields of a card


def repeat(report: ForecastReport) -> Markup | None:
    """The command."""
    return card.command(report)  # type: ignore[arg-type]


# Identifier, heading, and what makes the section, or None where there is nothing to show.
BEFORE: tuple[Section, ...] = (
    ("verdict", "Verdict", verdict),
    ("forecast", "Forecast", forecast_charts.forecasts),
    ("backtest", "Backtest", backtest),
    ("steps", "Errors by step", forecast_charts.by_step),
    ("intervals", "Intervals", forecast_charts.coverage),
    ("committee", "Committee", committee),
)
AFTER: tuple[Section, ...] = (  # the report's further parts
    ("learning", "Learning curves", learning),
    ("card", "Model card", model_card),
    ("command", "Repeat it", repeat),
)


def render_forecast(report: ForecastReport) -> str:
    """The report as one HTML page, which loads nothing and runs no script.

    The same report gives the same text.

    Parameters
    ----------
    report : ForecastReport

    Returns
    -------
    str

    Examples
    --------
    >>> from chainrule.report import ForecastReport, render_forecast
    >>> page = render_forecast(ForecastReport("<sales>", "units", "2026-11-30", 7,
    ...                                       verdict="No better than yesterday's price."))
    >>> "<h1>&lt;sales&gt;</h1>" in page, "http" in page.replace("http-equiv", "")
    (True, False)
    """
    sections = [(name, title, build(report)) for name, title, build in BEFORE]
    sections += list(report.parts)
    sections += [(name, title, build(report)) for name, title, build in AFTER]
    steps = "1 step ahead" if report.horizon == 1 else f"{report.horizon:,} steps ahead"
    about = [f"forecast of {report.target}", steps, report.date]
    return html_page(report.data, "forecast report", about, sections)
