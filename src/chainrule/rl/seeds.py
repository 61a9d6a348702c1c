"""Several trainings that differ in their seeds: compiled once, run at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import Any

import numpy as np

from ..backends import get_num_threads
from ..config import configured
from ..errors import ChainruleError, at_user_line
from .algorithms.base import Algorithm
from .algorithms.settings import is_whole
from .algorithms.training import StepsBar, deferred_interrupts
from .environments import Environment

_LARGEST_SEED = 2**32 - 1
_SECONDS_PER_LOOK = 0.05  # at Ctrl-C and the bar


def learn_seeds(
    algorithm: type[Algorithm], env: Any, total_timesteps: int, seeds: int | Sequence[int] = 5, *,
    progress_bar: bool = True, **settings: Any,
) -> list[Algorithm]:  # fmt: skip
    """Train once with each of several seeds, and return the models.

    Where the environment runs in the graph, one compiled program serves all of them, and trainings
    run at the same time, one on each CPU; else one follows the other. Each model has the bits that
    it has when it is trained alone.

    Parameters
    ----------
    algorithm : type
        Such as `PPO`.
    env : environment, name or callable
        As for `PPO`; of Gymnasium a name, or a function that makes an environment.
    total_timesteps : int
        Of each training.
    seeds : int or sequence of int
        A number k means the seeds 0 to k - 1. Default 5.
    progress_bar : bool
        Whether to show a bar over the steps of all. Default True.
    **settings
        Of the algorithm.

    Returns
    -------
    list of Algorithm
        In the order of the seeds, each with its ``history``. After Ctrl-C those that were not
        begun have none.

    Raises
    ------
    ValueError
        If a seed is no whole number from 0 to 4294967295, or comes twice; if `env` is one
        environment of Gymnasium, which can learn for one model only.
    ChainruleError
        As from `Algorithm.learn`; the message names the seed, and the other trainings end.

    Examples
    --------
    >>> from chainrule import rl
    >>> models = rl.learn_seeds(rl.PPO, "CartPole-v1", 20_000, seeds=3)
    >>> [model.seed for model in models]
    [0, 1, 2]
    >>> min(model.history[-1]["ep_rew_mean"] for model in models) > 100
    True
    """
    models = models_of_seeds(algorithm, env, seeds, **settings)
    learn_together(models, total_timesteps, progress_bar=progress_bar)
    return models


def models_of_seeds(
    algorithm: type[Algorithm], env: Any, seeds: int | Sequence[int], **settings: Any
) -> list[Algorithm]:
    """Make a model for each seed; they share what is compiled. See `learn_seeds`."""
    numbers = _checked(seeds)
    if not (isinstance(env, (str, Environment)) or callable(env)) and len(numbers) > 1:
        raise ValueError(
            at_user_line(
                f"{type(env).__name__} is one environment, and {len(numbers)} models learn: give "
                "its name, or a function that makes one"
            )
        )
    make: Any = algorithm
    models: list[Algorithm] = [make(env, seed=seed, **settings) for seed in numbers]
    for model in models[1:]:
        model.share_compiled(models[0])
    return models


class Reports:
    """A callback that does nothing: the history has a row every so many steps, or more often."""

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def __call__(self, model: Algorithm) -> None:
        """Go on."""


def learn_together(
    models: Sequence[Algorithm], total_timesteps: int, callback: Any = None, *,
    progress_bar: bool = True,
) -> None:  # fmt: skip
    """Train models that `models_of_seeds` made; see `learn_seeds`.

    The callback, if any, is called with each model, by several threads.
    """
    if len(models) > 1 and isinstance(models[0].env, Environment):
        _at_the_same_time(models, total_timesteps, callback, progress_bar)
        return
    for model in models:
        try:
            model.learn(total_timesteps, callback, progress_bar=progress_bar)
        except ChainruleError as error:
            raise _of_seed(model, error) from error
        if model.stop_reason == "interrupted":
            return


def _at_the_same_time(
    models: Sequence[Algorithm], total_timesteps: int, callback: Any, progress_bar: bool
) -> None:
    """Train in threads; native code lets them run at once."""
    is_compiled, stops = Event(), Event()

    def report(_: Algorithm) -> bool:
        is_compiled.set()
        return stops.is_set()

    callbacks = [report] if callback is None else [report, callback]

    def learn(model: Algorithm) -> None:
        if stops.is_set():
            return
        try:
            with configured(num_threads=1):
                model.learn(total_timesteps, callbacks, progress_bar=False)
        except BaseException:
            stops.set()
            raise
        finally:
            is_compiled.set()
        if model.stop_reason == "callback":
            model.stop_reason = "interrupted"

    n_workers = min(len(models), get_num_threads())
    with (
        ThreadPoolExecutor(n_workers, "chainrule-seed") as pool,
        StepsBar(progress_bar) as bar, deferred_interrupts() as interrupted,
    ):  # fmt: skip
        try:
            futures = [pool.submit(copy_context().run, learn, models[0])]
            while not is_compiled.wait(_SECONDS_PER_LOOK):  # the others would compile the same
                if interrupted():
                    stops.set()
            futures += [pool.submit(copy_context().run, learn, model) for model in models[1:]]
            pending: set[Future[None]] = set(futures)
            while pending:
                _, pending = wait(pending, timeout=_SECONDS_PER_LOOK)
                if interrupted():
                    stops.set()
                rows = [model.history[-1] for model in models if model.history]
                if rows:
                    bar.show(_summed(rows), total_timesteps * len(models))
        finally:
            stops.set()
    for model, future in zip(models, futures, strict=True):
        error = future.exception()
        if isinstance(error, ChainruleError):
            raise _of_seed(model, error) from error
        future.result()


def _summed(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the report of all trainings together, for the bar."""
    return {
        "num_timesteps": sum(row["num_timesteps"] for row in rows),
        "ep_rew_mean": float(np.mean([row["ep_rew_mean"] for row in rows])),
        "ep_len_mean": float(np.mean([row["ep_len_mean"] for row in rows])),
        "fps": sum(row["fps"] for row in rows),
    }


def _checked(seeds: int | Sequence[int]) -> list[int]:
    if isinstance(seeds, (int, np.integer)) and is_whole(seeds) and seeds > 0:
        return list(range(int(seeds)))
    numbers = list(seeds) if isinstance(seeds, (list, tuple, range, np.ndarray)) else []
    if not numbers or not all(is_whole(x) and 0 <= x <= _LARGEST_SEED for x in numbers):
        raise ValueError(
            at_user_line(
                f"seeds={seeds!r:.60}: give how many, or a list of whole numbers from 0 to "
                f"{_LARGEST_SEED}"
            )
        )
    if len(set(map(int, numbers))) < len(numbers):
        raise ValueError(at_user_line(f"seeds={seeds!r:.60}: one comes twice, which trains twice"))
    return [int(x) for x in numbers]


def _of_seed(model: Algorithm, error: ChainruleError) -> ChainruleError:
    return type(error)(f"seed {model.seed}: {error}")
