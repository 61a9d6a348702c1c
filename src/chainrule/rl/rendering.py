"""Episodes as pictures: GIF files, and texts for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, UnsupportedError, at_user_line
from ..files import write_atomically
from ..lazy import LazyModule
from ..typing import Array
from .algorithms.environments import resolve_environment
from .environments import ENVIRONMENTS, Environment
from .environments.registry import NAMESPACE
from .evaluation import EpisodeResults
from .loops.copies import SingleCopies, gymnasium

pil_image = LazyModule("PIL.Image", extra="images")
adapters = LazyModule("chainrule.rl.environments.gymnasium_env", extra="rl")

PICTURES, TEXTS = "rgb_array", "ansi"  # Gymnasium's render modes
_MOST_FPS = 50  # GIF counts hundredths of a second, and viewers slow down what is faster
_HUNDREDTH = 10  # milliseconds


class Frame(NamedTuple):
    """What an episode looks like after so many steps.

    Attributes
    ----------
    picture : uint8[height, width, 3] or str
    episode, step : int
        From 0; step 0 is the start.
    total : float
        The return so far.
    ended : bool
        Whether the episode ends here: it is over, cut off, or as long as it may be.
    """

    picture: Any
    episode: int
    step: int
    total: float
    ended: bool


def record_gif(
    model: Any, path: str | Path, env: Any = None, *, n_episodes: int = 1, max_steps: int = 1000,
    deterministic: bool = True, seed: int = 0, fps: float | None = None,
) -> EpisodeResults:  # fmt: skip
    """Write episodes as an animated GIF.

    Parameters
    ----------
    model : Algorithm
    path : str or Path
    env : environment or name, optional
        An environment of `chainrule.rl` or its name; a name of Gymnasium's, or an environment that
        was made with ``render_mode="rgb_array"``. Default: the one of the model's name.
    n_episodes : int
        Default 1.
    max_steps : int
        Where an episode that goes on is left. Default 1000.
    deterministic : bool
        Whether the likeliest action is taken, or one is drawn. Default True.
    seed : int
        Of the environment. Default 0.
    fps : float, optional
        Pictures a second; above 50 some are left out. Default: the environment's ``render_fps``.

    Returns
    -------
    EpisodeResults
        Returns and lengths of the episodes that were recorded.

    Raises
    ------
    UnsupportedError
        If the environment has no pictures.
    ShapeError
        If its observations or actions are not those that the model learned with.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from chainrule import rl
    >>> model = rl.PPO("CartPole-v1", seed=0).learn(5_000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = rl.record_gif(model, Path(folder, "pole.gif"), max_steps=50)
    ...     Path(folder, "pole.gif").read_bytes()[:6]
    b'GIF89a'
    """
    playable = PlayableEpisodes(model, env, PICTURES)
    ends: list[Frame] = []

    def pictures() -> Iterator[Array]:
        for frame in playable.frames(n_episodes, max_steps, deterministic, seed):
            yield frame.picture
            if frame.ended:
                ends.append(frame)

    data = gif(pictures(), playable.fps if fps is None else fps)
    try:
        write_atomically(path, data)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; choose another place"
        ) from error
    return EpisodeResults(
        np.array([frame.total for frame in ends]), np.array([frame.step for frame in ends]), None
    )


def gif(pictures: Iterable[Array], fps: float, width: int | None = None) -> bytes:
    """Return pictures as an animated GIF that begins anew at its end.

    Parameters
    ----------
    pictures : iterable of uint8[height, width, 3]
    fps : float
        Pictures a second; above 50 some are left out.
    width : int, optional
        Pixels that wider pictures are brought to. Default: as they are.

    Raises
    ------
    ValueError
        If there are no pictures, or `fps` is not above 0.
    """
    if not fps > 0:
        raise ValueError(at_user_line(f"fps={fps!r}: give a number above 0"))
    every = ceil(fps / _MOST_FPS)
    images: list[Any] = []
    last = None
    for k, picture in enumerate(pictures):
        last = None if k % every == 0 else picture
        if last is None:
            images.append(_in_256_colors(picture, width))
    if last is not None:  # how it ended is never left out
        images.append(_in_256_colors(last, width))
    if not images:
        raise ValueError(at_user_line("there are no pictures: give one at least"))
    duration = max(2, round(100 * every / fps)) * _HUNDREDTH
    file = BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=duration, loop=0
    )  # fmt: skip
    return file.getvalue()


def _in_256_colors(picture: Array, width: int | None) -> Any:
    """Return an image with colours of its own: a third of the memory and of Pillow's own time."""
    image = pil_image.fromarray(np.asarray(picture, np.uint8))
    if width is not None and image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    return image.quantize(method=pil_image.Quantize.FASTOCTREE, dither=pil_image.Dither.NONE)


class PlayableEpisodes:
    """A model in an environment that can be seen.

    Parameters
    ----------
    model : Algorithm
    env : environment or name, optional
        As for `record_gif`.
    mode : str
        ``"rgb_array"`` or ``"ansi"``.

    Raises
    ------
    UnsupportedError
        If the environment cannot be seen in this way.
    """

    def __init__(self, model: Any, env: Any, mode: str) -> None:
        self.model = model
        self.env, self._is_ours = visible(env, model, mode)
        model.check_spaces(SingleCopies([self.env]))
        metadata = getattr(self.env, "metadata", {})
        self.fps = float(metadata.get("render_fps") or 30)

    def frames(
        self, n_episodes: int, max_steps: int, deterministic: bool = True, seed: int = 0
    ) -> Iterator[Frame]:
        """Play episodes, and yield each step as it looks."""
        for name, number in (("n_episodes", n_episodes), ("max_steps", max_steps)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(at_user_line(f"{name}={number!r}: give a whole number above 0"))
        try:
            for episode in range(n_episodes):
                yield from self._episode(episode, max_steps, deterministic, seed + episode)
        finally:
            if self._is_ours:
                self.env.close()

    def _episode(
        self, episode: int, max_steps: int, deterministic: bool, seed: int
    ) -> Iterator[Frame]:
        observation, _ = self.env.reset(seed=seed)
        yield Frame(self.env.render(), episode, 0, 0.0, False)
        memory, total = None, 0.0
        for step in range(1, max_steps + 1):
            action, memory = self.model.predict(observation, memory, deterministic=deterministic)
            observation, reward, terminated, truncated, _ = self.env.step(action)
            total += float(reward)
            ended = bool(terminated or truncated or step == max_steps)
            yield Frame(self.env.render(), episode, step, total, ended)
            if ended:
                return


def visible(env: Any, model: Any, mode: str) -> tuple[Any, bool]:
    """Return an environment of Gymnasium that can be seen, and whether it was made here."""
    if env is None:
        in_graph = isinstance(model.env, Environment)
        env = model.env if in_graph else model.environment_name
    if env is None:
        raise ValueError(at_user_line("the model does not know its environment: give one"))
    if isinstance(env, str):
        name = env.removeprefix(f"{NAMESPACE}/")
        if name not in ENVIRONMENTS:
            return visible_gymnasium(name, mode), True
        env = resolve_environment(name, None, model.dtype)
    if isinstance(env, Environment):
        if mode not in env.render_modes:
            raise _unseen(type(env).__name__, mode, env.render_modes)
        return adapters.GymnasiumEnv(env, mode), True
    shows = getattr(env, "render_mode", None)
    if shows != mode:
        raise UnsupportedError(
            at_user_line(
                f"the environment's render_mode is {shows!r}: make it with render_mode={mode!r}"
            )
        )
    return env, False


def visible_gymnasium(name: str, mode: str) -> Any:
    """Make an environment of Gymnasium, after a look at what it can show."""
    modes = gymnasium.make(name).unwrapped.metadata.get("render_modes", ())
    if mode not in modes:
        raise _unseen(name, mode, modes)
    return gymnasium.make(name, render_mode=mode)


def _unseen(name: str, mode: str, modes: Sequence[str]) -> UnsupportedError:
    wanted = {PICTURES: "pictures", TEXTS: "text"}[mode]
    there = f"only the render modes {', '.join(modes)}" if modes else "no way to be seen at all"
    method = {PICTURES: "render(state_row)", TEXTS: "render_text(state_row)"}[mode]
    return UnsupportedError(
        at_user_line(
            f"{name} has no {wanted}, {there}: of an environment of yours, define {method}; of "
            f"Gymnasium's, {mode!r} must be among its render_modes"
        )
    )
