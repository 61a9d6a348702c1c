"""Off-policy agents: they learn from a replay buffer of what any policy did."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ... import nn, optim, tree
from ...random import split
from ...trace.operands import is_plain_number
from ...transforms import cond, scan
from ..buffers.prioritized import (
    Priorities,
    draw_by_priority,
    empty_priorities,
    with_new_row,
    with_priorities,
)
from ..buffers.replay import (
    Replay,
    Transitions,
    cut_off,
    empty_replay,
    n_stored,
    transitions_at,
    uniform_indices,
    with_row,
)
from ..policies.distributions import to_environment
from ..spaces import ActionSpec, SpaceSpec, shape_and_dtype
from .base import Outcome, Progress, Schedule, inf_unless_finite


class OffPolicyState(NamedTuple):
    """All that changes in a training."""

    networks: Any  # all that learns: networks, their targets, the optimisers' states
    key: Any
    num_timesteps: Any
    total_timesteps: Any
    n_updates: Any
    replay: Replay
    priorities: Priorities | None
    observation: Any  # the last one, and what was done then
    action: Any
    noise: Any  # on the action, where it depends on the noise before


_PORTABLE = ("networks", "key", "num_timesteps", "total_timesteps", "n_updates")


@dataclass(frozen=True)
class OffPolicyAgent:
    """Replay and rounds of updates; the update itself is `_update` of each algorithm."""

    observation: SpaceSpec
    action: ActionSpec
    policy: Callable[..., nn.Module]
    n_envs: int
    may_ignore_actions: bool
    learning_rate: Schedule
    buffer_size: int
    learning_starts: int
    batch_size: int
    tau: float
    gamma: float
    train_freq: int
    gradient_steps: int
    n_steps: int
    prioritized_replay: bool
    priority_alpha: float
    priority_beta: float
    max_grad_norm: float | None
    dtype: Any

    is_recurrent: ClassVar[bool] = False

    @property
    @abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""

    @property
    def steps_per_round(self) -> int:
        """How many steps each copy makes between two calls of `learn`."""
        return self.train_freq

    @property
    def updates_per_round(self) -> int:
        """How many updates a round makes: -1 gradient steps are as many as transitions."""
        steps = self.gradient_steps
        return self.train_freq * self.n_envs if steps == -1 else steps

    @property
    def capacity(self) -> int:
        """How many rows the replay has."""
        return max(1, self.buffer_size // self.n_envs)

    def init(self, key: Any, total_timesteps: int) -> OffPolicyState:
        """Return the state that a training begins with."""
        network_key, key = split(key)
        shape, dtype = shape_and_dtype(self.action)
        dtype = self.dtype if dtype.kind == "f" else dtype
        replay = empty_replay(
            self.observation, shape, dtype, self.capacity, self.n_envs, self.dtype,
            self.may_ignore_actions,
        )  # fmt: skip
        priorities = None
        if self.prioritized_replay:
            priorities = empty_priorities(self.capacity * self.n_envs)
        observation = tree.map(lambda x: np.zeros_like(x[0]), replay.observation)
        return OffPolicyState(
            self._init_networks(network_key), key, np.int64(0), np.int64(total_timesteps),
            np.int64(0), replay, priorities, observation, np.zeros_like(replay.action[0]),
            self._first_noise(replay.action[0]),
        )  # fmt: skip

    def act(self, state: OffPolicyState, observation: Any) -> tuple[OffPolicyState, Any]:
        """Choose an action for each copy, such that something new is seen."""
        key, action_key = split(state.key)
        action, noise = self._explore(state, observation, action_key)
        state = state._replace(key=key, observation=observation, action=action, noise=noise)
        return state, self._to_environment(action)

    def record(self, state: OffPolicyState, outcome: Outcome) -> OffPolicyState:
        """Write down what came of it."""
        row = {
            "observation": state.observation,
            "next_observation": outcome.next_observation,
            "action": state.action,
            "reward": outcome.reward,
            "terminated": outcome.terminated,
            "ended": outcome.ended,
        }
        if self.may_ignore_actions:
            row["valid"] = outcome.valid
        priorities = state.priorities
        if priorities is not None:
            priorities = with_new_row(priorities, state.replay)
        noise = state.noise
        if noise is not None:  # that of the next episode begins anew
            noise = np.where(outcome.ended[:, None], 0, noise)
        return state._replace(
            replay=with_row(state.replay, row), priorities=priorities, noise=noise,
            num_timesteps=state.num_timesteps + self.n_envs,
        )  # fmt: skip

    def learn(
        self, state: OffPolicyState, observation: Any
    ) -> tuple[OffPolicyState, dict[str, Any]]:
        """Make a round of updates, unless too little was seen for that."""
        key, update_key = split(state.key)
        networks = self._before_updates(state)

        def run(networks: Any, priorities: Any, n_updates: Any) -> Any:
            carry, metrics = scan(
                lambda carry, key: self._one_update(state, carry, key),
                (networks, priorities, n_updates), split(update_key, self.updates_per_round),
            )  # fmt: skip
            return carry, tree.map(_mean_of_numbers, metrics)

        def skip(*carry: Any) -> Any:
            return carry, {name: np.asarray(np.nan, self.dtype) for name in self.metric_names}

        # counted in the replay, which is empty in a model that was read from a file
        n_transitions = state.replay.n_rows * self.n_envs
        carry, metrics = cond(
            n_transitions > self.learning_starts, run, skip,
            networks, state.priorities, state.n_updates,
        )  # fmt: skip
        networks, priorities, n_updates = carry
        first = self.metric_names[0]
        metrics[first] = inf_unless_finite(metrics[first], self.acting_network(networks))
        state = state._replace(
            networks=networks, priorities=priorities, n_updates=n_updates, key=key
        )
        return state, metrics

    def cut_off(self, state: OffPolicyState) -> OffPolicyState:
        """Return a state after which new episodes begin: returns of n steps end before them."""
        return state._replace(replay=cut_off(state.replay))

    def portable(self, state: OffPolicyState) -> Any:
        """Return the part of a state that a model file holds: all but the replay."""
        return {name: getattr(state, name) for name in _PORTABLE}

    def with_portable(self, state: OffPolicyState, portable: Any) -> OffPolicyState:
        """Return a state with that part of another one."""
        return state._replace(**portable)

    def _one_update(
        self, state: OffPolicyState, carry: Any, key: Any
    ) -> tuple[Any, dict[str, Any]]:
        networks, priorities, n_updates = carry
        draw_key, noise_key = split(key)
        replay, weight = state.replay, None
        if priorities is None:
            indices = uniform_indices(replay, draw_key, self.batch_size)
        else:
            remaining = self._progress(state).remaining
            beta = 1 - (1 - self.priority_beta) * remaining
            count = n_stored(replay) * self.n_envs
            indices, weight = draw_by_priority(priorities, draw_key, self.batch_size, count, beta)
            weight = weight.astype(self.dtype)
        batch = transitions_at(replay, indices, self.gamma, self.n_steps, weight)
        networks, errors, metrics = self._update(state, networks, batch, noise_key, n_updates)
        if priorities is not None:
            # what weighs nothing is never learned, and would be drawn again and again
            errors = np.where(batch.weight > 0, errors, 0)
            priorities = with_priorities(priorities, indices, errors, self.priority_alpha)
        return (networks, priorities, n_updates + 1), metrics

    def _progress(self, state: OffPolicyState) -> Progress:
        return Progress(state.num_timesteps, state.total_timesteps)

    def _before_updates(self, state: OffPolicyState) -> Any:
        """Return the networks with which a round of updates begins."""
        return state.networks

    @abstractmethod
    def acting_network(self, networks: Any) -> Any:
        """Return the network that acts."""

    @abstractmethod
    def _init_networks(self, key: Any) -> Any:
        """Return all that learns."""

    def _first_noise(self, actions: Any) -> Any:
        """Return the noise before the first action; None if none is remembered."""
        return None

    @abstractmethod
    def _explore(self, state: OffPolicyState, observation: Any, key: Any) -> tuple[Any, Any]:
        """Return an action for each copy, as the replay has it, and the noise on it."""

    def _to_environment(self, action: Any) -> Any:
        """Return the action as the environment takes it."""
        return to_environment(self.action, action)

    def _optimizer(self, learning_rate: Any) -> optim.Optimizer[Any]:
        """Return Adam for a learning rate that may be traced, with clipped gradients."""
        adam = optim.adam(learning_rate)
        if self.max_grad_norm is None:
            return optim.chain(adam)
        return optim.chain(optim.clip_by_global_norm(self.max_grad_norm), adam)

    @abstractmethod
    def _update(
        self, state: OffPolicyState, networks: Any, batch: Transitions, key: Any, n_updates: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Return the networks after an update, the error of each transition, and metrics."""


def _mean_of_numbers(values: Any) -> Any:
    """Return the mean along the first axis without nan, which stands for what was not computed."""
    is_number = ~np.isnan(values)
    total = np.sum(np.where(is_number, values, 0), axis=0)
    return total / np.sum(is_number, axis=0).astype(values.dtype)


def polyak(targets: Any, networks: Any, tau: Any) -> Any:
    """Move the targets towards the networks by the fraction tau, which may be traced."""
    if is_plain_number(tau) and tau == 1:
        return networks
    rate = tau + np.zeros(())
    return tree.map(lambda t, x: t + rate.astype(t.dtype) * (x - t), targets, networks)
