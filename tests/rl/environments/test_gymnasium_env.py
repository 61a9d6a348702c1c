"""The adapters: Gymnasium's own checker, its vector interface, seeds, and pictures."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from chainrule import random
from chainrule.rl.environments import (
    ENVIRONMENTS,
    CartPole,
    FrozenLake,
    Pendulum,
    make_environment,
)
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv
from chainrule.rl.environments.gymnasium_vector import GymnasiumVectorEnv

pytestmark = pytest.mark.usefixtures("_unoptimised")

# Of Gymnasium's own spaces: CartPole's velocities have no bounds, and torques go up to 2.
OF_THE_SPACES = ("minimum value is -infinity", "maximum value is infinity", "symmetric and normal")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_gymnasium_checks_it(name):
    """`gymnasium.utils.env_checker.check_env` passes without a warning about the environment."""
    env = gymnasium.make(f"chainrule/{name}").unwrapped
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env)
    messages = [str(w.message) for w in caught]
    assert [] == [m for m in messages if not any(known in m for known in OF_THE_SPACES)]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_gymnasium_knows_it(name):
    """Its settings go to the environment, and its time limit is Gymnasium's wrapper."""
    env = gymnasium.make(f"chainrule/{name}", max_episode_steps=2)
    env.reset(seed=0)
    env.action_space.seed(0)
    *_, truncated, _ = env.step(env.action_space.sample())
    assert truncated is False
    *_, truncated, _ = env.step(env.action_space.sample())
    assert truncated is True
    assert (
        make_environment(name).max_episode_steps
        == gymnasium.spec(f"chainrule/{name}").max_episode_steps
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_vector_environments(name):
    """One call steps all copies; observations lie in the space; the autoreset mode is declared."""
    both = (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP)
    for mode in both if name in ("Navigation-v0", "FrozenLake-v1") else both[:1]:
        envs = gymnasium.make_vec(f"chainrule/{name}", num_envs=3, autoreset_mode=mode,
                                  max_episode_steps=4)  # fmt: skip
        assert mode == envs.metadata["autoreset_mode"]
        envs.action_space.seed(0)
        observations, _ = envs.reset(seed=0)
        assert envs.observation_space.contains(observations)
        for _ in range(6):
            observations, rewards, terminations, truncations, _ = envs.step(
                envs.action_space.sample()
            )
            assert envs.observation_space.contains(observations)
            assert ((3,), (3,)) == (rewards.shape, terminations.shape)
            assert np.bool_ == terminations.dtype == truncations.dtype


def test_same_step_mode():
    """The observation is that of the next episode; the last one is in the info, as an array."""
    envs = GymnasiumVectorEnv(CartPole(max_episode_steps=2), 3)
    envs.reset(seed=0)
    before, *_, info = envs.step(np.array([1, 1, 1]))
    assert {} == info
    after, rewards, _, truncations, info = envs.step(np.array([1, 1, 1]))
    assert [True] * 3 == truncations.tolist() == info["_final_obs"].tolist()
    assert [1.0] * 3 == rewards.tolist()
    assert np.abs(after).max() <= 0.05
    final = np.stack(info["final_obs"])
    np.testing.assert_allclose(final[:, 0], before[:, 0] + 0.02 * before[:, 1], rtol=1e-5)
    assert np.array_equal(envs.step(np.array([1, 1, 1]))[3], [False] * 3)


def test_next_step_mode():
    """The last observation is returned; the next step resets, pays 0 and ends nothing."""
    envs = GymnasiumVectorEnv(CartPole(max_episode_steps=2), 3, AutoresetMode.NEXT_STEP)
    envs.reset(seed=0)
    before, *_ = envs.step(np.array([1, 1, 1]))
    last, _, _, truncations, _ = envs.step(np.array([1, 1, 1]))
    assert [True] * 3 == truncations.tolist()
    np.testing.assert_allclose(last[:, 0], before[:, 0] + 0.02 * before[:, 1], rtol=1e-5)
    first, rewards, terminations, truncations, _ = envs.step(np.array([1, 1, 1]))
    assert np.abs(first).max() <= 0.05
    assert [0.0] * 3 == rewards.tolist()
    assert not terminations.any() and not truncations.any()
    assert [1.0] * 3 == envs.step(np.array([1, 1, 1]))[1].tolist()


def test_success():
    """The way over the lake ends in a success: of one copy, and of the one of two that takes it."""
    lake, way = FrozenLake(is_slippery=False), [1, 1, 2, 1, 2, 2]
    env = GymnasiumEnv(lake)
    env.reset(seed=0)
    for action in way:
        *_, reward, terminated, _, info = env.step(action)
        assert {"is_success": terminated} == info
    assert (1.0, True) == (reward, terminated)
    other = [0] * 6
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
        envs = GymnasiumVectorEnv(lake, 2, mode)
        envs.reset(seed=0)
        for actions in zip(way, other, strict=True):
            observations, *_, info = envs.step(np.array(actions))
        if mode is AutoresetMode.SAME_STEP:
            assert [True, False] == info["_final_info"].tolist()
            assert [True, False] == info["final_info"]["is_success"].tolist()
            assert ([0, 0], 15, None) == (observations.tolist(), *info["final_obs"])
        else:
            assert [True, False] == info["is_success"].tolist()
            assert [15, 0] == observations.tolist()
            observations, *_, info = envs.step(np.array([1, 1]))
            assert ([0, 4], [False, False]) == (observations.tolist(), info["is_success"].tolist())


def test_seeds():
    """Equal seeds give equal episodes, other seeds others; without one they go on."""
    for make in (lambda: GymnasiumEnv(CartPole()), lambda: GymnasiumVectorEnv(CartPole(), 2)):
        first, second = make(), make()
        a, b = first.reset(seed=3)[0], second.reset(seed=3)[0]
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, first.reset(seed=4)[0])
        c, d = first.reset()[0], first.reset()[0]
        assert not np.array_equal(c, d)
    pair = GymnasiumVectorEnv(CartPole(), 2).reset(seed=0)[0]
    assert not np.array_equal(pair[0], pair[1])


def test_steps_are_those_of_the_environment():
    """A single copy takes the steps of the pure function from the state it has."""
    env = GymnasiumEnv(Pendulum(dtype=np.float64))
    env.reset(seed=1)
    state = env._state
    observation, reward, terminated, truncated, info = env.step(np.array([1.5]))
    _, expected, expected_reward, *_ = Pendulum(dtype=np.float64).step(
        state, np.array([[1.5]]), random.split(random.key(0), 1)
    )
    np.testing.assert_allclose(observation, expected[0], rtol=1e-12)
    np.testing.assert_allclose(reward, expected_reward[0], rtol=1e-12)
    assert (False, False, {}) == (terminated, truncated, info)


def test_actions_of_boxes():
    """Floats of any dtype and size act as those that they are clipped to; nan is refused."""
    env, envs = GymnasiumEnv(Pendulum()), GymnasiumVectorEnv(Pendulum(), 2)
    results = []
    for action in (np.array([2.0]), np.array([5], np.int64), [2.0], np.float32([2.5])):
        env.reset(seed=0)
        results.append(env.step(action)[:2])
    for observation, reward in results[1:]:
        np.testing.assert_array_equal(observation, results[0][0])
        assert reward == results[0][1]
    envs.reset(seed=0)
    assert (2, 3) == envs.step(np.array([[0.5], [9.0]]))[0].shape
    for wrong in (np.array([np.nan]), np.array(1.0), np.array(["a"]), np.array([[1.0]])):
        with pytest.raises(ValueError, match=r"the action .* is not in Box\(-2.0, 2.0, \(1,\)"):
            env.step(wrong)
    with pytest.raises(ValueError, match=r"is not in Box"):
        envs.step(np.array([0.5, 0.5]))


def test_pictures():
    env = gymnasium.make("chainrule/CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    assert (400, 600, 3) == env.render().shape
    envs = GymnasiumVectorEnv(CartPole(), 2, render_mode="rgb_array")
    envs.reset(seed=0)
    assert [(400, 600, 3)] * 2 == [picture.shape for picture in envs.render()]
    with pytest.warns(UserWarning, match="render without a render mode"):
        assert GymnasiumEnv(CartPole()).render() is None
    assert GymnasiumVectorEnv(CartPole(), 2).render() is None
    for make in (
        GymnasiumEnv,
        lambda e, render_mode: GymnasiumVectorEnv(e, 2, render_mode=render_mode),
    ):
        with pytest.raises(RuntimeError, match="before the first reset"):
            make(CartPole(), render_mode="rgb_array").render()
        with pytest.raises(ValueError, match="render_mode='human': give one of rgb_array, or None"):
            make(CartPole(), render_mode="human")


def test_refused():
    env, envs = GymnasiumEnv(CartPole()), GymnasiumVectorEnv(CartPole(), 2)
    for one in (env, envs):
        with pytest.raises(RuntimeError, match="step before the first reset"):
            one.step(0)
        with pytest.raises(ValueError, match="reset takes no options, and was given low"):
            one.reset(options={"low": -0.1})
        one.reset(seed=0, options={})
    with pytest.raises(ValueError, match=r"the action 2 is not in Discrete\(2\)"):
        env.step(2)
    for wrong in (np.array([0, 2]), np.array([0]), np.array([0.0, 1.0])):
        with pytest.raises(ValueError, match=r"is not in MultiDiscrete"):
            envs.step(wrong)
    with pytest.raises(ValueError, match="num_envs=0"):
        GymnasiumVectorEnv(CartPole(), 0)
    with pytest.raises(ValueError, match="autoreset_mode"):
        GymnasiumVectorEnv(CartPole(), 2, AutoresetMode.DISABLED)
