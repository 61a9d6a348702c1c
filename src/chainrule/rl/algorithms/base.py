"""What all algorithms have in common: `learn`, `predict`, `save`, `load`."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ... import random, tree
from ...errors import at_user_line
from ...transforms import jit
from ..agents.base import Agent
from ..environments import Environment
from ..environments.protocol import FLOAT_DTYPES
from ..loops.compiled import CompiledLoop
from ..loops.loaded import LoadedAgent
from ..loops.stepped import SteppedLoop
from ..spaces import ActionSpec, SpaceSpec
from . import acting
from .environments import (
    Resolved,
    check_same_spaces,
    environment_name,
    is_of_gymnasium,
    resolve_environment,
    specs_of,
)
from .memory import forget
from .observations import as_rows
from .saving import load_model, save_model
from .settings import Rule, is_number, is_whole, resolve
from .training import Training

_STORED = ("n_steps", "buffer_size")  # sizes of rollouts and replays
_UNTRAINED_STEPS = 1  # of a model that has not learned yet: its schedules are at their start


class Algorithm(ABC):
    """The base class of algorithms; see `PPO` for how they are used.

    Attributes
    ----------
    settings : dict
        All settings, those that were chosen and those that were not.
    history : list of dict
        Of the last training: steps, mean return and length of the last 100 episodes, losses.
    num_timesteps : int
        Steps of all copies of the environment so far.
    tuning : Tuning or None
        The settings that were tuned for the environment, and by whom.
    stop_reason : str or None
        Why the last training ended: "total_timesteps", "callback" or "interrupted".
    """

    DEFAULTS: ClassVar[dict[str, Any]]
    SPECIAL_RULES: ClassVar[Mapping[str, Rule]] = {}

    def __new__(cls, *args: Any, **_: Any) -> Self:
        """Tell those who know other libraries that the policy does not come first."""
        if len(args) > 1:
            raise TypeError(
                at_user_line(
                    f"{cls.__name__}({args[0]!r:.30}, {args[1]!r:.30}): the environment comes "
                    f'first, and all else by name, as in {cls.__name__}("CartPole-v1", seed=0)'
                )
            )
        return super().__new__(cls)

    def __init__(
        self, env: Any, chosen: Mapping[str, Any], policy: Any, seed: int | None, dtype: Any
    ) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in FLOAT_DTYPES:
            raise ValueError(at_user_line(f"dtype={dtype!r:.60}: give float32 or float64"))
        self.environment_name = environment_name(env)
        self.settings, self.tuning = resolve(
            type(self).__name__, self.DEFAULTS, self.environment_name, chosen, self.SPECIAL_RULES
        )
        self.seed = secrets.randbits(32) if seed is None else seed
        self._policy = policy
        self.history: list[dict[str, float]] = []
        self.stop_reason: str | None = None
        self._compiled: dict[Hashable, Any] = {}  # functions of a state
        self._bound: dict[Hashable, Any] = {}  # the same of this model's state
        self._n_predictions, self._predict_key = 0, random.key(self.seed)
        self.env: Resolved | None = None
        if env is not None:
            n_envs = chosen["n_envs"] if is_of_gymnasium(env) else self.settings["n_envs"]
            self.env = resolve_environment(env, n_envs, self.dtype)
            self.agent = self.agent_for(self.env)
            self._loop: Any = self._loop_for(self.env)

    def learn(
        self, total_timesteps: int, callback: Any = None, *, reset_num_timesteps: bool = True,
        progress_bar: bool = True, checkpoint: str | Path | None = None,
        checkpoint_interval: float = 10.0,
    ) -> Self:  # fmt: skip
        """Train for a number of steps of the environment, of all copies together.

        Whole rounds are made (such as ``n_steps * n_envs`` steps), so it may be a few more. Ctrl-C
        ends the training in an orderly way: what was learned stays.

        Parameters
        ----------
        total_timesteps : int
        callback : callable or list of callables, optional
            Called with the model; True ends the training. See `EvalCallback`.
        reset_num_timesteps : bool
            Whether schedules begin anew, or these steps are added to those before. Default True.
        progress_bar : bool
            Whether to show a bar, after two seconds, if standard error is a terminal. Default True.
        checkpoint : str or Path, optional
            A file that holds the whole training, to go on from if it is killed: the same call then
            continues, with the same bits where the environment runs in the graph. An environment
            of Gymnasium begins a new episode. The file is removed at the end.
        checkpoint_interval : float
            Seconds between two writes of it. Default 10.

        Returns
        -------
        self

        Warns
        -----
        UserWarning
            If all steps are random ones, before ``learning_starts``.

        Raises
        ------
        EnvironmentStepError
            If the environment fails, or if a reward or an observation is not finite; what was
            learned stays.
        TrainingError
            If a loss or a weight is no longer finite.
        """
        if self.env is None:
            raise ValueError(at_user_line("the model has no environment: give load(path, env=...)"))
        if not is_whole(total_timesteps) or total_timesteps < 1:
            raise ValueError(
                at_user_line(f"total_timesteps={total_timesteps!r}: give a whole number above 0")
            )
        if not is_number(checkpoint_interval) or not checkpoint_interval >= 0:
            raise ValueError(
                at_user_line(f"checkpoint_interval={checkpoint_interval!r}: give 0 or more seconds")
            )
        callbacks = _callbacks(callback)
        training = Training(self, self._loop, int(total_timesteps), callbacks, progress_bar)
        self.stop_reason = training.run(
            reset_num_timesteps, None if checkpoint is None else Path(checkpoint),
            checkpoint_interval,
        )  # fmt: skip
        return self

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Return the action for an observation, or one for each of several.

        Parameters
        ----------
        observation : array, or tree of arrays
            One observation, or several along axis 0.
        state : tree of arrays, optional
            The memory of a recurrent policy, as the call before returned it. Default: that of a
            first step.
        episode_start : bool, or array of bool (n,), optional
            Where an episode begins, and the memory with it. Default: nowhere.
        deterministic : bool
            Whether the likeliest action is taken, or one is drawn. Default False.

        Returns
        -------
        action : int or array
            As the environment takes it.
        state
            The memory after it; None if the policy has none.

        Raises
        ------
        ShapeError
            If the observation is not of the shape that the model was trained on.
        ValueError
            If it is not finite.
        """
        rows, is_single = self._rows(observation)
        if self.agent.is_recurrent:
            n = tree.leaves(rows)[0].shape[0]
            state = self.initial_memory(n) if state is None else state
            for k in np.flatnonzero(() if episode_start is None else np.atleast_1d(episode_start)):
                state = forget(state, int(k))
        actions, state = self.act(rows, deterministic, state)
        return (actions[0] if is_single else actions), state

    def _rows(self, observation: Any) -> tuple[Any, bool]:
        """Return observations with a leading axis, and whether there was none."""
        return as_rows(self.agent.observation, observation)

    def initial_memory(self, n: int) -> Any:
        """Return the memory of n copies before the first step; None if the policy has none."""
        if not self.agent.is_recurrent:
            return None
        first = self.bound(("memory", n), lambda agent, state: agent.initial_memory(state, n))
        return first()

    def act(
        self, observations: Any, deterministic: bool = False, memory: Any = None
    ) -> tuple[Any, Any]:
        """Return an action for each of several observations, and the memory of a policy with one.

        Observations are arrays of the space's dtype, actions too. This is `predict` without its
        checks: the fastest way to act.
        """
        if not self.agent.is_recurrent:
            if deterministic:
                return self.bound("best", acting.best)(observations), None
            return self.bound("draw", acting.draw)(observations, *self._next_key()), None
        if deterministic:
            return self.bound("best", acting.best_from)(observations, memory)  # type: ignore[no-any-return]
        draw = self.bound("draw", acting.draw_from)
        return draw(observations, *self._next_key(), memory)  # type: ignore[no-any-return]

    def _next_key(self) -> tuple[Any, Any]:
        """Return a key and the number of a prediction, of which a key is made in the graph."""
        self._n_predictions += 1
        return self._predict_key, np.asarray(self._n_predictions)

    @property
    def num_timesteps(self) -> int:
        """Steps of all copies of the environment so far."""
        return int(self._loop.num_timesteps)

    @property
    def state(self) -> Any:
        """A copy of the agent's state: networks, optimisers, buffers, keys."""
        return self._loop.state.agent

    @property
    def policy(self) -> Any:
        """A copy of the network that acts, a module."""
        return self._acting_network(self.state)

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file: networks, optimisers and settings.

        Rollouts and replay buffers are not part of it: see the ``checkpoint`` of `learn`.

        Raises
        ------
        TypeError
            If a setting is a function that no file can hold.
        ModelFileError
            If the file cannot be written; what was there before stays.
        """
        save_model(self, path)

    @classmethod
    def load(cls, path: str | Path, env: Any = None, policy: Any = None, **changes: Any) -> Self:
        """Read a model.

        Parameters
        ----------
        path : str or Path
        env : environment or name, optional
            To learn or to be evaluated on. Default: none; `predict` needs none.
        policy : callable, optional
            Of a model that was made with one.
        **changes
            Settings to change.

        Raises
        ------
        ModelFileError
            If it is no such file, or damaged, or of another algorithm.
        """
        model: Self = load_model(cls, path, env, policy, changes)
        return model

    def check_spaces(self, environment: Resolved) -> None:
        """Raise if an environment has other spaces than the one that the model learned from."""
        check_same_spaces((self.agent.observation, self.agent.action), environment)

    def bound(self, name: Hashable, function: Callable[..., Any]) -> Any:
        """Return a compiled ``function(agent, agent's state, ...)`` of the state as it is now."""
        if name not in self._bound:
            if name not in self._compiled:
                agent, agent_of = self.agent, self._loop.agent_of

                def step(state: Any, *args: Any) -> Any:
                    return state, function(agent, agent_of(state), *args)

                self._compiled[name] = jit(step)
            self._bound[name] = self._compiled[name].bind(self._loop.bound)
        return self._bound[name]

    def share_compiled(self, other: Algorithm) -> None:
        """Run the compiled functions of a model that differs in its seed alone."""
        self._loop.share_compiled(other._loop)
        self._compiled = other._compiled
        self._bound.clear()

    @property
    def environment_settings(self) -> str | None:
        """The settings of an environment that runs in the graph, such as its time limit."""
        return repr(self.env) if isinstance(self.env, Environment) else None

    def environment_was_used(self) -> None:
        """Begin new episodes when the training goes on."""
        self._loop.restart_episodes()

    def __repr__(self) -> str:
        env = self.environment_name or type(self.env).__name__
        lines = [f"{type(self).__name__}({env!r},"]
        lines += [f"    {name}={_short(value)}," for name, value in self.settings.items()]
        tuned = f"  # {self.tuning.source}" if self.tuning else ""
        return "\n".join([*lines, f"    seed={self.seed}){tuned}"])

    # What each algorithm adds

    @abstractmethod
    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        """Return the agent of the settings."""

    @abstractmethod
    def _acting_network(self, state: Any) -> Any:
        """Return the network that acts."""

    # How a model begins

    def agent_for(self, environment: Resolved) -> Agent:
        """Return the agent that would learn in an environment, without weights.

        Raises
        ------
        UnsupportedError
            If this algorithm cannot learn in its spaces.
        """
        observation, action = specs_of(environment)
        if isinstance(environment, Environment):
            return self._make_agent(observation, action, self.settings["n_envs"], False)
        self.settings["n_envs"] = environment.n_envs
        return self._make_agent(
            observation, action, environment.n_envs, environment.may_ignore_actions
        )

    def _loop_for(self, environment: Resolved) -> CompiledLoop | SteppedLoop:
        key = random.key(self.seed)
        if isinstance(environment, Environment):
            return CompiledLoop(self.agent, environment, key, _UNTRAINED_STEPS)
        return SteppedLoop(self.agent, environment, key, _UNTRAINED_STEPS, self.seed)

    @property
    def has_custom_policy(self) -> bool:
        """Whether the network is one that the user wrote."""
        return self._policy is not None

    def set_state(self, state: Any) -> None:
        """Copy an agent's state of the same structure into the model."""
        self._loop.state = self._loop.state._replace(agent=state)

    def without_environment(
        self, observation: SpaceSpec, action: ActionSpec, name: str | None
    ) -> None:
        """Make the agent of a model that was loaded without an environment."""
        self.environment_name = name
        agent: Any = self._make_agent(observation, action, 1, False)
        # nothing is stepped, so nothing is stored
        self.agent = replace(agent, **{k: 1 for k in _STORED if hasattr(agent, k)})
        self._loop = LoadedAgent(self.agent, random.key(self.seed), _UNTRAINED_STEPS)


def _callbacks(callback: Any) -> Sequence[Callable[[Any], Any]]:
    """Return what `learn` was given as a sequence."""
    if callback is None:
        return ()
    callbacks = callback if isinstance(callback, (list, tuple)) else [callback]
    for each in callbacks:
        if not callable(each):
            raise TypeError(
                at_user_line(
                    f"callback={each!r:.60}: give a function of the model, or a list of them"
                )
            )
    return callbacks


def _short(value: Any) -> str:
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) else repr(value)
