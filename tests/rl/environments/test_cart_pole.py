"""CartPole against Gymnasium's."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium_peer import assert_same_spaces, assert_same_steps, steps_of

from chainrule import random
from chainrule.rl.environments import CartPole, CartPoleState

NAMES = ("x", "x_dot", "theta", "theta_dot")


@pytest.mark.parametrize("settings", [{}, {"sutton_barto_reward": True}])
def test_ten_thousand_steps_are_those_of_gymnasium(settings):
    steps = steps_of("CartPole-v1", lambda env: list(env.state), **settings)
    state = CartPoleState(*steps.before.T, np.zeros(len(steps.action), np.int32))
    assert 300 < steps.terminated.sum() < 700
    environment = CartPole(dtype=np.float64, **settings)
    assert_same_steps(environment, state, steps, NAMES)


def test_spaces_are_those_of_gymnasium():
    assert_same_spaces(CartPole(), "CartPole-v1")
    assert CartPole(max_episode_steps=200).reward_threshold is None


def test_episodes_start_near_the_middle():
    """Uniform from -0.05 to 0.05 in each of the four."""
    state, observation = CartPole().reset(random.split(random.key(0), 2000))
    assert np.float32 == observation.dtype
    np.testing.assert_array_equal(observation, np.stack(state[:4], axis=1))
    assert 0.049 < np.abs(observation).max() <= 0.05
    np.testing.assert_allclose(observation.mean(axis=0), 0.0, atol=0.002)
    np.testing.assert_allclose(observation.std(axis=0), 0.1 / np.sqrt(12), rtol=0.05)


def test_settings_change_the_motion():
    """Twice the force on twice the masses at no gravity moves the cart alike."""
    light = CartPole(gravity=0.0, dtype=np.float64)
    heavy = CartPole(gravity=0.0, masscart=2.0, masspole=0.2, force_mag=20.0, dtype=np.float64)
    keys = random.split(random.key(1), 4)
    state, _ = light.reset(keys)
    action = np.array([0, 1, 1, 0])
    np.testing.assert_allclose(
        heavy.step(state, action, keys)[1], light.step(state, action, keys)[1], rtol=1e-13
    )


def test_picture():
    """The pole stands above the cart, and leans to the right for a positive angle."""
    row = CartPoleState(0.0, 0.0, 0.5, 0.0, 0)
    picture = CartPole().render(row)
    assert ((400, 600, 3), np.uint8) == (picture.shape, picture.dtype)
    wood = np.argwhere((picture == (202, 152, 101)).all(axis=2))
    assert wood[:, 1].mean() > 320
    mirrored = CartPole().render(row._replace(theta=-0.5))
    wood = np.argwhere((mirrored == (202, 152, 101)).all(axis=2))
    assert wood[:, 1].mean() < 280
