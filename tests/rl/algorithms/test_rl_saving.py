"""Models of all algorithms come back from files bit for bit, and from nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import gymnasium
import numpy as np
import pytest
from toy_environments import Guess

from chainrule import nn, rl, tree
from chainrule.container import dumps, loads
from chainrule.errors import ModelFileError, ShapeError
from chainrule.rl.agents.base import Linear
from chainrule.rl.algorithms.saving import space_from_json, space_to_json
from chainrule.rl.spaces import (
    BoxSpec,
    DictSpec,
    DiscreteSpec,
    MultiBinarySpec,
    MultiDiscreteSpec,
    SpaceSpec,
    TupleSpec,
    space_of,
    spec_of,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")
OFF_POLICY: dict[str, Any] = {"learning_starts": 4, "batch_size": 4, "buffer_size": 20}
CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "ppo": ("PPO", "CartPole-v1", {
        "n_steps": 8, "batch_size": 8, "n_epochs": 1, "n_envs": 2, "normalize_observations": True,
        "normalize_rewards": True, "learning_rate": Linear(0.01, 0.001), "clip_range_vf": 0.2,
        "policy_kwargs": {"net_arch": {"pi": [3], "vf": [4, 2]}, "activation": nn.elu},
    }),
    "a2c": ("A2C", "Pendulum-v1", {"policy_kwargs": {"net_arch": [3], "log_std_init": -1.0}}),
    "reinforce": ("REINFORCE", lambda: Guess("dict"), {
        "n_steps": 8, "n_envs": 1, "baseline": False, "policy_kwargs": {"net_arch": []}}),
    "dqn": ("DQN", lambda: Guess("discrete"), {
        **OFF_POLICY, "distributional": "c51", "n_atoms": 5, "dueling": True,
        "policy_kwargs": {"net_arch": [3]}}),
    "sac": ("SAC", "Pendulum-v1", {**OFF_POLICY, "ent_coef": "auto_0.5",
                                   "policy_kwargs": {"net_arch": {"pi": [3], "qf": [4]}}}),
    "td3": ("TD3", lambda: Guess("box"), {
        **OFF_POLICY, "dtype": np.float64, "prioritized_replay": True,
        "policy_kwargs": {"net_arch": [3]}}),
}  # fmt: skip


def trained(name: str) -> Any:
    cls, env, settings = CASES[name]
    return rl.ALGORITHMS[cls](env, seed=5, **settings).learn(24)


def observations(spec: SpaceSpec, n: int) -> Any:
    """Several of a space, drawn by Gymnasium."""
    space = space_of(spec)
    space.seed(0)
    samples = [space.sample() for _ in range(n)]
    return tree.map(lambda *rows: np.stack(rows), *samples)


@pytest.mark.parametrize("name", CASES)
def test_round_trip(name: str, tmp_path: Path) -> None:
    """Settings, networks, optimisers and means; the same actions, and the same training after."""
    model, path = trained(name), tmp_path / "model.safetensors"
    model.save(path)
    for loaded in (rl.load(path), type(model).load(path)):
        assert type(model) is type(loaded)
        assert model.settings == loaded.settings
        assert (model.seed, model.dtype) == (loaded.seed, loaded.dtype)
        before, after = (m.agent.portable(m.state) for m in (model, loaded))
        assert tree.names(before) == tree.names(after)
        for x, y in zip(tree.leaves(before), tree.leaves(after), strict=True):
            np.testing.assert_array_equal(x, y)
        assert model.num_timesteps == loaded.num_timesteps
    seen = observations(model.agent.observation, 5)
    expected = model.predict(seen, deterministic=True)[0]
    np.testing.assert_array_equal(loaded.predict(seen, deterministic=True)[0], expected)
    fresh = rl.load(path)
    fresh._n_predictions = model._n_predictions
    np.testing.assert_array_equal(fresh.predict(seen)[0], model.predict(seen)[0])
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert path.read_bytes() == again.read_bytes()


def test_learning_goes_on(tmp_path: Path) -> None:
    """With an environment, and with settings changed; both of the same bits as the model's own."""
    model, path = trained("ppo"), tmp_path / "model"
    model.save(path)
    loaded = rl.load(path, "CartPole-v1", gamma=0.5)
    assert (0.5, 0.99) == (loaded.settings["gamma"], model.settings["gamma"])
    assert 32 == loaded.num_timesteps
    loaded.learn(16, reset_num_timesteps=False)
    assert 48 == loaded.num_timesteps
    single = rl.load(path, gymnasium.make("CartPole-v1"), n_envs=1)
    assert 40 == single.learn(8, reset_num_timesteps=False).num_timesteps
    assert loaded.state.observation_moments.count > model.state.observation_moments.count


class Small(nn.Module):
    """A policy of one's own: a linear one."""

    inner: Any

    def __init__(self, observation: Any, action: Any, *, key: Any, **options: Any) -> None:
        self.inner = rl.ActorCritic(observation, action, key=key, net_arch=[])

    def __call__(self, observation: Any) -> Any:
        return self.inner(observation)

    def value(self, observation: Any) -> Any:
        return self.inner.value(observation)

    def distribution(self, observation: Any) -> Any:
        return self.inner.distribution(observation)


def test_a_policy_of_ones_own(tmp_path: Path) -> None:
    """Its code is not in the file, so it is asked for."""
    path = tmp_path / "model"
    model = rl.PPO("CartPole-v1", policy=Small, n_envs=1, n_steps=8, batch_size=8, seed=0).learn(8)
    model.save(path)
    with pytest.raises(ModelFileError, match=r"its policy is of your own: give load\(path, policy"):
        rl.load(path)
    loaded = rl.load(path, policy=Small)
    seen = np.random.default_rng(0).normal(size=(9, 4))
    expected = model.predict(seen, deterministic=True)[0]
    np.testing.assert_array_equal(loaded.predict(seen, deterministic=True)[0], expected)
    with pytest.raises(ModelFileError, match="its arrays are those of another network"):
        rl.load(path, policy=rl.ActorCritic)


@pytest.fixture(scope="module", name="data")
def data_of_a_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "model"
    rl.PPO("CartPole-v1", **{**CASES["ppo"][2], "seed": 5}).save(path)
    return path.read_bytes()


def test_what_a_load_is_given(data: bytes, tmp_path: Path) -> None:
    """Mistakes of the call are not blamed on the file."""
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="trained on other observations or actions than this"):
        rl.load(path, "Pendulum-v1")
    with pytest.raises(ModelFileError, match="it is a model of 'PPO': read it with rl.load"):
        rl.A2C.load(path)
    with pytest.raises(ValueError, match="there is no environment 'CartPol-v1'"):
        rl.load(path, "CartPol-v1")
    with pytest.raises(ValueError, match="PPO: gamma=2: give a number from 0 to 1"):
        rl.load(path, gamma=2)
    with pytest.raises(ValueError, match="it holds another network than policy_kwargs make"):
        rl.load(path, policy_kwargs={"net_arch": [9]})
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_step'"):
        rl.load(path, n_step=3)
    with pytest.raises(ModelFileError, match="there is no model file"):
        rl.load(tmp_path / "absent")
    with pytest.raises(ShapeError, match="the environment's observations are"):
        rl.evaluate_policy(rl.load(path), "Pendulum-v1")
    with pytest.raises(ValueError, match="loaded without an environment: give one"):
        rl.evaluate_policy(rl.load(path))


def refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        rl.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000 + len(str(path))


def test_truncations_and_flipped_bits(data: bytes, tmp_path: Path) -> None:
    """At places all over the file."""
    path = tmp_path / "model"
    for k in range(0, len(data), 97):
        refused(path, data[:k])
        flipped = bytearray(data)
        flipped[k] ^= 1 << k % 8
        refused(path, bytes(flipped))
    refused(path, data + b"\0")


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 2**31, 10**18, 0.0, -0.5, 0.5, 1e308, "", "x", "tanh", [],
    {}, [0], [[]], [1, 1], ["a"], {"linear": [1]}, {"linear": ["a", 1]}, {"activation": []},
    {"activation": "exec"}, {"box": 1}, {"tuple": []}, "float32", "float16", "object", "PPO", "DQN",
    "SAC", [30_000, 30_000], {"pi": [10**6, 10**6], "vf": [1]}, {"discrete": [2**31, 0]},
    {"tuple": [{"tuple": [{"tuple": [{"discrete": [2, 0]}]}]}]},
]  # fmt: skip


def parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in a JSON value with each of its keys."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from parts(value[key])


def spoiled(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each part replaced by each value, or removed."""
    for number in range(len(list(parts(description)))):
        for value in [*VALUES, ...]:
            changed = copy.deepcopy(description)
            holder, key = list(parts(changed))[number]
            if value is ...:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(value)
            yield changed


def accepts(path: Path, description: dict[str, Any], arrays: Any) -> bool:
    """Whether a file loads: then the model is the one that it describes. Nothing else comes out."""
    path.write_bytes(dumps(description, arrays))
    try:
        with np.errstate(over="ignore"):
            model = rl.load(path)
    except ModelFileError as error:
        assert str(path) in str(error) and "\n" not in str(error), error
        return False
    model.save(path)
    again, same = loads(path.read_bytes())
    ignored = {"chainrule"}
    one, other = ({k: x for k, x in d.items() if k not in ignored} for d in (description, again))
    assert one == other
    for name, array in arrays.items():
        np.testing.assert_array_equal(same[name], array)
    return True


def test_spoiled_descriptions(data: bytes, tmp_path: Path) -> None:
    """Values of other types and sizes anywhere, sealed again; a sample of all."""
    description, arrays = loads(data)
    every = list(spoiled(description))
    sample = Random(0).sample(every, 250)
    accepted = [accepts(tmp_path / "model", each, arrays) for each in sample]
    assert 5 < sum(accepted) < 100


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_all_spoiled_descriptions(name: str, tmp_path: Path) -> None:
    """Each part of each algorithm's, with every sixth value; others with another algorithm."""
    path = tmp_path / "model"
    trained(name).save(path)
    description, arrays = loads(path.read_bytes())
    for each in islice(spoiled(description), [*CASES].index(name) % 6, None, 6):
        accepts(path, each, arrays)


def test_spoiled_arrays(data: bytes, tmp_path: Path) -> None:
    """Absent, renamed, of other shapes or dtypes."""
    description, arrays = loads(data)
    for name, array in arrays.items():
        others: list[dict[str, Any]] = [
            {k: x for k, x in arrays.items() if k != name}, {**arrays, "more": array},
            {**arrays, name: np.zeros(array.shape, np.float16)}, {**arrays, name: array[None]},
        ]  # fmt: skip
        for each in others:
            assert not accepts(tmp_path / "model", description, each)


SPECS: list[SpaceSpec] = [
    DiscreteSpec(3, -2), MultiDiscreteSpec((2, 3), (0, 5)), MultiBinarySpec((2, 2)),
    MultiBinarySpec((3,)), BoxSpec((2,), "float32", (-1.0, -np.inf), (np.inf, 2.0)),
    BoxSpec((), "float64", 0.0, 1.0), BoxSpec((2, 2, 3), "uint8", 0.0, 255.0),
    DictSpec(("a", "b"), (DiscreteSpec(2), TupleSpec((DiscreteSpec(3, 1),)))),
]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_spaces_come_back(spec: SpaceSpec) -> None:
    """From JSON, and from Gymnasium's spaces."""
    assert spec == space_from_json(json.loads(json.dumps(space_to_json(spec))))
    assert spec == spec_of(space_of(spec))


@pytest.mark.parametrize(
    "value",
    [3, {}, {"discrete": [0, 0]}, {"discrete": [2.0, 0]}, {"discrete": [2]}, {"a": 1, "b": 2},
     {"multi_discrete": [[2], [0, 1]]}, {"multi_binary": [0]}, {"box": [[2], "float33", 0, 1]},
     {"box": [[2], "float32", [0], 1]}, {"box": [[2], "float32", 2.0, 1.0]},
     {"dict": [["a"], []]}, {"dict": [[1], [{"discrete": [2, 0]}]]}, {"text": 3}],
    ids=str,
)  # fmt: skip
def test_what_is_no_space(value: Any) -> None:
    """An error, not a space."""
    with pytest.raises(ModelFileError):
        space_from_json(value)
