"""An agent: settings, and pure functions of its state. Loops call them, compiled or not.

Every algorithm is four functions of a state (a tree of arrays) and of what the environment says:

- ``init(key, total_timesteps) -> state``
- ``act(state, observation) -> (state, action)``: what to do in each copy of the environment
- ``record(state, outcome) -> state``: what came of it
- ``learn(state, observation) -> (state, metrics)``: one round of updates

so that the same code runs around an environment of Gymnasium and inside of a compiled loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ... import optim, tree
from ...transforms import value_and_grad
from ..spaces import ActionSpec, SpaceSpec

Schedule = float | Callable[[Any], Any]
"""A number, or a function of the fraction of the training that remains, from 1 to 0."""


class Outcome(NamedTuple):
    """What came of an action in each copy of the environment."""

    reward: Any  # (n,)
    terminated: Any  # (n,) bool
    truncated: Any  # (n,) bool
    next_observation: Any  # (n, ...): that before a reset, if the episode ended
    valid: Any = None  # (n,) bool: False where the action was ignored; None if it never is

    @property
    def ended(self) -> Any:
        """Whether the episode ended, for whatever reason."""
        return self.terminated | self.truncated


class Agent(Protocol):
    """What loops need of an algorithm."""

    @property
    def observation(self) -> SpaceSpec:
        """What is seen."""
        ...

    @property
    def action(self) -> ActionSpec:
        """What can be done."""
        ...

    @property
    def n_envs(self) -> int:
        """How many copies of the environment there are."""
        ...

    @property
    def may_ignore_actions(self) -> bool:
        """Whether outcomes say which actions were ignored."""
        ...

    @property
    def is_recurrent(self) -> bool:
        """Whether the policy has a memory: then there are `initial_memory` and `predict_from`."""
        ...

    @property
    def dtype(self) -> Any:
        """The dtype of networks."""
        ...

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the numbers that `learn` returns."""
        ...

    @property
    def steps_per_round(self) -> int:
        """How many steps each copy makes between two calls of `learn`."""
        ...

    def init(self, key: Any, total_timesteps: int) -> Any:
        """Return the state that a training begins with."""
        ...

    def act(self, state: Any, observation: Any) -> tuple[Any, Any]:
        """Return the state and, for each copy, the action as the environment takes it."""
        ...

    def record(self, state: Any, outcome: Outcome) -> Any:
        """Return the state after the last action's outcome."""
        ...

    def learn(self, state: Any, observation: Any) -> tuple[Any, dict[str, Any]]:
        """Return the state after a round of updates, and numbers that describe it."""
        ...

    def cut_off(self, state: Any) -> Any:
        """Return a state after which new episodes begin, whether or not those that ran ended."""
        ...

    def portable(self, state: Any) -> Any:
        """Return the part of a state that a model file holds: all but what happened lately."""
        ...

    def with_portable(self, state: Any, portable: Any) -> Any:
        """Return a state with that part of another one."""
        ...

    def predict(self, state: Any, observation: Any, key: Any, deterministic: bool) -> Any:
        """Return an action for each observation, without learning anything."""
        ...


def initial_memory(agent: Any, state: Any, n: int) -> Any:
    """Return the memory of n copies before the first step; None if the policy has none."""
    return agent.initial_memory(state, n) if agent.is_recurrent else None


def predict_from(
    agent: Any, state: Any, observation: Any, memory: Any, key: Any, deterministic: bool
) -> tuple[Any, Any]:
    """Return an action for each observation, and the memory after it."""
    if agent.is_recurrent:
        return agent.predict_from(  # type: ignore[no-any-return]
            state, observation, memory, key, deterministic
        )
    return agent.predict(state, observation, key, deterministic), None


def computed(metric: Any) -> Any:
    """Return a metric, with inf instead of nan, which stands for what was not computed."""
    return np.where(np.isnan(metric), np.asarray(np.inf, metric.dtype), metric)


def inf_unless_finite(metric: Any, networks: Any) -> Any:
    """Return a metric, with inf instead if a weight is infinite or nan: it is seen at once."""
    is_finite = np.bool_(True)
    for leaf in tree.leaves(networks):
        is_finite = is_finite & np.isfinite(np.sum(leaf))
    return np.where(is_finite, metric, np.asarray(np.inf, metric.dtype))


def gradient_step(
    loss: Callable[[Any], tuple[Any, Any]], params: Any, optimizer: optim.Optimizer[Any],
    optimizer_state: Any,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Move parameters against the gradient of ``loss(params) -> (value, more)``.

    Returns
    -------
    params, optimizer_state
        The new ones.
    value, more
        What the loss was before.
    """
    (value, more), gradient = value_and_grad(loss, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradient, optimizer_state, params)
    return optim.apply_updates(params, updates), optimizer_state, value, more


@dataclass(frozen=True)
class Progress:
    """How far a training has come, from numbers in its state."""

    num_timesteps: Any
    total_timesteps: Any

    @property
    def remaining(self) -> Any:
        """The fraction that remains, from 1 to 0."""
        done = self.num_timesteps / self.total_timesteps.astype(np.float64)
        return np.maximum(0.0, 1.0 - done)

    def value(self, schedule: Schedule, dtype: Any = np.float64) -> Any:
        """Return the value of a schedule now, an array without axes."""
        value = schedule(self.remaining) if callable(schedule) else schedule
        return (value + np.zeros(())).astype(dtype)


@dataclass(frozen=True)
class Linear:
    """A schedule that falls linearly from its value to 0, or to `end`.

    Parameters
    ----------
    start : float
    end : float
        Default 0.

    Examples
    --------
    >>> from chainrule import rl
    >>> schedule = rl.Linear(1e-3)
    >>> schedule(1.0), schedule(0.25)
    (0.001, 0.00025)
    """

    start: float
    end: float = 0.0

    def __call__(self, remaining: Any) -> Any:
        return self.end + remaining * (self.start - self.end)
