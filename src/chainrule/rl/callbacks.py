"""What is done in the middle of a training: evaluate, save, stop."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any, Protocol

from ..errors import at_user_line
from .evaluation import evaluate_policy


class Callback(Protocol):
    """A function of the model, called every so many steps; True ends the training.

    A callback without `interval` is called after each report of the training, several times a
    second.
    """

    interval: int | None

    def __call__(self, model: Any) -> bool | None:
        """Do something; return True to end the training."""
        ...


class EvalCallback:
    """Evaluate the policy now and then, and keep the best one.

    Parameters
    ----------
    eval_env : environment or name
        As for `evaluate_policy`.
    eval_freq : int
        Steps of all copies between two evaluations. Default 10000.
    n_eval_episodes : int
        Default 5.
    deterministic : bool
        Default True.
    best_model_save_path : str or Path, optional
        A file that the best model is written to.
    callback_on_new_best : callable, optional
        Called with the model after a new best evaluation; True ends the training.

    Attributes
    ----------
    evaluations : list of (int, float, float)
        Steps, mean return and its standard deviation.
    best_mean_reward : float
    """

    def __init__(
        self, eval_env: Any, *, eval_freq: int = 10_000, n_eval_episodes: int = 5,
        deterministic: bool = True, best_model_save_path: str | Path | None = None,
        callback_on_new_best: Callable[[Any], bool | None] | None = None,
    ) -> None:  # fmt: skip
        self.interval: int | None = _checked("eval_freq", eval_freq)
        self.eval_env, self.n_eval_episodes = eval_env, n_eval_episodes
        self.deterministic, self.best_model_save_path = deterministic, best_model_save_path
        self.callback_on_new_best = callback_on_new_best
        self.evaluations: list[tuple[int, float, float]] = []
        self.best_mean_reward = -inf

    def __call__(self, model: Any) -> bool | None:
        """Evaluate."""
        mean, std = evaluate_policy(
            model, self.eval_env, self.n_eval_episodes, deterministic=self.deterministic
        )
        self.evaluations.append((model.num_timesteps, mean, std))
        if mean <= self.best_mean_reward:
            return None
        self.best_mean_reward = mean
        if self.best_model_save_path is not None:
            model.save(self.best_model_save_path)
        return None if self.callback_on_new_best is None else self.callback_on_new_best(model)


class StopTrainingOnRewardThreshold:
    """End the training when the mean return of the last 100 episodes reaches a threshold.

    Parameters
    ----------
    reward_threshold : float
    """

    interval = None

    def __init__(self, reward_threshold: float) -> None:
        self.reward_threshold = reward_threshold

    def __call__(self, model: Any) -> bool | None:
        """Compare."""
        history = model.history
        return bool(history) and history[-1]["ep_rew_mean"] >= self.reward_threshold


class CheckpointCallback:
    """Save the model now and then, each time to a new file.

    Parameters
    ----------
    save_freq : int
        Steps of all copies between two files.
    save_path : str or Path
        A folder.
    name_prefix : str
        Default "rl_model": files are ``rl_model_10000_steps.safetensors``.
    """

    def __init__(
        self, save_freq: int, save_path: str | Path, name_prefix: str = "rl_model"
    ) -> None:
        self.interval: int | None = _checked("save_freq", save_freq)
        self.save_path, self.name_prefix = Path(save_path), name_prefix

    def __call__(self, model: Any) -> None:
        """Save."""
        self.save_path.mkdir(parents=True, exist_ok=True)
        model.save(self.save_path / f"{self.name_prefix}_{model.num_timesteps}_steps.safetensors")


def _checked(name: str, steps: int) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(at_user_line(f"{name}={steps!r}: give a whole number of 1 or more"))
    return steps
