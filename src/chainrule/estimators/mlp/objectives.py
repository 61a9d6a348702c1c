"""Losses of a perceptron, each with the activation of the outputs that belongs to it.

A loss takes raw outputs ``z`` (before that activation), of shape (..., rows, outputs), and targets
of shape (rows, outputs), and gives one number a row: summed over the outputs, so that its gradient
by z is ``activation(z) - y`` where both belong together. The formulas are scikit-learn's, whose
training is reproduced bit for bit; where those of `chainrule.losses` round alike, they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi
from typing import Any, TypeAlias

import numpy as np

from ... import losses, nn
from ...errors import ShapeError
from ...transforms import stop_gradient

RowLosses: TypeAlias = Callable[[Any, Any], Any]

# Log-odds below it add nothing to a sum with 1. Their exponentials would soon be subnormal numbers,
# and so gradients: processors take a hundred times as long for those
NEGLIGIBLE = -50.0


def _unchanged(row_losses: Any, _y: Any) -> Any:
    return row_losses


def _mean(predictions: Any) -> Any:
    return np.mean(predictions, axis=0)


@dataclass(frozen=True)
class Objective:
    """A loss and the activation of the outputs that belongs to it.

    Attributes
    ----------
    output_activation : str
        scikit-learn's name of it: ``out_activation_``.
    row_losses : callable
        ``row_losses(z, y)``: the loss of each row.
    reported_loss : callable
        ``reported_loss(losses, y)``: what ``loss_curve_`` holds, where that is another number.
    outputs_per_target : int
    average_members : callable
        The prediction of an ensemble, of those of its members, shape (members, rows, outputs).
    """

    output_activation: str
    row_losses: RowLosses
    reported_loss: RowLosses = _unchanged
    outputs_per_target: int = 1
    average_members: Callable[[Any], Any] = _mean


def _softmax(z: Any, y: Any) -> Any:
    """Compute ``-sum(y log softmax(z))``, also where the targets of a row are mixed or smoothed."""
    shifted = z - stop_gradient(np.max(z, axis=-1, keepdims=True))
    total = np.log(np.sum(np.exp(np.maximum(shifted, NEGLIGIBLE)), axis=-1))
    return total * np.sum(y, axis=-1) - np.sum(y * shifted, axis=-1)


def _logistic(z: Any, y: Any) -> Any:
    return np.sum(np.logaddexp(np.maximum(z, NEGLIGIBLE), 0.0) - y * z, axis=-1)


def _squared(z: Any, y: Any) -> Any:
    y = np.broadcast_to(y, np.shape(z))
    return 0.5 * np.sum(losses.squared_error(z, y, reduction="none"), axis=-1)


def _poisson(z: Any, y: Any) -> Any:
    return np.sum(np.exp(z) - y * z, axis=-1)


def _poisson_reported(row_losses: Any, y: Any) -> Any:
    """Add the terms of the deviance that do not depend on the prediction."""
    positive = np.where(y > 0, y, 1.0)
    return row_losses + np.sum(np.where(y > 0, y * np.log(positive), 0.0) - y, axis=-1)


OBJECTIVES = {
    "softmax": Objective("softmax", _softmax),
    "logistic": Objective("logistic", _logistic),
    "squared_error": Objective("identity", _squared, lambda v, y: v / y.shape[-1]),
    "poisson": Objective("exp", _poisson, _poisson_reported),
}

OUTPUT_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
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
class _Custom:
    """A user's function of (raw outputs, targets) that gives a number a row, or an entry."""

    function: RowLosses

    def __call__(self, z: Any, y: Any) -> Any:
        values = self.function(z, y)
        if np.ndim(values) == np.ndim(z):
            return np.sum(values, axis=-1)
        if np.ndim(values) == np.ndim(z) - 1 and np.shape(values)[-1] == np.shape(z)[-2]:
            return values
        raise ShapeError(
            f"loss={getattr(self.function, '__name__', self.function)}: for outputs of shape "
            f"{np.shape(z)} it returned shape {np.shape(values)}; give one number a row, or one an "
            "entry: means over rows are taken outside, where rows have weights"
        )


@dataclass(frozen=True)
class _Pinball:
    """`losses.pinball`, summed over the outputs; half of the absolute error with q = 1/2."""

    q: float = 0.5

    def __call__(self, z: Any, y: Any) -> Any:
        y = np.broadcast_to(y, np.shape(z))
        return np.sum(losses.pinball(z, y, self.q, reduction="none"), axis=-1)


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
    """Compute ``-log N(y; mean, variance)``: z are the means, then the logs of the variances.

    D. A. Nix, A. S. Weigend: "Estimating the mean and variance of the target probability
    distribution", ICNN (1994).
    """
    count = y.shape[-1]
    mean, log_variance = z[..., :count], z[..., count:]
    terms = (y - mean) ** 2 * np.exp(-log_variance) + log_variance + log(2.0 * pi)
    return 0.5 * np.sum(terms, axis=-1)


def _mixture(predictions: Any) -> Any:
    """Compute mean and variance of a mixture of normal distributions, one a member.

    B. Lakshminarayanan et al.: "Simple and scalable predictive uncertainty estimation using deep
    ensembles", arXiv:1612.01474 (2016).
    """
    count = predictions.shape[-1] // 2
    means, log_variances = predictions[..., :count], predictions[..., count:]
    mean = np.mean(means, axis=0)
    variance = np.mean(np.exp(log_variances) + (means - mean) ** 2, axis=0)
    return np.concatenate([mean, np.log(variance)], axis=-1)


def custom_objective(function: RowLosses, output_activation: str) -> Objective:
    """An objective of a user's function."""
    return Objective(output_activation, _Custom(function))


@dataclass(frozen=True)
class RegressionLoss:
    """A loss of the regressors: all that they need to know of it.

    Attributes
    ----------
    objective : callable
        ``objective(quantile, power)``: an `Objective`, or a name in `OBJECTIVES`.
    of_residuals : bool
        Whether it is a function of differences, so that targets may be standardised before it.
    squares_targets : bool
    nonnegative_targets : bool
    """

    objective: Callable[[float, float], str | Objective]
    of_residuals: bool = False
    squares_targets: bool = False
    nonnegative_targets: bool = False


REGRESSION_LOSSES = {
    "squared_error": RegressionLoss(
        lambda quantile, power: "squared_error", of_residuals=True, squares_targets=True
    ),
    "absolute_error": RegressionLoss(
        lambda quantile, power: Objective("identity", _Pinball()), of_residuals=True
    ),
    "quantile": RegressionLoss(
        lambda quantile, power: Objective("identity", _Pinball(quantile)), of_residuals=True
    ),
    "poisson": RegressionLoss(lambda quantile, power: "poisson", nonnegative_targets=True),
    "tweedie": RegressionLoss(
        lambda quantile, power: Objective("exp", _Tweedie(power)), nonnegative_targets=True
    ),
    "gaussian_nll": RegressionLoss(
        lambda quantile, power: Objective(
            "identity", _gaussian, outputs_per_target=2, average_members=_mixture
        ),
        of_residuals=True, squares_targets=True,
    ),
}  # fmt: skip


def regression_loss(loss: str | RowLosses) -> RegressionLoss:
    """The loss of a name, or of a user's function, which takes targets as they are."""
    if isinstance(loss, str):
        return REGRESSION_LOSSES[loss]
    return RegressionLoss(lambda quantile, power: custom_objective(loss, "identity"))
