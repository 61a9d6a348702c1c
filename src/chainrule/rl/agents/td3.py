"""Twin delayed deep deterministic policy gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...random import normal, split
from ...transforms import cond, stop_gradient
from ..buffers.replay import Transitions
from ..policies.continuous import Critics, smallest
from ..policies.distributions import to_environment
from .base import computed, gradient_step
from .continuous import ContinuousAgent
from .off_policy import OffPolicyState, polyak


class TD3Networks(NamedTuple):
    """Actor and critics, their slower copies, and the optimisers' states."""

    actor: Any
    critics: Any
    actor_target: Any
    critic_targets: Any
    actor_optimizer: Any
    critic_optimizer: Any


@dataclass(frozen=True)
class TD3Agent(ContinuousAgent):
    """A deterministic actor, two critics of which the smaller one counts, and delayed updates.

    References
    ----------
    S. Fujimoto, H. van Hoof, D. Meger: "Addressing function approximation error in actor-critic
    methods", arXiv:1802.09477 (2018).
    """

    critic_policy: Any
    policy_delay: int
    target_policy_noise: float
    target_noise_clip: float

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        return ("actor_loss", "critic_loss")

    def actor_loss(self, actor: Any, critics: Any, observation: Any) -> Any:
        """Return the actor's loss: what the first critic says of its actions, negated."""
        return -np.mean(critics(observation, actor(observation))[0])

    def critic_targets(self, networks: TD3Networks, batch: Transitions, key: Any) -> Any:
        """Return what the critics should say of each transition."""
        action = networks.actor_target(batch.next_observation)
        noise = normal(key, action.shape, action.dtype) * np.asarray(
            self.target_policy_noise, action.dtype
        )
        noise = np.clip(noise, -self.target_noise_clip, self.target_noise_clip)
        action = np.clip(action + noise, -1, 1)
        q = smallest(networks.critic_targets(batch.next_observation, action))
        return batch.reward + batch.discount * q

    def predict(
        self, state: OffPolicyState, observation: Any, key: Any, deterministic: bool
    ) -> Any:
        """Return the action for each observation, without noise in any case."""
        return to_environment(self.action, state.networks.actor(observation))

    def acting_network(self, networks: TD3Networks) -> Any:
        """Return the network that acts."""
        return networks.actor

    def _init_networks(self, key: Any) -> TD3Networks:
        actor_key, critic_key = split(key)
        actor = self.policy(self.observation, self.action, key=actor_key)
        critics: Critics = self.critic_policy(
            self.observation, self.action, n_critics=self.n_critics, key=critic_key
        )
        optimizer = self._optimizer(0.0)
        return TD3Networks(
            actor, critics, actor, critics, optimizer.init(actor), optimizer.init(critics)
        )

    def _policy_action(self, state: OffPolicyState, observation: Any, key: Any) -> Any:
        return state.networks.actor(observation)

    def _update(
        self, state: OffPolicyState, networks: TD3Networks, batch: Transitions, key: Any,
        n_updates: Any,
    ) -> tuple[TD3Networks, Any, dict[str, Any]]:  # fmt: skip
        learning_rate = self._progress(state).value(self.learning_rate)
        targets = stop_gradient(self.critic_targets(networks, batch, key))
        critics, critic_optimizer, critic_loss, errors = self._critic_step(
            networks.critics, networks.critic_optimizer, batch, targets, learning_rate, 1.0
        )

        def update_actor(actor: Any, actor_target: Any, critic_targets: Any, state: Any) -> Any:
            actor, state, value, _ = gradient_step(
                lambda actor: (self.actor_loss(actor, critics, batch.observation), None),
                actor, self._optimizer(learning_rate), state,
            )  # fmt: skip
            targets = polyak((actor_target, critic_targets), (actor, critics), self.tau)
            return actor, *targets, state, computed(value)

        def wait(actor: Any, actor_target: Any, critic_targets: Any, state: Any) -> Any:
            nothing = np.asarray(np.nan, self.dtype)
            return actor, actor_target, critic_targets, state, nothing

        actor, actor_target, critic_targets, actor_optimizer, actor_loss = cond(
            (n_updates + 1) % self.policy_delay == 0, update_actor, wait, networks.actor,
            networks.actor_target, networks.critic_targets, networks.actor_optimizer,
        )  # fmt: skip
        new = TD3Networks(
            actor, critics, actor_target, critic_targets, actor_optimizer, critic_optimizer
        )
        return new, errors, {"actor_loss": actor_loss, "critic_loss": computed(critic_loss)}
