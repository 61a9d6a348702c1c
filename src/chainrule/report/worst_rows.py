"""Where the model is worst: the rows that it gets most wrong, and the groups of rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ..markup import Markup, markup, tag
from .charts import interval_bar
from .document import Report
from .elements import label, number, percent, rounded, scrolled, table, value
from .scale import spanning
from .table_parts import GroupScore

NUMBER = re.compile(r"(-?[\d,]*\.?\d+(e[+-]?\d+)?)?")


def worst_rows(report: Report) -> Markup | None:
    """The section, or None if no row is known to be wrong."""
    if not report.wrong_rows:
        return None
    classes = report.task == "classification"
    error = "probability of the truth" if classes else "true - predicted"
    headers = ("row", "truth", "predicted", error, *report.wrong_columns)
    rows = [
        (number(each.row), *map(_answer, (each.truth, each.predicted)),
         percent(each.error) if classes else number(each.error),
         *[label(cell, 40) for cell in each.cells])
        for each in report.wrong_rows
    ]  # fmt: skip
    cells = zip(*(each.cells for each in report.wrong_rows), strict=True)
    texts = [4 + k for k, column in enumerate(cells) if not all(map(_is_number, column))]
    texts += [1, 2] if classes else []
    note = (
        "Look at them: a wrong label, a cell that was misread or a column that is lacking often "
        "shows here. Rows are counted from 1, below the header."
    )
    few = f"The {len(rows)} test rows that are farthest off"
    return markup(tag("p", note, class_="quiet"), table(few, headers, rows, texts))


def _answer(answer: str | float) -> Markup:
    return label(answer, 40) if isinstance(answer, str) else value(float(answer))


def _is_number(cell: str) -> bool:
    """Whether a cell stands better at the right: a number, or nothing."""
    return NUMBER.fullmatch(cell) is not None


def groups(report: Report) -> Markup | None:
    """The section, or None if there are no groups; the worst of each column first."""
    if not report.groups:
        return None
    parts = [
        _of_column(report, column, list(members))
        for column, members in groupby(report.groups, key=lambda group: group.column)
    ]
    note = (
        f"The {report.group_score} of the test rows by group, the worst first, with a 95 % "
        "interval. In bold: groups whose interval does not reach the score of all rows. Of twenty "
        "groups, one is in bold by chance."
    )
    return markup(tag("p", note, class_="quiet"), tag("div", parts, class_="panels"))


def _of_column(report: Report, column: str, members: Sequence[GroupScore]) -> Markup:
    whole = report.scores.get(report.group_score)
    ends = [end for each in members for end in (each.score, each.low, each.high)]
    scale = spanning(ends, [] if whole is None else [whole], margin=0.05)
    width = float(np.median([each.high - each.low for each in members]))
    rows = []
    for each in members:
        apart = whole is not None and not each.low <= whole <= each.high
        text, low, high = (_printed(report, x, width) for x in (each.score, each.low, each.high))
        rows.append(tag(
            "tr", tag("th", label(each.level, 40), scope="row"),
            tag("td", interval_bar(scale, each.score, each.low, each.high, rule=whole),
                class_="wide"),
            tag("td", tag("b", text) if apart else text, class_="n"),
            tag("td", f"{low} to {high}", class_="n"),
            tag("td", number(each.rows), class_="n"),
        ))  # fmt: skip
    caption = markup("By ", label(column, 60))
    heads = [tag("th", text, scope="col", class_=side) for text, side in (
        ("group", None), ("", "wide"), (report.group_score, "n"), ("95 % interval", "n"),
        ("rows", "n"),
    )]  # fmt: skip
    return scrolled(f"By {column}"[:80], tag(
        "table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", rows),
        class_="models",
    ))  # fmt: skip


def _printed(report: Report, x: float, width: float) -> str:
    """Shares with as many digits in each row; errors, which may differ widely, with three."""
    if report.task == "classification":
        return rounded(x, width)
    return f"{x:,.0f}" if 100 <= abs(x) < 1e9 else f"{x:.3g}"
