"""Columns whose cells are of several types: they are read as the texts of all."""

from __future__ import annotations

from datetime import date, time, timedelta
from numbers import Real
from typing import Any

import numpy as np

from ...lazy import LazyModule
from ..column_values import to_text

pd = LazyModule("pandas")

PLAIN = (str, bool, np.bool_, Real, date, time, timedelta)  # what a text says in full


def of_one_type(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a table in which each column has cells of one type, and which were of several.

    Examples
    --------
    >>> import pandas as pd
    >>> frame, notes = of_one_type(pd.DataFrame({"x": [1, "a", None]}, dtype=object))
    >>> frame["x"].tolist()[:2], notes
    (['1', 'a'], ("column 'x' holds cells of several types and is read as their texts",))
    """
    columns, notes = {}, []
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object and is_mixed(column):
            column = column.map(cell_text, na_action="ignore")
            notes.append(f"column {name!r} holds cells of several types and is read as their texts")
        columns[name] = column
    return (pd.DataFrame(columns) if notes else frame), tuple(notes)


def is_mixed(column: Any) -> bool:
    """Return whether cells are of several types that a text can say."""
    kinds = {type(cell) for cell in column.dropna()}
    if len(kinds) < 2 or not all(issubclass(kind, PLAIN) for kind in kinds):
        return False
    numbers = all(issubclass(kind, Real) and not issubclass(kind, bool) for kind in kinds)
    return not numbers


def as_texts(column: Any) -> Any:
    """Return a column of any type as texts, missing where it is."""
    return column.astype(object).map(cell_text, na_action="ignore")


def cell_text(cell: Any) -> str:
    """Return a cell as a CSV file would hold it.

    Examples
    --------
    >>> from datetime import datetime
    >>> [cell_text(cell) for cell in (1.0, True, " a ", datetime(2020, 1, 31), timedelta(hours=30))]
    ['1', 'True', 'a', '2020-01-31', '30:00:00']
    """
    if isinstance(cell, timedelta):
        seconds = abs(cell.total_seconds())
        hours, minutes = int(seconds // 3600), int(seconds // 60) % 60
        rest = f"{seconds % 60:09.6f}".rstrip("0").removesuffix(".")
        return f"{'-' * (cell < timedelta(0))}{hours:02d}:{minutes:02d}:{rest}"
    if isinstance(cell, (date, time)):
        text = cell.isoformat().replace("T", " ")
        return text.removesuffix(" 00:00:00")
    return to_text(cell)
