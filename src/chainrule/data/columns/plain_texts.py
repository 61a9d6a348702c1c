"""Long columns of plain numbers as texts, nearly all different: read without counting cells."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .cell_bytes import (
    BLOCK,
    LONG,
    CellBytes,
    Words,
    cell_bytes,
    in_one_piece,
    is_of_arrow,
    words_in,
)
from .missing_markers import MARKERS

pd = LazyModule("pandas")

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

SAMPLE = 400  # cells, of which more than half are different
PLAIN = b"0123456789+-.eE \t\n"  # all that such numbers are written with, and ends of cells
IS_OTHER = bytes(code not in PLAIN for code in range(256))
MARKS = b".eE \t"
ZERO, NINE = b"09"
SHORT = 3  # bytes of a word such as "--"
LONGEST_EXACT = 15  # bytes
UNUSUAL = re.compile(  # codes, and what is too long for a quantity
    rb"^[ \t]*(?:0\d|[+-]?\d{16})", re.MULTILINE
)


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
    marks : bytes
        Which of ``.eE``, space and tab stand in a number: none if it is of digits and a sign.
    """

    numbers: Floats
    markers: dict[str, int]
    marked: int
    marks: bytes


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
    column = in_one_piece(column)
    some = column.iloc[:: len(column) // SAMPLE].dropna().tolist()
    if len(set(some)) <= SAMPLE // 2 or not all(map(_is_plain, some)):
        return None
    blocks = []
    words = Words({}, 0)
    for start in range(0, len(column), BLOCK):
        block = _block(column.iloc[start : start + BLOCK])
        if block is None:
            return None
        blocks.append(block)
        words = words.and_later(block.words, start)
    numbers = np.concatenate([block.numbers for block in blocks])
    marks = bytes(mark for mark in MARKS if any(mark in block.marks for block in blocks))
    return PlainTexts(numbers, words.first, words.rows, marks)


@dataclass(frozen=True, eq=False)
class _Block:
    """Some rows of such a column."""

    numbers: Floats
    words: Words
    marks: bytes


def _block(column: Series) -> _Block | None:
    """Read some rows; None if a cell is no plain number."""
    cells = cell_bytes(column)
    if cells is None:
        return None
    others = _other_rows(cells)
    words = words_in(column, others) if len(others) else Words({}, 0)
    if words is None:
        return None
    is_number = cells.lengths > 0
    is_number[others] = False
    if not is_number.any():
        return _Block(np.full(len(column), np.nan), words, b"")
    known = column if is_number.all() else column[is_number]
    cells = cells if is_number.all() else cell_bytes(known)
    if cells is None or _are_unusual(cells):
        return None
    values = _values(known, cells)
    if values is None or np.isinf(values).any():
        return None
    numbers = np.full(len(column), np.nan)
    numbers[is_number] = values
    return _Block(numbers, words, bytes(mark for mark in MARKS if mark in cells.text))


def _other_rows(cells: CellBytes) -> NDArray[np.int64]:
    """Return the rows that hold a letter which no number has, or a few letters and no digit."""
    rows = np.empty(0, np.int64)
    if cells.text.translate(None, PLAIN):
        is_other = np.frombuffer(cells.text.translate(IS_OTHER), np.bool_)
        rows = cells.rows_at(np.flatnonzero(is_other))
    short = np.flatnonzero((cells.lengths > 0) & (cells.lengths <= SHORT))
    for step in range(SHORT):
        at = cells.data[cells.starts[short] + np.minimum(step, cells.lengths[short] - 1)]
        short = short[(at < ZERO) | (at > NINE)]
    return np.union1d(rows, short) if len(short) else rows


def _are_unusual(cells: CellBytes) -> bool:
    """Whether a number begins with 0 as codes do, or is too long for a quantity."""
    if cells.lengths.max() > LONGEST_EXACT or b" " in cells.text or b"\t" in cells.text:
        return UNUSUAL.search(cells.lines()) is not None
    rows = np.flatnonzero((cells.data[cells.starts] == ZERO) & (cells.lengths > 1))
    following = cells.data[cells.starts[rows] + 1]
    return bool(((following >= ZERO) & (following <= NINE)).any())


def _values(column: Series, cells: CellBytes) -> Floats | None:
    """Return cells as pandas reads numbers, with its last digit; None if one is no number."""
    try:
        if is_of_arrow(column) and _are_exact(cells):
            return np.asarray(column.array.__arrow_array__().cast("double"), np.float64)
        frame = pd.read_csv(
            io.BytesIO(cells.lines()), header=None, names=["x"], index_col=False, dtype=np.float64,
            na_values=[], keep_default_na=False, quoting=3, sep="\x1f", skip_blank_lines=False,
        )  # fmt: skip
    except ValueError:
        return None
    return np.asarray(frame["x"], np.float64)


def _are_exact(cells: CellBytes) -> bool:
    """Whether cells are so short, and without powers of ten, that all parsers agree on them."""
    return bool(cells.lengths.max() <= LONGEST_EXACT) and not any(
        code in cells.text for code in b"eE+ \t"
    )


def _is_plain(cell: Any) -> bool:
    """Whether a cell is the text of a plain number, or a word for a missing one."""
    if not isinstance(cell, str):
        return False
    try:
        return np.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return cell.strip().casefold() in MARKERS
