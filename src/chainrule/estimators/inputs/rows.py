"""Rows of a matrix, some at a time, and dense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse

DENSE = 2**23  # entries of sparse rows that are made dense at a time


def issparse(x: Any) -> bool:
    """Whether it is a sparse matrix of SciPy."""
    return bool(scipy.sparse.issparse(x))


def pieces(x: Any, multiple: int, most: int | None = None) -> Iterator[tuple[slice, Any]]:
    """Which rows, and these rows as an array.

    An array comes in pieces of at most `most` rows (default: whole), a sparse matrix in pieces of
    about `DENSE` entries, all but the last of a multiple of so many rows.
    """
    rows = x.shape[0]
    size = most or rows
    if issparse(x):
        x = x.tocsr()
        fit = DENSE // max(1, x.shape[1]) // multiple * multiple
        size = min(size, max(fit, multiple))
    for start in range(0, rows, max(size, 1)):
        part = slice(start, min(start + size, rows))
        piece = x if part == slice(0, rows) else x[part]
        yield part, np.asarray(piece.toarray() if issparse(piece) else piece)
