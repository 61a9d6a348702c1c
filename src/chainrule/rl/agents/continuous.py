"""What SAC and TD3 share: actions of a bounded Box, drawn at random before the training starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import optim
from ...random import split, uniform
from ...transforms import value_and_grad
from ..buffers.replay import Transitions
from ..policies.distributions import to_environment
from .off_policy import OffPolicyAgent, OffPolicyState


@dataclass(frozen=True)
class ContinuousAgent(OffPolicyAgent):
    """An actor and several critics, whose targets follow slowly."""

    n_critics: int
    max_grad_norm: float | None

    def _optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        adam = optim.adam(learning_rate)
        if self.max_grad_norm is None:
            return optim.chain(adam)
        return optim.chain(optim.clip_by_global_norm(self.max_grad_norm), adam)

    def _critic_step(
        self, critics: Any, optimizer_state: Any, batch: Transitions, targets: Any,
        learning_rate: Any, scale: float,
    ) -> tuple[Any, Any, Any, Any]:  # fmt: skip
        """Move all critics towards the targets; return also the loss and each row's error."""

        def loss(critics: Any) -> tuple[Any, Any]:
            errors = [q - targets for q in critics(batch.observation, batch.action)]
            total = sum(np.mean(batch.weight * error * error) for error in errors)
            return scale * total, sum(map(np.abs, errors)) / len(errors)

        (value, errors), gradient = value_and_grad(loss, has_aux=True)(critics)
        updates, optimizer_state = self._optimizer(learning_rate).update(
            gradient, optimizer_state, critics
        )
        return optim.apply_updates(critics, updates), optimizer_state, value, errors

    def _explore(self, state: OffPolicyState, observation: Any, key: Any) -> Any:
        """Draw actions: uniformly before `learning_starts`, then by the policy."""
        uniform_key, policy_key = split(key)
        action = self._noisy_action(state, observation, policy_key)
        random_action = uniform(uniform_key, action.shape, action.dtype, -1.0, 1.0)
        return np.where(state.num_timesteps < self.learning_starts, random_action, action)

    def _noisy_action(self, state: OffPolicyState, observation: Any, key: Any) -> Any:
        raise NotImplementedError

    def _to_environment(self, action: Any) -> Any:
        return to_environment(self.action, action)
