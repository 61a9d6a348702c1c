"""What may stand in a cell of a table: one number, text, truth value or date, or nothing."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Real
from pathlib import PurePath
from types import NoneType
from typing import Any, Never
from uuid import UUID

import numpy as np

from ..errors import DataError
from ..lazy import LazyModule

pd = LazyModule("pandas")

# One value each, which its text tells in full; to them come missing values and spans of pandas
SINGLE = (str, Real, Decimal, date, time, UUID, Enum, PurePath, NoneType, np.bool_, np.datetime64)
PARTS = "give its real and its imaginary part, as a column each"
ROWS = "row of the user"  # the name of an index that counts, from 0, the rows that a user gave
LARGEST_BITS = 1023  # of a whole number as float64
SECONDS = "give a span of time as a number, such as its total_seconds()"


def check_cells(column: Any, spans: bool = False) -> None:
    """Refuse a column of which a cell holds what is neither a number, nor text, nor a date.

    Of a list, a dict or an object of one's own the text is not its value; a complex number is two.

    Parameters
    ----------
    column : pandas.Series
    spans : bool
        Whether a span of time, such as a `Timedelta`, is one value. Default False.

    Raises
    ------
    DataError
        With the first such row, counted from 1, what it holds, and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> check_cells(pd.Series([1.0, None, "text"], name="size"))
    >>> check_cells(pd.Series(["a", ["b", "c"]], name="tags"))
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: column 'tags', row 2: ['b', 'c'] is a list: give one number or one \
text a cell
    """
    kind = column.dtype.kind
    if kind == "c":
        _refuse(column, 0, PARTS)
    if kind == "m" and not spans:
        _refuse(column, 0, SECONDS)
    if kind != "O" or isinstance(column.dtype, pd.StringDtype):
        return
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string":
        return
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    if is_category and all(type(category) is str for category in column.cat.categories):
        return
    single = (*SINGLE, pd.Period, pd.Interval, type(pd.NA), *((timedelta,) if spans else ()))
    cells = column.tolist()
    types = set(map(type, cells))
    if int in types:
        _check_sizes(column, cells)
    unreadable = {
        kind for kind in types
        if not issubclass(kind, single)
        or (issubclass(kind, np.timedelta64) and not spans)  # an integer, to NumPy
    }  # fmt: skip
    if not unreadable:
        return
    row = next(k for k, cell in enumerate(cells) if type(cell) in unreadable)
    if isinstance(cells[row], (complex, np.complexfloating)):
        _refuse(column, row, PARTS)
    if isinstance(cells[row], (timedelta, np.timedelta64)):
        _refuse(column, row, SECONDS)
    if isinstance(cells[row], (bytes, bytearray, memoryview)):
        _refuse(column, row, "decode it to text")
    _refuse(column, row, "give one number or one text a cell")


def _check_sizes(column: Any, cells: list[Any]) -> None:
    """Refuse a whole number that float64 cannot hold; Python may not even write it as text."""
    for position, cell in enumerate(cells):
        if type(cell) is int and cell.bit_length() > LARGEST_BITS:
            raise DataError(
                f"column {str(column.name)!r}, row {row_number(column, position)}: a whole number "
                f"of {cell.bit_length()} bits is not a finite number in float64: scale it, or give "
                "it as text"
            )


def row_number(column: Any, position: int) -> int:
    """Return the number, from 1, that a row has in the table that the user passed.

    `column` may hold only some of that table's rows: `with_row_numbers` numbered them before.

    Examples
    --------
    >>> import pandas as pd
    >>> row_number(pd.Series([5, 7], index=["a", "b"]), 1)
    2
    >>> row_number(pd.Series([5, 7, 9], index=pd.RangeIndex(3, name=ROWS))[1:], 1)
    3
    """
    return int(column.index[position] if column.index.name == ROWS else position) + 1


def with_row_numbers(frame: Any) -> Any:
    """Return a table or column whose index counts its rows, so that a part of it still can."""
    if frame.index.name == ROWS:
        return frame
    return frame.set_axis(pd.RangeIndex(len(frame), name=ROWS), axis=0)


def _refuse(column: Any, row: int, remedy: str) -> Never:
    """Raise a `DataError` that names the column, the row and the cell."""
    cell, number = column.tolist()[row], row_number(column, row)
    raise DataError(
        f"column {str(column.name)!r}, row {number}: {cell!r:.60} is a {type(cell).__name__}: "
        f"{remedy}"
    )
