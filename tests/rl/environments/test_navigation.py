"""Navigation: ranges against marching rays, distances, collisions, maps that can be driven."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import random
from chainrule.rl.environments import Navigation, NavigationState


def state_of(x, y, heading=0.0, goal=(0.8, 0.8), circles=(), boxes=()):
    """One copy on a map of one's own."""
    row = lambda value, dtype=np.float64: np.array([value], dtype)  # noqa: E731
    return NavigationState(
        row(x), row(y), row(heading), row(goal[0]), row(goal[1]),
        np.array(circles, np.float64).reshape(1, -1, 3),
        np.array(boxes, np.float64).reshape(1, -1, 4), row(False, np.bool_), row(0, np.int32),
    )  # fmt: skip


def environment_of(n_circles=0, n_boxes=0, **settings):
    return Navigation(n_circles, n_boxes, dtype=np.float64, **settings)


def inside(points_x, points_y, circles, boxes):
    """Whether points are in an obstacle or outside the walls."""
    hit = (np.abs(points_x) >= 1) | (np.abs(points_y) >= 1)
    for x, y, r in circles:
        hit = hit | ((points_x - x) ** 2 + (points_y - y) ** 2 <= r * r)
    for x, y, w, h in boxes:
        hit = hit | ((np.abs(points_x - x) <= w) & (np.abs(points_y - y) <= h))
    return hit


def test_ranges_are_those_of_marching_rays():
    """On 30 random maps: the first of many points along a ray that is inside of something."""
    environment = Navigation(dtype=np.float64)
    state, _ = environment.reset(random.split(random.key(0), 30))
    ranges = environment.ranges(state)
    assert (30, 16) == ranges.shape
    steps = np.linspace(0.0, 1.0, 20_001)
    nearer = 0
    for k in range(30):
        for j in range(16):
            angle = state.heading[k] + 2 * np.pi * j / 16
            points = state.x[k] + steps * np.cos(angle), state.y[k] + steps * np.sin(angle)
            hits = inside(*points, state.circles[k], state.boxes[k])
            expected = steps[np.argmax(hits)] if hits.any() else 1.0
            assert abs(expected - ranges[k, j]) < 1e-4 or grazes(ranges[k, j], points, state, k)
            walls = inside(*points, (), ())
            nearer += ranges[k, j] < (steps[np.argmax(walls)] if walls.any() else 1.0) - 1e-4
    assert nearer > 100


def grazes(seen, points, state, k):
    """Whether a ray touches an obstacle for less than the step of the marching."""
    at = np.argmin(np.abs(np.linspace(0.0, 1.0, 20_001) - seen))
    x, y = points[0][at], points[1][at]
    grown = [(a, b, r + 2e-4) for a, b, r in state.circles[k]]
    return inside(x, y, grown, [(a, b, w + 2e-4, h + 2e-4) for a, b, w, h in state.boxes[k]])


def test_ranges_by_hand():
    """A circle ahead, a box to the left, a wall behind, one to the right beyond the sensors."""
    environment = environment_of(1, 1, n_rays=4, sensor_range=1.2)
    state = state_of(-0.5, 0.3, 0.0, circles=[(0.2, 0.3, 0.1)], boxes=[(-0.5, 0.8, 0.3, 0.1)])
    np.testing.assert_allclose(environment.ranges(state), [[0.6, 0.4, 0.5, 1.2]], rtol=1e-6)
    rotated = state._replace(heading=state.heading + np.pi / 2)
    np.testing.assert_allclose(environment.ranges(rotated), [[0.4, 0.5, 1.2, 0.6]], rtol=1e-6)


def test_observations():
    """Ranges in units of the sensors', the goal ahead and to the left, and the heading."""
    environment = environment_of(n_rays=4, sensor_range=2.0)
    state = state_of(0.0, 0.0, np.pi / 2, goal=(0.3, 0.6))
    _, observation, *_ = environment.step(state, np.array([[-1.0, 0.0]]), None)
    np.testing.assert_allclose(observation, [[0.5, 0.5, 0.5, 0.5, 0.6, -0.3, 0.0, 1.0]], atol=1e-12)


def test_steps():
    """Steering first, then driving ahead; the reward is the progress, less the cost of a step."""
    environment = environment_of()
    state = state_of(0.0, 0.0, 0.1, goal=(0.0, -0.6))
    after, _, reward, terminated, _ = environment.step(state, np.array([[0.0, 5.0]]), None)
    np.testing.assert_allclose(after.heading, 0.6)
    np.testing.assert_allclose(after.x, 0.025 * np.cos(0.6))
    np.testing.assert_allclose(after.y, 0.025 * np.sin(0.6))
    left = np.hypot(after.x[0], after.y[0] + 0.6)
    np.testing.assert_allclose(reward, 0.6 - left - 0.005)
    assert not terminated[0]
    still, *_ = environment.step(state, np.array([[-3.0, 0.0]]), None)
    assert (0.0, 0.0) == (still.x[0], still.y[0])


@pytest.mark.parametrize(
    ("start", "goal", "circles", "boxes", "end"),
    [
        ((0.0, 0.0), (0.14, 0.0), [], [], "success"),
        ((0.0, 0.0), (0.16, 0.0), [], [], None),
        ((0.91, 0.0), (0.0, 0.0), [], [], "collision"),
        ((0.89, 0.0), (0.0, 0.0), [], [], None),
        ((0.0, 0.91), (0.0, 0.0), [], [], None),  # along the wall
        ((0.0, 0.951), (0.0, 0.0), [], [], "collision"),
        ((0.0, 0.0), (0.9, 0.9), [(0.2, 0.0, 0.101)], [], "collision"),
        ((0.0, 0.0), (0.9, 0.9), [(0.2, 0.0, 0.099)], [], None),
        ((0.0, 0.0), (0.9, 0.9), [], [(0.2, 0.0, 0.101, 0.3)], "collision"),
        ((0.0, 0.0), (0.9, 0.9), [], [(0.2, 0.0, 0.099, 0.3)], None),
        ((0.0, 0.0), (0.9, 0.9), [], [(0.15, 0.14, 0.066, 0.105)], "collision"),  # a corner
        ((0.0, 0.0), (0.9, 0.9), [], [(0.15, 0.14, 0.062, 0.098)], None),
        ((0.0, 0.0), (0.14, 0.0), [(0.2, 0.0, 0.12)], [], "collision"),  # both: no success
    ],
)
def test_ends(start, goal, circles, boxes, end):
    """Straight ahead at full speed: to 0.05 further along x."""
    environment = environment_of(len(circles), len(boxes))
    state = state_of(*start, 0.0, goal, circles, boxes)
    after, _, reward, terminated, truncated = environment.step(state, np.array([[1.0, 0.0]]), None)
    progress = np.hypot(*np.subtract(goal, start)) - np.hypot(
        goal[0] - start[0] - 0.05, goal[1] - start[1]
    )
    prize = {"success": 1.0, "collision": -1.0, None: 0.0}[end]
    np.testing.assert_allclose(reward, progress - 0.005 + prize, rtol=1e-12)
    assert (end is not None, end == "success", False) == (
        terminated[0], environment.success(after)[0], truncated[0],
    )  # fmt: skip


def test_maps_are_fair():
    """Start and goal are apart, and neither they nor what is near them is in an obstacle."""
    environment = Navigation()
    state, observation = environment.reset(random.split(random.key(1), 3000))
    assert np.float32 == observation.dtype
    apart = np.stack([state.goal_x - state.x, state.goal_y - state.y])
    assert 0.5 - 1e-6 <= np.abs(apart).min() and np.abs(apart).max() <= 1.2 + 1e-6
    for x, y in ((state.x, state.y), (state.goal_x, state.goal_y)):
        assert np.abs(np.stack([x, y])).max() <= 0.85
        circles, boxes = state.circles, state.boxes
        to_circles = np.hypot(circles[..., 0] - x[:, None], circles[..., 1] - y[:, None])
        assert (to_circles - circles[..., 2]).min() >= 0.2 - 1e-6
        beyond = np.maximum(
            np.abs(boxes[..., :2] - np.stack([x, y], 1)[:, None]) - boxes[..., 2:], 0
        )
        assert np.hypot(*np.moveaxis(beyond, -1, 0)).min() >= 0.2 - 1e-6
    bounds = (
        (state.circles, 2, 0.08, 0.2),
        (state.boxes, 2, 0.06, 0.2),
        (state.boxes, 3, 0.06, 0.2),
    )
    for obstacles, k, low, high in bounds:
        here = obstacles[..., 0] < 5.0
        sizes = obstacles[here][:, k]
        assert low <= sizes.min() < low + 0.001 and high - 0.001 < sizes.max() <= high
        np.testing.assert_allclose([-1, -1], obstacles[here][:, :2].min(axis=0), atol=0.01)
        np.testing.assert_allclose([1, 1], obstacles[here][:, :2].max(axis=0), atol=0.01)
        assert 0.55 < here.mean() < 0.85  # the others are left out
        assert not obstacles[~here][:, 2:].any()
    assert len(np.unique(state.circles[:, 0, 0])) > 1500  # each map is another


def test_the_way_can_be_driven_by_sight():
    """Steering for the goal, and away from what is near, reaches most goals: maps are no mazes."""
    environment, n = Navigation(), 500

    @cr.jit
    def run(keys):
        state, observation = environment.reset(keys)

        def body(carry, _):
            state, observation, over, reached = carry
            ranges, ahead, left = observation[:, :16], observation[:, 16], observation[:, 17]
            angles = np.arange(16) * (np.pi / 8)
            bearing = np.cos(angles - np.arctan2(left, ahead)[:, None])
            score = bearing + 3.0 * np.minimum(ranges, 0.3)
            best = (np.argmax(score, axis=1) + 8) % 16 - 8
            steering = np.clip(best * (np.pi / 8) / 0.5, -1.0, 1.0)
            speed = np.where(np.abs(best) > 2, -1.0, 0.0)
            action = np.stack([speed, steering], axis=1).astype(np.float32)
            state, observation, _, terminated, _ = environment.step(state, action, keys)
            reached = reached | (~over & environment.success(state))
            return (state, observation, over | terminated, reached), None

        never = np.zeros(n, np.bool_)
        return cr.scan(body, (state, observation, never, never), length=200)[0][3]

    assert run(random.split(random.key(2), n)).mean() > 0.6


def test_refused():
    for wrong in ({"n_rays": 0}, {"n_circles": -1}, {"n_boxes": -1}):
        with pytest.raises(ValueError, match="give at least 1, 0 and 0"):
            Navigation(**wrong)


def test_picture():
    environment = environment_of(1, 2)
    boxes = [(-0.5, -0.5, 0.1, 0.2), (10.0, 10.0, 0.0, 0.0)]
    state = state_of(0.2, 0.0, 0.0, (0.5, 0.5), [(-0.5, 0.5, 0.2)], boxes)
    picture = environment.render(NavigationState(*(leaf[0] for leaf in state)))
    assert ((500, 500, 3), np.uint8) == (picture.shape, picture.dtype)
    scale = 500 / 2.04
    robot = np.argwhere((picture == (77, 120, 204)).all(axis=2))
    np.testing.assert_allclose([250, 250 + 0.2 * scale], robot.mean(axis=0), atol=2)
    grey = (picture == (120, 120, 120)).all(axis=2).sum() / scale**2
    np.testing.assert_allclose(np.pi * 0.04 + 0.2 * 0.4, grey, rtol=0.05)
