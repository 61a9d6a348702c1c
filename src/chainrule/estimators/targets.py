"""Targets as they are given: columns of pandas, polars and Arrow, lists and arrays, as NumPy's.

Each keeps its kind: nullable whole numbers come as whole numbers, truth values as truth values.
What is missing, masked, or of no kind that can be learned is refused with its row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics import r2_score

from ..data.moments import exponent
from ..errors import DataError

WHOLE = (int, np.integer)
FLOATS = (float, np.floating)
TRUTH = (bool, np.bool_)


def plain_labels(y: Any, what: str = "") -> Any:
    """Classes as an array of text, whole numbers, truth values, floats or dates; none is missing.

    Parameters
    ----------
    y : sequence, array, or column of a table
        One with a second axis, or a sparse one (labels of many kinds), is returned as it is.
    what : str
        Stands before the message of an error.

    Raises
    ------
    DataError
        If a label is missing (with its row), or they are of several types, bytes or complex.

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
    labels = _array(y)
    if labels is None:
        return y
    _refuse_missing(labels, what, "drop that input, or name its class")
    labels = _of_one_kind(np.ma.getdata(labels), f"{what}y")
    if labels.dtype.kind in "ScV":
        advice = "decode them to text" if labels.dtype.kind == "S" else "give text or whole numbers"
        if labels.dtype.kind == "c":
            advice += ". Complex data not supported"  # scikit-learn's words
        raise DataError(f"{what}y holds {labels.dtype} such as {labels[0]!r:.40}: {advice}")
    return labels


def plain_targets(y: Any, what: str = "") -> Any:
    """Numbers to predict: dates, spans of time, complex numbers and missing ones are refused.

    Parameters
    ----------
    y : sequence, array, or column of a table
    what : str
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
    targets = _array(y, axes=2)
    if targets is None:
        return y
    kind = targets.dtype.kind
    shown = f"such as {targets.reshape(-1)[0]!r:.60}" if targets.size else ""
    if kind == "M" or _named(targets, ("Timestamp", "date", "datetime", "Period")):
        raise DataError(
            f"{what}y holds dates {shown}: give a number, such as days since a fixed day"
        )
    if kind == "m" or _named(targets, ("Timedelta", "timedelta")):
        raise DataError(f"{what}y holds spans of time {shown}: give a number, such as its seconds")
    if kind == "c":
        raise DataError(
            f"{what}y holds complex numbers: give their real or imaginary part. Complex data not "
            "supported"
        )
    _refuse_missing(targets, what, "drop that row")
    return np.ma.getdata(targets)


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
        return r2(y, self.predict(X), sample_weight)  # type: ignore[attr-defined]


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


def _refuse_missing(values: Any, what: str, what_to_do: str) -> None:
    rows = missing_rows(values)
    if len(rows):
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise DataError(f"{what}y[{rows[0]}] is missing{more}: {what_to_do}")


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
        made = _listed(y)
    else:
        made = y if isinstance(y, np.ma.MaskedArray) else np.asarray(y)
    return made if 1 <= made.ndim <= axes else None


def _listed(y: Any) -> Any:
    """A list as an array; numbers beside text stay numbers, which NumPy would write as text."""
    try:
        made = np.asarray(y)
    except ValueError:  # lists of several lengths: scikit-learn says what it thinks of them
        return np.zeros(())
    texts = made.dtype.kind == "U" and made.ndim == 1
    if texts and not all(isinstance(one, str) for one in y):
        made = np.empty(len(y), object)
        made[:] = y
    return made


def _of_one_kind(labels: Any, what: str) -> Any:
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
        shown = " and ".join(sorted(kinds)[:3])
        raise DataError(f"{what} holds classes of several types, {shown}: give them all as text")
    return labels


def _named(values: Any, names: tuple[str, ...]) -> bool:
    """Whether they are objects, and the first that is there has a type of such a name."""
    if values.dtype.kind != "O":
        return False
    known = (one for one in values.reshape(-1).tolist() if not _is_missing(one))
    return type(next(known, None)).__name__ in names
