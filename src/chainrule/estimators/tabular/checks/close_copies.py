"""Rows that are copies of others with some noise, as augmented data are.

Such a row has its copies much nearer than all other rows: from one of its nearest rows to the next
the distance jumps. On rows spread in any number of dimensions it grows step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, spatial

from ..typed_columns import TypedColumn
from .near_duplicates import is_nearly_unique

MIN_ROWS, MAX_ROWS = 60, 20_000
MIN_COLUMNS, MAX_COLUMNS = 3, 30
NEAREST = 20  # rows that are looked at
JUMP = 4.0  # of the distance, from a copy to the next other row
MOST = 0.5  # of the rows have copies
SAME_TARGET = 0.9  # of the copies; of numbers, R2


@dataclass(frozen=True)
class CloseCopies:
    """Groups of rows that are copies of each other.

    Attributes
    ----------
    groups : array of int, shape (rows,)
    share : float
        Of the rows, those that have a copy.
    """

    groups: NDArray[np.int64]
    share: float

    @property
    def count(self) -> int:
        """How many different rows there are."""
        return len(np.unique(self.groups))


def close_copies(columns: Sequence[TypedColumn], target: TypedColumn) -> CloseCopies | None:
    """Groups of rows that are copies with some noise; None if most rows have none.

    Parameters
    ----------
    columns : sequence of TypedColumn
        The inputs.
    target : TypedColumn
    """
    rows = len(target.values)
    unique = [c for c in columns if is_nearly_unique(c) and len(c.known) == rows][:MAX_COLUMNS]
    if not MIN_ROWS <= rows <= MAX_ROWS or len(unique) < MIN_COLUMNS:
        return None
    x = np.stack([c.values for c in unique], axis=1)
    spread = x.std(axis=0)
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        return None
    points = (x - x.mean(axis=0)) / spread
    tree = spatial.cKDTree(points)
    distances, nearest = map(np.asarray, tree.query(points, k=min(NEAREST, rows - 1) + 1))
    away = np.maximum(distances[:, 1:], 1e-12)
    jumps = away[:, 1:] / away[:, :-1]
    last = np.argmax(jumps, axis=1)  # the last of the copies
    has_copies = jumps[np.arange(rows), last] >= JUMP
    if np.mean(has_copies) < MOST or not _same_target(target, nearest[:, 1], has_copies):
        return None
    some = np.flatnonzero(has_copies)
    radius = np.sqrt(
        np.median(away[some, last[some]]) * np.median(away[some, last[some] + 1])
    )  # fmt: skip
    pairs = tree.query_pairs(radius, output_type="ndarray")
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (rows, rows))
    groups = sparse.csgraph.connected_components(graph, directed=False)[1]
    return CloseCopies(groups.astype(np.int64), float(np.mean(np.bincount(groups)[groups] > 1)))


def _same_target(target: TypedColumn, nearest: Any, some: Any) -> bool:
    """Whether copies have the target of what they are copies of."""
    y, other = target.values[some], target.values[nearest[some]]
    if target.is_text or target.distinct <= MIN_ROWS // 3:
        return bool(np.mean(y == other) >= SAME_TARGET)
    spread = float(np.var(y))
    return spread > 0 and 1.0 - float(np.mean((y - other) ** 2)) / 2 / spread >= SAME_TARGET
