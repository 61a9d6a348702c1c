"""Which column of a table is to be predicted, and whether it holds classes or numbers."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data import Table
from ...data.cells import with_row_numbers
from ...data.column_values import as_numbers, as_texts, is_date, is_numeric
from ...data.moments import mean_and_deviation
from ...errors import DataError
from ..inputs.targets import check_distinct
from .options import TrainOptions

FEW_VALUES = 20  # whole numbers with no more distinct values than this are classes
MIN_ROWS = 10
TASKS = ("classification", "regression")
TARGET_NAMES = (
    "target", "label", "class", "outcome", "y", "response", "dependent", "result", "output",
)  # fmt: skip
LIKELY_NAMES = (
    "price", "saleprice", "survived", "churn", "churned", "exited", "diagnosis", "species",
    "quality", "default", "income", "fraud", "isfraud", "score", "rating", "status", "count", "cnt",
    "sales", "revenue", "demand", "category", "classification", "type",
)  # fmt: skip


@dataclass(frozen=True)
class Purpose:
    """What rows are for, as the end of "too few rows to", and how many it takes."""

    words: str
    min_rows: int


TRAINING = Purpose("train and test on", MIN_ROWS)


@dataclass(frozen=True)
class LearnableTable:
    """The rows of a table that have a target.

    Attributes
    ----------
    frame : DataFrame
        Those rows, with all columns.
    inputs : DataFrame
        The columns to predict from.
    labels : Series
        The column to predict.
    target, task : str
    missing_targets : int
        Rows that were left out since they have no target.
    duplicates : int
        Rows that were left out since they repeat another one, where that was asked for.
    """

    frame: Any
    inputs: Any
    labels: Any
    target: str
    task: str
    missing_targets: int = 0
    duplicates: int = 0

    def columns(self, leave_out: Collection[str] = ()) -> list[Any]:
        """The inputs and the labels, without some of them: what makes rows equal."""
        inputs = (column for name, column in self.inputs.items() if str(name) not in leave_out)
        return [*inputs, self.labels]


def choose_target(table: Table, target: str | None) -> str:
    """The column to predict: the one named, the table's own, or the likely one."""
    if target is None:
        return table.target or likely_target(table.frame)[0]
    check_column(table, target)
    return target


def check_column(table: Table, name: str) -> None:
    """Raise a `DataError` that lists the columns, if there is none of this name."""
    names = [str(column) for column in table.frame.columns]
    if name not in names:
        listed = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        raise DataError(f"{table.name} has no column {name!r}; its columns are {listed}")


def likely_target(frame: Any) -> tuple[str, str]:
    """Which column one would take for the target, and why.

    A column whose name means a target comes first, then one whose name is that of something people
    predict, then the last column.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    (str, str)
        The name, and the reason as the end of a sentence.

    Examples
    --------
    >>> import pandas as pd
    >>> likely_target(pd.DataFrame({"label": [0, 1], "age": [40, 50], "id": [1, 2]}))
    ('label', 'its name says so, and it has 2 different values')
    >>> likely_target(pd.DataFrame({"age": [40, 50], "height": [1.7, 1.8]}))
    ('height', 'it is the last column')
    """
    names = [str(name) for name in frame.columns]
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    for known, reason in (
        (TARGET_NAMES, "its name says so"),
        (LIKELY_NAMES, "columns of this name are often predicted"),
    ):
        matches = [k for k, name in enumerate(plain) if name in known and _can_be_target(frame, k)]
        if matches:
            best = max(matches, key=lambda k: (-known.index(plain[k]), k))
            distinct = int(frame.iloc[:, best].nunique())
            of_values = (
                f", and it has {distinct} different values" if distinct <= FEW_VALUES else ""
            )
            last = " and it is the last column" if best == len(names) - 1 and not of_values else ""
            return names[best], f"{reason}{of_values}{last}"
    best = next(
        (k for k in reversed(range(len(names))) if _can_be_target(frame, k)), len(names) - 1
    )
    if best == len(names) - 1:
        return names[best], "it is the last column"
    return names[best], "it is the last column that has several values, not all different"


def _can_be_target(frame: Any, position: int) -> bool:
    """Whether a column has several values, and is none of texts that are nearly all different."""
    column = frame.iloc[:, position]
    distinct = int(column.nunique())
    return distinct > 1 and (is_numeric(column) or distinct <= max(2, len(column) // 2))


def choose_task(column: Any) -> str:
    """Classification for text, truth values and few whole numbers; else regression."""
    if column.dtype == bool or not is_numeric(column):
        return "classification"
    values = as_numbers(column, True)
    values = values[~np.isnan(values)]
    # Whole numbers are with_row_numbers as such: float64 may not tell them apart
    distinct = column.nunique() if column.dtype.kind in "iu" else len(np.unique(values))
    few = distinct <= min(FEW_VALUES, max(2, len(values) // 5))
    return "classification" if few and np.all(values % 1 == 0) else "regression"


def learnable_table(
    table: Table,
    target: str | None,
    task: str | None,
    options: TrainOptions,
    purpose: Purpose = TRAINING,
) -> LearnableTable:
    """Check which column is to be predicted from which, and leave out rows without a target.

    Raises
    ------
    DataError
        If a column is not there, or too few rows have a target.
    """
    target = choose_target(table, target)
    ignored = tuple(name for name, kind in options.column_kinds.items() if kind == "ignore")
    for name in (*options.drop, *options.categorical_features, *options.column_kinds):
        check_column(table, name)
    for name in filter(None, (options.by, options.group)):
        check_column(table, name)
    if target in (*options.drop, *ignored):
        raise DataError(f"column {target!r} is the target: it cannot be left out as well")
    if target in (options.by, options.group):
        raise DataError(f"column {target!r} is the target: rows cannot be split by it as well")
    frame = with_row_numbers(table.frame)
    all_rows = len(frame)
    known = frame[target].notna().to_numpy(bool)
    frame = frame if known.all() else frame[known]
    missing = all_rows - len(frame)
    if len(frame) < purpose.min_rows:
        raise DataError(
            f"{len(frame)} rows with a value of {target!r} are too few to {purpose.words}: give at "
            f"least {purpose.min_rows}"
        )
    if task not in (None, *TASKS):
        raise DataError(f"task={task!r:.40}: give {' or '.join(map(repr, TASKS))}")
    task = task or (table.task if target == table.target else None) or choose_task(frame[target])
    _check_options(target, task, frame[target], options)
    grouping = (options.group,) if options.group else ()  # to a new group its name says nothing
    dropped = {target, *options.drop, *ignored, *grouping}
    inputs = frame.drop(columns=[name for name in frame.columns if name in dropped])
    return LearnableTable(frame, inputs, frame[target], target, task, missing)


def _check_options(target: str, task: str, column: Any, options: TrainOptions) -> None:
    """Raise a `DataError` for an option that the target has no use for."""
    if options.log and task != "regression":
        raise DataError(f"{target!r} holds classes, which have no logarithm: leave out --log")
    if options.cost is not None and (task == "regression" or column.nunique() != 2):
        kind = "numbers" if task == "regression" else f"{column.nunique()} classes"
        raise DataError(
            f"{target!r} holds {kind}, and --cost is for two classes, the errors of which it weighs"
        )


def checked_targets(rows: LearnableTable, train_rows: Any, options: TrainOptions) -> Any:
    """Targets as the estimator takes them, refused where no regression could learn them."""
    target, labels = rows.target, rows.labels
    if rows.task == "classification":
        return as_texts(labels).astype(str)
    if is_date(labels):
        raise DataError(
            f"column {target!r} holds dates: a regression predicts numbers, such as days since a "
            "fixed day; add such a column, or choose another target"
        )
    y = as_numbers(labels, True)
    check_distinct(labels, y, f"column {target!r}")
    if options.log and np.min(y) < 0:
        raise DataError(
            f"column {target!r} goes down to {np.min(y):g}, and a number below 0 has no logarithm: "
            "leave out --log"
        )
    mean, deviation = mean_and_deviation(y[train_rows])
    if not deviation > 1e-12 * abs(mean):
        raise DataError(
            f"column {target!r} has the same value in every row, {y[0]:g}: there is nothing "
            "to predict; choose another target"
        )
    return y
