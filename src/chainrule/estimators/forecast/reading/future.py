"""The steps to come: what is known of them, and which days are traded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from .panel import OneSeries, Panel
from .pieces import future_rows
from .tables import Table, future_table

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def with_future_days(panel: Panel, frame: Any) -> Panel:
    """Return the panel with the trading days that future rows have.

    Weekdays before the last of them that have no row, in any series, are holidays. Of other
    calendars, and without future rows, it is the same panel.
    """
    if frame is None or panel.calendar.kind != "trading":
        return panel
    table = _table(frame, panel)
    return replace(panel, calendar=panel.calendar.with_days(table.stamps))


def read_future(frame: Any, panel: Panel, horizon: int) -> list[Floats]:
    """Return the known covariates of the next steps, of shape (horizon, K) for each series.

    Parameters
    ----------
    frame : DataFrame or None
        Rows of the next `horizon` steps of every series, with the columns of ids, of times and of
        known covariates that the training had; more rows are left out. None where the training's
        rows went on after the last target.
    panel : Panel
        With its days, for trading days: see `with_future_days`.
    horizon : int

    Raises
    ------
    DataError
        For a row or a cell that is missing, and for a series that the training did not have.
    """
    width = len(panel.known_names)
    if frame is None:
        return [_of_training(one, panel, horizon) for one in panel.series]
    table = _table(frame, panel)
    panel = with_future_days(panel, frame)
    unknown = [name for name in table.names if name not in panel.names]
    if table.layout == "long" and unknown:
        raise DataError(
            f"future= has the series {unknown[0]!r}, which the training did not have: leave its "
            "rows out, or give its history (update)"
        )
    if not width:
        return [np.zeros((horizon, 0)) for _ in panel.series]
    by_name = future_rows(table, panel.encoders, panel.calendar)
    counted = table.stamps.form.kind == "none"  # the rows are the next steps
    return [_of_rows(one, by_name.get(one.name), panel, horizon, counted) for one in panel.series]


def _table(frame: Any, panel: Panel) -> Table:
    """The rows of the future, whose times are of the form of the training."""
    if panel.layout in ("wide", "array") or not hasattr(frame, "columns"):
        raise DataError("future= is a DataFrame with a row for each step and series")
    if not len(frame):
        raise DataError("future= has no rows")
    return future_table(frame, panel.roles)


def _of_training(one: OneSeries, panel: Panel, horizon: int) -> Floats:
    """Known covariates from the training's rows after the last target."""
    known = one.known[len(one.values) : len(one.values) + horizon]
    if one.known.shape[1] and len(known) < horizon:
        _missing(one, panel, 0, one.end + len(known), horizon)
    return known if one.known.shape[1] else np.zeros((horizon, 0))


def _of_rows(
    one: OneSeries,
    rows: tuple[Ints, Floats] | None,
    panel: Panel,
    horizon: int,
    counted: bool,
) -> Floats:
    """Known covariates of the steps of one series."""
    result = np.full((horizon, len(panel.known_names)), np.nan)
    ahead = one.known[len(one.values) : len(one.values) + horizon]
    result[: len(ahead)] = ahead
    if rows is not None:
        at = rows[0] - (0 if counted else one.end)
        inside = (at >= 0) & (at < horizon)
        result[at[inside]] = rows[1][inside]
    empty = np.isnan(result)
    if empty.any():
        step = int(np.argmax(empty.any(axis=1)))
        _missing(one, panel, int(np.argmax(empty[step])), one.end + step, horizon)
    return result


def _missing(one: OneSeries, panel: Panel, column: int, position: int, horizon: int) -> Never:
    """Raise the error of a known covariate that is missing."""
    encoder = [encoder for encoder in panel.encoders.known for _ in encoder.names][column]
    of = f" for id {one.name!r}" if panel.roles.id is not None else ""
    raise DataError(
        f"known covariate {encoder.name!r} has no value{of} at {panel.calendar.text(position)}: "
        f"predict(future=...) must hold the next {horizon} steps of every series"
    )
