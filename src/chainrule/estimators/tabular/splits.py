"""Rows to train on and rows to test on: at random, the latest, or those of whole groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import model_selection

from ...data.column_values import as_texts
from ...data.columns import learn_reading
from ...errors import DataError
from .options import TrainOptions
from .targets import LearnableTable
from .typed_columns import as_floats

MAX_CLASSES = 1000
PART = re.compile(r"(=.*\w)[_/:. -]+[A-Za-z]{0,6}\d+(?:\.[A-Za-z]\w{1,3})?")  # and a file's ending

Rows = tuple[Any, Any]  # positions to train on and to test on, each sorted


def split_table(source: LearnableTable, options: TrainOptions) -> Rows:
    """Rows to train on and rows to test on, as the options ask for.

    Raises
    ------
    DataError
        If the target is nothing to learn, or a column does not split the rows as was asked for.
    """
    kind = options.chosen_split
    if source.task == "classification":
        _classes(source.labels)
    if kind == "random":
        return split_rows(source.labels, source.task, options.test_fraction, options.random_state)
    if kind == "time":
        order = time_order(source, options)
        split = split_by_time(order, options.test_fraction)
    else:
        groups = source.frame[options.group]
        split = split_by_group(groups, options.test_fraction, options.random_state)
    if source.task == "classification":
        texts = as_texts(source.labels).astype(str)
        if len(set(texts[split[0]])) < 2:
            raise DataError(
                f"all rows to train on have the same {source.target!r}, "
                f"{str(texts[split[0]][0])!r}, if they are split by {kind}: split them otherwise, "
                "or give more rows"
            )
    return split


def validation_by(source: LearnableTable, rows: Any, options: TrainOptions) -> dict[str, Any]:
    """The arguments of `fit` by which members leave rows out as the split does.

    None where the split is random, or where the rows to train on are all of one group or time.
    """
    kind = options.chosen_split
    if kind == "random":
        return {}
    if kind == "time":
        name, values = "times", time_order(source, options)[rows]
        values = np.where(np.isnan(values), -np.inf, values)
    else:
        name, values = "groups", group_codes(source.frame[options.group])[rows]
    return validation_part({name: values})


def validation_part(by: Mapping[str, Any], rows: Any = slice(None)) -> dict[str, Any]:
    """Those arguments for some of the rows: none where these are all of one group or time."""
    parts = {name: values[rows] for name, values in by.items()}
    return {name: part for name, part in parts.items() if len(np.unique(part)) > 1}


def split_rows(labels: Any, task: str, fraction: float, seed: int) -> Rows:
    """Rows at random; classes in equal shares in both."""
    strata = None
    if task == "classification":
        texts, counts = _classes(labels)
        if counts.min() >= 2 and len(labels) * fraction >= len(counts):
            strata = texts
    rows = np.arange(len(labels))
    train, test = model_selection.train_test_split(
        rows, test_size=fraction, random_state=seed, stratify=strata
    )
    return np.sort(train), np.sort(test)


def split_by_time(times: Any, fraction: float) -> Rows:
    """The latest rows are those to test on; what happened at the same time stays together.

    Parameters
    ----------
    times : array of float64, shape (rows,)
        NaN where it is unknown: such a row counts as an early one.
    fraction : float
        Share of the rows to test on, about.

    Raises
    ------
    DataError
        If all rows are of one time.

    Examples
    --------
    >>> train, test = split_by_time(np.array([3.0, 1.0, 2.0, 3.0, 0.0]), 0.3)
    >>> train.tolist(), test.tolist()
    ([1, 2, 4], [0, 3])
    """
    times = np.where(np.isnan(times), -np.inf, times)
    order = np.argsort(times, kind="stable")
    count = min(max(round(len(times) * fraction), 1), len(times) - 1)
    first = times[order[-count]]
    test = times >= first
    if test.all():  # the earliest time fills more than the rest: what comes after it is tested
        test = times > first
    if test.all() or not test.any():
        raise DataError(
            "all rows are of the same time: they cannot be split by it; choose another column with "
            "--by, or --split random"
        )
    return np.flatnonzero(~test), np.flatnonzero(test)


def split_by_group(groups: Any, fraction: float, seed: int) -> Rows:
    """Rows of some groups drawn at random are those to test on; see `group_codes`.

    Raises
    ------
    DataError
        If there are fewer than two groups.
    """
    codes = group_codes(groups)
    if codes.max(initial=0) < 1:
        raise DataError(
            f"column {str(groups.name)!r} has one group only: rows cannot be split by it; choose "
            "another column with --group, or --split random"
        )
    split = model_selection.GroupShuffleSplit(1, test_size=fraction, random_state=seed)
    train, test = next(split.split(codes, groups=codes))
    return np.sort(train), np.sort(test)


def group_codes(groups: Any) -> Any:
    """Which group each row is of; a missing name is a group of its own.

    Where each row has a name of its own, such as P012_1, P012_2, the part before the last number is
    that of the group.

    Parameters
    ----------
    groups : pandas.Series

    Examples
    --------
    >>> import pandas as pd
    >>> group_codes(pd.Series(["b", "a", "b"])).tolist()
    [1, 0, 1]
    >>> group_codes(pd.Series(["P012_1", "P012_2", "P007_1", "P007_2"])).tolist()
    [1, 1, 0, 0]
    """
    texts = as_texts(groups)
    names = [f"row {k}" if text is None else f"={text}" for k, text in enumerate(texts)]
    codes = np.unique(np.array(names), return_inverse=True)[1]
    if codes.max(initial=0) < len(codes) - 1:
        return codes
    parts = [PART.fullmatch(name) for name in names]
    if not all(parts):
        return codes
    of_parts = np.unique([part.group(1) for part in parts if part], return_inverse=True)[1]
    repeats = 2 * (int(of_parts.max(initial=0)) + 1) <= len(of_parts)
    return of_parts if repeats else codes


def time_order(source: LearnableTable, options: TrainOptions) -> Any:
    """A number for each row that grows with time.

    Raises
    ------
    DataError
        If the column named holds neither dates nor numbers, or none is named of several of dates.
    """
    frame, kinds = source.frame, options.column_kinds
    if options.by:
        return time_values(frame, options.by, kinds)
    columns = [frame[name] for name in frame.columns if name != source.target]
    readings = [
        learn_reading(column, kinds.get(str(column.name)))
        for column in columns if column.dtype.kind not in "biuf" and column.notna().any()
    ]  # fmt: skip
    dates = [reading.name for reading in readings if reading.kind == "date"]
    if len(dates) > 1:
        raise DataError(
            f"the columns {', '.join(map(repr, dates))} all hold dates: say which one orders the "
            f"rows, as in --by {dates[0]}"
        )
    return time_values(frame, dates[0] if dates else "", kinds)


def time_values(frame: Any, by: str, kinds: Mapping[str, str]) -> Any:
    """The numbers or dates of a column as float64; the order of the rows if it has no name.

    Raises
    ------
    DataError
        If the column holds neither dates nor numbers.
    """
    if not by:
        return np.arange(len(frame), dtype=np.float64)
    reading = learn_reading(frame[by], kinds.get(by))
    if reading.kind not in ("date", "time", "number"):
        raise DataError(
            f"column {by!r} holds neither dates nor numbers: it does not say which row is later; "
            "choose another column with --by"
        )
    return as_floats(reading.values(frame[by]))


def _classes(labels: Any) -> tuple[Any, Any]:
    """Labels as texts, and how often each occurs; refused where they are no classes."""
    texts = as_texts(labels).astype(str)
    classes, counts = np.unique(texts, return_counts=True)
    if len(classes) < 2:
        raise DataError(
            f"column {str(labels.name)!r} holds one class only, {str(classes[0])!r}: there is "
            "nothing to tell apart; choose another target"
        )
    if len(classes) > min(MAX_CLASSES, len(labels) // 2):
        raise DataError(
            f"column {str(labels.name)!r} holds {len(classes)} classes in {len(labels)} rows: "
            "is it an identifier? Choose another target, or --task regression for numbers"
        )
    return texts, counts
