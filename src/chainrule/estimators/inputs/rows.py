"""Rows of a matrix, perhaps a sparse or a compact one, some at a time, and dense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse

from ...data.compact_features import CompactFeatures

DENSE = 2**23  # entries of rows that are made dense at a time


def issparse(x: Any) -> bool:
    """Whether it is a sparse matrix of SciPy."""
    return bool(scipy.sparse.issparse(x))


def is_compact(x: Any) -> bool:
    """Whether rows are `CompactFeatures`."""
    return isinstance(x, CompactFeatures)


def rows_of(x: Any, rows: Any) -> Any:
    """Some of the rows; of compact ones a view."""
    return x.part(rows) if is_compact(x) else x[rows]


def dense(x: Any) -> Any:
    """Rows as an array."""
    return x[:] if is_compact(x) else np.asarray(x.toarray() if issparse(x) else x)


def pieces_in_order(x: Any, order: Any, multiple: int) -> Iterator[tuple[slice, Any]]:
    """The same as `pieces` of rows that are not dense, in an order."""
    x = x.tocsr() if issparse(x) else x
    for part in _slices(x, multiple, None):
        yield part, dense(x[order[part]])


def pieces(x: Any, multiple: int, most: int | None = None) -> Iterator[tuple[slice, Any]]:
    """Which rows, and these rows as an array.

    An array comes in pieces of at most `most` rows (default: whole), a sparse matrix and compact
    features in pieces of about `DENSE` entries, all but the last of a multiple of so many rows.
    """
    x = x.tocsr() if issparse(x) else x
    for part in _slices(x, multiple, most):
        yield part, dense(x if part == slice(0, x.shape[0]) else x[part])


def dense_rows(columns: int, multiple: int = 1) -> int:
    """How many rows of so many columns are made dense at a time: a multiple of a number."""
    return max(DENSE // max(1, columns) // multiple * multiple, multiple)


def _slices(x: Any, multiple: int, most: int | None) -> Iterator[slice]:
    """The pieces that `pieces` makes."""
    rows = x.shape[0]
    size = most or rows
    if issparse(x) or is_compact(x):
        size = min(size, dense_rows(x.shape[1], multiple))
    for start in range(0, rows, max(size, 1)):
        yield slice(start, min(start + size, rows))
