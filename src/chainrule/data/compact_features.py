"""The features of very many rows in a tenth of the memory, made dense some rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = Any  # a slice, positions, or truth values

NONE = 255  # the code where no feature of a group is 1
MAX_CODES = 254


@dataclass(frozen=True, eq=False)
class CompactFeatures:
    """Features of which most are 0 or 1, and at most one of a group is 1.

    Attributes
    ----------
    numbers : array of float32, shape (stored rows, numbers)
        The features that are numbers.
    numeric : array of int, shape (numbers,)
        Which features they are.
    codes : array of uint8, shape (stored rows, groups)
        Which feature of a group is 1, counted from its first; `NONE` where all are 0.
    starts : array of int, shape (groups,)
        The first feature of each group.
    width : int
        How many features there are.
    rows : array of int, or None
        Which of the stored rows these are; None: all of them.

    Examples
    --------
    >>> numbers, codes = np.array([[0.5], [1.5]], np.float32), np.array([[1], [NONE]], np.uint8)
    >>> features = CompactFeatures(numbers, np.array([0]), codes, np.array([1]), 3)
    >>> features[:].tolist()
    [[0.5, 0.0, 1.0], [1.5, 0.0, 0.0]]
    >>> features.part([1])[:].tolist(), features.part([1]).shape
    ([[1.5, 0.0, 0.0]], (1, 3))
    """

    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.float32)
    ndim: ClassVar[int] = 2

    numbers: NDArray[np.float32]
    numeric: NDArray[np.intp]
    codes: NDArray[np.uint8]
    starts: NDArray[np.intp]
    width: int
    rows: NDArray[np.intp] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Of the dense array."""
        return len(self), self.width

    def __len__(self) -> int:
        return len(self.numbers) if self.rows is None else len(self.rows)

    def part(self, rows: Rows) -> CompactFeatures:
        """Some of the rows; nothing is copied but their positions."""
        return replace(self, rows=self._stored(rows))

    def __getitem__(self, rows: Rows) -> NDArray[np.float32]:
        """Some of the rows as an array of float32, shape (rows, width)."""
        stored = rows if self.rows is None else self.rows[rows]
        numbers, codes = self.numbers[stored], self.codes[stored]
        dense = np.zeros((len(numbers), self.width), np.float32)
        dense[:, self.numeric] = numbers
        row, group = np.nonzero(codes != NONE)
        dense[row, self.starts[group] + codes[row, group]] = 1.0
        return dense

    def columns(self, features: Sequence[int], rows: Rows) -> NDArray[np.float32]:
        """Some features, of which each is a number, of some of the rows."""
        position = {int(feature): k for k, feature in enumerate(self.numeric)}
        stored = rows if self.rows is None else self.rows[rows]
        return self.numbers[stored][:, [position[int(feature)] for feature in features]]

    def stand_in(self) -> NDArray[np.float32]:
        """An array of zeros of the same shape, which takes no memory: for checks of the shape."""
        return np.broadcast_to(np.float32(0.0), self.shape)

    def _stored(self, rows: Rows) -> NDArray[np.intp]:
        """The positions of some rows among those that are stored."""
        if self.rows is not None:
            return self.rows[rows]
        return np.arange(len(self.numbers))[rows]
