"""Lion: steps of a constant size along the signs of a running mean of the gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import tree
from .leaves import running_mean, scale_leaves, zeros
from .schedules import as_schedule, check_number
from .transforms import Optimizer, with_decay


class LionState(NamedTuple):
    """State of `lion`."""

    count: Any
    mean: Any


def lion(
    learning_rate: Any = 1e-4, b1: float = 0.9, b2: float = 0.99, weight_decay: float = 0.0
) -> Optimizer[LionState]:
    """Steps of size `learning_rate` along the signs of a running mean of the gradient.

    The update is ``-learning_rate * (sign(b1 * m + (1 - b1) * g) + weight_decay * p)``, and then
    ``m = b2 * m + (1 - b2) * g``. The state is one array for each parameter, where `adam` has two.
    The authors recommend learning rates 3 to 10 times smaller than for `adamw`, and a weight decay
    larger by the same factor.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.0001.
    b1, b2 : float
        In ``0 ... 1``. Default 0.9 and 0.99.
    weight_decay : float
        Default 0. If there is one, `update` needs the parameters.

    References
    ----------
    X. Chen et al.: "Symbolic discovery of optimization algorithms", arXiv:2302.06675 (2023).

    Examples
    --------
    >>> from chainrule.optim import apply_updates
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
    schedule = as_schedule(learning_rate)
    check_number("b1", b1, below=1.0)
    check_number("b2", b2, below=1.0)
    check_number("weight_decay", weight_decay)

    def init(params: Any) -> LionState:
        return LionState(np.int32(0), zeros(params))

    def update(grads: Any, state: LionState, params: Any = None) -> tuple[Any, LionState]:
        step_size = schedule(state.count)
        signs = tree.map(lambda m, g: np.sign(running_mean(b1, m, g)), state.mean, grads)
        updates = scale_leaves(-step_size, signs)
        updates = with_decay(updates, step_size, weight_decay, params)
        mean = tree.map(lambda m, g: running_mean(b2, m, g), state.mean, grads)
        return updates, LionState(state.count + 1, mean)

    return Optimizer(init, update)
