"""From a table to the rows and columns that a model is trained and tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...data import Table
from ...errors import DataError
from .checks.advice import Advice
from .checks.duplicates import copies_of_rows, nearly_repeated
from .checks.identifiers import Identifier, identifier_advice, identifiers
from .checks.row_hashes import row_hashes
from .options import TrainOptions
from .splits import split_table, validation_by
from .targets import TRAINING, LearnableTable, Purpose, checked_targets, learnable_table

MAX_NAMED = 300_000  # rows of a table whose identifiers are looked for before the training


@dataclass(frozen=True)
class TrainingTable:
    """What a model is trained and tested on.

    Attributes
    ----------
    source : LearnableTable
        Its `inputs` are without columns that only name the row.
    train_rows, test_rows : array of int
    y : array, shape (rows,)
        Targets as the estimator takes them.
    identifiers : tuple of str
        Columns that only name the row; left out, unless the options or the lack of others say no.
    advice : tuple of Advice
        What is said of them.
    kinds : dict of str to str
        What the inputs hold, as far as they were read from a file or the options say.
    validation_by : dict of str to array
        The arguments ``groups`` or ``times`` of `fit`, if the rows are split so.
    """

    source: LearnableTable
    train_rows: Any
    test_rows: Any
    y: Any
    identifiers: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    validation_by: Mapping[str, Any] = field(default_factory=dict)


def training_table(
    table: Table,
    target: str | None,
    task: str | None,
    options: TrainOptions,
    purpose: Purpose = TRAINING,
) -> TrainingTable:
    """Choose the target, the rows to test on, and the columns to learn from.

    Raises
    ------
    DataError
        If the table cannot be learned from, with what to do about it.
    """
    source = learnable_table(table, target, task, options, purpose)
    kinds = _kinds(table, options)
    named = identifiers(source, options, kinds)
    if options.deduplicate:
        source = without_duplicates(source, named, kinds, purpose)
    as_read = replace(options, column_kinds=kinds)
    train_rows, test_rows = split_table(source, as_read)
    held_out = validation_by(source, train_rows, as_read)
    y = checked_targets(source, train_rows, options)
    names = tuple(one.name for one in named)
    leave_out = options.drop_identifiers and len(names) < source.inputs.shape[1]
    if leave_out and names:
        source = replace(source, inputs=source.inputs.drop(columns=list(names)))
    advice = tuple(identifier_advice(named, leave_out)) if options.advise else ()
    kinds = {name: kind for name, kind in kinds.items() if name in source.inputs.columns}
    return TrainingTable(source, train_rows, test_rows, y, names, advice, kinds, held_out)


def names_of_rows(table: Table, target: str, options: TrainOptions) -> frozenset[str]:
    """The columns that `training_table` will leave out since they only name the row."""
    if not options.drop_identifiers or len(table.frame) > MAX_NAMED:
        return frozenset()
    try:
        source = learnable_table(table, target, None, options)
    except DataError:
        return frozenset()  # the training refuses the table, in its own words
    named = identifiers(source, options, _kinds(table, options))
    names = frozenset(one.name for one in named)
    return names if len(names) < source.inputs.shape[1] else frozenset()


def _kinds(table: Table, options: TrainOptions) -> dict[str, str]:
    """What the columns hold, as they were read or as the options say."""
    read = {one.name: one.kind for one in table.readings if one.kind != "ignore"}
    return read | dict(options.column_kinds)


def without_duplicates(
    source: LearnableTable,
    named: list[Identifier],
    kinds: Mapping[str, str],
    purpose: Purpose,
) -> LearnableTable:
    """The rows that do not repeat an earlier one in all columns but those that name the row.

    Nor do they nearly so, where many do.

    Raises
    ------
    DataError
        If too few are left.
    """
    names = [one.name for one in named]
    hashes = row_hashes(source.columns(names))
    keep = np.zeros(len(hashes), bool)
    keep[np.unique(hashes, return_index=True)[1]] = True
    if keep.all() and (copies := copies_of_rows(source, names, kinds)) is not None:
        keep[:] = False
        keep[np.unique(copies.groups, return_index=True)[1]] = True
    elif (near := nearly_repeated(source, names, kinds)) is not None:
        keep &= ~(near.repeated | near.other_target)
    first = np.flatnonzero(keep)
    if len(first) < purpose.min_rows:
        raise DataError(
            f"{len(first)} of {len(hashes)} rows differ from all others, too few to "
            f"{purpose.words}: give at least {purpose.min_rows}, or leave out --deduplicate"
        )
    return replace(
        source, frame=source.frame.iloc[first], inputs=source.inputs.iloc[first],
        labels=source.labels.iloc[first], duplicates=len(hashes) - len(first),
    )  # fmt: skip
