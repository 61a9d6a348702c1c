"""MountainCar: a car in a valley whose motor is too weak for the slope, so that it must swing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ... import random
from ...lazy import LazyModule
from ...typing import Array
from .drawing import Canvas
from .protocol import Environment, Step

spaces = LazyModule("gymnasium.spaces", extra="rl")

HILL, CAR, FLAG = (0, 0, 0), (128, 128, 128), (204, 204, 0)
_GRAVITY = 0.0025


class MountainCarState(NamedTuple):
    """The car's position and velocity, and the steps so far."""

    position: Any
    velocity: Any
    steps: Any


class _Valley(Environment[MountainCarState]):
    """What both cars have in common: the valley, and where it ends."""

    render_fps: ClassVar[int] = 30
    min_position: ClassVar[float] = -1.2
    max_position: ClassVar[float] = 0.6
    max_speed: ClassVar[float] = 0.07
    goal_position: ClassVar[float]
    goal_velocity: float

    @property
    def observation_space(self) -> Any:
        """The position and the velocity within their bounds."""
        low = np.array([self.min_position, -self.max_speed], self.dtype)
        high = np.array([self.max_position, self.max_speed], self.dtype)
        return spaces.Box(low, high, dtype=self.dtype)

    def reset(self, key: Any) -> tuple[MountainCarState, Any]:
        """At rest, uniform from -0.6 to -0.4."""
        position = random.uniform(key, (), self.dtype, -0.6, -0.4)
        state = MountainCarState(
            position, np.zeros(position.shape, self.dtype), np.zeros(position.shape, np.int32)
        )
        return state, self._observe(state)

    def success(self, state: MountainCarState) -> Any:
        """Whether the car is at the flag, and fast enough."""
        return (state.position >= self.goal_position) & (state.velocity >= self.goal_velocity)

    def _roll(self, state: MountainCarState, push: Any) -> MountainCarState:
        """Add a push and gravity's to the velocity; the left wall stops the car."""
        velocity = state.velocity + (push - _GRAVITY * np.cos(3 * state.position))
        velocity = np.clip(velocity, -self.max_speed, self.max_speed)
        position = np.clip(state.position + velocity, self.min_position, self.max_position)
        at_wall = (position <= self.min_position) & (velocity < 0)
        velocity = np.where(at_wall, np.zeros_like(velocity), velocity)
        return MountainCarState(position, velocity, state.steps + 1)

    def _observe(self, state: MountainCarState) -> Any:
        return np.stack([state.position, state.velocity], axis=1)

    def render(self, state_row: MountainCarState) -> Array:
        """The valley, the car and the flag, 600 x 400."""
        canvas = Canvas(600, 400, left=self.min_position, right=self.max_position, bottom=0.0)
        hill = np.linspace(self.min_position, self.max_position, 100).tolist()
        canvas.line([(x, _height(x)) for x in hill], HILL, width=2)
        x, goal = float(state_row.position), self.goal_position
        canvas.circle((x, _height(x) + 0.05), 0.05, CAR)
        top = _height(goal) + 0.15
        canvas.line([(goal, _height(goal)), (goal, top)], HILL)
        canvas.polygon([(goal, top), (goal, top - 0.03), (goal + 0.08, top - 0.015)], FLAG)
        return canvas.pixels()


def _height(x: float) -> float:
    return 0.45 * math.sin(3 * x) + 0.55


@dataclass(frozen=True)
class MountainCar(_Valley):
    """Drive out of a valley by swinging: push to the left, to the right, or not.

    Gymnasium's MountainCar-v0. The actions 0, 1, 2 push to the left, not at all, to the right; each
    step costs 1 until the flag at 0.5 is reached. The observation is (position, velocity).

    Parameters
    ----------
    goal_velocity : float
        The least velocity at the flag. Default 0.0.
    max_episode_steps : int or None
        Default 200.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    References
    ----------
    A. W. Moore: "Efficient memory-based learning for robot control", PhD thesis, Cambridge (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = MountainCar()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([0, 2]), random.split(random.key(1), 2))
    >>> print(observation[:, 1].round(4), reward)
    [-0.0009  0.0002] [-1. -1.]
    """

    goal_velocity: float = 0.0
    max_episode_steps: int | None = 200
    dtype: DTypeLike = np.float32

    goal_position: ClassVar[float] = 0.5
    force: ClassVar[float] = 0.001

    @property
    def reward_threshold(self) -> float | None:
        """-110 with Gymnasium's time limit."""
        return -110.0 if self.max_episode_steps == 200 else None

    @property
    def action_space(self) -> Any:
        """Push to the left, not at all, to the right."""
        return spaces.Discrete(3)

    def step(self, state: MountainCarState, action: Any, key: Any) -> Step[MountainCarState]:
        """One step of the velocity, then of the position."""
        state = self._roll(state, self.force * (action - 1).astype(self.dtype))
        reward = np.full(state.position.shape, -1.0, self.dtype)
        terminated = self.success(state)
        return state, self._observe(state), reward, terminated, self.out_of_time(state.steps)


@dataclass(frozen=True)
class MountainCarContinuous(_Valley):
    """Drive out of a valley by swinging, with any force, that is paid for.

    Gymnasium's MountainCarContinuous-v0. The action is a force from -1 to 1 (clipped); a step costs
    a tenth of its square, and reaching the flag at 0.45 pays 100. The observation is (position,
    velocity).

    Parameters
    ----------
    goal_velocity : float
        The least velocity at the flag. Default 0.0.
    max_episode_steps : int or None
        Default 999.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = MountainCarContinuous()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([[-1.0], [0.5]], np.float32), random.split(random.key(1), 2))
    >>> print(observation[:, 1].round(4), reward.round(3))
    [-0.0014 -0.    ] [-0.1   -0.025]
    """

    goal_velocity: float = 0.0
    max_episode_steps: int | None = 999
    dtype: DTypeLike = np.float32

    goal_position: ClassVar[float] = 0.45
    power: ClassVar[float] = 0.0015

    @property
    def reward_threshold(self) -> float | None:
        """90 with Gymnasium's time limit."""
        return 90.0 if self.max_episode_steps == 999 else None

    @property
    def action_space(self) -> Any:
        """One force from -1 to 1."""
        return spaces.Box(-1.0, 1.0, (1,), dtype=self.dtype)

    def step(self, state: MountainCarState, action: Any, key: Any) -> Step[MountainCarState]:
        """One step of the velocity, then of the position; the cost is of the action unclipped."""
        force = action[:, 0].astype(self.dtype)
        state = self._roll(state, self.power * np.clip(force, -1.0, 1.0))
        terminated = self.success(state)
        prize = np.where(terminated, 100.0, 0.0).astype(self.dtype)
        reward = prize - 0.1 * force * force
        return state, self._observe(state), reward, terminated, self.out_of_time(state.steps)
