"""Tables of time series: a row for each series, or a row for each point."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from .labelled import LabelledSeries

pd = LazyModule("pandas")

TARGETS = ("class", "label", "target", "y", "category")  # if none is named


def of_table(
    name: str, frame: Any, target: str | None, series: str | None, time: str | None
) -> LabelledSeries:
    """Time series of a table.

    Parameters
    ----------
    name : str
        Of the file, for errors.
    frame : DataFrame
        With `series` a row for each point: series are the rows with the same name there, in the
        order of `time`, and all other columns are channels. Without it a row for each series: all
        other columns are points, in their order.
    target : str or None
        The column to predict. None: one called class, label, target, y or category, or the only one
        that is not of numbers.
    series, time : str or None
        Columns.

    Raises
    ------
    DataError
        If a column is not there, a channel or point is no number, or a target is missing or not
        the same in all rows of a series; with the row or the series.

    Examples
    --------
    >>> import pandas as pd
    >>> long = pd.DataFrame({"who": list("aabb"), "t": [2, 1, 1, 2], "v": [1.0, 2.0, 3.0, 4.0],
    ...                      "kind": [0, 0, 1, 1]})
    >>> read = of_table("waves.csv", long, "kind", "who", "t")
    >>> [one.tolist() for one in read.inputs], read.labels.tolist(), read.names.tolist()
    ([[[2.0, 1.0]], [[3.0, 4.0]]], [0, 1], ['a', 'b'])
    """
    for option, column in (("--target", target), ("--id", series), ("--time", time)):
        if column is not None and column not in frame.columns:
            names = ", ".join(map(repr, frame.columns[:8]))
            raise DataError(f"{option}: {name} has no column {column!r}; it has {names}")
    if time is not None and series is None:
        raise DataError("--time orders the rows of a series: name their column with --id")
    if not len(frame):
        raise DataError(f"{name} has no rows")
    target = _target(frame, target, {series, time})
    if series is not None:
        return _long(name, frame, target, series, time)
    points = _number_columns(name, frame, [c for c in frame.columns if c != target], "a point")
    labels = None if target is None else _labels(name, frame[target])
    values = frame[points].to_numpy(np.float64, na_value=np.nan)
    return LabelledSeries(values, labels, None, target or "")


def _target(frame: Any, target: str | None, others: set[str | None]) -> str | None:
    """The column to predict; None if there seems to be none, as in rows to predict."""
    if target is not None:
        return target
    columns = [column for column in frame.columns if column not in others]
    named = [column for column in columns if str(column).lower() in TARGETS]
    texts = [c for c in columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    candidates = named or texts
    return candidates[0] if len(candidates) == 1 else None


def _number_columns(name: str, frame: Any, columns: list[Any], role: str) -> list[Any]:
    for column in columns:
        if not pd.api.types.is_numeric_dtype(frame[column].dtype):
            cell = frame[column].dropna().iloc[:1].tolist()
            raise DataError(
                f"{name}: column {column!r} holds {str(cell[0]) if cell else 'nothing'!r:.40} and "
                f"not only numbers, and each column would be {role}: name what to predict with "
                "--target, the names of series with --id, or remove the column"
            )
    if not columns:
        raise DataError(f"{name} has no column of numbers beside the others")
    return columns


def _labels(name: str, column: Any) -> Any:
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        raise DataError(
            f"{name}: {column.name!r} of row {missing[0] + 1} is missing: fill it in, or remove "
            "that row"
        )
    return column.to_numpy()


def _long(name: str, frame: Any, target: str | None, series: str, time: str | None
          ) -> LabelledSeries:  # fmt: skip
    channels = _number_columns(
        name, frame, [c for c in frame.columns if c not in (target, series, time)], "a channel"
    )
    if frame[series].isna().any():
        row = int(np.argmax(frame[series].isna().to_numpy()))
        raise DataError(f"{name}: {series!r} of row {row + 1} is missing: which series is it of?")
    if time is not None:
        frame = _ordered(name, frame, series, time)
    inputs, labels, names = [], [], []
    for key, rows in frame.groupby(series, sort=False):
        inputs.append(rows[channels].to_numpy(np.float64, na_value=np.nan).T)
        names.append(key)
        if target is None:
            continue
        values = rows[target].dropna().unique()
        if len(values) != 1:
            listed = ", ".join(map(repr, values[:2].tolist())) or "nothing"
            raise DataError(
                f"{name}: series {key!r} has {listed} in {target!r}: give one value for all of its "
                "rows"
            )
        labels.append(values[0])
    return LabelledSeries(
        inputs, np.array(labels) if target is not None else None, None, target or "",
        np.array(names),
    )  # fmt: skip


def _ordered(name: str, frame: Any, series: str, time: str) -> Any:
    """The rows in the order of their times, each once in a series."""
    times = frame[time]
    if not pd.api.types.is_numeric_dtype(times.dtype):
        try:
            times = pd.to_datetime(times, format="ISO8601")
        except (ValueError, TypeError):
            raise DataError(
                f"{name}: column {time!r} holds {times.iloc[0]!r:.40}: give numbers or ISO dates"
            ) from None
    if times.isna().any():
        row = int(np.argmax(times.isna().to_numpy()))
        raise DataError(f"{name}: {time!r} of row {row + 1} is missing: fill it in")
    frame = frame.assign(**{str(time): times})
    twice = frame.duplicated([series, time]).to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        raise DataError(
            f"{name}: row {row + 1} has the same {series!r} and {time!r} as one before: is "
            "another column part of the series' name?"
        )
    return frame.sort_values(time, kind="stable")
