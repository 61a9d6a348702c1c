"""Training around environments of Gymnasium: each step is one call of native code, and one of
theirs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...random import split
from ...transforms import jit
from ..agents.base import Agent, Outcome
from .compiled import latest, with_total
from .copies import Copies
from .statistics import EpisodeStatistics, after_step, no_episodes


class SteppedState(NamedTuple):
    """All that changes in a training, but for the environments."""

    agent: Any
    metrics: Any
    episodes: EpisodeStatistics


class SteppedLoop:
    """The agent as compiled functions of one state, called between steps of the environments.

    Parameters
    ----------
    agent : Agent
    copies : Copies
    key : uint32[2]
        Of the agent's first weights and of all noise.
    total_timesteps : int
    seed : int
        Of the environments.
    """

    def __init__(
        self, agent: Agent, copies: Copies, key: Any, total_timesteps: int, seed: int
    ) -> None:
        self.agent, self.copies, self._seed = agent, copies, seed
        agent_key, _ = split(key)
        metrics = {name: np.float64(np.nan) for name in agent.metric_names}
        state = SteppedState(
            agent.init(agent_key, total_timesteps), metrics, no_episodes(agent.n_envs)
        )
        self.compiled: tuple[Any, ...] = (
            jit(self._only_act), jit(self._record_and_act), jit(self._record_and_learn),
            jit(self._record_learn_and_act), jit(self._with_new_episodes), jit(with_total),
            jit(lambda state: (state, state.agent.num_timesteps)),
        )  # fmt: skip
        self._bind(state)
        self._observation: Any = None
        self._action: Any = None
        self._is_cut_off = False  # whether episodes were left in their middle

    def _bind(self, state: Any) -> None:
        act, *others = self.compiled
        self.bound = self._act = act.bind(state)
        bound = [function.bind(self._act) for function in others]
        self._step, self._learn, self._learn_and_act, self._cut_off, *bound = bound
        self._prepare, self._number = bound

    def share_compiled(self, other: SteppedLoop) -> None:
        """Run the compiled functions of a loop of the same settings."""
        self.compiled = other.compiled
        self._bind(self.bound)

    @property
    def state(self) -> SteppedState:
        """A copy of the state. Setting it copies another one of the same structure."""
        return self._act.state  # type: ignore[no-any-return]

    @state.setter
    def state(self, state: SteppedState) -> None:
        self._act.state = state

    @property
    def num_timesteps(self) -> int:
        """Steps of all copies so far."""
        return int(self._number())

    def prepare(self, total_timesteps: int, reset_num_timesteps: bool) -> None:
        """Begin a training of so many steps, or of so many more."""
        self._prepare(np.asarray(total_timesteps), np.asarray(reset_num_timesteps))

    @property
    def counts(self) -> Any:
        """A number beside the state that a checkpoint holds: the seed of the next episodes."""
        return np.int64(self._seed)

    @counts.setter
    def counts(self, counts: Any) -> None:
        self._seed = int(counts)
        self.restart_episodes()

    def restart_episodes(self) -> None:
        """Begin new episodes in the next run, since the environments were used otherwise."""
        self._observation = self._action = None
        self._is_cut_off = True
        self._seed += 1_000_003  # other episodes than those of the first start

    @staticmethod
    def agent_of(state: SteppedState) -> Any:
        """Return the agent's part of a state."""
        return state.agent

    def run(self, n_rounds: int) -> tuple[dict[str, Any], EpisodeStatistics, Any]:
        """Run some rounds; return metrics, the episodes' statistics, and the number of steps."""
        try:
            return self._run_rounds(n_rounds)
        except BaseException:
            self.restart_episodes()
            raise

    def _run_rounds(self, n_rounds: int) -> tuple[dict[str, Any], EpisodeStatistics, Any]:
        if self._is_cut_off:
            self._cut_off()
            self._is_cut_off = False
        if self._observation is None:
            self._observation = self.copies.reset(self._seed)
        steps = self.agent.steps_per_round
        metrics: Any = None
        for _ in range(n_rounds):
            if steps == 1:
                metrics = self._round_of_one()
                continue
            action = self._act(self._observation)
            for _ in range(steps - 1):
                action = self._step(*self._stepped(action))
            metrics = self._learn(*self._stepped(action))
        return metrics  # type: ignore[no-any-return]

    def _round_of_one(self) -> Any:
        """Step and learn; the action of the next step comes with the same call."""
        if self._action is None:
            self._action = self._act(self._observation)
        self._action, metrics = self._learn_and_act(*self._stepped(self._action))
        return metrics

    def _stepped(self, action: Any) -> tuple[Any, ...]:
        """Step, and return the next observation, then the parts of the outcome."""
        stepped = self.copies.step(action)
        self._observation = stepped.observation
        return stepped if stepped[-1] is not None else stepped[:-1]

    def _with_new_episodes(self, state: SteppedState) -> tuple[SteppedState, None]:
        episodes = state.episodes
        episodes = episodes._replace(
            returns=np.zeros_like(episodes.returns), lengths=np.zeros_like(episodes.lengths)
        )
        return state._replace(agent=self.agent.cut_off(state.agent), episodes=episodes), None

    def _only_act(self, state: SteppedState, observation: Any) -> Any:
        agent, action = self.agent.act(state.agent, observation)
        return state._replace(agent=agent), action

    def _record_and_act(self, state: SteppedState, observation: Any, *outcome: Any) -> Any:
        return self._only_act(self._recorded(state, outcome), observation)

    def _record_and_learn(self, state: SteppedState, observation: Any, *outcome: Any) -> Any:
        state = self._recorded(state, outcome)
        agent, new = self.agent.learn(state.agent, observation)
        metrics = {name: latest(state.metrics[name], x) for name, x in new.items()}
        state = state._replace(agent=agent, metrics=metrics)
        return state, (metrics, state.episodes, agent.num_timesteps)

    def _record_learn_and_act(self, state: SteppedState, observation: Any, *outcome: Any) -> Any:
        state, metrics = self._record_and_learn(state, observation, *outcome)
        state, action = self._only_act(state, observation)
        return state, (action, metrics)

    def _recorded(self, state: SteppedState, parts: tuple[Any, ...]) -> SteppedState:
        """Return the state after the outcome of an action."""
        outcome = Outcome(*parts)
        episodes = after_step(state.episodes, outcome.reward, outcome.ended, outcome.valid)
        return state._replace(agent=self.agent.record(state.agent, outcome), episodes=episodes)
