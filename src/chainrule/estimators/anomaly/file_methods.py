"""What an `AnomalyDetector` does with files: its state in a model file, and ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...container import damaged
from ...errors import UnsupportedError
from ..serialization.mixin import SaveMixin
from .series.series_saving import series_from_state, series_to_state
from .tables.exporting import detector_onnx
from .tables.saving import FITTED, fitted_from_state, fitted_to_state, reads_table


class FileMethods(SaveMixin):
    """Methods that the detector inherits."""

    window: int | None
    n_features_in_: int
    fitted_: Any
    history_: dict[str, list[dict[str, float]]]
    offset_: float
    column_names: Callable[[], list[str]]

    def to_onnx(self, dtype: Any = None) -> Any:
        """The networks' part as an ONNX model; see `exporting.detector_onnx`."""
        check_is_fitted(self, "fitted_")
        if self.window is not None:
            raise UnsupportedError(
                f"window={self.window}: a row of a time series is judged by the rows before it, "
                "which an ONNX model does not keep: use save()"
            )
        if dtype not in (None, "float64", np.float64):
            raise UnsupportedError(
                f"to_onnx(dtype={dtype!r:.40}): columns are scaled in float64; leave it out"
            )
        return detector_onnx(self.fitted_, getattr(self, "card_", None))

    def fitted_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a model file holds beside the settings."""
        to_state = fitted_to_state if self.window is None else series_to_state
        description, arrays = to_state(self.fitted_)
        return {**description, "offset": self.offset_, "history": self.history_}, arrays

    def restore_fitted(self, description: dict[str, Any], arrays: Any) -> None:
        """Become what `fitted_state` was taken of; a `ModelFileError` for anything else."""
        if self.window is None:
            checked = FITTED(description, "the detector")
            self.fitted_ = fitted_from_state(checked, arrays)
            columns = {column.name for column in self.fitted_.columns.columns}
            fits = len(columns) == self.n_features_in_ and reads_table(
                self.fitted_.columns,
                self.column_names(),
            )
        else:
            self.fitted_, checked = series_from_state(self, description, arrays)
            named = sum(getattr(self, name) is not None for name in ("time", "series"))
            fits = len(self.fitted_.columns.labels) + named == self.n_features_in_
        if not fits:
            raise damaged("its columns are not those of its table")
        self.offset_, self.history_ = checked["offset"], checked["history"]
