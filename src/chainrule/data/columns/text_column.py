"""`TextColumn`: a column of texts while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .distinct_cells import DistinctCells
from .drafts import cell_in_row, counted

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TextColumn:
    """A column of texts, and what its different cells are.

    Attributes
    ----------
    column : Series
    cells : DistinctCells
    codes : list of int
        The cells that are no words for a missing value.
    rows : int
        How many rows hold these.
    flags : tuple of str
        Marks behind its numbers which its cells no longer have.
    """

    column: Series
    cells: DistinctCells
    codes: list[int]
    rows: int
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.column.name)

    def share(self, values: NDArray[Any]) -> float:
        """The share of these rows that has a value, of values of all different cells."""
        counts = self.cells.counts[self.codes]
        return float(counts[~np.isnan(values[self.codes])].sum() / self.rows)

    def share_of_sample(self, codes: list[int], fits: Callable[[Any], bool]) -> float:
        """The share of rows among those of a sample of cells."""
        counts = self.cells.counts[codes]
        hits = np.fromiter((bool(fits(self.cells.cells[code])) for code in codes), bool, len(codes))
        return float(counts[hits].sum() / counts.sum()) if len(codes) else 0.0

    def why(self, values: NDArray[Any], words: str) -> str:
        """How many of these rows have a value: ``"58 of 60 cells are numbers"``."""
        counts = self.cells.counts[self.codes]
        hits = int(counts[~np.isnan(values[self.codes])].sum())
        return counted(hits, self.rows, f"are {words}")

    def over_all(self, values: Floats) -> Floats:
        """Values of the cells that are no markers as values of all different cells."""
        spread = np.full(len(self.cells.cells), np.nan)
        spread[self.codes] = values
        return spread

    def where(self, code: int) -> str:
        """One cell with its row."""
        return cell_in_row(self.column, self.cells, code)
