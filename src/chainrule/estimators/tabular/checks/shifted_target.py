"""Columns that hold the target of the row before or after: known in a forecast, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..typed_columns import Floats, TypedColumn

MOST_LAGS = 3
SAME = 0.9  # of the rows; the others are at the ends of series
BY_CHANCE = 0.6  # so many rows follow one of the same target
MIN_ROWS = 20
MAX_ORDERS = 4


@dataclass(frozen=True)
class Shifted:
    """A column that is the target of another row.

    Attributes
    ----------
    name : str
    lag : int
        How many rows before; negative: after.
    order : str
        The column by which rows follow each other; empty for the order of the table.
    share : float
        Of the rows.
    """

    name: str
    lag: int
    order: str
    share: float

    @property
    def row(self) -> str:
        """Which row, in words."""
        count = abs(self.lag)
        side = "before" if self.lag > 0 else "after"
        rows = "the row" if count == 1 else f"the row {count} rows"
        return f"{rows} {side}" + (f" by {self.order!r}" if self.order else "")


def shifted_targets(
    columns: Sequence[TypedColumn], y: Floats, clocks: Sequence[TypedColumn]
) -> list[Shifted]:
    """Columns that are the target of the rows before or after, in the table's order or by a clock.

    Parameters
    ----------
    columns : sequence of TypedColumn
        Of rows one after the other.
    y : array of float64, shape (rows,)
        Their targets.
    clocks : sequence of TypedColumn
        Those that say when.
    """
    orders: list[tuple[str, Any]] = [("", np.arange(len(y)))]
    orders += [(c.name, np.argsort(c.values, kind="stable")) for c in clocks[:MAX_ORDERS]]
    matches: dict[str, Shifted] = {}
    for order, rows in orders:
        for lag in (lag for k in range(1, MOST_LAGS + 1) for lag in (k, -k)):
            here, there = (rows[lag:], rows[:-lag]) if lag > 0 else (rows[:lag], rows[-lag:])
            if len(here) < MIN_ROWS or np.mean(y[here] == y[there]) > BY_CHANCE:
                continue
            for column in columns:
                cells = column.values[here]
                known = ~np.isnan(cells)
                if column.name in matches or np.sum(known) < MIN_ROWS:
                    continue
                share = float(np.mean(_same(cells[known], y[there][known])))
                usual = float(np.mean(_same(cells[known], y[here][known])))
                if share >= SAME and usual <= BY_CHANCE:
                    matches[column.name] = Shifted(column.name, lag, order, share)
    return list(matches.values())


def _same(cells: Floats, targets: Floats) -> Any:
    return np.isclose(cells, targets, rtol=1e-9, atol=0.0)
