"""Losses of counts and amounts, by the logarithm of their mean: deviances, 0 where it is met.

A deviance is twice what the log-likelihood lacks of that of a perfect prediction. The models that
it belongs to are in P. McCullagh, J. A. Nelder: "Generalized linear models" (1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..lazy import LazyModule
from .labels import between, check, marked
from .reduction import Reduction, check_same_shape, like, real, reduced

_special = LazyModule("scipy.special")


def poisson(
    log_rate: Any, target: Any, *, weights: Any = None, reduction: Reduction = "mean"
) -> Any:
    """``2 * (target * log(target / rate) - target + rate)`` where ``rate = exp(log_rate)``.

    The deviance of Poisson's distribution; its derivative by `log_rate` is
    ``2 * (rate - target)``.

    Parameters
    ----------
    log_rate : array
        A model's outputs: any numbers.
    target : array of the same shape
        Counts, or amounts of 0 or more.
    weights, reduction
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
    >>> poisson(log_rate, np.array([0, 2, 5]), reduction="none").round(4).tolist()
    [4.0, 0.0, 3.1629]
    """
    log_rate, target, valid = _amounts("poisson", "log_rate", log_rate, target)
    surprise = _special.xlogy(target, target) - target * log_rate
    deviance = 2.0 * (surprise - target + np.exp(log_rate))
    return reduced(marked(deviance, valid), weights, reduction)


def tweedie(
    log_mean: Any,
    target: Any,
    power: float = 1.5,
    *,
    weights: Any = None,
    reduction: Reduction = "mean",
) -> Any:
    """Deviance of amounts that are often 0: their variance grows as ``mean**power``.

    ``2 * (y**(2-p) / ((1-p) (2-p)) - y * m**(1-p) / (1-p) + m**(2-p) / (2-p))`` for a target y,
    a mean ``m = exp(log_mean)`` and the power p: a sum of a Poisson number of gamma variables.

    Parameters
    ----------
    log_mean : array
        A model's outputs: any numbers.
    target : array of the same shape
        Amounts of 0 or more.
    power : float
        Between 1 (`poisson`) and 2 (the gamma distribution). Default 1.5.
    weights, reduction
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
    >>> tweedie(log_mean, np.array([0.0, 4.0, 9.0]), reduction="none").round(4).tolist()
    [8.0, 0.0, 2.0]
    """
    if not 1 < power < 2:
        raise ValueError(at_user_line(f"tweedie: power={power} is not between 1 and 2"))
    log_mean, target, valid = _amounts("tweedie", "log_mean", log_mean, target)
    above, below = power - 1.0, 2.0 - power
    # where the target is 0 so is this term, though exp(-above * log_mean) may overflow
    relevant = np.where(target > 0, log_mean, 0)
    deviance = (
        np.exp(below * log_mean) / below
        + target * np.exp(-above * relevant) / above
        - target**below / (above * below)
    )
    return reduced(marked(2.0 * deviance, valid), weights, reduction)


def _amounts(name: str, first: str, prediction: Any, target: Any) -> tuple[Any, Any, Any]:
    prediction = real(prediction)
    target = like(target, prediction)
    check_same_shape(name, first, prediction, "target", target)

    def tell(known: Any) -> str:
        return f"{name}: a target is {np.min(known)}: targets are 0 or more"

    return prediction, target, check(target, between(0, np.inf), tell)
