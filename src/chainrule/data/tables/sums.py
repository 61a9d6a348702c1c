"""Rows that are the sums of other rows: at the end, and amid them as reports have for each group.

A row is one of sums because its numbers are the sums (or the means) of the rows above it. What it
is called tells only where it is worth looking; without such a name two numbers must be sums.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ..columns import learn_reading
from ..columns.drafts import how_many
from .footers import SUMS, TOTAL_WORDS
from .header import excerpt

Frame: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

CLOSE = 1e-6
FEWEST = 3  # rows above a sum
LABELS = 3  # columns of texts that may call a row a sum
MOST_LISTED = 5
MOST_OTHERS = 20  # rows that are called sums and are none
PARTIAL = re.compile(  # Subtotal; Total of Gent; Gent Total; Ergebnis Gent
    rf"(.*\b)?(sub-?|sous-|zwischen|gesamt)?({'|'.join(TOTAL_WORDS.split())})(\b.*)?", re.IGNORECASE
)


def without_sums(frame: Frame, amid: bool = True) -> tuple[Frame, tuple[str, ...]]:
    """Return a table without rows whose numbers are sums of those above, and which these were.

    The others keep their labels.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers may be texts.
    amid : bool
        Whether to look for sums of groups. Default True.

    Examples
    --------
    >>> import pandas as pd
    >>> without_sums(pd.DataFrame({"city": ["a", "b", "Total"], "n": [1, 2, 3]}))[1]
    ("left out below the data: the last row: 'Total,3', whose numbers are sums",)
    >>> rows = {"city": ["a", "b", "Subtotal", "c", "d", "Subtotal"], "n": [1, 2, 3, 4, 5, 9]}
    >>> without_sums(pd.DataFrame(rows))[1]
    ("2 rows of sums left out: row 3: 'Subtotal,3'; row 6: 'Subtotal,9'",)
    """
    if len(frame) < FEWEST:
        return frame, ()
    named = _named_rows(frame) if amid else [len(frame) - 1] * _is_named(frame.iloc[-1])
    sums = _groups(_numbers(frame), named) if named else []
    if not sums and _is_alone(frame) and _are_sums(frame):
        sums = [len(frame) - 1]
    if not sums:
        return frame, ()
    listed = [excerpt(["" if cell != cell or cell is None else str(cell) for cell in row])
              for row in frame.iloc[sums[:MOST_LISTED]].itertuples(index=False)]  # fmt: skip
    if sums == [len(frame) - 1]:
        note = f"left out below the data: the last row: {listed[0]}, whose numbers are sums"
    else:
        rows = "; ".join(f"row {k + 1}: {row}" for k, row in zip(sums, listed, strict=False))
        more = "; ..." * (len(sums) > MOST_LISTED)
        note = f"{how_many(len(sums), 'row')} of sums left out: {rows}{more}"
    rest = np.setdiff1d(np.arange(len(frame)), sums)
    return frame.iloc[rest], (note,)


def _texts(frame: Frame) -> list[Any]:
    """Return the columns of cells that are no numbers or dates yet."""
    return [name for name in frame.columns if frame[name].dtype.kind not in "iufbM"]


def _is_named(row: Any) -> bool:
    """Whether a cell of a row is called a sum."""
    return any(isinstance(cell, str) and SUMS.fullmatch(cell.strip()) for cell in row)


def _named_rows(frame: Frame) -> list[int]:
    """Return the rows that a text among the first columns calls sums."""
    rows: set[int] = set()
    for name in _texts(frame)[:LABELS]:
        column = frame[name]
        labels = [cell for cell in column.dropna().unique()
                  if isinstance(cell, str) and PARTIAL.fullmatch(cell.strip())]  # fmt: skip
        if labels:
            rows.update(np.flatnonzero(column.isin(labels).to_numpy(bool)).tolist())
    return sorted(rows)


def _is_alone(frame: Frame) -> bool:
    """Whether the last row differs from all others in its texts: they are missing, or new."""
    texts = _texts(frame)
    last = {name: frame[name].iloc[-1] for name in texts}
    labels = {name: cell for name, cell in last.items() if isinstance(cell, str)}
    return len(labels) < len(texts) and not any(
        (frame[name].iloc[:-1] == label).any() for name, label in labels.items()
    )


def _numbers(frame: Frame) -> dict[str, Floats]:
    """Return the columns of numbers, also those that are written as texts."""
    numbers = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "iuf":
            numbers[name] = column.to_numpy(np.float64)
        elif column.dtype.kind not in "bM":
            try:
                reading = learn_reading(column)
            except DataError:
                continue
            if reading.kind == "number":
                numbers[name] = reading.numbers(column)
    return numbers


def _groups(numbers: dict[str, Floats], named: Sequence[int]) -> list[int]:
    """Return which of some rows are sums of the rows since the last sum, or of all above."""
    sums: list[int] = []
    start = others = 0
    for row in named:
        if _is_sum(numbers, start, row, ()) or (start and _is_sum(numbers, 0, row, sums)):
            sums.append(row)
            start = row + 1
        else:
            others += 1
            if others > MOST_OTHERS:
                break  # a column of which some texts only sound like it
    return sums


def _is_sum(numbers: dict[str, Floats], start: int, row: int, sums_above: Sequence[int]) -> bool:
    """Return whether most numbers of a row are sums or means of rows above it that are none."""
    above = np.setdiff1d(np.arange(start, row), sums_above)
    sums, others = 0, 0
    for column in numbers.values():
        known, value = column[above], column[row]
        known = known[~np.isnan(known)]
        scale = float(np.abs(known).sum())
        if not known.size or np.isnan(value) or not scale:
            continue
        is_sum = abs(value - known.sum()) <= CLOSE * scale
        is_mean = abs(value - known.mean()) * known.size <= CLOSE * scale
        sums, others = sums + (is_sum or is_mean), others + (not is_sum and not is_mean)
    return sums > 0 and sums >= others


def _are_sums(frame: Frame) -> bool:
    """Return whether the numbers of the last row, two or more, are the sums of all above."""
    checks = []
    for name in frame.columns:
        if frame[name].dtype.kind in "iuf":
            column = frame[name].to_numpy(np.float64)
            known, value = column[:-1][~np.isnan(column[:-1])], column[-1]
            scale = float(np.abs(known).sum())
            if not np.isnan(value) and scale:
                checks.append(abs(value - known.sum()) <= CLOSE * scale)
    return len(checks) > 1 and all(checks)
