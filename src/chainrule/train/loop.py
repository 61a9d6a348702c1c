"""The loop over epochs: the current weights, the best ones so far, and the checkpoint."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import inf, isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from .. import random, tree
from ..errors import TrainingError
from ..optim import Averager, Optimizer
from ..transforms import jit
from .checkpoint_file import CheckpointFile
from .epoch import Augment, Loss, make_epoch
from .predict import predict
from .result import EpochReport, FitResult, StopReason
from .rows import Dataset, count_rows

M = TypeVar("M")
Score = Callable[[Any, Any], float]
Callback = Callable[[EpochReport], "bool | None"]

FORMAT = "chainrule-fit-2"  # of a checkpoint


class Best(NamedTuple):
    """The best weights so far; a larger rank is better."""

    rank: tuple[float, ...]
    epoch: int
    model: Any


class EpochLoop(ABC):
    """A loop over epochs with callbacks, a checkpoint, and an orderly end on Ctrl-C.

    Subclasses define what an epoch does (`run_epoch`), when training should stop early
    (`reason_to_stop`), and what a checkpoint holds (`save`).
    """

    file: CheckpointFile | None = None

    def run(self, first: int, epochs: int, callbacks: Sequence[Callable[..., Any]]) -> StopReason:
        """Train from epoch `first` to epoch `epochs`, and return why the training ended.

        The checkpoint file is removed at the end, unless the training was interrupted.
        """
        try:
            stop_reason = self._run(first, epochs, callbacks)
        except KeyboardInterrupt:
            return "interrupted"
        if self.file is not None:
            self.file.remove()
        return stop_reason

    def _run(self, first: int, epochs: int, callbacks: Sequence[Callable[..., Any]]) -> StopReason:
        for number in range(first, epochs + 1):
            report = self.run_epoch(number, epochs)
            if True in [callback(report) for callback in callbacks]:
                return "callback"
            if (reason := self.reason_to_stop(report)) is not None:
                return reason
            if self.file is not None and self.file.is_due():
                self.save(self.file)
        return "epochs"

    @abstractmethod
    def run_epoch(self, number: int, epochs: int) -> EpochReport:
        """Train on all rows once, and return the epoch's report."""

    @abstractmethod
    def reason_to_stop(self, report: EpochReport) -> StopReason | None:
        """Return why the training should stop after this epoch; None if it should go on."""

    @abstractmethod
    def save(self, file: CheckpointFile) -> None:
        """Write everything that resuming the training needs."""


class Training(EpochLoop, Generic[M]):
    """The training of one model; see `fit` for the arguments."""

    def __init__(
        self, model: M, data: Dataset, validation: Dataset | None, loss: Loss,
        optimizer: Optimizer[Any], batch_size: int, score: Score | None, key: Any,
        augment: Augment | None = None, averager: Averager | None = None,
        patience: int | None = None,
    ) -> None:  # fmt: skip
        self.data, self.validation, self.score, self.key = data, validation, score, key
        self.averages, self.augments = averager is not None, augment is not None
        self.patience = patience
        self.epoch = jit(make_epoch(loss, optimizer, batch_size, augment, averager), tiered=True)
        self.loss = jit(loss)
        self.model: M = tree.map(np.array, model)
        state = optimizer.init(self.model)
        if averager is not None:
            state = (state, averager.init(self.model))
        self.state = tree.map(np.array, state)
        self.best = Best((-inf,), 0, self.model)
        self.history: list[dict[str, float]] = []

    def reason_to_stop(self, report: EpochReport) -> StopReason | None:
        """Stop after `patience` epochs without better weights."""
        epochs_since_best = report.epoch - self.best.epoch
        if self.patience is not None and epochs_since_best >= self.patience:
            return "patience"
        return None

    def run_epoch(self, number: int, epochs: int) -> EpochReport:
        """Train for one epoch, evaluate the weights, and keep them if they are the best so far."""
        start = perf_counter()
        key = random.fold_in(self.key, number)
        model, state, value = self.epoch(self.model, self.state, key, *self.data)
        seconds = perf_counter() - start
        loss, validation_loss, score = float(value), None, None
        evaluated = state[1].params if self.averages else model
        self._check_finite(number, "loss", loss)
        self._check_finite(number, "weights", *[float(np.sum(x)) for x in tree.leaves(model)])
        if self.validation is not None or self.score is not None:
            x, y = self.data if self.validation is None else self.validation
            outputs = predict(evaluated, x)
            if self.validation is not None:
                validation_loss = float(self.loss(outputs, y))
                self._check_finite(number, "validation loss", validation_loss)
            score = None if self.score is None else float(self.score(outputs, y))
        self.model, self.state = model, state
        rank = self._rank(number, validation_loss, score)
        improved = rank > self.best.rank
        report = EpochReport(
            number, epochs, loss, validation_loss, score, improved,
            count_rows(self.data[0]) / max(seconds, 1e-9), evaluated,
        )  # fmt: skip
        self.history.append(report.numbers)
        if improved:
            self.best = Best(rank, number, evaluated)
        return report

    def _rank(
        self, number: int, validation_loss: float | None, score: float | None
    ) -> tuple[float, ...]:
        """Return a tuple that is larger for better weights."""
        if validation_loss is None:
            return (number,)
        return (-validation_loss,) if score is None else (score, -validation_loss)

    def _check_finite(self, number: int, name: str, *values: float) -> None:
        """Raise a TrainingError with the best weights so far if a value is nan or infinite."""
        if all(map(isfinite, values)):
            return
        value = next(value for value in values if not isfinite(value))
        hint = ", or see whether the labels that augment makes fit" if self.augments else ""
        raise TrainingError(
            f"epoch {number}: the {name} became {value}. Lower the learning rate, scale the "
            f"inputs to about -1 ... 1, or clip the gradients{hint}. The weights of epoch "
            f"{self.best.epoch} are kept in this error's .result.model",
            self.result("diverged"),
        )

    def result(self, stop_reason: StopReason) -> FitResult[M]:
        """Return the best weights so far, the history, and why the training ended."""
        return FitResult(self.best.model, self.history, self.best.epoch, stop_reason)

    # Checkpoints

    def resume(self, path: str | Path, interval: float) -> None:
        """Write checkpoints to a file from now on, and load its state if there is one."""
        self.file = CheckpointFile(path, interval, FORMAT, self._fingerprint())
        contents = self.file.load()
        if contents is None:
            return
        header, arrays = contents
        state = self.file.as_tree(arrays, self._arrays())
        try:
            best = header["best"]
            rank, epoch = tuple(map(float, best["rank"])), int(best["epoch"])
            self.history = [
                {str(name): value for name, value in row.items()} for row in header["history"]
            ]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self.file.damaged(error) from error
        self.model, self.state, model = state
        self.best = Best(rank, epoch, model)

    def save(self, file: CheckpointFile) -> None:
        """Write the weights, the optimizer's state, the best weights and the history."""
        best = {"rank": self.best.rank, "epoch": self.best.epoch}
        file.write_tree({"best": best, "history": self.history}, self._arrays())

    def _arrays(self) -> Any:
        """Return all arrays that change during the training as one tree."""
        return (self.model, self.state, self.best.model)

    def _fingerprint(self) -> str:
        """Return a digest of the data, the initial weights, and the graph of an epoch."""
        graph = self.epoch.graph(self.model, self.state, self.key, *self.data)
        digest = hashlib.blake2b(str(graph).encode(), digest_size=16)
        for leaf in tree.leaves((self._arrays(), self.key, self.data, self.validation)):
            array = np.asarray(leaf)
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
