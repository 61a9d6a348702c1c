"""Acrobot: swing the lower of two links above the bar, by a torque at the joint between them."""

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

LINK, JOINT, BAR = (0, 204, 204), (204, 204, 0), (0, 0, 0)
_GRAVITY = 9.8


class AcrobotState(NamedTuple):
    """The angle of the first link from hanging, that of the second from the first, the velocities
    of both, and the steps so far."""

    theta1: Any
    theta2: Any
    theta1_dot: Any
    theta2_dot: Any
    steps: Any


Angles = tuple[Any, Any, Any, Any]  # two angles, or their derivatives, and two velocities


@dataclass(frozen=True)
class Acrobot(Environment[AcrobotState]):
    """Two links that hang: swing the free end above the bar.

    Gymnasium's Acrobot-v1. The actions 0, 1, 2 are the torques -1, 0, 1 at the joint; a step costs
    1, and the one that reaches the bar nothing. The observation is the cosine and sine of both
    angles and the two velocities.

    Parameters
    ----------
    torque_noise_max : float
        The largest random torque that is added to the action's. Default 0.0.
    max_episode_steps : int or None
        Default 500.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    References
    ----------
    R. S. Sutton: "Generalization in reinforcement learning: successful examples using sparse coarse
    coding", NIPS 1995; R. S. Sutton, A. G. Barto: "Reinforcement learning" (2018), section 11.3.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = Acrobot()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([0, 2]), random.split(random.key(1), 2))
    >>> print(observation[:, 5].round(2), reward)
    [-0.21  0.34] [-1. -1.]
    """

    torque_noise_max: float = 0.0
    max_episode_steps: int | None = 500
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 15
    dt: ClassVar[float] = 0.2
    link_length: ClassVar[float] = 1.0
    link_mass: ClassVar[float] = 1.0
    link_center: ClassVar[float] = 0.5
    link_inertia: ClassVar[float] = 1.0
    max_velocity1: ClassVar[float] = 4 * math.pi
    max_velocity2: ClassVar[float] = 9 * math.pi

    @property
    def reward_threshold(self) -> float | None:
        """-100 with Gymnasium's time limit."""
        return -100.0 if self.max_episode_steps == 500 else None

    @property
    def observation_space(self) -> Any:
        """Cosines and sines, and the velocities up to their bounds."""
        high = np.array([1.0] * 4 + [self.max_velocity1, self.max_velocity2], self.dtype)
        return spaces.Box(-high, high, dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """The torques -1, 0, 1 as 0, 1, 2."""
        return spaces.Discrete(3)

    def reset(self, key: Any) -> tuple[AcrobotState, Any]:
        """All four numbers are uniform from -0.1 to 0.1."""
        theta1, theta2, theta1_dot, theta2_dot = random.uniform(key, 4, self.dtype, -0.1, 0.1).T
        steps = np.zeros(theta1.shape, np.int32)
        state = AcrobotState(theta1, theta2, theta1_dot, theta2_dot, steps)
        return state, self._observe(state)

    def step(self, state: AcrobotState, action: Any, key: Any) -> Step[AcrobotState]:
        """One step of the classical Runge-Kutta method over 0.2 seconds."""
        torque = (action - 1).astype(self.dtype)
        if self.torque_noise_max > 0:
            bound = self.torque_noise_max
            torque = torque + random.uniform(key, (), self.dtype, -bound, bound)
        theta1, theta2, theta1_dot, theta2_dot = self._runge_kutta(state[:4], torque)
        state = AcrobotState(
            _wrapped(theta1),
            _wrapped(theta2),
            np.clip(theta1_dot, -self.max_velocity1, self.max_velocity1),
            np.clip(theta2_dot, -self.max_velocity2, self.max_velocity2),
            state.steps + 1,
        )
        terminated = self.success(state)
        reward = np.where(terminated, 0.0, -1.0).astype(self.dtype)
        return state, self._observe(state), reward, terminated, self.out_of_time(state.steps)

    def success(self, state: AcrobotState) -> Any:
        """Whether the free end is above the bar, by one length."""
        return -np.cos(state.theta1) - np.cos(state.theta2 + state.theta1) > 1.0

    def _runge_kutta(self, start: Angles, torque: Any) -> Angles:
        def after(seconds: float, slopes: Angles) -> Any:
            return tuple(y + seconds * slope for y, slope in zip(start, slopes, strict=True))

        k1 = self._derivatives(start, torque)
        k2 = self._derivatives(after(self.dt / 2, k1), torque)
        k3 = self._derivatives(after(self.dt / 2, k2), torque)
        k4 = self._derivatives(after(self.dt, k3), torque)
        slopes = (a + 2 * b + 2 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
        theta1, theta2, theta1_dot, theta2_dot = after(self.dt / 6, tuple(slopes))
        return theta1, theta2, theta1_dot, theta2_dot

    def _derivatives(self, y: Angles, torque: Any) -> Angles:
        """The equations of motion of Sutton and Barto's book."""
        theta1, theta2, theta1_dot, theta2_dot = y
        m, length, center = self.link_mass, self.link_length, self.link_center
        cosine, sine = np.cos(theta2), np.sin(theta2)
        coupling = m * length * center
        inertia = m * center**2 + self.link_inertia
        d1 = 2 * inertia + m * length**2 + 2 * coupling * cosine
        d2 = inertia + coupling * cosine
        phi2 = m * center * _GRAVITY * np.sin(theta1 + theta2)  # cos(x - pi/2) = sin(x)
        phi1 = phi2 + (m * center + m * length) * _GRAVITY * np.sin(theta1)
        phi1 = phi1 - coupling * theta2_dot * (theta2_dot + 2 * theta1_dot) * sine
        pull = torque + d2 / d1 * phi1 - coupling * theta1_dot * theta1_dot * sine - phi2
        theta2_acc = pull / (inertia - d2 * d2 / d1)
        theta1_acc = -(d2 * theta2_acc + phi1) / d1
        return theta1_dot, theta2_dot, theta1_acc, theta2_acc

    def _observe(self, state: AcrobotState) -> Any:
        theta1, theta2, theta1_dot, theta2_dot, _ = state
        return np.stack(
            [
                np.cos(theta1),
                np.sin(theta1),
                np.cos(theta2),
                np.sin(theta2),
                theta1_dot,
                theta2_dot,
            ],
            axis=1,
        )

    def render(self, state_row: AcrobotState) -> Array:
        """The two links and the bar, 500 x 500."""
        canvas = Canvas(500, 500, left=-2.2, right=2.2, bottom=-2.2)
        first, second = float(state_row.theta1), float(state_row.theta1 + state_row.theta2)
        elbow = (math.sin(first), -math.cos(first))
        end = (elbow[0] + math.sin(second), elbow[1] - math.cos(second))
        canvas.line([(-2.2, 1.0), (2.2, 1.0)], BAR)
        canvas.line([(0.0, 0.0), elbow, end], LINK, width=22)
        for joint in ((0.0, 0.0), elbow):
            canvas.circle(joint, 0.1, JOINT)
        return canvas.pixels()


def _wrapped(angle: Any) -> Any:
    """The angle from -pi to pi; those within stay as they are."""
    period = 2 * math.pi
    above = np.maximum(np.ceil((angle - math.pi) / period), 0.0)
    below = np.maximum(np.ceil((-math.pi - angle) / period), 0.0)
    return angle - period * (above - below)
