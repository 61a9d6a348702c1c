"""The data at a glance: a card for each column with its kind, its gaps and its distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..markup import Markup, markup, tag
from .charts import short
from .document import Report
from .elements import details, label, percent, table
from .table_parts import ColumnOverview, Overview

MOST_CARDS = 23  # beside the target: the other columns are in a table
MOST_LISTED = 300
MOST_EXAMPLES = 3
FEW_CLASSES = 5  # whose bars are no higher than another card
WIDE, HIGH = 240.0, 48.0  # of the small drawings


def overview(report: Report) -> Markup | None:
    """The section, or None if nothing is known of the columns."""
    data = report.overview
    if data is None or not (data.columns or data.target):
        return None
    cards = [_card(each, data.classes) for each in data.columns[:MOST_CARDS]]
    target = [_target_card(data.target, data.classes)] if data.target is not None else []
    rest = data.columns[MOST_CARDS:]
    more = ""
    if rest:
        unlisted = len(rest) - MOST_LISTED + data.more if len(rest) > MOST_LISTED else data.more
        listed = table(
            "Further columns", ("column", "taken for", "missing", "examples", "notes"),
            [(c.name, _kind(c), percent(c.missing), _examples(c), " ".join(c.notes))
             for c in rest[:MOST_LISTED]], texts=[1, 3, 4],
        )  # fmt: skip
        left = markup(tag("p", f"And {unlisted:,} more columns.")) if unlisted else ""
        more = details(f"{len(rest) + data.more:,} further columns", markup(listed, left))
    elif data.more:
        more = tag("p", f"And {data.more:,} more columns.")
    keys = _legend(data.classes) if len(data.classes) else ""
    note = _note(data)
    return markup(
        tag("p", note, class_="quiet") if note else "", keys,
        tag("div", target, cards, class_="cards"), more,
    )  # fmt: skip


def _note(data: Overview) -> str:
    if not data.columns:
        return ""
    of = (
        "Each class is drawn with its shares, so that a rare one can be seen beside a common one."
        if data.classes
        else "The drawings show the shares of the rows."
    )
    gaps = [column for column in data.columns if column.missing > 0]
    if gaps:
        most = max(gaps, key=lambda column: column.missing)
        name = most.name if len(most.name) <= 60 else f"{most.name[:59]}…"
        if len(gaps) == 1:
            of += f" One column has missing cells: {name!r}, {percent(most.missing)} of them."
        else:
            of += f" {len(gaps):,} columns have missing cells, most of them {name!r}, of which "
            of += f"{percent(most.missing)} are missing."
    return of


def _kind(column: ColumnOverview) -> str:
    return f"{column.kind}: {column.why}" if column.why else column.kind


def _examples(column: ColumnOverview) -> Markup:
    return Markup(", ".join(label(text, 24) for text in column.examples[:MOST_EXAMPLES]))


def _card(column: ColumnOverview, classes: Sequence[str]) -> Markup:
    return tag(
        "div",
        tag("div", tag("strong", label(column.name, 40)), tag("span", label(column.kind, 24)),
            class_="title"),
        _drawing(column, classes),
        _ends(column),
        tag("p", label(column.why, 160)) if column.why else "",
        tag("p", "missing: ", percent(column.missing)) if column.missing > 0 else "",
        tag("p", "such as ", _examples(column))
        if len(column.examples) > 1 or (column.ends is None and column.examples) else "",
        [tag("p", label(text, 240), class_="note") for text in column.notes],
        class_="card",
    )  # fmt: skip


def _target_card(column: ColumnOverview, classes: Sequence[str]) -> Markup:
    return tag(
        "div",
        tag("div", tag("strong", label(column.name, 40)), tag("span", "target"), class_="title"),
        _class_bars(column) if column.levels else _drawing(column, ()),
        "" if column.levels else _ends(column),
        [tag("p", label(text, 240), class_="note") for text in column.notes],
        class_="card target tall" if len(column.levels) > FEW_CLASSES else "card target",
    )  # fmt: skip


def _class_bars(column: ColumnOverview) -> Markup:
    """The classes with their shares, as bars that carry their names."""
    shares = column.shares[0] if column.shares else ()
    largest = max(shares, default=0.0) or 1.0
    rows = [
        tag("tr", tag("th", label(name, 18), scope="row"),
            tag("td", tag("span", class_="share", style=f"width:{100 * s / largest:.1f}%"),
                class_="wide"),
            tag("td", percent(s), class_="n"))
        for name, s in zip(column.levels, shares, strict=True)
    ]  # fmt: skip
    return tag("table", tag("tbody", rows), class_="shares")


def _ends(column: ColumnOverview) -> Markup:
    if column.ends is None:
        return markup()
    low, high = column.ends
    return tag("div", tag("span", label(low, 24)), tag("span", label(high, 24)), class_="ends")


def _drawing(column: ColumnOverview, classes: Sequence[str]) -> Markup:
    """A histogram of each class, or bars of the levels."""
    if not len(column.shares):
        return markup()
    shares = np.asarray(column.shares, np.float64)
    largest = float(shares.max()) or 1.0
    spoken = f"Distribution of {column.name}" + (" by class" if len(shares) > 1 else "")
    marks = _level_bars(shares / largest) if len(column.levels) else _outlines(shares / largest)
    picture = tag(
        "svg", tag("title", spoken), marks, class_="small", viewBox=f"0 0 {WIDE:g} {HIGH:g}",
        preserveAspectRatio="none", role="img", aria_label=spoken,
    )  # fmt: skip
    if not len(column.levels):
        return picture
    names = [tag("span", label(name, 14)) for name in column.levels]
    return markup(picture, tag("div", names, class_="levels"))


def _outlines(shares: np.ndarray) -> list[Markup]:
    """Steps of a histogram, each class on the same floor."""
    edges = np.linspace(0.0, WIDE, shares.shape[1] + 1)
    drawn = []
    for k, heights in enumerate(shares):
        tops = HIGH - (HIGH - 2.0) * heights
        steps = "".join(
            f"H{short(a)}V{short(top)}" for a, top in zip(edges[:-1], tops, strict=True)
        )
        path = f"M0 {short(HIGH)}{steps}H{short(WIDE)}V{short(HIGH)}Z"
        drawn.append(tag("path", class_=f"area c{k % 10}", d=path))
    return drawn


def _level_bars(shares: np.ndarray) -> list[Markup]:
    """For each level the bars of the classes side by side."""
    groups, levels = shares.shape
    step = WIDE / levels
    wide = 0.8 * step / groups
    return [
        tag("rect", class_=f"dot c{k % 10}", x=short(step * (j + 0.1) + wide * k),
            y=short(HIGH - (HIGH - 2.0) * shares[k, j]), width=short(max(wide - 0.5, 0.5)),
            height=short((HIGH - 2.0) * shares[k, j]))
        for j in range(levels) for k in range(groups)
    ]  # fmt: skip


def _legend(classes: Sequence[str]) -> Markup:
    keys = [
        tag("li", tag("span", class_=f"swatch c{k % 10}", aria_hidden="true"), label(name, 40))
        for k, name in enumerate(classes)
    ]
    return tag("ul", keys, class_="legend")
