"""The columns of a table as a report shows them: kinds, gaps and distributions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.column_values import as_texts
from ..lazy import LazyModule
from ..report import ColumnOverview, Overview
from .reading_report import LONG_NUMBER, short

columns = LazyModule("chainrule.data.columns")
typed = LazyModule("chainrule.estimators.tabular.typed_columns")

DTYPE = re.compile(r"(u?int|float)\d+|bool")
MAX_ROWS = 20_000  # that distributions are drawn of
MOST_COLUMNS = 400  # with an entry; the strongest, and those with a note
MOST_DRAWN = 23
MOST_CLASSES = 5  # with a distribution each
MOST_LEVELS = 6
MOST_OTHERS = 0.8  # of the rows: of more different texts there is nothing to draw
BINS = 24
EXTREME = 0.005  # of the rows at each end that lie in the outermost bins

Floats = NDArray[np.float64]


def overview(
    frame: Any,
    target: str,
    task: str,
    readings: Sequence[Any],
    strengths: Mapping[str, float],
    identifiers: Sequence[str] = (),
) -> Overview:
    """The overview of a table.

    Parameters
    ----------
    frame : DataFrame
        The rows with a target.
    target, task : str
    readings : sequence of Reading
        Of all columns.
    strengths : mapping of str to float
        Importances: the strongest columns come first.
    identifiers : sequence of str
        Columns that were left out.
    """
    some = _some(len(frame))
    part = frame.iloc[some]
    labels = as_texts(part[target]).astype(str) if task == "classification" else None
    classes, codes = _classes(labels)
    by_name = {reading.name: reading for reading in readings}
    inputs = [reading for reading in readings if reading.name != target]
    inputs.sort(
        key=lambda one: (one.kind == "ignore", -strengths.get(one.name, 0.0), not one.notes)
    )
    listed = []
    for k, reading in enumerate(inputs[:MOST_COLUMNS]):
        card = _card(reading, identifiers)
        if k < MOST_DRAWN and reading.kind != "ignore":
            card = _drawn(card, part, reading, codes, max(1, len(classes)))
        listed.append(card)
    of_target = _target(part, by_name.get(target), target, labels)
    return Overview(listed, of_target, classes, max(0, len(inputs) - MOST_COLUMNS))


def _some(rows: int) -> NDArray[np.int64]:
    """The rows, or some of them, evenly taken."""
    if rows <= MAX_ROWS:
        return np.arange(rows)
    return np.linspace(0, rows - 1, MAX_ROWS).round().astype(np.int64)


def _classes(labels: Any) -> tuple[tuple[str, ...], Any]:
    """Classes that get a distribution each, and which of them each row is of."""
    if labels is None:
        return (), None
    names, codes = np.unique(labels, return_inverse=True)
    return (tuple(map(str, names)), codes) if len(names) <= MOST_CLASSES else ((), None)


def _card(reading: Any, identifiers: Sequence[str]) -> ColumnOverview:
    notes = tuple(reading.notes)
    if reading.name in identifiers:
        notes = ("Left out: it only names the row.", *notes)
    cells = map(_rounded, reading.examples) if reading.kind == "number" else reading.examples
    why = short(reading.why)
    why = "" if DTYPE.fullmatch(why) else why  # that a typed column is typed, is no reason
    return ColumnOverview(reading.name, reading.kind, why, reading.missing, tuple(cells), notes)


def _rounded(cell: str) -> str:
    """A number of many digits with four of them; all else as it is written."""
    return f"{float(cell):.4g}" if LONG_NUMBER.fullmatch(cell) else cell


def _drawn(
    card: ColumnOverview, part: Any, reading: Any, codes: Any, groups: int
) -> ColumnOverview:
    """The entry with the distribution of its column, by class if there are classes."""
    column = part[reading.name]
    if not column.notna().any():
        return card
    known = typed.typed_column(column, reading)
    rows = ~np.isnan(known.values)
    values = known.values[rows]
    if not len(values):
        return card
    of_class = np.zeros(len(values), int) if codes is None else codes[rows]
    if known.is_text:
        levels, bins = _commonest(values, known.levels)
        if np.mean(bins == len(levels) - 1) > MOST_OTHERS and known.distinct > MOST_LEVELS:
            different = f"{known.distinct:,} different ones"
            return replace(card, why=f"{card.why}, {different}" if card.why else different)
        return replace(card, levels=levels, shares=_shares(bins, of_class, groups, len(levels)))
    edges = bin_edges(values)
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return replace(
        card, ends=_ends(values, known.kind),
        shares=_shares(bins, of_class, groups, len(edges) - 1),
    )  # fmt: skip


def _commonest(values: Floats, levels: Sequence[str]) -> tuple[tuple[str, ...], Any]:
    """The commonest levels and one for the rest, and which of them each value is."""
    counts = np.bincount(values.astype(int), minlength=len(levels))
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    chosen = order if len(order) <= MOST_LEVELS else order[: MOST_LEVELS - 1]
    bin_of = np.full(len(levels), len(chosen))
    bin_of[chosen] = np.arange(len(chosen))
    names = tuple(levels[k] for k in chosen)
    if len(chosen) < len(order):
        names += (f"+{len(order) - len(chosen):,}",)
    return names, bin_of[values.astype(int)]


def _shares(bins: Any, of_class: Any, groups: int, size: int) -> tuple[tuple[float, ...], ...]:
    """Of each class, the share of its rows at each place."""
    counts = np.zeros((groups, size))
    np.add.at(counts, (of_class, bins), 1.0)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return tuple(tuple(row) for row in (counts / totals).tolist())


def bin_edges(values: Floats) -> Floats:
    """Equal bins over all values but the farthest, which fall into the outermost ones.

    Examples
    --------
    >>> bin_edges(np.array([0.0, 1.0, 2.0])).tolist()
    [-0.5, 0.5, 1.5, 2.5]
    >>> len(bin_edges(np.linspace(0.0, 1.0, 100)))
    25
    """
    distinct = np.unique(values)
    if len(distinct) <= BINS and np.all(distinct % 1 == 0) and np.ptp(distinct) < BINS:
        return np.arange(distinct[0], distinct[-1] + 2) - 0.5
    low, high = np.quantile(values, [EXTREME, 1 - EXTREME])
    low, high = (low, high) if low < high else (float(distinct[0]), float(distinct[-1]))
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    return np.linspace(low, high, BINS + 1)


def _ends(values: Floats, kind: str) -> tuple[str, str]:
    return printed(float(values.min()), kind, 4), printed(float(values.max()), kind, 4)


def printed(value: float, kind: str, digits: int = 6) -> str:
    """A typed value as a person reads it: a date, or a number of so many digits."""
    if kind == "date":
        if not abs(value) < 1e8:
            return f"{value:g}"
        moment = np.datetime64(0, "s") + np.timedelta64(round(value * 86_400), "s")
        text = str(moment)
        return text[:-9] if text.endswith("T00:00:00") else text.replace("T", " ")
    if value % 1 == 0 and abs(value) < 1e9:
        return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}"  # such as a year
    return f"{value:,.{digits}g}" if abs(value) < 10.0**digits else f"{value:,.0f}"


def _target(part: Any, reading: Any, target: str, labels: Any) -> ColumnOverview | None:
    """The entry of the target: shares of its classes, or a histogram."""
    if reading is None:
        return None
    if labels is None:
        return replace(_drawn(_card(reading, ()), part, reading, None, 1), name=target)
    names, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    first = order if len(order) <= 10 else order[:9]
    levels, shares = names[first].tolist(), (counts[first] / counts.sum()).tolist()
    if len(first) < len(order):
        levels.append(f"{len(order) - len(first):,} other classes")
        shares.append(float(1.0 - sum(shares)))
    return ColumnOverview(
        target, reading.kind, reading.why, 0.0, (), tuple(reading.notes),
        levels=levels, shares=(shares,),
    )  # fmt: skip
