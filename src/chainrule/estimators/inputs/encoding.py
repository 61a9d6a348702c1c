"""Classes as what the output units should be: a column of 0 and 1 for each, or of many their codes.

Of 100,000 classes a matrix of 0 and 1 would take gigabytes; codes take 4 bytes a row, and become
0 and 1 within a step, for its batch alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from ...errors import DataError
from .targets import plain_labels

MOST_COLUMNS = 64  # classes that get a column each; of more the codes are kept


class EncodedLabels:
    """What a classifier's base asks for of its labels."""

    classes_: Any
    out_activation_: str
    warm_start: bool
    _label_binarizer: LabelBinarizer

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Checked rows, and their encoded labels; as scikit-learn's, which has a column a class.

        Sets ``classes_`` and ``_label_binarizer``, unless it goes on with those of a fit before.
        """
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return X, self._as_outputs(y)
        classes = unique_labels(y)
        if self.warm_start and {*classes} != {*self.classes_}:
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes_}. 'y' has {classes}."
            )
        return X, self._as_outputs(y)

    def _encoded(self, y: Any) -> Any:
        """Those of rows to watch."""
        y = plain_labels(y, "validation_data: ")
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise DataError(
                f"validation_data: y has labels {unknown.tolist()}, which are not among those that "
                f"are fitted, {self.classes_.tolist()}"
            )
        return self._as_outputs(y)

    @property
    def label_kind(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel-indicator"``."""
        return str(self._label_binarizer.y_type_)

    def _has_codes(self) -> bool:
        many = len(getattr(self, "classes_", ())) > MOST_COLUMNS
        return many and self.label_kind == "multiclass"

    def _as_outputs(self, y: Any) -> Any:
        """Truth values of shape (rows, outputs), or codes of shape (rows, 1), int32."""
        if self.label_kind == "multilabel-indicator":
            return self._label_binarizer.transform(y).astype(bool)
        codes = np.searchsorted(self.classes_, y).astype(np.int32)[:, None]
        if self._has_codes():
            return codes
        count = len(self.classes_)
        return codes == (np.arange(count) if count > 2 else [1])

    def _count_outputs(self, y: Any) -> int:
        return len(self.classes_) if self._has_codes() else int(y.shape[1])

    def _score_outputs(self, y: Any, outputs: Any, w: Any) -> float:
        """The accuracy; where targets are codes, `outputs` is the column of the largest output."""
        if self._has_codes():
            right = outputs[:, 0] == y[:, 0]
        elif self.out_activation_ == "softmax":
            right = np.argmax(outputs, axis=1) == np.argmax(y, axis=1)
        else:
            right = np.all((outputs > 0.5) == (y > 0.5), axis=1)
        return float(np.average(right, weights=w))
