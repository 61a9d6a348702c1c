"""Proximal policy optimisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import optim, tree
from ...random import permutation, split
from ...train.epoch import scan_batches
from ...transforms import cond, scan
from .base import Schedule
from .on_policy import Minibatch, OnPolicyAgent, OnPolicyState

METRICS = ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "n_updates")


@dataclass(frozen=True)
class PPOAgent(OnPolicyAgent):
    """Several epochs over each rollout, with ratios of probabilities that are cut off.

    References
    ----------
    J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov: "Proximal policy optimization
    algorithms", arXiv:1707.06347 (2017), equations 7 and 9.
    """

    batch_size: int
    n_epochs: int
    clip_range: Schedule
    clip_range_vf: Schedule | None
    target_kl: float | None

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        return (*METRICS[:-1], "explained_variance")

    def make_optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return Adam with the epsilon that policy gradients are run with."""
        return optim.adam(learning_rate, eps=1e-5)

    def loss(
        self, policy: Any, batch: Minibatch, clip_range: Any, clip_range_vf: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return the loss of a minibatch, and its parts."""
        actions, values = policy(batch.observation)
        advantage = batch.advantage
        if self.normalize_advantage:
            advantage = batch.standardized_advantage()
        log_ratio = actions.log_prob(batch.action) - batch.log_prob
        ratio = np.exp(log_ratio)
        limited = np.clip(ratio, 1 - clip_range, 1 + clip_range)
        policy_loss = -batch.mean(np.minimum(ratio * advantage, limited * advantage))
        if clip_range_vf is not None:
            change = np.clip(values - batch.value, -clip_range_vf, clip_range_vf)
            values = batch.value + change
        value_loss = batch.mean((batch.returns - values) ** 2)
        entropy = batch.mean(actions.entropy())
        loss = policy_loss - self.ent_coef * entropy + self.vf_coef * value_loss
        metrics = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "approx_kl": batch.mean(ratio - 1 - log_ratio),
            "clip_fraction": batch.mean((np.abs(ratio - 1) > clip_range).astype(self.dtype)),
            "n_updates": np.ones((), self.dtype),
        }
        return loss, metrics

    def _update(
        self, state: OnPolicyState, batch: Minibatch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        progress = self._progress(state)
        learning_rate = progress.value(self.learning_rate)
        clip_range = progress.value(self.clip_range, self.dtype)
        clip_range_vf = None
        if self.clip_range_vf is not None:
            clip_range_vf = progress.value(self.clip_range_vf, self.dtype)

        def update(policy: Any, optimizer: Any, rows: Any) -> tuple[Any, Any, dict[str, Any]]:
            part, forward = self._part(state, batch, rows)
            return self._gradient_step(
                lambda p: self.loss(forward(p), part, clip_range, clip_range_vf), policy, optimizer,
                learning_rate,
            )  # fmt: skip

        def step(carry: Any, rows: Any, number: Any) -> tuple[Any, Any]:
            policy, optimizer, too_far = carry
            if self.target_kl is None:
                policy, optimizer, metrics = update(policy, optimizer, rows)
                return (policy, optimizer, too_far), metrics
            return self._unless_too_far(carry, lambda p, o: update(p, o, rows))

        rows, batch_size = self._units

        def epoch(carry: Any, epoch_key: Any) -> tuple[Any, Any]:
            order = permutation(epoch_key, rows)
            carry, values, last = scan_batches(step, carry, order, batch_size, rows // batch_size)
            sums = tree.map(lambda x: np.sum(x, axis=0), values)
            return carry, sums if last is None else tree.map(np.add, sums, last)

        start = (state.policy, state.optimizer, np.bool_(False))
        (policy, optimizer, _), sums = scan(epoch, start, split(key, self.n_epochs))
        totals = tree.map(lambda x: np.sum(x, axis=0), sums)
        n_updates = totals.pop("n_updates")
        return policy, optimizer, tree.map(lambda x: x / n_updates, totals)

    @property
    def _units(self) -> tuple[int, int]:
        """How many rows a rollout has, and how many of them are in a minibatch."""
        rows = self.n_steps * self.n_envs
        return rows, min(self.batch_size, rows)

    def _part(
        self, state: OnPolicyState, batch: Minibatch, rows: Any
    ) -> tuple[Minibatch, Callable[[Any], Any]]:
        """Return some rows of a rollout, and how a policy is applied to them."""
        return tree.map(lambda x: np.take(x, rows, axis=0), batch), lambda policy: policy

    def _unless_too_far(
        self, carry: Any, update: Callable[[Any, Any], tuple[Any, Any, dict[str, Any]]]
    ) -> tuple[Any, Any]:
        """Update the policy unless it is too far from the one that made the rollout."""

        def skip(policy: Any, optimizer: Any) -> Any:
            nothing = {name: np.zeros((), self.dtype) for name in METRICS}
            return (policy, optimizer, np.bool_(True)), nothing

        def run(policy: Any, optimizer: Any) -> Any:
            new_policy, new_optimizer, metrics = update(policy, optimizer)
            too_far = metrics["approx_kl"] > 1.5 * self.target_kl  # type: ignore[operator]
            new = tree.map(
                lambda x, y: np.where(too_far, x, y),
                (policy, optimizer), (new_policy, new_optimizer),
            )  # fmt: skip
            return (*new, too_far), metrics

        policy, optimizer, too_far = carry
        return cond(too_far, skip, run, policy, optimizer)  # type: ignore[no-any-return]
