"""Two columns that tell the target together, though neither does alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..typed_columns import Floats, TypedColumn
from .intervals import thresholds

MAX_COLUMNS = 40
MAX_ROWS = 2_000
MAX_LEVELS = 12  # of each of the two
ROWS_A_CELL = 4  # on average: of fewer any two columns tell the target
ALONE = 0.8  # of the errors: a column that avoids more needs no other one
NEARLY_ALL = 0.985
MIN_ROWS = 40
MIN_RARER = 5


@dataclass(frozen=True)
class Pair:
    """Two columns that tell the class of the target.

    Attributes
    ----------
    names : (str, str)
    words : str
        How: "together" by their values, or "by their difference".
    accuracy : float
    """

    names: tuple[str, str]
    words: str
    accuracy: float


def telling_pair(columns: Sequence[TypedColumn], skill: Floats, classes: Any) -> Pair | None:
    """The two columns that tell the classes best, if they do and neither does alone.

    Parameters
    ----------
    columns : sequence of TypedColumn
    skill : array of float64, shape (columns,)
        Of each column alone.
    classes : array of int, shape (rows,)
        From 0 on.
    """
    some = slice(0, MAX_ROWS)
    classes = np.unique(classes[some], return_inverse=True)[1]
    counts = np.bincount(classes)
    usual = np.max(counts) / np.sum(counts)
    if len(classes) < MIN_ROWS or len(classes) * (1 - usual) < MIN_RARER:
        return None
    weak = [column for column, one in zip(columns, skill, strict=True) if one < ALONE]
    best: Pair | None = None
    for first, second in combinations(weak[:MAX_COLUMNS], 2):
        for words, right in _answers(first, second, classes, some):
            accuracy = float(np.mean(right))
            enough = 1.0 - accuracy <= (1.0 - NEARLY_ALL) * (1.0 - usual)
            if enough and (best is None or accuracy > best.accuracy):
                best = Pair((first.name, second.name), words, accuracy)
    return best


def _answers(
    first: TypedColumn, second: TypedColumn, classes: Any, some: slice
) -> list[tuple[str, Any]]:
    """Which rows two columns are right about, in the ways in which they may tell."""
    answers = []
    a, b = first.values[some], second.values[some]
    if max(first.distinct, second.distinct) <= MAX_LEVELS:
        cells = _codes(a) * (MAX_LEVELS + 1) + _codes(b)
        if len(np.unique(cells)) * ROWS_A_CELL <= len(cells):
            table = np.zeros((int(cells.max()) + 1, int(classes.max()) + 1))
            np.add.at(table, (cells, classes), 1.0)
            answers.append(("together", np.argmax(table[cells], axis=1) == classes))
    if first.kind == second.kind == "number" and not np.isnan(a + b).any():
        difference = a - b  # of one unit, such as a value and its limit
        if len(np.unique(difference)) > MAX_LEVELS:
            answers.append(("by their difference", thresholds(difference, classes) == classes))
    return answers


def _codes(values: Floats) -> Any:
    """Which of its values each cell holds, 0 for a missing one."""
    known = ~np.isnan(values)
    codes = np.zeros(len(values), np.int64)
    codes[known] = np.unique(values[known], return_inverse=True)[1] + 1
    return codes
