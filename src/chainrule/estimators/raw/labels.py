"""Labels of classes: checked, as codes, split and weighted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import type_of_target

from ...errors import DataError
from ..inputs.targets import plain_labels, refuse_shapeless
from ..sklearn_private import safe_indexing


def checked_labels(y: Any, count: int, prefix: str = "") -> Any:
    """Labels as an array of shape (rows,), none of them missing."""
    refuse_shapeless(y, prefix)
    labels = y if isinstance(y, (list, tuple, np.ma.MaskedArray)) else np.asarray(y)
    shape = np.shape(labels)
    if len(shape) == 2 and shape[1] == 1:
        labels = np.ma.asanyarray(labels)[:, 0] if np.ma.isMA(labels) else np.asarray(labels)[:, 0]
        shape = shape[:1]
    if len(shape) != 1:
        raise DataError(f"{prefix}y has shape {shape}: give one class for each input")
    if shape[0] != count:
        raise DataError(f"{prefix}X has {count} inputs and y {shape[0]} labels: give one each")
    if not count:
        raise DataError(f"{prefix}X is empty: there is nothing to learn from")
    return plain_labels(labels, prefix)


def learned_classes(y: Any, count: int) -> tuple[Any, Any]:
    """The classes, sorted, and each label's place among them."""
    labels = checked_labels(y, count)
    if type_of_target(labels) not in ("binary", "multiclass"):
        raise DataError(
            f"y holds {labels.dtype} such as {labels.tolist()[0]!r:.40}: give classes, as text, "
            "whole numbers or truth values"
        )
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise DataError("y holds classes of several types: give them all as text") from None
    if len(classes) < 2:
        raise DataError(
            f"y holds one class only, {classes.tolist()[0]!r:.40}: a classifier needs inputs of "
            "two at least"
        )
    return classes, codes.astype(np.int64)


def codes_of(y: Any, classes: Any, count: int, prefix: str = "") -> Any:
    """Each label's place among classes that are known."""
    labels = checked_labels(y, count, prefix)
    codes = {label: code for code, label in enumerate(classes.tolist())}
    unknown = sorted({str(label) for label in labels.tolist() if label not in codes})
    if unknown:
        raise DataError(
            f"{prefix}y has the class {unknown[0]!r:.40}, which is none of those that are trained, "
            f"such as {classes.tolist()[0]!r:.40}"
        )
    return np.array([codes[label] for label in labels.tolist()], np.int64)


def held_out(codes: Any, fraction: float, validation_data: Any, rng: Any) -> tuple[Any, Any]:
    """Rows to train on, and rows of which each class has its share to watch, or None."""
    everything = np.arange(len(codes))
    if validation_data is not None:
        if fraction:
            raise DataError("give validation_data or validation_fraction, not both")
        return everything, None
    if not fraction:
        return everything, None
    fewest = np.bincount(codes).min()
    size, classes = round(len(codes) * fraction), len(np.unique(codes))
    if fewest < 2 or size < classes or len(codes) - size < classes:
        raise DataError(
            f"validation_fraction={fraction} of {len(codes)} inputs: some of the {classes} classes "
            "would be missing on one side; give more inputs, another fraction, or 0"
        )
    train_rows, held_out_rows = train_test_split(
        everything, test_size=size, random_state=rng.randint(2**31), stratify=codes
    )
    return np.sort(train_rows), np.sort(held_out_rows)


def picked(X: Any, rows: Any) -> Any:
    """Some of the inputs; all of them without a copy."""
    if len(rows) == len(X):
        return X
    return safe_indexing(X, rows)
