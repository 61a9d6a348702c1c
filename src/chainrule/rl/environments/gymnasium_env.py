"""One copy of an environment as an environment of Gymnasium."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np

from ... import random
from ...errors import at_user_line
from ...transforms import jit
from .protocol import Environment, state_at
from .registry import make_environment


class GymnasiumEnv(gymnasium.Env[Any, Any]):
    """One copy of an environment, with the methods that Gymnasium's users expect.

    Each step is one call of compiled code. ``info["is_success"]`` says after a step whether the
    goal is reached, where the environment defines one. `reset` takes a seed; the numbers that
    `step` draws follow from it, too.

    Parameters
    ----------
    environment : Environment
    render_mode : str, optional
        One of its `render_modes`: ``"rgb_array"``, or ``"ansi"`` where there is a text. Default
        None.

    Raises
    ------
    ValueError
        If the environment has no such render mode; in `reset`, for options, of which there are
        none; in `step`, for an action that is not of the action space (floats beyond the bounds
        of a box are taken: the environments clip them).

    Examples
    --------
    >>> from chainrule.rl.environments import CartPole
    >>> env = GymnasiumEnv(CartPole())
    >>> observation, info = env.reset(seed=0)
    >>> observation, reward, terminated, truncated, info = env.step(1)
    >>> observation.shape, reward, terminated, truncated, info
    ((4,), 1.0, False, False, {})
    """

    def __init__(self, environment: Environment[Any], render_mode: str | None = None) -> None:
        check_render_mode(environment, render_mode)
        self.environment = environment
        self.render_mode = render_mode
        self.metadata = metadata_of(environment)
        self.observation_space = environment.observation_space
        self.action_space = environment.action_space
        self._reset, self._step = _compiled(environment)
        self._state: Any = None
        self._key: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; see `gymnasium.Env.reset`."""
        check_no_options(options)
        super().reset(seed=seed)
        key = self.np_random.integers(2**32, size=2, dtype=np.uint32)
        self._state, observation, self._key = self._reset(key)
        return self._to_user(observation), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action; see `gymnasium.Env.step`."""
        if self._state is None:
            raise RuntimeError(at_user_line("step before the first reset: call reset()"))
        actions = checked_actions(self.action_space, action)[None]
        self._state, observation, reward, terminated, truncated, success, self._key = self._step(
            self._state, actions, self._key
        )
        info = {} if success is None else {"is_success": bool(success[0])}
        return (
            self._to_user(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]),
            info,
        )  # fmt: skip

    def _to_user(self, observation: Any) -> Any:
        """An array of its own in the space's dtype, or a number of a discrete space."""
        row = observation[0]
        return np.array(row, self.observation_space.dtype) if np.ndim(row) else row

    def render(self) -> Any:
        """Return a picture, uint8[height, width, 3], or a text, by the render mode."""
        if self.render_mode is None:
            gymnasium.logger.warn("render without a render mode: make it with render_mode=...")
            return None
        if self._state is None:
            raise RuntimeError(at_user_line("render before the first reset: call reset()"))
        return render_row(self.environment, self.render_mode, self._state, 0)


@lru_cache(maxsize=64)
def _compiled(environment: Environment[Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`reset` and `step` of one copy, that pass a key on: compiled once for equal settings."""

    def reset(key: Any) -> Any:
        key, now = random.split(key)
        return (*environment.reset(now[None]), key)

    def step(state: Any, action: Any, key: Any) -> Any:
        key, now = random.split(key)
        state, *results = environment.step(state, action, now[None])
        return state, *results, environment.success(state), key

    return jit(reset), jit(step)


def make_single(name: str, render_mode: str | None = None, **settings: Any) -> GymnasiumEnv:
    """Make what `gymnasium.make` wraps: without a time limit of its own, as a wrapper has it."""
    settings = {"max_episode_steps": None, **settings}
    return GymnasiumEnv(make_environment(name, **settings), render_mode)


def metadata_of(environment: Environment[Any]) -> dict[str, Any]:
    """Return what Gymnasium's environments say of their pictures."""
    return {"render_modes": list(environment.render_modes), "render_fps": environment.render_fps}


def check_render_mode(environment: Environment[Any], render_mode: str | None) -> None:
    """Raise if the environment cannot be drawn in this way."""
    modes = environment.render_modes
    if render_mode is not None and render_mode not in modes:
        raise ValueError(
            at_user_line(f"render_mode={render_mode!r}: give one of {', '.join(modes)}, or None")
        )


def checked_actions(space: Any, actions: Any) -> Any:
    """Return one action or many as `step` takes them; raise if they are not in the space.

    Floats may be beyond the bounds of a box, and of another dtype, as in Gymnasium's environments.
    """
    array = np.asarray(actions)
    if isinstance(space, gymnasium.spaces.Box):
        fits = array.shape == space.shape and array.dtype.kind in "fiu"
        fits = fits and bool(np.isfinite(array).all())
        array = array.astype(space.dtype, copy=False) if fits else array
    else:
        fits = array.dtype.kind in "iu" and space.contains(array.astype(np.int64))
        array = array.astype(np.int64, copy=False) if fits else array
    if not fits:
        raise ValueError(at_user_line(f"the action {actions!r:.60} is not in {space}"))
    return array


def check_no_options(options: dict[str, Any] | None) -> None:
    """Raise if there are options, rather than ignore them."""
    if options:
        raise ValueError(
            at_user_line(f"reset takes no options, and was given {', '.join(options)}")
        )


def render_row(environment: Environment[Any], render_mode: str, state: Any, row: int) -> Any:
    """Return a picture or text of one copy."""
    draw = environment.render if render_mode == "rgb_array" else environment.render_text
    return draw(state_at(state, row))
