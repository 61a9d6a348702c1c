"""The texts of a long column as bytes, so that NumPy looks at all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .missing_markers import MARKERS

pd = LazyModule("pandas")

Series: TypeAlias = Any
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

LONG = 5_000  # rows: shorter columns are looked at cell by cell
BLOCK = 2**16  # rows that are looked at together: their bytes fit into the cache
MOST_WORDS = 1000  # different words among numbers or dates: more are no words for a missing one
LINE_FEED = 10


@dataclass(frozen=True, eq=False)
class CellBytes:
    """The cells of a column in UTF-8, one behind the other.

    Attributes
    ----------
    data : array of uint8
        All of them, each with a line feed behind it or none of them.
    starts, lengths : array of int, shape (rows,)
        Where each begins in `data`, and of how many bytes it is: 0 where it is missing.
    """

    data: NDArray[np.uint8]
    starts: Ints
    lengths: Ints

    @cached_property
    def text(self) -> bytes:
        """`data` as bytes."""
        return self.data.tobytes()

    def rows_at(self, positions: Ints) -> Ints:
        """Return the rows whose cells hold some positions of `data`, in order."""
        return np.unique(np.searchsorted(self.starts, positions, "right") - 1)

    def lines(self) -> bytes:
        """Return the cells as lines, each with a line feed behind it."""
        if len(self.data) != int(self.lengths.sum()):
            return self.text
        ends = self.starts + self.lengths + np.arange(len(self.starts))
        is_cell = np.ones(len(self.data) + len(ends), np.bool_)
        is_cell[ends] = False
        lines = np.full(len(is_cell), LINE_FEED, np.uint8)
        lines[is_cell] = self.data
        return lines.tobytes()


def in_one_piece(column: Series) -> Series:
    """Return a column of texts of which Arrow has all in one piece: some rows are taken faster."""
    if not is_of_arrow(column):
        return column
    texts = column.array.__arrow_array__()
    if getattr(texts, "num_chunks", 1) == 1:
        return column
    return pd.Series(
        texts.combine_chunks(), index=column.index, name=column.name, dtype=column.dtype
    )


def is_of_arrow(column: Series) -> bool:
    """Whether a column of texts is stored by Arrow."""
    return isinstance(column.dtype, pd.StringDtype) and bool(column.dtype.storage == "pyarrow")


def cell_bytes(column: Series) -> CellBytes | None:
    """Return the cells of a column of texts; None if it has others, or cells of several lines.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = cell_bytes(pd.Series(["ab", None, "c"]))
    >>> cells.lengths.tolist(), cells.lines()
    ([2, 0, 1], b'ab\\n\\nc\\n')
    """
    dtype = column.dtype
    if is_of_arrow(column):
        return _of_arrow(column)
    if not isinstance(dtype, pd.StringDtype) and (
        dtype.kind != "O"
        or pd.api.types.infer_dtype(column, skipna=True) not in ("string", "empty")
    ):
        return None
    texts = [text if isinstance(text, str) else "" for text in column.tolist()]
    data = np.frombuffer("\n".join([*texts, ""]).encode("utf-8", "surrogatepass"), np.uint8)
    ends = np.flatnonzero(data == LINE_FEED)
    if len(ends) != len(texts):
        return None
    starts = np.append(0, ends[:-1] + 1)
    return CellBytes(data, starts, ends - starts)


def _of_arrow(column: Series) -> CellBytes | None:
    """The cells of a column of Arrow, in the bytes that it has itself."""
    texts = column.array.__arrow_array__()
    texts = texts.combine_chunks() if hasattr(texts, "chunks") else texts
    size = np.int32 if str(texts.type) == "string" else np.int64
    _, offsets, data = texts.buffers()
    borders = np.frombuffer(offsets, size)[texts.offset : texts.offset + len(texts) + 1]
    borders = borders.astype(np.int64, copy=False)
    codes = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    codes, starts, lengths = codes[borders[0] : borders[-1]], borders - borders[0], np.diff(borders)
    if texts.null_count and lengths[column.isna().to_numpy(bool)].any():
        return None
    return None if (codes == LINE_FEED).any() else CellBytes(codes, starts[:-1], lengths)


@dataclass(frozen=True, eq=False)
class Words:
    """The words for a missing cell in a column.

    Attributes
    ----------
    first : dict of str to int
        Each word with its first row, counted from 0, in the order of these.
    rows : int
        How many rows hold one.
    """

    first: dict[str, int]
    rows: int

    def and_later(self, words: Words, start: int) -> Words:
        """Return these and those of a later block, which begins at a row."""
        later = {word: row + start for word, row in words.first.items() if word not in self.first}
        return Words({**self.first, **later}, self.rows + words.rows)


def words_in(column: Series, rows: Ints) -> Words | None:
    """Return the words for a missing cell in some rows; None if a cell there is anything else.

    Cells that are empty, or of spaces, are missing without a word.

    Examples
    --------
    >>> import pandas as pd
    >>> words_in(pd.Series(["?", "1", "NA", " ", "?", None]), np.array([0, 2, 3, 4, 5]))
    Words(first={'?': 0, 'NA': 2}, rows=3)
    >>> words_in(pd.Series(["?", "north"]), np.array([0, 1])) is None
    True
    """
    codes, cells = pd.factorize(column.iloc[rows])
    if len(cells) > MOST_WORDS:
        return None
    words = [str(cell).strip() for cell in np.asarray(cells, object).tolist()]
    if not {word.casefold() for word in words if word} <= MARKERS:
        return None
    has_word = np.array([bool(word) for word in words] + [False])[codes]
    first: dict[str, int] = {}
    for code, row in zip(*np.unique(codes[has_word], return_index=True), strict=True):
        word, row = words[code], int(rows[has_word][row])
        first[word] = min(row, first.get(word, row))
    ordered = sorted(first.items(), key=lambda item: item[1])
    return Words(dict(ordered), int(has_word.sum()))
