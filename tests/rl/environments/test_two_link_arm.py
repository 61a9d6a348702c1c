"""TwoLinkArm: its motion by Lagrange's equations, its energy, its reward and its gradients."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import random
from chainrule.rl.environments import TwoLinkArm, TwoLinkArmState


def kinetic_energy(angles, velocities, arm):
    """Of two rods, each that of its centre and that of its rotation: m l**2 / 12 about it."""
    (first, second), (first_dot, second_dot) = angles, velocities
    m, length = arm.mass, arm.length
    outer, outer_dot = first + second, first_dot + second_dot
    x = -length * np.sin(first) * first_dot - length / 2 * np.sin(outer) * outer_dot
    y = length * np.cos(first) * first_dot + length / 2 * np.cos(outer) * outer_dot
    rotation = m * length**2 / 12 * (first_dot**2 + outer_dot**2)
    return (m * (length / 2 * first_dot) ** 2 + m * (x * x + y * y) + rotation) / 2


@pytest.mark.parametrize("settings", [{}, {"length": 0.8, "mass": 2.5, "damping": 0.0}])
def test_motion_is_that_of_lagrange(settings):
    """d/dt dT/dq' - dT/dq = torque - friction, by derivatives of the kinetic energy."""
    arm, draw = TwoLinkArm(dtype=np.float64, **settings), np.random.default_rng(0)
    energy = lambda q, v: kinetic_energy(q, v, arm)  # noqa: E731
    for _ in range(20):
        angles, velocities = draw.uniform(-3, 3, 2), draw.uniform(-4, 4, 2)
        action = draw.uniform(-1, 1, 2)
        state = TwoLinkArmState(*(np.array([x]) for x in (*angles, *velocities, 0.3, 0.4, 0)))
        after, *_ = arm.step(state, action[None], None)
        acceleration = np.array([
            (after.shoulder_dot[0] - velocities[0]) / arm.dt,
            (after.elbow_dot[0] - velocities[1]) / arm.dt,
        ])  # fmt: skip
        _, change = cr.jvp(
            cr.grad(energy, argnums=1), (angles, velocities), (velocities, acceleration)
        )
        force = change - cr.grad(energy)(angles, velocities)
        expected = arm.max_torque * action - arm.damping * velocities
        np.testing.assert_allclose(force, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            after.elbow[0], angles[1] + arm.dt * after.elbow_dot[0], rtol=1e-14
        )


def test_settings_by_default():
    """The step, the torque and the friction: from rest, and at a velocity, without the other."""
    arm, zero = TwoLinkArm(dtype=np.float64), np.zeros(1)
    straight = TwoLinkArmState(zero, zero, zero, zero, zero + 1, zero, np.zeros(1, np.int32))
    pushed, *_ = arm.step(straight, np.array([[0.0, 1.0]]), None)
    # M = m l**2 [[8/3, 5/6], [5/6, 1/3]] with m l**2 = 1/4
    inertia = np.array([[8 / 3, 5 / 6], [5 / 6, 1 / 3]]) / 4
    expected = 0.04 * np.linalg.solve(inertia, [0.0, 1.0])
    np.testing.assert_allclose([pushed.shoulder_dot[0], pushed.elbow_dot[0]], expected, rtol=1e-12)
    rolling = straight._replace(shoulder_dot=zero + 2.0)
    slowed, *_ = arm.step(rolling, np.zeros((1, 2)), None)
    change = 0.04 * np.linalg.solve(inertia, [-0.3 * 2.0, 0.0])
    np.testing.assert_allclose(slowed.shoulder_dot[0] - 2.0, change[0], rtol=1e-12)


def test_energy_is_kept_without_friction():
    """To the first order of the step; with friction it falls."""
    first = TwoLinkArmState(*(np.array([x]) for x in (0.3, 1.0, 1.0, -2.0, 0.5, 0.5, 0)))

    def energies(**settings):
        arm, state = TwoLinkArm(dt=1e-4, dtype=np.float64, **settings), first
        step = cr.jit(lambda s: arm.step(s, np.zeros((1, 2)), None)[0])
        result = []
        for _ in range(3000):
            state = step(state)
            angles, velocities = (
                (state.shoulder, state.elbow),
                (state.shoulder_dot, state.elbow_dot),
            )
            result.append(kinetic_energy(angles, velocities, arm)[0])
        return np.array(result)

    free, slowed = energies(damping=0.0), energies(damping=0.3)
    np.testing.assert_allclose(free, free[0], rtol=2e-3)
    assert (np.diff(slowed) < 0).all()
    assert slowed[-1] < 0.5 * slowed[0]


def test_reward_and_success():
    """The distance, rounded near 0, and the cost of the torques, clipped ones as the largest."""
    arm = TwoLinkArm(dtype=np.float64)
    rest, steps = np.zeros(3), np.zeros(3, np.int32)
    target_x = np.array([1.0, 1.0, 0.5])
    state = TwoLinkArmState(rest, rest, rest, rest, target_x, rest, steps)
    after, observation, reward, terminated, _ = arm.step(
        state, np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 0.0]]), None
    )
    end = np.cos(after.shoulder[1]), np.sin(after.shoulder[1])
    outer = after.shoulder[1] + after.elbow[1]
    x, y = 0.5 * (end[0] + np.cos(outer)), 0.5 * (end[1] + np.sin(outer))
    distance = np.hypot(1.0 - x, y)
    expected = [-0.01, -np.sqrt(distance**2 + 1e-4) - 0.01, -np.sqrt(0.25 + 1e-4)]
    np.testing.assert_allclose(reward, expected, rtol=1e-12)
    assert ([True, True, False], False) == (arm.success(after).tolist(), terminated.any())
    np.testing.assert_allclose(observation[1, 8:], [1.0 - x, -y], rtol=1e-12)
    np.testing.assert_allclose(observation[2], [1, 0, 1, 0, 0, 0, 0.5, 0, -0.5, 0], atol=1e-15)


def test_targets_can_be_reached():
    """Uniform in the ring from 0.2 to 0.95 of the arm's length."""
    state, observation = TwoLinkArm().reset(random.split(random.key(0), 4000))
    assert np.float32 == observation.dtype
    square = state.target_x**2 + state.target_y**2
    assert 0.2**2 <= square.min() < square.max() <= 0.95**2
    np.testing.assert_allclose(square.mean(), (0.2**2 + 0.95**2) / 2, rtol=0.03)
    np.testing.assert_allclose(state.elbow.std(), np.pi / np.sqrt(3), rtol=0.03)


def test_gradients_flow_through_an_episode():
    """By the torques of 20 steps, against central differences."""
    arm = TwoLinkArm(dtype=np.float64)
    first, _ = arm.reset(random.split(random.key(2), 1))

    def total(torques):
        body = lambda s, u: arm.step(s, u[None], None)[:3:2]  # noqa: E731
        return np.sum(cr.scan(body, first, torques)[1])

    torques = 0.5 * random.normal(random.key(3), (20, 2)).clip(-1.5, 1.5)
    gradient, h = cr.grad(total)(torques), 1e-6
    for k in ((0, 0), (0, 1), (7, 0), (19, 1)):
        change = np.zeros((20, 2))
        change[k] = h
        numeric = (total(torques + change) - total(torques - change)) / (2 * h)
        np.testing.assert_allclose(gradient[k], numeric, rtol=1e-6)


def test_picture():
    """The stretched arm reaches to the right; the target is on its circle."""
    arm = TwoLinkArm()
    picture = arm.render(TwoLinkArmState(0.0, 0.0, 0.0, 0.0, 0.0, 0.8, 0))
    assert ((500, 500, 3), np.uint8) == (picture.shape, picture.dtype)
    link = np.argwhere((picture == (77, 120, 204)).all(axis=2))
    np.testing.assert_allclose([250, 250 + 250 / 2.2], link.mean(axis=0), atol=3)
    target = np.argwhere((picture == (204, 77, 77)).all(axis=2))
    np.testing.assert_allclose([250 - 0.8 * 500 / 2.2, 250], target.mean(axis=0), atol=2)
