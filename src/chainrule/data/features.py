"""From the columns of a table to the numbers that a network reads, and the plan for doing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ModelFileError
from .cells import check_cells
from .column_plans import MAX_DEVIATIONS, MAX_LEVELS, Column, column_from_json, learn_columns
from .column_values import as_known_levels, as_numbers, as_texts, as_times
from .columns import Reading, learn_readings, readings_of_table
from .columns.distinct_cells import DistinctCells, distinct_cells
from .compact_features import MAX_CODES, NONE, CompactFeatures

Frame: TypeAlias = Any  # a pandas DataFrame
Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]

COMPACT_ROWS, COMPACT_ENTRIES = 20_000, 2**24  # of larger tables features are kept compact

__all__ = ["MAX_DEVIATIONS", "MAX_LEVELS", "Column", "Features"]


@dataclass(frozen=True, eq=False)
class Scales:
    """The plans of columns of numbers, an entry a column.

    Attributes
    ----------
    sources, starts : array of int
        Which column of a table it is, and its first feature.
    missing : array of bool
    fill, mean, scale : array of float64
        See `Column`.
    """

    sources: NDArray[np.intp]
    starts: NDArray[np.intp]
    missing: NDArray[np.bool_]
    fill: Floats
    mean: Floats
    scale: Floats


@dataclass(frozen=True)
class Features:
    """The plan for all columns of a table.

    Attributes
    ----------
    columns : tuple of Column
        In the order of their features; a column of dates has several, one that is left out none.
    readings : tuple of Reading
        How the cells of each column of the training are read, also of those that are left out.
        Empty for a plan from a file of version 0.1, whose cells are plain numbers, dates and texts.

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
    >>> [reading.kind for reading in plan.readings]
    ['number', 'text']
    """

    columns: tuple[Column, ...]
    readings: tuple[Reading, ...] = ()

    @classmethod
    def learn(
        cls,
        frame: Frame,
        categorical_features: Collection[str] = (),
        sample_weight: Floats | None = None,
        column_kinds: Mapping[str, str] | None = None,
    ) -> Features:
        """The plan for a table, from its training rows.

        Parameters
        ----------
        frame : pandas.DataFrame
        categorical_features : collection of str
            Columns of numbers to treat as text.
        sample_weight : array of float64, shape (rows,), optional
            Weights of the rows in means and standard deviations.
        column_kinds : mapping of str to str, optional
            What columns hold, whatever their cells look like: ``"number"``, ``"date"``, ``"time"``,
            ``"duration"``, ``"text"``, or ``"ignore"`` to leave one out.

        Raises
        ------
        DataError
            If a column mixes text into numbers, or holds what is no single value (lists, complex
            numbers); or if no column varies.
        """
        kinds = {**(column_kinds or {}), **dict.fromkeys(categorical_features, "text")}
        columns: list[Column] = []
        readings: list[Reading] = []
        learned = learn_readings(frame, kinds)
        for (_, column), reading in zip(frame.items(), learned, strict=True):
            plans = [] if reading.kind == "ignore" else learn_columns(
                reading.name, reading.kind, _typed(column, reading), sample_weight
            )  # fmt: skip
            columns += plans
            readings.append(reading if plans else _left_out(column, reading))
        if not columns:
            raise DataError(
                "no column varies from row to row, so there is nothing to predict from: give a "
                "table with at least one column beside the target" + _reasons(readings)
            )
        return cls(tuple(columns), tuple(readings))

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

    def with_readings(self, readings: Sequence[Reading]) -> Features:
        """The same plan for a table whose cells are still as a file has them.

        A plan that was learned from a typed table reads typed tables. With the readings of
        `typed_frame`, which made that table of the file's cells, it reads those cells itself, as
        they were read for the training. Readings of other columns are left aside.

        Examples
        --------
        >>> import pandas as pd
        >>> from chainrule.data.columns import typed_frame
        >>> raw = pd.DataFrame({"price": ["$1,200", "$900", "n/a"]})
        >>> typed, readings = typed_frame(raw)
        >>> plan = Features.learn(typed).with_readings(readings)
        >>> bool((plan(raw) == plan(typed)).all())
        True
        """
        new = {reading.name: reading for reading in readings}
        return replace(self, readings=tuple(_joined(reading, new) for reading in self.readings))

    def __call__(self, frame: Frame) -> NDArray[np.float32]:
        """The features of a table, shape (rows, width).

        Raises
        ------
        DataError
            If a column is absent, holds text where numbers are needed, or no single value.
        """
        features = np.zeros((len(frame), self.width), np.float32)
        start = 0
        for values, plans in self._typed(frame):
            for plan in plans:
                plan.write(values, features[:, start : start + plan.width])
                start += plan.width
        return features

    def of_numbers(self, x: NDArray[Any]) -> NDArray[np.float32] | None:
        """The same of an array with the columns of the training; None if cells need a closer look.

        It is for arrays of numbers: texts, dates and infinite numbers go through a table.

        Examples
        --------
        >>> import pandas as pd
        >>> x = np.array([[1.0, 5.0], [3.0, np.nan]])
        >>> plan = Features.learn(pd.DataFrame(x))
        >>> bool((plan.of_numbers(x) == plan(pd.DataFrame(x, columns=["0", "1"]))).all())
        True
        """
        scales, fits = self._scales, x.ndim == 2 and x.shape[1] == len(self.readings)
        if scales is None or not fits or x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
            return None
        if self._is_large(len(x)) or (x.dtype.kind == "f" and np.isinf(x).any()):
            return None
        numbers = x[:, scales.sources].astype(np.float64)
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            scaled = (np.where(absent, scales.fill, numbers) - scales.mean) / scales.scale
        if not np.isfinite(scaled).all():
            return None
        features = np.empty((len(x), self.width), np.float32)
        features[:, scales.starts] = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        features[:, scales.starts[scales.missing] + 1] = absent[:, scales.missing]
        return features

    @cached_property
    def _scales(self) -> Scales | None:
        """The plans of all columns together; None if one holds no plain numbers."""
        readings = {reading.name: (k, reading) for k, reading in enumerate(self.readings)}
        each = [(column, *readings.get(column.name, (0, None))) for column in self.columns]
        if not all(
            reading is not None and reading.is_number and not reading.sentinels
            and not column.levels and not column.part
            for column, _, reading in each
        ):  # fmt: skip
            return None
        starts = np.cumsum([0, *[column.width for column in self.columns]])[:-1]
        return Scales(
            np.array([k for _, k, _ in each]), starts,
            np.array([column.missing for column in self.columns]),
            *[np.array([getattr(column, name) for column in self.columns], np.float64)
              for name in ("fill", "mean", "scale")],
        )  # fmt: skip

    def _is_large(self, rows: int) -> bool:
        """Whether the features of so many rows are kept compact."""
        return rows > COMPACT_ROWS and rows * self.width > COMPACT_ENTRIES

    def of_rows(self, frame: Frame) -> NDArray[np.float32] | CompactFeatures:
        """The features of a table; of a large one as `CompactFeatures`, which hold the same."""
        coded = all(column.width <= MAX_CODES for column in self.columns)
        return self.compact(frame) if self._is_large(len(frame)) and coded else self(frame)

    def compact(self, frame: Frame) -> CompactFeatures:
        """The features of a table in little memory; see `__call__`."""
        n_numbers = sum(not column.levels for column in self.columns)
        numbers = np.empty((len(frame), n_numbers), np.float32)
        codes = np.full((len(frame), sum(c.groups for c in self.columns)), NONE, np.uint8)
        numeric: list[int] = []
        starts: list[int] = []
        start = 0
        for values, plans in self._typed(frame):
            for plan in plans:
                plan.write_compact(values, numbers[:, len(numeric) :], codes[:, len(starts) :])
                numeric += [] if plan.levels else [start]
                starts += [start if plan.levels else start + 1] * plan.groups
                start += plan.width
        return CompactFeatures(
            numbers, np.array(numeric, np.intp), codes, np.array(starts, np.intp), self.width
        )

    def _typed(self, frame: Frame) -> Iterator[tuple[Any, list[Column]]]:
        """The cells of each column as its plans take them, in the order of the features."""
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            raise DataError(
                f"column {absent[0]!r} is missing{_and_more(absent)}; the table has "
                f"{_listed(frame.columns)}: rename or add what the model was trained with"
            )
        learned = {reading.name: reading for reading in self.readings}
        readings = readings_of_table(learned, frame)
        for name, plans in self._by_name():
            yield _values(frame[name], plans[0], readings.get(name)), plans

    def _by_name(self) -> Iterator[tuple[str, list[Column]]]:
        """The plans of each column, in the order of their features."""
        plans: list[Column] = []
        for column in self.columns:
            if plans and plans[0].name != column.name:
                yield plans[0].name, plans
                plans = []
            plans.append(column)
        if plans:
            yield plans[0].name, plans

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "columns": [
                {**asdict(column), "levels": list(column.levels)} for column in self.columns
            ],
            "readings": [reading.to_json() for reading in self.readings],
        }

    @classmethod
    def from_json(cls, value: Any) -> Features:
        """The plan of `to_json`, or the list that it was before; a `ModelFileError` for others."""
        columns, readings = value, []
        if isinstance(value, dict) and value.keys() == {"columns", "readings"}:
            columns, readings = value["columns"], value["readings"]
        if not isinstance(columns, list) or not columns or not isinstance(readings, list):
            raise ModelFileError("the columns of the model are not a list")
        plan = cls(
            tuple(column_from_json(entry) for entry in columns),
            tuple(Reading.from_json(entry) for entry in readings),
        )
        if readings:
            plan.check_kinds()
        return plan

    def check_kinds(self) -> None:
        """Refuse readings that do not give what the plans of their columns need."""
        kinds = {reading.name: reading.kind for reading in self.readings}
        if len(kinds) < len(self.readings):
            raise ModelFileError("two readings of the model are of one column")
        for column in self.columns:
            kind = kinds.get(column.name)
            wanted = ("text",) if column.levels else ("date",) if column.part else (
                "number", "time", "duration"
            )  # fmt: skip
            if kind not in wanted:
                raise ModelFileError(f"column {column.name!r:.60} is not read as its plan needs it")


# Learning


def _values(column: Series, plan: Column, reading: Reading | None) -> Any:
    """The cells of a column as numbers, dates or distinct texts."""
    check_cells(column, spans=reading is not None)
    if reading is not None:
        return _typed(column, reading)
    if plan.levels:
        return DistinctCells.of_texts(as_known_levels(as_texts(column), plan.levels))
    return as_times(column) if plan.part else as_numbers(column)


def _typed(column: Series, reading: Reading) -> Any:
    """The cells of a column as a plan takes them: float64, dates, or distinct texts."""
    if reading.kind == "date":
        return reading.times(column)
    return reading.numbers(column) if reading.is_number else distinct_cells(column)


def _left_out(column: Series, reading: Reading) -> Reading:
    """The reading of a column that no feature is learned from."""
    if reading.kind == "ignore":
        return reading
    cell = reading.examples[0] if reading.examples else ""
    return replace(
        reading, kind="ignore", why=f"all of its cells are {cell!r}",
        notes=(*reading.notes, "the same in all rows: left out"),
    )  # fmt: skip


def _joined(reading: Reading, new: Mapping[str, Reading]) -> Reading:
    """The reading of a file's column, unless the plan leaves it out."""
    other = new.get(reading.name)
    return other if other is not None and other.kind == reading.kind else reading


def _reasons(readings: Sequence[Reading]) -> str:
    """Why the first columns are left out."""
    reasons = [f"{reading.name!r}: {reading.why}" for reading in readings[:3]]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _and_more(names: Sequence[str]) -> str:
    """Say how many more names than the first there are."""
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _listed(names: Sequence[str], most: int = 8) -> str:
    """List the first names."""
    listed = ", ".join(repr(str(name)) for name in list(names)[:most])
    return listed + (", ..." if len(names) > most else "")
