"""A training by reinforcement as a `ReinforcementReport`."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..lazy import LazyModule
from ..report import ReinforcementReport, render_reinforcement, write_page
from ..version import __version__
from . import rl_settings
from .keeping import write_somewhere
from .models import layers_of_module
from .rl_run import Run, policies, reward_threshold
from .rl_settings import EVALUATION_SEED

rendering = LazyModule("chainrule.rl.rendering")

_MOST_FRAMES = 100  # of the film
_FILM_WIDTH = 300  # pixels
_FILM_FPS = 12.0
_MOST_STEPS = 1000  # of the episode in the film
LIMITATIONS = (
    "The evaluation takes the likeliest action in episodes that begin as those of the training do: "
    "of other starts, other physics or another environment it promises nothing.\n\n"
    "One seed is one draw: trainings that differ in their seeds alone can differ more than two "
    "algorithms do. Compare several (--seeds)."
)


def report(run: Run, command: str) -> ReinforcementReport:
    """The report of a training that was evaluated."""
    model = run.trained[0]
    in_graph = rl_settings.is_in_graph(run.env, run.gymnasium)
    picture, caption = _film(run, model)
    columns = policies(run)
    return ReinforcementReport(
        environment=run.env, algorithm=run.algorithm.__name__, date=date.today().isoformat(),
        histories={model.seed: model.history for model in run.trained},
        returns={name: results.returns for name, results in columns},
        lengths={name: results.lengths for name, results in columns},
        threshold=reward_threshold(run), settings=_settings(run, model),
        dataset={
            "environment": rl_settings.where_it_runs(run.env, run.gymnasium),
            "observation": str(model.agent.observation), "action": str(model.agent.action),
            "steps of each training": model.num_timesteps,
            "seeds": ", ".join(str(each.seed) for each in run.trained),
            "seconds": f"{run.seconds:.1f}",
        },
        layers=[(layer.name, layer.shape, layer.parameters)
                for layer in layers_of_module(model.policy)],
        versions=_versions(in_graph), film=picture, film_caption=caption,
        limitations=LIMITATIONS, command=command,
    )  # fmt: skip


def write(page: Path, report: ReinforcementReport) -> Path:
    """Write a report as a page, and return where it lies in the end."""
    text = render_reinforcement(report)
    return write_somewhere(page, lambda path: write_page(path, text))


def _settings(run: Run, model: Any) -> list[tuple[str, object, str]]:
    """Each setting, its value, and where that comes from."""
    rows: list[tuple[str, object, str]] = []
    for name, value in model.settings.items():
        if name in run.settings:
            source = "--set"
        elif model.tuning is not None and name in model.tuning.settings:
            source = model.tuning.source
        else:
            source = f"default of {run.algorithm.__name__}"
        rows.append((name, _text(value), source))
    return rows


def _text(value: Any) -> str:
    """A setting as it is written in Python."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(x)}" for name, x in value.items()) or "{}"
    return getattr(value, "__name__", None) or repr(value)


def _film(run: Run, model: Any) -> tuple[bytes, str]:
    """An episode as a small GIF, and what it shows; nothing where there are no pictures."""
    try:
        env: Any = run.env
        if run.gymnasium:
            env = rendering.visible_gymnasium(run.env, rendering.PICTURES)
        playable = rendering.PlayableEpisodes(model, env, rendering.PICTURES)
    except UnsupportedError:
        return b"", ""
    frames, every = _thinned(playable.frames(1, _MOST_STEPS, True, EVALUATION_SEED))
    last = frames[-1]
    picture = rendering.gif((frame.picture for frame in frames), _FILM_FPS, _FILM_WIDTH)
    steps = "step" if every == 1 else f"{every} steps"
    caption = (
        f"An episode of the trained policy, seed {model.seed}: return {last.total:.4g} in "
        f"{last.step} steps; a picture every {steps}"
    )
    return picture, caption


def _thinned(frames: Iterable[Any]) -> tuple[list[Any], int]:
    """Evenly spaced frames and how many steps lie between them; the last one is among them."""
    every = 1
    chosen: list[Any] = []
    for frame in frames:
        if frame.step % every == 0 or frame.ended:
            chosen.append(frame)
        if len(chosen) > _MOST_FRAMES:
            every *= 2
            chosen = [each for each in chosen if each.step % every == 0 or each.ended]
    return chosen, every


def _versions(in_graph: bool) -> dict[str, str]:
    """The versions of all that the numbers depend on."""
    versions = {
        "chainrule": __version__, "Python": platform.python_version(), "NumPy": np.__version__,
    }  # fmt: skip
    if not in_graph:
        versions["Gymnasium"] = version("gymnasium")
    return versions
