"""Losses of counts and amounts, by the logarithm of their mean: deviances, 0 where it is met.

A deviance is twice what the log-likelihood lacks of that of a perfect prediction. The models that
it belongs to are in P. McCullagh, J. A. Nelder: "Generalized linear models" (1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..lazy import LazyModule
from ..typing import Array
from .labels import between, check, mark_invalid
from .reduction import Reduction, as_float, cast_like, check_same_shape, reduce_losses

_special = LazyModule("scipy.special")


def poisson_deviance(
    log_rate: Any, targets: Any, *, sample_weight: Any = None, reduction: Reduction = "mean"
) -> Array:
    """``2 * (y * log(y / rate) - y + rate)`` for a target y, where ``rate = exp(log_rate)``.

    The deviance of Poisson's distribution; its derivative by `log_rate` is
    ``2 * (rate - y)``.

    Parameters
    ----------
    log_rate : array
        A model's outputs: any numbers.
    targets : array of the same shape
        Counts, or amounts of 0 or more.
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If a target is negative or nan. (In a compiled function, which cannot raise, its loss and
        the derivative are nan.)

    Examples
    --------
    >>> import numpy as np
    >>> log_rate = np.log(np.array([2.0, 2.0, 2.0]))
    >>> poisson_deviance(log_rate, np.array([0, 2, 5]), reduction="none").round(4).tolist()
    [4.0, 0.0, 3.1629]
    """
    log_rate, targets, valid = _check_amounts("poisson_deviance", "log_rate", log_rate, targets)
    surprise = _special.xlogy(targets, targets) - targets * log_rate
    deviance = 2.0 * (surprise - targets + np.exp(log_rate))
    return reduce_losses(mark_invalid(deviance, valid), sample_weight, reduction)


def tweedie_deviance(
    log_mean: Any,
    targets: Any,
    power: float = 1.5,
    *,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """Deviance of amounts that are often 0: their variance grows as ``mean**power``.

    ``2 * (y**(2-p) / ((1-p) (2-p)) - y * m**(1-p) / (1-p) + m**(2-p) / (2-p))`` for a target y,
    a mean ``m = exp(log_mean)`` and the power p: a sum of a Poisson number of gamma variables.

    Parameters
    ----------
    log_mean : array
        A model's outputs: any numbers.
    targets : array of the same shape
        Amounts of 0 or more.
    power : float
        Between 1 (`poisson_deviance`) and 2 (the gamma distribution). Default 1.5.
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If the power is out of range, or a target is negative or nan. (In a compiled function,
        which cannot raise, its loss and the derivative are nan.)

    References
    ----------
    B. Jørgensen: "Exponential dispersion models", Journal of the Royal Statistical Society B 49
    (1987).

    Examples
    --------
    >>> import numpy as np
    >>> log_mean = np.log(np.array([4.0, 4.0, 4.0]))
    >>> tweedie_deviance(log_mean, np.array([0.0, 4.0, 9.0]), reduction="none").round(4).tolist()
    [8.0, 0.0, 2.0]
    """
    if not 1 < power < 2:
        raise ValueError(at_user_line(f"tweedie_deviance: power={power} is not between 1 and 2"))
    log_mean, targets, valid = _check_amounts("tweedie_deviance", "log_mean", log_mean, targets)
    above, below = power - 1.0, 2.0 - power
    # where the target is 0 so is this term, though exp(-above * log_mean) may overflow
    relevant = np.where(targets > 0, log_mean, 0)
    deviance = (
        np.exp(below * log_mean) / below
        + targets * np.exp(-above * relevant) / above
        - targets**below / (above * below)
    )
    return reduce_losses(mark_invalid(2.0 * deviance, valid), sample_weight, reduction)


def _check_amounts(name: str, first: str, predictions: Any, targets: Any) -> tuple[Any, Any, Any]:
    predictions = as_float(predictions)
    targets = cast_like(targets, predictions)
    check_same_shape(name, first, predictions, "targets", targets)

    def describe(known: Any) -> str:
        return f"{name}: a target is {np.min(known)}: targets are 0 or more"

    return predictions, targets, check(targets, between(0, np.inf), describe)
