"""Tables as they are given, frames and arrays alike, as a DataFrame with the training's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from ...data.cells import with_row_numbers
from ...data.columns.kinds import check_kinds
from ...errors import DataError
from ...lazy import LazyModule
from .features import collected, rows_of_numbers

pd = LazyModule("pandas")

Frame: TypeAlias = Any


class ReadsTables:
    """What the estimators of tables inherit: reading rows, and the names of columns."""

    categorical_features: Any
    column_kinds: Any
    n_features_in_: int

    def _categories(self, frame: Frame) -> list[str]:
        """The columns of numbers to treat as text."""
        columns = () if self.categorical_features is None else self.categorical_features
        several = isinstance(columns, Iterable) and not isinstance(columns, (str, bytes))
        names = [str(name) for name in columns] if several else [str(columns)]
        absent = [name for name in names if name not in frame.columns]
        if absent or not several:
            known = ", ".join(map(repr, frame.columns[:8])) + ", ..." * (frame.shape[1] > 8)
            raise DataError(
                f"categorical_features={columns!r:.60}: give a list of names of columns, which are "
                f"{known}" + (f"; there is no {absent[0]!r}" if absent else "")
            )
        return names

    def _kinds(self, frame: Frame) -> dict[str, str]:
        """The kinds that the user says columns are of."""
        kinds = {} if self.column_kinds is None else self.column_kinds
        if not isinstance(kinds, Mapping):
            raise DataError(
                f"column_kinds={kinds!r:.60}: give a dict such as {{'zip': 'text'}}, or None"
            )
        chosen = {str(name): kind for name, kind in kinds.items()}
        check_kinds(chosen, [str(name) for name in frame.columns])
        return chosen

    def _frame(self, X: Any, reset: bool) -> Frame:
        """The rows as a DataFrame of pandas, with the columns of the training."""
        if issparse(X):
            raise TypeError(
                "sparse data is no table: MLPClassifier and MLPRegressor take it, or X.toarray()"
            )
        X = collected(X)
        if hasattr(X, "columns"):
            frame = named_columns(X if isinstance(X, pd.DataFrame) else X.to_pandas())
            if not reset:
                frame = self._in_order(frame)
            validate_data(self, frame, skip_check_array=True, reset=reset)
            if not frame.shape[1]:
                raise DataError("X has no columns: give at least one to predict from")
            if not len(frame):
                raise DataError("0 sample(s): the table has no rows")
            if not reset and not hasattr(self, "feature_names_in_"):  # of which scikit-learn warns
                frame = frame.set_axis(self.column_names(), axis=1)
            return with_row_numbers(frame)
        if isinstance(X, np.ma.MaskedArray):  # what is masked is an empty cell
            X = np.ma.filled(X.astype(object if X.dtype.kind in "OUS" else np.float64), np.nan)
        with rows_of_numbers(X, and_others=True):
            array = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)
        if array.dtype.kind == "O":
            array = validate_data(self, X, dtype=object, ensure_all_finite=False, reset=reset)
            for value in array.ravel()[:1000]:
                if isinstance(value, (dict, list, tuple, set)):
                    raise TypeError(
                        f"argument must be a string or a number: a cell holds {value!r:.40}"
                    )
        if array.dtype.kind == "S":
            raise DataError(f"X holds bytes such as {array.flat[0]!r:.40}: decode them to text")
        if array.dtype.kind == "U" and isinstance(X, (list, tuple)):
            array = np.array(X, object)  # NumPy writes numbers beside text as text, and NaN too
        columns = self.column_names()
        with rows_of_numbers(X, and_others=True):  # pandas 2 refuses a large number here
            return with_row_numbers(pd.DataFrame(array, columns=columns).infer_objects())

    def _in_order(self, frame: Frame) -> Frame:
        """A table with the columns of the training, in their order."""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        if not names or list(frame.columns) == names or {*frame.columns} != {*names}:
            return frame  # of other columns scikit-learn says which they are
        return frame[names]

    def column_names(self) -> list[str]:
        """The names of the columns; of an array x0, x1, ...."""
        names = getattr(self, "feature_names_in_", None)
        return [f"x{k}" for k in range(self.n_features_in_)] if names is None else list(names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = False
        return tags


def named_columns(frame: Frame) -> Frame:
    """A table whose columns have texts as names, each its own.

    Names of several levels are joined with "_"; a `DataError` says which name comes twice.

    Examples
    --------
    >>> import pandas as pd
    >>> named_columns(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], [1, 2]])))
       a_1  a_2
    0    1    2
    """
    if isinstance(frame.columns, pd.MultiIndex):
        names = ["_".join(str(level) for level in name if level != "") for name in frame.columns]
    else:
        names = [str(name) for name in frame.columns]
    counts = Counter(names)
    twice = next((name for name in names if counts[name] > 1), None)
    if twice is not None:
        raise DataError(f"{counts[twice]} columns are named {twice!r}: give each a name of its own")
    return frame.set_axis(names, axis=1)
