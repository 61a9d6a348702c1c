"""`chainrule rl watch`: episodes of a trained policy, as pictures or as text."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.text import Text

from .. import escape
from ..errors import UnsupportedError
from ..lazy import LazyModule
from . import keeping, rl_settings
from .console import console
from .options import Model, stem
from .rl_evaluate import Environment, environment_of
from .rl_settings import EVALUATION_SEED, Gymnasium

rendering = LazyModule("chainrule.rl.rendering")

_SECONDS_PER_TEXT = 0.25  # on a terminal


def watch(
    model: Model,
    env: Environment = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.gif",
            help="Where to write pictures. [default: text in the terminal where there is one, else "
            "MODEL's name.gif]",
        ),
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the environment.")] = (
        EVALUATION_SEED
    ),
    max_steps: Annotated[int, typer.Option(min=1, help="Where an episode is left.")] = 1000,
    gymnasium: Gymnasium = False,
) -> None:
    """Watch a trained policy: as an animated GIF, or as text where the environment has one.

    **Examples**

    `chainrule rl watch ppo-CartPole-v1.safetensors --out pole.gif`

    `chainrule rl watch dqn-FrozenLake-v1.safetensors`
    """
    loaded = rl_settings.load_model(model)
    name = environment_of(loaded, env)
    with rl_settings.mistakes(name):
        texts = _texts(loaded, name, gymnasium) if out is None else None
        if texts is not None:
            _show(texts, episodes, max_steps, seed)
            return
        target = Path(f"{stem(model)}.gif") if out is None else out
        keeping.check_writable(target, "--out")
        playable = _playable(loaded, name, gymnasium, rendering.PICTURES)
        frames = playable.frames(episodes, max_steps, True, seed)
        ends: list[Any] = []
        data = rendering.gif(_noting_ends(frames, ends), playable.fps)
    written = keeping.write(target, data, "--out")
    say = console().say
    for frame in ends:
        say(f"episode {frame.episode + 1}: return {frame.total:.4g} in {frame.step} steps")
    say(f"wrote {written}")
    keeping.leave(False, (target, written))


def _noting_ends(frames: Any, ends: list[Any]) -> Any:
    """The pictures of frames; those that end an episode are added to a list."""
    for frame in frames:
        yield frame.picture
        if frame.ended:
            ends.append(frame)


def _playable(model: Any, name: str, of_gymnasium: bool, mode: str) -> Any:
    env = rendering.visible_gymnasium(name, mode) if of_gymnasium else name
    return rendering.PlayableEpisodes(model, env, mode)


def _texts(model: Any, name: str, of_gymnasium: bool) -> Any:
    """Episodes as text, or None where the environment has none."""
    if of_gymnasium:
        return None
    try:
        return _playable(model, name, False, rendering.TEXTS)
    except UnsupportedError:
        return None


def _show(playable: Any, episodes: int, max_steps: int, seed: int) -> None:
    """Print each step; on a terminal one over the other."""
    screen = console()
    live = Live(console=screen, auto_refresh=False) if screen.is_terminal else None
    with live or nullcontext():
        for frame in playable.frames(episodes, max_steps, True, seed):
            head = f"episode {frame.episode + 1}, step {frame.step}, return {frame.total:.4g}"
            lines = [escape.terminal(line) for line in frame.picture.rstrip("\n").split("\n")]
            text = Text("\n".join([head, *lines, ""]))
            if live is None:
                screen.print(text)
            else:
                live.update(text, refresh=True)
                sleep(_SECONDS_PER_TEXT)
