"""Diagnostics of gradients: norms, dead units and saturated activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tree
from ..transforms import value_and_grad, vjp
from .rows import as_dataset

FLAT = 0.01  # activations with a smaller |slope| are flat: less than 1 % of the gradient passes
FAR = 20.0  # inputs of this size are on the flat part of every activation that has one


@dataclass(frozen=True)
class Health:
    """Norms of gradients and weights, and fractions of units that pass no gradient.

    Attributes
    ----------
    loss : float
        On the batch.
    gradient_norms, weight_norms : dict of float
        Euclidean norms, by the parameter's name, such as ``layers.0.weight``.
    dead : dict of float
        For each hidden layer, such as ``layers.0``, the share of units whose activation is flat
        (|slope| < 0.01) on all rows, so that next to no gradient passes; for `relu`, those whose
        output is 0 on all rows.
    saturated : dict of float
        For each hidden layer, the share of outputs (rows times units) whose activation is flat
        there. Empty unless the activation flattens to both sides, as `tanh` and `sigmoid` do.
    """

    loss: float
    gradient_norms: dict[str, float]
    weight_norms: dict[str, float]
    dead: dict[str, float]
    saturated: dict[str, float]


def gradient_health(model: Any, loss: Callable[[Any, Any], Any], x: Any, y: Any) -> Health:
    """Measure gradients, weights and activations of a model on a batch.

    Parameters
    ----------
    model : Module
        ``model(x)`` maps rows to rows. If it has `layers` and a function `activation`, as
        `nn.MLP` does, its hidden layers are looked into.
    loss : callable
        ``loss(model(x), y)``, a scalar.
    x, y : array
        Rows and targets, as for `fit`.

    Returns
    -------
    Health

    Raises
    ------
    DataError
        If x or y cannot be learned from.

    Examples
    --------
    Of two units, one has a bias so low that it never is active:

    >>> import numpy as np
    >>> from chainrule import losses, nn, random
    >>> first = nn.Dense(1, 2, key=random.key(0), weight_init=nn.ones)
    >>> last = nn.Dense(2, 1, key=random.key(0), weight_init=nn.ones)
    >>> model = nn.MLP(1, (2,), 1, key=random.key(0)).replace(
    ...     layers=(first.replace(bias=np.array([0.0, -9.0], np.float32)), last)
    ... )
    >>> health = gradient_health(model, losses.squared_error, [[3.0], [1.0]], [[0.0], [0.0]])
    >>> health.loss, health.dead, health.saturated
    (5.0, {'layers.0': 0.5}, {})
    >>> health.gradient_norms["layers.0.weight"]  # mean of 2 y dy/dw: (2 * 3 * 3 + 2 * 1 * 1) / 2
    10.0
    """
    x, y = as_dataset(x, y, model)
    value, gradient = value_and_grad(lambda m: loss(m(x), y))(model)
    dead: dict[str, float] = {}
    saturated: dict[str, float] = {}
    if hasattr(model, "layers") and callable(getattr(model, "activation", None)):
        for k, z in enumerate(_before_activation(model, x)):
            z = z.reshape(-1, z.shape[-1])
            dead[f"layers.{k}"], share = flat_shares(model.activation, z)
            if share is not None:
                saturated[f"layers.{k}"] = share
    return Health(float(value), _norms(gradient), _norms(model), dead, saturated)


def _norms(model: Any) -> dict[str, float]:
    """Return Euclidean norms, computed in float64: float32 squares underflow below 1e-23."""
    leaves = [np.asarray(leaf, np.float64) for leaf in tree.leaves(model)]
    norms = [float(np.linalg.norm(leaf)) for leaf in leaves]
    return dict(zip(tree.names(model), norms, strict=True))


def _before_activation(model: Any, x: Any) -> list[NDArray[Any]]:
    """Return the inputs of the activation function, call by call, recorded by running the model."""
    inputs: list[NDArray[Any]] = []

    def recorded(z: Any) -> Any:
        inputs.append(np.asarray(z))
        return model.activation(z)

    model.replace(activation=recorded)(x)
    return inputs


def flat_shares(activation: Callable[[Any], Any], z: NDArray[Any]) -> tuple[float, float | None]:
    """Return the fractions of units flat on all rows, and of outputs that are flat; see `Health`.

    Parameters
    ----------
    activation : callable
        Elementwise.
    z : array of shape (..., rows, units)
        The inputs of the activation.

    Returns
    -------
    dead : float
    saturated : float or None
        None unless the activation flattens to both sides.
    """
    flat = _is_flat(activation, z)
    bounded = bool(_is_flat(activation, np.array([-FAR, FAR], z.dtype)).all())
    return float(np.mean(flat.all(axis=-2))), float(np.mean(flat)) if bounded else None


def _is_flat(activation: Callable[[Any], Any], z: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where the slope of an elementwise function is close to 0."""
    y, pull = vjp(activation, z)
    (slope,) = pull(np.ones_like(y))
    return np.asarray(np.abs(slope) < FLAT)
