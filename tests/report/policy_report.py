"""A report of a training by reinforcement to test with: seeded, every section filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.report import ReinforcementReport
from chainrule.rl.rendering import gif


def policy(seeds: int = 2, **changes: Any) -> ReinforcementReport:
    """A report of some seeds: returns rise from 20 to 200 (and by seed up to 10 more)."""
    rng = np.random.default_rng(0)
    histories = {
        seed: [
            {"num_timesteps": 100 * k, "ep_rew_mean": 20.0 * k + seed, "ep_len_mean": 20.0 * k,
             "fps": 1e5, "entropy": 0.7 - 0.05 * k, "explained_variance": 0.1 * k}
            for k in range(1, 11)
        ]
        for seed in range(seeds)
    }  # fmt: skip
    pictures = np.zeros((4, 20, 30, 3), np.uint8)
    pictures[1:, 5:10, 5:10] = 255
    given: dict[str, Any] = {
        "histories": histories,
        "returns": {"PPO": rng.normal(450.0, 30.0, 20), "random actions": rng.normal(22, 8, 20)},
        "lengths": {"PPO": rng.normal(450.0, 30.0, 20), "random actions": rng.normal(22, 8, 20)},
        "threshold": 475.0,
        "settings": [("gamma", 0.98, "tuned"), ("vf_coef", 0.5, "default of PPO")],
        "dataset": {"steps of each training": 1000},
        "layers": [("pi.layers.0", "4 x 64", 320)],
        "versions": {"chainrule": "0.2.0"},
        "film": gif(pictures, 10.0),
        "film_caption": "A pole stands",
        "limitations": "One environment.\n\nOne start.",
        "command": "chainrule rl train CartPole-v1",
    }
    return ReinforcementReport("CartPole-v1", "PPO", "2026-11-30", **{**given, **changes})
