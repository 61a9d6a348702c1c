"""The data of a training: checked, cast, and split into training and validation rows.

Inputs and targets are trees of arrays: one array, or dicts, tuples and lists of arrays, all of
which have one row for each sample along axis 0.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError
from ..graph.types import is_float
from ..random import permutation

Dataset = tuple[Any, Any]


def as_dataset(x: Any, y: Any, model: Any, prefix: str = "") -> Dataset:
    """Return inputs and targets as trees of arrays, floats in the dtype of the model's weights.

    `prefix` comes before the names x and y in error messages.
    """
    dtype = _weight_dtype(model)
    inputs, targets = _as_arrays(x, f"{prefix}x", dtype), _as_arrays(y, f"{prefix}y", dtype)
    if count_rows(inputs) != count_rows(targets):
        raise DataError(
            f"{prefix}x has {count_rows(inputs)} rows and {prefix}y {count_rows(targets)}: "
            "one y a row"
        )
    return inputs, targets


def count_rows(data: Any) -> int:
    """Return the number of rows of a tree of arrays."""
    return int(tree.leaves(data)[0].shape[0])


def take_rows(data: Any, index: Any) -> Any:
    """Index each array of a tree along axis 0."""
    return tree.map(lambda array: array[index], data)


def split_dataset(data: Dataset, fraction: float, key: Any) -> tuple[Dataset, Dataset]:
    """Split the rows at random: the rest for training, and `fraction` of them for validation."""
    n_rows = count_rows(data)
    n_validation = round(n_rows * fraction)
    if not 0 < n_validation < n_rows:
        raise DataError(
            f"validation_fraction={fraction} of {n_rows} rows leaves {n_rows - n_validation} for "
            f"training and {n_validation} for validation: each needs one at least"
        )
    order = permutation(key, n_rows)
    return take_rows(data, order[n_validation:]), take_rows(data, order[:n_validation])


def extreme_rows(x: Any, max_columns: int = 64) -> Any:
    """Return the index of the first row, and of rows that hold the extremes of integer columns.

    An index that is out of range is the least or the largest of its column, so these few rows tell
    whether a model accepts all rows. Of an array with more than `max_columns` integers a row, only
    the least and the largest of all entries are looked up.
    """
    index = [0]
    for array in tree.leaves(x):
        if array.dtype.kind not in "iu" or not array.size:
            continue
        flat = array.reshape(len(array), -1)
        for arg_extreme in (np.argmin, np.argmax):
            if flat.shape[1] <= max_columns:
                index += arg_extreme(flat, axis=0).tolist()
            else:
                index.append(int(arg_extreme(flat)) // flat.shape[1])
    return np.array(list(dict.fromkeys(index)))


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Return a whole number of at least `minimum`; raise if `value` is anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: give a whole number") from None
    if number < minimum:
        raise ValueError(f"{name}={number}: give {minimum} or more")
    return number


def _weight_dtype(model: Any) -> np.dtype[Any]:
    dtypes = [np.asarray(leaf).dtype for leaf in tree.leaves(model)]
    dtypes = [dtype for dtype in dtypes if is_float(dtype)]
    if not dtypes:
        raise TypeError(f"{type(model).__name__} holds no floating array: nothing to train")
    return np.result_type(*dtypes)


def _as_arrays(data: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """Return the tree with each leaf checked and cast; a list of numbers is one array."""
    if isinstance(data, list) and not any(hasattr(leaf, "shape") for leaf in tree.leaves(data)):
        data = np.asarray(data)
    leaves, structure = tree.flatten(data)
    if not leaves:
        raise DataError(f"{name} holds no array: there is no row to learn from")
    names = [f"{name}.{path}" if path else name for path in tree.names(data)]
    arrays = [
        _as_array(leaf, leaf_name, dtype) for leaf, leaf_name in zip(leaves, names, strict=True)
    ]
    for array, leaf_name in zip(arrays, names, strict=True):
        if len(array) != len(arrays[0]):
            raise DataError(
                f"{leaf_name} has {len(array)} rows and {names[0]} {len(arrays[0])}: "
                "all need the same"
            )
    return tree.unflatten(structure, arrays)


def _as_array(data: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """Return an array of finite numbers, floats cast to `dtype`; raise a DataError otherwise."""
    array = np.asarray(data)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} has dtype {array.dtype}: encode text and objects as numbers first")
    if not array.ndim or not len(array):
        raise DataError(f"{name} has shape {array.shape}: there is no row to learn from")
    if not is_float(array.dtype):
        return array
    not_finite = ~np.isfinite(array)
    if not_finite.any():
        index = [int(k) for k in np.argwhere(not_finite)[0]]
        raise DataError(
            f"{name}{index} is {array[tuple(index)]}, one of {not_finite.sum()} such entries: drop "
            "those rows, or fill them in"
        )
    return array.astype(dtype, copy=False)
