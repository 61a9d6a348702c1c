"""What a `Forecaster` does with files: all that it has learned in a model file, and ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ...container import damaged
from ...errors import UnsupportedError
from ..serialization.mixin import SaveMixin
from .fitted import Fitted
from .saving.exporting import forecaster_onnx, onnx_inputs
from .saving.forecast_saving import FITTED, fitted_from_state, fitted_to_state
from .settings import whole_numbers


class FileMethods(SaveMixin):
    """Methods that the forecaster inherits."""

    horizon: int
    season_length: Any
    input_size: Any
    n_features_in_: int
    fitted_: Fitted
    history_: dict[str, list[dict[str, float]]]
    coverage_: dict[float, float]
    checked_members: Callable[[], tuple[str, ...]]
    _with_future: Callable[[Any], tuple[Fitted, NDArray[np.float64]]]

    def fitted_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a model file holds beside the settings."""
        description, arrays = fitted_to_state(self.fitted_)
        coverage = [[level, share] for level, share in getattr(self, "coverage_", {}).items()
                    if isfinite(share)]  # fmt: skip
        return {**description, "history": self.history_, "coverage": coverage}, arrays

    def restore_fitted(self, description: dict[str, Any], arrays: Any) -> None:
        """Become what `fitted_state` was taken of; a `ModelFileError` for anything else."""
        checked = FITTED(description, "the forecaster")
        try:
            self.checked_members()
            for name in ("season_length", "input_size"):
                if getattr(self, name) is not None:
                    whole_numbers(name, getattr(self, name))
        except (ValueError, TypeError) as error:
            raise damaged(f"{error!s:.160}") from None
        if checked["horizon"] != self.horizon:
            raise damaged("its members forecast other steps than its settings say")
        fitted = fitted_from_state(checked, arrays)
        roles = fitted.panel.roles
        if self.n_features_in_ != 1 + len(roles.known) + len(roles.past) + len(roles.static):
            raise damaged("its covariates are not those of its table")
        self.fitted_, self.history_ = fitted, checked["history"]
        if checked["coverage"]:
            self.coverage_ = dict(checked["coverage"])

    # ONNX

    def to_onnx(self, dtype: Any = None) -> Any:
        """One step as an ONNX model: from windows of raw values to the forecasts of `predict`.

        The members that are chosen now are in it, with all transforms: after `update` others may
        be, so export again. Its inputs are "window" (rows, length), the last values of a series
        with the latest last, and "series" (rows,), its number among `ids_`; and, where the members
        read them, "known" (rows, horizon, columns), "window_known" (rows, length, columns) and
        "past" (rows, length, columns) with covariates as numbers, and "steps" (rows,), how many
        values the series has had. The output is "forecast" (rows, horizon). `onnx_inputs` has the
        inputs at the ends of the series.

        Parameters
        ----------
        dtype : "float64" or "float32", optional
            Of the values that go in. Default: float64, in which they are computed in any case.

        Returns
        -------
        onnx.ModelProto

        Raises
        ------
        UnsupportedError
            If a series is intermittent demand, or a hierarchy is reconciled.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> sales = np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], 20)
        >>> forecaster = cr.Forecaster(horizon=3, season_length=7, random_state=0).fit(sales)
        >>> model = forecaster.to_onnx()
        >>> [declared.name for declared in model.graph.input]
        ['window', 'series']
        """
        check_is_fitted(self, "fitted_")
        return forecaster_onnx(self.fitted_, _float(dtype), getattr(self, "card_", None))

    def onnx_inputs(self, future: Any = None, dtype: Any = None) -> dict[str, Any]:
        """What the model of `to_onnx` is fed to forecast the next steps of every series.

        Parameters
        ----------
        future : DataFrame, optional
            See `predict`.
        dtype : "float64" or "float32", optional
            As of `to_onnx`.

        Returns
        -------
        dict of str to array
            A row for each series; for ``onnxruntime.InferenceSession(...).run(None, inputs)``.
        """
        fitted, known = self._with_future(future)
        return onnx_inputs(fitted, known, _float(dtype))


def _float(dtype: Any) -> np.dtype[Any]:
    try:
        result = np.dtype(np.float64 if dtype is None else dtype)
    except TypeError:
        result = np.dtype(object)
    if result not in (np.float64, np.float32):
        raise UnsupportedError(f"dtype={dtype!r:.40}: give 'float64' or 'float32'")
    return result
