"""From outputs for the classes to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Array = NDArray[np.float64]
LEAST, MOST = 0.05, 400.0  # the first factor
BOUND = 1e3  # of all others
PENALTY = 1e-3  # of squared shifts


def fit_softmax(outputs: Array, codes: Any, weights: Array | None) -> tuple[Array, Array]:
    """The factors and shifts of a softmax with the least log loss on rows that were left out.

    The softmax is of the sum of all outputs, each by its factor, and of a shift of each class;
    without weights there are no shifts.

    Labels count as a little less than sure, so that few rows without an error do not make it sure
    of all (Platt, "Probabilistic outputs for support vector machines", 1999).

    Parameters
    ----------
    outputs : float64 array of shape (models, rows, classes)
        Of several models (Wolpert, "Stacked generalization", Neural Networks 1992).
    codes : int array of shape (rows,)
        The place of each row's class.
    weights : float64 array of shape (rows,) or None

    Returns
    -------
    factors : float64 array of shape (models,)
        The first is positive, the others 0 or more.
    shifts : float64 array of shape (classes,)

    Examples
    --------
    >>> outputs = np.array([[[1.0, -1.0], [-1.0, 1.0], [0.2, -0.2], [0.1, -0.1]]])
    >>> fit_softmax(outputs, np.array([0, 1, 0, 1]), None)[0].round(2)
    array([0.56])
    """
    models, rows, count = outputs.shape
    even = np.ones(rows) if weights is None else weights / weights.mean()
    sizes = np.bincount(codes, weights=even, minlength=count)
    sure = (sizes + 1.0) / (sizes + 2.0)
    targets = np.repeat(((1.0 - sure) / (count - 1))[codes][:, None], count, axis=1)
    targets[np.arange(rows), codes] = sure[codes]
    shares = even / rows

    def loss(parameters: Array) -> tuple[float, Array]:
        factors, shifts = parameters[:models], parameters[models:]
        shifts = shifts if shifts.size else np.zeros(count)
        logs = log_softmax(np.tensordot(factors, outputs, 1) + shifts, axis=1)
        slopes = (np.exp(logs) - targets) * shares[:, None]
        of_factors = np.tensordot(outputs, slopes, 2)
        of_shifts = slopes.sum(axis=0) + 2 * PENALTY * shifts
        value = -np.sum(targets * logs * shares[:, None]) + PENALTY * np.sum(shifts**2)
        return float(value), np.concatenate([of_factors, of_shifts[: parameters.size - models]])

    shifted = 0 if weights is None else count
    start = np.concatenate([[1.0], np.full(models - 1, 0.5), np.zeros(shifted)])
    bounds = [(LEAST, MOST), *[(0.0, BOUND)] * (models - 1), *[(-BOUND, BOUND)] * shifted]
    fitted = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return fitted[:models], fitted[models:] if shifted else np.zeros(count)


def probabilities(outputs: Array, factor: float) -> Array:
    """The probability of each class, of shape (rows, classes)."""
    return np.asarray(softmax(factor * outputs, axis=1), np.float64)
