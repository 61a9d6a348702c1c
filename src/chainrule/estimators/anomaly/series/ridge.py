"""Ridge regression in closed form, which outliers and missing features leave nearly as it is."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .reading import usual_scale

Floats: TypeAlias = NDArray[np.float64]

PENALTY = 0.03  # a row and feature of variance 1
ROBUST = 4.0  # scales of the residuals; a target further off is moved to that distance
LEAST_COMPLETE = 0.25  # of the rows have all features, or those without count too


def predict(features: Floats, weights: Floats, intercepts: Floats) -> Floats:
    """Return the forecast changes (rows, channels); a missing feature counts as its mean."""
    means, spreads, coefficients = weights[:, 0], weights[:, 1], weights[:, 2]
    about = (features - means[:, None]) / spreads[:, None]
    about = np.where(np.isfinite(about), about, 0.0)
    products = (about * coefficients[:, None]).sum(axis=2)  # in one order, be it for one row
    return np.asarray(products.T + intercepts)


def ridge(features: Floats, targets: Floats) -> tuple[Floats, float]:
    """Return means, scales and coefficients (3, features) and the intercept, without outliers.

    Coefficients minimise the mean of squares plus 0.03 times theirs; a target that is more than 4
    robust scales off the first fit is moved to that distance for a second.

    Examples
    --------
    >>> x = np.arange(8.0)[:, None]
    >>> weights, intercept = ridge(x, 3 * x[:, 0] + 1)
    >>> float((weights[2] / weights[1]).round(2)[0]), round(intercept, 2)
    (2.91, 11.5)
    """
    known = np.isfinite(targets)
    complete = known & np.isfinite(features).all(axis=1)
    if complete.sum() >= LEAST_COMPLETE * known.sum():
        known = complete
    x, y = features[known], np.asarray(targets[known], np.float64)
    counts = np.maximum(np.isfinite(x).sum(axis=0), 1)
    means = np.where(np.isfinite(x), x, 0.0).sum(axis=0) / counts
    about = np.where(np.isfinite(x), x - means, 0.0)
    spreads = np.sqrt((about**2).sum(axis=0) / counts)
    spreads = np.where(spreads > 1e-9 * (1 + np.abs(means)), spreads, 1.0)
    about /= spreads
    matrix = about.T @ about + PENALTY * max(len(x), 1) * np.eye(x.shape[1])
    coefficients: Floats = np.zeros(x.shape[1])
    intercept = 0.0
    for fit in range(2):
        if fit:
            error = y - about @ coefficients - intercept
            scale = float(usual_scale(error[:, None])[0])
            y = np.asarray(y - error + np.clip(error, -ROBUST * scale, ROBUST * scale))
        intercept = float(y.mean()) if len(y) else 0.0
        coefficients = np.asarray(np.linalg.solve(matrix, about.T @ (y - intercept)), np.float64)
    return np.stack([means, spreads, coefficients]), intercept
