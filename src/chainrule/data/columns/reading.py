"""`Reading`: how the cells of one column are read, learned from a column and saved with a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import DataError
from ...lazy import LazyModule
from ..cells import check_cells
from ..column_values import as_numbers, as_texts, as_times, is_date, is_numeric

pd = LazyModule("pandas")

Frame: TypeAlias = Any  # a pandas DataFrame
Series: TypeAlias = Any

KINDS = ("number", "date", "time", "duration", "text", "ignore")


@dataclass(frozen=True)
class Reading:
    """How the cells of one column become numbers, dates or texts.

    Attributes
    ----------
    name : str
    kind : str
        One of `KINDS`.
    why : str
        What speaks for this kind.
    missing : float
        Share of the cells that hold nothing.
    examples : tuple of str
        Three different cells, as they were written.
    notes : tuple of str
        What was guessed, cut or dropped.
    """

    name: str
    kind: str
    why: str = ""
    missing: float = 0.0
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def values(self, column: Series) -> Series:
        """Return the column as float64, as dates in UTC, or as texts with None where missing.

        Raises
        ------
        DataError
            If a cell is not of this kind; with its row, and what to do.
        """
        if self.kind == "date":
            return as_times(column)
        if self.kind in ("number", "time", "duration"):
            return pd.Series(as_numbers(column), index=column.index, name=column.name)
        return pd.Series(as_texts(column), index=column.index, name=column.name, dtype=object)


def learn_reading(column: Series, kind: str | None = None) -> Reading:
    """Learn how to read a column; `kind` overrides what its cells look like.

    Raises
    ------
    DataError
        If the cells are not of the kind asked for; with the first such row.
    """
    check_cells(column)
    if kind is not None and kind not in KINDS:
        raise DataError(f"{kind!r} is no kind of column: give one of {', '.join(KINDS)}")
    looks = "date" if is_date(column) else "number" if is_numeric(column) else "text"
    missing = float(column.isna().mean()) if len(column) else 0.0
    examples = tuple(str(cell) for cell in column.dropna().unique()[:3])
    reading = Reading(str(column.name), kind or looks, "", missing, examples)
    if kind is not None:
        reading.values(column)
    return reading


def typed_frame(
    frame: Frame, kinds: Mapping[str, str] | None = None
) -> tuple[Frame, tuple[Reading, ...]]:
    """Return a table with each column as its `Reading` has it, and the readings."""
    chosen = kinds or {}
    readings = tuple(
        learn_reading(frame[name], chosen.get(str(name))) for name in frame.columns
    )
    columns = {
        reading.name: reading.values(frame[reading.name])
        for reading in readings if reading.kind != "ignore"
    }  # fmt: skip
    return pd.DataFrame(columns, index=frame.index), readings
