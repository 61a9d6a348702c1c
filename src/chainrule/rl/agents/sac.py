"""Soft actor-critic."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import Any, NamedTuple

import numpy as np

from ... import optim, tree
from ...random import split
from ...transforms import stop_gradient
from ..buffers.replay import Transitions
from ..policies.continuous import Critics, smallest
from ..policies.distributions import to_environment
from .base import computed, gradient_step
from .continuous import ContinuousAgent
from .off_policy import OffPolicyState, polyak


class SACNetworks(NamedTuple):
    """Actor, critics, their slower copies, the weight of the entropy, and optimisers' states."""

    actor: Any
    critics: Any
    targets: Any
    log_ent_coef: Any
    actor_optimizer: Any
    critic_optimizer: Any
    ent_coef_optimizer: Any


@dataclass(frozen=True)
class SACAgent(ContinuousAgent):
    """An actor that is rewarded for its entropy as well.

    References
    ----------
    T. Haarnoja et al.: "Soft actor-critic algorithms and applications", arXiv:1812.05905 (2018).
    """

    critic_policy: Any
    ent_coef: float | str
    target_entropy: float
    target_update_interval: int

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        return ("actor_loss", "critic_loss", "ent_coef", "entropy")

    @property
    def learns_ent_coef(self) -> bool:
        """Whether the weight of the entropy follows from the target entropy."""
        return isinstance(self.ent_coef, str)

    def actor_loss(
        self, actor: Any, critics: Any, observation: Any, ent_coef: Any, key: Any
    ) -> tuple[Any, Any]:
        """Return the actor's loss, and the mean log-density of its actions."""
        action, log_prob = actor(observation).sample_with_log_prob(key)
        q = smallest(critics(observation, action))
        return np.mean(ent_coef * log_prob - q), np.mean(log_prob)

    def critic_targets(
        self, actor: Any, targets: Any, batch: Transitions, ent_coef: Any, key: Any
    ) -> Any:
        """Return what the critics should say of each transition."""
        action, log_prob = actor(batch.next_observation).sample_with_log_prob(key)
        q = smallest(targets(batch.next_observation, action))
        return batch.reward + batch.discount * (q - ent_coef * log_prob)

    def predict(
        self, state: OffPolicyState, observation: Any, key: Any, deterministic: bool
    ) -> Any:
        """Return an action for each observation, without learning anything."""
        actions = state.networks.actor(observation)
        return to_environment(self.action, actions.mode() if deterministic else actions.sample(key))

    def acting_network(self, networks: SACNetworks) -> Any:
        """Return the network that acts."""
        return networks.actor

    def _init_networks(self, key: Any) -> SACNetworks:
        actor_key, critic_key = split(key)
        actor = self.policy(self.observation, self.action, key=actor_key)
        critics: Critics = self.critic_policy(
            self.observation, self.action, n_critics=self.n_critics, key=critic_key
        )
        ent_coef = self._initial_ent_coef()
        log_ent_coef = np.asarray(log(ent_coef) if ent_coef else -inf, self.dtype)
        optimizer = self._optimizer(0.0)
        return SACNetworks(
            actor, critics, critics, log_ent_coef, optimizer.init(actor), optimizer.init(critics),
            optimizer.init(log_ent_coef),
        )  # fmt: skip

    def _initial_ent_coef(self) -> float:
        if not isinstance(self.ent_coef, str):
            return self.ent_coef
        return float(self.ent_coef.removeprefix("auto").removeprefix("_") or 1.0)

    def _policy_action(self, state: OffPolicyState, observation: Any, key: Any) -> Any:
        return state.networks.actor(observation).sample(key)

    def _update(
        self, state: OffPolicyState, networks: SACNetworks, batch: Transitions, key: Any,
        n_updates: Any,
    ) -> tuple[SACNetworks, Any, dict[str, Any]]:  # fmt: skip
        actor_key, target_key = split(key)
        learning_rate = self._progress(state).value(self.learning_rate)
        ent_coef = np.exp(networks.log_ent_coef)

        targets = self.critic_targets(networks.actor, networks.targets, batch, ent_coef, target_key)
        critics, critic_optimizer, critic_loss, errors = self._critic_step(
            networks.critics, networks.critic_optimizer, batch, stop_gradient(targets),
            learning_rate, 0.5,
        )  # fmt: skip

        def loss(actor: Any) -> tuple[Any, Any]:
            return self.actor_loss(actor, critics, batch.observation, ent_coef, actor_key)

        actor, actor_optimizer, actor_loss, log_prob = gradient_step(
            loss, networks.actor, self._optimizer(learning_rate), networks.actor_optimizer
        )

        log_ent_coef, ent_coef_optimizer = networks.log_ent_coef, networks.ent_coef_optimizer
        if self.learns_ent_coef:  # the gradient of -log_ent_coef * (log_prob + target_entropy)
            slope = -(log_prob + np.asarray(self.target_entropy, self.dtype))
            update, ent_coef_optimizer = self._optimizer(learning_rate).update(
                slope, ent_coef_optimizer, log_ent_coef
            )
            log_ent_coef = optim.apply_updates(log_ent_coef, update)
        new_targets = _every(
            self.target_update_interval, n_updates, networks.targets, critics, self.tau
        )
        new = SACNetworks(
            actor, critics, new_targets, log_ent_coef, actor_optimizer, critic_optimizer,
            ent_coef_optimizer,
        )  # fmt: skip
        metrics = {
            "actor_loss": actor_loss, "critic_loss": critic_loss, "ent_coef": ent_coef,
            "entropy": -log_prob,
        }  # fmt: skip
        return new, errors, tree.map(computed, metrics)


def _every(interval: int, n_updates: Any, targets: Any, critics: Any, tau: float) -> Any:
    """Move the targets at every update, or at each whose number the interval divides."""
    if interval == 1:
        return polyak(targets, critics, tau)
    rate = np.where(n_updates % interval == 0, tau, 0.0)
    return polyak(targets, critics, rate)
