"""Deep Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...losses import huber
from ...random import categorical, randint, split, uniform
from ...transforms import cond, stop_gradient
from ..buffers.replay import Transitions
from ..policies.distributions import IMPOSSIBLE, to_environment
from ..policies.q_network import Distributional
from ..spaces import DiscreteSpec, action_mask
from . import value_distributions as distributions
from .base import Progress, computed, gradient_step
from .off_policy import OffPolicyAgent, OffPolicyState, polyak


class DQNNetworks(NamedTuple):
    """The network, its slower copy, and the optimiser's state."""

    q: Any
    target: Any
    optimizer: Any


@dataclass(frozen=True)
class DQNAgent(OffPolicyAgent):
    """Q-learning with a network, a replay and a target network.

    References
    ----------
    V. Mnih et al.: "Human-level control through deep reinforcement learning", Nature 518 (2015);
    H. van Hasselt, A. Guez, D. Silver: "Deep reinforcement learning with double Q-learning",
    arXiv:1509.06461 (2015).
    """

    target_update_interval: int
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float
    double_q: bool
    distributional: Distributional | None
    n_atoms: int
    v_min: float
    v_max: float

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        return ("loss", "q_value")

    def exploration_rate(self, progress: Progress) -> Any:
        """Return the probability of a random action."""
        done = (1 - progress.remaining) / self.exploration_fraction
        start, end = self.exploration_initial_eps, self.exploration_final_eps
        return end + (start - end) * np.maximum(0.0, 1 - done)

    def loss(
        self, q: Any, target: Any, batch: Transitions
    ) -> tuple[Any, tuple[Any, dict[str, Any]]]:
        """Return the loss of a batch, the error of each transition, and metrics."""
        outputs = q(batch.observation)
        chosen = _of_action(outputs, batch.action)
        next_outputs = target(batch.next_observation)
        judge = q(batch.next_observation) if self.double_q else next_outputs
        best = self._best(judge, batch.next_observation)
        following = stop_gradient(_of_action(next_outputs, best))
        if self.distributional == "c51":
            wanted = distributions.projected(
                following, batch.reward, batch.discount, self.v_min, self.v_max
            )
            errors = distributions.cross_entropy(stop_gradient(wanted), chosen)
            priority = errors
        elif self.distributional == "quantile":
            wanted = batch.reward[:, None] + batch.discount[:, None] * following
            errors = distributions.quantile_huber(chosen, wanted)
            priority = errors
        else:
            wanted = batch.reward + batch.discount * following
            errors, priority = huber(chosen, wanted, reduction="none"), chosen - wanted
        value = np.mean(self._values(outputs))
        loss = np.mean(batch.weight * errors)
        return loss, (priority, {"loss": computed(loss), "q_value": computed(value)})

    def predict(
        self, state: OffPolicyState, observation: Any, key: Any, deterministic: bool
    ) -> Any:
        """Return the best action for each observation; not deterministic, with exploration."""
        if deterministic:
            return to_environment(self.action, self._greedy(state, observation))
        return to_environment(self.action, self._explore(state, observation, key)[0])

    def acting_network(self, networks: DQNNetworks) -> Any:
        """Return the network that acts."""
        return networks.q

    def _init_networks(self, key: Any) -> DQNNetworks:
        q = self.policy(self.observation, self.action, key=key)
        return DQNNetworks(q, q, self._optimizer(0.0).init(q))

    def _values(self, outputs: Any) -> Any:
        """Return the mean return of each action, (n, actions)."""
        if self.distributional == "c51":
            return distributions.categorical_means(outputs, self.v_min, self.v_max)
        return np.mean(outputs, axis=-1) if self.distributional == "quantile" else outputs

    def _best(self, outputs: Any, observation: Any) -> Any:
        """Return the best action of each row, of those that are possible."""
        values, mask = self._values(outputs), action_mask(self.observation, observation)
        if mask is not None:
            values = np.where(mask, values, np.asarray(IMPOSSIBLE, values.dtype))
        return np.argmax(values, axis=1)

    def _greedy(self, state: OffPolicyState, observation: Any) -> Any:
        return self._best(state.networks.q(observation), observation)

    def _explore(self, state: OffPolicyState, observation: Any, key: Any) -> tuple[Any, Any]:
        assert isinstance(self.action, DiscreteSpec)
        best = self._greedy(state, observation)
        whether_key, action_key = split(key)
        n = best.shape[0]
        explores = uniform(whether_key, (n,)) < self.exploration_rate(self._progress(state))
        explores = explores | (state.num_timesteps < self.learning_starts)
        mask = action_mask(self.observation, observation)
        if mask is None:
            random_action = randint(action_key, (n,), 0, self.action.n)
        else:
            logits = np.where(mask, np.zeros((), self.dtype), np.asarray(IMPOSSIBLE, self.dtype))
            random_action = categorical(action_key, logits)
        return np.where(explores, random_action, best), None

    def _before_updates(self, state: OffPolicyState) -> DQNNetworks:
        """Move the target network, if its interval is over since the round before."""
        networks = state.networks
        steps = self.steps_per_round * self.n_envs
        interval, now = self.target_update_interval, state.num_timesteps
        due = now // interval > (now - steps) // interval
        target = cond(
            due, lambda target, q: polyak(target, q, self.tau), lambda target, _: target,
            networks.target, networks.q,
        )  # fmt: skip
        return DQNNetworks(networks.q, target, networks.optimizer)

    def _update(
        self, state: OffPolicyState, networks: DQNNetworks, batch: Transitions, key: Any,
        n_updates: Any,
    ) -> tuple[DQNNetworks, Any, dict[str, Any]]:  # fmt: skip
        learning_rate = self._progress(state).value(self.learning_rate)
        q, optimizer_state, _, (errors, metrics) = gradient_step(
            lambda q: self.loss(q, networks.target, batch), networks.q,
            self._optimizer(learning_rate), networks.optimizer,
        )  # fmt: skip
        return networks._replace(q=q, optimizer=optimizer_state), errors, metrics


def _of_action(outputs: Any, action: Any) -> Any:
    """Return what belongs to one action of each row: (n,) or (n, atoms)."""
    index = action.reshape(-1, *(1,) * (outputs.ndim - 1))
    return np.take_along_axis(outputs, index, axis=1)[:, 0]
