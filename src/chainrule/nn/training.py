"""How layers are used in training: noise is drawn, and running statistics move.

A layer that behaves differently in training has a method ``train(x) -> (y, moved)``, or
``train(x, key)`` if it draws random numbers: `moved` is the same layer with its next running
statistics. Layers that hold others call `trained` for each of them.
"""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import Any

from .module import Module


def trained(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply a layer as in training: by its `train` method if it has one.

    Parameters
    ----------
    layer : Module or callable
    x : array
        What the layer is given.
    key : uint32[2]
        From `chainrule.random`, a new one at each step: noise is drawn with it.

    Returns
    -------
    y : array
        The layer's result.
    moved : Module or callable
        The layer with its next running statistics: itself if it has none.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> model = nn.Sequential(nn.BatchNorm(1, dtype=float), nn.Dropout(0.5))
    >>> y, moved = nn.trained(model, np.array([[0.0], [2.0], [4.0]]), random.key(0))
    >>> y.round(3).tolist(), moved.layers[0].mean.round(3).tolist()
    ([[0.0], [0.0], [2.449]], [0.2])

    A step of training takes the parameters from the optimiser and the statistics from here:

    >>> from chainrule import optim
    >>> from chainrule.transforms import value_and_grad
    >>> def loss(model, x, key):
    ...     y, moved = nn.trained(model, x, key)
    ...     return np.sum((y - 1.0) ** 2), moved
    >>> optimizer = optim.sgd(0.1)
    >>> x = np.array([[0.0], [2.0], [4.0]])
    >>> (value, moved), gradient = value_and_grad(loss, has_aux=True)(model, x, random.key(0))
    >>> updates, state = optimizer.update(gradient, optimizer.init(model), model)
    >>> model = nn.with_statistics(optim.apply_updates(model, updates), moved)
    >>> model.layers[0].mean.round(3).tolist(), model.layers[0].shift.round(3).tolist()
    ([0.2], [-0.58])
    """
    train = getattr(layer, "train", None)
    if train is None:
        return layer(x), layer
    kind: Any = type(layer)
    y, moved = train(x, key) if _draws(kind) else train(x)
    return y, moved


def with_statistics(model: Any, moved: Any) -> Any:
    """The model with the running statistics of another of the same structure.

    Parameters
    ----------
    model : Module, or a tree of modules
        As the optimiser has updated it.
    moved : the same
        As `trained` has returned it.

    Returns
    -------
    the same
        Fields that a class names in `statistics` are those of `moved`, all others the model's.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> norm = nn.BatchNorm(1)
    >>> other = norm.replace(mean=np.float32([5.0]), shift=np.float32([7.0]))
    >>> made = nn.with_statistics(norm, other)
    >>> made.mean.tolist(), made.shift.tolist()
    ([5.0], [0.0])
    """
    if isinstance(model, Module):
        changes = {
            name: getattr(moved, name)
            if name in model.statistics
            else with_statistics(getattr(model, name), getattr(moved, name))
            for name in model._children
        }
        return model.replace(**changes)
    if isinstance(model, (list, tuple)):
        return type(model)([with_statistics(a, b) for a, b in zip(model, moved, strict=True)])
    if isinstance(model, dict):
        return {name: with_statistics(part, moved[name]) for name, part in model.items()}
    return model


@cache
def _draws(kind: Any) -> bool:
    """Whether a class's `train` asks for a key."""
    return "key" in signature(kind.train).parameters
