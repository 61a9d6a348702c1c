"""Texts of the test with their words coloured by what each adds to the decision."""

from __future__ import annotations

import numpy as np

from .document import Report
from .markup import Markup, label, markup, percent, tag

FOR, AGAINST = "31, 119, 180", "214, 39, 40"  # blue and red: also told apart by the colour-blind


def examples(report: Report) -> Markup | None:
    """The section, or None if there are none."""
    if not len(report.examples):
        return None
    rows = [
        tag("tr", tag("th", label(predicted, 40), scope="row"), tag("td", percent(probability)),
            tag("td", label(truth, 40)), tag("td", _coloured(words, scores)))
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


def _coloured(words: object, scores: object) -> list[Markup]:
    values = np.asarray(scores, np.float64)
    largest = float(np.max(np.abs(values), initial=0.0)) or 1.0
    made = []
    for word, value in zip(list(words), values, strict=True):  # type: ignore[call-overload]
        colour = FOR if value > 0 else AGAINST
        style = f"background: rgba({colour}, {0.75 * abs(value) / largest:.2f})"
        made += [tag("span", str(word), title=f"{value:+.3f}", style=style), Markup(" ")]
    return made
