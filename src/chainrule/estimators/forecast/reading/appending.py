"""Rows that come later: each series goes on, and new ones begin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from .calendar import Calendar
from .gaps import carried, filled
from .panel import OneSeries, Panel, check_length, common_end, pieces_of, series_of
from .pieces import Piece
from .tables import later_table

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def append_rows(panel: Panel, data: Any) -> Panel:
    """Return a panel whose series go on with new rows.

    Parameters
    ----------
    panel : Panel
    data : DataFrame, Series or array
        In the form of the training, with its columns. Rows without times come after the last ones
        of their series. Rows of steps that a series has are left out, where their targets are
        equal, and fill its gaps; those before its first step are left out too. Series that the
        training did not have come after the others.

    Raises
    ------
    DataError
        For a target that differs from the one that a step has, and as in `read_panel`.

    Examples
    --------
    >>> import pandas as pd
    >>> from chainrule.estimators.forecast.reading.panel import read_panel
    >>> sales = pd.Series([1.0, 2, 3, 4, 5], pd.date_range("2024-05-01", periods=5))
    >>> panel = append_rows(read_panel(sales[:3]), sales[2:])
    >>> panel.series[0].values.tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    table = later_table(data, panel.roles, panel.layout)
    calendar = panel.calendar.with_days(table.stamps)
    pieces = {
        piece.name: piece for piece in pieces_of(table, panel.encoders, calendar, panel.duplicates)
    }
    if table.stamps.form.kind == "none":
        ends = {one.name: one.end for one in panel.series}
        pieces = {
            name: replace(piece, positions=piece.positions + ends.get(name, 0))
            for name, piece in pieces.items()
        }
    zeros = panel.fill_gaps == "zero"
    ends_before = max((one.end for one in panel.series), default=0)
    until = max(common_end(pieces.values()), ends_before) if zeros else None
    series = []
    for one in panel.series:
        piece = pieces.pop(one.name, None)
        if piece is None and zeros:
            piece = _no_rows(one)
        series.append(one if piece is None else _continued(one, piece, panel, calendar, until))
    if pieces and panel.layout == "array":
        raise DataError(
            f"the new rows have {len(table.names)} series, those of the training "
            f"{len(panel.series)}"
        )
    fresh = series_of(pieces.values(), calendar, panel.encoders, panel.fill_gaps, until)
    return replace(panel, calendar=calendar, series=(*series, *fresh))


def _no_rows(one: OneSeries) -> Piece:
    """No row of a series."""
    none = np.zeros(0)
    return Piece(one.name, np.zeros(0, np.int64), none, one.known[:0], one.past[:0],
                 np.zeros((0, len(one.static))))  # fmt: skip


def _continued(
    one: OneSeries, piece: Piece, panel: Panel, calendar: Calendar, until: int | None
) -> OneSeries:
    """The series with later rows of it."""
    after = piece.positions >= one.start
    at, targets = piece.positions[after] - one.start, piece.values[after]
    present = ~np.isnan(targets)
    _check_overlap(one, at[present], targets[present], calendar)
    length = max(len(one.values), int(at[present].max(initial=-1)) + 1, (until or 0) - one.start)
    check_length(one.name, one.start, length, len(one.values) + int(present.sum()), calendar)
    values = np.r_[one.values, np.full(length - len(one.values), np.nan)]
    observed = np.r_[one.observed, np.zeros(length - len(one.values), np.bool_)]
    values[at[present]] = targets[present]
    observed[at[present]] = True
    missing = np.isnan(values)
    if panel.fill_gaps == "error" and missing.any():
        raise DataError(
            f"series {one.name!r} has no value for "
            f"{calendar.text(one.start + int(np.argmax(missing)))}: fill it, or say "
            "fill_gaps='auto'"
        )
    static = one.static
    is_new = ~np.isnan(piece.static) & (piece.static != static)
    if is_new.any():
        name = panel.static_names[int(np.argmax(is_new.any(axis=0)))]
        raise DataError(f"static covariate {name!r} of series {one.name!r} differs in the new rows")
    encoders, n = panel.encoders, len(one.values)
    past = _merged(one.past, at, piece.past[after], n, length)
    total = max(len(one.known), length, int(at.max(initial=-1)) + 1)
    known = _merged(one.known, at, piece.known[after], n, total)
    gap = np.flatnonzero(np.isnan(known[length:]).any(axis=1))
    ahead = int(gap[0]) if len(gap) else len(known) - length
    inside = carried(known[:length], encoders.is_level("known"))
    return OneSeries(
        name=one.name,
        start=one.start,
        values=filled(values, panel.fill_gaps, next(iter(calendar.seasons()), None)),
        observed=observed,
        known=np.concatenate([inside, known[length : length + ahead]]),
        past=carried(past, encoders.is_level("past")),
        static=static,
    )


def _merged(before: Floats, at: Ints, after: Floats, end: int, length: int) -> Floats:
    """Covariates of `length` steps: those of before, and from `end` on those of later rows."""
    result = np.full((length, before.shape[1]), np.nan)
    result[: len(before)] = before
    later = (at >= end) & (at < length)
    result[at[later]] = np.where(np.isnan(after[later]), result[at[later]], after[later])
    return result


def _check_overlap(one: OneSeries, at: Ints, targets: Floats, calendar: Calendar) -> None:
    """Refuse targets of steps that have another one."""
    inside = at < len(one.values)
    at, targets = at[inside], targets[inside]
    wrong = one.observed[at] & (one.values[at] != targets)
    if wrong.any():
        k = int(np.argmax(wrong))
        _differs(one, calendar.text(one.start + int(at[k])), one.values[at[k]], targets[k])


def _differs(one: OneSeries, time: str, before: float, after: float) -> Never:
    raise DataError(
        f"series {one.name!r} has {before:g} for {time}, the new rows have {after:g}: leave the "
        "row out, or train anew"
    )
