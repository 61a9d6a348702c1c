"""Acrobot against Gymnasium's."""

from __future__ import annotations

import numpy as np
from gymnasium_peer import assert_same_spaces, assert_same_steps, steps_of

from chainrule import random
from chainrule.rl.environments import Acrobot, AcrobotState

NAMES = ("theta1", "theta2", "theta1_dot", "theta2_dot")


def swinging(env, k):
    """Push along the second link's velocity, so that the bar is reached, or anyhow."""
    return int(1 + np.sign(env.state[3])) if (k // 500) % 2 else None


def test_ten_thousand_steps_are_those_of_gymnasium():
    """Also from wild states, which wrap around, and are faster than the bounds."""
    draw = np.random.default_rng(0)

    def read(env):
        return list(np.asarray(env.state, np.float64))

    def choose(env, k):
        if k % 50 == 49:
            env.state = draw.uniform(-1.0, 1.0, 4) * [np.pi, np.pi, 14.0, 30.0]
        return swinging(env, k)

    steps = steps_of("Acrobot-v1", read, choose=choose)
    assert steps.terminated.sum() > 50
    assert (steps.after[:, 3] == 9 * np.pi).sum() > 0
    state = AcrobotState(*steps.before.T, np.zeros(len(steps.action), np.int32))
    assert_same_steps(Acrobot(dtype=np.float64), state, steps, NAMES)


def test_spaces_are_those_of_gymnasium():
    assert_same_spaces(Acrobot(), "Acrobot-v1")


def test_noise_is_added_to_the_torque():
    """Uniform up to its bound, another for each copy; its mean effect is none."""
    keys = random.split(random.key(0), 4000)
    state = AcrobotState(*np.zeros((4, 4000)), np.zeros(4000, np.int32))
    action = np.full(4000, 1)
    noisy = Acrobot(torque_noise_max=0.5, dtype=np.float64).step(state, action, keys)[0]
    strongest = [Acrobot(dtype=np.float64).step(state, action + sign, keys)[0] for sign in (-1, 1)]
    low, high = (s.theta2_dot[0] / 2 for s in strongest)  # nearly linear in the torque
    assert low * 1.01 < noisy.theta2_dot.min() < 0.99 * low
    assert high * 0.99 < noisy.theta2_dot.max() < 1.01 * high
    np.testing.assert_allclose(noisy.theta2_dot.std(), high / np.sqrt(3), rtol=0.03)


def test_episodes_start_hanging():
    state, observation = Acrobot().reset(random.split(random.key(0), 2000))
    assert np.float32 == observation.dtype
    assert 0.099 < np.abs(np.stack(state[:4])).max() <= 0.1


def test_picture():
    """Hanging, all of both links is in the lower half."""
    picture = Acrobot().render(AcrobotState(0.0, 0.0, 0.0, 0.0, 0))
    assert ((500, 500, 3), np.uint8) == (picture.shape, picture.dtype)
    links = np.argwhere((picture == (0, 204, 204)).all(axis=2))
    assert links[:, 0].min() >= 249
    assert links[:, 0].max() > 470
