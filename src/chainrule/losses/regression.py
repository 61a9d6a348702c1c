"""Losses of real numbers: squared, absolute, quantiles, and a normal distribution's likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..typing import Array
from .reduction import Reduction, as_float, cast_like, check_same_shape, difference, reduce_losses


def squared_error(
    predictions: Any, targets: Any, *, sample_weight: Any = None, reduction: Reduction = "mean"
) -> Array:
    """``(predictions - targets)**2``, without a factor of 1/2.

    Parameters
    ----------
    predictions, targets : array of one shape
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(squared_error(np.array([1.0, 4.0]), np.array([0.0, 2.0])))
    2.5
    >>> float(squared_error(np.array([1.0, 4.0]), np.array([0, 2]), sample_weight=np.array([3, 1])))
    1.75
    """
    error = difference("squared_error", predictions, targets)
    return reduce_losses(error * error, sample_weight, reduction)


def absolute_error(
    predictions: Any, targets: Any, *, sample_weight: Any = None, reduction: Reduction = "mean"
) -> Array:
    """``|predictions - targets|``; the derivative is 0 where they are equal.

    Parameters
    ----------
    predictions, targets : array of one shape
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(absolute_error(np.array([1.0, 4.0]), np.array([0.0, 2.0])))
    1.5
    """
    return reduce_losses(
        np.abs(difference("absolute_error", predictions, targets)), sample_weight, reduction
    )


def huber(
    predictions: Any,
    targets: Any,
    *,
    delta: float = 1.0,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """``e**2 / 2`` for an error within `delta`, ``delta * (|e| - delta / 2)`` beyond it.

    Parameters
    ----------
    predictions, targets : array of one shape
    delta : float
        From where on the loss is linear; positive. Default 1.
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    P. J. Huber: "Robust estimation of a location parameter", Annals of Mathematical Statistics 35
    (1964).

    Examples
    --------
    >>> import numpy as np
    >>> huber(np.array([0.5, -3.0]), np.zeros(2), reduction="none").tolist()
    [0.125, 2.5]
    """
    if not delta > 0:
        raise ValueError(at_user_line(f"huber: delta={delta} is not positive"))
    error = difference("huber", predictions, targets)
    near = np.clip(error, -delta, delta)
    # near = e: e**2 / 2; near = delta: delta * (e - delta / 2); near = -delta: as for -e
    return reduce_losses(near * (error - 0.5 * near), sample_weight, reduction)


def pinball(
    predictions: Any,
    targets: Any,
    quantiles: float | Sequence[float] = 0.5,
    *,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """``q * e`` for an error ``e = targets - predictions`` above 0, ``(q - 1) * e`` below.

    It is least, on average, where a share `q` of the targets lies below the prediction. The
    derivative by the prediction at ``e = 0`` is ``1/2 - q``, halfway between those beside it.

    Parameters
    ----------
    predictions : array of the targets' shape, or of shape (..., q) for q quantiles
    targets : array of shape (...,)
    quantiles : float or sequence of float
        Known numbers between 0 and 1: one, or one for each entry of the predictions' last axis.
        Default 0.5, half of `absolute_error`.
    sample_weight, reduction
        See `chainrule.losses`; losses have the shape of the predictions.

    Raises
    ------
    ShapeError
        If the shapes do not fit each other and the quantiles.
    ValueError
        If a quantile is not between 0 and 1.

    References
    ----------
    R. Koenker, G. Bassett: "Regression quantiles", Econometrica 46 (1978).

    Examples
    --------
    >>> import numpy as np
    >>> pinball(np.array([1.0, 5.0]), np.array([3.0, 3.0]), 0.9, reduction="none").round(3).tolist()
    [1.8, 0.2]
    >>> both = pinball(np.array([[1.0, 5.0]]), np.array([3.0]), (0.1, 0.9), reduction="none")
    >>> both.round(3).tolist()
    [[0.2, 0.2]]
    """
    predictions = as_float(predictions)
    targets = cast_like(targets, predictions)
    levels = np.asarray(quantiles, np.float64)
    if levels.ndim > 1 or not np.all((levels > 0) & (levels < 1)):
        raise ValueError(
            at_user_line(
                f"pinball: quantiles={quantiles!r:.60}: give a number between 0 and 1, or a "
                "sequence of them"
            )
        )
    if levels.ndim == 0:
        check_same_shape("pinball", "predictions", predictions, "targets", targets)
    else:
        _check_last_axis("pinball", predictions, targets, levels.size, "one number a quantile")
        targets = targets[..., None]
    error = targets - predictions
    return reduce_losses(
        np.maximum(cast_like(levels, error) * error, cast_like(levels - 1.0, error) * error),
        sample_weight,
        reduction,
    )


def gaussian_nll(
    predictions: Any, targets: Any, *, sample_weight: Any = None, reduction: Reduction = "mean"
) -> Array:
    """Negative log likelihood of a normal distribution with predicted mean and variance.

    ``(log(2 pi) + s + (y - m)**2 * exp(-s)) / 2`` for a target y, a mean m and the logarithm s of
    the variance, which may be any number.

    Parameters
    ----------
    predictions : array of shape (..., 2)
        Mean and log variance.
    targets : array of shape (...,)
    sample_weight, reduction
        See `chainrule.losses`; a loss has the shape (...,).

    Raises
    ------
    ShapeError
        If the shapes are others.

    References
    ----------
    D. A. Nix, A. S. Weigend: "Estimating the mean and variance of the target probability
    distribution" (1994).

    Examples
    --------
    >>> import numpy as np
    >>> predictions = np.array([[3.0, 0.0], [3.0, 2.0]])
    >>> gaussian_nll(predictions, np.array([3.0, 5.0]), reduction="none").round(4).tolist()
    [0.9189, 2.1896]
    """
    predictions = as_float(predictions)
    targets = cast_like(targets, predictions)
    _check_last_axis("gaussian_nll", predictions, targets, 2, "mean and log variance")
    mean, log_variance = predictions[..., 0], predictions[..., 1]
    # scaled before it is squared: no overflow unless the loss itself is that large
    deviation = (targets - mean) * np.exp(-0.5 * log_variance)
    return reduce_losses(
        0.5 * (log(2.0 * pi) + log_variance + deviation * deviation), sample_weight, reduction
    )


def _check_last_axis(name: str, predictions: Any, targets: Any, size: int, meaning: str) -> None:
    if predictions.shape != (*targets.shape, size):
        raise ShapeError(
            at_user_line(
                f"{name}: targets have shape {targets.shape}, so predictions have shape "
                f"{(*targets.shape, size)} ({meaning}), and not {predictions.shape}"
            )
        )
