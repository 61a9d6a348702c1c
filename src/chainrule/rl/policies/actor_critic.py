"""Policies for on-policy algorithms: what to do, and how much reward to expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from ... import nn
from ...errors import at_user_line
from ...random import split
from ..spaces import ActionSpec, BoxSpec, SpaceSpec, action_mask, check_action_mask
from .distributions import Distribution, distribution, n_parameters
from .features import FeatureExtractor

NetArch = Sequence[int] | Mapping[str, Sequence[int]]


class ActorCritic(nn.Module):
    """Two perceptrons over the same features: of the action's distribution, and of the value.

    Parameters
    ----------
    observation : SpaceSpec
    action : ActionSpec
    key : uint32[2]
    net_arch : sequence of int, or dict with "pi" and "vf"
        Sizes of hidden layers. Default 64 and 64 for both.
    activation : callable
        Default tanh.
    ortho_init : bool
        Whether weights begin orthogonal: of length ``sqrt(2)``, 0.01 for actions, 1 for the value.
        Default True.
    log_std_init : float
        Logarithm of the standard deviation that actions of a Box begin with. Default 0.
    dtype : floating dtype
        Default float32.

    References
    ----------
    M. Andrychowicz et al.: "What matters in on-policy reinforcement learning?", arXiv:2006.05990
    (2020), on the initial scale of the last layer.
    """

    features: FeatureExtractor
    pi: nn.MLP
    vf: nn.MLP
    log_std: Any
    action: ActionSpec = nn.static()

    def __init__(
        self, observation: SpaceSpec, action: ActionSpec, *, key: Any, net_arch: NetArch = (64, 64),
        activation: Callable[[Any], Any] = nn.tanh, ortho_init: bool = True,
        log_std_init: float = 0.0, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, pi_key, vf_key = split(key, 3)
        check_action_mask(observation, action)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        sizes = hidden_sizes(net_arch, ("pi", "vf"))
        n, init = self.features.width, nn.orthogonal(sqrt(2)) if ortho_init else None
        outputs = n_parameters(action)
        self.pi = perceptron(n, sizes["pi"], outputs, activation, pi_key, dtype, init, 0.01)
        self.vf = perceptron(n, sizes["vf"], 1, activation, vf_key, dtype, init, 1.0)
        is_box = isinstance(action, BoxSpec)
        self.log_std = np.full(outputs, log_std_init, dtype) if is_box else None
        self.action = action

    def __call__(self, observation: Any) -> tuple[Distribution, Any]:
        """Return the distribution of actions, and the value of each row."""
        features = self.features(observation)
        return self._distribution(features, observation), self.vf(features)[:, 0]

    def value(self, observation: Any) -> Any:
        """Return the value of each row."""
        return self.vf(self.features(observation))[:, 0]

    def distribution(self, observation: Any) -> Distribution:
        """Return the distribution of actions."""
        return self._distribution(self.features(observation), observation)

    def _distribution(self, features: Any, observation: Any) -> Distribution:
        mask = action_mask(self.features.spec, observation)
        return distribution(self.action, self.pi(features), self.log_std, mask)


def hidden_sizes(
    net_arch: NetArch, names: Sequence[str], least: int = 0
) -> dict[str, tuple[int, ...]]:
    """Return the sizes of hidden layers of each network; the first has so many at least."""
    if isinstance(net_arch, Mapping):
        if set(net_arch) != set(names):
            raise ValueError(
                at_user_line(f"net_arch={dict(net_arch)}: give sizes for {' and '.join(names)}")
            )
        sizes = {name: tuple(net_arch[name]) for name in names}
    else:
        sizes = {name: tuple(net_arch) for name in names}
    if len(sizes[names[0]]) < least:
        raise ValueError(at_user_line(f"net_arch={net_arch!r}: give one hidden layer or more"))
    return sizes


def perceptron(
    n: int, sizes: Sequence[int], outputs: int, activation: Callable[[Any], Any], key: Any,
    dtype: Any, init: nn.Initializer | None = None, last_scale: float = 1.0,
) -> nn.MLP:  # fmt: skip
    """Return a perceptron; with `init`, its last layer is orthogonal of the length `last_scale`.

    Without `init`, weights are uniform within ``1 / sqrt(inputs)``, as PyTorch draws them.
    """
    draw_key, last_key = split(key)
    network = nn.MLP(
        n, sizes, outputs, activation, key=draw_key, weight_init=init or lecun_third, dtype=dtype
    )
    if init is None:
        return network
    last = network.layers[-1]
    weight = nn.orthogonal(last_scale)(last_key, last.weight.shape, dtype)
    return network.replace(layers=(*network.layers[:-1], last.replace(weight=weight)))


def lecun_third(key: Any, shape: Sequence[int], dtype: Any = np.float32) -> Any:
    """Uniform within ``1 / sqrt(fan_in)``: a variance of a third of LeCun's, PyTorch's default."""
    return nn.lecun_uniform(key, shape, dtype) / np.asarray(sqrt(3), dtype)
