"""Is the gradient well? Norms of gradients and weights, units that are dead or saturated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tree
from ..transforms import value_and_grad, vjp
from .rows import as_dataset

FLAT = 0.01  # a smaller |slope| passes less than a hundredth of the gradient on
FAR = 20.0  # where a bounded activation, or the flat side of another, has long been flat


@dataclass(frozen=True)
class Health:
    """How a gradient fares on its way back through a model.

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
    >>> found = gradient_health(model, losses.squared_error, [[3.0], [1.0]], [[0.0], [0.0]])
    >>> found.loss, found.dead, found.saturated
    (5.0, {'layers.0': 0.5}, {})
    >>> found.gradient_norms["layers.0.weight"]  # mean of 2 y dy/dw: (2 * 3 * 3 + 2 * 1 * 1) / 2
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
    """In float64: squares of float32 gradients vanish below 1e-23."""
    leaves = [np.asarray(leaf, np.float64) for leaf in tree.leaves(model)]
    norms = [float(np.linalg.norm(leaf)) for leaf in leaves]
    return dict(zip(tree.names(model), norms, strict=True))


def _before_activation(model: Any, x: Any) -> list[NDArray[Any]]:
    """What the activation is given, call by call: the model itself says where that is."""
    seen: list[NDArray[Any]] = []

    def recorded(z: Any) -> Any:
        seen.append(np.asarray(z))
        return model.activation(z)

    model.replace(activation=recorded)(x)
    return seen


def flat_shares(activation: Callable[[Any], Any], z: NDArray[Any]) -> tuple[float, float | None]:
    """The share of units that are flat on all rows, and of outputs that are; see `Health`.

    Parameters
    ----------
    activation : callable
        Elementwise.
    z : array of shape (..., rows, units)
        What it is given.

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
    """Where the slope of an elementwise function is next to 0."""
    y, pull = vjp(activation, z)
    (slope,) = pull(np.ones_like(y))
    return np.asarray(np.abs(slope) < FLAT)
