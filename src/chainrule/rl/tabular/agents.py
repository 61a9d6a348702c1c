"""Q-learning and SARSA as pure functions of a table."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...random import split, uniform
from ...transforms import scan
from ..agents.base import Outcome, Progress, Schedule
from ..policies.distributions import to_environment
from ..spaces import DiscreteSpec, SpaceSpec, action_mask
from .states import n_states, state_numbers


class Choice(NamedTuple):
    """An action in each copy's state."""

    state: Any  # (n,)
    action: Any  # (n,), from 0 on
    is_random: Any  # (n,) bool: whether it was drawn from all actions to explore


class Update(NamedTuple):
    """What the last step of each copy changed in the table, all of shape (n,)."""

    state: Any
    action: Any
    is_random: Any
    reward: Any
    terminated: Any
    next_state: Any
    next_value: Any  # what the next state is worth, before the discount
    target: Any
    learning_rate: Any
    old: Any
    new: Any
    valid: Any  # bool: False where the environment ignored the action, and nothing was learned

    @property
    def error(self) -> Any:
        """How far the old value was below the target."""
        return self.target - self.old


class TabularState(NamedTuple):
    """All that changes in a training."""

    q_table: Any  # (states, actions)
    visits: Any  # (states, actions): how often each entry was learned
    key: Any
    num_timesteps: Any
    total_timesteps: Any
    choice: Choice  # the last one
    following: Choice | None  # the next one, of algorithms that learn from it
    update: Update


_PORTABLE = ("q_table", "visits", "key", "num_timesteps", "total_timesteps")


@dataclass(frozen=True)
class TabularAgent:
    """A table that each step changes in one entry; by which rule is up to each algorithm.

    Of several copies of the environment, each learns from the table that the one before it left.
    """

    observation: SpaceSpec
    action: DiscreteSpec
    n_envs: int
    may_ignore_actions: bool
    learning_rate: Schedule
    visit_decay: float | None  # rates of (1 + visits) ** -visit_decay, in place of learning_rate
    gamma: float
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float
    initial_q: float
    dtype: Any

    metric_names: ClassVar[tuple[str, ...]] = ("td_error", "exploration_rate")
    steps_per_round: ClassVar[int] = 1
    is_recurrent: ClassVar[bool] = False

    def init(self, key: Any, total_timesteps: int) -> TabularState:
        """Return the state that a training begins with."""
        shape, n = (n_states(self.observation), self.action.n), self.n_envs
        whole, false = np.zeros(n, np.int64), np.zeros(n, np.bool_)
        zero = np.zeros(n, self.dtype)
        choice = Choice(whole, whole, false)
        update = Update(
            whole, whole, false, zero, false, whole, zero, zero, zero, zero, zero, false
        )  # fmt: skip
        return TabularState(
            np.full(shape, self.initial_q, self.dtype), np.zeros(shape, np.int64), key,
            np.int64(0), np.int64(total_timesteps), choice, self._no_following(choice), update,
        )  # fmt: skip

    def act(self, state: TabularState, observation: Any) -> tuple[TabularState, Any]:
        """Choose the best action in each copy, or any to explore."""
        key, action_key = split(state.key)
        choice = self._chosen(state, observation, action_key)
        state = state._replace(key=key, choice=choice)
        return state, to_environment(self.action, choice.action)

    def record(self, state: TabularState, outcome: Outcome) -> TabularState:
        """Learn from what came of it."""
        next_state = state_numbers(self.observation, outcome.next_observation)
        mask = action_mask(self.observation, outcome.next_observation)
        state = self._planned(state, outcome)
        choice = state.choice
        rate, exploration_rate = self._learning_rate(state), self.exploration_rate(state)
        valid = outcome.valid if self.may_ignore_actions else np.ones(self.n_envs, np.bool_)
        next_action = choice.action if state.following is None else state.following.action
        transitions = (
            *choice, outcome.reward.astype(self.dtype), outcome.terminated, next_state,
            next_action, mask, valid,
        )  # fmt: skip

        def learn(tables: Any, transition: Any) -> tuple[Any, Update]:
            return self._updated(tables, transition, rate, exploration_rate)

        tables, update = scan(learn, (state.q_table, state.visits), transitions)
        return state._replace(
            q_table=tables[0], visits=tables[1], update=update,
            num_timesteps=state.num_timesteps + self.n_envs,
        )  # fmt: skip

    def learn(self, state: TabularState, observation: Any) -> tuple[TabularState, dict[str, Any]]:
        """Return numbers that describe the last step: it was learned from when it was recorded."""
        error = np.mean(np.where(state.update.valid, np.abs(state.update.error), 0.0))
        return state, {"td_error": error, "exploration_rate": self.exploration_rate(state)}

    def cut_off(self, state: TabularState) -> TabularState:
        """Return a state after which new episodes begin: no action follows the last one."""
        if state.following is None:
            return state
        nothing = np.full_like(state.following.state, -1)
        return state._replace(following=state.following._replace(state=nothing))

    def portable(self, state: TabularState) -> Any:
        """Return the part of a state that a model file holds: all but the last step."""
        return {name: getattr(state, name) for name in _PORTABLE}

    def with_portable(self, state: TabularState, portable: Any) -> TabularState:
        """Return a state with that part of another one."""
        return state._replace(**portable)

    def predict(self, state: TabularState, observation: Any, key: Any, deterministic: bool) -> Any:
        """Return the best action for each observation; not deterministic, with exploration."""
        if deterministic:
            values = state.q_table[state_numbers(self.observation, observation)]
            possible = masked(values, action_mask(self.observation, observation))
            return to_environment(self.action, np.argmax(possible, axis=1))
        choice = self._epsilon_greedy(state, observation, key)
        return to_environment(self.action, choice.action)

    def exploration_rate(self, state: TabularState) -> Any:
        """Return the probability of a random action."""
        done = (1 - self._progress(state).remaining) / self.exploration_fraction
        start, end = self.exploration_initial_eps, self.exploration_final_eps
        return end + (start - end) * np.maximum(0.0, 1 - done)

    @abstractmethod
    def next_value(self, values: Any, mask: Any, next_action: Any, exploration_rate: Any) -> Any:
        """Return what a state is worth.

        From the values of its actions, of shape (actions,), and which of them are possible: None
        if all are.
        """

    def _progress(self, state: TabularState) -> Progress:
        return Progress(state.num_timesteps, state.total_timesteps)

    def _learning_rate(self, state: TabularState) -> Any:
        return self._progress(state).value(self.learning_rate, self.dtype)

    def _updated(
        self, tables: Any, transition: Any, rate: Any, exploration_rate: Any
    ) -> tuple[Any, Update]:
        """Learn one transition: ``Q(s, a) <- Q(s, a) + rate * (target - Q(s, a))``."""
        q_table, visits = tables
        state, action, is_random, reward, terminated, next_state, next_action, mask, valid = (
            transition
        )
        value = self.next_value(q_table[next_state], mask, next_action, exploration_rate)
        next_value = np.where(terminated, 0.0, value).astype(self.dtype)
        target = reward + self.gamma * next_value
        old, count = q_table[state, action], visits[state, action]
        if self.visit_decay is not None:
            rate = (1.0 + count) ** -self.visit_decay
        rate = np.where(valid, rate, 0.0).astype(self.dtype)
        new = old + rate * (target - old)
        q_table[state, action] = new
        visits[state, action] = count + valid
        update = Update(
            state, action, is_random, reward, terminated, next_state, next_value, target, rate,
            old, new, valid,
        )  # fmt: skip
        return (q_table, visits), update

    def _chosen(self, state: TabularState, observation: Any, key: Any) -> Choice:
        return self._epsilon_greedy(state, observation, key)

    def _planned(self, state: TabularState, outcome: Outcome) -> TabularState:
        """Choose the next action before learning, if the algorithm learns from it."""
        return state

    def _no_following(self, choice: Choice) -> Choice | None:
        return None

    def _epsilon_greedy(self, state: TabularState, observation: Any, key: Any) -> Choice:
        """Return a random action with the rate of exploration, and else one of the best."""
        numbers = state_numbers(self.observation, observation)
        mask = action_mask(self.observation, observation)
        draws = uniform(key, (numbers.shape[0], 2), np.float64)
        is_random = draws[:, 0] < self.exploration_rate(state)
        values = masked(state.q_table[numbers], mask)
        best = _one_of(values == np.max(values, axis=1, keepdims=True), draws[:, 1])
        if mask is None:
            anything = (draws[:, 1] * self.action.n).astype(np.int64)
        else:
            anything = _one_of(mask, draws[:, 1])
        return Choice(numbers, np.where(is_random, anything, best), is_random)


def masked(values: Any, mask: Any) -> Any:
    """Return values with -inf for actions that are not possible."""
    return values if mask is None else np.where(mask, values, -np.inf)


def _one_of(candidates: Any, draw: Any) -> Any:
    """Return one of the true columns of each row, each as likely, by a draw from 0 to 1."""
    rank = np.cumsum(candidates, axis=1)
    drawn_rank = (draw * rank[:, -1]).astype(np.int64)
    return np.argmax(rank > drawn_rank[:, None], axis=1)


@dataclass(frozen=True)
class QLearningAgent(TabularAgent):
    """The next state is worth its best action, whatever is done there.

    References
    ----------
    C. Watkins, P. Dayan: "Q-learning", Machine Learning 8 (1992).
    """

    def next_value(self, values: Any, mask: Any, next_action: Any, exploration_rate: Any) -> Any:
        """Return the largest value of a possible action."""
        return values[np.argmax(masked(values, mask))] if mask is not None else np.max(values)


@dataclass(frozen=True)
class SARSAAgent(TabularAgent):
    """The next state is worth the action that will be taken there.

    References
    ----------
    G. Rummery, M. Niranjan: "On-line Q-learning using connectionist systems", CUED/F-INFENG/TR 166
    (1994); R. S. Sutton, A. G. Barto: "Reinforcement learning" (2018), section 6.4.
    """

    def next_value(self, values: Any, mask: Any, next_action: Any, exploration_rate: Any) -> Any:
        """Return the value of the next action."""
        return values[next_action]

    def _no_following(self, choice: Choice) -> Choice | None:
        return choice._replace(state=np.full_like(choice.state, -1))

    def _chosen(self, state: TabularState, observation: Any, key: Any) -> Choice:
        """Take the action that was learned from, unless an episode begins."""
        assert state.following is not None
        drawn = self._epsilon_greedy(state, observation, key)
        is_planned = state.following.state == drawn.state
        return Choice(*(np.where(is_planned, *pair) for pair in zip(state.following, drawn,
                                                                    strict=True)))  # fmt: skip

    def _planned(self, state: TabularState, outcome: Outcome) -> TabularState:
        key, action_key = split(state.key)
        following = self._epsilon_greedy(state, outcome.next_observation, action_key)
        # No action follows the end: a state of -1 is none that the next episode begins with
        following = following._replace(state=np.where(outcome.ended, -1, following.state))
        return state._replace(key=key, following=following)


@dataclass(frozen=True)
class ExpectedSARSAAgent(TabularAgent):
    """The next state is worth the mean over the actions that may be taken there.

    References
    ----------
    H. van Seijen et al.: "A theoretical and empirical analysis of expected Sarsa", ADPRL (2009).
    """

    def next_value(self, values: Any, mask: Any, next_action: Any, exploration_rate: Any) -> Any:
        """Return the mean over the epsilon-greedy policy."""
        if mask is None:
            best, mean = np.max(values), np.mean(values)
        else:
            best = values[np.argmax(masked(values, mask))]
            mean = np.sum(np.where(mask, values, 0.0)) / np.maximum(1, np.sum(mask))
        return best + exploration_rate * (mean - best)
