"""`Evidence`: the rows that the checks look at, typed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ....data.columns import Reading
from ..options import TrainOptions
from ..targets import LearnableTable
from ..typed_columns import TypedColumn, typed_columns

MAX_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Evidence:
    """Some rows of a table, typed.

    Attributes
    ----------
    source : LearnableTable
        All rows, those of the test among them.
    columns : list of TypedColumn
        The inputs of the rows looked at.
    y : array
        Their targets: numbers, or classes as texts.
    rows : array of int
        Their positions in `source.frame`, in its order.
    targets : array
        Of all rows.
    train_rows, test_rows : array of int
    options : TrainOptions
    readings : sequence of Reading
        How the model reads the columns.
    """

    source: LearnableTable
    columns: list[TypedColumn]
    y: Any
    rows: Any
    targets: Any
    train_rows: Any
    test_rows: Any
    options: TrainOptions
    readings: Sequence[Reading] = ()

    @property
    def is_classification(self) -> bool:
        """Whether the target holds classes."""
        return self.source.task == "classification"

    @property
    def seed(self) -> int:
        """The seed of all that is drawn."""
        return self.options.random_state

    @cached_property
    def codes(self) -> Any:
        """Which class each row is of."""
        return np.unique(self.y, return_inverse=True)[1]

    @property
    def is_whole(self) -> bool:
        """Whether it holds all training rows."""
        return len(self.rows) == len(self.train_rows)

    def of_rows(self, rows: Any) -> Evidence:
        """The same of other rows."""
        columns = _typed(self.source, rows, self.options, self.readings)
        return replace(self, columns=columns, y=self.targets[rows], rows=rows)


def collect_evidence(
    source: LearnableTable,
    targets: Any,
    train_rows: Any,
    test_rows: Any,
    options: TrainOptions,
    readings: Sequence[Reading] = (),
) -> Evidence:
    """Type the training rows, or some of very many."""
    rng = np.random.default_rng(options.random_state)
    rows = np.sort(rng.permutation(train_rows)[:MAX_ROWS])
    columns = _typed(source, rows, options, readings)
    return Evidence(
        source, columns, targets[rows], rows, targets, train_rows, test_rows, options, readings
    )


def _typed(
    source: LearnableTable, rows: Any, options: TrainOptions, readings: Sequence[Reading]
) -> list[TypedColumn]:
    kinds = {n: k for n, k in options.column_kinds.items() if n in source.inputs.columns}
    categories = [n for n in options.categorical_features if n in source.inputs.columns]
    return typed_columns(source.inputs.iloc[rows], kinds, categories, readings)
