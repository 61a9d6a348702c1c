"""Which features the predictions hang on: a table whose bars can be compared at a glance."""

from __future__ import annotations

from ..markup import Markup, markup, tag
from .charts import whisker_bar
from .document import Report
from .elements import label, scrolled, with_error
from .scale import spanning

MOST = 30
FINEST = 1e-3  # of the largest importance: digits beyond it say nothing


def importances(report: Report) -> Markup | None:
    """The section, or None if there are none; the largest first."""
    pairs = [
        (name, float(mean), float(error)) for name, (mean, error) in report.importances.items()
    ]
    pairs.sort(
        key=lambda row: (-row[1], str(row[0]))
    )  # equal ones by name, in whatever order they came
    if not pairs:
        return None
    largest, rest = pairs[:MOST], pairs[MOST:]
    ends = [mean + sign * error for _, mean, error in largest for sign in (-1, 1)]
    scale = spanning(ends, [0.0], margin=0.01)
    least = FINEST * max(abs(mean) for _, mean, _ in largest)
    texts = {name: with_error(mean, max(error, least)) for name, mean, error in largest}
    with_errors = any(error > 0 for *_, error in largest)
    rows = [
        tag("tr", tag("th", label(name), scope="row"),
            tag("td", whisker_bar(scale, mean, error), class_="wide"),
            tag("td", tag("data", texts[name][0], value=repr(mean)), class_="n"),
            tag("td", f"± {texts[name][1]}" if error > 0 else "", class_="n gap")
            if with_errors else "")
        for name, mean, error in largest
    ]  # fmt: skip
    heads = [
        tag("th", text, scope="col", class_=side)
        for text, side in (("feature", None), ("", "wide"), ("importance", "n"), ("error", "n gap"))
    ]
    heads = heads if with_errors else heads[:-1]
    caption = "Importance of each feature" + ("; the thin lines are its error" * with_errors)
    body = tag("table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows),
               class_="importances")  # fmt: skip
    most = with_error(rest[0][1], max(rest[0][2], least))[0] if rest else ""
    more = f"And {len(rest):,} more features, of {most} or less." if rest else None
    return markup(scrolled(caption, body), tag("p", more) if more else "")
