"""Which columns a fitted model of tables reads, what they held in the training, and their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...lazy import LazyModule
from .training_summary import ColumnSummary, TrainingSummary

pd = LazyModule("pandas")


@dataclass(frozen=True)
class InputColumn:
    """A column that each row must have.

    Attributes
    ----------
    name : str
    kind : str
        "number", "text", "date", ...: see `chainrule.data.columns.KINDS`.
    levels : tuple of str
        Values of a text, the commonest first.
    ends : tuple of float
        The smallest and the largest number of the training; empty where that is not known.
    examples : tuple of object
        One value or none.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    ends: tuple[float, ...] = ()
    examples: tuple[Any, ...] = ()


def saved_summary(model: Any) -> TrainingSummary | None:
    """What the training rows of a model looked like; None if nobody said so."""
    return getattr(model, "summary_", None)


def input_columns(model: Any) -> tuple[InputColumn, ...]:
    """The columns that a fitted model reads, in the order of the training."""
    summary = saved_summary(model)
    known = {} if summary is None else {column.name: column for column in summary.columns}
    return tuple(
        _of_summary(known[name]) if name in known else _of_plan(model, name)
        for name in read_names(model)
    )


def read_names(model: Any) -> list[str]:
    """The names of the columns that a fitted model reads; of an array, of all its columns."""
    names = [str(name) for name in model.column_names()]
    if not hasattr(model, "feature_names_in_"):
        return names
    read = {column.name for column in model.features_.columns}
    return [name for name in names if name in read]


def _of_summary(column: ColumnSummary) -> InputColumn:
    if column.kind == "text":
        return InputColumn(
            column.name, column.kind, column.levels, examples=tuple(column.levels[:1])
        )
    middle = column.edges[len(column.edges) // 2 : len(column.edges) // 2 + 1]
    if column.kind == "date":
        days = [str(np.datetime64(0, "D") + int(value)) for value in middle]
        return InputColumn(column.name, column.kind, examples=tuple(days))
    return InputColumn(column.name, column.kind, (), column.ends, tuple(middle))


def _of_plan(model: Any, name: str) -> InputColumn:
    """What the plan for features says of a column."""
    plans = [column for column in model.features_.columns if column.name == name]
    readings = {reading.name: reading.kind for reading in model.features_.readings}
    if not plans:  # it does not vary, and is not read
        return InputColumn(name, "number", examples=(0.0,))
    first = plans[0]
    if first.levels:
        return InputColumn(name, "text", first.levels, examples=first.levels[:1])
    if first.part:
        return InputColumn(name, "date", examples=("2026-01-31",))
    kind = readings.get(name, "number")
    return InputColumn(name, kind, examples=(float(f"{first.fill:.6g}"),))


def frame_of_records(model: Any, records: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as a table with the columns of the training; those that it does not read are empty.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
    records : sequence of mapping
        Each has a value, or None, for each of `read_names`.
    """
    read = read_names(model)
    columns = {name: [record[name] for record in records] for name in read}
    return pd.DataFrame({
        name: pd.Series(columns.get(name, [None] * len(records)), dtype=object)
        for name in map(str, model.column_names())
    })  # fmt: skip
