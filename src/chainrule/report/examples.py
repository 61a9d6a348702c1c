"""Texts of the test with their words coloured by what each adds to the decision."""

from __future__ import annotations

from ..markup import Markup, highlighted, markup, tag
from .document import Report
from .elements import label, percent


def examples(report: Report) -> Markup | None:
    """The section, or None if there are none."""
    if not len(report.examples):
        return None
    rows = [
        tag("tr", tag("th", label(predicted, 40), scope="row"), tag("td", percent(probability)),
            tag("td", label(truth, 40)), tag("td", highlighted(words, scores)))
        for predicted, truth, probability, words, scores in report.examples
    ]  # fmt: skip
    heads = [tag("th", text, scope="col") for text in ("predicted", "probability", "truth", "text")]
    caption = "Blue words speak for the predicted class, red ones against it"
    note = (
        "Each word is told with what it adds to the log-odds of the class, by integrated "
        "gradients: rest the mouse on it."
    )
    return markup(
        tag("table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows)),
        tag("p", note),
    )
