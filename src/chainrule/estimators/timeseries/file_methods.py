"""What estimators of time series keep in a model file, and its checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...container import damaged
from ..serialization.perceptron import classes_from_state, classes_to_state
from ..serialization.schema import anything, each, fields, finite, flag, positive, text, whole
from .kernels import KERNELS, MOST_CHANNELS, MOST_DILATIONS, Kernels
from .neighbors import MOST_SERIES, POINTS, Neighbors
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
}, {
    "neighbors": fields({"unit": positive, "farthest": positive, "share": positive}),
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


def _neighbors(model: Any, numbers: dict[str, float], arrays: Any) -> Neighbors:
    count, channels = len(model.classes_), model.n_features_in_
    shape = arrays.shape("neighbors.series")
    if len(shape) != 3 or not 0 < shape[0] <= MOST_SERIES or not 0 < shape[2] <= POINTS:
        raise damaged("neighbors.series has other axes than series, channels and points")
    series = arrays.numbers("neighbors.series", (shape[0], channels, shape[2]), np.float32)
    codes = arrays.numbers("neighbors.codes", shape[:1], np.int64)
    if (codes < 0).any() or (codes >= count).any():
        raise damaged("a neighbour has a class that is not there")
    return Neighbors(series, codes, count, **numbers)


class ClassifierFiles:
    """Methods that `TimeSeriesClassifier` inherits."""

    classes_: Any
    n_features_in_: int
    factor_: float
    neighbors_: Neighbors | None

    def fitted_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a model file holds beside the settings."""
        description, arrays = transform_to_state(self)
        classes = classes_to_state(self.classes_, arrays, "")
        description |= {"factor": self.factor_, "classes": classes}
        near = self.neighbors_
        if near is not None:
            arrays |= {"neighbors.series": near.series, "neighbors.codes": near.codes}
            numbers = {"unit": near.unit, "farthest": near.farthest, "share": near.share}
            description["neighbors"] = numbers
        return description, arrays

    def restore_fitted(self, description: dict[str, Any], arrays: Any) -> None:
        """Become what `fitted_state` was taken of; a `ModelFileError` for anything else."""
        checked = CLASSIFIER(description, "the classifier")
        self.classes_ = classes_from_state(checked["classes"], arrays, "")
        if len(self.classes_) < 2:
            raise damaged("it has a single class")
        restore_transform(self, checked, arrays, len(self.classes_))
        self.factor_, self.neighbors_ = checked["factor"], None
        if "neighbors" in checked:
            self.neighbors_ = _neighbors(self, checked["neighbors"], arrays)


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
