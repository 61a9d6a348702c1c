"""Training as one native loop: acting, stepping and learning are in the same graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import tree
from ...errors import EnvironmentStepError
from ...random import split
from ...transforms import cond, jit, while_loop
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
    is_finite: Any  # whether all rewards and observations were


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
            no_episodes(agent.n_envs), np.bool_(True),
        )  # fmt: skip
        self.compiled: tuple[Any, ...] = (
            jit(self._run_rounds), jit(self._with_new_episodes), jit(with_total),
            jit(lambda state: (state, state.agent.num_timesteps)),
        )  # fmt: skip
        self._bind(state)

    def _bind(self, state: Any) -> None:
        run_rounds, *others = self.compiled
        self.bound = run_rounds.bind(state)
        self._restart, self._prepare, self._count = (x.bind(self.bound) for x in others)

    def share_compiled(self, other: CompiledLoop) -> None:
        """Run the compiled functions of a loop of the same settings."""
        self.compiled = other.compiled
        self._bind(self.bound)

    @property
    def state(self) -> LoopState:
        """A copy of the state. Setting it copies another one of the same structure."""
        return self.bound.state  # type: ignore[no-any-return]

    @state.setter
    def state(self, state: LoopState) -> None:
        self.bound.state = state

    @property
    def num_timesteps(self) -> int:
        """Steps of all copies so far."""
        return int(self._count())

    def prepare(self, total_timesteps: int, reset_num_timesteps: bool) -> None:
        """Begin a training of so many steps, or of so many more."""
        self._prepare(np.asarray(total_timesteps), np.asarray(reset_num_timesteps))

    def run(self, n_rounds: int) -> tuple[dict[str, Any], EpisodeStatistics, Any]:
        """Run some rounds; return metrics, the episodes' statistics, and the number of steps.

        Raises
        ------
        EnvironmentStepError
            If a reward or an observation is not finite. The rounds before are whole, of the round
            itself nothing was learned, and new episodes begin.
        """
        metrics, episodes, n_timesteps, is_finite = self.bound(np.asarray(n_rounds, np.int64))
        if not is_finite:
            self._restart()
            raise EnvironmentStepError(
                f"a reward or an observation is not finite, after {int(n_timesteps):,} steps: the "
                "environment divides by zero, or its numbers overflow. What was learned before is "
                "whole: save it with model.save(path)"
            )
        return metrics, episodes, n_timesteps

    @property
    def counts(self) -> None:
        """Numbers beside the state that a checkpoint holds: none, all is in the graph."""

    @counts.setter
    def counts(self, counts: None) -> None:
        pass

    def restart_episodes(self) -> None:
        """Do nothing: nobody else steps these copies."""

    @staticmethod
    def agent_of(state: LoopState) -> Any:
        """Return the agent's part of a state."""
        return state.agent

    def _with_new_episodes(self, state: LoopState) -> tuple[LoopState, None]:
        reset_key, key = split(state.key)
        env_state, observation = self.environment.reset(split(reset_key, self.agent.n_envs))
        episodes = state.episodes._replace(
            returns=np.zeros_like(state.episodes.returns),
            lengths=np.zeros_like(state.episodes.lengths),
        )
        agent = self.agent.cut_off(state.agent)
        return LoopState(agent, env_state, observation, key, episodes, np.bool_(True)), None

    def _run_rounds(self, state: LoopState, n_rounds: Any) -> tuple[LoopState, Any]:
        metrics = {name: np.float64(np.nan) for name in self.agent.metric_names}

        def more(carry: Any) -> Any:
            return (carry[2] < n_rounds) & carry[0].is_finite

        def body(carry: Any) -> Any:
            state, metrics, number = carry
            state, new = self._round(state)
            return state, {name: latest(metrics[name], x) for name, x in new.items()}, number + 1

        state, metrics, _ = while_loop(more, body, (state, metrics, np.int64(0)))
        return state, (metrics, state.episodes, state.agent.num_timesteps, state.is_finite)

    def _round(self, state: LoopState) -> tuple[LoopState, dict[str, Any]]:
        def more(carry: Any) -> Any:
            return (carry[1] < self.agent.steps_per_round) & carry[0].is_finite

        def step(carry: Any) -> Any:
            return self._step(carry[0]), carry[1] + 1

        state, _ = while_loop(more, step, (state, np.int64(0)))

        def skip(agent: Any, observation: Any) -> tuple[Any, dict[str, Any]]:
            nothing = np.asarray(np.nan, self.agent.dtype)
            return agent, dict.fromkeys(self.agent.metric_names, nothing)

        agent, metrics = cond(
            state.is_finite, self.agent.learn, skip, state.agent, state.observation
        )
        return state._replace(agent=agent), metrics

    def _step(self, state: LoopState) -> LoopState:
        key, step_key = split(state.key)
        agent, action = self.agent.act(state.agent, state.observation)
        keys = split(step_key, self.agent.n_envs)
        env_state, observation, reward, terminated, truncated, final_observation = auto_reset_step(
            self.environment, state.environment, action, keys
        )
        outcome = Outcome(reward, terminated, truncated, final_observation)
        is_finite = np.all(np.isfinite(reward)) & _all_finite(final_observation)
        is_finite = is_finite & _all_finite(observation)
        # numbers that are not finite never reach the agent
        agent, episodes = cond(
            is_finite,
            lambda agent, episodes: (
                self.agent.record(agent, outcome), after_step(episodes, reward, outcome.ended)
            ),
            lambda agent, episodes: (agent, episodes),
            agent, state.episodes,
        )  # fmt: skip
        return LoopState(agent, env_state, observation, key, episodes, is_finite)


def latest(old: Any, new: Any) -> Any:
    """Return a metric of this round, or of an earlier one if it was not computed in this one."""
    new = new.astype(np.float64)
    return np.where(np.isnan(new), old, new)


def with_total(state: Any, total: Any, reset: Any) -> tuple[Any, None]:
    """Return a state whose training is to reach a number of steps, from 0 or from where it is."""
    start = np.where(reset, 0, state.agent.num_timesteps)
    agent = state.agent._replace(num_timesteps=start, total_timesteps=start + total)
    return state._replace(agent=agent), None


def _all_finite(observation: Any) -> Any:
    """Return whether all floats of an observation are finite."""
    result: Any = np.bool_(True)
    for leaf in tree.leaves(observation):
        if leaf.dtype.kind == "f":
            result = result & np.all(np.isfinite(leaf))
    return result
