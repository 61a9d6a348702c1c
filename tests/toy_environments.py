"""Environments of reinforcement learning so small that all that happens in them is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from chainrule.rl.environments import Environment


class LineState(NamedTuple):
    """Where each copy is, and after how many steps."""

    position: Any
    steps: Any


@dataclass(frozen=True)
class Line(Environment[LineState]):
    """A walk from 0 to the right, whatever is done; over at `length`.

    A step from x pays x and a quarter of the action; nan from `bad_reward_at`, and the observation
    of `bad_observation_at` is inf.
    """

    length: int = 1_000_000
    max_episode_steps: int | None = None
    bad_reward_at: int = -1
    bad_observation_at: int = -1
    dtype: Any = np.float64

    @property
    def observation_space(self) -> Any:
        return Box(-1e9, 1e9, (1,), self.dtype)

    @property
    def action_space(self) -> Any:
        return Discrete(2)

    def reset(self, key: Any) -> Any:
        zero = np.zeros(key.shape[:1], np.int64)
        return LineState(zero, zero), self.observe(zero)

    def step(self, state: LineState, action: Any, key: Any) -> Any:
        before, position = state.position, state.position + 1
        reward = (before + action / 4).astype(self.dtype)
        reward = np.where(before == self.bad_reward_at, np.nan, reward).astype(self.dtype)
        state = LineState(position, state.steps + 1)
        return (state, self.observe(position), reward, position >= self.length,
                self.out_of_time(state.steps))  # fmt: skip

    def observe(self, position: Any) -> Any:
        seen = position.astype(self.dtype)
        return np.where(position == self.bad_observation_at, np.inf, seen)[:, None]


@dataclass(frozen=True)
class Pay(Environment[Any]):
    """Every step pays 1, whatever is done; nothing is over but by the time limit."""

    max_episode_steps: int | None = 3
    box: bool = False
    dtype: Any = np.float64

    @property
    def observation_space(self) -> Any:
        return Box(0.0, 1.0, (1,), self.dtype)

    @property
    def action_space(self) -> Any:
        return Box(-1.0, 1.0, (1,), self.dtype) if self.box else Discrete(2)

    def reset(self, key: Any) -> Any:
        steps = np.zeros(key.shape[:1], np.int64)
        return steps, np.ones((key.shape[0], 1), self.dtype)

    def step(self, state: Any, action: Any, key: Any) -> Any:
        steps, n = state + 1, state.shape[0]
        seen, reward = np.ones((n, 1), self.dtype), np.ones(n, self.dtype)
        return steps, seen, reward, np.zeros(n, np.bool_), self.out_of_time(steps)


class Guess(gymnasium.Env[Any, Any]):
    """Each step shows something, and pays 1 less the distance of the action from what it asks for.

    `kind` says which spaces: "discrete" (from 5 on), "multi_discrete", "binary", "box", "dict",
    "image". An episode is 4 steps; the best return is 4.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        actions: dict[str, Any] = {
            "discrete": Discrete(3, start=5), "multi_discrete": MultiDiscrete([2, 3]),
            "binary": gymnasium.spaces.MultiBinary(2), "box": Box(-3.0, 5.0, (1,)),
            "dict": Discrete(2), "image": Discrete(2),
        }  # fmt: skip
        self.action_space = actions[kind]
        seen: dict[str, Any] = {
            "dict": Dict({"a": Discrete(2, start=3), "b": Box(0, 1, (2,))}),
            "image": Box(0, 255, (5, 5, 1), np.uint8),
        }  # fmt: skip
        self.observation_space = seen.get(kind, Box(0, 1, (2,)))
        self.steps = self.asked = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return self._show(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        distance = self._distance(action)
        self.steps += 1
        return self._show(), 1.0 - distance, self.steps == 4, False, {}

    def _distance(self, action: Any) -> float:
        if self.kind == "box":  # asks for 4 or -2, of -3 ... 5
            return float(abs(action[0] - (4.0 if self.asked else -2.0)))
        if self.kind == "multi_discrete":
            return float(action[0] != self.asked) + float(action[1] != 2 * self.asked)
        if self.kind == "binary":
            return float(action[0] != self.asked) + float(action[1] != 1 - self.asked)
        first = 5 if self.kind == "discrete" else 0
        return float(action != first + self.asked * (2 if first else 1))

    def _show(self) -> Any:
        self.asked = int(self.np_random.integers(2))
        rows = np.eye(2, dtype=np.float32)[self.asked]
        if self.kind == "dict":
            return {"a": np.int64(3 + self.asked), "b": np.full(2, 0.5, np.float32)}
        if self.kind == "image":
            image = np.zeros((5, 5, 1), np.uint8)
            image[2, 1 if self.asked else 3] = 255
            return image
        return rows
