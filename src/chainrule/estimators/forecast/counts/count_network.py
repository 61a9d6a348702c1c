"""The network of demands: a linear map and one hidden layer, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import nn, optim, random, train
from .count_features import BOUND, WindowFeatures
from .distributions import LOSSES, Likelihood

Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]

WIDTH = 32
LARGEST_LOG_RATIO = 4.0  # a forecast is 1/55 to 55 times the level
LOG_DISPERSION = (-12.0, 5.0)
STEPS, LEAST_EPOCHS, MOST_EPOCHS = 1500, 8, 40
BATCH = 256
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.02


class CountNetwork(nn.Module):
    """Two outputs of each step: the log ratio of mean and level, and the log of the dispersion.

    All that is multiplied with features begins at 0, so the first forecast is the level. Weights of
    the window's features change linearly over the horizon.

    Examples
    --------
    >>> network = CountNetwork(5, 3, 4, -1.0, key=random.key(0))
    >>> outputs = network({"shared": np.ones((2, 5)), "step": np.ones((2, 4, 3))})
    >>> outputs.shape, outputs[0, 0].round(4).tolist()
    ((2, 4, 2), [0.0, -1.0])
    """

    shared: nn.Dense
    step: nn.Dense
    last: nn.Dense
    linear: Any  # (window features, 2)
    slope: Any  # (window features, 2), by the position in the horizon
    step_linear: Any  # (step features, 2)
    bias: Any  # (horizon, 2)

    def __init__(
        self, shared: int, step: int, horizon: int, log_dispersion: float, *, key: Any
    ) -> None:
        first, second, third = random.split(key, 3)
        self.shared = nn.Dense(shared, WIDTH, key=first, weight_init=nn.torch_uniform)
        self.step = nn.Dense(step, WIDTH, key=second, weight_init=nn.torch_uniform)
        self.last = nn.Dense(WIDTH, 2, key=third, weight_init=nn.zeros, bias=False)
        self.linear, self.slope = np.zeros((2, shared, 2), np.float32)
        self.step_linear = np.zeros((step, 2), np.float32)
        bias = np.zeros((horizon, 2), np.float32)
        low, high = LOG_DISPERSION
        middle, radius = (low + high) / 2.0, (high - low) / 2.0
        bias[:, 1] = radius * np.arctanh((log_dispersion - middle) / radius)
        self.bias = bias

    def __call__(self, x: Any) -> Any:
        shared, step = x["shared"], x["step"]
        horizon = self.bias.shape[0]
        position = np.linspace(-1.0, 1.0, horizon, dtype=np.float32)[:, None]
        hidden = nn.relu(self.shared(shared)[:, None] + self.step(step))
        outputs = (
            self.bias
            + (shared @ self.linear)[:, None]
            + (shared @ self.slope)[:, None] * position
            + step @ self.step_linear
            + self.last(hidden)
        )
        low, high = LOG_DISPERSION
        middle, radius = (low + high) / 2.0, (high - low) / 2.0
        ratio = LARGEST_LOG_RATIO * np.tanh(outputs[:, :, 0] / LARGEST_LOG_RATIO)
        return np.stack([ratio, middle + radius * np.tanh(outputs[:, :, 1] / radius)], axis=-1)


@dataclass(frozen=True)
class Standardizing:
    """Means and standard deviations of features over the training windows."""

    means: Floats32
    deviations: Floats32

    @classmethod
    def of(cls, features: Floats32) -> Standardizing:
        flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
        deviations = flat.std(axis=0)
        constant = deviations <= 1e-6 * (1.0 + np.abs(flat).max(axis=0))
        return cls(
            flat.mean(axis=0).astype(np.float32),
            np.where(constant, 1.0, deviations).astype(np.float32),
        )

    def __call__(self, features: Floats32) -> Floats32:
        scaled = (features - self.means) / self.deviations
        result: Floats32 = np.clip(scaled, -BOUND, BOUND)
        return result


@dataclass(frozen=True)
class FittedCountNetwork:
    """A network and how its features are scaled."""

    network: CountNetwork
    shared: Standardizing
    step: Standardizing

    def outputs(self, features: WindowFeatures) -> tuple[Floats, Floats]:
        """The log ratio of mean and level, and the dispersion, (windows, horizon)."""
        outputs = train.predict(self.network, self.inputs(features))
        outputs = np.asarray(outputs, np.float64)
        return outputs[:, :, 0], np.exp(outputs[:, :, 1])

    def inputs(self, features: WindowFeatures) -> dict[str, Floats32]:
        return {"shared": self.shared(features.shared), "step": self.step(features.step)}


@dataclass(frozen=True)
class TrainingWindows:
    """Features of windows and the demands after them; NaN where one is missing."""

    features: WindowFeatures
    targets: Floats  # (windows, horizon)

    def __len__(self) -> int:
        return len(self.targets)

    def loss_targets(self, likelihood: Likelihood) -> dict[str, Floats32]:
        """Targets, their weights, and the log of the unit that the mean is in."""
        level = self.features.level[:, None]
        known = ~np.isnan(self.targets)
        targets = np.where(known, self.targets, level)
        unit = np.broadcast_to(level, targets.shape)
        if likelihood == "tweedie":
            targets, unit = targets / unit, np.ones(unit.shape)
        return {
            "targets": targets.astype(np.float32),
            "weights": known.astype(np.float32),
            "log_unit": np.log(unit).astype(np.float32),
        }


def fit_network(
    training: TrainingWindows, validation: TrainingWindows, likelihood: Likelihood,
    log_dispersion: float, seed: int, progress: bool,
) -> FittedCountNetwork:  # fmt: skip
    """Train with Adam; the result has the weights of the best epoch on the validation windows."""
    features = training.features
    shared, step = Standardizing.of(features.shared), Standardizing.of(features.step)
    sizes = features.shared.shape[-1], features.step.shape[-1], features.step.shape[1]
    network = CountNetwork(*sizes, log_dispersion, key=random.key(seed))
    fitted = FittedCountNetwork(network, shared, step)
    batch = min(BATCH, max(32, len(training) // 16))
    per_epoch = -(-len(training) // batch)
    epochs = min(max(STEPS // per_epoch, LEAST_EPOCHS), MOST_EPOCHS)
    rates = optim.cosine_decay(LEARNING_RATE, epochs * per_epoch)
    elementwise = LOSSES[likelihood]

    def loss(outputs: Any, y: Any) -> Any:
        terms = elementwise(outputs[:, :, 0] + y["log_unit"], outputs[:, :, 1], y["targets"])
        return np.sum(terms * y["weights"]) / np.sum(y["weights"] + 1e-6)

    result = train.fit(
        network, fitted.inputs(features), training.loss_targets(likelihood), loss=loss,
        optimizer=optim.adamw(rates, weight_decay=WEIGHT_DECAY), epochs=epochs, batch_size=batch,
        validation_data=(fitted.inputs(validation.features), validation.loss_targets(likelihood)),
        seed=seed, progress=progress,
    )  # fmt: skip
    return FittedCountNetwork(result.model, shared, step)
