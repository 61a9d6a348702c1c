"""Both cars against Gymnasium's."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium_peer import assert_same_spaces, assert_same_steps, steps_of

from chainrule import random
from chainrule.rl.environments import MountainCar, MountainCarContinuous, MountainCarState

NAMES = ("position", "velocity")


def swinging(env, k):
    """Push along, so that the car reaches the flag, and now and then anyhow."""
    along = 1.0 if env.state[1] >= 0 else -1.0
    return along if (k // 500) % 2 else None


@pytest.mark.parametrize("goal_velocity", [0.0, 0.02])
def test_ten_thousand_steps_are_those_of_gymnasium(goal_velocity):

    def choose(env, k):
        along = swinging(env, k)
        return None if along is None else int(1 + along)

    steps = steps_of(
        "MountainCar-v0", lambda env: list(env.state), choose, goal_velocity=goal_velocity
    )
    assert steps.terminated.sum() > 20
    assert (steps.after[:, 0] == -1.2).sum() > 0  # the wall
    state = MountainCarState(*steps.before.T, np.zeros(len(steps.action), np.int32))
    environment = MountainCar(goal_velocity=goal_velocity, dtype=np.float64)
    assert_same_steps(environment, state, steps, NAMES)


def test_ten_thousand_continuous_steps_are_those_of_gymnasium():
    """Gymnasium keeps the state in float32: it steps from our float64, and its result is rounded.

    Some forces are beyond 1: they push as 1, and cost more.
    """

    def read(env):
        env.state = np.asarray(env.state, np.float64)
        return list(env.state)

    def choose(env, k):
        along = swinging(env, k)
        return None if along is None else np.array([1.2 * along])

    steps = steps_of("MountainCarContinuous-v0", read, choose)
    assert steps.terminated.sum() > 20
    assert {0.0, 100.0} == set(np.round(steps.reward, -2).tolist())
    state = MountainCarState(*steps.before.T, np.zeros(len(steps.action), np.int32))
    environment = MountainCarContinuous(dtype=np.float64)
    assert_same_steps(environment, state, steps, NAMES, rounded_to=np.float32)


def test_spaces_are_those_of_gymnasium():
    assert_same_spaces(MountainCar(), "MountainCar-v0")
    assert_same_spaces(MountainCarContinuous(), "MountainCarContinuous-v0")


def test_the_wall_stops_a_car_of_float32():
    """The wall, -1.2, is no number of float32; the velocity there is 0 nevertheless."""
    state = MountainCarState(np.float32([-1.19]), np.float32([-0.07]), np.zeros(1, np.int32))
    state, *_ = MountainCar().step(state, np.array([0]), None)
    assert (np.float32(-1.2), 0.0) == (state.position[0], state.velocity[0])


def test_episodes_start_in_the_valley():
    for environment in (MountainCar(), MountainCarContinuous()):
        state, observation = environment.reset(random.split(random.key(0), 2000))
        assert np.float32 == observation.dtype
        assert -0.6 <= state.position.min() < -0.599 < -0.401 < state.position.max() <= -0.4
        assert not state.velocity.any()


def test_success_is_reaching_the_flag():
    state = MountainCarState(np.array([0.49, 0.49, 0.55]), np.array([0.0, 0.02, 0.0]), None)
    assert [False, False, True] == MountainCar().success(state).tolist()
    assert [True, True, True] == MountainCarContinuous().success(state).tolist()
    fast = MountainCarContinuous(goal_velocity=0.01)
    assert [False, True, False] == fast.success(state).tolist()


def test_picture():
    """The car stands at the bottom of the valley, and further right on the slope."""
    columns = []
    for position in (-0.5, 0.3):
        picture = MountainCar().render(MountainCarState(position, 0.0, 0))
        assert ((400, 600, 3), np.uint8) == (picture.shape, picture.dtype)
        columns.append(np.argwhere((picture == 128).all(axis=2)).mean(axis=0))
    np.testing.assert_allclose([600 * 0.7 / 1.8, 600 * 1.5 / 1.8], [c[1] for c in columns], atol=2)
    assert columns[1][0] < columns[0][0]
