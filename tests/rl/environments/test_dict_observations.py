"""Environments in the graph whose observations are dicts, with a mask of possible actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from chainrule import random, rl
from chainrule.errors import EnvironmentCheckError

pytestmark = pytest.mark.usefixtures("_unoptimised")


@dataclass(frozen=True)
class TwoOfFour(rl.Environment[Any]):
    """Two of four actions are possible, the larger one pays 1; an impossible one costs 100."""

    max_episode_steps: Any = 10
    dtype: Any = np.float32
    observation_space = spaces.Dict(
        {"time": spaces.Box(0, 1, (1,), np.float32), "action_mask": spaces.MultiBinary(4)}
    )
    action_space = spaces.Discrete(4)

    def observe(self, state: Any) -> Any:
        first = state["first"][:, None]
        mask = (np.arange(4) == first) | (np.arange(4) == (first + 1) % 4)
        time = (state["steps"] / 10).astype(np.float32)
        return {"time": time[:, None], "action_mask": mask.astype(np.int8)}

    def reset(self, key: Any) -> Any:
        first = random.randint(key, (), 0, 4)
        state = {"first": first, "steps": np.zeros_like(first)}
        return state, self.observe(state)

    def step(self, state: Any, action: Any, key: Any) -> Any:
        first = state["first"]
        second = (first + 1) % 4
        possible = (action == first) | (action == second)
        pays = np.where(action == np.maximum(first, second), 1.0, 0.0)
        reward = np.where(possible, pays, -100.0).astype(np.float32)
        state = {"first": random.randint(key, (), 0, 4), "steps": state["steps"] + 1}
        over = self.out_of_time(state["steps"])
        return state, self.observe(state), reward, np.zeros_like(possible), over


@dataclass(frozen=True)
class WrongPart(TwoOfFour):
    """Its mask is of another dtype than its space says."""

    def observe(self, state: Any) -> Any:
        seen = super().observe(state)
        return {**seen, "action_mask": seen["action_mask"] != 0}


@dataclass(frozen=True)
class AbsentPart(TwoOfFour):
    """It forgets the time."""

    def observe(self, state: Any) -> Any:
        return {"action_mask": super().observe(state)["action_mask"]}


def test_they_are_checked() -> None:
    rl.check_environment(TwoOfFour())
    with pytest.raises(EnvironmentCheckError, match=r"is bool\[5, 4\]: give int8\[5, 4"):
        rl.check_environment(WrongPart())
    with pytest.raises(EnvironmentCheckError, match="give arrays for all parts of Dict"):
        rl.check_environment(AbsentPart())


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_impossible_actions_are_never_taken(name: str) -> None:
    """No episode has lost 100, also while actions are drawn; chance gets 5, the best 10."""
    settings: dict[str, Any] = {
        "PPO": {"n_envs": 8, "n_steps": 32, "batch_size": 64, "learning_rate": 3e-3},
        "DQN": {"learning_rate": 3e-3, "train_freq": 1, "target_update_interval": 100,
                "exploration_fraction": 0.5},
    }[name]  # fmt: skip
    model = getattr(rl, name)(
        TwoOfFour(), seed=0, policy_kwargs={"net_arch": [16]}, **settings
    ).learn(6_000)
    assert not any(row["ep_rew_mean"] < 0 for row in model.history)
    assert model.history[-1]["ep_rew_mean"] > 5
    assert rl.evaluate_policy(model, n_eval_episodes=50)[0] > 9
