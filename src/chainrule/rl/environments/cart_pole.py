"""CartPole: a pole on a cart that is pushed to the left or right so that it stays up."""

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

BLACK, WOOD, AXLE = (0, 0, 0), (202, 152, 101), (129, 132, 203)


class CartPoleState(NamedTuple):
    """The cart's position and velocity, the pole's angle and its velocity, the steps so far."""

    x: Any
    x_dot: Any
    theta: Any
    theta_dot: Any
    steps: Any


@dataclass(frozen=True)
class CartPole(Environment[CartPoleState]):
    """A pole on a cart: keep it up by pushing the cart to the left or right.

    Gymnasium's CartPole-v1. The action 1 pushes to the right, 0 to the left; each step pays 1. The
    episode is over when the pole leans by more than 12 degrees or the cart leaves the track. The
    observation is (x, x_dot, theta, theta_dot).

    Parameters
    ----------
    gravity : float
        Default 9.8.
    masscart, masspole : float
        Default 1.0 and 0.1.
    length : float
        Half the length of the pole. Default 0.5.
    force_mag : float
        The force of a push. Default 10.0.
    tau : float
        Seconds a step. Default 0.02.
    sutton_barto_reward : bool
        Whether steps pay 0 and the last one -1, instead of 1 each. Default False.
    max_episode_steps : int or None
        Default 500.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    References
    ----------
    A. G. Barto, R. S. Sutton, C. W. Anderson: "Neuronlike adaptive elements that can solve
    difficult learning control problems", IEEE Transactions on Systems, Man, and Cybernetics (1983).
    R. V. Florian: "Correct equations for the dynamics of the cart-pole system" (2007), eqs. 23, 24.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = CartPole()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> observation.shape, observation.dtype.name
    ((2, 4), 'float32')
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([0, 1]), random.split(random.key(1), 2))
    >>> print(observation[:, 1].round(2), reward, terminated)
    [-0.24  0.2 ] [1. 1.] [False False]
    """

    gravity: float = 9.8
    masscart: float = 1.0
    masspole: float = 0.1
    length: float = 0.5
    force_mag: float = 10.0
    tau: float = 0.02
    sutton_barto_reward: bool = False
    max_episode_steps: int | None = 500
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 50
    x_threshold: ClassVar[float] = 2.4
    theta_threshold: ClassVar[float] = 12 * 2 * math.pi / 360

    @property
    def reward_threshold(self) -> float | None:
        """475 of 500, with Gymnasium's rewards and time limit."""
        return None if self.sutton_barto_reward or self.max_episode_steps != 500 else 475.0

    @property
    def observation_space(self) -> Any:
        """Twice the thresholds; velocities have no bounds."""
        high = np.array([2 * self.x_threshold, np.inf, 2 * self.theta_threshold, np.inf])
        high = high.astype(self.dtype)
        return spaces.Box(-high, high, dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """0 pushes to the left, 1 to the right."""
        return spaces.Discrete(2)

    def reset(self, key: Any) -> tuple[CartPoleState, Any]:
        """All four numbers are uniform from -0.05 to 0.05."""
        x, x_dot, theta, theta_dot = random.uniform(key, 4, self.dtype, -0.05, 0.05).T
        state = CartPoleState(x, x_dot, theta, theta_dot, np.zeros(x.shape, np.int32))
        return state, self._observe(state)

    def step(self, state: CartPoleState, action: Any, key: Any) -> Step[CartPoleState]:
        """Euler's method over `tau` seconds."""
        x, x_dot, theta, theta_dot, steps = state
        x_acc, theta_acc = self._accelerations(state, action)
        x, x_dot = x + self.tau * x_dot, x_dot + self.tau * x_acc
        theta, theta_dot = theta + self.tau * theta_dot, theta_dot + self.tau * theta_acc
        state = CartPoleState(x, x_dot, theta, theta_dot, steps + 1)
        terminated = (np.abs(x) > self.x_threshold) | (np.abs(theta) > self.theta_threshold)
        reward = -terminated.astype(self.dtype) if self.sutton_barto_reward else np.ones_like(x)
        return state, self._observe(state), reward, terminated, self.out_of_time(state.steps)

    def _accelerations(self, state: CartPoleState, action: Any) -> tuple[Any, Any]:
        """Florian's equations 23 and 24 without friction."""
        force = np.where(action == 1, self.force_mag, -self.force_mag).astype(self.dtype)
        cosine, sine = np.cos(state.theta), np.sin(state.theta)
        total_mass, lever = self.masscart + self.masspole, self.masspole * self.length
        push = (force + lever * state.theta_dot * state.theta_dot * sine) / total_mass
        theta_acc = (self.gravity * sine - cosine * push) / (
            self.length * (4.0 / 3.0 - self.masspole / total_mass * cosine * cosine)
        )
        return push - lever / total_mass * theta_acc * cosine, theta_acc

    def _observe(self, state: CartPoleState) -> Any:
        return np.stack([state.x, state.x_dot, state.theta, state.theta_dot], axis=1)

    def render(self, state_row: CartPoleState) -> Array:
        """A cart, its pole and the track, 600 x 400."""
        canvas = Canvas(600, 400, left=-2.4, right=2.4, bottom=-0.8)
        x, theta = float(state_row.x), float(state_row.theta)
        canvas.line([(-2.4, 0.0), (2.4, 0.0)], BLACK)
        canvas.polygon(
            [(x - 0.2, -0.12), (x - 0.2, 0.12), (x + 0.2, 0.12), (x + 0.2, -0.12)], BLACK
        )
        tip = (x + 2 * self.length * math.sin(theta), 0.06 + 2 * self.length * math.cos(theta))
        canvas.line([(x, 0.06), tip], WOOD, width=10)
        canvas.circle((x, 0.06), 0.04, AXLE)
        return canvas.pixels()
