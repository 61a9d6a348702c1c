"""Navigation: a robot with range sensors drives to a goal between obstacles of a random map."""

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

ROBOT, NOSE, GOAL = (77, 120, 204), (255, 255, 255), (90, 170, 90)
OBSTACLE, RAY, EDGE = (120, 120, 120), (230, 200, 150), (0, 0, 0)
_MARGIN = 0.15  # from the walls to the start and the goal
_APART = (0.5, 1.2)  # from the start to the goal, along each axis
_CLEAR = 0.15  # from obstacles to the start and the goal
_AWAY = 10.0  # where obstacles go that are not there
_LEAST_SLOPE = 1e-6  # of a ray along an axis, so that it can be divided by


class NavigationState(NamedTuple):
    """The robot's position and heading, the goal, the map, whether the goal is reached, the steps.

    Circles are floats[n, circles, 3], by centre and radius; boxes floats[n, boxes, 4], by centre
    and half their width and height.
    """

    x: Any
    y: Any
    heading: Any
    goal_x: Any
    goal_y: Any
    circles: Any
    boxes: Any
    success: Any
    steps: Any


@dataclass(frozen=True)
class Navigation(Environment[NavigationState]):
    """Drive a round robot to a goal past obstacles and walls; each episode has a new map.

    The map is a square from -1 to 1 with circles and boxes anywhere, which may overlap; those too
    near to the start or the goal are left out. The action is two numbers from -1 to 1 (clipped):
    the speed, from standing to `max_speed`, and the steering, to `max_steering` radians a step. The
    observation is the distances that `n_rays` range sensors see, all around the robot from its
    heading to the left, in units of `sensor_range`; the goal in the robot's own coordinates, ahead
    and to the left; and the cosine and sine of the heading. A step pays the progress, the decrease
    of the distance to the goal, less 0.005; reaching the goal pays 1 and ends the episode, a
    collision costs 1 and ends it.

    Parameters
    ----------
    n_circles, n_boxes : int
        Default 5 and 3.
    n_rays : int
        Default 16.
    sensor_range : float
        Default 1.0.
    radius : float
        Of the robot. Default 0.05.
    goal_radius : float
        From the centre of the robot to the goal where it is reached. Default 0.1.
    max_speed : float
        A step. Default 0.05.
    max_steering : float
        Default 0.5.
    max_episode_steps : int or None
        Default 200.
    dtype : float32 or float64
        Of the state and observations. Default float32.

    Raises
    ------
    ValueError
        If there are no rays, or fewer than no obstacles.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = Navigation()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([[1.0, 0.0], [-1.0, 1.0]], np.float32), random.split(random.key(1), 2))
    >>> observation.shape, terminated.tolist(), environment.success(state).tolist()
    ((2, 20), [False, False], [False, False])
    >>> print(reward.round(3))
    [-0.041 -0.005]
    """

    n_circles: int = 5
    n_boxes: int = 3
    n_rays: int = 16
    sensor_range: float = 1.0
    radius: float = 0.05
    goal_radius: float = 0.1
    max_speed: float = 0.05
    max_steering: float = 0.5
    max_episode_steps: int | None = 200
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 20
    step_cost: ClassVar[float] = 0.005

    def __post_init__(self) -> None:
        self.check_settings()
        if self.n_rays < 1 or self.n_circles < 0 or self.n_boxes < 0:
            raise ValueError(
                f"Navigation: n_rays={self.n_rays}, n_circles={self.n_circles}, "
                f"n_boxes={self.n_boxes}: give at least 1, 0 and 0"
            )

    @property
    def observation_space(self) -> Any:
        """Ranges up to 1, the goal up to the map's diagonal, a cosine and a sine."""
        diagonal = 2 * math.sqrt(2)
        low = np.array([0.0] * self.n_rays + [-diagonal] * 2 + [-1.0] * 2, self.dtype)
        high = np.array([1.0] * self.n_rays + [diagonal] * 2 + [1.0] * 2, self.dtype)
        return spaces.Box(low, high, dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """The speed and the steering."""
        return spaces.Box(-1.0, 1.0, (2,), dtype=self.dtype)

    def reset(self, key: Any) -> tuple[NavigationState, Any]:
        """Draw a map, a start, a goal some way off, and a heading."""
        n_numbers = 5 + 3 * self.n_circles + 4 * self.n_boxes
        numbers = random.uniform(key, n_numbers, self.dtype)
        n = numbers.shape[0]
        half = 1.0 - _MARGIN
        x, y = (half * (2 * numbers[:, k] - 1) for k in (0, 1))
        goal_x, goal_y = (
            _wrapped(start + _APART[0] + numbers[:, k] * (_APART[1] - _APART[0]), half)
            for start, k in ((x, 2), (y, 3))
        )
        circles = numbers[:, 5 : 5 + 3 * self.n_circles].reshape(n, self.n_circles, 3)
        boxes = numbers[:, 5 + 3 * self.n_circles :].reshape(n, self.n_boxes, 4)
        circles = _scaled(circles, low=(-1.0, -1.0, 0.08), high=(1.0, 1.0, 0.2))
        boxes = _scaled(boxes, low=(-1.0, -1.0, 0.06, 0.06), high=(1.0, 1.0, 0.2, 0.2))
        for point_x, point_y in ((x, y), (goal_x, goal_y)):
            clear = self.radius + _CLEAR
            circles = _without(circles, _to_circles(circles, point_x, point_y) < clear)
            boxes = _without(boxes, _to_boxes(boxes, point_x, point_y) < clear)
        state = NavigationState(
            x, y, math.pi * (2 * numbers[:, 4] - 1), goal_x, goal_y, circles, boxes,
            np.zeros(n, np.bool_), np.zeros(n, np.int32),
        )  # fmt: skip
        return state, self._observe(state)

    def step(self, state: NavigationState, action: Any, key: Any) -> Step[NavigationState]:
        """Steer, then drive ahead."""
        action = np.clip(action, -1.0, 1.0).astype(self.dtype)
        heading = state.heading + self.max_steering * action[:, 1]
        way = self.max_speed * (0.5 * action[:, 0] + 0.5)
        before = _distance(state)
        state = state._replace(
            x=state.x + way * np.cos(heading), y=state.y + way * np.sin(heading), heading=heading,
            steps=state.steps + 1,
        )  # fmt: skip
        after = _distance(state)
        collided = self._collides(state)
        success = (after < self.goal_radius) & ~collided
        state = state._replace(success=success)
        prize = success.astype(self.dtype) - collided.astype(self.dtype)
        reward = before - after - self.step_cost + prize
        truncated = self.out_of_time(state.steps)
        return state, self._observe(state), reward, success | collided, truncated

    def success(self, state: NavigationState) -> Any:
        """Whether the goal is reached."""
        return state.success

    def _collides(self, state: NavigationState) -> Any:
        wall = 1.0 - self.radius
        hit = (np.abs(state.x) > wall) | (np.abs(state.y) > wall)
        if self.n_circles:
            near = np.min(_to_circles(state.circles, state.x, state.y), axis=1)
            hit = hit | (near < self.radius)
        if self.n_boxes:
            hit = hit | (np.min(_to_boxes(state.boxes, state.x, state.y), axis=1) < self.radius)
        return hit

    def _observe(self, state: NavigationState) -> Any:
        cosine, sine = np.cos(state.heading), np.sin(state.heading)
        x, y = state.goal_x - state.x, state.goal_y - state.y
        ahead, left = x * cosine + y * sine, y * cosine - x * sine
        seen = self.ranges(state) / self.sensor_range
        return np.concatenate([seen, np.stack([ahead, left, cosine, sine], axis=1)], axis=1)

    def ranges(self, state: NavigationState) -> Any:
        """Return what the range sensors see.

        Parameters
        ----------
        state : NavigationState

        Returns
        -------
        floats of shape (n, n_rays)
            From the robot's centre to the nearest wall or obstacle in each direction, at most
            `sensor_range`.

        Examples
        --------
        >>> from chainrule import random
        >>> environment = Navigation(n_circles=0, n_boxes=0, n_rays=4, sensor_range=9.0)
        >>> state, _ = environment.reset(random.split(random.key(0), 1))
        >>> state = state._replace(x=0 * state.x, y=0 * state.y, heading=0 * state.heading)
        >>> environment.ranges(state).tolist()
        [[1.0, 1.0, 1.0, 1.0]]
        """
        offsets = (np.arange(self.n_rays) * (2 * math.pi / self.n_rays)).astype(self.dtype)
        angle = state.heading[:, None] + offsets
        ray_x, ray_y = _slope(np.cos(angle)), _slope(np.sin(angle))
        x, y = state.x[:, None], state.y[:, None]
        to_wall_x = (np.where(ray_x > 0, 1.0, -1.0).astype(self.dtype) - x) / ray_x
        to_wall_y = (np.where(ray_y > 0, 1.0, -1.0).astype(self.dtype) - y) / ray_y
        nearest = np.minimum(np.minimum(to_wall_x, to_wall_y), self.sensor_range)
        nearest = np.maximum(nearest, 0.0)  # where the robot has run into a wall
        rays = ray_x[:, None], ray_y[:, None], x[:, None], y[:, None]
        if self.n_circles:
            nearest = np.minimum(nearest, np.min(self._rays_to_circles(state, *rays), axis=1))
        if self.n_boxes:
            nearest = np.minimum(nearest, np.min(self._rays_to_boxes(state, *rays), axis=1))
        return nearest

    def _rays_to_circles(
        self, state: NavigationState, ray_x: Any, ray_y: Any, x: Any, y: Any
    ) -> Any:
        """Floats of shape (n, circles, rays): the smaller t with |x + t ray - centre| = radius."""
        circle = state.circles
        to_x, to_y = circle[:, :, 0:1] - x, circle[:, :, 1:2] - y
        along = to_x * ray_x + to_y * ray_y
        beside = to_x * ray_y - to_y * ray_x
        inside = circle[:, :, 2:3] ** 2 - beside * beside
        t = np.maximum(along - np.sqrt(np.maximum(inside, 0.0)), 0.0)
        return np.where((inside > 0) & (along > 0), t, self.sensor_range)

    def _rays_to_boxes(self, state: NavigationState, ray_x: Any, ray_y: Any, x: Any, y: Any) -> Any:
        """Floats of shape (n, boxes, rays): where a ray is between both pairs of sides."""
        box = state.boxes
        to_x, to_y = (box[:, :, 0:1] - x) / ray_x, (box[:, :, 1:2] - y) / ray_y
        half_x, half_y = box[:, :, 2:3] / np.abs(ray_x), box[:, :, 3:4] / np.abs(ray_y)
        enters = np.maximum(to_x - half_x, to_y - half_y)
        leaves = np.minimum(to_x + half_x, to_y + half_y)
        t = np.maximum(enters, 0.0)
        return np.where(leaves > t, t, self.sensor_range)

    def render(self, state_row: NavigationState) -> Array:
        """The map, the robot, its rays and the goal, 500 x 500."""
        canvas = Canvas(500, 500, left=-1.02, right=1.02, bottom=-1.02)
        x, y, heading = float(state_row.x), float(state_row.y), float(state_row.heading)
        one = NavigationState(*(np.asarray(leaf)[None] for leaf in state_row))
        for k, seen in enumerate(self.ranges(one)[0].tolist()):
            angle = heading + 2 * math.pi * k / self.n_rays
            canvas.line([(x, y), (x + seen * math.cos(angle), y + seen * math.sin(angle))], RAY)
        for circle_x, circle_y, r in state_row.circles.tolist():
            canvas.circle((circle_x, circle_y), r, OBSTACLE)
        for box_x, box_y, w, h in state_row.boxes.tolist():
            if w > 0:  # not left out
                canvas.rectangle((box_x - w, box_y - h), (box_x + w, box_y + h), OBSTACLE)
        canvas.line([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)], EDGE)
        goal = (float(state_row.goal_x), float(state_row.goal_y))
        canvas.circle(goal, self.goal_radius, GOAL)
        canvas.circle((x, y), self.radius, ROBOT)
        nose = (x + self.radius * math.cos(heading), y + self.radius * math.sin(heading))
        canvas.line([(x, y), nose], NOSE, width=2)
        return canvas.pixels()


def _distance(state: NavigationState) -> Any:
    x, y = state.goal_x - state.x, state.goal_y - state.y
    return np.sqrt(x * x + y * y)


def _wrapped(position: Any, half: float) -> Any:
    """What leaves the square on one side comes in on the other."""
    return (position + half) % (2 * half) - half


def _scaled(unit: Any, low: tuple[float, ...], high: tuple[float, ...]) -> Any:
    """Numbers from 0 to 1, scaled to bounds along the last axis."""
    lower, upper = np.array(low, unit.dtype), np.array(high, unit.dtype)
    return lower + unit * (upper - lower)


def _without(obstacles: Any, left_out: Any) -> Any:
    """Move some obstacles, bool (n, obstacles), off the map, and make them points."""
    point = np.zeros(obstacles.shape[2], obstacles.dtype)
    point[:2] = _AWAY
    return np.where(left_out[:, :, None], point, obstacles)


def _to_circles(circles: Any, x: Any, y: Any) -> Any:
    """From points to each circle's edge, (n, circles); negative inside."""
    to_x, to_y = circles[:, :, 0] - x[:, None], circles[:, :, 1] - y[:, None]
    return np.sqrt(to_x * to_x + to_y * to_y) - circles[:, :, 2]


def _to_boxes(boxes: Any, x: Any, y: Any) -> Any:
    """From points to each box, (n, boxes); 0 inside."""
    beyond_x = np.maximum(np.abs(boxes[:, :, 0] - x[:, None]) - boxes[:, :, 2], 0.0)
    beyond_y = np.maximum(np.abs(boxes[:, :, 1] - y[:, None]) - boxes[:, :, 3], 0.0)
    return np.sqrt(beyond_x * beyond_x + beyond_y * beyond_y)


def _slope(component: Any) -> Any:
    """A ray's component along an axis, not 0."""
    return np.where(np.abs(component) < _LEAST_SLOPE, component.dtype.type(_LEAST_SLOPE), component)
