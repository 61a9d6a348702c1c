"""From a ridge's outputs to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

Array = NDArray[np.float64]
BOUNDS = (-3.0, 6.0)  # of the factor's logarithm


def fit_factor(outputs: Array, codes: Any, weights: Array | None) -> float:
    """The factor before the softmax with the least log loss on outputs of rows that were left out.

    Labels count as a little less than sure, so that few rows without an error do not make it sure
    of all (Platt, "Probabilistic outputs for support vector machines", 1999).

    Parameters
    ----------
    outputs : float64 array of shape (rows, classes)
    codes : int array of shape (rows,)
        The place of each row's class.
    weights : float64 array of shape (rows,) or None

    Examples
    --------
    >>> outputs = np.array([[1.0, -1.0], [-1.0, 1.0], [0.2, -0.2], [0.1, -0.1]])
    >>> round(fit_factor(outputs, np.array([0, 1, 0, 1]), None), 2)
    0.56
    """
    count = outputs.shape[1]
    sizes = np.bincount(codes, minlength=count)
    sure = (sizes + 1.0) / (sizes + 2.0)
    targets = np.repeat(((1.0 - sure) / (count - 1))[codes][:, None], count, axis=1)
    targets[np.arange(len(codes)), codes] = sure[codes]

    def loss(logarithm: float) -> float:
        of_rows = -np.sum(targets * log_softmax(np.exp(logarithm) * outputs, axis=1), axis=1)
        return float(np.average(of_rows, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=BOUNDS, method="bounded").x))


def probabilities(outputs: Array, factor: float) -> Array:
    """The probability of each class, of shape (rows, classes)."""
    return np.asarray(softmax(factor * outputs, axis=1), np.float64)
