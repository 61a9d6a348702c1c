"""What all environments keep to: the protocol, compiled and not, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from gymnasium import spaces

import chainrule as cr
from chainrule import random, tree
from chainrule.errors import UnsupportedError
from chainrule.rl.environments import (
    ENVIRONMENTS,
    CartPole,
    Environment,
    Pendulum,
    auto_reset_step,
    check_environment,
    make_environment,
    state_at,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_keeps_the_protocol(name, dtype):
    """Shapes, dtypes, spaces, purity, independent rows, and the same numbers when compiled."""
    check_environment(make_environment(name, dtype=dtype), n=4, steps=20)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_episodes_are_cut_off_by_the_time_limit(name):
    """`truncated` comes with the last step, not before."""
    environment = make_environment(name, max_episode_steps=3)
    space = environment.action_space
    space.seed(0)
    state, _ = environment.reset(random.split(random.key(0), 2))
    for k in range(3):
        actions = np.array([space.sample() for _ in range(2)])
        keys = random.split(random.key(k), 2)
        state, _, _, _, truncated = environment.step(state, actions, keys)
        assert [k == 2] * 2 == truncated.tolist()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_without_a_time_limit_nothing_is_cut_off(name):
    environment = make_environment(name, max_episode_steps=None)
    state, _ = environment.reset(random.split(random.key(0), 2))
    action = np.array([environment.action_space.sample() for _ in range(2)])
    truncated = environment.step(state, action, random.split(random.key(1), 2))[4]
    assert [False, False] == truncated.tolist()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_settings_are_hashed_and_compared(name):
    """Equal settings are one environment: functions compiled for it are found again."""
    first, second = make_environment(name), make_environment(name, dtype="float32")
    assert first == second and hash(first) == hash(second)
    assert first != make_environment(name, max_episode_steps=7)
    for wrong in (0, -1, 2.5, True, "10"):
        with pytest.raises(ValueError, match="max_episode_steps=.*: give 1 or more, or None"):
            make_environment(name, max_episode_steps=wrong)
    with pytest.raises(ValueError, match="give float32 or 64"):
        make_environment(name, dtype=np.float16)


def test_names():
    with pytest.raises(ValueError, match=r"no environment 'Cartpole-v1': did you mean CartPole-v1"):
        make_environment("Cartpole-v1")
    with pytest.raises(TypeError, match="gravty"):
        make_environment("CartPole-v1", gravty=3.0)


def test_steps_reset_the_copies_that_are_done():
    """Rows that are over get what `reset` gives for their keys; the others what `step` gives."""
    environment = CartPole(max_episode_steps=5)
    state, _ = environment.reset(random.split(random.key(0), 3))
    state = state._replace(steps=np.array([0, 4, 2], np.int32), x=np.float32([0.0, 0.0, 2.5]))
    action, keys = np.array([0, 1, 1]), random.split(random.key(1), 3)
    for run in (auto_reset_step, cr.jit(auto_reset_step, static_argnums=0)):
        new, observation, reward, terminated, truncated, final = run(
            environment, state, action, keys
        )
        stepped, expected_final, expected_reward, *_ = environment.step(state, action, keys)
        start, first = environment.reset(keys)
        assert ([False, False, True], [False, True, False]) == (
            terminated.tolist(), truncated.tolist(),
        )  # fmt: skip
        np.testing.assert_allclose(final, expected_final, rtol=1e-5)
        np.testing.assert_array_equal(reward, expected_reward)
        np.testing.assert_allclose(observation[0], final[0])
        np.testing.assert_allclose(observation[1:], first[1:], rtol=1e-6)
        assert [1, 0, 0] == new.steps.tolist()
        np.testing.assert_allclose(new.theta[1:], start.theta[1:], rtol=1e-6)
        np.testing.assert_allclose(new.theta[0], stepped.theta[0], rtol=1e-6)


def test_a_batch_is_its_rows():
    """Ten compiled steps of 9 copies are those of each copy alone."""
    environment = Pendulum()
    keys = random.split(random.key(3), (10 * 9)).reshape(10, 9, 2)
    actions = random.uniform(keys[..., 0, :], (9, 1), np.float32, -2.0, 2.0)

    @cr.jit
    def rollout(keys, actions):
        body = lambda s, x: ((r := auto_reset_step(environment, s, x[0], x[1]))[0], r[2])  # noqa: E731
        return cr.scan(body, environment.reset(keys[0])[0], (actions, keys))

    state, rewards = rollout(keys, actions)
    for k in range(9):
        one, reward = rollout(keys[:, k : k + 1], actions[:, k : k + 1])
        np.testing.assert_allclose(rewards[:, k], reward[:, 0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(state_at(state, k).theta, one.theta[0], rtol=1e-5)


def test_what_is_not_drawn_says_so():
    @dataclass(frozen=True)
    class Plain(Environment):
        max_episode_steps: int | None = None
        dtype: object = np.float32

    assert () == Plain().render_modes
    assert Plain().reward_threshold is None
    with pytest.raises(UnsupportedError, match=r"Plain has no pictures: define render"):
        Plain().render({})
    with pytest.raises(UnsupportedError, match=r"Plain has no text: define render_text"):
        Plain().render_text({})
    assert ("rgb_array",) == CartPole().render_modes


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_spaces_hold_what_is_observed(name):
    """The observation space is a Box, Discrete or MultiDiscrete of the dtype of observations."""
    environment = make_environment(name)
    space = environment.observation_space
    assert isinstance(space, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete))
    _, observation = environment.reset(random.split(random.key(0), 3))
    assert (3, *space.shape) == observation.shape
    assert space.dtype == observation.dtype
    assert all(
        leaf.shape[0] == 3
        for leaf in tree.leaves(environment.reset(random.split(random.key(0), 3)))
    )
