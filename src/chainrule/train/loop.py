"""A training on its way: epoch after epoch, the best weights so far, and its checkpoint."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import inf, isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .. import random, tree
from ..errors import TrainingError
from ..optim import Averager, Optimizer
from ..transforms import jit
from .epoch import Augment, Loss, make_epoch
from .predict import predict
from .result import EpochReport, FitResult, Stopped
from .rows import Rows, count
from .statefile import StateFile

Score = Callable[[Any, Any], float]
Callback = Callable[[EpochReport], "bool | None"]

FORMAT = "chainrule-fit-1"  # of a checkpoint


class Best(NamedTuple):
    """The best weights so far; a larger rank is better."""

    rank: tuple[float, ...]
    epoch: int
    model: Any


class EpochLoop(ABC):
    """Epochs one after another, with callbacks, a checkpoint, and an orderly end on Ctrl-C.

    What an epoch does, when it no longer helps, and what a checkpoint holds is said by the
    subclasses: `run_epoch`, `reason_to_stop` and `save`.
    """

    file: StateFile | None = None

    def run(self, first: int, epochs: int, callbacks: Sequence[Callable[..., Any]]) -> Stopped:
        """Train from one epoch to another, and say why it ended.

        The checkpoint is removed at the end, unless somebody has interrupted the training.
        """
        try:
            stopped = self._run(first, epochs, callbacks)
        except KeyboardInterrupt:
            return "interrupted"
        if self.file is not None:
            self.file.remove()
        return stopped

    def _run(self, first: int, epochs: int, callbacks: Sequence[Callable[..., Any]]) -> Stopped:
        for number in range(first, epochs + 1):
            report = self.run_epoch(number, epochs)
            if True in [callback(report) for callback in callbacks]:
                return "callback"
            if (reason := self.reason_to_stop(report)) is not None:
                return reason
            if self.file is not None and self.file.due():
                self.save(self.file)
        return "epochs"

    @abstractmethod
    def run_epoch(self, number: int, epochs: int) -> EpochReport:
        """Train on all rows once, and report."""

    @abstractmethod
    def reason_to_stop(self, report: EpochReport) -> Stopped | None:
        """Why no further epoch would help; None if one may."""

    @abstractmethod
    def save(self, file: StateFile) -> None:
        """Write all that the training needs to go on."""


class Training(EpochLoop):
    """The weights on their way, and the best so far; see `fit` for the arguments."""

    def __init__(
        self, model: Any, data: Rows, validation: Rows | None, loss: Loss, optimizer: Optimizer,
        batch_size: int, score: Score | None, key: Any, augment: Augment | None = None,
        averager: Averager | None = None, patience: int | None = None,
    ) -> None:  # fmt: skip
        self.data, self.validation, self.score, self.key = data, validation, score, key
        self.averages, self.augmented = averager is not None, augment is not None
        self.patience = patience
        self.epoch = jit(make_epoch(loss, optimizer, batch_size, augment, averager), tiered=True)
        self.loss = jit(loss)
        self.model = tree.map(np.array, model)
        state = optimizer.init(self.model)
        if averager is not None:
            state = (state, averager.init(self.model))
        self.state = tree.map(np.array, state)
        self.best = Best((-inf,), 0, self.model)
        self.history: list[dict[str, float]] = []

    def reason_to_stop(self, report: EpochReport) -> Stopped | None:
        """Whether so many epochs as `patience` says have brought no better weights."""
        waited = report.epoch - self.best.epoch
        return "patience" if self.patience is not None and waited >= self.patience else None

    def run_epoch(self, number: int, epochs: int) -> EpochReport:
        """One epoch and what is to be said of it."""
        start = perf_counter()
        key = random.fold_in(self.key, number)
        model, state, value = self.epoch(self.model, self.state, key, *self.data)
        seconds = perf_counter() - start
        loss, validation_loss, score = float(value), None, None
        shown = state[1].params if self.averages else model
        self._guard(number, "loss", loss)
        self._guard(number, "weights", *[float(np.sum(leaf)) for leaf in tree.leaves(model)])
        if self.validation is not None or self.score is not None:
            x, y = self.data if self.validation is None else self.validation
            outputs = predict(shown, x)
            if self.validation is not None:
                validation_loss = float(self.loss(outputs, y))
                self._guard(number, "validation loss", validation_loss)
            score = None if self.score is None else float(self.score(outputs, y))
        self.model, self.state = model, state
        rank = self._rank(number, validation_loss, score)
        improved = rank > self.best.rank
        report = EpochReport(
            number, epochs, loss, validation_loss, score, improved,
            count(self.data[0]) / max(seconds, 1e-9), shown,
        )  # fmt: skip
        self.history.append(report.numbers)
        if improved:
            self.best = Best(rank, number, shown)
        return report

    def _rank(
        self, number: int, validation_loss: float | None, score: float | None
    ) -> tuple[float, ...]:
        """Larger for better weights."""
        if validation_loss is None:
            return (number,)
        return (-validation_loss,) if score is None else (score, -validation_loss)

    def _guard(self, number: int, what: str, *values: float) -> None:
        if all(map(isfinite, values)):
            return
        shown = next(value for value in values if not isfinite(value))
        look = "" if not self.augmented else ", or see whether the labels that augment makes fit"
        raise TrainingError(
            f"epoch {number}: the {what} became {shown}. Lower the learning rate, scale the "
            f"inputs to about -1 ... 1, or clip the gradients{look}. The weights of epoch "
            f"{self.best.epoch} are kept in this error's .result.model",
            self.result("diverged"),
        )

    def result(self, stopped: Stopped) -> FitResult:
        """The best so far."""
        return FitResult(self.best.model, self.history, self.best.epoch, stopped)

    # Checkpoints

    def resume(self, path: str | Path, interval: float) -> None:
        """Keep the state in a file from now on, and go on where the file says that it was."""
        self.file = StateFile(path, interval, FORMAT, self._mark())
        found = self.file.found()
        if found is None:
            return
        head, arrays = found
        state = self.file.as_tree(arrays, self._state())
        try:
            best = head["best"]
            rank, epoch = tuple(map(float, best["rank"])), int(best["epoch"])
            self.history = [
                {str(name): value for name, value in row.items()} for row in head["history"]
            ]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self.file.damaged(error) from error
        self.model, self.state, model = state
        self.best = Best(rank, epoch, model)

    def _state(self) -> Any:
        """All arrays that change, as one tree."""
        return (self.model, self.state, self.best.model)

    def save(self, file: StateFile) -> None:
        """Write the weights, the optimizer's state, the best weights and the history."""
        best = {"rank": self.best.rank, "epoch": self.best.epoch}
        file.write_tree({"best": best, "history": self.history}, self._state())

    def _mark(self) -> str:
        """A digest of the data, the weights at first, and the graph of an epoch."""
        graph = self.epoch.graph(self.model, self.state, self.key, *self.data)
        digest = hashlib.blake2b(str(graph).encode(), digest_size=16)
        for leaf in tree.leaves((self._state(), self.key, self.data, self.validation)):
            array = np.asarray(leaf)
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
