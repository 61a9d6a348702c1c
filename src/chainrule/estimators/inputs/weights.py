"""Weights of rows and of classes: checked alike for all estimators, and kept in range."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ...data.moments import exponent
from ...errors import DataError
from ..sklearn_private import check_sample_weight

MARGIN = 2.0**32  # between a sum of weights and the end of a dtype, for what they multiply
NONE_COUNTS = (
    "no input to train on counts: sample_weight times class_weight is 0 for all of them: give one "
    "of them a weight"
)


def plain_weights(sample_weight: Any) -> Any:
    """Weights of rows as float64 of the shape that they are given in; None if there are none.

    Raises
    ------
    DataError
        If one is masked, negative, not finite or no number (with its row), or if all are 0.

    Examples
    --------
    >>> plain_weights([1, 0.5])
    array([1. , 0.5])
    >>> plain_weights([1, -1])
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: sample_weight[1] is -1.0: give finite numbers of 0 or more
    """
    if sample_weight is None:
        return None
    masked = np.ma.getmaskarray(sample_weight) if np.ma.isMaskedArray(sample_weight) else np.False_
    if masked.any():
        row = np.argwhere(masked)[0].tolist()
        raise DataError(f"sample_weight{row} is masked: give a number, or 0 to leave the row out")
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError("sample_weight: give one number of 0 or more for each row") from None
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"sample_weight{row or ''} is {weights[wrong][0]}: give finite numbers of 0 or more"
            + ("" if np.isfinite(weights).all() else ". It contains NaN or infinity")
        )
    if weights.size and not weights.any():
        raise DataError(
            "sample_weight is 0 for all rows. Sample weights must contain at least one non-zero "
            "number"
        )
    return weights if weights.ndim else float(weights)


def in_range(weights: Any, dtype: Any) -> Any:
    """Weights times a power of two, if their sum could leave the range of a dtype."""
    power, info = exponent(weights), np.finfo(dtype)
    largest = float(np.max(weights, initial=0.0))
    if float(info.tiny) * MARGIN < largest < float(info.max) / MARGIN / max(1, weights.size):
        return weights
    return np.ldexp(weights, -power)


def times(weights: Any, of_class: Any) -> Any:
    """Weights of rows times those of their classes; a `DataError` if nothing is left."""
    product = in_range(weights, np.float32) * in_range(of_class, np.float32)
    if not product.any():
        raise DataError(NONE_COUNTS)
    return product


def checked_weights(weights: Any, x: Any, members: int) -> Any:
    """Weights of rows in the dtype of the rows: a number a row, or a row and member."""
    weights = np.ones(x.shape[0]) if weights is None else plain_weights(weights)
    if members > 1 and np.ndim(weights) == 2:
        if np.shape(weights) != (x.shape[0], members):
            raise ValueError(
                f"sample_weight has shape {np.shape(weights)}: give {(x.shape[0],)}, or "
                f"{(x.shape[0], members)} for weights of their own for n_members={members}"
            )
        return in_range(weights, x.dtype).astype(x.dtype)
    weights = in_range(weights, x.dtype) if np.ndim(weights) else weights
    return check_sample_weight(weights, x, dtype=x.dtype)


def check_class_weight(class_weight: Any) -> None:
    """Refuse weights of classes that are negative, not finite, or no numbers."""
    if not isinstance(class_weight, dict):
        return
    for one, weight in class_weight.items():
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise DataError(
                f"class_weight of {one!r:.40} is {weight!r:.40}: give a finite number of 0 or more"
            )


def row_weights(sample_weight: Any, class_weight: Any, classes: Any, codes: Any) -> Any:
    """How much each row counts, float64 and 0 or more; None if all count the same."""
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(codes)) if sample_weight is None else plain_weights(sample_weight)
    if weights.shape != codes.shape:
        raise DataError(
            f"sample_weight has shape {weights.shape}: give {codes.shape}, one for each input"
        )
    if class_weight is not None:
        if class_weight != "balanced":
            known = frozenset(classes.tolist())
            strange = [one for one in class_weight if one not in known]
            if strange:
                raise DataError(f"class_weight names {strange[0]!r:.40}, which is no class of y")
            check_class_weight(class_weight)
        of_class = compute_class_weight(class_weight, classes=classes, y=classes[codes])
        weights = times(weights, of_class[codes])
    return weights


def as_weights(weights: Any) -> Any:
    """Weights of the rows to train on, float32 with mean 1."""
    weights = in_range(weights, np.float64)
    mean = weights.mean()
    if not mean > 0:
        raise DataError(NONE_COUNTS)
    return (weights / mean).astype(np.float32)
