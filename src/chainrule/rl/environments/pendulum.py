"""Pendulum: swing a rod up and hold it there, by a torque that is too weak to lift it at once."""

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

ROD, PIVOT = (204, 77, 77), (0, 0, 0)


class PendulumState(NamedTuple):
    """The angle from upright, its velocity, and the steps so far."""

    theta: Any
    theta_dot: Any
    steps: Any


@dataclass(frozen=True)
class Pendulum(Environment[PendulumState]):
    """A rod on a pivot: swing it up and hold it there with little torque.

    Gymnasium's Pendulum-v1. The action is a torque from -2 to 2 (clipped); a step costs
    ``angle**2 + 0.1 theta_dot**2 + 0.001 torque**2`` with the angle from -pi to pi. Nothing
    terminates an episode. The observation is (cos theta, sin theta, theta_dot). The reward is
    smooth but for the clips, so gradients flow through steps.

    Parameters
    ----------
    g : float
        Gravity. Default 10.0.
    m, l : float
        Mass and length of the rod. Default 1.0 and 1.0.
    dt : float
        Seconds a step. Default 0.05.
    max_speed, max_torque : float
        Default 8.0 and 2.0.
    max_episode_steps : int or None
        Default 200.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = Pendulum()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([[0.0], [2.0]], np.float32), random.split(random.key(1), 2))
    >>> print(observation.shape, reward.round(2))
    (2, 3) [-1.17 -7.09]
    """

    g: float = 10.0
    m: float = 1.0
    l: float = 1.0  # noqa: E741  # Gymnasium's name
    dt: float = 0.05
    max_speed: float = 8.0
    max_torque: float = 2.0
    max_episode_steps: int | None = 200
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 30

    @property
    def observation_space(self) -> Any:
        """The unit circle and the velocities up to `max_speed`."""
        high = np.array([1.0, 1.0, self.max_speed], self.dtype)
        return spaces.Box(-high, high, dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """One torque from ``-max_torque`` to ``max_torque``."""
        return spaces.Box(-self.max_torque, self.max_torque, (1,), dtype=self.dtype)

    def reset(self, key: Any) -> tuple[PendulumState, Any]:
        """Any angle, velocities from -1 to 1."""
        unit, theta_dot = random.uniform(key, 2, self.dtype, -1.0, 1.0).T
        state = PendulumState(math.pi * unit, theta_dot, np.zeros(unit.shape, np.int32))
        return state, self._observe(state)

    def step(self, state: PendulumState, action: Any, key: Any) -> Step[PendulumState]:
        """Semi-implicit Euler over `dt` seconds; the cost is that of the state before."""
        theta, theta_dot, steps = state
        torque = np.clip(action[:, 0], -self.max_torque, self.max_torque).astype(self.dtype)
        angle = (theta + math.pi) % (2 * math.pi) - math.pi
        cost = angle * angle + 0.1 * theta_dot * theta_dot + 0.001 * (torque * torque)
        gravity = 3 * self.g / (2 * self.l) * np.sin(theta)
        theta_dot = theta_dot + (gravity + 3.0 / (self.m * self.l**2) * torque) * self.dt
        theta_dot = np.clip(theta_dot, -self.max_speed, self.max_speed)
        state = PendulumState(theta + theta_dot * self.dt, theta_dot, steps + 1)
        never = np.zeros(theta.shape, np.bool_)
        return state, self._observe(state), -cost, never, self.out_of_time(state.steps)

    def _observe(self, state: PendulumState) -> Any:
        return np.stack([np.cos(state.theta), np.sin(state.theta), state.theta_dot], axis=1)

    def render(self, state_row: PendulumState) -> Array:
        """The rod and its pivot, 500 x 500."""
        reach = 2.2 * self.l
        canvas = Canvas(500, 500, left=-reach, right=reach, bottom=-reach)
        theta = float(state_row.theta)
        tip = (-self.l * math.sin(theta), self.l * math.cos(theta))
        canvas.line([(0.0, 0.0), tip], ROD, width=22)
        canvas.circle((0.0, 0.0), 0.1, ROD)
        canvas.circle(tip, 0.1, ROD)
        canvas.circle((0.0, 0.0), 0.05, PIVOT)
        return canvas.pixels()
