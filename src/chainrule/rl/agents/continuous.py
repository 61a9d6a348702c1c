"""What SAC and TD3 share: actions of a bounded Box, drawn at random before the training starts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...random import split, uniform
from ..buffers.replay import Transitions
from .action_noise import ActionNoise
from .base import gradient_step
from .off_policy import OffPolicyAgent, OffPolicyState


@dataclass(frozen=True)
class ContinuousAgent(OffPolicyAgent):
    """An actor and several critics, whose targets follow slowly."""

    n_critics: int
    action_noise: ActionNoise | None

    def _critic_step(
        self, critics: Any, optimizer_state: Any, batch: Transitions, targets: Any,
        learning_rate: Any, scale: float,
    ) -> tuple[Any, Any, Any, Any]:  # fmt: skip
        """Move all critics towards the targets; return also the loss and each row's error."""

        def loss(critics: Any) -> tuple[Any, Any]:
            errors = [q - targets for q in critics(batch.observation, batch.action)]
            total = sum(np.mean(batch.weight * error * error) for error in errors)
            return scale * total, sum(map(np.abs, errors)) / len(errors)

        return gradient_step(loss, critics, self._optimizer(learning_rate), optimizer_state)

    def _first_noise(self, actions: Any) -> Any:
        """Return no noise, to begin with."""
        return np.zeros_like(actions) if self.action_noise is not None else None

    def _explore(self, state: OffPolicyState, observation: Any, key: Any) -> tuple[Any, Any]:
        """Draw actions, uniformly before `learning_starts` and then by the policy; add noise."""
        uniform_key, policy_key, noise_key = split(key, 3)
        action = self._policy_action(state, observation, policy_key)
        random_action = uniform(uniform_key, action.shape, action.dtype, -1.0, 1.0)
        action = np.where(state.num_timesteps < self.learning_starts, random_action, action)
        if self.action_noise is None:
            return action, None
        noise = self.action_noise.after(state.noise, noise_key)
        return np.clip(action + noise, -1, 1), noise

    @abstractmethod
    def _policy_action(self, state: OffPolicyState, observation: Any, key: Any) -> Any:
        """Return the action of the policy, without noise."""
