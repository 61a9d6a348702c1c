"""What a training by reinforcement was asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ChainruleError
from . import rl_settings
from .command_options import command_line


@dataclass
class Run:
    """A training of the command, before, while and after it runs."""

    env: str
    gymnasium: bool
    algorithm: Any
    total_timesteps: int
    seeds: list[int]
    settings: dict[str, Any]
    words: list[str]
    eval_episodes: int
    path: Path
    page: Path | None
    models: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    failure: ChainruleError | None = None
    saved: dict[int, Path] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    baseline: Any = None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        reasons = {model.stop_reason for model in self.models}
        return self.failure is None and not reasons.isdisjoint({None, "interrupted"})

    @property
    def trained(self) -> list[Any]:
        """The models that have learned something."""
        return [model for model in self.models if model.num_timesteps]

    @property
    def n_steps(self) -> int:
        """Steps of all trainings together."""
        return sum(model.num_timesteps for model in self.models)

    def environment(self) -> Any:
        """The environment as an algorithm's constructor takes it."""
        return rl_settings.environment(self.env, self.gymnasium)

    def path_of(self, seed: int) -> Path:
        """Where the model of a seed goes."""
        if len(self.seeds) == 1:
            return self.path
        return self.path.with_name(f"{self.path.stem}-seed{seed}{self.path.suffix}")

    def command(self, output: Path | None) -> str:
        """The command that trains the same again."""
        return command_line(["chainrule", "rl", "train", self.env], {
            "algo": rl_settings.option_name(self.algorithm),
            "total-timesteps": self.total_timesteps, "seed": self.seeds[0],
            "seeds": len(self.seeds) if len(self.seeds) > 1 else None,
            "set": tuple(self.words), "gymnasium": self.gymnasium,
            "eval-episodes": self.eval_episodes, "output": output,
        })  # fmt: skip


def policies(run: Run) -> Sequence[tuple[str, Any]]:
    """Each policy's name and results, random actions last."""
    name = run.algorithm.__name__
    several = len(run.seeds) > 1
    rows = [
        (f"{name}, seed {seed}" if several else name, results)
        for seed, results in run.results.items()
    ]
    return [*rows, ("random actions", run.baseline)]


def reward_threshold(run: Run) -> float | None:
    """The mean return from which the task counts as solved, if one is agreed on."""
    environment = run.models[0].env
    if rl_settings.is_in_graph(run.env, run.gymnasium):
        threshold: float | None = environment.reward_threshold
        return threshold
    name = run.models[0].environment_name
    spec = rl_settings.gymnasium.registry.get(name)
    return None if spec is None else spec.reward_threshold
