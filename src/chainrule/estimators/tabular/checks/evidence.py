"""`Evidence`: the rows that the checks look at, typed once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..options import TrainOptions
from ..targets import LearnableTable
from ..typed_columns import TypedColumn, typed_columns

MAX_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Evidence:
    """Some of the training rows.

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
    train_rows, test_rows : array of int
    seed : int
    """

    source: LearnableTable
    columns: list[TypedColumn]
    y: Any
    rows: Any
    train_rows: Any
    test_rows: Any
    seed: int

    @property
    def is_classification(self) -> bool:
        """Whether the target holds classes."""
        return self.source.task == "classification"

    @cached_property
    def codes(self) -> Any:
        """Which class each row is of."""
        return np.unique(self.y, return_inverse=True)[1]

    @property
    def is_whole(self) -> bool:
        """Whether it holds all training rows."""
        return len(self.rows) == len(self.train_rows)


def collect_evidence(
    source: LearnableTable, y: Any, train_rows: Any, test_rows: Any, options: TrainOptions
) -> Evidence:
    """Type the training rows, or some of very many."""
    rng = np.random.default_rng(options.random_state)
    rows = np.sort(rng.permutation(train_rows)[:MAX_ROWS])
    kinds = {n: k for n, k in options.column_kinds.items() if n in source.inputs.columns}
    columns = typed_columns(source.inputs.iloc[rows], kinds, options.categorical_features)
    return Evidence(source, columns, y[rows], rows, train_rows, test_rows, options.random_state)
