"""Where settings come from, schedules, and how files hold them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from chainrule import nn, rl
from chainrule.rl.agents.base import Linear, Progress
from chainrule.rl.algorithms.settings import RULES, from_json, to_json
from chainrule.rl.algorithms.tuned import TUNED


def test_chosen_before_tuned_before_default() -> None:
    """MountainCar's tuning has 16 copies of 16 steps; entropy's weight is PPO's default."""
    model = rl.PPO("MountainCar-v0", n_epochs=3, seed=0)
    expected = {"gae_lambda": 0.98, "n_envs": 16, "n_steps": 16, "n_epochs": 3, "ent_coef": 0.0}
    assert expected == {name: model.settings[name] for name in expected}
    assert Linear(1e-3) == rl.PPO("CartPole-v1", seed=0).settings["learning_rate"]
    assert "RL Baselines3 Zoo" in repr(model) and "n_epochs=3" in repr(model)
    plain = rl.PPO(rl.environments.Pendulum(), seed=0)
    assert 1e-3 == plain.settings["learning_rate"]


def test_tunings_are_of_settings_that_exist() -> None:
    """Each names an algorithm, its settings, and values within the rules."""
    for (algorithm, environment), tuning in TUNED.items():
        defaults = rl.ALGORITHMS[algorithm].DEFAULTS
        for name, value in tuning.settings.items():
            assert name in defaults, (algorithm, environment, name)
            assert RULES[name][0](value), (algorithm, environment, name, value)
        assert tuning.source


@pytest.mark.parametrize(
    ("schedule", "remaining", "expected"),
    [
        (0.5, 0.3, 0.5), (Linear(2.0), 1.0, 2.0), (Linear(2.0), 0.25, 0.5), (Linear(2.0), 0.0, 0.0),
        (Linear(2.0, 1.0), 0.25, 1.25), (lambda x: x**2, 0.5, 0.25),
    ],
)  # fmt: skip
def test_schedules(schedule: Any, remaining: float, expected: float) -> None:
    """Functions of what remains, from 1 to 0."""
    progress = Progress(np.int64(round(1000 * (1 - remaining))), np.int64(1000))
    np.testing.assert_allclose(progress.value(schedule), expected, rtol=1e-12)


def test_beyond_the_end_nothing_remains() -> None:
    """Whole rounds are made, so there may be a few steps more."""
    assert 0.0 == Progress(np.int64(1030), np.int64(1000)).remaining


def test_json() -> None:
    """Schedules and activations by name, NumPy's numbers as Python's, dicts within dicts."""
    settings: dict[str, Any] = {
        "learning_rate": Linear(0.1, 0.01), "gamma": np.float32(0.5), "n_steps": np.int64(3),
        "target_kl": None, "ent_coef": "auto", "dueling": True,
        "policy_kwargs": {"net_arch": {"pi": (4, 5), "vf": []}, "activation": nn.silu},
    }  # fmt: skip
    text = json.dumps(to_json(settings))
    again = from_json(json.loads(text))
    expected = {**settings, "policy_kwargs": {"net_arch": {"pi": [4, 5], "vf": []},
                                              "activation": nn.silu}}  # fmt: skip
    assert expected == again
    with pytest.raises(TypeError, match="learning_rate is .*which a file cannot hold: give a numb"):
        to_json({"learning_rate": lambda x: x})


def test_a_schedule_reaches_the_updates() -> None:
    """With a rate that falls to 0 within the first half, the second half changes nothing."""

    def schedule(remaining: Any) -> Any:
        return np.where(remaining > 0.5, 0.1, 0.0)

    model = rl.A2C("CartPole-v1", n_envs=1, n_steps=8, seed=0, learning_rate=schedule,
                   policy_kwargs={"net_arch": [2]})  # fmt: skip
    weights: list[Any] = []

    def note(model: Any) -> None:
        weights.append(model.policy.pi.layers[0].weight.copy())

    note.interval = 8  # type: ignore[attr-defined]
    model.learn(64, callback=note)
    assert 8 == len(weights)
    moves = [bool(np.any(x != y)) for x, y in itertools.pairwise(weights)]
    assert [True, True, False, False, False, False, False] == moves
