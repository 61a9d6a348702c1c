"""Predictions in chunks of rows, which bounds the memory of intermediate arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError
from ..transforms import jit
from ..typing import Array
from .rows import count_rows, take_rows

MAX_ROWS = 4096  # of a chunk
MAX_ENTRIES = 2**18  # of a chunk of inputs
MIN_ROWS = 16  # of a chunk, however large its rows are


def predict(model: Any, x: Any, batch_size: int | None = None) -> Array:
    """Apply a model to the rows of `x` in chunks.

    Parameters
    ----------
    model : Module
        ``model(x)`` maps rows to rows.
    x : array, or tree of arrays with equal rows
        At least one row.
    batch_size : int, optional
        The number of rows of a chunk. Default: 4096, and fewer if a row has over 64 entries.

    Returns
    -------
    array, or tree of arrays
        ``model(x)``.

    Raises
    ------
    DataError
        If there is no row, or the arrays have different numbers of them.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> predict(nn.Dense(3, 2, key=random.key(0)), np.zeros((5, 3))).tolist()[0]
    [0.0, 0.0]
    """
    x = tree.map(np.asarray, x)
    shapes = [array.shape for array in tree.leaves(x)]
    if not shapes or not all(shape and shape[0] for shape in shapes):
        shape = shapes[0] if len(shapes) == 1 else shapes
        raise DataError(f"predict was given an array of shape {shape}: there is no row")
    if len({shape[0] for shape in shapes}) > 1:
        raise DataError(f"predict was given arrays of shapes {shapes}: all need the same rows")
    size, rows = batch_size or chunk_rows(x), count_rows(x)
    if rows <= size:
        size = rows if batch_size else 2 ** (rows - 1).bit_length()
    starts = range(0, rows, size)
    parts = [_apply(model, _pad_chunk(take_rows(x, slice(k, k + size)), size)) for k in starts]
    return tree.map(lambda *arrays: _concatenate(arrays)[:rows], *parts)


def chunk_rows(x: Any) -> int:
    """Return the number of rows of a chunk, a power of two."""
    row_entries = max(prod(array.shape[1:]) for array in tree.leaves(x))
    rows = max(MIN_ROWS, min(MAX_ROWS, MAX_ENTRIES // max(row_entries, 1)))
    return int(2 ** (rows.bit_length() - 1))


def _pad_chunk(x: Any, size: int) -> Any:
    """Repeat the last row up to a full chunk, so that few programs serve all numbers of rows."""
    rows = count_rows(x)
    return x if rows == size else take_rows(x, np.minimum(np.arange(size), rows - 1))


def _concatenate(arrays: tuple[Any, ...]) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


@jit
def _apply(model: Any, x: Any) -> Any:
    return model(x)
