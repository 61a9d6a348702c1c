"""A policy with a memory: an LSTM between the observation and both perceptrons."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from ... import nn, tree
from ...random import split
from ...transforms import scan
from ..spaces import ActionSpec, BoxSpec, SpaceSpec, action_mask, check_action_mask
from .actor_critic import NetArch, hidden_sizes, perceptron
from .distributions import Distribution, distribution, n_parameters
from .features import FeatureExtractor


class RecurrentActorCritic(nn.Module):
    """Two perceptrons over the outputs of one LSTM cell.

    Parameters
    ----------
    observation : SpaceSpec
    action : ActionSpec
    key : uint32[2]
    lstm_hidden_size : int
        Default 64.
    net_arch : sequence of int, or dict with "pi" and "vf"
        Sizes of hidden layers after the cell. Default 64 for both.
    activation : callable
        Default tanh.
    ortho_init : bool
        As for `ActorCritic`. Default True.
    log_std_init : float
        As for `ActorCritic`. Default 0.
    dtype : floating dtype
        Default float32.

    References
    ----------
    M. Hausknecht, P. Stone: "Deep recurrent Q-learning for partially observable MDPs",
    arXiv:1507.06527 (2015).
    """

    features: FeatureExtractor
    cell: nn.LSTMCell
    pi: nn.MLP
    vf: nn.MLP
    log_std: Any
    action: ActionSpec = nn.static()

    def __init__(
        self, observation: SpaceSpec, action: ActionSpec, *, key: Any, lstm_hidden_size: int = 64,
        net_arch: NetArch = (64,), activation: Callable[[Any], Any] = nn.tanh,
        ortho_init: bool = True, log_std_init: float = 0.0, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        features_key, cell_key, pi_key, vf_key = split(key, 4)
        check_action_mask(observation, action)
        self.features = FeatureExtractor(observation, key=features_key, dtype=dtype)
        self.cell = nn.LSTMCell(self.features.width, lstm_hidden_size, key=cell_key, dtype=dtype)
        sizes = hidden_sizes(net_arch, ("pi", "vf"))
        init = nn.orthogonal(sqrt(2)) if ortho_init else None
        n, outputs = lstm_hidden_size, n_parameters(action)
        self.pi = perceptron(n, sizes["pi"], outputs, activation, pi_key, dtype, init, 0.01)
        self.vf = perceptron(n, sizes["vf"], 1, activation, vf_key, dtype, init, 1.0)
        is_box = isinstance(action, BoxSpec)
        self.log_std = np.full(outputs, log_std_init, dtype) if is_box else None
        self.action = action

    def initial_memory(self, n: int) -> Any:
        """Return the memory of n copies before the first step: zeros."""
        return self.cell.initial_state(n)

    def step(self, memory: Any, observation: Any) -> tuple[Any, Distribution, Any]:
        """Return the memory after an observation, the distribution of actions, and the value."""
        memory, output = self.cell(memory, self.features(observation))
        return memory, *self._heads(output, observation)

    def unroll(self, memory: Any, observation: Any, starts: Any) -> tuple[Distribution, Any]:
        """Return distribution and value of each step of a sequence.

        Parameters
        ----------
        memory : tree of arrays of shape (n, ...)
            Before the first step.
        observation : tree of arrays of shape (steps, n, ...)
        starts : bool (steps, n)
            Where an episode begins: the memory is 0 there.

        Returns
        -------
        Distribution, and array of shape (steps * n,)
            Of all steps in a row, step by step.
        """
        steps, n = starts.shape
        flat = tree.map(lambda x: x.reshape(steps * n, *x.shape[2:]), observation)
        projected = self.cell.project(self.features(flat)).reshape(steps, n, -1)

        def step(memory: Any, x: Any) -> tuple[Any, Any]:
            inputs, start = x
            return self.cell.step(forgotten(memory, start), inputs)

        _, outputs = scan(step, memory, (projected, starts))
        return self._heads(outputs.reshape(steps * n, -1), flat)

    def _heads(self, output: Any, observation: Any) -> tuple[Distribution, Any]:
        mask = action_mask(self.features.spec, observation)
        actions = distribution(self.action, self.pi(output), self.log_std, mask)
        return actions, self.vf(output)[:, 0]


def forgotten(memory: Any, starts: Any) -> Any:
    """Return the memory with zeros where episodes begin."""
    return tree.map(lambda x: np.where(starts[:, None], np.asarray(0, x.dtype), x), memory)
