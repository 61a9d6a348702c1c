"""The model card: what it is made of, what it learned from, where not to trust it; the command."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..markup import Markup, markup, tag
from .document import Report
from .elements import decimals, facts, label, number, table, value

WITH_UNIT = ("RMSE", "MAE")  # scores that are as large as the target


def scores(report: Report) -> Markup | None:
    """The model's scores beside those of simpler models."""
    if not report.scores:
        return None
    names = list(report.baselines)
    if not names:
        rows = [(metric, score_text(metric, score)) for metric, score in report.scores.items()]
        return table("Scores on the test rows", ("metric", "score"), rows)
    of_models = {"this model": report.scores, **report.baselines}
    shared = [m for m in report.scores if any(m in report.baselines[name] for name in names)]
    grid = table("Scores on the test rows", ("model", *shared), [
        (tag("b", label(name)) if k == 0 else name, *[_known(of, metric) for metric in shared])
        for k, (name, of) in enumerate(of_models.items())
    ])  # fmt: skip
    further = [(m, score_text(m, x)) for m, x in report.scores.items() if m not in shared]
    more = table("Further scores of this model", ("metric", "score"), further) if further else ""
    return tag("div", grid, more, class_="panels")


def _known(scores: Mapping[str, float], metric: str) -> Markup | str:
    return score_text(metric, scores[metric]) if metric in scores else "–"  # noqa: RUF001


def score_text(metric: str, score: float) -> Markup:
    """A score: four decimals, if it has no unit; else as a number of that size."""
    return value(float(score)) if metric in WITH_UNIT else decimals(float(score), 4)


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
    words = [tag("span", word, class_="option") for word in re.split(" (?=--)", report.command)]
    code = tag("pre", tag("code", markup(words[0], [markup(" ", word) for word in words[1:]])),
               class_="command", tabindex=0)  # fmt: skip
    return markup(tag("p", "This command gives the same again (a click selects it):"), code)
