"""Long columns of ISO dates, all written alike: read without counting cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from ..column_values import DATE, YEARS
from .cell_bytes import BLOCK, LONG, Words, cell_bytes, in_one_piece, words_in
from .date_forms import DateForm

pd = LazyModule("pandas")

Series: TypeAlias = Any
Ints: TypeAlias = NDArray[np.int64]

PATTERN = b"0000-00-00 00:00:00"
ZERO, SPACE = b"0 "
WIDTHS = (10, 16, 19)  # of a day, with hours and minutes, with seconds
T = ord("T")
NONE = np.iinfo(np.int32).min
SAMPLE = 20


@dataclass(frozen=True, eq=False)
class IsoDates:
    """The dates of such a column.

    Attributes
    ----------
    times : array of datetime64, shape (rows,)
        NaT where a cell is missing.
    words : Words
        The words for a missing cell.
    """

    times: NDArray[Any]
    words: Words


def iso_dates(column: Series) -> IsoDates | None:
    """Read a long column such as 2026-01-31 12:00; None if it is none, or not all is alike.

    Examples
    --------
    >>> import pandas as pd
    >>> dates = iso_dates(pd.Series(["2026-01-31", "2024-02-29", "?"] * 2000))
    >>> dates.times[:3].astype("M8[D]").astype(str).tolist(), dates.words
    (['2026-01-31', '2024-02-29', 'NaT'], Words(first={'?': 2}, rows=2000))
    >>> iso_dates(pd.Series(["2026-01-31", "2026-02-30"] * 3000)) is None
    True
    """
    if len(column) < LONG or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    column = in_one_piece(column)
    some = [cell for cell in column.iloc[:SAMPLE].tolist() if isinstance(cell, str)]
    first = next((cell for cell in some if DATE.fullmatch(cell) and len(cell) in WIDTHS), None)
    if first is None or not first.isascii():
        return None
    blocks, words = [], Words({}, 0)
    for start in range(0, len(column), BLOCK):
        block = _block(column.iloc[start : start + BLOCK], len(first))
        if block is None:
            return None
        blocks.append(block.times)
        words = words.and_later(block.words, start)
    dtype = DateForm().times([first]).dt.tz_localize(None).dtype
    return IsoDates(np.concatenate(blocks).astype(dtype), words)


def _block(column: Series, width: int) -> IsoDates | None:
    """Read some rows, whose dates have so many letters."""
    cells = cell_bytes(column)
    if cells is None:
        return None
    is_wide = cells.lengths == width
    if is_wide.all():
        rows = np.arange(len(column))
        letters = list(cells.data.reshape(len(column), -1).T[:width])
    else:
        rows = np.flatnonzero(is_wide)
        letters = [cells.data[cells.starts[rows] + k] for k in range(width)]
    seconds, fits = _seconds(letters)
    times = np.full(len(column), np.datetime64("NaT", "s"))
    times[rows[fits]] = seconds[fits].view("M8[s]")
    others = np.flatnonzero(np.isnat(times) & (cells.lengths > 0))
    words = words_in(column, others) if len(others) else Words({}, 0)
    return None if words is None else IsoDates(times, words)


def _seconds(letters: Sequence[NDArray[np.uint8]]) -> tuple[Ints, NDArray[np.bool_]]:
    """Return dates as seconds since 1970, from all first letters, all second ones, ...

    The second array says which are dates.
    """
    fits = np.ones(len(letters[0]), np.bool_)
    pairs: list[NDArray[np.uint8]] = []
    tens: NDArray[np.uint8] | None = None
    for codes, usual in zip(letters, PATTERN, strict=False):
        if usual == ZERO:
            digits = codes - np.uint8(ZERO)
            fits &= digits < 10
            if tens is not None:
                pairs.append(tens * np.uint8(10) + digits)
            tens = digits if tens is None else None
        else:
            fits &= (codes == usual) | (codes == T) if usual == SPACE else codes == usual
    century, year, month, day, *clock = pairs
    years = century.astype(np.int32) * 100 + year - YEARS[0]
    fits &= (years >= 0) & (years <= YEARS[1] - YEARS[0]) & (month <= 12) & (day <= 31)
    days = _days_of()[np.where(fits, years * 416 + month * np.int32(32) + day, 0)]
    fits &= days != NONE
    seconds = days * np.int64(86_400)
    for number, unit, most in zip(clock, (3600, 60, 1), (24, 60, 60), strict=False):
        fits &= number < most
        seconds += number * np.int32(unit)
    return seconds, fits


@lru_cache(maxsize=1)
def _days_of() -> NDArray[np.int32]:
    """Days since 1970 by year (from `YEARS`), month of 13 and day of 32; `NONE` for no day."""
    years = np.arange(YEARS[0], YEARS[1] + 1)
    months = ((years[:, None] - 1970) * 12 + np.arange(13) - 1).astype("M8[M]")
    days = months.astype("M8[D]")[:, :, None] + (np.arange(32) - 1)
    exists = (days.astype("M8[M]") == months[:, :, None]) & (np.arange(13) > 0)[:, None]
    return np.where(exists, days.astype(np.int64), NONE).astype(np.int32).ravel()
