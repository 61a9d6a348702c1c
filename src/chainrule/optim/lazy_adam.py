"""Adam that leaves out what a batch did not look up: for tables of which a step reads few rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from .optimizers import AdamState, adamw
from .transforms import Optimizer


def lazy_adam(
    learning_rate: Any = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    *,
    epsilon_hat: bool = False,
) -> Optimizer[AdamState]:
    """`adamw` that changes only rows with a gradient: those of a table that a batch looked up.

    A row is what lies along the last axis, such as the vector of a code in `nn.Embedding`. Where a
    row of the gradient has an entry that is not 0, the row's moments and parameters change as those
    of `adamw` do; all other rows stay as they are, bit for bit::

        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        p = p - learning_rate * (m_hat / (sqrt(s_hat) + eps) + weight_decay * p)

    with ``m_hat = m / (1 - b1**t)`` and ``s_hat = s / (1 - b2**t)`` of step number t, for all rows
    the same. Gradients of a code that a batch has twice are added first. Parameters of fewer than
    two axes, such as biases, are updated as by `adamw`.

    Dense Adam goes on moving a row for some steps after it was looked up, by what is left of its
    mean, and lets its moments shrink. Here they wait: a rare word's next gradient meets the moments
    of its last one, so that rare rows take larger steps, and decay only when they are looked up.
    So both learn alike, but not the same.

    Compiled, a step takes the time of the rows that it looks up, and none for the others, if these
    are at most a quarter of the table, the table is looked up once, and nothing else reads its
    gradient as a whole, as a clip by the global norm does, or the table itself, as an average of
    weights does. Otherwise (an embedding that is the output's matrix, too) the result is the same
    and takes the time of the whole table.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.001.
    b1, b2 : float
        In ``0 ... 1``. Default 0.9 and 0.999.
    eps : float
        Default 1e-8.
    weight_decay : float
        Of rows with a gradient. Default 0.
    epsilon_hat : bool
        Whether to add `eps` to ``sqrt(s)``, as PyTorch's SparseAdam does; see `adam`. Default
        False.

    References
    ----------
    D. P. Kingma, J. Ba: "Adam: a method for stochastic optimization", arXiv:1412.6980 (2014),
    algorithm 1, on the rows that a batch looked up: TensorFlow Addons' LazyAdam (2017), PyTorch's
    SparseAdam.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.optim import apply_updates
    >>> optimizer = lazy_adam(0.1)
    >>> table = np.ones((3, 2))
    >>> state = optimizer.init(table)
    >>> for code in (0, 2, 2):
    ...     gradient = np.zeros((3, 2))
    ...     gradient[code] = 4.0
    ...     updates, state = optimizer.update(gradient, state)
    ...     table = apply_updates(table, updates)
    >>> table.round(3).tolist()
    [[0.9, 0.9], [1.0, 1.0], [0.84, 0.84]]
    """
    dense = adamw(learning_rate, b1, b2, eps, weight_decay, epsilon_hat=epsilon_hat)

    def update(grads: Any, state: AdamState, params: Any = None) -> tuple[Any, AdamState]:
        updates, new = dense.update(grads, state, params)
        mean = tree.map(_changed_rows, grads, new.mean, state.mean)
        square = tree.map(_changed_rows, grads, new.square, state.square)
        return tree.map(_changed_rows, grads, updates), AdamState(new.count, mean, square)

    return Optimizer(dense.init, update)


def _changed_rows(gradient: Any, new: Any, old: Any = None) -> Any:
    """`new` where rows have a gradient, else `old`; without one -0, which added changes nothing."""
    if np.ndim(gradient) < 2:
        return new
    has_gradient = np.any(gradient != 0, axis=-1, keepdims=True)
    return np.where(has_gradient, new, new.dtype.type(-0.0) if old is None else old)
