"""Columns whose values cut the target into pieces: a threshold, a class of its own, bands."""

from __future__ import annotations

from itertools import pairwise
from math import lgamma
from typing import Any

import numpy as np

from ..typed_columns import Floats, TypedColumn

LEAST_BANDS, MOST_BANDS = 2, 60  # values of a column that may be the target in steps
SURPRISE = 25.0  # exp(-25): so rarely would chance put bands into the order of the target
FEWEST = 5  # rows on each side of what tells a class apart


def thresholds(values: Floats, classes: Any) -> Any:
    """The class of each row if each class has one interval of the values, the best by its cuts.

    Parameters
    ----------
    values : array of float64, shape (rows,)
        None is missing.
    classes : array of int, shape (rows,)
        From 0 on, each of which occurs.

    Examples
    --------
    >>> thresholds(np.array([1.0, 5.0, 2.0, 9.0, 8.0]), np.array([1, 0, 1, 2, 2])).tolist()
    [1, 0, 1, 2, 2]
    """
    count = int(classes.max()) + 1
    middles = [float(np.median(values[classes == k])) for k in range(count)]
    in_order = np.argsort(middles, kind="stable")
    cuts = [_cut(values[classes == a], values[classes == b])
            for a, b in pairwise(in_order)]  # fmt: skip
    return in_order[np.searchsorted(np.maximum.accumulate(cuts), values, side="left")]


def _cut(below: Floats, above: Floats) -> float:
    """The value up to which fewest of the one are above, and of the other below."""
    both = np.concatenate([below, above])
    order = np.argsort(both, kind="stable")
    steps = np.where(order < len(below), 1, -1)
    gains = np.cumsum(steps)
    last = np.append(both[order][1:] != both[order][:-1], True)  # of equal values
    gains = np.where(last, gains, -len(both))
    return float(both[order[int(np.argmax(gains))]])


def is_target_in_bands(column: TypedColumn, values: Floats, y: Floats) -> bool:
    """Whether each value of a column stands for one range of the target, beyond chance.

    Parameters
    ----------
    column : TypedColumn
    values, y : array of float64, shape (rows,)
        Those of some rows.
    """
    if not LEAST_BANDS <= column.distinct <= MOST_BANDS or np.isnan(values).any():
        return False
    counts = np.unique(values, return_counts=True)[1]
    # Rows of equal targets may be sorted so that they fit
    ordered = values[np.lexsort((values, y))]
    changes = int(np.sum(ordered[1:] != ordered[:-1]))
    arrangements = lgamma(len(values) + 1) - sum(lgamma(n + 1) for n in counts.tolist())
    by_chance = lgamma(len(counts) + 1)
    return changes == len(counts) - 1 and arrangements - by_chance > SURPRISE


def signs(column: TypedColumn, values: Floats) -> list[tuple[str, Any]]:
    """What a column may say of a row by yes or no: that it is empty, nought, or of one value.

    Parameters
    ----------
    column : TypedColumn
    values : array of float64, shape (rows,)
        Those of some rows.

    Returns
    -------
    list of (str, array of bool)
        In words, and the rows of which it is so.
    """
    known = ~np.isnan(values)
    answers = [("is known", known)]
    if column.kind == "number":
        answers += [("is above 0", known & (values > 0)), ("is not 0", known & (values != 0))]
    if column.kind != "date" and column.distinct <= MOST_BANDS:
        for value in np.unique(values[known]):
            text = column.levels[int(value)] if column.is_text else f"{value:g}"
            answers.append((f"is {text!r:.40}", values == value))
    some = len(values) - FEWEST
    return [(words, rows) for words, rows in answers if FEWEST <= np.sum(rows) <= some]
