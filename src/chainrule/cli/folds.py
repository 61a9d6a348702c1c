"""The folds of `chainrule tune`: at random, by group or by time, as its test rows are split off.

Loaded when the command runs: it loads scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedKFold,
    train_test_split,
)

from ..data.column_values import as_texts
from ..errors import DataError
from ..estimators.tabular.splits import split_by_time

SHARE = 0.2  # of the rows that a fold is scored on, if there is one, or it is of a time
LATER = 0.6  # the most that folds of times are scored on: the first rows are always learned from


def make_folds(
    labels: Any, task: str, count: int, seed: int, by: Mapping[str, Any]
) -> list[tuple[Any, Any]]:
    """Rows to train on and rows to score, `count` times, or as often as there are groups or times.

    Parameters
    ----------
    labels : Series
    task : str
    count : int
        1: one held-out fifth.
    seed : int
    by : dict of str to array
        ``groups`` or ``times`` of the rows: a group is scored whole, and a time by what was before
        it. Empty: at random, classes in equal shares.

    Raises
    ------
    DataError
        If no fold leaves two classes to learn from.
    """
    texts = as_texts(labels).astype(str) if task == "classification" else None
    if "times" in by:
        pairs = _of_times(by["times"], count)
    elif "groups" in by:
        pairs = _of_groups(by["groups"], count, seed)
    else:
        return _at_random(len(labels), texts, count, seed)
    if texts is not None:
        pairs = [pair for pair in pairs if len(np.unique(texts[pair[0]])) > 1]
    if not pairs:
        raise DataError(
            "no fold leaves two classes to learn from: tune with --split random, or give more rows"
        )
    return pairs


def _of_times(times: Any, count: int) -> list[tuple[Any, Any]]:
    share = min(SHARE, LATER / count)
    pairs: list[tuple[Any, Any]] = []
    rows = np.arange(len(times))
    while len(pairs) < count and len(np.unique(times[rows])) > 1:
        train, test = split_by_time(times[rows], share * len(times) / len(rows))
        pairs.append((rows[train], rows[test]))
        rows = rows[train]
    return pairs


def _of_groups(groups: Any, count: int, seed: int) -> list[tuple[Any, Any]]:
    folds = min(count, len(np.unique(groups)))
    kind = (
        GroupShuffleSplit(1, test_size=SHARE, random_state=seed) if folds == 1
        else GroupKFold(folds, shuffle=True, random_state=seed)
    )  # fmt: skip
    return list(kind.split(groups, groups=groups))


def _at_random(count_rows: int, texts: Any, count: int, seed: int) -> list[tuple[Any, Any]]:
    rows = np.arange(count_rows)
    counts = [0] if texts is None else np.unique(texts, return_counts=True)[1]
    if count == 1:
        stratify = texts if min(counts) >= 2 and len(rows) >= 5 * len(counts) else None
        train, test = train_test_split(rows, test_size=SHARE, random_state=seed, stratify=stratify)
        return [(train, test)]
    kind = StratifiedKFold if min(counts) >= count else KFold
    return list(kind(count, shuffle=True, random_state=seed).split(rows, texts))
