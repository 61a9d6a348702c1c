"""What agents write down of an environment in the graph, and of the same one behind Gymnasium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from toy_environments import Line

from chainrule import jit, rl, tree
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv
from chainrule.rl.environments.gymnasium_vector import GymnasiumVectorEnv
from chainrule.rl.normalization import initial_moments, normalized, updated_moments

pytestmark = pytest.mark.usefixtures("_unoptimised")
GAMMA = 0.5


def in_sync(mode: AutoresetMode) -> Callable[[Line], Any]:
    return lambda line: SyncVectorEnv([lambda: GymnasiumEnv(line)] * 2, autoreset_mode=mode)


# How an environment comes to an algorithm, and whether actions after the end are ignored
WAYS: dict[str, tuple[Callable[[Line], Any], bool]] = {
    "graph": (lambda line: line, False),
    "single": (lambda line: lambda: GymnasiumEnv(line), False),
    "ours, same step": (lambda line: GymnasiumVectorEnv(line, 2), False),
    "ours, next step": (lambda line: GymnasiumVectorEnv(line, 2, "NextStep"), True),
    "same step": (in_sync(AutoresetMode.SAME_STEP), False),
    "next step": (in_sync(AutoresetMode.NEXT_STEP), True),
    "disabled": (in_sync(AutoresetMode.DISABLED), False),
}


def expected_steps(line: Line, n: int, ignores: bool) -> dict[str, Any]:
    """The first n steps: what was seen before and after, paid, and how episodes ended."""
    rows: list[tuple[float, float, float, bool, bool, bool]] = []
    x = steps = 0
    while len(rows) < n:
        steps += 1
        terminated = x + 1 >= line.length
        truncated = line.max_episode_steps is not None and steps >= line.max_episode_steps
        rows.append((x, x + 1, x, terminated, terminated or truncated, True))
        x += 1
        if terminated or truncated:
            if ignores:
                rows.append((x, 0, 0, False, False, False))
            x = steps = 0
    names = ("observation", "next_observation", "reward", "terminated", "ended", "valid")
    return {
        name: np.array(column[:n])
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def assert_columns(stored: Any, expected: dict[str, Any], names: tuple[str, ...], n: int) -> None:
    """Both copies of a rollout or replay, its first n rows."""
    for name in names:
        array = np.asarray(getattr(stored, name))[:n]
        if name == "reward":  # without what the action was paid for
            array = array - np.where(expected["valid"][:, None], stored.action[:n] / 4, 0)
        array = array.reshape(n, 2)
        for copy in range(2):
            np.testing.assert_array_equal(array[:, copy], expected[name], err_msg=name)


@pytest.mark.parametrize(
    ("way", "line"),
    [
        *((way, Line(3)) for way in WAYS),
        *((way, Line(5, max_episode_steps=2)) for way in ("graph", "next step", "same step")),
    ],
)
def test_the_replay(way: str, line: Line) -> None:
    """Observations before resets, rewards beside their actions, and ends of either kind."""
    of, ignores = WAYS[way]
    model = rl.DQN(of(line), n_envs=2, seed=0, dtype=np.float64, buffer_size=40, train_freq=5,
                   learning_starts=0, exploration_final_eps=1.0,
                   policy_kwargs={"net_arch": [2]})  # fmt: skip
    model.learn(20)
    expected = expected_steps(line, 10, ignores)
    replay = model.state.replay
    assert 10 == replay.n_rows
    assert {0, 1} == set(replay.action[:10].ravel().tolist())
    names = ("observation", "next_observation", "reward", "terminated", "ended")
    assert_columns(replay, expected, (*names, "valid") if ignores else names, 10)
    assert ignores == (replay.valid is not None)
    np.testing.assert_array_equal(model.state.observation[:, 0], expected["observation"][9])
    report = model.history[-1]
    length = line.max_episode_steps or line.length
    assert length == report["ep_len_mean"]
    assert abs(report["ep_rew_mean"] - length * (length - 1) / 2 - length / 8) <= length / 8


@pytest.mark.parametrize("way", WAYS)
def test_the_rollout(way: str) -> None:
    """The same, with the discounted value of what an episode was cut off at in its last reward."""
    of, ignores = WAYS[way]
    line = Line(5, max_episode_steps=2)
    model = rl.A2C(of(line), n_envs=2, seed=0, dtype=np.float64, n_steps=7, gamma=GAMMA,
                   learning_rate=1e-12, policy_kwargs={"net_arch": [2]})  # fmt: skip
    model.learn(14)
    state, expected = model.state, expected_steps(line, 7, ignores)
    rollout = state.rollout
    names = ("observation", "ended")
    assert_columns(rollout, expected, (*names, "valid") if ignores else names, 7)
    value = state.policy.value(expected["next_observation"][:, None])
    cut_off = expected["ended"] & ~expected["terminated"]
    for copy in range(2):
        paid = expected["reward"] + np.where(expected["valid"], rollout.action[:, copy] / 4, 0)
        wanted = paid + np.where(cut_off, GAMMA * value, 0)
        np.testing.assert_allclose(rollout.reward[:, copy], wanted, rtol=1e-9)
    np.testing.assert_allclose(
        rollout.value, state.policy.value(rollout.observation.reshape(14, 1)).reshape(7, 2),
        atol=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("cls", [rl.PPO, rl.DQN])
def test_ignored_actions_change_nothing(cls: Any) -> None:
    """Other numbers in a step that was ignored, and the same networks after learning."""
    line = Line(2)
    settings: dict[str, Any] = {"learning_starts": 0, "batch_size": 16}
    if cls is rl.PPO:
        settings = {"n_steps": 8, "batch_size": 8, "n_epochs": 1}
    model = cls(GymnasiumVectorEnv(line, 2, "NextStep"), seed=0, dtype=np.float64,
                policy_kwargs={"net_arch": [3]}, **settings)  # fmt: skip
    model.learn(16)
    state = model.state
    name = "rollout" if cls is rl.PPO else "replay"
    stored = getattr(state, name)
    ignored = ~stored.valid[:8]
    assert 4 == np.sum(ignored)
    reward = stored.reward.copy()
    reward[:8][ignored] = 1e3
    results = []
    for each in (stored, stored._replace(reward=reward)):
        after, _ = jit(model.agent.learn)(state._replace(**{name: each}), np.zeros((2, 1)))
        results.append(model._acting_network(after))
    first, second = (tree.leaves(network) for network in results)
    before = tree.leaves(model._acting_network(state))
    for x, y, old in zip(first, second, before, strict=True):
        np.testing.assert_array_equal(x, y)
        assert np.any(x != old)


def test_priorities_of_ignored_actions_are_small() -> None:
    """What weighs nothing is not drawn again and again."""
    model = rl.DQN(GymnasiumVectorEnv(Line(2), 2, "NextStep"), seed=0, prioritized_replay=True,
                   learning_starts=0, batch_size=64, buffer_size=16, priority_alpha=1.0,
                   policy_kwargs={"net_arch": [3]})  # fmt: skip
    model.learn(64)
    state = model.state
    leaves = state.priorities.sums[len(state.priorities.sums) // 2 :]
    valid = state.replay.valid.ravel()
    assert np.max(leaves[: valid.size][~valid]) < 1e-5 < np.min(leaves[: valid.size][valid])


@pytest.mark.parametrize("way", ["graph", "single", "next step"])
def test_a_normalized_rollout(way: str) -> None:
    """Each step is normalised by the moments up to it, and rewards by those of returns."""
    of, ignores = WAYS[way]
    line = Line(5, max_episode_steps=3)
    model = rl.PPO(of(line), n_envs=2, seed=0, dtype=np.float64, n_steps=9, gamma=GAMMA,
                   batch_size=18, n_epochs=1, learning_rate=1e-12, policy_kwargs={"net_arch": [2]},
                   normalize_observations=True, normalize_rewards=True)  # fmt: skip
    model.learn(18)
    state, expected = model.state, expected_steps(line, 9, ignores)
    rollout, moments = state.rollout, initial_moments((1,))
    running, returns = np.zeros(2), initial_moments(())
    for t in range(9):
        seen = np.full((2, 1), float(expected["observation"][t]))
        moments = updated_moments(moments, seen)
        np.testing.assert_allclose(rollout.observation[t], normalized(moments, seen), rtol=1e-12)
        reward = expected["reward"][t] + expected["valid"][t] * rollout.action[t] / 4
        running = running * GAMMA + reward
        if expected["valid"][t]:
            returns = updated_moments(returns, running)
        wanted = np.clip(reward / np.sqrt(returns.variance + 1e-8), -10, 10)
        if expected["ended"][t]:
            running = np.zeros(2)
            last = np.full((2, 1), float(expected["next_observation"][t]))
            wanted = wanted + GAMMA * state.policy.value(normalized(moments, last))
        np.testing.assert_allclose(rollout.reward[t], wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(state.observation_moments.variance, moments.variance, rtol=1e-12)
    np.testing.assert_allclose(state.return_scale.moments.mean, returns.mean, rtol=1e-12)
    assert 18.0001 == state.observation_moments.count


def test_seeds() -> None:
    """The same seed makes the same bits, another one others."""
    models = [
        rl.PPO(Line(3), n_envs=2, n_steps=4, batch_size=8, n_epochs=1, seed=seed,
               policy_kwargs={"net_arch": [2]}).learn(16)
        for seed in (1, 1, 2)
    ]  # fmt: skip
    one, same, other = (tree.leaves(model.policy) for model in models)
    for x, y, z in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(x, y)
        assert np.any(x != z)
