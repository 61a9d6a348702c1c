"""Steps of Gymnasium's own environments, to hold ours against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np

N_STEPS = 10_000


class Steps(NamedTuple):
    """What Gymnasium did, one step a row."""

    before: Any
    action: Any
    after: Any
    observation: Any
    reward: Any
    terminated: Any


def steps_of(
    name: str,
    read: Callable[[Any], Any],
    choose: Callable[[Any, int], Any] = lambda env, k: None,
    **settings: Any,
) -> Steps:
    """Take 10,000 actions in one of Gymnasium's environments, without its time limit.

    `read` returns the state of an environment as a list of numbers; `choose` an action, or None for
    a random one.
    """
    env = gymnasium.make(name, max_episode_steps=-1, disable_env_checker=True, **settings).unwrapped
    env.action_space.seed(1)
    env.reset(seed=1)
    rows = []
    for k in range(N_STEPS):
        action = choose(env, k)
        before, action = read(env), env.action_space.sample() if action is None else action
        if isinstance(action, np.ndarray):
            action = action.astype(np.float64)  # or a part of the step would be in float32
        observation, reward, terminated, _, _ = env.step(action)
        rows.append((before, action, read(env), observation, reward, terminated))
        if terminated or k % 300 == 299:
            env.reset()
    return Steps(*(np.array(column) for column in zip(*rows, strict=True)))


def assert_same_steps(
    environment: Any, state: Any, steps: Steps, names: tuple[str, ...], rounded_to: Any = np.float64
) -> None:
    """From the same states, with the same actions, ours must come to the same."""
    keys = np.zeros((len(steps.action), 2), np.uint32)
    after, observation, reward, terminated, _ = environment.step(state, steps.action, keys)
    columns = np.stack([getattr(after, name) for name in names], axis=1)
    if rounded_to is np.float64:
        np.testing.assert_allclose(columns, steps.after, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_max_ulp(columns.astype(rounded_to), steps.after.astype(rounded_to))
    np.testing.assert_allclose(reward, steps.reward, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(terminated, steps.terminated)
    assert np.float64 == observation.dtype
    np.testing.assert_array_max_ulp(observation.astype(np.float32), steps.observation, 1)


def assert_same_spaces(environment: Any, name: str, **settings: Any) -> None:
    """The spaces, the time limit and the threshold are Gymnasium's."""
    env = gymnasium.make(name, **settings)
    assert env.observation_space == environment.observation_space
    assert env.action_space == environment.action_space
    assert env.spec.max_episode_steps == environment.max_episode_steps
    assert env.spec.reward_threshold == environment.reward_threshold
