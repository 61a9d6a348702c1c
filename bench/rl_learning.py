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
from .results import Kind

SEEDS = 5
EVALUATIONS = 20  # in a training, of 20 episodes each, whose time is not counted
KIND = Kind(
    "What reinforcement learning reaches",
    ("Mean return of 100 greedy episodes after training with the defaults, over five seeds;",
     "`reached` of them are as good as wanted, and `stays` says in what part of the evaluations of",
     "the second half of a training that is so (median). Seconds are those of a training,",
     "compilation included, one thread. Of Navigation, the share of 200 unseen maps solved."),
    ("algorithm", "environment", "where", "steps", "wanted", "median", "lowest", "reached",
     "stays", "seconds"),
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A training, and the mean return that it should reach.

    Attributes
    ----------
    algorithm, environment : str
    steps : int
    wanted : float
        Below 1, the share of goals reached.
    gymnasium : bool
        Whether the environment is Gymnasium's, although there is one of ours.
    module : str, optional
        That Gymnasium's environment needs.
    """

    algorithm: str
    environment: str
    steps: int
    wanted: float
    gymnasium: bool = False
    module: str | None = None

    def make(self) -> Any:
        """Return the environment, as an algorithm takes it."""
        if not self.gymnasium:
            return self.environment
        import gymnasium

        return gymnasium.make(self.environment)

    def score(self, model: Any, n_episodes: int, seed: int) -> float:
        """Return the mean return of some episodes, or the share of goals reached."""
        results = rl.evaluate_episodes(model, self.environment, n_episodes, seed=seed)
        of_goals = results.successes is not None and 0 < self.wanted < 1
        return float(np.mean(results.successes if of_goals else results.returns))


TASKS = (
    Task("PPO", "CartPole-v1", 50_000, 475),
    Task("DQN", "CartPole-v1", 50_000, 475),
    Task("DQN", "CartPole-v1", 50_000, 475, gymnasium=True),
    Task("PPO", "Acrobot-v1", 100_000, -90),
    Task("SAC", "Pendulum-v1", 20_000, -200),
    Task("TD3", "Pendulum-v1", 20_000, -200),
    Task("SAC", "MountainCarContinuous-v0", 50_000, 90),
    Task("PPO", "Navigation-v0", 2_000_000, 0.9),
    Task("PPO", "MiniBreakout-v0", 1_000_000, 15),
    Task("PPO", "InvertedPendulum-v5", 100_000, 950, module="mujoco"),
    Task("PPO", "LunarLander-v3", 1_000_000, 200, module="Box2D"),
)


class Evaluations:
    """A callback that evaluates now and then, and counts the time that this takes."""

    def __init__(self, task: Task) -> None:
        self.task, self.interval = task, task.steps // EVALUATIONS
        self.scores: list[float] = []
        self.seconds = 0.0

    def __call__(self, model: Any) -> None:
        start = perf_counter()
        self.scores.append(self.task.score(model, 20, len(self.scores)))
        self.seconds += perf_counter() - start

    @property
    def stays(self) -> float:
        """The part of the later evaluations that are as good as wanted."""
        later = np.array(self.scores[len(self.scores) // 2 :])
        return float(np.mean(later >= self.task.wanted))


def rows() -> Iterator[tuple[str, ...]]:
    cr.set_num_threads(1)
    for task in TASKS:
        if task.module is not None and not peers.installed(task.module):
            continue
        scores, seconds, stays = [], [], []
        for seed in range(SEEDS):
            evaluations = Evaluations(task)
            start = perf_counter()
            model = getattr(rl, task.algorithm)(task.make(), seed=seed)
            model.learn(task.steps, callback=evaluations)
            seconds.append(perf_counter() - start - evaluations.seconds)
            scores.append(task.score(model, 200 if 0 < task.wanted < 1 else 100, 10_000 + seed))
            stays.append(evaluations.stays)
        reached = sum(score >= task.wanted for score in scores)
        in_graph = task.environment in rl.ENVIRONMENTS and not task.gymnasium
        yield (
            task.algorithm, task.environment, "graph" if in_graph else "Gymnasium",
            f"{task.steps:,}", f"{task.wanted:g}", f"{np.median(scores):.4g}",
            f"{min(scores):.4g}", f"{reached} of {SEEDS}", f"{np.median(stays):.0%}",
            f"{np.median(seconds):.1f}",
        )  # fmt: skip
