"""From the columns of a table to the numbers that a network reads, and the plan for doing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ModelFileError
from .cells import check_cells
from .column_values import (
    as_known_levels,
    as_numbers,
    as_texts,
    as_times,
    date_part,
    is_date,
    is_numeric,
)
from .moments import mean_and_deviation, standardize

Frame: TypeAlias = Any  # a pandas DataFrame
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

    def features(self, column: Series) -> Floats:
        """Return the features of a column, shape (rows, width)."""
        if self.levels:
            texts = as_known_levels(as_texts(column), self.levels)
            encoded = (texts[:, None] == np.array(self.levels, object)[None, :]).astype(float)
            absent = np.array([text is None for text in texts])
        else:
            values = date_part(as_times(column), self.part) if self.part else as_numbers(column)
            absent = np.isnan(values)
            scaled = standardize(np.where(absent, self.fill, values), self.mean, self.scale)
            encoded = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)[:, None]
        return np.column_stack([encoded, absent]) if self.missing else encoded


@dataclass(frozen=True)
class Features:
    """The plan for all columns of a table.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.0, 3.0, None], "colour": ["red", "blue", "red"]})
    >>> plan = Features.learn(frame)
    >>> plan.width
    4
    >>> plan(frame)[:, 1:].tolist()  # empty, blue, red
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    >>> plan(frame)[:, 0].round(3)
    array([-1.225,  1.225,  0.   ], dtype=float32)
    """

    columns: tuple[Column, ...]

    @classmethod
    def learn(
        cls,
        frame: Frame,
        categorical_features: Collection[str] = (),
        sample_weight: Floats | None = None,
    ) -> Features:
        """The plan for a table, from its training rows.

        Parameters
        ----------
        frame : pandas.DataFrame
        categorical_features : collection of str
            Columns of numbers to treat as text.
        sample_weight : array of float64, shape (rows,), optional
            Weights of the rows in means and standard deviations.

        Raises
        ------
        DataError
            If a column has no values, mixes text into numbers, or holds what is no single value
            (lists, complex numbers, spans of time); or if no column varies.
        """
        as_text = frozenset(categorical_features)
        columns = tuple(
            column
            for name in frame.columns
            for column in learn(frame[name], str(name) in as_text, sample_weight)
        )
        if not columns:
            raise DataError(
                "no column varies from row to row, so there is nothing to predict from: give a "
                "table with at least one column beside the target"
            )
        return cls(columns)

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(column.width for column in self.columns)

    @property
    def continuous(self) -> tuple[int, ...]:
        """Which features are numbers of many different values."""
        starts = np.cumsum([0, *[column.width for column in self.columns]])
        return tuple(
            int(start) for start, column in zip(starts, self.columns, strict=False)
            if column.continuous
        )  # fmt: skip

    def __call__(self, frame: Frame) -> NDArray[np.float32]:
        """The features of a table, shape (rows, width).

        Raises
        ------
        DataError
            If a column is absent, holds text where numbers are needed, or no single value.
        """
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            raise DataError(
                f"column {absent[0]!r} is missing{_and_more(absent)}; the table has "
                f"{_listed(frame.columns)}: rename or add what the model was trained with"
            )
        for name in dict.fromkeys(column.name for column in self.columns):
            check_cells(frame[name])
        dated = {column.name for column in self.columns if column.part}
        times = {name: as_times(frame[name]) for name in dated}  # once for all their parts
        parts = [
            column.features(times[column.name] if column.part else frame[column.name])
            for column in self.columns
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON values."""
        return [{**asdict(column), "levels": list(column.levels)} for column in self.columns]

    @classmethod
    def from_json(cls, value: Any) -> Features:
        """The plan of `to_json`; a `ModelFileError` for anything else."""
        if not isinstance(value, list) or not value:
            raise ModelFileError("the columns of the model are not a list")
        return cls(tuple(_column_from_json(entry) for entry in value))


def _column_from_json(entry: Any) -> Column:
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


def learn(column: Series, as_category: bool = False, weights: Floats | None = None) -> list[Column]:
    """Learn the plans for one column: one for each part of dates, none where all rows are alike."""
    name = str(column.name)
    check_cells(column)
    if not column.notna().any():
        raise DataError(
            f"column {name!r} is empty (all {len(column)} values are missing): fill it, or leave "
            f"it out with --drop {name!r}"
        )
    if not as_category and is_date(column):
        known = as_times(column).dropna()
        known_weights = None if weights is None else weights[column.notna()]
        parts = [_numbers(name, date_part(known, part), known_weights, part) for part in DATE_PARTS]
        varying = [part for part in parts if part is not None]
        missing = len(known) < len(column)
        return [replace(part, missing=missing and k == 0) for k, part in enumerate(varying)]
    if as_category or not is_numeric(column):
        learned = _texts(name, column)
    else:
        learned = _numbers(name, as_numbers(column), weights)
    return [] if learned is None else [learned]


def _texts(name: str, column: Series) -> Column | None:
    """Learn the levels of a column of text; None if all rows are alike."""
    missing = bool(column.isna().any())
    texts = [text for text in as_texts(column) if text is not None]
    levels, counts = np.unique(np.array(texts, object), return_counts=True)
    if len(levels) + missing < 2:
        return None
    enough = counts >= min(MIN_LEVEL_ROWS, len(column) / 200, int(np.max(counts)))
    levels, counts = levels[enough], counts[enough]
    common = levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    return Column(name, levels=tuple(sorted(common)), missing=missing)


def _numbers(name: str, values: Floats, weights: Floats | None, part: str = "") -> Column | None:
    """Learn the scale of a column of numbers; None if all rows are alike."""
    known = values[~np.isnan(values)]
    missing = len(known) < len(values)
    fill = float(np.median(known))
    filled = np.where(np.isnan(values), fill, values)
    mean, scale = mean_and_deviation(filled, weights)
    flat = scale <= 1e-12 * abs(mean)  # a spread that is only rounding
    if flat and not missing:
        return None
    many = not flat and len(np.unique(known)) > MANY_VALUES
    return Column(name, (), fill, mean, max(1.0, abs(mean)) if flat else scale, missing, part, many)


def _and_more(names: Sequence[str]) -> str:
    """Say how many more names than the first there are."""
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _listed(names: Sequence[str], most: int = 8) -> str:
    """List the first names."""
    listed = ", ".join(repr(str(name)) for name in list(names)[:most])
    return listed + (", ..." if len(names) > most else "")
