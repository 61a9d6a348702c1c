"""Rows that are no numbers: refused in words, where NumPy ends in a traceback or guesses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...errors import DataError

EMPTY = (
    "fill it, leave the row out, or use TabularClassifier or TabularRegressor, which take empty "
    "cells"
)
ADVICE = {
    "M": "dates: give numbers, such as days since a fixed day, or use TabularClassifier or "
    "TabularRegressor",
    "m": "spans of time: give numbers, such as their total_seconds()",
}


def collected(table: Any) -> Any:
    """A table itself, and of a query of polars (a LazyFrame) its result."""
    is_query = hasattr(table, "collect") and hasattr(table, "collect_schema")
    return table.collect() if is_query else table


@contextmanager
def rows_of_numbers(x: Any, and_others: bool = False) -> Iterator[None]:
    """A block that makes an array of rows; a `DataError` says why it cannot be one of numbers."""
    if not and_others:
        _refuse_masked(x)
        _refuse_times(x)
    try:
        yield
    except OverflowError:
        raise DataError(
            "X holds a whole number that float64 cannot hold: divide its column, or leave it out"
        ) from None
    except ValueError as error:
        if "inhomogeneous shape" in str(error):
            raise DataError("X holds rows of several lengths: give each as many cells") from None
        if "contains NaN" in str(error):
            raise DataError(f"Input X contains NaN{_first_empty(x)}: {EMPTY}") from None
        raise


def _first_empty(x: Any) -> str:
    """Say where the first missing value is, if rows can be asked for it."""
    try:
        cells = np.asarray(x)
        empty = np.argwhere(cells != cells)  # of any dtype: NaN alone is unequal to itself
    except (TypeError, ValueError):  # such as pandas.NA
        return ""
    if cells.ndim != 2 or not len(empty):
        return ""
    row, column = empty[0].tolist()
    names = getattr(x, "columns", None)
    where = f"column {column + 1}" if names is None else f"column {str(list(names)[column])!r}"
    return f", first in row {row + 1}, {where}"


def _refuse_masked(x: Any) -> None:
    """Below a mask may stand anything."""
    if np.ma.isMaskedArray(x) and np.ma.is_masked(x):
        position = np.argwhere(np.ma.getmaskarray(x))[0].tolist()
        raise DataError(f"X{position} is masked: {EMPTY}")


def _refuse_times(x: Any) -> None:
    """Their nanoseconds are nobody's number."""
    if isinstance(x, np.ndarray):
        if x.dtype.kind in ADVICE:
            raise DataError(f"X holds {ADVICE[x.dtype.kind]}")
        return
    if not (hasattr(x, "columns") and hasattr(x, "dtypes")):
        return
    if not len(x.columns):
        raise DataError("X has no columns: give at least one to predict from")
    for name, dtype in zip(x.columns, x.dtypes, strict=True):
        kind = getattr(dtype, "kind", "")
        if kind in ADVICE:
            raise DataError(f"column {str(name)!r} of X holds {ADVICE[kind]}")
