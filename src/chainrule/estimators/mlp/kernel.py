"""A Gaussian process beside a perceptron: its mean is one more member of the ensemble.

Its arrays are the entry ``kernel`` of a network's weights, which no gradient moves:

``rows``
    The scaled rows of the training that the process knows, shape (known, features).
``scales``
    By which each feature is multiplied before distances are taken, shape (features,).
``coefs``
    Of the known rows, shape (known,).
``slopes``
    Of the linear part, shape (features,).
``shares``
    Of the rough kernel ``exp(-ratio r)`` and the smooth one (Matérn's with 5/2), and the ratio.
``weight``
    Of the process in the prediction, a number between 0 and 1.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, TypeAlias

import numpy as np

Kernel: TypeAlias = dict[str, Any]

NAMES = ("rows", "scales", "coefs", "slopes", "shares", "weight")
NEAREST = 1e-6  # distances below it are this: the root has no slope at 0


def kernel_mean(kernel: Kernel, x: Any) -> Any:
    """The mean of the process at some rows, shape (rows, 1), in float64."""
    x = x.astype(np.float64)
    covariances = covariance(kernel["shares"], x * kernel["scales"], kernel["rows"])
    return (covariances @ kernel["coefs"] + x @ kernel["slopes"])[:, None]


def covariance(shares: Any, x: Any, rows: Any) -> Any:
    """Of the scaled rows `x` with the rows that are known, without the linear part."""
    squares = np.sum(x * x, axis=1)[:, None] + np.sum(rows * rows, axis=1) - 2.0 * (x @ rows.T)
    distances = np.sqrt(np.maximum(squares, NEAREST**2))
    near = sqrt(5.0) * distances
    rough = np.exp(-shares[2] * distances)
    smooth = (1.0 + near + near * near / 3.0) * np.exp(-near)
    return shares[0] * rough + shares[1] * smooth


def blended(kernel: Kernel, outputs: Any, x: Any) -> Any:
    """Raw outputs of a network, or of all its members, with the process's share in each."""
    weight = kernel["weight"]
    mixed = (1.0 - weight) * outputs.astype(np.float64) + weight * kernel_mean(kernel, x)
    return mixed.astype(outputs.dtype)
