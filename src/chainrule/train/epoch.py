"""An epoch as one function, and hence one graph: shuffling, batches and all training steps."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import numpy as np

from .. import tree
from ..nn import apply_train, with_batch_stats
from ..optim import Averager, Optimizer, apply_updates
from ..random import fold_in, permutation, split
from ..transforms import scan, value_and_grad
from .rows import count_rows

Loss = Callable[[Any, Any], Any]
Augment = Callable[..., Any]
Epoch = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any, Any]]


def make_epoch(
    loss: Loss,
    optimizer: Optimizer[Any],
    batch_size: int,
    augment: Augment | None = None,
    averager: Averager | None = None,
) -> Epoch:
    """Return the function that trains on every row once, to be compiled with `jit`.

    Step number k of an epoch, counted from 0, draws its noise with ``fold_in(key, k)``, split in
    two: one key for `augment`, one for the model.

    Parameters
    ----------
    loss : callable
        ``loss(model(x), y)``: the mean over the rows.
    optimizer : Optimizer
    batch_size : int
        If it does not divide the number of rows, the last batch is smaller. (A last batch of one
        row has no variance; for a model with a method `train` it joins the batch before it.)
    augment : callable, optional
        ``augment(x, key)``, or ``augment(x, y, key)`` which returns both: applied to each batch.
    averager : Averager, optional
        An average of the weights to update at each step; the state is then the pair of the
        optimizer's and the averager's state.

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
    augment_both = _as_two_sided(augment)
    update = _make_update(optimizer, averager)

    def step(model: Any, state: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any, Any]:
        model_key = key
        if augment_both is not None:
            augment_key, model_key = split(key)
            x, y = augment_both(x, y, augment_key)

        def batch_loss(model: Any) -> tuple[Any, Any]:
            outputs, new_model = apply_train(model, x, model_key)
            return loss(outputs, y), new_model

        (value, new_model), gradient = value_and_grad(batch_loss, has_aux=True)(model)
        model, state = update(model, gradient, new_model, state)
        return model, state, value

    def epoch(model: Any, state: Any, key: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        n_rows = count_rows(x)
        order = permutation(key, n_rows)
        n_full, remainder = divmod(n_rows, batch_size)
        if remainder == 1 and n_full and hasattr(model, "train"):
            n_full, remainder = n_full - 1, batch_size + 1

        def numbered_step(carry: Any, batch: Any, number: Any) -> tuple[Any, Any]:
            model, state = carry
            model, state, value = step(
                model, state, _gather(x, batch), _gather(y, batch), fold_in(key, number)
            )
            return (model, state), value

        (model, state), values, last = scan_batches(
            numbered_step, (model, state), order, batch_size, n_full
        )
        total = 0.0
        if values is not None:
            total = np.sum(values) * (batch_size / n_rows)
        if last is not None:
            total = total + last * (remainder / n_rows)
        return model, state, total

    return epoch


def scan_batches(
    step: Callable[[Any, Any, Any], tuple[Any, Any]],
    carry: Any,
    order: Any,
    batch_size: int,
    n_full: int,
) -> tuple[Any, Any, Any]:
    """Call `step` for each batch of `order`, as a `scan`; the remainder is one more batch.

    Parameters
    ----------
    step : callable
        ``step(carry, batch, number) -> (carry, value)``; `batch` is the index of its rows.
    carry : tree of arrays
    order : int array of shape (rows,)
    batch_size : int
    n_full : int
        The number of batches of this size.

    Returns
    -------
    carry : tree of arrays
    values : array of shape (n_full, ...), or None
        The values of the full batches; None if there is no full batch.
    last : array, or None
        The value of the remainder; None if there is no remainder.
    """
    values = last = None
    n_rows = n_full * batch_size
    if n_full:
        batches = order[:n_rows].reshape(n_full, batch_size)
        carry, values = scan(lambda c, b: step(c, *b), carry, (batches, np.arange(n_full)))
    if order.shape[0] > n_rows:
        carry, last = step(carry, order[n_rows:], n_full)
    return carry, values, last


def _gather(data: Any, batch: Any) -> Any:
    return tree.map(lambda array: np.take(array, batch, axis=0), data)


def _make_update(optimizer: Optimizer[Any], averager: Averager | None) -> Callable[..., Any]:
    """Return ``update(model, gradient, new_model, state) -> (model, state)``.

    `new_model` has the new batch statistics; the parameters come from the optimizer.
    """

    def update(model: Any, gradient: Any, new_model: Any, state: Any) -> tuple[Any, Any]:
        if averager is not None:
            state, average = state
        updates, state = optimizer.update(gradient, state, model)
        model = with_batch_stats(apply_updates(model, updates), new_model)
        if averager is not None:
            state = (state, averager.update(model, average))
        return model, state

    return update


def _as_two_sided(augment: Augment | None) -> Callable[[Any, Any, Any], tuple[Any, Any]] | None:
    """Return an augmentation of inputs, or of inputs and targets, as ``augment(x, y, key)``."""
    if augment is None:
        return None
    if not callable(augment):
        raise TypeError(f"augment={augment!r:.60}: give a function (x, key), or (x, y, key)")
    try:
        required = [p for p in signature(augment).parameters.values()
                 if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
                 and p.default is Parameter.empty]  # fmt: skip
    except (TypeError, ValueError):  # a builtin without a signature
        required = []
    if len(required) == 3:
        return augment
    return lambda x, y, key: (augment(x, key), y)
