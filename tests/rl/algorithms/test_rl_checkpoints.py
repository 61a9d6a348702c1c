"""Trainings that are killed go on from their checkpoint, to the same bits."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save
from toy_environments import Line
from unoptimised import unoptimised

from chainrule import nn, rl, tree
from chainrule.errors import EnvironmentStepError, ModelFileError
from chainrule.rl.algorithms.training import Training
from chainrule.rl.environments import CartPole
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv
from chainrule.train import checkpoint_file

pytestmark = pytest.mark.usefixtures("_unoptimised")
TESTS = Path(__file__).parents[2]

SETTINGS: dict[str, dict[str, Any]] = {
    "PPO": {"n_steps": 16, "batch_size": 16, "n_epochs": 2, "n_envs": 2, "learning_rate": 0.01,
            "normalize_observations": True, "normalize_rewards": True, "target_kl": 0.05},
    "DQN": {"buffer_size": 150, "learning_starts": 50, "train_freq": 4, "gradient_steps": 2,
            "n_envs": 2, "prioritized_replay": True, "n_steps": 3, "batch_size": 16,
            "target_update_interval": 40},
}  # fmt: skip


def model_of(name: str = "PPO", env: Any = "CartPole-v1", **changes: Any) -> Any:
    settings = {**SETTINGS[name], "policy_kwargs": {"net_arch": [6]}, "seed": 3, **changes}
    return rl.ALGORITHMS[name](env, **settings)


def learn(model: Any, checkpoint: Path | None = None, steps: int = 2000, **options: Any) -> Any:
    return model.learn(
        steps, checkpoint=checkpoint, checkpoint_interval=0, progress_bar=False, **options
    )


class Crash(BaseException):
    """Ends a training from within, as a fault would."""


class CrashAt:
    """Crash in a call; calls are 32 steps apart."""

    interval = 32

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, model: Any) -> None:
        self.left -= 1
        if not self.left:
            raise Crash


def assert_same(one: Any, other: Any) -> None:
    """Networks, optimisers, keys, rollouts or replays, priorities, moments: all bits."""
    for x, y in zip(tree.leaves(one.state), tree.leaves(other.state), strict=True):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(tree.leaves(one._loop.state), tree.leaves(other._loop.state), strict=True):
        np.testing.assert_array_equal(x, y)


PROGRAM = """
import signal, sys
sys.path[:0] = sys.argv[3:]
from unoptimised import unoptimised
from test_rl_checkpoints import learn, model_of

def told(model):
    print(model.num_timesteps, flush=True)
    if model.num_timesteps > 700:
        signal.pause()  # until it is killed

with unoptimised():
    learn(model_of(sys.argv[1]), sys.argv[2], callback=told)
"""


@pytest.mark.parametrize("name", SETTINGS)
def test_kill(name: str, tmp_path: Path) -> None:
    """Killed by the system in another process, and continued here."""
    path = tmp_path / "state"
    words = [sys.executable, "-c", PROGRAM, name, path, TESTS, Path(__file__).parent]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) > 700:
                break
        process.kill()
    assert -signal.SIGKILL == process.returncode
    continued, expected = model_of(name), learn(model_of(name))
    learn(continued, path)
    assert continued.history[0]["num_timesteps"] <= 32  # from the other process
    assert not path.exists()
    assert_same(expected, continued)
    assert expected.num_timesteps == continued.num_timesteps


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_kills_at_any_moment(name: str, tmp_path: Path) -> None:
    """Three times, also in the middle of a write."""
    path, program = tmp_path / "state", PROGRAM.replace("> 700", "> 10**9")
    words = [sys.executable, "-c", program, name, path, TESTS, Path(__file__).parent]
    draw = np.random.default_rng(0)
    for _ in range(3):
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(draw.uniform(0.0, 0.05))
            except subprocess.TimeoutExpired:
                process.kill()
    continued = learn(model_of(name), path)
    assert_same(learn(model_of(name)), continued)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_crash(name: str, tmp_path: Path) -> None:
    """An exception in the third report: the checkpoint is that of the second."""
    path = tmp_path / "state"
    with pytest.raises(Crash):
        learn(model_of(name), path, callback=CrashAt(3))
    assert_same(learn(model_of(name)), learn(model_of(name), path))


def test_reset_num_timesteps(tmp_path: Path) -> None:
    """A second training that is added to the first goes on to their sum."""
    path = tmp_path / "state"
    once = learn(learn(model_of(), steps=500), steps=500, reset_num_timesteps=False)
    again = learn(model_of(), steps=500)
    with pytest.raises(Crash):
        learn(again, path, 500, reset_num_timesteps=False, callback=CrashAt(8))
    other = learn(model_of(), steps=500)
    learn(other, path, 500, reset_num_timesteps=False)
    assert 1024 == once.num_timesteps == other.num_timesteps
    assert_same(once, other)


def test_an_environment_of_gymnasium_begins_anew(tmp_path: Path) -> None:
    """Steps are counted on, episodes are not cut in two, and the file is removed at the end."""
    path = tmp_path / "state"
    settings: dict[str, Any] = {"n_envs": 1, "normalize_rewards": False}
    with pytest.raises(Crash):
        learn(model_of(env=GymnasiumEnv(Line(5)), **settings), path, callback=CrashAt(3))
    model = learn(model_of(env=GymnasiumEnv(Line(5)), **settings), path, 2000)
    assert 2000 == model.num_timesteps
    assert 5 == model.history[-1]["ep_len_mean"]
    assert not path.exists()


@pytest.fixture(scope="module", name="data_stopped")
def stopped_data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("stopped") / "state"
    with unoptimised(), pytest.raises(Crash):
        learn(model_of(), path, callback=CrashAt(3))
    return path.read_bytes()


@pytest.fixture(name="stopped")
def stopped_training(data_stopped: bytes, tmp_path: Path) -> Path:
    """The checkpoint of a training that crashed."""
    path = tmp_path / "state"
    path.write_bytes(data_stopped)
    return path


def test_another_training_begins_anew(stopped: Path) -> None:
    """With a warning; the file is removed at its end, as any."""
    with pytest.warns(UserWarning, match="is of another training .*: starting anew"):
        model = learn(model_of(gamma=0.5), stopped, 64)
    assert_same(learn(model_of(gamma=0.5), steps=64), model)
    assert not stopped.exists()


@pytest.mark.parametrize(
    "changes",
    [{"seed": 4}, {"dtype": np.float64}, {"env": CartPole(length=1.0)}, {"total_timesteps": 1500},
     {"env": CartPole(max_episode_steps=30)}, {"policy_kwargs": {"net_arch": [7]}},
     {"policy_kwargs": {"net_arch": [6], "activation": nn.relu}}],
    ids=["seed", "dtype", "environment", "steps", "limit", "sizes", "activation"],
)  # fmt: skip
def test_what_makes_another_training(changes: dict[str, Any], stopped: Path) -> None:
    """Settings, of the environment too, or another number of steps."""
    settings = dict(changes)
    steps = settings.pop("total_timesteps", 2000)
    for model, warns in ((model_of(), False), (model_of(**settings), True)):
        training = Training(model, model._loop, steps if warns else 2000, (), False)
        file = training._file(stopped, 0.0, True)
        with pytest.warns(UserWarning, match="anew") if warns else nullcontext():
            assert warns == (file.load() is None)


def metadata_of(data: bytes) -> dict[str, str]:
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(head["__metadata__"])


def changed_head(data: bytes, **changes: Any) -> bytes:
    inner = {**json.loads(metadata_of(data)["chainrule"]), **changes}
    return save(load(data), metadata={"chainrule": json.dumps(inner)})


BROKEN: dict[str, Any] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "text": lambda data: b"steps,loss\n1,0.5\n" * 99,
    "foreign": lambda data: save({"a": np.zeros(3)}),
    "of fit": lambda data: changed_head(data, format="chainrule-checkpoint-2"),
    "no history": lambda data: changed_head(data, history=None),
    "rows that are none": lambda data: changed_head(data, history=[3]),
    "no target": lambda data: changed_head(data, target=None),
    "an array is missing": lambda data: save(
        {k: v for k, v in load(data).items() if k != "00003"}, metadata=metadata_of(data)),
    "an array is shorter": lambda data: save(
        {k: v[:1] if k == "00000" else v for k, v in load(data).items()},
        metadata=metadata_of(data)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(name: str, stopped: Path) -> None:
    """Named in an error, and left as they are; the model is as before, and learns."""
    data = BROKEN[name](stopped.read_bytes())
    stopped.write_bytes(data)
    model = model_of()
    with pytest.raises(ModelFileError, match="state is no checkpoint, or a damaged one"):
        learn(model, stopped)
    assert data == stopped.read_bytes()
    assert 0 == model.num_timesteps
    assert [] == model.history


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, and the training goes on to the same bits."""

    def full(path: Any, data: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint_file, "write_atomically", full)
    with pytest.warns(UserWarning, match="cannot write the checkpoint .*: No space left on device"):
        model = learn(model_of(), tmp_path / "state", 200)
    assert_same(learn(model_of(), steps=200), model)


def test_the_file_stays_where_a_training_did_not_end(tmp_path: Path) -> None:
    """After an error of the environment it is there; after a callback's end it is not."""
    path = tmp_path / "state"
    with pytest.raises(EnvironmentStepError):
        learn(model_of(env=Line(bad_reward_at=200)), path)
    assert path.exists()
    path.unlink()
    model = learn(model_of(), path, callback=lambda model: len(model.history) == 3)
    assert "callback" == model.stop_reason
    assert not path.exists()
