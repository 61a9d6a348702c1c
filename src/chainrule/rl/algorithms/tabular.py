"""Q-learning and SARSA with a table, as users call them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ... import tree
from ...errors import EnvironmentStepError, ShapeError, UnsupportedError, at_user_line
from ..agents.base import Agent, Schedule
from ..loops.copies import SingleCopies
from ..spaces import ACTION_MASK, ActionSpec, DiscreteSpec, SpaceSpec, action_mask
from ..tabular.agents import (
    ExpectedSARSAAgent,
    QLearningAgent,
    SARSAAgent,
    TabularAgent,
)
from ..tabular.explanation import TableExplanation, explained_steps
from ..tabular.grids import render_values
from ..tabular.states import check_tabular, n_states, state_numbers
from .base import Algorithm
from .settings import TABULAR_RULES, Rule, is_whole, visit_decay

_COMMON = {
    "n_envs": 1, "learning_rate": 0.1, "gamma": 0.99, "exploration_fraction": 0.5,
    "exploration_initial_eps": 1.0, "exploration_final_eps": 0.05, "initial_q": 0.0,
}  # fmt: skip
_SLOWED_DOWN = 10**6  # how much slower schedules move while steps are explained


class TabularAlgorithm(Algorithm):
    """What QLearning and SARSA have in common."""

    SPECIAL_RULES: ClassVar[Mapping[str, Rule]] = TABULAR_RULES

    @classmethod
    def load(cls, path: str | Path, env: Any = None, policy: None = None, **changes: Any) -> Self:
        """Read a model; see `Algorithm.load`. There is no policy to give."""
        cls._refuse_policy(policy)
        return super().load(path, env, None, **changes)

    @classmethod
    def _refuse_policy(cls, policy: Any) -> None:
        if policy is not None:
            raise UnsupportedError(
                at_user_line(f"{cls.__name__} has a table and no network: leave policy out")
            )

    def learn(
        self, total_timesteps: int, callback: Any = None, *, reset_num_timesteps: bool = True,
        progress_bar: bool = True, checkpoint: str | Path | None = None,
        checkpoint_interval: float = 10.0,
    ) -> Self:  # fmt: skip
        """Train for a number of steps of the environment; see `Algorithm.learn`."""
        try:
            return super().learn(
                total_timesteps, callback, reset_num_timesteps=reset_num_timesteps,
                progress_bar=progress_bar, checkpoint=checkpoint,
                checkpoint_interval=checkpoint_interval,
            )  # fmt: skip
        except IndexError as error:  # of the table's rows
            raise EnvironmentStepError(
                f"the environment returned an observation outside of its space, "
                f"{self.agent.observation}: correct its observation_space"
            ) from error

    @property
    def q_table(self) -> Any:
        """The value of each action in each state: a copy, floats (n_states, n_actions).

        A state of several numbers, such as Blackjack's, has the row
        ``np.ravel_multi_index(numbers, counts)``. A part "action_mask" is no part of the state;
        actions that it never allowed keep ``initial_q``.
        """
        return self.state.q_table

    @property
    def visits(self) -> Any:
        """How often each entry of the table was learned: a copy, int64[n_states, n_actions]."""
        return self.state.visits

    @property
    def policy(self) -> Any:
        """The best action of each state, int64[n_states], from 0 on.

        Raises
        ------
        UnsupportedError
            If observations have an "action_mask", which the table does not.
        """
        if action_mask(self.agent.observation, {ACTION_MASK: np.ones(1)}) is not None:
            raise UnsupportedError(
                at_user_line(
                    "which action is the best depends on the action_mask: use "
                    "predict(observation, deterministic=True)"
                )
            )
        return self._acting_network(self.state)

    def explain(self, n_steps: int = 10) -> TableExplanation:
        """Show the next steps of learning, number by number.

        The steps are those that `learn` would make next, with rates of learning and exploration as
        they are now. They are made on a copy: the model stays as it is. An environment of
        Gymnasium is reset, before and after.

        Parameters
        ----------
        n_steps : int
            Steps of each copy of the environment. Default 10.

        Returns
        -------
        TableExplanation
            Prints as a table: state, action, reward, next state, its value, target, error, and the
            entry of the table before and after.

        Raises
        ------
        ValueError
            If `n_steps` is not a whole number above 0, or the model was loaded without an
            environment.

        Examples
        --------
        >>> from chainrule import rl
        >>> model = rl.QLearning("FrozenLake-v1", seed=0).learn(100_000)
        >>> step = model.explain(n_steps=1).steps[0]
        >>> target = step.reward + 0.99 * step.next_value
        >>> abs(step.new - (step.old + 0.1 * (target - step.old))) < 1e-12
        True
        """
        if self.env is None:
            raise ValueError(at_user_line("the model has no environment: give load(path, env=...)"))
        if not is_whole(n_steps) or n_steps < 1:
            raise ValueError(at_user_line(f"n_steps={n_steps!r:.40}: give a whole number above 0"))
        assert isinstance(self.agent, TabularAgent)
        return explained_steps(self.agent, self._next_updates(int(n_steps)))

    def render_values(self) -> str:
        """Draw the values of a grid's cells, with arrows of their best actions; see
        `chainrule.rl.render_values`.

        Raises
        ------
        UnsupportedError
            If the environment is no grid.
        """
        env = self.env.environments[0] if isinstance(self.env, SingleCopies) else self.env
        return render_values(env, self.q_table)

    def _next_updates(self, n_steps: int) -> list[Any]:
        """Make steps, and go back to where the training was."""
        loop, read = self._loop, self.bound("update", lambda _, state: state.update)
        before, counts = loop.state, tree.map(np.copy, loop.counts)
        try:
            loop.state = before._replace(agent=_slowed(before.agent))
            loop.restart_episodes()
            updates = []
            for _ in range(n_steps):
                loop.run(1)
                updates.append(read())
        finally:
            loop.state = before
            loop.counts = counts
        return updates

    def _rows(self, observation: Any) -> tuple[Any, bool]:
        rows, is_single = super()._rows(observation)
        spec = self.agent.observation
        if np.any(state_numbers(spec, rows) == n_states(spec)):
            raise ShapeError(
                at_user_line(f"the observation {observation!r:.60} is outside of {spec}")
            )
        return rows, is_single

    def _acting_network(self, state: Any) -> Any:
        return np.argmax(state.q_table, axis=1)

    def _agent_class(self) -> type[TabularAgent]:
        raise NotImplementedError

    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        check_tabular(observation, action)
        assert isinstance(action, DiscreteSpec)
        settings = {name: x for name, x in self.settings.items() if name != "expected"}
        decay = visit_decay(settings["learning_rate"])
        settings.update(n_envs=n_envs, learning_rate=settings["learning_rate"] if decay is None
                        else 1.0)  # fmt: skip
        return self._agent_class()(
            observation=observation, action=action, may_ignore_actions=may_ignore_actions,
            visit_decay=decay, dtype=self.dtype, **settings,
        )  # fmt: skip


class QLearning(TabularAlgorithm):
    """Q-learning with a table, for discrete observations and actions.

    Each step of the environment changes one entry of the table:
    ``Q(s, a) <- Q(s, a) + learning_rate * (reward + gamma * max Q(s', .) - Q(s, a))``, without the
    second term where the episode terminates. Among equal values any is taken to act.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`. Observations are Discrete, or MultiDiscrete, MultiBinary, a Tuple or a Dict of
        such; actions are Discrete. By a part "action_mask" of a Dict impossible actions are ruled
        out; see `ActionMasking`.
    learning_rate : float, schedule or "visits"
        At most 1; a schedule as for `PPO`. "visits" is ``(1 + n) ** -0.7`` for an entry that was
        learned n times before, with which values converge; "visits_0.9" has another power.
        Default 0.1.
    gamma : float
        The discount. Default 0.99.
    exploration_fraction : float
        The part of the training in which the rate of random actions falls. Default 0.5.
    exploration_initial_eps, exploration_final_eps : float
        Default 1 and 0.05.
    initial_q : float
        What the table begins with; a high number makes each action be tried. Default 0.
    n_envs : int
        Copies of the environment, which change one table. Default 1; in the graph, 16 make
        some five times as many steps a second.
    seed : int, optional
        Default: a new one, in ``seed``.
    dtype : floating dtype
        Of the table, and of environments that a name means. Default float64.
    policy : None
        A network, which other algorithms have, is refused.

    Raises
    ------
    UnsupportedError
        If observations or actions are not discrete, or too many for a table.
    ValueError
        If a setting is not as above.

    References
    ----------
    C. Watkins, P. Dayan: "Q-learning", Machine Learning 8 (1992); E. Even-Dar, Y. Mansour:
    "Learning rates for Q-learning", JMLR 5 (2003), for rates by visits.

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.QLearning("FrozenLake-v1", seed=0, learning_rate="visits",
    ...                      exploration_final_eps=0.5, n_envs=16).learn(1_000_000)
    >>> values, q_table, policy = rl.value_iteration("FrozenLake-v1")
    >>> abs(float(model.q_table[0].max() - values[0])) < 0.03
    True
    """

    DEFAULTS: ClassVar[dict[str, Any]] = _COMMON

    def __init__(
        self, env: Any, *, learning_rate: Schedule | str | None = None,
        gamma: float | None = None, exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None, exploration_final_eps: float | None = None,
        initial_q: float | None = None, n_envs: int | None = None, seed: int | None = None,
        dtype: Any = np.float64, policy: None = None,
    ) -> None:  # fmt: skip
        self._refuse_policy(policy)
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, None, seed, dtype)

    def _agent_class(self) -> type[TabularAgent]:
        return QLearningAgent


class SARSA(TabularAlgorithm):
    """SARSA with a table, for discrete observations and actions.

    Like `QLearning`, but the next state is worth the action that is taken there, exploration
    included: ``reward + gamma * Q(s', a')``. So it learns the value of what it does.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `QLearning`.
    expected : bool
        Whether the next state is worth the mean over the actions that may be taken there, by their
        probabilities, rather than the one that is drawn: expected SARSA. Default False.
    learning_rate, gamma, exploration_fraction, exploration_initial_eps, exploration_final_eps
        As for `QLearning`.
    initial_q, n_envs, seed, dtype, policy
        As for `QLearning`.

    References
    ----------
    G. Rummery, M. Niranjan: "On-line Q-learning using connectionist systems", CUED/F-INFENG/TR 166
    (1994); H. van Seijen et al.: "A theoretical and empirical analysis of expected Sarsa", ADPRL
    (2009).

    Examples
    --------
    On the cliff, SARSA takes a detour, since exploring beside it is dear; Q-learning does not.

    >>> from chainrule import rl
    >>> settings = dict(learning_rate=0.5, gamma=1.0, exploration_initial_eps=0.1,
    ...                 exploration_final_eps=0.1, seed=0)
    >>> for algorithm in (rl.QLearning, rl.SARSA):
    ...     model = algorithm("CliffWalking-v1", **settings).learn(100_000)
    ...     print(rl.evaluate_policy(model, n_eval_episodes=1)[0])
    -13.0
    -17.0
    """

    DEFAULTS: ClassVar[dict[str, Any]] = dict(_COMMON, expected=False)

    def __init__(
        self, env: Any, *, expected: bool | None = None,
        learning_rate: Schedule | str | None = None, gamma: float | None = None,
        exploration_fraction: float | None = None, exploration_initial_eps: float | None = None,
        exploration_final_eps: float | None = None, initial_q: float | None = None,
        n_envs: int | None = None, seed: int | None = None, dtype: Any = np.float64,
        policy: None = None,
    ) -> None:  # fmt: skip
        self._refuse_policy(policy)
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, None, seed, dtype)

    def _agent_class(self) -> type[TabularAgent]:
        return ExpectedSARSAAgent if self.settings["expected"] else SARSAAgent


def _slowed(agent_state: Any) -> Any:
    """Return a state whose schedules stand still for as good as all steps that are explained."""
    total = int(agent_state.total_timesteps)
    factor = max(1, min(_SLOWED_DOWN, 2**62 // max(1, total)))
    return agent_state._replace(
        num_timesteps=agent_state.num_timesteps * factor,
        total_timesteps=agent_state.total_timesteps * factor,
    )
