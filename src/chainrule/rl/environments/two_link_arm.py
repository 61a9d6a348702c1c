"""TwoLinkArm: an arm of two links, driven by torques, reaches for a target in the plane."""

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

LINK, JOINT, TARGET = (77, 120, 204), (30, 30, 30), (204, 77, 77)
_ROUNDING = 0.01  # the distance below which the reward is round rather than pointed


class TwoLinkArmState(NamedTuple):
    """The angles of the shoulder and the elbow, their velocities, the target, the steps so far."""

    shoulder: Any
    elbow: Any
    shoulder_dot: Any
    elbow_dot: Any
    target_x: Any
    target_y: Any
    steps: Any


@dataclass(frozen=True)
class TwoLinkArm(Environment[TwoLinkArmState]):
    """Bring the end of an arm of two links to a target, by torques at its two joints.

    The arm lies on a table (no gravity). The action is two torques from -1 to 1 (clipped), in units
    of `max_torque`. A step pays ``-sqrt(d**2 + 0.01**2) - control_cost * |action|**2``, with the
    distance d from the end to the target: smooth, so gradients flow through whole episodes. Nothing
    terminates an episode; it is a success where d is below `reach` at its end. The observation is
    the cosine and sine of both angles, their velocities, the target, and the way to it.

    Parameters
    ----------
    length : float
        Of each link. Default 0.5.
    mass : float
        Of each link, a thin rod. Default 1.0.
    damping : float
        Torque of the friction at a joint by its velocity. Default 0.3.
    max_torque : float
        Default 1.0.
    control_cost : float
        Default 0.01.
    reach : float
        Default 0.05.
    dt : float
        Seconds a step. Default 0.04.
    max_episode_steps : int or None
        Default 100.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    References
    ----------
    M. W. Spong, S. Hutchinson, M. Vidyasagar: "Robot modeling and control" (2006), section 7.4, the
    planar elbow manipulator.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = TwoLinkArm()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([[1.0, 0.0], [0.0, -1.0]], np.float32), random.split(random.key(1), 2))
    >>> observation.shape, environment.success(state).tolist()
    ((2, 10), [False, False])
    """

    length: float = 0.5
    mass: float = 1.0
    damping: float = 0.3
    max_torque: float = 1.0
    control_cost: float = 0.01
    reach: float = 0.05
    dt: float = 0.04
    max_episode_steps: int | None = 100
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 25

    @property
    def observation_space(self) -> Any:
        """Cosines and sines, velocities without bounds, the target, and the way to it."""
        whole = 2 * self.length
        high = np.array([1.0] * 4 + [np.inf] * 2 + [whole] * 2 + [2 * whole] * 2, self.dtype)
        return spaces.Box(-high, high, dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """Two torques in units of the largest."""
        return spaces.Box(-1.0, 1.0, (2,), dtype=self.dtype)

    def reset(self, key: Any) -> tuple[TwoLinkArmState, Any]:
        """Any angles, at rest; a target that the arm can reach, as likely in each square."""
        shoulder, elbow, angle, square = random.uniform(key, 4, self.dtype).T
        angle = 2 * math.pi * angle
        # Squares of distances are uniform where points are, from 0.2 to 0.95 of the arm
        distance = 2 * self.length * np.sqrt(0.2**2 + square * (0.95**2 - 0.2**2))
        rest = np.zeros_like(shoulder)
        state = TwoLinkArmState(
            math.pi * (2 * shoulder - 1), math.pi * (2 * elbow - 1), rest, rest,
            distance * np.cos(angle), distance * np.sin(angle), np.zeros(rest.shape, np.int32),
        )  # fmt: skip
        return state, self._observe(state)

    def step(self, state: TwoLinkArmState, action: Any, key: Any) -> Step[TwoLinkArmState]:
        """Semi-implicit Euler: the velocities first, then the angles by the new velocities."""
        torque = np.clip(action, -1.0, 1.0).astype(self.dtype)
        shoulder_acc, elbow_acc = self._accelerations(
            state, self.max_torque * torque[:, 0], self.max_torque * torque[:, 1]
        )
        shoulder_dot = state.shoulder_dot + self.dt * shoulder_acc
        elbow_dot = state.elbow_dot + self.dt * elbow_acc
        state = state._replace(
            shoulder=state.shoulder + self.dt * shoulder_dot,
            elbow=state.elbow + self.dt * elbow_dot,
            shoulder_dot=shoulder_dot, elbow_dot=elbow_dot, steps=state.steps + 1,
        )  # fmt: skip
        effort = torque[:, 0] * torque[:, 0] + torque[:, 1] * torque[:, 1]
        reward = -np.sqrt(self._square(state) + _ROUNDING**2) - self.control_cost * effort
        never = np.zeros(reward.shape, np.bool_)
        return state, self._observe(state), reward, never, self.out_of_time(state.steps)

    def success(self, state: TwoLinkArmState) -> Any:
        """Whether the end is within `reach` of the target."""
        return self._square(state) < self.reach**2

    def _accelerations(self, state: TwoLinkArmState, torque1: Any, torque2: Any) -> tuple[Any, Any]:
        """Solve M(q) acceleration = torque - friction - Coriolis and centrifugal torques."""
        rod = self.mass * self.length**2 / 3  # a link's moment of inertia about its end
        coupling = self.mass * self.length**2 / 2
        cosine = coupling * np.cos(state.elbow)
        sine = coupling * np.sin(state.elbow)
        m11, m12, m22 = 2 * rod + self.mass * self.length**2 + 2 * cosine, rod + cosine, rod
        first, second = state.shoulder_dot, state.elbow_dot
        f1 = torque1 - self.damping * first + sine * second * (2 * first + second)
        f2 = torque2 - self.damping * second - sine * first * first
        determinant = m11 * m22 - m12 * m12
        return (m22 * f1 - m12 * f2) / determinant, (m11 * f2 - m12 * f1) / determinant

    def _way(self, state: TwoLinkArmState) -> tuple[Any, Any]:
        """From the end of the arm to the target."""
        outer = state.shoulder + state.elbow
        x = self.length * (np.cos(state.shoulder) + np.cos(outer))
        y = self.length * (np.sin(state.shoulder) + np.sin(outer))
        return state.target_x - x, state.target_y - y

    def _square(self, state: TwoLinkArmState) -> Any:
        x, y = self._way(state)
        return x * x + y * y

    def _observe(self, state: TwoLinkArmState) -> Any:
        return np.stack(
            [
                np.cos(state.shoulder), np.sin(state.shoulder),
                np.cos(state.elbow), np.sin(state.elbow),
                state.shoulder_dot, state.elbow_dot, state.target_x, state.target_y,
                *self._way(state),
            ],
            axis=1,
        )  # fmt: skip

    def render(self, state_row: TwoLinkArmState) -> Array:
        """The arm and the target, 500 x 500."""
        half = 2.2 * self.length
        canvas = Canvas(500, 500, left=-half, right=half, bottom=-half)
        inner, outer = float(state_row.shoulder), float(state_row.shoulder + state_row.elbow)
        elbow = (self.length * math.cos(inner), self.length * math.sin(inner))
        end = (elbow[0] + self.length * math.cos(outer), elbow[1] + self.length * math.sin(outer))
        canvas.circle((float(state_row.target_x), float(state_row.target_y)), self.reach, TARGET)
        canvas.line([(0.0, 0.0), elbow, end], LINK, width=14)
        for joint in ((0.0, 0.0), elbow, end):
            canvas.circle(joint, 0.04 * self.length, JOINT)
        return canvas.pixels()
