"""A model over many rows, without all of its intermediate arrays at once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError
from ..transforms import jit
from .rows import count_rows, take_rows

CHUNK = 4096  # rows at a time, at most
WIDEST = 2**18  # entries of them
NARROWEST = 16  # rows at a time, however wide they are


def predict(model: Any, x: Any, batch_size: int | None = None) -> Any:
    """Apply a model to the rows of `x`, so many at a time.

    Parameters
    ----------
    model : Module
        ``model(x)`` maps rows to rows.
    x : array, or tree of arrays with equal rows
        At least one row.
    batch_size : int, optional
        Bounds the memory that is needed. Default: 4096, and fewer of rows with over 64 entries.

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
        shown = shapes[0] if len(shapes) == 1 else shapes
        raise DataError(f"predict was given an array of shape {shown}: there is no row")
    if len({shape[0] for shape in shapes}) > 1:
        raise DataError(f"predict was given arrays of shapes {shapes}: all need the same rows")
    size, rows = batch_size or chunk_of(x), count_rows(x)
    if rows <= size:
        size = rows if batch_size else 2 ** (rows - 1).bit_length()
    starts = range(0, rows, size)
    parts = [_apply(model, _padded(take_rows(x, slice(k, k + size)), size)) for k in starts]
    return tree.map(lambda *arrays: _joined(arrays)[:rows], *parts)


def chunk_of(x: Any) -> int:
    """How many rows of a tree of arrays to take at a time: a power of two."""
    width = max(prod(array.shape[1:]) for array in tree.leaves(x))
    fit = max(NARROWEST, min(CHUNK, WIDEST // max(width, 1)))
    return int(2 ** (fit.bit_length() - 1))


def _padded(x: Any, size: int) -> Any:
    """The last row repeated up to a whole chunk: few programs serve for all numbers of rows."""
    rows = count_rows(x)
    return x if rows == size else take_rows(x, np.minimum(np.arange(size), rows - 1))


def _joined(arrays: tuple[Any, ...]) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


@jit
def _apply(model: Any, x: Any) -> Any:
    return model(x)
