"""Environments that fail in the middle: the error says where, and nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from toy_environments import Line

from chainrule import rl, tree
from chainrule.errors import EnvironmentStepError, ShapeError, TrainingError
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv

pytestmark = pytest.mark.usefixtures("_unoptimised")
SMALL: dict[str, Any] = {
    "seed": 0, "n_steps": 8, "batch_size": 8, "n_epochs": 1, "policy_kwargs": {"net_arch": [3]},
}  # fmt: skip


class Failing(gymnasium.Env[Any, Any]):
    """CartPole's spaces; does `fail` in one step of its life."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, fail: Callable[[], Any], at: int = 21) -> None:
        self.fail, self.at, self.n_steps = fail, at, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.began = self.n_steps
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.n_steps += 1
        result = (np.full(2, 0.5, np.float32), 1.0, self.n_steps - self.began == 5, False, {})
        return (self.fail() or result) if self.n_steps == self.at else result


def raises() -> Any:
    raise ZeroDivisionError("the track has length 0")


def paying(reward: float) -> Callable[[], Any]:
    return lambda: (np.zeros(2, np.float32), reward, False, False, {})


def seeing(observation: Any) -> Callable[[], Any]:
    return lambda: (observation, 1.0, False, False, {})


FAILURES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "raises": (raises, EnvironmentStepError, r"raised ZeroDivisionError in step 21 .*action [01]: "
               r"the track has length 0\. What was learned before is whole: save it"),
    "nan": (paying(np.nan), EnvironmentStepError, "the reward is nan in step 21 .*action [01]"),
    "inf": (paying(-np.inf), EnvironmentStepError, "the reward is -inf in step 21 .*action [01]"),
    "none": (paying(None), EnvironmentStepError, "the reward is None in step 21"),  # type: ignore
    "text": (paying("1"), EnvironmentStepError, "the reward is '1' in step 21"),  # type: ignore
    "two": (paying(np.ones(2)), EnvironmentStepError, r"the reward is array.* in step 21"),  # type: ignore
    "seen": (seeing(np.array([0.5, np.nan], np.float32)), EnvironmentStepError,
             r"the observation is .*nan.* in step 21 of copy 0, action [01]"),
    "shape": (seeing(np.zeros(3, np.float32)), ShapeError,
              r"observation of shape \(3,\) in step 21, and its observation space says \(2,\)"),
}  # fmt: skip


def portable(model: Any) -> list[Any]:
    return tree.leaves(model.agent.portable(model.state))


def assert_whole(model: Any, path: Path) -> None:
    """All numbers are finite, the model can be saved and read, and goes on learning."""
    before = portable(model)
    assert all(np.all(np.isfinite(x)) for x in before)
    model.save(path)
    for x, y in zip(before, portable(rl.load(path)), strict=True):
        np.testing.assert_array_equal(x, y)
    steps = model.num_timesteps
    model.learn(48, reset_num_timesteps=False)
    after = portable(model)
    assert model.num_timesteps >= steps + 48
    assert any(np.any(x != y) for x, y in zip(before, after, strict=True))
    assert all(np.all(np.isfinite(x)) for x in after)


@pytest.mark.parametrize("name", FAILURES)
def test_an_environment_of_gymnasium_fails(name: str, tmp_path: Path) -> None:
    """In the third rollout, which is dropped; the next one is whole."""
    fail, kind, words = FAILURES[name]
    model = rl.PPO(Failing(fail), normalize_observations=True, normalize_rewards=True, **SMALL)
    with pytest.raises(kind, match=words):
        model.learn(64)
    assert 20 == model.num_timesteps
    assert_whole(model, tmp_path / "m.safetensors")
    observation = model.state.rollout.observation
    assert np.all(np.isfinite(observation)) and 0 == model.state.row


@pytest.mark.parametrize(
    ("space", "bad", "good", "words"),
    [
        (Discrete(3, start=2), 5, 4, "the observation is 5 in step 1 of .*give what its space has"),
        (MultiDiscrete([2, 3]), [1, -1], [1, 2], r"the observation is \[ 1 -1\] in step 1 of"),
        (Dict({"a": Discrete(3), "b": Box(0, 1, (2,))}), {"a": 1}, None, "is not built as its obs"),
        (Dict({"a": Discrete(2), "b": Box(0, 1, (1,))}), {"a": 2, "b": [0.5]}, {"a": 1, "b": [1]},
         "the observation is 2 in step 1"),
    ],
)  # fmt: skip
def test_observations_that_are_in_no_space(space: Any, bad: Any, good: Any, words: str) -> None:
    """Categories that do not exist would be rows of zeros."""
    for observation, is_bad in ((bad, True), (good, False)):
        if observation is None:
            continue
        env = Failing(raises, at=10**9)
        env.observation_space = space
        env.reset = lambda **_: (space.sample(), {})  # type: ignore[method-assign]
        env.step = lambda action: (observation, 1.0, False, False, {})  # type: ignore  # noqa: B023
        model = rl.PPO(env, **SMALL)
        with (
            pytest.raises((EnvironmentStepError, ShapeError), match=words)
            if is_bad
            else nullcontext()
        ):
            model.learn(8)


@pytest.mark.parametrize("reward", [1, np.float32(1), np.ones(1), True, np.ones(())])
def test_rewards_of_other_types_are_numbers(reward: Any) -> None:
    """Whole numbers, NumPy's numbers, and arrays with one entry."""
    env = Failing(raises, at=10**9)
    env.step = lambda action: (np.zeros(2, np.float32), reward, False, False, {})  # type: ignore
    model = rl.A2C(env, seed=0, n_steps=2, gae_lambda=0.0, gamma=0.0,
                   policy_kwargs={"net_arch": [2]})  # fmt: skip
    model.learn(2)
    np.testing.assert_array_equal(model.state.rollout.reward, np.ones((2, 1)))


def test_a_replay_goes_on_after_a_failure(tmp_path: Path) -> None:
    """The step that failed is not in it, and returns of several steps do not cross the gap."""
    model = rl.DQN(Failing(raises, at=4), seed=0, n_steps=3, learning_starts=0, train_freq=2,
                   buffer_size=64, policy_kwargs={"net_arch": [3]})  # fmt: skip
    with pytest.raises(EnvironmentStepError, match="in step 4"):
        model.learn(10)
    model.learn(4, reset_num_timesteps=False)
    ended = model.state.replay.ended[:7, 0].tolist()
    assert [False, False, True, False, False, False, False] == ended
    assert_whole(model, tmp_path / "m.safetensors")


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_a_vector_environment_fails(mode: AutoresetMode, tmp_path: Path) -> None:
    """One of two copies raises."""
    copies: list[Any] = [lambda: Failing(raises, at=12), lambda: Failing(raises, at=10**9)]
    model = rl.PPO(SyncVectorEnv(copies, autoreset_mode=mode), **SMALL)
    with pytest.raises(EnvironmentStepError, match="raised ZeroDivisionError in step 1[2-5], acti"):
        model.learn(64)
    assert_whole(model, tmp_path / "m.safetensors")


@pytest.mark.parametrize("bad", ["bad_reward_at", "bad_observation_at"])
@pytest.mark.parametrize("cls", [rl.PPO, rl.DQN])
def test_an_environment_in_the_graph_fails(cls: Any, bad: str, tmp_path: Path) -> None:
    """What is not finite reaches neither networks nor means nor replay; then new episodes begin."""
    line = Line(**{bad: 20})
    settings: dict[str, Any] = {"learning_starts": 0, "buffer_size": 64, "train_freq": 8,
                                "seed": 0, "policy_kwargs": {"net_arch": [3]}}  # fmt: skip
    if cls is rl.PPO:
        settings = {**SMALL, "normalize_observations": True, "normalize_rewards": True}
    model = cls(line, n_envs=2, **settings)
    with pytest.raises(EnvironmentStepError, match="is not finite, after (38|40) steps"):
        model.learn(64)
    assert model.num_timesteps in (38, 40)
    state = model.state
    if cls is rl.DQN:
        replay = state.replay
        assert model.num_timesteps == 2 * replay.n_rows
        assert np.all(np.isfinite(replay.reward)) and np.all(np.isfinite(replay.observation))
        assert np.all(replay.ended[replay.n_rows - 1])
    assert all(np.all(np.isfinite(x)) for x in portable(model))
    model.save(tmp_path / "m.safetensors")
    before = portable(model)
    model.learn(32, reset_num_timesteps=False)  # from the start of the line, so without failing
    assert any(np.any(x != y) for x, y in zip(before, portable(model), strict=True))
    assert model.history[-1]["num_timesteps"] >= 70


@pytest.mark.parametrize("cls", [rl.PPO, rl.DQN, rl.TD3])
def test_a_loss_of_nan_is_an_error(cls: Any) -> None:
    """Weights that overflow, at a rate that is far too high; not passed over."""
    name = "Pendulum-v1" if cls is rl.TD3 else "CartPole-v1"
    settings: dict[str, Any] = {"learning_starts": 0, "train_freq": 4, "gradient_steps": 4}
    if cls is rl.PPO:
        settings = {"n_steps": 8, "batch_size": 8}
    model = cls(name, n_envs=1, seed=0, learning_rate=3e38, policy_kwargs={"net_arch": [3]},
                **settings)  # fmt: skip
    with pytest.raises(TrainingError, match="loss is inf after .* steps: take a lower learning_ra"):
        model.learn(400)


def test_nan_in_the_networks_is_an_error() -> None:
    """Also where it came with the last update of a round."""
    model = rl.PPO("CartPole-v1", n_envs=1, **SMALL)
    state = model.state
    weights = state.policy.pi.layers[0].weight.copy()
    weights[0, 0] = np.nan
    first = state.policy.pi.layers[0].replace(weight=weights)
    pi = state.policy.pi.replace(layers=(first, *state.policy.pi.layers[1:]))
    model.set_state(state._replace(policy=state.policy.replace(pi=pi)))
    with pytest.raises(TrainingError, match="policy_loss is inf"):
        model.learn(8)


def interrupted(model: Any, in_graph: bool) -> None:
    """Learn until a thread presses Ctrl-C, after the first report."""

    def press(model: Any) -> None:
        if len(model.history) == 3:
            threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        if len(model.history) > 3 and not in_graph:
            signal.sigtimedwait([], 0.001)

    model.learn(10**9, callback=press, progress_bar=False)


@pytest.mark.parametrize("in_graph", [True, False])
def test_ctrl_c_ends_a_training_in_order(in_graph: bool, tmp_path: Path) -> None:
    """The reason is told, the handler is back, and the model is whole."""
    line = Line(7)
    model = rl.PPO(line if in_graph else GymnasiumEnv(line), n_envs=1, **SMALL)
    before = signal.getsignal(signal.SIGINT)
    interrupted(model, in_graph)
    assert "interrupted" == model.stop_reason
    assert before is signal.getsignal(signal.SIGINT)
    assert_whole(model, tmp_path / "m.safetensors")
    assert "total_timesteps" == model.stop_reason
