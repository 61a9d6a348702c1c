"""Several seeds at once: the bits of each alone."""

import os
import signal
import threading
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest

from chainrule import rl, tree
from chainrule.errors import EnvironmentStepError
from chainrule.rl import evaluation
from chainrule.rl.environments import CartPole
from chainrule.rl.loops.compiled import CompiledLoop
from chainrule.rl.seeds import learn_together, models_of_seeds

pytestmark = pytest.mark.usefixtures("_unoptimised")

SMALL = {"n_envs": 4, "n_steps": 16, "batch_size": 32, "n_epochs": 2,
         "policy_kwargs": {"net_arch": [8]}}  # fmt: skip


def same_state(one, other):
    assert tree.structure(one) == tree.structure(other)
    for a, b in zip(tree.leaves(one), tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def numbers(model):
    """The history without the speed; the first row is that of the round which compiles."""
    rows = {row["num_timesteps"]: row for row in model.history}
    return {name: x for name, x in rows[model.num_timesteps].items() if name != "fps"}


def test_each_seed_has_the_bits_that_it_has_alone():
    """Weights, optimisers, environments, keys and the last report; seeds in their order."""
    models = rl.learn_seeds(rl.PPO, "CartPole-v1", 2_000, seeds=[3, 0, 11], **SMALL)
    assert [3, 0, 11] == [model.seed for model in models]
    for model in models:
        alone = rl.PPO("CartPole-v1", seed=model.seed, **SMALL).learn(2_000)
        same_state(alone.state, model.state)
        assert numbers(alone) == pytest.approx(numbers(model), rel=0, abs=0, nan_ok=True)
        assert ("total_timesteps", 2_048) == (model.stop_reason, model.num_timesteps)
    means = {rl.evaluate_policy(model) for model in models}
    assert len(means) == 3
    assert rl.evaluate_policy(alone) == rl.evaluate_policy(models[-1])


def test_they_compile_once(monkeypatch):
    """One trace of the loop, and one of an evaluation, serve all."""
    traced = []
    run_rounds, run_copies = CompiledLoop._run_rounds, evaluation._run_copies
    monkeypatch.setattr(
        CompiledLoop, "_run_rounds", lambda *args: traced.append("loop") or run_rounds(*args)
    )
    monkeypatch.setattr(
        evaluation, "_run_copies", lambda *args: traced.append("episodes") or run_copies(*args)
    )
    models = rl.learn_seeds(rl.A2C, "CartPole-v1", 200, seeds=3, n_envs=2)
    assert ["loop"] == traced
    means = [rl.evaluate_policy(model, n_eval_episodes=2) for model in models]
    assert (3, ["loop", "episodes"]) == (len(set(means)), traced)


def test_one_after_the_other_around_gymnasium():
    """The same bits as alone, too; the first one's episodes leave no trace in the second."""

    def make():
        return gymnasium.make("CartPole-v1")

    models = rl.learn_seeds(rl.PPO, make, 200, seeds=2, **SMALL)
    alone = rl.PPO(make, seed=1, **SMALL).learn(200)
    same_state(alone.state, models[1].state)
    assert numbers(alone) == pytest.approx(numbers(models[1]), rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("seeds", [0, -1, True, [], [1, 1], [1.5], [2**32], "01", None])
def test_seeds_that_are_none(seeds):
    with pytest.raises(ValueError, match="seeds="):
        rl.learn_seeds(rl.PPO, "CartPole-v1", 100, seeds=seeds)


def test_one_environment_is_for_one_model():
    with pytest.raises(ValueError, match="is one environment, and 2 models learn"):
        rl.learn_seeds(rl.PPO, gymnasium.make("CartPole-v1"), 100, seeds=2)
    environment = gymnasium.make("Acrobot-v1")
    (model,) = rl.learn_seeds(rl.A2C, environment, 100, seeds=1)
    assert 100 == model.num_timesteps


@dataclass(frozen=True)
class Overflowing(CartPole):
    """Its reward is infinite where the pole has leant over far, in some episodes."""

    def step(self, state, action, key):
        state, observation, reward, terminated, truncated = super().step(state, action, key)
        reward = np.where(state.theta > 0.2, np.inf, reward).astype(self.dtype)
        return state, observation, reward, terminated, truncated


def test_an_error_names_the_seed():
    """What each had learned before stays."""
    models = models_of_seeds(rl.PPO, Overflowing(), [5, 6], **SMALL)
    with pytest.raises(EnvironmentStepError, match=r"^seed [56]: a reward or an observation"):
        learn_together(models, 100_000, progress_bar=False)
    assert all(np.all(np.isfinite(x)) for model in models for x in tree.leaves(model.policy))


def test_ctrl_c_ends_all_in_an_orderly_way():
    """The models are whole, and say why the training ended."""
    models = models_of_seeds(rl.PPO, "CartPole-v1", 3, **SMALL)
    learn_together(models, 100)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    learn_together(models, 100_000_000)
    timer.join()
    reasons = {model.stop_reason for model in models}
    assert "interrupted" in reasons and reasons <= {"interrupted", "total_timesteps"}
    assert all(0 < model.num_timesteps < 100_000_000 for model in models)
    assert all(np.all(np.isfinite(x)) for model in models for x in tree.leaves(model.policy))
