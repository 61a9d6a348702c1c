"""What is learned in so many steps: returns over five seeds, each of 100 episodes not seen.

With the settings that are tuned for each environment, which are chainrule's defaults there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import rl

from . import peers
from .report import Kind

SEEDS = 5
KIND = Kind(
    "What reinforcement learning reaches",
    ("algorithm", "environment", "where", "steps", "wanted", "median", "lowest", "reached",
     "seconds"),
    ("The mean return of 100 greedy episodes after training, over five seeds; `reached` of them "
     "are as good as wanted. Seconds are those of a training, compilation included, one thread. "
     "Of Navigation, the share of 200 maps not seen that are solved.",),
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A training, and the mean return that it should reach."""

    algorithm: str
    environment: str
    steps: int
    wanted: float
    module: str | None = None  # that Gymnasium's environment needs


TASKS = (
    Task("PPO", "CartPole-v1", 50_000, 475),
    Task("DQN", "CartPole-v1", 50_000, 475),
    Task("PPO", "Acrobot-v1", 100_000, -90),
    Task("DQN", "Acrobot-v1", 100_000, -90),
    Task("SAC", "Pendulum-v1", 20_000, -200),
    Task("TD3", "Pendulum-v1", 20_000, -200),
    Task("SAC", "MountainCarContinuous-v0", 50_000, 90),
    Task("PPO", "Navigation-v0", 2_000_000, 0.9),
    Task("PPO", "MiniBreakout-v0", 1_000_000, 15),
    Task("PPO", "InvertedPendulum-v5", 100_000, 950, "mujoco"),
    Task("PPO", "LunarLander-v3", 1_000_000, 200, "Box2D"),
)


def score(model: Any, task: Task) -> float:
    """The mean return, or the share of goals reached."""
    n = 200 if task.wanted < 1 and task.wanted > 0 else 100
    results = rl.evaluate_episodes(model, task.environment, n, seed=10_000 + model.seed)
    if results.successes is not None and 0 < task.wanted < 1:
        return float(np.mean(results.successes))
    return float(np.mean(results.returns))


def rows() -> Iterator[tuple[str, ...]]:
    cr.set_num_threads(1)
    for task in TASKS:
        if task.module is not None and not peers.installed(task.module):
            continue
        scores, seconds = [], []
        for seed in range(SEEDS):
            start = perf_counter()
            model = getattr(rl, task.algorithm)(task.environment, seed=seed)
            model.learn(task.steps)
            seconds.append(perf_counter() - start)
            scores.append(score(model, task))
        reached = sum(score >= task.wanted for score in scores)
        where = "graph" if task.environment in rl.ENVIRONMENTS else "Gymnasium"
        yield (
            task.algorithm, task.environment, where, f"{task.steps:,}", f"{task.wanted:g}",
            f"{np.median(scores):.4g}", f"{min(scores):.4g}", f"{reached} of {SEEDS}",
            f"{np.median(seconds):.1f}",
        )  # fmt: skip
