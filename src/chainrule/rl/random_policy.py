"""A policy that draws each action by chance: what a trained one is compared with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import random, tree
from ..transforms import jit
from .algorithms.environments import Resolved, resolve_environment, specs_of
from .policies.distributions import distribution, n_parameters, to_environment
from .spaces import ActionSpec, BoxSpec, SpaceSpec, action_mask


@dataclass(frozen=True)
class RandomAgent:
    """What loops ask of an agent, of one that learns nothing."""

    observation: SpaceSpec
    action: ActionSpec
    dtype: Any
    is_recurrent = False

    def predict(self, state: Any, observation: Any, key: Any, deterministic: bool) -> Any:
        """Draw an action for each observation."""
        n, width = tree.leaves(observation)[0].shape[0], n_parameters(self.action)
        if isinstance(self.action, BoxSpec):
            draw = random.uniform if self.action.is_bounded else random.normal
            bounds = (-1.0, 1.0) if self.action.is_bounded else ()
            return to_environment(self.action, draw(key, (n, width), self.dtype, *bounds))
        mask = action_mask(self.observation, observation)
        drawn = distribution(self.action, np.zeros((n, width), self.dtype), mask=mask).sample(key)
        return to_environment(self.action, drawn)


class RandomPolicy:
    """Actions drawn by chance, each as likely: to be evaluated like a model.

    Of a bounded Box they are uniform between the bounds, of an unbounded one normal; an action that
    the observation's ``action_mask`` rules out is never drawn.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    seed : int
        Of actions in environments of Gymnasium. Default 0. (In the graph they follow from the seed
        of `evaluate_policy`.)
    dtype : floating dtype
        Of environments that a name means. Default float32.

    Examples
    --------
    >>> from chainrule import rl
    >>> mean, _ = rl.evaluate_policy(rl.RandomPolicy("CartPole-v1"), n_eval_episodes=200)
    >>> 18 < mean < 27
    True
    """

    def __init__(self, env: Any, seed: int = 0, dtype: Any = np.float32) -> None:
        self.dtype, self.seed = np.dtype(dtype), seed
        self.env: Resolved = resolve_environment(env, None, self.dtype)
        self.agent = self._agent_for(self.env)
        self._compiled: dict[Hashable, Any] = {}
        self._n_draws = 0

    def _agent_for(self, environment: Resolved) -> RandomAgent:
        return RandomAgent(*specs_of(environment), self.dtype)

    def check_spaces(self, environment: Resolved) -> None:
        """Draw actions of this environment from now on."""
        self.agent = self._agent_for(environment)

    def initial_memory(self, n: int) -> None:
        """There is none."""

    def act(
        self, observations: Any, deterministic: bool = False, memory: Any = None
    ) -> tuple[Any, None]:
        """Draw an action for each of several observations, also if it should be deterministic."""
        draw = self.bound(("draw", self.agent), lambda agent, state, x, key: agent.predict(
            state, x, key, False
        ))  # fmt: skip
        self._n_draws += 1
        return draw(observations, random.fold_in(random.key(self.seed), self._n_draws)), None

    def bound(self, name: Hashable, function: Callable[..., Any]) -> Any:
        """Return a compiled ``function(agent, None, ...)``."""
        if name not in self._compiled:
            agent = self.agent
            self._compiled[name] = jit(lambda *args: function(agent, None, *args))
        return self._compiled[name]

    def environment_was_used(self) -> None:
        """Nothing is learned from it."""
