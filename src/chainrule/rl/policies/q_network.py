"""Networks for DQN: the value of each action, as a number or as a distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ... import nn
from ...random import split
from ..spaces import DiscreteSpec, SpaceSpec, check_action_mask
from .actor_critic import perceptron
from .features import FeatureExtractor

Distributional = Literal["c51", "quantile"]


class QNetwork(nn.Module):
    """The value of each action of a Discrete space.

    Parameters
    ----------
    observation : SpaceSpec
    action : DiscreteSpec
    key : uint32[2]
    net_arch : sequence of int
        Sizes of hidden layers. Default 64 and 64.
    activation : callable
        Default relu.
    dueling : bool
        Whether a value of the state and an advantage of each action are added up. Default False.
    n_atoms : int
        How many numbers describe an action: more than 1 for a distribution of returns. Default 1.
    dtype : floating dtype
        Default float32.

    References
    ----------
    Z. Wang et al.: "Dueling network architectures for deep reinforcement learning",
    arXiv:1511.06581 (2015), equation 9.
    """

    features: FeatureExtractor
    q: nn.MLP
    state_value: Any
    n_actions: int
    n_atoms: int

    def __init__(
        self, observation: SpaceSpec, action: DiscreteSpec, *, key: Any,
        net_arch: Sequence[int] = (64, 64), activation: Callable[[Any], Any] = nn.relu,
        dueling: bool = False, n_atoms: int = 1, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, q_key, value_key = split(key, 3)
        check_action_mask(observation, action)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        self.n_actions, self.n_atoms = action.n, n_atoms
        n, sizes = self.features.width, tuple(net_arch)
        self.q = perceptron(n, sizes, action.n * n_atoms, activation, q_key, dtype)
        self.state_value = (
            perceptron(n, sizes, n_atoms, activation, value_key, dtype) if dueling else None
        )

    def __call__(self, observation: Any) -> Any:
        """Return the outputs of each action, (n, actions) or (n, actions, atoms)."""
        features = self.features(observation)
        outputs = self.q(features).reshape(-1, self.n_actions, self.n_atoms)
        if self.state_value is not None:
            value = self.state_value(features).reshape(-1, 1, self.n_atoms)
            outputs = value + outputs - np.mean(outputs, axis=1, keepdims=True)
        return outputs[:, :, 0] if self.n_atoms == 1 else outputs
