"""A training from its first round to its last: reports, callbacks, checkpoints, Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from math import ceil, isnan
from pathlib import Path
from re import sub
from time import perf_counter
from typing import Any

import numpy as np

from ... import tree
from ...errors import TrainingError
from ...train.checkpoint_file import CheckpointFile
from ...train.progress import ProgressBar
from ..loops.statistics import summary
from .settings import to_json

SECONDS_PER_CALL = 0.1  # of native code, between two looks at callbacks and Ctrl-C
FORMAT = "chainrule-rl-checkpoint-1"


class Training:
    """One call of `learn`.

    Parameters
    ----------
    model : Algorithm
    loop : CompiledLoop or SteppedLoop
    total_timesteps : int
    callbacks : sequence of callable
    progress_bar : bool
    """

    def __init__(
        self, model: Any, loop: Any, total_timesteps: int, callbacks: Sequence[Callable[..., Any]],
        progress_bar: bool,
    ) -> None:  # fmt: skip
        self.model, self.loop, self.callbacks = model, loop, callbacks
        self.total_timesteps = self.target = total_timesteps
        self.steps_per_round = model.agent.steps_per_round * model.agent.n_envs
        self.bar = StepsBar(progress_bar)
        self.seconds_per_round = 0.0

    def run(self, reset: bool, checkpoint: Path | None, interval: float) -> str:
        """Train; return why the training ended."""
        file = None if checkpoint is None else self._file(checkpoint, interval, reset)
        stored = None if file is None else file.load()
        if file is not None and stored is not None:
            self._resume(file, *stored)
        else:
            self.target = self.total_timesteps + (0 if reset else self.loop.num_timesteps)
            self.loop.prepare(self.total_timesteps, reset)
            if reset:
                self.model.history = []
            self._warn_of_random_actions()
        with self.bar, deferred_interrupts() as interrupted:
            reason = self._rounds(file, interrupted)
        if file is not None:
            if reason == "interrupted":
                self._write(file)
            else:
                file.remove()
        return reason

    def _warn_of_random_actions(self) -> None:
        starts = getattr(self.model.agent, "learning_starts", 0)
        if self.target <= starts:
            warnings.warn(
                f"nothing is learned: {type(self.model).__name__} acts at random for the first "
                f"learning_starts={starts:,} steps, and the training ends after {self.target:,}",
                stacklevel=4,
            )

    def _rounds(self, file: CheckpointFile | None, interrupted: Callable[[], bool]) -> str:
        target = self.target
        n_timesteps = start = self.loop.num_timesteps
        due = {k: self._next_call(c, n_timesteps) for k, c in enumerate(self.callbacks)}
        began = perf_counter()
        while n_timesteps < target:
            goal = min([target, *(steps for steps in due.values() if steps)])
            n_rounds = self._rounds_until(goal - n_timesteps)
            before = perf_counter()
            metrics, episodes, number = self.loop.run(n_rounds)
            now = perf_counter()
            self.seconds_per_round = (now - before) / n_rounds
            n_timesteps = int(number)
            report = {
                "num_timesteps": n_timesteps, **summary(episodes),
                "fps": (n_timesteps - start) / (now - began),
                **{name: float(value) for name, value in metrics.items()},
            }  # fmt: skip
            self._check(report)
            self.model.history.append(report)
            self.bar.show(report, target)
            if self._call(due, n_timesteps):
                return "callback"
            if interrupted():
                return "interrupted"
            if file is not None and file.is_due():
                self._write(file)
        return "total_timesteps"

    def _rounds_until(self, n_timesteps: int) -> int:
        """Return how many rounds to run in one call: up to a goal, and not for long."""
        wanted: int = max(1, ceil(n_timesteps / self.steps_per_round))
        if not self.seconds_per_round:
            return 1  # which compiles
        for_a_while = int(SECONDS_PER_CALL / self.seconds_per_round)
        return max(1, min(wanted, for_a_while))

    @staticmethod
    def _next_call(callback: Any, n_timesteps: int) -> int:
        """Return the number of steps at which to call it; 0 to call it after each report."""
        interval: int | None = getattr(callback, "interval", None)
        return (n_timesteps // interval + 1) * interval if interval else 0

    def _call(self, due: dict[int, int], n_timesteps: int) -> bool:
        """Call the callbacks that are due; return whether one of them ends the training."""
        ends = False
        for k, callback in enumerate(self.callbacks):
            if n_timesteps >= due[k]:
                ends = callback(self.model) is True or ends
                due[k] = self._next_call(callback, n_timesteps)
        return ends

    def _check(self, report: dict[str, float]) -> None:
        """Raise if a loss is infinite, or nan after it was a number."""
        past = self.model.history[-1] if self.model.history else {}
        for name in self.model.agent.metric_names:
            value = report[name]
            if name == "explained_variance":  # nan where all returns are equal
                continue
            if value in (np.inf, -np.inf) or (isnan(value) and not isnan(past.get(name, value))):
                raise TrainingError(
                    f"{name} is {value} after {int(report['num_timesteps']):,} steps: take a lower "
                    "learning_rate, or normalize_rewards=True"
                )

    # Checkpoints

    def _file(self, path: Path, interval: float, reset: bool) -> CheckpointFile:
        model = self.model
        identity = json.dumps(
            [type(model).__name__, model.environment_name, model.environment_settings,
             to_json(model.settings), model.seed, str(model.dtype), self.total_timesteps, reset,
             str(tree.structure(self.loop.state))]
        )  # fmt: skip
        identity = sub(r" at 0x[0-9a-f]+", "", identity)  # functions are elsewhere next time
        return CheckpointFile(path, interval, FORMAT, sha256(identity.encode()).hexdigest())

    def _write(self, file: CheckpointFile) -> None:
        header = {
            "target": self.target, "history": [_without_nan(row) for row in self.model.history],
        }  # fmt: skip
        file.write_tree(header, (self.loop.state, self.loop.counts))

    def _resume(self, file: CheckpointFile, header: Any, arrays: Any) -> None:
        """Go on from a checkpoint."""
        state, counts = file.as_tree(arrays, (self.loop.state, self.loop.counts))
        try:
            target, history = int(header["target"]), [_with_nan(row) for row in header["history"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise file.damaged(error) from error
        self.target, self.model.history = target, history
        self.loop.state = state
        self.loop.counts = counts


def _without_nan(row: dict[str, float]) -> dict[str, float | None]:
    return {name: None if isnan(value) else value for name, value in row.items()}


def _with_nan(row: dict[str, float | None]) -> dict[str, float]:
    return {name: float("nan") if value is None else value for name, value in row.items()}


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], bool]]:
    """Have Ctrl-C end the training after the call that runs; a second one raises at once.

    A native loop that is stopped in its middle leaves the state half changed, so the first one
    only leaves a note.
    """
    notes: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return

    def note(number: int, frame: Any) -> None:
        notes.append(number)
        if len(notes) > 1:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(notes)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class StepsBar(ProgressBar):
    """A bar over the steps of the environment."""

    def __init__(self, enabled: bool) -> None:
        super().__init__("{task.completed:,.0f}/{task.total:,.0f} steps", enabled)

    def show(self, report: dict[str, float], target: int) -> None:
        """Update the bar after a report."""
        if self.is_due:
            self.update(report["num_timesteps"], target, numbers(report))


def numbers(report: dict[str, float]) -> str:
    """Return the text of the bar: ``return 187.3  length 187  52,100 steps/s  entropy 0.51``."""
    parts = [
        f"return {report['ep_rew_mean']:.4g}", f"length {report['ep_len_mean']:.4g}",
        f"{report['fps']:,.0f} steps/s",
    ]  # fmt: skip
    reported = ("entropy", "explained_variance", "loss", "critic_loss", "policy_loss")
    parts += [f"{name} {report[name]:.3g}" for name in reported if name in report]
    return "  ".join(parts)
