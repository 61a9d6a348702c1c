"""On-policy agents: they learn from what the present policy did, and then forget it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ... import nn, optim, tree
from ...random import split
from ...transforms import cond
from ..buffers.rollout import Rollout, empty_rollout, generalized_advantages
from ..buffers.writing import with_values
from ..normalization import (
    ReturnScale,
    initial_moments,
    normalized,
    scaled_rewards,
    updated_moments,
)
from ..policies.distributions import to_environment
from ..spaces import ActionSpec, BoxSpec, SpaceSpec
from .base import Outcome, Progress, Schedule, computed, gradient_step, inf_unless_finite


class OnPolicyState(NamedTuple):
    """All that changes in a training."""

    policy: Any
    optimizer: Any
    key: Any
    num_timesteps: Any
    total_timesteps: Any
    rollout: Rollout
    row: Any  # of the rollout, the next to be written
    observation_moments: Any
    return_scale: Any
    memory: Any = None  # of policies that have one


_PORTABLE = ("policy", "optimizer", "key", "num_timesteps", "total_timesteps",
             "observation_moments")  # fmt: skip


class Minibatch(NamedTuple):
    """Rows of a rollout in any order, with what they were worth."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    advantage: Any
    returns: Any
    valid: Any = None

    def mean(self, values: Any) -> Any:
        """Return the mean over the rows, of those that count."""
        if self.valid is None:
            return np.mean(values)
        weight = self.valid.astype(values.dtype)
        return np.sum(np.where(self.valid, values, 0)) / np.maximum(np.sum(weight), 1)

    def standardized_advantage(self) -> Any:
        """Return advantages of mean 0 and (unbiased) standard deviation 1."""
        n = self.advantage.shape[0]
        if n == 1:
            return self.advantage
        centered = self.advantage - self.mean(self.advantage)
        count = n if self.valid is None else np.maximum(np.sum(self.valid), 2)
        variance = self.mean(centered * centered) * (count / (count - 1))
        return centered / (np.sqrt(variance).astype(centered.dtype) + 1e-8)


@dataclass(frozen=True)
class OnPolicyAgent:
    """Rollouts and advantages; what is done with them is `_update` of each algorithm."""

    observation: SpaceSpec
    action: ActionSpec
    policy: Callable[..., nn.Module]
    n_envs: int
    may_ignore_actions: bool
    learning_rate: Schedule
    n_steps: int
    gamma: float
    gae_lambda: float
    ent_coef: float
    vf_coef: float
    max_grad_norm: float
    normalize_advantage: bool
    normalize_observations: bool
    normalize_rewards: bool
    dtype: Any

    is_recurrent: ClassVar[bool] = False

    @property
    @abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""

    @property
    def steps_per_round(self) -> int:
        """How many steps each copy makes between two calls of `learn`."""
        return self.n_steps

    @abstractmethod
    def make_optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return the optimiser, without the clipping of gradients."""

    def optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return the optimiser for a learning rate that may be traced."""
        clip = optim.clip_by_global_norm(self.max_grad_norm)
        return optim.chain(clip, self.make_optimizer(learning_rate))

    def init(self, key: Any, total_timesteps: int) -> OnPolicyState:
        """Return the state that a training begins with."""
        policy_key, key = split(key)
        policy = self.policy(self.observation, self.action, key=policy_key)
        rollout = empty_rollout(
            self.observation, self.action, self.n_steps, self.n_envs, self.dtype,
            self.may_ignore_actions,
        )  # fmt: skip
        moments = scale = None
        if self.normalize_observations:
            assert isinstance(self.observation, BoxSpec)
            moments = initial_moments(self.observation.shape)
        if self.normalize_rewards:
            scale = ReturnScale(np.zeros(self.n_envs), initial_moments(()))
        return OnPolicyState(
            policy, self.optimizer(0.0).init(policy), key, np.int64(0), np.int64(total_timesteps),
            rollout, np.int64(0), moments, scale,
        )  # fmt: skip

    def act(self, state: OnPolicyState, observation: Any) -> tuple[OnPolicyState, Any]:
        """Draw an action for each copy, and write it down."""
        key, action_key = split(state.key)
        moments = state.observation_moments
        if moments is not None:
            moments = updated_moments(moments, observation)
            observation = normalized(moments, observation)
        memory, actions, value = self._outputs(state, observation)
        action = actions.sample(action_key)
        rows = {
            "observation": observation,
            "action": action,
            "log_prob": actions.log_prob(action),
            "value": value,
        }
        rollout = with_values(state.rollout, state.row, rows)
        state = state._replace(key=key, rollout=rollout, observation_moments=moments, memory=memory)
        return state, to_environment(self.action, action)

    def record(self, state: OnPolicyState, outcome: Outcome) -> OnPolicyState:
        """Write down what came of it.

        The last reward of an episode that was cut off contains the value of what would have come:
        "time-limit bootstrapping".

        References
        ----------
        F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev: "Time limits in reinforcement learning",
        arXiv:1712.00378 (2017), equation 8.
        """
        reward, ended, scale = outcome.reward.astype(self.dtype), outcome.ended, state.return_scale
        if scale is not None:
            scale, reward = scaled_rewards(scale, reward, ended, self.gamma, outcome.valid)
        cut_off = outcome.truncated & ~outcome.terminated

        def add_value(reward: Any, observation: Any) -> Any:
            value = self._value(state, observation)
            return reward + np.where(cut_off, np.asarray(self.gamma, self.dtype) * value, 0)

        reward = cond(
            np.any(cut_off), add_value, lambda reward, _: reward, reward, outcome.next_observation
        )
        row = {"reward": reward, "ended": ended}
        if self.may_ignore_actions:
            row["valid"] = outcome.valid
        rollout = with_values(state.rollout, state.row, row)
        return state._replace(
            rollout=rollout, row=state.row + 1, num_timesteps=state.num_timesteps + self.n_envs,
            return_scale=scale,
        )  # fmt: skip

    def learn(self, state: OnPolicyState, observation: Any) -> tuple[OnPolicyState, dict[str, Any]]:
        """Update the policy by the rollout, which is then empty."""
        rollout = state.rollout
        last_value = self._value(state, observation)
        advantages, returns = self._advantages(rollout, last_value)
        everything = Minibatch(
            rollout.observation, rollout.action, rollout.log_prob, rollout.value, advantages,
            returns, rollout.valid,
        )  # fmt: skip
        batch = tree.map(lambda x: x.reshape(-1, *x.shape[2:]), everything)
        key, update_key = split(state.key)
        policy, optimizer, metrics = self._update(state, batch, update_key)
        metrics = tree.map(computed, metrics)
        first = self.metric_names[0]
        metrics[first] = inf_unless_finite(metrics[first], policy)
        metrics["explained_variance"] = _explained_variance(batch)
        state = state._replace(policy=policy, optimizer=optimizer, key=key, row=np.int64(0))
        return state, metrics

    def predict(self, state: OnPolicyState, observation: Any, key: Any, deterministic: bool) -> Any:
        """Return an action for each observation, without learning anything."""
        actions = state.policy.distribution(self._normalized(state, observation))
        action = actions.mode() if deterministic else actions.sample(key)
        return to_environment(self.action, action)

    def cut_off(self, state: OnPolicyState) -> OnPolicyState:
        """Return a state after which new episodes begin; a rollout that is not full is dropped."""
        scale = state.return_scale
        if scale is not None:
            scale = scale._replace(returns=np.zeros_like(scale.returns))
        return state._replace(row=np.int64(0), return_scale=scale)

    def portable(self, state: OnPolicyState) -> Any:
        """Return the part of a state that a model file holds: all but the rollout."""
        scale = state.return_scale
        moments = None if scale is None else scale.moments
        return {**{name: getattr(state, name) for name in _PORTABLE}, "return_moments": moments}

    def with_portable(self, state: OnPolicyState, portable: Any) -> OnPolicyState:
        """Return a state with that part of another one."""
        rest = dict(portable)
        moments, scale = rest.pop("return_moments"), state.return_scale
        if scale is not None:
            scale = scale._replace(moments=moments)
        return state._replace(return_scale=scale, **rest)

    def _outputs(self, state: OnPolicyState, observation: Any) -> tuple[Any, Any, Any]:
        """Return the memory after an observation, the distribution of actions, and the value."""
        return None, *state.policy(observation)

    def _value(self, state: OnPolicyState, observation: Any) -> Any:
        return state.policy.value(self._normalized(state, observation))

    def _advantages(self, rollout: Rollout, last_value: Any) -> tuple[Any, Any]:
        return generalized_advantages(rollout, last_value, self.gamma, self.gae_lambda)

    @abstractmethod
    def _update(
        self, state: OnPolicyState, batch: Minibatch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Return policy, optimiser's state and metrics after all updates by a rollout."""

    def _progress(self, state: OnPolicyState) -> Progress:
        return Progress(state.num_timesteps, state.total_timesteps)

    def _normalized(self, state: OnPolicyState, observation: Any) -> Any:
        moments = state.observation_moments
        return observation if moments is None else normalized(moments, observation)

    def _gradient_step(
        self, loss: Callable[[Any], tuple[Any, dict[str, Any]]], policy: Any, optimizer: Any,
        learning_rate: Any,
    ) -> tuple[Any, Any, dict[str, Any]]:  # fmt: skip
        policy, optimizer, _, metrics = gradient_step(
            loss, policy, self.optimizer(learning_rate), optimizer
        )
        return policy, optimizer, metrics


@dataclass(frozen=True)
class SingleUpdateAgent(OnPolicyAgent):
    """What A2C and REINFORCE have in common: one update by each rollout."""

    @abstractmethod
    def loss(self, policy: Any, batch: Minibatch) -> tuple[Any, dict[str, Any]]:
        """Return the loss of a rollout, and its parts."""

    def _update(
        self, state: OnPolicyState, batch: Minibatch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        learning_rate = self._progress(state).value(self.learning_rate)
        return self._gradient_step(
            lambda policy: self.loss(policy, batch), state.policy, state.optimizer, learning_rate
        )


def _explained_variance(batch: Minibatch) -> Any:
    """Return ``1 - var(returns - values) / var(returns)``; nan if all returns are equal."""

    def variance(x: Any) -> Any:
        return batch.mean((x - batch.mean(x)) ** 2)

    return 1 - variance(batch.returns - batch.value) / variance(batch.returns)
