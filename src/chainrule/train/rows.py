"""The rows that a training is given: checked, cast, and split for validation.

Inputs and targets are trees of arrays: one array, or dicts, tuples and lists of them, all with one
row for each sample along axis 0.
"""

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
    """Inputs and targets as trees of arrays, floating ones in the dtype of the model's weights."""
    dtype = _floating_dtype(model)
    inputs, targets = _arrays(x, f"{what}x", dtype), _arrays(y, f"{what}y", dtype)
    if count(inputs) != count(targets):
        raise DataError(
            f"{what}x has {count(inputs)} rows and {what}y {count(targets)}: one y a row"
        )
    return inputs, targets


def count(data: Any) -> int:
    """How many rows a tree of arrays has."""
    return int(tree.leaves(data)[0].shape[0])


def taken(data: Any, places: Any) -> Any:
    """Some rows of each array of a tree."""
    return tree.map(lambda array: array[places], data)


def hold_out(data: Rows, fraction: float, key: Any) -> tuple[Rows, Rows]:
    """A random part of the rows for training, and `fraction` of them for validation."""
    whole_count = count(data)
    size = round(whole_count * fraction)
    if not 0 < size < whole_count:
        raise DataError(
            f"validation_fraction={fraction} of {whole_count} rows leaves {whole_count - size} for "
            f"training and {size} for validation: each needs one at least"
        )
    order = permutation(key, whole_count)
    return taken(data, order[size:]), taken(data, order[:size])


def telling(x: Any, most: int = 64) -> Any:
    """The places of few rows that hold what may be wrong with integers: the first, and extremes.

    An index that is out of range is the least or the largest of its column; of rows with more than
    `most` integers, the least and the largest of all are looked at.
    """
    places = [0]
    for array in tree.leaves(x):
        if array.dtype.kind not in "iu" or not array.size:
            continue
        flat = array.reshape(len(array), -1)
        for extreme in (np.argmin, np.argmax):
            if flat.shape[1] <= most:
                places += extreme(flat, axis=0).tolist()
            else:
                places.append(int(extreme(flat)) // flat.shape[1])
    return np.array(list(dict.fromkeys(places)))


def whole(value: Any, name: str, least: int = 1) -> int:
    """A setting that counts something."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: give a whole number") from None
    if number < least:
        raise ValueError(f"{name}={number}: give {least} or more")
    return number


def _floating_dtype(model: Any) -> np.dtype[Any]:
    found = [np.asarray(leaf).dtype for leaf in tree.leaves(model)]
    found = [dtype for dtype in found if is_float(dtype)]
    if not found:
        raise TypeError(f"{type(model).__name__} holds no floating array: nothing to train")
    return np.result_type(*found)


def _arrays(given: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """Each leaf checked and cast, under its name; a list of numbers is one array."""
    if isinstance(given, list) and not any(hasattr(leaf, "shape") for leaf in tree.leaves(given)):
        given = np.asarray(given)
    leaves, structure = tree.flatten(given)
    if not leaves:
        raise DataError(f"{name} holds no array: there is no row to learn from")
    names = [f"{name}.{path}" if path else name for path in tree.names(given)]
    arrays = [_numbers(leaf, own, dtype) for leaf, own in zip(leaves, names, strict=True)]
    for array, own in zip(arrays, names, strict=True):
        if len(array) != len(arrays[0]):
            raise DataError(
                f"{own} has {len(array)} rows and {names[0]} {len(arrays[0])}: all need the same"
            )
    return tree.unflatten(structure, arrays)


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
