"""An epoch as one function, hence one graph: everything between two looks at the clock."""

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
from .rows import count

Loss = Callable[[Any, Any], Any]
Augment = Callable[..., Any]
Epoch = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any, Any]]


def make_epoch(
    loss: Loss,
    optimizer: Optimizer,
    batch_size: int,
    augment: Augment | None = None,
    averager: Averager | None = None,
) -> Epoch:
    """Make the function that trains on every row once; give it to `jit`.

    Step number k of an epoch, counted from 0, draws its noise with ``fold_in(key, k)``, split in
    two: one key for `augment`, one for the model.

    Parameters
    ----------
    loss : callable
        ``loss(model(x), y)``: the mean over the rows.
    optimizer : Optimizer
    batch_size : int
        Where it does not divide the rows, the remainder is one smaller batch, the last. (A single
        row has no variance: of a model with a method `train` it joins the batch before.)
    augment : callable, optional
        ``augment(x, key)``, or ``augment(x, y, key)`` which returns both: applied to each batch.
    averager : Averager, optional
        Keeps running means of the weights: the state is then the optimizer's and its own.

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
    change = _two_sided(augment)
    update = _updating(optimizer, averager)

    def step(model: Any, state: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any, Any]:
        noise = dropout = key
        if change is not None:
            noise, dropout = split(key)
            x, y = change(x, y, noise)

        def batch_loss(model: Any) -> tuple[Any, Any]:
            outputs, new_model = apply_train(model, x, dropout)
            return loss(outputs, y), new_model

        (value, new_model), gradient = value_and_grad(batch_loss, has_aux=True)(model)
        model, state = update(model, gradient, new_model, state)
        return model, state, value

    def epoch(model: Any, state: Any, key: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        rows = count(x)
        order = permutation(key, rows)
        turns, rest = divmod(rows, batch_size)
        if rest == 1 and turns and hasattr(model, "train"):
            turns, rest = turns - 1, batch_size + 1

        def turn(carry: Any, given: Any) -> tuple[Any, Any]:
            batch, number = given
            model, state = carry
            model, state, value = step(
                model, state, _gathered(x, batch), _gathered(y, batch), fold_in(key, number)
            )
            return (model, state), value

        total = 0.0
        if turns:
            batches = order[: rows - rest].reshape(turns, batch_size)
            (model, state), values = scan(turn, (model, state), (batches, np.arange(turns)))
            total = np.sum(values) * (batch_size / rows)
        if rest:
            last = order[rows - rest :]
            model, state, value = step(
                model, state, _gathered(x, last), _gathered(y, last), fold_in(key, turns)
            )
            total = total + value * (rest / rows)
        return model, state, total

    return epoch


def _gathered(data: Any, batch: Any) -> Any:
    return tree.map(lambda array: np.take(array, batch, axis=0), data)


def _updating(optimizer: Optimizer, averager: Averager | None) -> Callable[..., Any]:
    """A function from the weights, what moves them and the state to the next weights and state."""

    def update(model: Any, gradient: Any, new_model: Any, state: Any) -> tuple[Any, Any]:
        if averager is not None:
            state, average = state
        updates, state = optimizer.update(gradient, state, model)
        model = with_batch_stats(apply_updates(model, updates), new_model)
        if averager is not None:
            state = (state, averager.update(model, average))
        return model, state

    return update


def _two_sided(augment: Augment | None) -> Callable[[Any, Any, Any], tuple[Any, Any]] | None:
    """An augmentation of inputs alone, or of inputs and targets, as one of both."""
    if augment is None:
        return None
    if not callable(augment):
        raise TypeError(f"augment={augment!r:.60}: give a function (x, key), or (x, y, key)")
    try:
        known = [p for p in signature(augment).parameters.values()
                 if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
                 and p.default is Parameter.empty]  # fmt: skip
    except (TypeError, ValueError):  # a builtin without a signature
        known = []
    if len(known) == 3:
        return augment
    return lambda x, y, key: (augment(x, key), y)
