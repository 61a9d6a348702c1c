"""What a perceptron's last layer means, and what its training makes small.

Each objective works on raw outputs ``z`` (before the output unit), of shape (..., rows, outputs),
and targets of shape (rows, outputs), and gives one number a row: summed over the outputs, so that
its gradient by z is ``response(z) - y`` where link and loss belong together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi
from typing import Any, TypeAlias

import numpy as np

from ... import nn
from ...errors import ShapeError
from ...transforms import stop_gradient

Rows: TypeAlias = Callable[[Any, Any], Any]


def _as_it_is(losses: Any, _y: Any) -> Any:
    return losses


def _mean(answers: Any) -> Any:
    return np.mean(answers, axis=0)


@dataclass(frozen=True)
class Objective:
    """A loss and the output unit that belongs to it.

    Attributes
    ----------
    unit : str
        scikit-learn's name of the output unit: ``out_activation_``.
    rows : callable
        ``rows(z, y)``: the loss of each row.
    shown : callable
        ``shown(loss of the rows, y)``: what ``loss_curve_`` counts, where that is another number.
    width : int
        Raw outputs for each target.
    merged : callable
        The answer of an ensemble, of those of its members, shape (members, rows, outputs).
    """

    unit: str
    rows: Rows
    shown: Rows = _as_it_is
    width: int = 1
    merged: Callable[[Any], Any] = _mean


def _softmax(z: Any, y: Any) -> Any:
    """``-sum(y log softmax(z))``, also where the targets of a row are mixed or smoothed."""
    shifted = z - stop_gradient(np.max(z, axis=-1, keepdims=True))
    total = np.log(np.sum(np.exp(shifted), axis=-1))
    return total * np.sum(y, axis=-1) - np.sum(y * shifted, axis=-1)


def _logistic(z: Any, y: Any) -> Any:
    return np.sum(np.logaddexp(z, 0.0) - y * z, axis=-1)


def _squared(z: Any, y: Any) -> Any:
    return 0.5 * np.sum((z - y) ** 2, axis=-1)


def _poisson(z: Any, y: Any) -> Any:
    return np.sum(np.exp(z) - y * z, axis=-1)


def _poisson_shown(losses: Any, y: Any) -> Any:
    """With the terms of the deviance that do not depend on the prediction."""
    positive = np.where(y > 0, y, 1.0)
    return losses + np.sum(np.where(y > 0, y * np.log(positive), 0.0) - y, axis=-1)


OBJECTIVES = {
    "softmax": Objective("softmax", _softmax),
    "logistic": Objective("logistic", _logistic),
    "squared_error": Objective("identity", _squared, lambda v, y: v / y.shape[-1]),
    "poisson": Objective("exp", _poisson, _poisson_shown),
}

UNITS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "softmax": nn.softmax,
    "logistic": nn.sigmoid,
    "exp": np.exp,
}

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "logistic": nn.sigmoid,
    "tanh": np.tanh,
    "relu": nn.relu,
    "elu": nn.elu,
    "gelu": nn.gelu,
    "leaky_relu": nn.leaky_relu,
    "silu": nn.silu,
    "softplus": nn.softplus,
}


@dataclass(frozen=True)
class _Own:
    """A user's function of (raw outputs, targets) that gives a number a row, or an entry."""

    function: Rows

    def __call__(self, z: Any, y: Any) -> Any:
        made = self.function(z, y)
        if np.ndim(made) == np.ndim(z):
            return np.sum(made, axis=-1)
        if np.ndim(made) == np.ndim(z) - 1 and np.shape(made)[-1] == np.shape(z)[-2]:
            return made
        raise ShapeError(
            f"loss={getattr(self.function, '__name__', self.function)}: for outputs of shape "
            f"{np.shape(z)} it returned shape {np.shape(made)}; give one number a row, or one an "
            "entry: means over rows are taken outside, where rows have weights"
        )


@dataclass(frozen=True)
class _Absolute:
    """``|y - z|``, or with a quantile q other than 1/2 the pinball loss.

    R. Koenker, G. Bassett: "Regression quantiles", Econometrica 46 (1978).
    """

    q: float = 0.5

    def __call__(self, z: Any, y: Any) -> Any:
        error = y - z
        return np.sum(np.maximum(self.q * error, (self.q - 1.0) * error), axis=-1)


@dataclass(frozen=True)
class _Tweedie:
    """Half the deviance of a Tweedie distribution, on the logarithm of the mean.

    B. Jørgensen: "Exponential dispersion models", J. R. Statist. Soc. B 49 (1987).
    """

    power: float

    def __call__(self, z: Any, y: Any) -> Any:
        p = self.power
        return np.sum(
            np.exp((2.0 - p) * z) / (2.0 - p) - y * np.exp((1.0 - p) * z) / (1.0 - p), axis=-1
        )


def _gaussian(z: Any, y: Any) -> Any:
    """``-log N(y; mean, variance)``: the means first, then the logarithms of the variances.

    D. A. Nix, A. S. Weigend: "Estimating the mean and variance of the target probability
    distribution", ICNN (1994).
    """
    count = y.shape[-1]
    mean, log_variance = z[..., :count], z[..., count:]
    terms = (y - mean) ** 2 * np.exp(-log_variance) + log_variance + log(2.0 * pi)
    return 0.5 * np.sum(terms, axis=-1)


def _mixture(answers: Any) -> Any:
    """Mean and variance of a mixture of normal distributions, one a member.

    B. Lakshminarayanan et al.: "Simple and scalable predictive uncertainty estimation using deep
    ensembles", arXiv:1612.01474 (2016).
    """
    count = answers.shape[-1] // 2
    means, log_variances = answers[..., :count], answers[..., count:]
    mean = np.mean(means, axis=0)
    variance = np.mean(np.exp(log_variances) + (means - mean) ** 2, axis=0)
    return np.concatenate([mean, np.log(variance)], axis=-1)


def own_objective(function: Rows, unit: str) -> Objective:
    """An objective of a user's function."""
    return Objective(unit, _Own(function))


def regression_objective(loss: Any, quantile: float, power: float) -> str | Objective:
    """The objective of a regressor's settings."""
    if callable(loss):
        return own_objective(loss, "identity")
    if loss == "absolute_error":
        return Objective("identity", _Absolute())
    if loss == "quantile":
        return Objective("identity", _Absolute(quantile))
    if loss == "tweedie":
        return Objective("exp", _Tweedie(power))
    if loss == "gaussian_nll":
        return Objective("identity", _gaussian, width=2, merged=_mixture)
    return str(loss)
