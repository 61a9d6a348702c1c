"""Pendulum against Gymnasium's."""

from __future__ import annotations

import numpy as np
from gymnasium_peer import assert_same_spaces, assert_same_steps, steps_of

import chainrule as cr
from chainrule import random
from chainrule.rl.environments import Pendulum, PendulumState


def test_ten_thousand_steps_are_those_of_gymnasium():
    for g in (10.0, 3.0):
        steps = steps_of("Pendulum-v1", lambda env: list(env.state), g=g)
        state = PendulumState(*steps.before.T, np.zeros(len(steps.action), np.int32))
        environment = Pendulum(g=g, dtype=np.float64)
        assert_same_steps(environment, state, steps, ("theta", "theta_dot"))


def test_torques_are_clipped():
    """More than the strongest torque acts, and costs, as the strongest."""
    environment = Pendulum(dtype=np.float64)
    state = PendulumState(np.array([1.0, 1.0]), np.array([0.5, 0.5]), np.zeros(2, np.int32))
    _, observation, reward, *_ = environment.step(state, np.array([[2.0], [9.0]]), None)
    np.testing.assert_array_equal(observation[0], observation[1])
    np.testing.assert_allclose(reward, -(1.0 + 0.1 * 0.25 + 0.001 * 4.0), rtol=1e-14)


def test_spaces_are_those_of_gymnasium():
    assert_same_spaces(Pendulum(), "Pendulum-v1")


def test_episodes_start_anywhere():
    state, observation = Pendulum().reset(random.split(random.key(0), 2000))
    assert np.float32 == observation.dtype
    np.testing.assert_allclose(state.theta.std(), np.pi / np.sqrt(3), rtol=0.05)
    np.testing.assert_allclose(state.theta_dot.std(), 1 / np.sqrt(3), rtol=0.05)


def test_rewards_are_differentiable_through_time():
    """The gradient of ten steps' rewards by the torques is that of central differences."""
    environment = Pendulum(dtype=np.float64)
    keys = random.split(random.key(0), 1)
    first = PendulumState(np.array([2.0]), np.array([0.0]), np.zeros(1, np.int32))

    def total(torques):
        def body(state, torque):
            state, _, reward, *_ = environment.step(state, torque.reshape(1, 1), keys)
            return state, reward[0]

        return np.sum(cr.scan(body, first, torques)[1])

    torques = np.linspace(-1.0, 1.0, 10)
    gradient, step = cr.grad(total)(torques), 1e-6
    numeric = [(total(torques + step * e) - total(torques - step * e)) / (2 * step)
               for e in np.eye(10)]  # fmt: skip
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


def test_picture():
    """The rod points upwards for the angle 0."""
    picture = Pendulum().render(PendulumState(0.0, 0.0, 0))
    assert ((500, 500, 3), np.uint8) == (picture.shape, picture.dtype)
    rod = np.argwhere((picture == (204, 77, 77)).all(axis=2))
    assert rod[:, 0].mean() < 220
