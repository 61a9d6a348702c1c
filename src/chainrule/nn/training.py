"""Layers in training mode: random noise is drawn, and batch statistics are updated.

A layer that behaves differently in training has a method ``train(x) -> (y, new_layer)``, or
``train(x, key) -> (y, new_layer)`` if it draws random numbers. `new_layer` is the same layer with
updated batch statistics; nothing is changed in place. Layers that hold other layers call
`apply_train` for each of them.
"""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import Any, TypeVar

from .module import Module, child_names

T = TypeVar("T")


def apply_train(layer: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Apply a layer in training mode: with its `train` method if it has one.

    Parameters
    ----------
    layer : Module or callable
    x : array
        The layer's input.
    key : uint32[2]
        From `chainrule.random`, a new one at each step: noise is drawn with it.

    Returns
    -------
    y : array
        The layer's output.
    new_layer : Module or callable
        The layer with updated batch statistics; the layer itself if it has none.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> model = nn.Sequential(nn.BatchNorm(1, dtype=float), nn.Dropout(0.5))
    >>> y, new_model = nn.apply_train(model, np.array([[0.0], [2.0], [4.0]]), random.key(0))
    >>> y.round(3).tolist(), new_model.layers[0].mean.round(3).tolist()
    ([[0.0], [0.0], [2.449]], [0.2])

    A training step takes the parameters from the optimiser and the batch statistics from here:

    >>> from chainrule import optim
    >>> from chainrule.transforms import value_and_grad
    >>> def loss(model, x, key):
    ...     y, new_model = nn.apply_train(model, x, key)
    ...     return np.sum((y - 1.0) ** 2), new_model
    >>> optimizer = optim.sgd(0.1)
    >>> x = np.array([[0.0], [2.0], [4.0]])
    >>> (value, new_model), gradient = value_and_grad(loss, has_aux=True)(model, x, random.key(0))
    >>> updates, state = optimizer.update(gradient, optimizer.init(model), model)
    >>> model = nn.with_batch_stats(optim.apply_updates(model, updates), new_model)
    >>> model.layers[0].mean.round(3).tolist(), model.layers[0].shift.round(3).tolist()
    ([0.2], [-0.58])
    """
    train = getattr(layer, "train", None)
    if train is None:
        return layer(x), layer
    layer_class: Any = type(layer)
    y, new_layer = train(x, key) if _takes_key(layer_class) else train(x)
    return y, new_layer


def with_batch_stats(model: T, source: Any) -> T:
    """Return the model with the batch statistics of another model of the same structure.

    Parameters
    ----------
    model : Module, or a tree of modules
        The model with the parameters that the optimiser has updated.
    source : the same
        The model that `apply_train` has returned.

    Returns
    -------
    the same
        Fields that a class lists in `batch_stats` are those of `source`, all others the model's.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> norm = nn.BatchNorm(1)
    >>> other = norm.replace(mean=np.float32([5.0]), shift=np.float32([7.0]))
    >>> mixed = nn.with_batch_stats(norm, other)
    >>> mixed.mean.tolist(), mixed.shift.tolist()
    ([5.0], [0.0])
    """
    if isinstance(model, Module):
        changes = {
            name: getattr(source, name)
            if name in model.batch_stats
            else with_batch_stats(getattr(model, name), getattr(source, name))
            for name in child_names(model)
        }
        return model.replace(**changes)
    if isinstance(model, (list, tuple)):
        return type(model)([with_batch_stats(a, b) for a, b in zip(model, source, strict=True)])
    if isinstance(model, dict):
        parts = {name: with_batch_stats(part, source[name]) for name, part in model.items()}
        return type(model)(parts)
    return model


@cache
def _takes_key(layer_class: Any) -> bool:
    """Return whether the `train` method of a class has a parameter `key`."""
    return "key" in signature(layer_class.train).parameters
