"""Long columns of plain numbers as texts, nearly all different: read without counting cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .missing_markers import MARKERS

pd = LazyModule("pandas")

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

LONG = 5_000  # rows: shorter columns are looked at cell by cell
SAMPLE = 400  # cells, of which more than half are different
UNUSUAL = re.compile(r"\n[ \t]*(?:0\d|[+-]?\d{16})")  # codes, and what is too long for a quantity


@dataclass(frozen=True, eq=False)
class PlainTexts:
    """The numbers of such a column.

    Attributes
    ----------
    numbers : array of float64, shape (rows,)
        NaN where a cell is missing.
    markers : dict of str to int
        The words for a missing cell, with their first row; counted from 0.
    marked : int
        How many rows hold one of them.
    """

    numbers: Floats
    markers: dict[str, int]
    marked: int


def plain_texts(column: Series) -> PlainTexts | None:
    """Read a long column of plain numbers; None if it is none, or short, or has few values.

    Examples
    --------
    >>> import pandas as pd
    >>> column = pd.Series([f"{k / 8}" for k in range(6000)] + ["?"])
    >>> plain = plain_texts(column)
    >>> plain.numbers[[1, 5999]].tolist(), plain.markers, plain.marked
    ([0.125, 749.875], {'?': 6000}, 1)
    """
    if len(column) < LONG or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    some = column.iloc[:: len(column) // SAMPLE].dropna().tolist()
    if len(set(some)) <= SAMPLE // 2 or not all(map(_is_plain, some)):
        return None
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) != "string":
        return None
    numbers = np.array(pd.to_numeric(column, errors="coerce"), np.float64)
    odd = np.flatnonzero(np.isnan(numbers))
    cells = column.iloc[odd]
    different = cells[cells.notna().to_numpy(bool)]
    texts = {str(text) for text in different.unique()} if len(odd) < len(column) else set()
    blank = {text for text in texts if not text.strip()}
    if (
        np.isinf(numbers).any()
        or not {text.strip().casefold() for text in texts - blank} <= MARKERS
    ):
        return None
    known = column.iloc[np.flatnonzero(~np.isnan(numbers))]
    joined = "\n" + "\n".join(np.asarray(known, object).tolist())
    if joined.count("\n") != len(column) - len(odd) or UNUSUAL.search(joined):
        return None
    written = np.array([text in texts - blank for text in different.tolist()], bool)
    rows = odd[cells.notna().to_numpy(bool)][written] if len(different) else odd[:0]
    first: dict[str, int] = {}
    for row, text in zip(rows.tolist(), different[written].tolist() if len(rows) else [],
                         strict=True):  # fmt: skip
        first.setdefault(text.strip(), row)
    return PlainTexts(numbers, first, len(rows))


def _is_plain(cell: Any) -> bool:
    """Whether a cell is the text of a plain number, or a word for a missing one."""
    if not isinstance(cell, str):
        return False
    try:
        return np.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return cell.strip().casefold() in MARKERS
