"""Lion: steps of one size, whose signs a running mean of the gradient decides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import at_user_line
from ..trace.operands import is_plain_number
from .leaves import running, scaled, zeros
from .schedules import as_schedule, checked
from .transforms import Optimizer, apply_updates


class Mean(NamedTuple):
    """State of `lion`."""

    step: Any
    mean: Any


def lion(
    rate: Any = 1e-4, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0
) -> Optimizer:
    """Steps of size `rate` along the signs of a running mean of the gradient.

    The update is ``-rate * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p)``; after it, ``m
    = beta2 * m + (1 - beta2) * g``. It keeps one array a parameter where `adam` keeps two. Its
    authors choose rates 3 to 10 times smaller than for `adamw`, and a decay as much larger.

    Parameters
    ----------
    rate : float or schedule
        Default 0.0001.
    beta1, beta2 : float
        In ``0 ... 1``. Default 0.9 and 0.99.
    weight_decay : float
        Default 0. If there is one, `update` needs the parameters.

    References
    ----------
    X. Chen et al.: "Symbolic discovery of optimization algorithms", arXiv:2302.06675 (2023).

    Examples
    --------
    >>> optimizer = lion(0.3, weight_decay=0.1)
    >>> w, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(3):  # on w**2, whose gradient is 2 w
    ...     updates, state = optimizer.update(2.0 * w, state, w)
    ...     w = apply_updates(w, updates)
    ...     print(round(float(w), 4))
    0.67
    0.3499
    0.0394
    """
    schedule = as_schedule(rate)
    checked("beta1", beta1, below=1.0)
    checked("beta2", beta2, below=1.0)
    checked("weight_decay", weight_decay)
    decays = not (is_plain_number(weight_decay) and weight_decay == 0)

    def init(params: Any) -> Mean:
        return Mean(np.int32(0), zeros(params))

    def update(grads: Any, state: Mean, params: Any = None) -> tuple[Any, Mean]:
        rate_now = schedule(state.step)
        signs = tree.map(lambda m, g: np.sign(running(beta1, m, g)), state.mean, grads)
        updates = scaled(-rate_now, signs)
        if decays:
            if params is None:
                raise TypeError(
                    at_user_line("weight decay needs the parameters: update(grads, state, params)")
                )
            updates = apply_updates(updates, scaled(-rate_now * weight_decay, params))
        mean = tree.map(lambda m, g: running(beta2, m, g), state.mean, grads)
        return updates, Mean(state.step + 1, mean)

    return Optimizer(init, update)
