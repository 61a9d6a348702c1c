"""How one column of numbers, dates or texts becomes features, and how that is learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFileError
from .column_values import date_part
from .columns.distinct_cells import DistinctCells
from .compact_features import NONE
from .moments import mean_and_deviation, standardize

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

MAX_LEVELS = 64  # features of one text column; rarer values share the row of zeros
MIN_LEVEL_ROWS = 8  # or a 200th of a small table: a value of fewer teaches little but these rows
MANY_VALUES = 10  # a column of more distinct numbers is continuous
DATE_PARTS = ("days", "year", "month", "day", "day_of_week", "hour")  # of a date, where they vary
MAX_DEVIATIONS = 20.0  # standard deviations: one wild cell cannot drown all others


@dataclass(frozen=True)
class Column:
    """How one column becomes features; learned from training rows only.

    Attributes
    ----------
    name : str
    levels : tuple of str
        For a column of text: the values that get a feature each. Empty for numbers.
    fill, mean, scale : float
        For a column of numbers: a value v becomes ``((v or fill) - mean) / scale``.
    missing : bool
        Whether one more feature says that the cell is empty.
    part : str
        For a column of dates: which number of them this is, one of `DATE_PARTS`; else empty.
    continuous : bool
        Whether it holds numbers of more than `MANY_VALUES` different values.
    """

    name: str
    levels: tuple[str, ...] = ()
    fill: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    missing: bool = False
    part: str = ""
    continuous: bool = False

    @property
    def width(self) -> int:
        """The number of features."""
        return (len(self.levels) or 1) + self.missing

    @property
    def groups(self) -> int:
        """How many of the groups of features there are, of which at most one is 1."""
        return 1 if self.levels else int(self.missing)

    def write(self, values: Any, into: NDArray[np.float32]) -> None:
        """Write the features of numbers, dates or distinct texts into an array (rows, width)."""
        if self.levels:
            codes = self._codes(values)
            known = np.flatnonzero(codes >= 0)
            into[known, codes[known]] = 1.0
            return
        numbers, absent = self._scaled(values)
        into[:, 0] = numbers
        if self.missing:
            into[:, 1] = absent

    def write_compact(
        self, values: Any, numbers: NDArray[np.float32], codes: NDArray[np.uint8]
    ) -> None:
        """Write the same as a number and a code of a group; see `CompactFeatures`.

        `numbers` and `codes` have a column for each number and for each of `groups`.
        """
        if self.levels:
            codes[:, 0] = self._codes(values) % 256  # -1 is 255: none
            return
        numbers[:, 0], absent = self._scaled(values)
        if self.missing:
            codes[:, 0] = np.where(absent, 0, NONE)

    def _codes(self, cells: DistinctCells) -> NDArray[np.intp]:
        """Which feature is 1 in each row, -1 if none is."""
        known = self._level_codes
        codes = np.array([known.get(text, -1) for text in cells.texts], np.intp)
        return cells.spread(codes, len(self.levels) if self.missing else -1)

    @cached_property
    def _level_codes(self) -> dict[str, int]:
        """Which feature each level has."""
        return {level: k for k, level in enumerate(self.levels)}

    def _scaled(self, values: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Numbers as the network reads them, and which cells are empty."""
        numbers = date_part(values, self.part) if self.part else values
        absent = np.isnan(numbers)
        scaled = standardize(np.where(absent, self.fill, numbers), self.mean, self.scale)
        return np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS), absent


def column_from_json(entry: Any) -> Column:
    """Return the column that a model file describes, or raise a `ModelFileError`."""
    kinds = {"name": str, "levels": list, "fill": float, "mean": float, "scale": float,
             "missing": bool, "part": str, "continuous": bool}  # fmt: skip
    if not isinstance(entry, dict) or entry.keys() != kinds.keys():
        raise ModelFileError("a column of the model lacks a field or has a strange one")
    for key, kind in kinds.items():
        if type(entry[key]) is not kind:
            raise ModelFileError(f"a column's {key!r} is no {kind.__name__}")
    if not all(isinstance(level, str) for level in entry["levels"]):
        raise ModelFileError(f"the values of column {entry['name']!r:.60} are not all text")
    if entry["part"] not in ("", *DATE_PARTS):
        raise ModelFileError(f"column {entry['name']!r:.60} is an unknown part of a date")
    numbers = [entry["fill"], entry["mean"], entry["scale"]]
    if not (np.isfinite(numbers).all() and entry["scale"] > 0):
        raise ModelFileError(f"the scale of column {entry['name']!r:.60} is no positive number")
    return Column(**{**entry, "levels": tuple(entry["levels"])})


def learn_columns(name: str, kind: str, values: Any, weights: Floats | None) -> list[Column]:
    """Learn the plans for one column: one for each part of dates, none where all rows are alike.

    Parameters
    ----------
    name : str
    kind : str
        That of its `Reading`.
    values : array of float64, or DistinctCells of texts, or a Series of dates
    weights : array of float64, shape (rows,), optional
    """
    if kind == "date":
        return _dates(name, values, weights)
    learned = _texts(name, values) if kind == "text" else _numbers(name, values, weights)
    return [] if learned is None else [learned]


def _dates(name: str, times: Series, weights: Floats | None) -> list[Column]:
    """Learn the parts of dates that vary; the first says which cells are empty."""
    known = times.dropna()
    if known.empty:
        return []
    known_weights = None if weights is None else weights[times.notna().to_numpy()]
    parts = [_numbers(name, date_part(known, part), known_weights, part) for part in DATE_PARTS]
    varying = [part for part in parts if part is not None]
    missing = len(known) < len(times)
    return [replace(part, missing=missing and k == 0) for k, part in enumerate(varying)]


def _texts(name: str, cells: DistinctCells) -> Column | None:
    """Learn the levels of a column of text; None if all rows are alike."""
    missing = bool((cells.codes < 0).any())
    # 1 and "1" are different cells and one text
    levels, of_cell = np.unique(np.array(cells.texts, object), return_inverse=True)
    if not len(levels) or len(levels) + missing < 2:
        return None
    counts = np.bincount(of_cell, cells.counts, len(levels)).astype(int)
    enough = counts >= min(MIN_LEVEL_ROWS, len(cells.codes) / 200, int(np.max(counts)))
    levels, counts = levels[enough], counts[enough]
    common = levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    return Column(name, levels=tuple(sorted(map(str, common))), missing=missing)


def _numbers(name: str, values: Floats, weights: Floats | None, part: str = "") -> Column | None:
    """Learn the scale of a column of numbers; None if all rows are alike."""
    absent = np.isnan(values)
    missing = bool(absent.any())
    known = values[~absent] if missing else values
    if not len(known):
        return None
    fill = float(np.median(known))
    mean, scale = mean_and_deviation(np.where(absent, fill, values) if missing else values, weights)
    flat = scale <= 1e-12 * abs(mean)  # a spread that is only rounding
    if flat and not missing:
        return None
    many = not flat and _has_many(known)
    return Column(name, (), fill, mean, max(1.0, abs(mean)) if flat else scale, missing, part, many)


def _has_many(known: Floats) -> bool:
    """Whether there are more than `MANY_VALUES` different numbers; mostly the first rows tell."""
    return len(np.unique(known[:1000])) > MANY_VALUES or len(np.unique(known)) > MANY_VALUES
