"""An epoch as one function, hence one graph: everything between two looks at the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..optim import Optimizer, apply_updates
from ..random import permutation
from ..transforms import scan, value_and_grad

Loss = Callable[[Any, Any], Any]
Epoch = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any, Any]]


def make_epoch(loss: Loss, optimizer: Optimizer, batch_size: int) -> Epoch:
    """Make the function that trains on every row once; give it to `jit`.

    Parameters
    ----------
    loss : callable
        ``loss(model(x), y)``: the mean over the rows.
    optimizer : Optimizer
    batch_size : int
        Where it does not divide the rows, the remainder is one smaller batch, the last.

    Returns
    -------
    callable
        ``epoch(model, state, key, x, y) -> (model, state, mean loss)``.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import jit, losses, nn, optim, random
    >>> model, optimizer = nn.Dense(1, 1, key=random.key(0), dtype=float), optim.sgd(0.1)
    >>> epoch = jit(make_epoch(losses.squared_error, optimizer, 2))
    >>> state = optimizer.init(model)
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> for _ in range(100):
    ...     model, state, loss = epoch(model, state, random.key(1), x, 3.0 * x + 1.0)
    >>> model.weight.round(3).tolist(), model.bias.round(3).tolist()
    ([[3.0]], [1.0])
    """

    def step(model: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        value, gradient = value_and_grad(lambda model: loss(model(x), y))(model)
        updates, state = optimizer.update(gradient, state, model)
        return apply_updates(model, updates), state, value

    def epoch(model: Any, state: Any, key: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        rows = x.shape[0]
        order = permutation(key, rows)
        turns, rest = divmod(rows, batch_size)

        def turn(carry: Any, batch: Any) -> tuple[Any, Any]:
            model, state, value = step(
                carry[0], carry[1], np.take(x, batch, axis=0), np.take(y, batch, axis=0)
            )
            return (model, state), value

        total = 0.0
        if turns:
            batches = order[: rows - rest].reshape(turns, batch_size)
            (model, state), values = scan(turn, (model, state), batches)
            total = np.sum(values) * (batch_size / rows)
        if rest:
            last = order[rows - rest :]
            model, state, value = step(model, state, x[last], y[last])
            total = total + value * (rest / rows)
        return model, state, total

    return epoch
