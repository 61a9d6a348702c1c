"""The model card: what it is made of, what it learned from, where not to trust it; the command."""

from __future__ import annotations

import re

from ..markup import Markup, markup, tag
from .document import Report
from .elements import facts, number, table


def scores(report: Report) -> Markup | None:
    """The model's scores beside those of simpler models."""
    if not report.scores:
        return None
    names = list(report.baselines)
    rows = [
        (metric, float(score), *[_known(report.baselines[name], metric) for name in names])
        for metric, score in report.scores.items()
    ]
    return table("Scores on the test rows", ("metric", "this model", *names), rows)


def _known(baseline: object, metric: str) -> float | str:
    score = baseline.get(metric) if hasattr(baseline, "get") else None
    return "–" if score is None else float(score)  # noqa: RUF001


def card(report: Report) -> Markup | None:
    """The section, or None if nothing is known."""
    tables = []
    if report.layers:
        total = sum(count for *_, count in report.layers)
        rows = [*report.layers, (tag("b", "all"), "", total)]
        tables.append(table(f"Layers: {number(total)} parameters", ("layer", "shape", "parameters"),
                           rows, texts=[1]))  # fmt: skip
    seed = {} if report.seed is None else {"seed": str(report.seed)}
    for caption, pairs in (
        ("Training", {**report.settings, **seed}),
        ("Data", report.dataset),
        ("Versions", report.versions),
    ):
        if pairs:
            tables.append(facts(caption, pairs.items()))
    paragraphs = [text for text in re.split(r"\n\s*\n", report.limitations.strip()) if text]
    if not tables and not paragraphs:
        return None
    return markup(
        tag("div", tables, class_="tables") if tables else "",
        tag("h3", "Limitations") if paragraphs else "",
        [tag("p", text) for text in paragraphs],
    )


def command(report: Report) -> Markup | None:
    """What to type; a click selects the whole of it, which needs no script."""
    if not report.command:
        return None
    code = tag("pre", tag("code", report.command), class_="command", tabindex=0)
    return markup(tag("p", "This command gives the same again (a click selects it):"), code)
