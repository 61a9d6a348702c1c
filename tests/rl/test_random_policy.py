"""Actions by chance: each as likely, within the space, never an impossible one."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule import random, rl
from chainrule.rl.random_policy import RandomAgent
from chainrule.rl.spaces import action_spec_of, spec_of

N = 4000


def drawn(action_space, observation_space=None, observation=None):
    observation_space = observation_space or spaces.Box(-1.0, 1.0, (1,))
    agent = RandomAgent(spec_of(observation_space), action_spec_of(action_space), np.float32)
    observation = np.zeros((N, 1), np.float32) if observation is None else observation
    return agent.predict(None, observation, random.key(0), True)


def test_each_action_is_as_likely():
    """Also where numbers begin at 5, and for several choices."""
    counts = np.bincount(drawn(spaces.Discrete(4, start=5)))[5:]
    np.testing.assert_allclose(counts / N, 0.25, atol=0.03)
    choices = drawn(spaces.MultiDiscrete([2, 5]))
    np.testing.assert_allclose(np.bincount(choices[:, 1]) / N, 0.2, atol=0.03)
    np.testing.assert_allclose(drawn(spaces.MultiBinary(3)).mean(axis=0), 0.5, atol=0.03)


def test_boxes():
    """Uniform between the bounds, normal without any."""
    actions = drawn(spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 1.0])))
    assert (np.float32, (N, 2)) == (actions.dtype, actions.shape)
    np.testing.assert_allclose(actions.mean(axis=0), [0.0, 0.5], atol=0.06)
    np.testing.assert_allclose(actions.std(axis=0), [4 / 12**0.5, 1 / 12**0.5], atol=0.03)
    free = drawn(spaces.Box(-np.inf, np.inf, (1,)))
    assert [0.0, 1.0] == pytest.approx([free.mean(), free.std()], abs=0.05)


def test_masks():
    """An action that the observation rules out is never drawn."""
    space = spaces.Dict({"action_mask": spaces.MultiBinary(3), "x": spaces.Box(0.0, 1.0, (1,))})
    mask = np.tile(np.array([1, 0, 1], np.int8), (N, 1))
    observation = {"action_mask": mask, "x": np.zeros((N, 1), np.float32)}
    counts = np.bincount(drawn(spaces.Discrete(3), space, observation))
    assert 0 == counts[1] and abs(counts[0] / N - 0.5) < 0.03


def test_it_is_evaluated_like_a_model():
    """In the graph and around Gymnasium: chance keeps the pole up for some 22 steps."""
    ours = rl.evaluate_policy(rl.RandomPolicy("CartPole-v1"), n_eval_episodes=300)
    theirs = rl.evaluate_policy(
        rl.RandomPolicy(gymnasium.make("CartPole-v1"), seed=1), n_eval_episodes=150
    )
    assert [22.0, 22.0] == pytest.approx([ours[0], theirs[0]], abs=3.5)
    other = rl.RandomPolicy("CartPole-v1")
    assert -1800 < rl.evaluate_policy(other, "Pendulum-v1", n_eval_episodes=20)[0] < -900
