"""Networks for SAC and TD3: actions between -1 and 1, and their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import nn
from ...random import split
from ..spaces import ActionSpec, SpaceSpec
from .actor_critic import NetArch, hidden_sizes, perceptron
from .distributions import SquashedGaussian, n_parameters
from .features import FeatureExtractor

LOG_STD_RANGE = (-20.0, 2.0)


class SquashedGaussianActor(nn.Module):
    """A normal distribution for each entry of the action, squashed by tanh.

    Parameters
    ----------
    observation : SpaceSpec
    action : BoxSpec
    key : uint32[2]
    net_arch : sequence of int, or dict with "pi" and "qf"
        Sizes of hidden layers. Default 256 and 256.
    activation : callable
        Default relu.
    dtype : floating dtype
        Default float32.
    """

    features: FeatureExtractor
    network: nn.MLP
    mean: nn.Dense
    log_std: nn.Dense

    def __init__(
        self, observation: SpaceSpec, action: ActionSpec, *, key: Any,
        net_arch: NetArch = (256, 256), activation: Callable[[Any], Any] = nn.relu,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, network_key, mean_key, std_key = split(key, 4)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        *sizes, last = hidden_sizes(net_arch, ("pi", "qf"), least=1)["pi"]
        self.network = perceptron(self.features.width, sizes, last, activation, network_key, dtype)
        k = n_parameters(action)
        self.mean = perceptron(last, (), k, activation, mean_key, dtype).layers[0]
        self.log_std = perceptron(last, (), k, activation, std_key, dtype).layers[0]

    def __call__(self, observation: Any) -> SquashedGaussian:
        """Return the distribution of actions."""
        hidden = self.network.activation(self.network(self.features(observation)))
        return SquashedGaussian(self.mean(hidden), np.clip(self.log_std(hidden), *LOG_STD_RANGE))


class DeterministicActor(nn.Module):
    """One action for each observation, between -1 and 1.

    Parameters
    ----------
    observation : SpaceSpec
    action : BoxSpec
    key : uint32[2]
    net_arch : sequence of int, or dict with "pi" and "qf"
        Sizes of hidden layers. Default 400 and 300.
    activation : callable
        Default relu.
    dtype : floating dtype
        Default float32.
    """

    features: FeatureExtractor
    network: nn.MLP

    def __init__(
        self, observation: SpaceSpec, action: ActionSpec, *, key: Any,
        net_arch: NetArch = (400, 300), activation: Callable[[Any], Any] = nn.relu,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, network_key = split(key)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        self.network = perceptron(
            self.features.width, hidden_sizes(net_arch, ("pi", "qf"))["pi"], n_parameters(action),
            activation, network_key, dtype,
        )  # fmt: skip

    def __call__(self, observation: Any) -> Any:
        """Return the actions, (n, k)."""
        return np.tanh(self.network(self.features(observation)))


class Critics(nn.Module):
    """Several networks that each say what an action is worth.

    Parameters
    ----------
    observation : SpaceSpec
    action : BoxSpec
    key : uint32[2]
    n_critics : int
        Default 2.
    net_arch : sequence of int, or dict with "pi" and "qf"
        Sizes of hidden layers. Default 256 and 256.
    activation : callable
        Default relu.
    dtype : floating dtype
        Default float32.
    """

    features: FeatureExtractor
    networks: tuple[nn.MLP, ...]

    def __init__(
        self, observation: SpaceSpec, action: ActionSpec, *, key: Any, n_critics: int = 2,
        net_arch: NetArch = (256, 256), activation: Callable[[Any], Any] = nn.relu,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, *keys = split(key, n_critics + 1)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        n = self.features.width + n_parameters(action)
        sizes = hidden_sizes(net_arch, ("pi", "qf"))["qf"]
        self.networks = tuple(
            perceptron(n, sizes, 1, activation, network_key, dtype) for network_key in keys
        )

    def __call__(self, observation: Any, action: Any) -> list[Any]:
        """Return what each network says, arrays of shape (n,)."""
        features = self.features(observation)
        both = np.concatenate([features, action.astype(features.dtype)], axis=1)
        return [network(both)[:, 0] for network in self.networks]


def smallest(values: list[Any]) -> Any:
    """Return the smallest of several values of each row."""
    least = values[0]
    for value in values[1:]:
        least = np.minimum(least, value)
    return least
