"""Proximal policy optimisation of a policy with a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ... import tree
from ..policies.distributions import to_environment
from ..policies.recurrent import forgotten
from .base import Outcome
from .on_policy import Minibatch, OnPolicyState
from .ppo import PPOAgent


class Memory(NamedTuple):
    """The memory of each copy now, and when the rollout began."""

    now: Any
    first: Any
    starts: Any  # (n,) bool: an episode begins with the next observation
    first_starts: Any


@dataclass(frozen=True)
class RecurrentPPOAgent(PPOAgent):
    """Minibatches are whole sequences of some copies, through which gradients flow."""

    is_recurrent: ClassVar[bool] = True

    def init(self, key: Any, total_timesteps: int) -> OnPolicyState:
        """Return the state that a training begins with."""
        state = super().init(key, total_timesteps)
        zeros, starts = state.policy.initial_memory(self.n_envs), np.ones(self.n_envs, np.bool_)
        return state._replace(memory=Memory(zeros, zeros, starts, starts))

    def record(self, state: OnPolicyState, outcome: Outcome) -> OnPolicyState:
        """Write down what came of the last action; a new episode begins without memories."""
        state = super().record(state, outcome)
        return state._replace(memory=state.memory._replace(starts=outcome.ended))

    def learn(self, state: OnPolicyState, observation: Any) -> tuple[OnPolicyState, dict[str, Any]]:
        """Update the policy by the rollout, which is then empty."""
        state, metrics = super().learn(state, observation)
        memory = state.memory
        memory = memory._replace(first=memory.now, first_starts=memory.starts)
        return state._replace(memory=memory), metrics

    def initial_memory(self, state: OnPolicyState, n: int) -> Any:
        """Return the memory of n copies before the first step."""
        return state.policy.initial_memory(n)

    def predict_from(
        self, state: OnPolicyState, observation: Any, memory: Any, key: Any, deterministic: bool
    ) -> tuple[Any, Any]:
        """Return an action for each observation, and the memory after it."""
        memory, actions, _ = state.policy.step(memory, self._normalized(state, observation))
        action = actions.mode() if deterministic else actions.sample(key)
        return to_environment(self.action, action), memory

    def _outputs(self, state: OnPolicyState, observation: Any) -> tuple[Any, Any, Any]:
        before = forgotten(state.memory.now, state.memory.starts)
        now, actions, value = state.policy.step(before, observation)
        return state.memory._replace(now=now), actions, value

    def _value(self, state: OnPolicyState, observation: Any) -> Any:
        return state.policy.step(state.memory.now, self._normalized(state, observation))[2]

    @property
    def _units(self) -> tuple[int, int]:
        """How many copies there are, and how many are in a minibatch."""
        n_batches = max(1, min(self.n_envs, self.n_steps * self.n_envs // self.batch_size))
        return self.n_envs, -(-self.n_envs // n_batches)

    def _part(
        self, state: OnPolicyState, batch: Minibatch, copies: Any
    ) -> tuple[Minibatch, Callable[[Any], Any]]:
        """Return the sequences of some copies, and how a policy is applied to them."""
        steps = (self.n_steps, self.n_envs)

        def sequences(x: Any) -> Any:
            return np.take(x.reshape(*steps, *x.shape[1:]), copies, axis=1)

        part = tree.map(sequences, batch)
        rows = tree.map(lambda x: x.reshape(-1, *x.shape[2:]), part)
        before = state.memory.first_starts[None]
        starts = np.concatenate([before, state.rollout.ended[:-1]])
        starts = np.take(starts, copies, axis=1)
        memory = tree.map(lambda x: np.take(x, copies, axis=0), state.memory.first)

        def forward(policy: Any) -> Any:
            return lambda _: policy.unroll(memory, part.observation, starts)

        return rows, forward
