"""Q-learning with a table on FrozenLake: steps in the graph, and a loop in Python around
Gymnasium's environment, with the same settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule import rl

from .harness import Contest

STEPS = 100_000
RATE, DISCOUNT, EXPLORATION = 0.1, 0.99, 0.3
WORTH = 0.3  # of the start under a policy that was learned; the best is worth 0.542


def in_the_graph(n_envs: int) -> Callable[[], Any]:
    """One compiled loop; returns the table."""
    model = rl.QLearning(
        "FrozenLake-v1", learning_rate=RATE, gamma=DISCOUNT, n_envs=n_envs, seed=0,
        exploration_initial_eps=EXPLORATION, exploration_final_eps=EXPLORATION, initial_q=1.0,
    )  # fmt: skip
    return lambda: model.learn(STEPS, progress_bar=False).q_table


def in_python() -> Callable[[], Any]:
    """The loop of tutorials: a NumPy table, Gymnasium's environment."""
    import gymnasium

    env = gymnasium.make("FrozenLake-v1")
    rng = np.random.default_rng(0)
    q_table = np.ones((16, 4))
    state, _ = env.reset(seed=0)

    def run() -> Any:
        nonlocal state
        for _ in range(STEPS):
            explores = rng.random() < EXPLORATION
            action = int(rng.integers(4)) if explores else int(np.argmax(q_table[state]))
            following, reward, terminated, truncated, _ = env.step(action)
            value = 0.0 if terminated else np.max(q_table[following])
            error = reward + DISCOUNT * value - q_table[state, action]
            q_table[state, action] += RATE * error
            state = env.reset()[0] if terminated or truncated else following
        return q_table

    return run


def both_learned(ours: Any, theirs: Any) -> None:
    """Raise if one of the tables has no good policy, by its exact value."""
    for table in (ours, theirs):
        worth = rl.policy_evaluation("FrozenLake-v1", np.argmax(table, axis=1), DISCOUNT)[0]
        assert worth > WORTH, worth


def contests() -> Iterator[Contest]:
    for n_envs in (1, 16):
        yield Contest(
            f"{STEPS:,} steps of Q-learning, FrozenLake, {n_envs} at once",
            "Python, Gymnasium", in_the_graph(n_envs), in_python(), both_learned,
            rounds=7,
        )  # fmt: skip
