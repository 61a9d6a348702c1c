"""A training on its way: epoch after epoch, the best weights so far, and its checkpoint."""

from __future__ import annotations

import hashlib
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
from .checkpoint_file import CheckpointFile
from .epoch import Augment, Loss, make_epoch
from .predict import predict
from .result import EpochReport, FitResult, StopReason
from .rows import Rows, count

Score = Callable[[Any, Any], float]
Callback = Callable[[EpochReport], "bool | None"]

FORMAT = "chainrule-fit-1"  # of a checkpoint


class Best(NamedTuple):
    """The best weights so far; a larger rank is better."""

    rank: tuple[float, ...]
    epoch: int
    model: Any


class Training:
    """The weights on their way, and the best so far; see `fit` for the arguments."""

    def __init__(
        self, model: Any, data: Rows, validation: Rows | None, loss: Loss, optimizer: Optimizer,
        batch_size: int, score: Score | None, key: Any, augment: Augment | None = None,
        averager: Averager | None = None,
    ) -> None:  # fmt: skip
        self.data, self.validation, self.score, self.key = data, validation, score, key
        self.averages, self.augmented = averager is not None, augment is not None
        self.epoch = jit(
            make_epoch(loss, optimizer, batch_size, augment, averager), quick_start=True
        )
        self.loss = jit(loss)
        self.model = tree.map(np.array, model)
        state = optimizer.init(self.model)
        if averager is not None:
            state = (state, averager.init(self.model))
        self.state = tree.map(np.array, state)
        self.best = Best((-inf,), 0, self.model)
        self.history: list[dict[str, float]] = []
        self.file: CheckpointFile | None = None

    def run(
        self, epochs: int, patience: int | None, callbacks: Sequence[Callable[..., Any]]
    ) -> StopReason:
        """Train; says why it ended."""
        try:
            stop_reason = self._epochs(epochs, patience, callbacks)
        except KeyboardInterrupt:
            return "interrupted"
        if self.file is not None:
            self.file.remove()
        return stop_reason

    def _epochs(
        self, epochs: int, patience: int | None, callbacks: Sequence[Callable[..., Any]]
    ) -> StopReason:
        for number in range(len(self.history) + 1, epochs + 1):
            report = self.turn(number, epochs)
            answers = [callback(report) for callback in callbacks]
            if True in answers:
                return "callback"
            if patience is not None and number - self.best.epoch >= patience:
                return "patience"
            if self.file is not None and self.file.is_due():
                self._save(self.file)
        return "epochs"

    def turn(self, number: int, epochs: int) -> EpochReport:
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

    def result(self, stop_reason: StopReason) -> FitResult:
        """The best so far."""
        return FitResult(self.best.model, self.history, self.best.epoch, stop_reason)

    # Checkpoints

    def resume(self, path: str | Path, interval: float) -> None:
        """Keep the state in a file from now on, and go on where the file says that it was."""
        self.file = CheckpointFile(path, interval, FORMAT, self._mark())
        found = self.file.load()
        if found is None:
            return
        head, arrays = found
        leaves, structure = tree.flatten(self._state())
        kept = [arrays.get(f"{k:05d}") for k in range(len(leaves))]
        for ours, its in zip(leaves, kept, strict=True):
            if its is None or its.shape != np.shape(ours) or its.dtype != np.asarray(ours).dtype:
                raise self.file.damaged("its arrays are of another network")
        try:
            best = head["best"]
            rank, epoch = tuple(map(float, best["rank"])), int(best["epoch"])
            self.history = [
                {str(name): value for name, value in row.items()} for row in head["history"]
            ]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self.file.damaged(error) from error
        self.model, self.state, model = tree.unflatten(structure, kept)
        self.best = Best(rank, epoch, model)

    def _state(self) -> Any:
        """All arrays that change, as one tree."""
        return (self.model, self.state, self.best.model)

    def _save(self, file: CheckpointFile) -> None:
        arrays = {f"{k:05d}": leaf for k, leaf in enumerate(tree.leaves(self._state()))}
        best = {"rank": self.best.rank, "epoch": self.best.epoch}
        file.write({"best": best, "history": self.history}, arrays)

    def _mark(self) -> str:
        """A digest of the data, the weights at first, and the graph of an epoch."""
        graph = self.epoch.graph(self.model, self.state, self.key, *self.data)
        digest = hashlib.blake2b(str(graph).encode(), digest_size=16)
        for leaf in tree.leaves((self._state(), self.key, self.data, self.validation)):
            array = np.asarray(leaf)
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
