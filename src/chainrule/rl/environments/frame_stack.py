"""Several observations in a row as one, for what a single one does not show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ...lazy import LazyModule
from .protocol import Environment, Step

spaces = LazyModule("gymnasium.spaces", extra="rl")


class FrameStackState(NamedTuple):
    """The state of the environment, and the last observations, the newest last."""

    inner: Any
    frames: Any


@dataclass(frozen=True)
class FrameStack(Environment[FrameStackState]):
    """An environment whose observation is the last few ones of another, side by side.

    They are joined along the last axis, the newest last: of pictures (height, width, channels) that
    is one of more channels. Before the first step, all are the first observation. (Around an
    environment of Gymnasium, take ``gymnasium.wrappers.FrameStackObservation``.)

    Parameters
    ----------
    environment : Environment
        Whose observations are a Box with an axis.
    n_stack : int
        How many. Default 4.

    Raises
    ------
    UnsupportedError
        For other observations.

    References
    ----------
    V. Mnih et al.: "Human-level control through deep reinforcement learning", Nature 518 (2015).

    Examples
    --------
    >>> from chainrule import random, rl
    >>> environment = rl.FrameStack(rl.make_environment("CartPole-v1"), 3)
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> observation.shape, environment.observation_space.shape
    ((2, 12), (12,))
    """

    environment: Environment[Any]
    n_stack: int = 4

    def __post_init__(self) -> None:
        space = self.environment.observation_space
        if not isinstance(space, spaces.Box) or not space.shape:
            raise UnsupportedError(at_user_line(f"FrameStack stacks boxes, not {space}"))
        if isinstance(self.n_stack, bool) or not isinstance(self.n_stack, int) or self.n_stack < 1:
            raise ValueError(
                at_user_line(f"n_stack={self.n_stack!r}: give a whole number of 1 or more")
            )

    @property
    def max_episode_steps(self) -> int | None:  # type: ignore[override]
        """The environment's."""
        return self.environment.max_episode_steps

    @property
    def dtype(self) -> Any:
        """The environment's."""
        return self.environment.dtype

    @property
    def observation_space(self) -> Any:
        """The environment's, several times along the last axis."""
        space = self.environment.observation_space
        low, high = (np.concatenate([x] * self.n_stack, axis=-1) for x in (space.low, space.high))
        return spaces.Box(low, high, dtype=space.dtype)

    @property
    def action_space(self) -> Any:
        """The environment's."""
        return self.environment.action_space

    @property
    def reward_threshold(self) -> float | None:
        """The environment's."""
        return self.environment.reward_threshold

    def reset(self, key: Any) -> tuple[FrameStackState, Any]:
        """Start an episode in each of n copies."""
        inner, observation = self.environment.reset(key)
        frames = np.concatenate([observation] * self.n_stack, axis=-1)
        return FrameStackState(inner, frames), frames

    def step(self, state: FrameStackState, action: Any, key: Any) -> Step[FrameStackState]:
        """Take an action in each of n copies."""
        inner, observation, reward, terminated, truncated = self.environment.step(
            state.inner, action, key
        )
        older = state.frames[..., observation.shape[-1] :]
        frames = np.concatenate([older, observation], axis=-1)
        return FrameStackState(inner, frames), frames, reward, terminated, truncated

    def success(self, state: FrameStackState) -> Any:
        """Where the last step reached the goal."""
        return self.environment.success(state.inner)

    def render(self, state_row: FrameStackState) -> Any:
        """Draw one copy."""
        return self.environment.render(state_row.inner)

    def render_text(self, state_row: FrameStackState) -> str:
        """Draw one copy in characters."""
        return self.environment.render_text(state_row.inner)

    @property
    def render_modes(self) -> tuple[str, ...]:
        """The environment's."""
        return self.environment.render_modes
