"""Training as one native loop: acting, stepping and learning are in the same graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import tree
from ...random import split
from ...transforms import jit, scan, while_loop
from ..agents.base import Agent, Outcome
from ..environments.auto_reset import auto_reset_step
from .statistics import EpisodeStatistics, after_step, no_episodes


class LoopState(NamedTuple):
    """All that changes in a training whose environment is in the graph."""

    agent: Any
    environment: Any
    observation: Any
    key: Any
    episodes: EpisodeStatistics


class CompiledLoop:
    """The agent and the environment as one compiled function, and its state.

    Parameters
    ----------
    agent : Agent
    environment : Environment
    key : uint32[2]
        Of the agent's first weights and of all noise.
    total_timesteps : int
    """

    def __init__(self, agent: Agent, environment: Any, key: Any, total_timesteps: int) -> None:
        self.agent, self.environment = agent, environment
        agent_key, reset_key, key = split(key, 3)
        env_state, observation = environment.reset(split(reset_key, agent.n_envs))
        state = LoopState(
            agent.init(agent_key, total_timesteps), env_state, observation, key,
            no_episodes(agent.n_envs),
        )  # fmt: skip
        self._rounds = jit(self._run_rounds).bind(state)

    @property
    def state(self) -> LoopState:
        """A copy of the state. Setting it copies another one of the same structure."""
        return self._rounds.state  # type: ignore[no-any-return]

    @state.setter
    def state(self, state: LoopState) -> None:
        self._rounds.state = state

    def run(self, n_rounds: int) -> dict[str, Any]:
        """Run some rounds; return the metrics of the last one, and the episodes' statistics."""
        return self._rounds(np.asarray(n_rounds, np.int64))  # type: ignore[no-any-return]

    def _run_rounds(self, state: LoopState, n_rounds: Any) -> tuple[LoopState, Any]:
        metrics = {name: np.float64(np.nan) for name in self.agent.metric_names}

        def more(carry: Any) -> Any:
            return carry[2] < n_rounds

        def body(carry: Any) -> Any:
            state, metrics, number = carry
            state, new = self._round(state)
            return state, {name: latest(metrics[name], x) for name, x in new.items()}, number + 1

        state, metrics, _ = while_loop(more, body, (state, metrics, np.int64(0)))
        return state, (metrics, state.episodes, state.agent.num_timesteps)

    def _round(self, state: LoopState) -> tuple[LoopState, dict[str, Any]]:
        def step(state: LoopState, _: None) -> tuple[LoopState, None]:
            return self._step(state), None

        state, _ = scan(step, state, length=self.agent.steps_per_round)
        agent, metrics = self.agent.learn(state.agent, state.observation)
        return state._replace(agent=agent), metrics

    def _step(self, state: LoopState) -> LoopState:
        key, step_key = split(state.key)
        agent, action = self.agent.act(state.agent, state.observation)
        keys = split(step_key, self.agent.n_envs)
        env_state, observation, reward, terminated, truncated, final_observation = auto_reset_step(
            self.environment, state.environment, action, keys
        )
        outcome = Outcome(reward, terminated, truncated, final_observation)
        agent = self.agent.record(agent, outcome)
        episodes = after_step(state.episodes, reward, outcome.ended)
        return LoopState(agent, env_state, observation, key, episodes)


def latest(old: Any, new: Any) -> Any:
    """Return a metric of this round, or of an earlier one if it was not computed in this one."""
    new = new.astype(np.float64)
    return np.where(np.isnan(new), old, new)


def leaves_in_bytes(state: Any) -> int:
    """Return how many bytes the arrays of a state take."""
    return sum(np.asarray(leaf).nbytes for leaf in tree.leaves(state))
