"""Targets as they are given: columns of pandas, polars and Arrow, lists and arrays, as NumPy's.

Each keeps its kind: nullable whole numbers come as whole numbers, truth values as truth values.
What is missing, masked, or of no kind that can be learned is refused with its row.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Set
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import column_or_1d

from ...data.moments import exponent
from ...errors import DataError
from ..sklearn_private import check_y
from .weights import plain_weights

WHOLE = (int, np.integer)
FLOATS = (float, np.floating)
TRUTH = (bool, np.bool_)


def plain_labels(y: Any, prefix: str = "") -> Any:
    """Classes as an array of text, whole numbers, truth values or floats; none is missing.

    Parameters
    ----------
    y : sequence, array, or column of a table
        One with a second axis, or a sparse one (labels of many kinds), is returned as it is.
    prefix : str
        Stands before the message of an error.

    Raises
    ------
    DataError
        If a label is missing (with its row), ends in a null character, or they are of several types
        or of another, such as dates, of which no model file could tell.

    Examples
    --------
    >>> import pandas as pd
    >>> plain_labels(pd.Series([2, 1], dtype="Int64"))
    array([2, 1])
    >>> plain_labels(["a", None])
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: y[1] is missing: drop that input, or name its class
    """
    refuse_shapeless(y, prefix)
    labels = _array(y)
    _refuse_null_ends(y if isinstance(y, (list, tuple)) else labels, prefix)
    if labels is None:
        if np.ma.is_masked(y):
            _refuse_missing(y, prefix, "drop that input, or name its class")
        return y
    _refuse_missing(labels, prefix, "drop that input, or name its class")
    labels = _of_one_kind(np.ma.getdata(labels), f"{prefix}y")
    text = labels.dtype.kind == "O" and all(isinstance(one, str) for one in labels.tolist())
    if labels.dtype.kind not in "biufUT" and not text:
        advice = "give classes as text, whole numbers or truth values"
        if labels.dtype.kind == "S" or isinstance(labels[0], bytes):
            advice = "decode them to text"
        if labels.dtype.kind == "c":
            advice += ". Complex data not supported"  # scikit-learn's words
        kind = type(labels[0]).__name__ if labels.dtype.kind == "O" else labels.dtype
        raise DataError(f"{prefix}y holds {kind} such as {labels[0]!r:.40}: {advice}")
    return labels


def plain_targets(y: Any, prefix: str = "") -> Any:
    """Numbers to predict: what is none, or missing, is refused; text that is one counts as one.

    Parameters
    ----------
    y : sequence, array, or column of a table
    prefix : str
        Stands before the message of an error.

    Raises
    ------
    DataError
        With the row, and what to do.

    Examples
    --------
    >>> plain_targets([1, 2.5])
    array([1. , 2.5])
    >>> plain_targets(np.array(["2026-01-01"], "datetime64[D]"))
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: y holds dates such as np.datetime64('2026-01-01'): give a number, \
such as days since a fixed day
    """
    if y is None or scipy.sparse.issparse(y):
        return y
    refuse_shapeless(y, prefix)
    targets = _array(y, axes=2)
    if targets is None:
        return y
    kind = targets.dtype.kind
    example = f"such as {targets.reshape(-1)[0]!r:.60}" if targets.size else ""
    if kind == "M" or _named(targets, ("Timestamp", "date", "datetime", "Period")):
        raise DataError(
            f"{prefix}y holds dates {example}: give a number, such as days since a fixed day"
        )
    if kind == "m" or _named(targets, ("Timedelta", "timedelta")):
        raise DataError(
            f"{prefix}y holds spans of time {example}: give a number, such as its seconds"
        )
    if kind == "c":
        raise DataError(
            f"{prefix}y holds complex numbers: give their real or imaginary part. Complex data not "
            "supported"
        )
    if kind in "SV":
        advice = "decode them to text" if kind == "S" else "give one number for each row"
        raise DataError(f"{prefix}y holds {targets.dtype} {example}: {advice}")
    _refuse_missing(targets, prefix, "drop that row")
    targets = np.ma.getdata(targets)
    unconverted = targets
    if kind in "OUT":
        cells = [
            _number(cell, k, prefix) for k, cell in enumerate(unconverted.reshape(-1).tolist())
        ]
        targets = np.array(cells, np.float64).reshape(unconverted.shape)
    check_distinct(unconverted, targets.astype(np.float64), f"{prefix}y")
    return targets


def check_distinct(unconverted: Any, numbers: Any, prefix: str) -> None:
    """Raise a `DataError` where whole numbers that differ are the same float64.

    Examples
    --------
    >>> unconverted = np.arange(3) + 2**60
    >>> check_distinct(unconverted, unconverted.astype(float), "y")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: y holds whole numbers such as 1152921504606846976, which differ by \
less than float64 can tell at their size: subtract an offset first, such as the smallest of them
    """
    if not np.max(np.abs(numbers), initial=0.0) >= 2.0**53:
        return
    whole = [one for one in np.asarray(unconverted).reshape(-1).tolist() if isinstance(one, int)]
    if len(set(map(float, whole))) < len(set(whole)):
        raise DataError(
            f"{prefix} holds whole numbers such as {whole[0]}, which differ by less than float64 "
            "can tell at their size: subtract an offset first, such as the smallest of them"
        )


def _number(cell: Any, row: int, prefix: str) -> float:
    """One of the targets as a float."""
    try:
        if isinstance(cell, str) and "_" not in cell and np.isfinite(float(cell)):
            return float(cell)
        if isinstance(cell, (Real, Decimal, np.bool_)):
            return float(cell)
    except (ValueError, OverflowError):  # text, or too large
        pass
    raise DataError(
        f"{prefix}y[{row}] is {reprlib.repr(cell)}, a {type(cell).__name__}: give a number that "
        "float64 can hold"
    )


def check_squares(y: Any, dtype: Any) -> None:
    """Raise a `DataError` for targets whose squares are infinite or 0 in a dtype."""
    largest, info = float(np.max(np.abs(y), initial=0.0)), np.finfo(dtype)
    if largest > float(info.max) ** 0.5 / max(2.0, 2.0 * y.size**0.5):
        size = "large"
    elif 0.0 < largest < float(info.tiny) ** 0.5:
        size = "small"
    else:
        return
    raise DataError(
        f"targets up to {largest:.3g} are too {size} for their squares in {dtype}: divide them by "
        "their standard deviation, or use TabularRegressor, which does so"
    )


def r2(y: Any, predicted: Any, weights: Any = None) -> float:
    """The coefficient of determination, also of numbers whose squares leave float64's range.

    Examples
    --------
    >>> y = np.array([1e-200, 2e-200, 3e-200])
    >>> round(r2(y, y + 0.1e-200), 6)
    0.985
    """
    y, predicted = np.asarray(y, np.float64), np.asarray(predicted, np.float64)
    power = exponent(y[np.isfinite(y)])
    with np.errstate(over="ignore"):
        near = np.ldexp(y, -power), np.ldexp(predicted, -power)
    return float(r2_score(*near, sample_weight=weights))


class ScoredByR2:
    """A regressor whose score is `r2`."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the targets' variance that is told: R2, at most 1."""
        y = check_y(plain_targets(y), multi_output=True, y_numeric=True, estimator=self)
        predicted = self.predict(X)  # type: ignore[attr-defined]
        return r2(y, predicted, plain_weights(sample_weight))


class ScoredByAccuracy:
    """A classifier whose score is the accuracy, of labels of all kinds that `fit` takes."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the rows whose class is predicted: the accuracy."""
        labels = plain_labels(one_column(y, many=True))
        predicted = self.predict(X)  # type: ignore[attr-defined]
        weights = plain_weights(sample_weight)
        return float(accuracy_score(labels, predicted, sample_weight=weights))


def one_column(y: Any, many: bool = False) -> Any:
    """Labels of shape (rows,), of the kind that they are given in; a single column counts.

    With `many`, labels of several columns are returned as they are; else they are refused.
    """
    refuse_shapeless(y, "")
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    if len(shape) < 2 or (many and shape[1:] != (1,)):
        return y
    column_or_1d(np.zeros(shape, np.int8), warn=True)  # what scikit-learn says of other shapes
    return y.iloc[:, 0] if hasattr(y, "iloc") else np.ma.asanyarray(y)[:, 0]


def missing_rows(values: Any) -> Any:
    """The rows in which something is missing: masked, NaN, NaT, None or NA; shape (count,)."""
    absent = np.array(np.ma.getmaskarray(values))
    data = np.ma.getdata(values)
    if data.dtype.kind in "fcmM":
        absent |= data != data
    elif data.dtype.kind == "O":
        cells = [_is_missing(value) for value in data.reshape(-1).tolist()]
        absent |= np.array(cells, bool).reshape(data.shape)
    return np.flatnonzero(absent.reshape(len(absent), -1).any(axis=1)) if absent.size else []


def _refuse_missing(values: Any, prefix: str, advice: str) -> None:
    rows = missing_rows(values)
    if len(rows):
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise DataError(f"{prefix}y[{rows[0]}] is missing{more}: {advice}")


def refuse_shapeless(y: Any, prefix: str) -> None:
    """What holds no labels one after the other: a single one, a dict, lists of several lengths."""
    if y is None or scipy.sparse.issparse(y):
        return
    try:
        alone = isinstance(y, (str, bytes, Mapping, Set)) or not np.asarray(y).ndim
    except ValueError:
        raise DataError(f"{prefix}y holds lists of several lengths: give one label a row") from None
    if alone:
        raise DataError(
            f"{prefix}y is {reprlib.repr(y)}, a {type(y).__name__}: give one label for each row, "
            "as a list, an array or a column"
        )


def _refuse_null_ends(y: Any, prefix: str) -> None:
    """Texts that NumPy would shorten, so that two classes became one."""
    if y is None or (isinstance(y, np.ndarray) and y.dtype.kind not in "OT"):
        return
    for row, one in enumerate(y):
        if isinstance(one, str) and one.endswith("\0"):
            raise DataError(
                f"{prefix}y[{row}] is {one!r:.40}: NumPy leaves out null characters at the end of "
                "a text, so that classes would become one; remove them"
            )


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA of pandas: neither equal nor unequal
        return True
    except ValueError:  # an array: no label, but there
        return False


def _array(y: Any, axes: int = 1) -> Any:
    """As an array, perhaps a masked one; None for what has more axes, is sparse, or is no array."""
    if y is None or scipy.sparse.issparse(y):
        return None
    if isinstance(y, (list, tuple)):
        array = _listed(y)
    else:
        array = y if isinstance(y, np.ma.MaskedArray) else np.asarray(y)
    return array if 1 <= array.ndim <= axes else None


def _listed(y: Any) -> Any:
    """A list as an array; numbers beside text stay numbers, which NumPy would write as text."""
    try:
        array = np.asarray(y)
    except ValueError:  # lists of several lengths: scikit-learn says what it thinks of them
        return np.zeros(())
    texts = array.dtype.kind == "U" and array.ndim == 1
    if texts and not all(isinstance(one, str) for one in y):
        array = np.empty(len(y), object)
        array[:] = y
    return array


def _of_one_kind(labels: Any, prefix: str) -> Any:
    """An array of objects as one of what they are; text stays one of objects."""
    if labels.dtype.kind != "O":
        return labels
    values = labels.tolist()
    kinds = {
        "text" if isinstance(one, str)
        else "a span of time" if isinstance(one, np.timedelta64)  # an integer, to NumPy
        else "a truth value" if isinstance(one, TRUTH)
        else "a whole number" if isinstance(one, WHOLE) else "a float" if isinstance(one, FLOATS)
        else type(one).__name__
        for one in values
    }  # fmt: skip
    if kinds == {"a truth value"}:
        return np.array(values, bool)
    if kinds == {"a whole number"}:
        return np.array(values)
    if kinds <= {"a whole number", "a float"} and kinds:
        return np.array(values, float)
    if len(kinds) > 1:
        names = " and ".join(sorted(kinds)[:3])
        raise DataError(f"{prefix} holds classes of several types, {names}: give them all as text")
    return labels


def _named(values: Any, names: tuple[str, ...]) -> bool:
    """Whether they are objects, and the first that is there has a type of such a name."""
    if values.dtype.kind != "O":
        return False
    known = (one for one in values.reshape(-1).tolist() if not _is_missing(one))
    return type(next(known, None)).__name__ in names
