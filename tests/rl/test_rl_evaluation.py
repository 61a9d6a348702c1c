"""Evaluations and callbacks, on environments whose returns are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from toy_environments import Line

from chainrule import rl
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv
from chainrule.rl.environments.gymnasium_vector import GymnasiumVectorEnv
from chainrule.rl.loops.statistics import after_step, no_episodes, summary

pytestmark = pytest.mark.usefixtures("_unoptimised")
SMALL: dict[str, Any] = {
    "seed": 0, "n_steps": 8, "batch_size": 8, "n_epochs": 1, "policy_kwargs": {"net_arch": [2]},
    "dtype": np.float64,
}  # fmt: skip
LINE = Line(4)  # a return of 0 + 1 + 2 + 3, and a quarter for each action of 1

TARGETS: dict[str, Any] = {
    "graph": LINE,
    "single": lambda: GymnasiumEnv(LINE),
    "same step": GymnasiumVectorEnv(LINE, 3),
    "next step": GymnasiumVectorEnv(LINE, 3, "NextStep"),
    "disabled": SyncVectorEnv(
        [lambda: GymnasiumEnv(LINE)] * 3, autoreset_mode=AutoresetMode.DISABLED
    ),
}  # fmt: skip


def always(model: Any, action: int) -> None:
    """Have the greedy policy take one action."""
    state = model.state
    last = state.policy.pi.layers[-1]
    last = last.replace(weight=np.zeros_like(last.weight), bias=np.eye(2)[action] * 50)
    pi = state.policy.pi.replace(layers=(*state.policy.pi.layers[:-1], last))
    model.set_state(state._replace(policy=state.policy.replace(pi=pi)))


@pytest.mark.parametrize("way", TARGETS)
def test_returns_and_lengths(way: str) -> None:
    """Whole episodes, as many as asked for, wherever the environment is."""
    model = rl.PPO(LINE, n_envs=1, **SMALL)
    for action, expected in [(0, 6.0), (1, 7.0)]:
        always(model, action)
        results = rl.evaluate_episodes(model, TARGETS[way], 7)
        np.testing.assert_array_equal(results.returns, np.full(7, expected))
        np.testing.assert_array_equal(results.lengths, np.full(7, 4))
    assert (7.0, 0.0) == rl.evaluate_policy(model, TARGETS[way], 2)
    assert ([7.0] * 2, [4] * 2) == rl.evaluate_policy(
        model, TARGETS[way], 2, return_episode_rewards=True
    )


def test_draws_of_an_evaluation() -> None:
    """Not deterministic, actions are drawn: returns vary, and follow from the seed."""
    model = rl.PPO(LINE, n_envs=1, **SMALL)
    first = rl.evaluate_episodes(model, LINE, 50, deterministic=False, seed=1).returns
    again = rl.evaluate_episodes(model, LINE, 50, deterministic=False, seed=1).returns
    np.testing.assert_array_equal(first, again)
    assert {6.0, 6.25, 6.5, 6.75, 7.0} == set(first.tolist())
    assert abs(np.mean(first) - 6.5) < 4 * 0.25 / np.sqrt(50)


def test_an_evaluation_of_the_environment_that_is_learned_from() -> None:
    """Its episodes begin anew, also if it is given once more: no step is written down across."""
    env = GymnasiumEnv(Line())
    model = rl.DQN(env, seed=0, dtype=np.float64, learning_starts=0, train_freq=3, n_steps=2,
                   policy_kwargs={"net_arch": [2]})  # fmt: skip
    model.learn(6)
    env._step = GymnasiumEnv(Line(4))._step  # from now on episodes end, as an evaluation needs
    for target in (None, env):
        rl.evaluate_episodes(model, target, 1)
        model.learn(3, reset_num_timesteps=False)
    replay = model.state.replay
    np.testing.assert_array_equal(replay.observation[:12, 0, 0], [0, 1, 2, 3, 4, 5] + [0, 1, 2] * 2)
    np.testing.assert_array_equal(np.flatnonzero(replay.ended[:12]), [5, 8])


def test_statistics_equal_a_list() -> None:
    """Returns and lengths of the last 100 episodes, of several copies that end at once."""
    rng, episodes = np.random.default_rng(0), no_episodes(7)
    running, lengths, done = np.zeros(7), np.zeros(7, int), []
    assert np.isnan(summary(episodes)["ep_rew_mean"])
    for _ in range(80):
        reward, ended = rng.normal(size=7), rng.random(7) < 0.3
        episodes = after_step(episodes, reward, ended)
        running, lengths = running + reward, lengths + 1
        done += [(running[k], lengths[k]) for k in np.flatnonzero(ended)]
        running, lengths = np.where(ended, 0, running), np.where(ended, 0, lengths)
        if done:
            returns, sizes = zip(*done[-100:], strict=True)
            report = summary(episodes)
            np.testing.assert_allclose(report["ep_rew_mean"], np.mean(returns), rtol=1e-12)
            assert np.mean(sizes) == report["ep_len_mean"]
    assert len(done) == episodes.n_episodes > 150


def test_eval_callback(tmp_path: Path) -> None:
    """Evaluated every 16 steps; the best model is kept, and may end the training."""
    model = rl.PPO(LINE, n_envs=1, **SMALL)
    always(model, 1)
    path, calls = tmp_path / "best", []

    def note(model: Any) -> bool:
        calls.append(model.num_timesteps)
        return False

    callback = rl.EvalCallback(LINE, eval_freq=16, n_eval_episodes=2, best_model_save_path=path,
                               callback_on_new_best=note)  # fmt: skip
    model.learn(64, callback=callback)
    assert [16, 32, 48, 64] == [steps for steps, _, _ in callback.evaluations]
    assert [16] == calls
    assert 7.0 == callback.best_mean_reward
    assert 16 == rl.load(path).num_timesteps


def test_stop_at_a_threshold_and_checkpoints(tmp_path: Path) -> None:
    """The training ends when the mean return is there; files are written on the way."""
    model = rl.PPO(LINE, n_envs=1, **SMALL)
    files = rl.CheckpointCallback(16, tmp_path / "all", name_prefix="line")
    stop = rl.StopTrainingOnRewardThreshold(6.0)
    model.learn(640, callback=[files, stop])
    assert "callback" == model.stop_reason
    assert 8 == model.num_timesteps
    rl.PPO(LINE, n_envs=1, **SMALL).learn(40, callback=files)
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert ["line_16_steps.safetensors", "line_32_steps.safetensors"] == names


@pytest.mark.parametrize("steps", [0, -1, 1.5, "8", True])
def test_intervals_are_whole_numbers(steps: Any) -> None:
    """Refused when the callback is made."""
    with pytest.raises(ValueError, match="eval_freq=.*: give a whole number of 1 or more"):
        rl.EvalCallback(LINE, eval_freq=steps)
    with pytest.raises(ValueError, match="save_freq=.*: give a whole number of 1 or more"):
        rl.CheckpointCallback(steps, "all")


def test_callbacks_without_an_interval_do_not_slow_a_training() -> None:
    """They are called after each report, not after each round."""
    calls: list[int] = []
    model = rl.A2C(LINE, n_envs=1, seed=0, policy_kwargs={"net_arch": [2]})
    model.learn(2000, callback=lambda model: calls.append(model.num_timesteps))
    assert 2000 == calls[-1]
    assert len(model.history) == len(calls) < 200
