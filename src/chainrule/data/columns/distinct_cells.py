"""`DistinctCells`: the different cells of a column, each once; what is slow is done with these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from ..column_values import to_text
from .missing_markers import MARKERS

pd = LazyModule("pandas")

Series: TypeAlias = Any
Ints: TypeAlias = NDArray[np.intp]

SAMPLE = 120  # rows from which is told whether a column can be of a kind at all


@dataclass(frozen=True, eq=False)
class DistinctCells:
    """The different cells of a column, in the order in which they first occur.

    Attributes
    ----------
    cells : list
        Texts without spaces around them, and what else stands in the column, such as numbers.
    codes : array of int, shape (rows,)
        Which of the cells a row holds; -1 where it holds none.
    only_texts : bool
        Whether all cells are texts.
    words : frozenset of str
        Words for a missing value in this column alone, in small letters.
    """

    cells: list[Any]
    codes: Ints
    only_texts: bool
    words: frozenset[str] = frozenset()

    @cached_property
    def counts(self) -> Ints:
        """How many rows hold each cell."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.cells)).astype(np.intp)

    @cached_property
    def texts(self) -> list[str]:
        """The cells as texts."""
        return self.cells if self.only_texts else [to_text(cell) for cell in self.cells]

    @cached_property
    def markers(self) -> NDArray[np.bool_]:
        """Which cells are words for a missing value."""
        return np.fromiter(
            (
                isinstance(cell, str) and (cell.casefold() in MARKERS or (
                    bool(self.words) and cell.casefold() in self.words
                ))
                for cell in self.cells
            ),
            bool, len(self.cells),
        )  # fmt: skip

    def first_row(self, code: int) -> int:
        """The first row that holds a cell, counted from 0."""
        return int(np.argmax(self.codes == code))

    def sample(self) -> list[int]:
        """Which cells to look at first: those of some rows, and rarer ones too."""
        if len(self.cells) <= SAMPLE:
            return list(range(len(self.cells)))
        rng = np.random.default_rng(0)
        known = self.codes[self.codes >= 0]
        rows = known[rng.integers(len(known), size=SAMPLE // 2)]
        others = rng.integers(len(self.cells), size=SAMPLE // 2)
        return [int(code) for code in np.unique(np.concatenate([rows, others]))]

    @classmethod
    def of_texts(cls, texts: NDArray[Any]) -> DistinctCells:
        """Those of an array of texts, None where there is none."""
        codes, cells = pd.factorize(texts, use_na_sentinel=True)
        return cls(cells.tolist(), codes, True)

    def spread(self, values: NDArray[Any], absent: Any) -> NDArray[Any]:
        """Values of the cells as values of the rows, `absent` where a row holds none."""
        extended = np.empty(len(values) + 1, values.dtype)
        extended[:-1], extended[-1] = values, absent
        return extended[self.codes]


def distinct_cells(column: Series) -> DistinctCells:
    """Find the different cells of a column of texts or of objects of all kinds.

    An empty text, or one of spaces, is a missing cell.

    Examples
    --------
    >>> import pandas as pd
    >>> several = distinct_cells(pd.Series([" a", "b", None, "a ", "", 3], dtype=object))
    >>> several.cells, several.codes.tolist(), several.counts.tolist()
    (['a', 'b', 3], [0, 1, -1, 0, -1, 2], [2, 1, 1])
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        inner = distinct_cells(pd.Series(column.cat.categories))
        codes = inner.spread(np.arange(len(inner.cells)), -1) if len(inner.codes) else inner.codes
        outer = np.append(codes, -1)[column.cat.codes.to_numpy()]
        return _in_order(inner.cells, outer, inner.only_texts)
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) != "string":
        return _of_objects(column.tolist(), column.isna().to_numpy(bool))
    codes, cells = pd.factorize(column)
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        return _stripped(np.asarray(cells, object).tolist(), codes)
    return DistinctCells(cells.tolist(), codes, False)


def _stripped(texts: list[str], codes: Ints) -> DistinctCells:
    """Join the texts that differ by spaces around them, and count empty ones as missing."""
    texts = [str(text) for text in texts] if type(texts[0] if texts else "") is not str else texts
    plain = [text.strip() for text in texts]
    if plain == texts and "" not in plain:
        return DistinctCells(plain, codes, True)
    return _in_order(plain, codes, True)


def _in_order(cells: Sequence[Any], codes: Ints, only_texts: bool) -> DistinctCells:
    """Cells in the order of their first row, each once, without those that no row holds."""
    keys = {_key(cell): k for k, cell in reversed(list(enumerate(cells)))}
    joined = np.array([-1 if cell == "" else keys[_key(cell)] for cell in cells] + [-1], np.intp)
    ordered, present = pd.factorize(np.where(codes < 0, -1, joined[codes]))
    absent = np.flatnonzero(present == -1)
    if len(absent):
        ordered = np.where(ordered == absent[0], -1, ordered - (ordered > absent[0]))
        present = np.delete(present, absent[0])
    return DistinctCells([cells[k] for k in present], ordered, only_texts)


def _of_objects(cells: list[Any], absent: NDArray[np.bool_]) -> DistinctCells:
    """Cells of several types, of which 1, 1.0 and True are different ones."""
    seen: dict[Any, int] = {}
    different: list[Any] = []
    codes = np.empty(len(cells), np.intp)
    for row, cell in enumerate(cells):
        plain = cell.strip() if isinstance(cell, str) else cell
        if absent[row] or (isinstance(plain, str) and not plain):
            codes[row] = -1
            continue
        code = seen.setdefault(_key(plain), len(different))
        if code == len(different):
            different.append(plain)
        codes[row] = code
    return DistinctCells(different, codes, all(isinstance(cell, str) for cell in different))


def _key(cell: Any) -> Any:
    """What tells cells apart."""
    return cell if isinstance(cell, str) else (type(cell), cell)
