"""Many copies of an environment as one vector environment of Gymnasium."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ... import random
from ...errors import at_user_line
from ...transforms import jit
from .auto_reset import reset_where
from .gymnasium_env import (
    check_no_options,
    check_render_mode,
    checked_actions,
    metadata_of,
    render_row,
)
from .protocol import Environment
from .registry import make_environment

_MODES = (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP)


class GymnasiumVectorEnv(VectorEnv[Any, Any, Any]):
    """Many copies of an environment; each step of all of them is one call of compiled code.

    Parameters
    ----------
    environment : Environment
    num_envs : int
        The number of copies.
    autoreset_mode : gymnasium.vector.AutoresetMode or str
        When a copy whose episode is over starts the next one. ``SAME_STEP``: at once; the last
        observation is in ``info["final_obs"]``, and whether the goal was reached in
        ``info["final_info"]["is_success"]``. ``NEXT_STEP``: in the next step, which ignores the
        action and pays 0. Default SAME_STEP. It stands in ``metadata["autoreset_mode"]``.
    render_mode : str, optional
        One of the environment's `render_modes`; `render` returns a tuple of one picture or text a
        copy. Default None.

    Raises
    ------
    ValueError
        If the environment has no such render mode, for another autoreset mode, for options of
        `reset`, of which there are none, and for actions that are not of the action space.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.rl.environments import CartPole
    >>> envs = GymnasiumVectorEnv(CartPole(), 3)
    >>> observations, infos = envs.reset(seed=0)
    >>> observations, rewards, terminations, truncations, infos = envs.step(np.array([0, 1, 1]))
    >>> observations.shape, rewards.tolist(), terminations.tolist()
    ((3, 4), [1.0, 1.0, 1.0], [False, False, False])
    """

    def __init__(
        self, environment: Environment[Any], num_envs: int,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
    ) -> None:  # fmt: skip
        check_render_mode(environment, render_mode)
        if num_envs < 1:
            raise ValueError(at_user_line(f"num_envs={num_envs}: give 1 or more"))
        mode = AutoresetMode(autoreset_mode)
        if mode not in _MODES:
            raise ValueError(
                at_user_line(f"autoreset_mode={mode}: give {_MODES[0]} or {_MODES[1]}")
            )
        self.environment = environment
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {**metadata_of(environment), "autoreset_mode": mode}
        self.single_observation_space = environment.observation_space
        self.single_action_space = environment.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._reset, self._step = _compiled(environment, num_envs, self._same_step)
        self._state: Any = None
        self._key: Any = None
        self._done = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in each copy; see `gymnasium.vector.VectorEnv.reset`."""
        check_no_options(options)
        super().reset(seed=seed)
        key = self.np_random.integers(2**32, size=2, dtype=np.uint32)
        self._state, observation, self._key = self._reset(key)
        self._done = np.zeros(self.num_envs, np.bool_)
        return observation, {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take an action in each copy; see `gymnasium.vector.VectorEnv.step`."""
        if self._state is None:
            raise RuntimeError(at_user_line("step before the first reset: call reset()"))
        actions = checked_actions(self.action_space, actions)
        (self._state, observation, reward, terminated, truncated, final, success, self._key) = (
            self._step(self._state, actions, self._key, self._done)
        )
        self._done = terminated | truncated
        info = self._info(final, success)
        return observation, reward, terminated, truncated, info

    def _info(self, final: Any, success: Any) -> dict[str, Any]:
        """What Gymnasium's own vector environments say: entries of some copies, and of which."""
        every = np.ones(self.num_envs, np.bool_)
        named = {} if success is None else {"is_success": success, "_is_success": every}
        if not self._same_step:
            return named
        if not self._done.any():
            return {}
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(self._done):
            final_obs[row] = final[row]
        final_info: dict[str, Any] = {}
        if success is not None:
            final_info = {"is_success": success & self._done, "_is_success": self._done.copy()}
        return {
            "final_obs": final_obs, "_final_obs": self._done.copy(),
            "final_info": final_info, "_final_info": self._done.copy(),
        }  # fmt: skip

    def render(self) -> tuple[Any, ...] | None:
        """Return a picture or text of each copy."""
        if self.render_mode is None:
            return None
        if self._state is None:
            raise RuntimeError(at_user_line("render before the first reset: call reset()"))
        return tuple(
            render_row(self.environment, self.render_mode, self._state, k)
            for k in range(self.num_envs)
        )


@lru_cache(maxsize=64)
def _compiled(
    environment: Environment[Any], n: int, same_step: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`reset` and `step` of n copies, that pass a key on: compiled once for equal settings."""

    def reset(key: Any) -> Any:
        key, now = random.split(key)
        return (*environment.reset(random.split(now, n)), key)

    def step_then_reset(state: Any, action: Any, key: Any, done: Any) -> Any:
        """The episodes that this step ends are followed by new ones; `done` is not read."""
        key, first, second = random.split(key, 3)
        state, final, reward, terminated, truncated = environment.step(
            state, action, random.split(first, n)
        )
        success = environment.success(state)
        state, observation = reset_where(
            environment, terminated | truncated, state, final, random.split(second, n)
        )
        return state, observation, reward, terminated, truncated, final, success, key

    def step_or_reset(state: Any, action: Any, key: Any, done: Any) -> Any:
        """The episodes that the last step ended, `done`, start anew instead of stepping."""
        key, first, second = random.split(key, 3)
        state, observation, reward, terminated, truncated = environment.step(
            state, action, random.split(first, n)
        )
        success = environment.success(state)
        state, observation = reset_where(
            environment, done, state, observation, random.split(second, n)
        )
        reward = np.where(done, np.zeros_like(reward), reward)
        success = None if success is None else success & ~done
        return state, observation, reward, terminated & ~done, truncated & ~done, None, success, key

    return jit(reset), jit(step_then_reset if same_step else step_or_reset)


def make_vector(
    name: str, num_envs: int = 1, render_mode: str | None = None,
    autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP, **settings: Any,
) -> GymnasiumVectorEnv:  # fmt: skip
    """Make what `gymnasium.make_vec` returns."""
    environment = make_environment(name, **settings)
    return GymnasiumVectorEnv(environment, num_envs, autoreset_mode, render_mode)
