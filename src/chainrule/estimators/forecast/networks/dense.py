"""What the networks share: dense layers, how windows meet other inputs, and fixed matrices.

Every network is called as ``network(window, ahead)``: windows of shape (rows, length), other inputs
of shape (rows, inputs) or None, and returns forecasts of shape (rows, horizon), or
(rows, horizon, quantiles) where it has quantiles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import nn

Matrix: TypeAlias = NDArray[np.float32]


def dense(inputs: int, outputs: int, key: Any) -> nn.Dense:
    """A dense layer that begins as PyTorch's: sums of branches learn markedly better from it."""
    return nn.Dense(
        inputs, outputs, key=key, weight_init=nn.torch_uniform, bias_init=nn.torch_uniform
    )


def zero_dense(inputs: int, outputs: int, key: Any) -> nn.Dense:
    """The last layer of a branch that is added to others: it begins as 0."""
    return nn.Dense(inputs, outputs, key=key, weight_init=nn.zeros)


def with_ahead(window: Any, ahead: Any) -> Any:
    """Windows and the other inputs side by side."""
    return window if ahead is None else np.concatenate([window, ahead], axis=1)


def as_forecasts(outputs: Any, horizon: int, quantiles: int) -> Any:
    """Outputs of shape (rows, horizon * quantiles) as forecasts; without quantiles as they are."""
    return outputs.reshape(outputs.shape[0], horizon, quantiles) if quantiles else outputs


def relu_layers(layers: Any, x: Any) -> Any:
    """Dense layers, each followed by relu."""
    for layer in layers:
        x = nn.relu(layer(x))
    return x


@lru_cache(maxsize=32)
def moving_average_matrix(length: int, kernel: int) -> Matrix:
    """The matrix A for which ``x @ A`` is the centred moving average of the rows of x.

    Both ends are continued by their last value, as DLinear does.

    Examples
    --------
    >>> (np.float32([[3.0, 0.0, 6.0, 0.0]]) @ moving_average_matrix(4, 3)).tolist()
    [[2.0, 3.0, 2.0, 2.0]]
    """
    matrix = np.zeros((length, length))
    before = (kernel - 1) // 2
    for step in range(length):
        rows = np.clip(np.arange(step - before, step - before + kernel), 0, length - 1)
        np.add.at(matrix[:, step], rows, 1.0 / kernel)
    return matrix.astype(np.float32)


@lru_cache(maxsize=32)
def interpolation_matrix(knots: int, horizon: int) -> Matrix:
    """The matrix A for which ``y @ A`` interpolates the rows of y linearly from knots to horizon.

    Positions are those of PyTorch's ``interpolate(mode="linear", align_corners=False)``: step h is
    at ``(h + 1/2) * knots / horizon - 1/2``, within the first and the last knot.

    Examples
    --------
    >>> (np.float32([[0.0, 4.0]]) @ interpolation_matrix(2, 4)).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    position = np.clip((np.arange(horizon) + 0.5) * knots / horizon - 0.5, 0, knots - 1)
    distance = np.abs(position - np.arange(knots)[:, None])
    return np.maximum(1.0 - distance, 0.0).astype(np.float32)
