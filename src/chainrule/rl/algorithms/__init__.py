"""The algorithms as users call them: settings, an environment, `learn`, `predict`, `save`."""

from pathlib import Path
from typing import Any

from ...errors import ModelFileError
from .base import Algorithm
from .off_policy import DQN, SAC, TD3
from .on_policy import A2C, PPO, REINFORCE
from .saving import read_model
from .tabular import SARSA, QLearning

ALGORITHMS: dict[str, type[Algorithm]] = {
    cls.__name__: cls for cls in (PPO, A2C, REINFORCE, DQN, SAC, TD3, QLearning, SARSA)
}


def load(path: str | Path, env: Any = None, policy: Any = None, **changes: Any) -> Algorithm:
    """Read a model of any algorithm; see `Algorithm.load`.

    Parameters
    ----------
    path : str or Path
    env, policy, **changes
        As for `Algorithm.load`.

    Returns
    -------
    Algorithm

    Raises
    ------
    ModelFileError
        If it is no such file, or damaged.
    """
    description, _ = read_model(path)
    name = description.get("algorithm")
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise ModelFileError(f"{path}: there is no algorithm {name!r:.40}")
    return ALGORITHMS[name].load(path, env, policy, **changes)


__all__ = [
    "A2C", "ALGORITHMS", "DQN", "PPO", "REINFORCE", "SAC", "SARSA", "TD3", "Algorithm",
    "QLearning", "load",
]  # fmt: skip
