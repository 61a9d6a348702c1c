"""The rows that a training is given: checked, cast, and split for validation."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError
from ..graph.types import is_float
from ..random import permutation

Rows = tuple[Any, Any]


def rows(x: Any, y: Any, model: Any, what: str = "") -> Rows:
    """Inputs and targets as arrays, floating ones in the dtype of the model's weights."""
    dtype = _floating_dtype(model)
    inputs, targets = _numbers(x, f"{what}x", dtype), _numbers(y, f"{what}y", dtype)
    if len(inputs) != len(targets):
        raise DataError(f"{what}x has {len(inputs)} rows and {what}y {len(targets)}: one y a row")
    return inputs, targets


def hold_out(data: Rows, fraction: float, key: Any) -> tuple[Rows, Rows]:
    """A random part of the rows for training, and `fraction` of them for validation."""
    x, y = data
    count = round(len(x) * fraction)
    if not 0 < count < len(x):
        raise DataError(
            f"validation_fraction={fraction} of {len(x)} rows leaves {len(x) - count} for training "
            f"and {count} for validation: each needs one at least"
        )
    order = permutation(key, len(x))
    held, kept = order[:count], order[count:]
    return (x[kept], y[kept]), (x[held], y[held])


def whole(value: Any, name: str, least: int = 1) -> int:
    """A setting that counts something."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: give a whole number") from None
    if count < least:
        raise ValueError(f"{name}={count}: give {least} or more")
    return count


def _floating_dtype(model: Any) -> np.dtype[Any]:
    found = [np.asarray(leaf).dtype for leaf in tree.leaves(model)]
    found = [dtype for dtype in found if is_float(dtype)]
    if not found:
        raise TypeError(f"{type(model).__name__} holds no floating array: nothing to train")
    return np.result_type(*found)


def _numbers(given: Any, name: str, dtype: np.dtype[Any]) -> Any:
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} has dtype {array.dtype}: encode text and objects as numbers first")
    if not array.ndim or not len(array):
        raise DataError(f"{name} has shape {array.shape}: there is no row to learn from")
    if not is_float(array.dtype):
        return array
    bad = ~np.isfinite(array)
    if bad.any():
        place = [int(k) for k in np.argwhere(bad)[0]]
        raise DataError(
            f"{name}{place} is {array[tuple(place)]}, one of {bad.sum()} such entries: drop those "
            "rows, or fill them in"
        )
    return array.astype(dtype, copy=False)
