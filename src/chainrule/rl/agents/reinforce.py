"""REINFORCE: policy gradients by the returns of whole episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import optim
from ...transforms import scan
from ..buffers.rollout import Rollout, generalized_advantages
from .base import Outcome
from .on_policy import Minibatch, OnPolicyState, SingleUpdateAgent


@dataclass(frozen=True)
class REINFORCEAgent(SingleUpdateAgent):
    """One update by the whole episodes of each rollout, along ``log_prob * return``.

    With a baseline, the network's value of the state is subtracted from the return, and learned
    beside. Steps of episodes that go on at the end of the rollout are left out.

    References
    ----------
    R. J. Williams: "Simple statistical gradient-following algorithms for connectionist
    reinforcement learning", Machine Learning 8 (1992).
    """

    baseline: bool

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        values = ("value_loss",) if self.baseline else ()
        return ("policy_loss", *values, "entropy", "explained_variance")

    def make_optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return Adam."""
        return optim.adam(learning_rate)

    def record(self, state: OnPolicyState, outcome: Outcome) -> OnPolicyState:
        """Write down what came of the last action.

        Without a baseline there is no value of the state in which an episode was cut off: its
        return is the sum up to there.
        """
        if not self.baseline:
            outcome = outcome._replace(terminated=outcome.ended)
        return super().record(state, outcome)

    def loss(self, policy: Any, batch: Minibatch) -> tuple[Any, dict[str, Any]]:
        """Return the loss of a rollout, and its parts; advantages of nan are left out."""
        actions, values = policy(batch.observation)
        complete = ~np.isnan(batch.advantage)
        valid = complete if batch.valid is None else complete & batch.valid
        batch = batch._replace(advantage=np.where(complete, batch.advantage, 0), valid=valid)
        advantage = batch.advantage
        if self.normalize_advantage:
            advantage = batch.standardized_advantage()
        policy_loss = -batch.mean(advantage * actions.log_prob(batch.action))
        entropy = batch.mean(actions.entropy())
        loss, metrics = policy_loss - self.ent_coef * entropy, {"policy_loss": policy_loss}
        if self.baseline:
            value_loss = batch.mean((batch.returns - values) ** 2)
            loss, metrics = loss + self.vf_coef * value_loss, {**metrics, "value_loss": value_loss}
        return loss, {**metrics, "entropy": entropy}

    def _advantages(self, rollout: Rollout, last_value: Any) -> tuple[Any, Any]:
        """Return advantages and returns; nan as the advantage of steps of unfinished episodes."""
        if not self.baseline:
            rollout = rollout._replace(value=np.zeros_like(rollout.value))
        advantages, returns = generalized_advantages(rollout, last_value, self.gamma, 1.0)
        return np.where(_is_complete(rollout.ended), advantages, np.nan), returns


def _is_complete(ended: Any) -> Any:
    """Return for each step whether its episode ends within the rollout, (steps, copies)."""

    def step(later: Any, ended: Any) -> Any:
        later = later | ended
        return later, later

    _, complete = scan(step, np.zeros(ended.shape[1:], np.bool_), ended, reverse=True)
    return complete
