"""The top of the page: the verdict, what to do next, what to look out for; and the scores."""

from __future__ import annotations

from ..markup import Markup, markup, tag
from .card import scores
from .document import Report
from .elements import label, rounded, scrolled, value
from .scale import Scale, spanning

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
                markup(" ", headline), class_="headline"),
            [tag("p", text) for text in sentences],
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
            markup(" Option: ", tag("code", item.option), ".") if item.option else "")
        for item in report.advice
    ]  # fmt: skip
    return tag("ul", items, class_="flags")


def _title(kind: str) -> str:
    return kind[:1].upper() + kind[1:].replace("_", " ")


def compared(report: Report) -> Markup | None:
    """The scores of all models, with intervals where they are known."""
    if not report.intervals:
        return scores(report)
    models = list(report.intervals)
    parts = [_of_metric(report, models, metric) for metric in report.intervals[models[0]]]
    note = (
        "The bars are 95 % intervals: how far the score would move with other test rows, by "
        "bootstrap. A difference is taken row by row, so it can be beyond noise where the bars "
        "overlap."
    )
    more = scores(report) if set(report.scores) - set(report.intervals[models[0]]) else None
    return markup(
        tag("div", parts, more or "", class_="panels"),
        tag("p", note, class_="quiet"),
        [tag("p", text, class_="quiet") for text in report.comparison_notes],
    )


def _of_metric(report: Report, models: list[str], metric: str) -> Markup:
    triples = {name: report.intervals[name][metric] for name in models}
    scale = spanning([end for triple in triples.values() for end in triple], margin=0.06)
    rows = []
    for k, (name, (score, low, high)) in enumerate(triples.items()):
        width = high - low
        gap = report.differences.get(name, {}).get(metric)
        cells = [
            tag("td", _interval_bar(scale, score, low, high, k), class_="wide"),
            tag("td", value(float(score)) if not width > 0 else _exact(score, width), class_="n"),
            tag("td", _range(low, high, width), class_="n"),
            tag("td", "" if gap is None else _difference(gap), class_="n"),
        ]
        text = tag("b", label(name)) if k == 0 else label(name)
        rows.append(tag("tr", tag("th", text, scope="row"), *cells))
    heads = [
        tag("th", text, scope="col", class_=side)
        for text, side in (("model", None), ("", None), (metric, "n"), ("95 % interval", "n"),
                           ("minus the first", "n"))
    ]  # fmt: skip
    caption = f"{metric} on the test rows"
    return scrolled(caption, tag(
        "table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows),
        class_="models",
    ))  # fmt: skip


def _exact(score: float, width: float) -> Markup:
    return tag("data", rounded(score, width), value=repr(float(score)))


def _range(low: float, high: float, width: float) -> str:
    return f"{rounded(low, width)} to {rounded(high, width)}" if width >= 0 else "–"  # noqa: RUF001


def _difference(gap: tuple[float, float, float]) -> Markup:
    """A difference in bold where it is beyond noise."""
    middle, low, high = gap
    text = rounded(middle, high - low)
    text = text if text.startswith("-") else f"+{text}"
    return tag("b", text, title="beyond noise") if low > 0 or high < 0 else markup(text)


def _interval_bar(scale: Scale, score: float, low: float, high: float, colour: int) -> Markup:
    """A dot with its interval, as wide as the cell that it stands in."""
    middle, left, right = (100 * float(x) for x in scale.share([score, low, high]))
    kind = f"c{min(colour, 1) * 8}"
    line = (
        tag("line", class_=f"reach {kind}", x1=f"{left:.1f}", x2=f"{right:.1f}", y1=8, y2=8)
        if left <= right
        else ""
    )
    return tag(
        "svg",
        tag("line", class_="grid", x1=0, x2=100, y1=8, y2=8),
        line,
        tag("line", class_=f"tick {kind}", x1=f"{middle:.1f}", x2=f"{middle:.1f}", y1=2, y2=14),
        class_="bar", viewBox="0 0 100 16", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip
