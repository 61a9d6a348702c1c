"""Advantage actor-critic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ... import optim
from .on_policy import Minibatch, SingleUpdateAgent


@dataclass(frozen=True)
class A2CAgent(SingleUpdateAgent):
    """One update by each rollout, along the gradient of ``log_prob * advantage``.

    References
    ----------
    V. Mnih et al.: "Asynchronous methods for deep reinforcement learning", arXiv:1602.01783 (2016).
    """

    use_rms_prop: bool
    rms_prop_eps: float

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        return ("policy_loss", "value_loss", "entropy", "explained_variance")

    def make_optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return RMSProp as TensorFlow has it, or Adam."""
        if self.use_rms_prop:
            return optim.rmsprop(
                learning_rate, decay=0.99, eps=self.rms_prop_eps, eps_in_sqrt=True,
                initial_scale=1.0,
            )  # fmt: skip
        return optim.adam(learning_rate)

    def loss(self, policy: Any, batch: Minibatch) -> tuple[Any, dict[str, Any]]:
        """Return the loss of a rollout, and its parts."""
        actions, values = policy(batch.observation)
        advantage = batch.advantage
        if self.normalize_advantage:
            advantage = batch.standardized_advantage()
        policy_loss = -batch.mean(advantage * actions.log_prob(batch.action))
        value_loss = batch.mean((batch.returns - values) ** 2)
        entropy = batch.mean(actions.entropy())
        loss = policy_loss - self.ent_coef * entropy + self.vf_coef * value_loss
        return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}
