"""What estimators of time series keep in a model file, and its checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...container import damaged
from ..serialization.perceptron import classes_from_state, classes_to_state
from ..serialization.schema import anything, each, fields, finite, flag, positive, text, whole
from .kernels import KERNELS, MOST_CHANNELS, MOST_DILATIONS, Kernels
from .ridge import Ridge
from .scaling import Scale
from .transform import Transform

MOST_POINTS = 2**31
PARTS = ("values", "changes")
SCHEMA: dict[str, Any] = {
    "points": whole(1, MOST_POINTS), "equal_length": flag, "left_out_score": finite,
    "dilations": each(each(whole(1, MOST_POINTS), 1, MOST_DILATIONS), 2, 2),
}  # fmt: skip
CLASSIFIER = fields({
    **SCHEMA, "factor": positive,
    "classes": fields({"dtype": text}, {"values": each(anything, 1)}),
})  # fmt: skip
REGRESSOR = fields({**SCHEMA, "unit": positive})


def transform_to_state(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Transform and ridge as a description and arrays."""
    transform, ridge = model.transform_, model.ridge_
    arrays = {
        "means": transform.scale.means, "deviations": transform.scale.deviations,
        "coefficients": ridge.coefficients, "intercepts": ridge.intercepts,
    }  # fmt: skip
    both = (transform.of_values, transform.of_changes)
    for name, kernels in zip(PARTS, both, strict=True):
        arrays |= {
            f"{name}.channels": kernels.channels, f"{name}.subsets": kernels.subsets,
            f"{name}.biases": kernels.biases,
        }  # fmt: skip
    description = {
        "points": int(model.length_), "equal_length": bool(model.equal_length_),
        "left_out_score": float(model.left_out_score_),
        "dilations": [kernels.dilations.tolist() for kernels in both],
    }  # fmt: skip
    return description, arrays


def restore_transform(model: Any, checked: dict[str, Any], arrays: Any, outputs: int) -> None:
    """Make of an estimator what `transform_to_state` was given."""
    channels = model.n_features_in_
    scale = Scale(
        arrays.numbers("means", (channels,), np.float64),
        arrays.numbers("deviations", (channels,), np.float64),
    )
    if (scale.deviations <= 0).any():
        raise damaged("a deviation is not positive")
    both = [
        _kernels(name, dilations, channels, checked["points"], arrays)
        for name, dilations in zip(PARTS, checked["dilations"], strict=True)
    ]
    transform = Transform(scale, checked["points"], both[0], both[1])
    shape = (transform.n_features, outputs)
    model.transform_ = transform
    model.ridge_ = Ridge(
        arrays.numbers("coefficients", shape, np.float64),
        arrays.numbers("intercepts", (outputs,), np.float64),
    )
    model.length_, model.equal_length_ = checked["points"], checked["equal_length"]
    model.left_out_score_ = checked["left_out_score"]


def _kernels(name: str, dilations: list[int], channels: int, points: int, arrays: Any) -> Kernels:
    if max(dilations) > points:
        raise damaged("a kernel is longer than the series")
    seen = min(channels, MOST_CHANNELS)
    per_kernel = arrays.shape(f"{name}.biases")[2:]
    if len(per_kernel) != 1:
        raise damaged(f"{name}.biases has other axes than dilations, kernels and features")
    chosen = arrays.numbers(f"{name}.channels", (len(dilations), seen), np.int64)
    if (chosen < 0).any() or (chosen >= channels).any():
        raise damaged("a kernel reads a channel that is not there")
    return Kernels(
        np.array(dilations), chosen,
        arrays.numbers(f"{name}.subsets", (len(dilations), KERNELS, seen), np.bool_),
        arrays.numbers(f"{name}.biases", (len(dilations), KERNELS, *per_kernel), np.float32),
    )  # fmt: skip


class ClassifierFiles:
    """Methods that `TimeSeriesClassifier` inherits."""

    classes_: Any
    factor_: float

    def fitted_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a model file holds beside the settings."""
        description, arrays = transform_to_state(self)
        classes = classes_to_state(self.classes_, arrays, "")
        return {**description, "factor": self.factor_, "classes": classes}, arrays

    def restore_fitted(self, description: dict[str, Any], arrays: Any) -> None:
        """Become what `fitted_state` was taken of; a `ModelFileError` for anything else."""
        checked = CLASSIFIER(description, "the classifier")
        self.classes_ = classes_from_state(checked["classes"], arrays, "")
        if len(self.classes_) < 2:
            raise damaged("it has a single class")
        restore_transform(self, checked, arrays, len(self.classes_))
        self.factor_ = checked["factor"]


class RegressorFiles:
    """Methods that `TimeSeriesRegressor` inherits."""

    unit_: float

    def fitted_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a model file holds beside the settings."""
        description, arrays = transform_to_state(self)
        return {**description, "unit": float(self.unit_)}, arrays

    def restore_fitted(self, description: dict[str, Any], arrays: Any) -> None:
        """Become what `fitted_state` was taken of; a `ModelFileError` for anything else."""
        checked = REGRESSOR(description, "the regressor")
        restore_transform(self, checked, arrays, 1)
        self.unit_ = checked["unit"]
