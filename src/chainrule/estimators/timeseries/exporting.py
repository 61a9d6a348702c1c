"""Models of time series as ONNX: from series of one length to the answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...export import OnnxBuilder
from ..serialization.exporting import EXAMPLE, ROWS, metadata, name_classes
from .kernels import KERNELS, REACH, TAPS, Kernels, output_masks
from .neighbors import LEAST, Neighbors, warped_distances
from .scaling import LARGEST, statistics


def timeseries_onnx(model: Any) -> Any:
    """A fitted model as an ONNX model, with the input "X" of shape (rows, channels, points).

    Its numbers are float64, none missing: gaps are not bridged there. Outputs are "label" and
    "probabilities" of a classifier, "prediction" of a regressor.

    Raises
    ------
    UnsupportedError
        If series of the training had unequal lengths.
    """
    if not model.equal_length_:
        raise UnsupportedError(
            "series of the training have unequal lengths, and those of an ONNX model one: bring "
            "them to one length and fit again, or use save()"
        )
    shape = (model.n_features_in_, model.length_)
    builder = OnnxBuilder()
    value = builder.input("X", np.float64, (ROWS, *shape))
    example = np.zeros((EXAMPLE, *shape))
    is_classifier = hasattr(model, "classes_")

    def answers(x: Any) -> list[Any]:
        outputs = _outputs(model, x)
        if model.neighbors_ is not None:
            outputs = outputs + _of_neighbors(model.neighbors_, x)
        if not is_classifier:
            return [outputs[:, 0] * model.unit_]
        scaled = outputs * model.factor_
        powers = np.exp(scaled - np.max(scaled, axis=1, keepdims=True))
        probabilities = powers / np.sum(powers, axis=1, keepdims=True)
        return [np.argmax(outputs, axis=1).astype(np.int64), probabilities]

    outputs = builder.call(answers, [value], example)
    if is_classifier:
        name_classes(builder, model, outputs[0])
        builder.output(outputs[1], "probabilities")
    else:
        builder.output(outputs[0], "prediction")
    return builder.model(metadata(model))


def _outputs(model: Any, x: Any) -> Any:
    """What the ridge says of raw series without gaps."""
    transform, ridge = model.transform_, model.ridge_
    scale = transform.scale
    scaled = (x - scale.means[:, None]) / scale.deviations[:, None]
    values = np.clip(scaled, -LARGEST, LARGEST).astype(np.float32)
    changes = values[:, :, 1:] - values[:, :, :-1]
    changes = np.pad(changes, ((0, 0), (0, 0), (0, 1)))
    points = model.length_
    parts = [
        *_shares(values, transform.of_values, points, points),
        *_shares(changes, transform.of_changes, points, points - 1),
        statistics(values, np.ones((1, points), np.float32)),
    ]
    return np.concatenate(parts, axis=1).astype(np.float64) @ ridge.coefficients + ridge.intercepts


def _of_neighbors(neighbors: Neighbors, x: Any) -> Any:
    """What the neighbours say of raw series without gaps."""
    points = neighbors.series.shape[2]
    at, length = np.linspace(0, x.shape[2] - 1, points), np.arange(x.shape[2])
    lines = np.stack([np.interp(at, length, one) for one in np.eye(x.shape[2])])
    largest = np.maximum(np.max(np.abs(x), axis=2, keepdims=True), np.finfo(float).tiny)
    stretched = np.matmul(x / largest, lines)
    centred = stretched - np.mean(stretched, axis=2, keepdims=True)
    deviations = np.sqrt(np.mean(centred * centred, axis=2, keepdims=True))
    shapes = np.where(deviations > LEAST, centred / np.maximum(deviations, LEAST), 0.0)
    return neighbors.outputs(warped_distances(shapes.astype(np.float32), neighbors.series))


def _shares(values: Any, kernels: Kernels, points: int, length: int) -> list[Any]:
    """The features of each dilation, as `kernels.kernel_features` has them."""
    counts = np.arange(points)[None] < length
    features = []
    for k, dilation in enumerate(kernels.dilations.tolist()):
        margin = REACH * dilation
        seen = np.take(values, kernels.channels[k], axis=1)
        padded = np.pad(seen, ((0, 0), (0, 0), (margin, margin)))
        shifts = [padded[:, :, j * dilation : j * dilation + points] for j in range(TAPS)]
        shifted = np.reshape(
            np.stack(shifts, axis=2), (values.shape[0], seen.shape[1] * TAPS, points)
        )
        outputs = np.matmul(kernels.weights(k), shifted)
        masks = output_masks(counts, np.array([length]), dilation)
        halves = []
        for half in range(2):
            passed = outputs[:, half::2, None, :] > kernels.biases[k][half::2, :, None]
            halves.append(np.sum(np.where(passed, masks[half, 0], np.float32(0)), axis=3))
        width = KERNELS * kernels.biases.shape[2]
        features.append(np.reshape(np.stack(halves, axis=2), (values.shape[0], width)))
    return features
