"""The top of the page: the verdict, what to do next, what to look out for; and the scores."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..markup import Markup, markup, tag
from .card import score_text, scores
from .charts import interval_bar
from .document import Report
from .elements import label, rounded, scrolled, table
from .scale import spanning

OPTION = re.compile(r" (?=-)")  # where the next one begins
WIDEST = 0.05  # for three digits
FINEST = 1e-3  # width of an interval: a narrower one gets no more digits
TONES = {"ahead": "good", "level": "even", "behind": "bad", "nothing": "bad"}
SIGNS = {"ahead": "✓", "level": "=", "behind": "!", "nothing": "!"}


def judgement(report: Report) -> Markup | None:
    """The verdict, or None if there is none."""
    if not report.verdict:
        return None
    headline, *sentences = report.verdict
    tone = TONES.get(report.standing, "even")
    steps = [tag("li", text) for text in report.next_steps]
    return markup(
        tag(
            "div",
            tag("p", tag("b", SIGNS.get(report.standing, "="), class_="sign", aria_hidden="true"),
                markup(" ", _unbroken(headline)), class_="headline"),
            [tag("p", _unbroken(text)) for text in sentences],
            class_=f"verdict {tone}",
        ),
        markup(tag("h3", "What to do next"), tag("ul", steps)) if steps else "",
    )  # fmt: skip


def advice(report: Report) -> Markup | None:
    """What to look out for in the table, or None."""
    if not report.advice:
        return None
    items = [
        tag("li", tag("strong", _title(item.kind), ". "), item.message,
            markup(" Option: ", tag("code", _words(item.option))) if item.option else "")
        for item in report.advice
    ]  # fmt: skip
    return tag("ul", items, class_="flags")


def _unbroken(text: str) -> str:
    """A sentence whose per cents stay on the line of their numbers."""
    return text.replace(" %", "\u00a0%")


def _words(option: str) -> list[Markup]:
    """Options with their values, broken only between them or where one does not fit a line."""
    return [markup(tag("span", each, class_="option"), " ") for each in OPTION.split(option)]


def _title(kind: str) -> str:
    return kind[:1].upper() + kind[1:].replace("_", " ")


def compared(report: Report) -> Markup | None:
    """The scores of all models, with intervals where they are known."""
    if not report.intervals:
        return scores(report)
    models = list(report.intervals)
    parts = [_of_metric(report, models, metric) for metric in report.intervals[models[0]]]
    note = (
        "The 95\u00a0% intervals say how far a score would move with other test rows, by "
        "bootstrap. The difference to the first is taken row by row, so it can be beyond noise "
        "(in bold) where the intervals overlap."
    )
    further = {
        metric: score
        for metric, score in report.scores.items()
        if metric not in report.intervals[models[0]]
    }
    more = table(
        f"Further scores of {'' if models[0].startswith('this ') else 'the '}{models[0]}",
        ("metric", "score"),
        [(metric, score_text(metric, score)) for metric, score in further.items()],
    )
    return markup(
        tag("div", parts, more if further else "", class_="panels"),
        tag("p", note, class_="quiet"),
        [tag("p", text, class_="quiet") for text in report.comparison_notes],
    )


def _of_metric(report: Report, models: list[str], metric: str) -> Markup:
    triples = {name: report.intervals[name][metric] for name in models}
    scale = spanning([end for triple in triples.values() for end in triple], margin=0.06)
    widths = [high - low for _, low, high in triples.values() if high > low]
    # as many digits in each row, three at least
    width = float(np.clip(np.median(widths), FINEST, WIDEST)) if widths else _usual(triples)
    rows = []
    for k, (name, (score, low, high)) in enumerate(triples.items()):
        gap = report.differences.get(name, {}).get(metric)
        cells = [
            tag("td", interval_bar(scale, score, low, high, min(k, 1) * 8), class_="wide"),
            tag("td", _exact(score, width), class_="n"),
            tag("td", _range(low, high, width), class_="n"),
            tag("td", "" if gap is None else _difference(gap), class_="n gap"),
        ]
        text = tag("b", label(name)) if k == 0 else label(name)
        rows.append(tag("tr", tag("th", text, scope="row"), *cells))
    heads = [
        tag("th", text, scope="col", class_=side)
        for text, side in (("model", None), ("", "wide"), (metric, "n"), ("95 % interval", "n"),
                           ("difference", "n gap"))
    ]  # fmt: skip
    caption = f"{metric[:1].upper()}{metric[1:]} on the test rows"
    return scrolled(caption, tag(
        "table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows),
        class_="models",
    ))  # fmt: skip


def _usual(triples: Mapping[str, tuple[float, float, float]]) -> float:
    """The width that gives the largest of scores without intervals three decimals below 10."""
    largest = max((abs(score) for score, _, _ in triples.values() if np.isfinite(score)), default=1)
    return float(WIDEST * max(1.0, 10.0 ** np.floor(np.log10(max(largest, 1.0)))))


def _exact(score: float, width: float) -> Markup:
    if not np.isfinite(score):
        return markup("–")  # noqa: RUF001
    return tag("data", rounded(score, width), value=repr(float(score)))


def _range(low: float, high: float, width: float) -> str:
    if not high >= low:
        return "–"  # noqa: RUF001
    return f"{rounded(low, width)} to {rounded(high, width)}"


def _difference(gap: tuple[float, float, float]) -> Markup:
    """A difference in bold where it is beyond noise."""
    middle, low, high = gap
    if not np.isfinite(middle):
        return markup("")
    text = rounded(middle, float(np.clip(high - low, FINEST, WIDEST)))
    if not text.startswith("-"):
        text = "0" if set(text) <= set("0.") else f"+{text}"
    return tag("b", text, title="beyond noise") if low > 0 or high < 0 else markup(text)
