"""The report of an epoch, and the result of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

M = TypeVar("M")
StopReason = Literal["epochs", "patience", "callback", "interrupted", "diverged"]


class EpochReport(NamedTuple):
    """The numbers of one epoch, which callbacks receive.

    Attributes
    ----------
    epoch, epochs : int
        The number of the epoch, counted from 1, and the number of all epochs.
    loss : float
        The mean over the training rows, each with the weights before the step of its batch.
    validation_loss, score : float or None
        Computed after the epoch; None without validation rows or `score`. See `fit`.
    improved : bool
        Whether the weights are the best so far.
    samples_per_second : float
        Training rows per second, without the time of the validation.
    model : Module
        The model with the current weights.
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    score: float | None
    improved: bool
    samples_per_second: float
    model: Any

    @property
    def numbers(self) -> dict[str, float]:
        """The epoch's row of the history; runs with equal seeds have equal rows, bit for bit."""
        row: dict[str, float] = {"epoch": self.epoch, "loss": self.loss}
        if self.validation_loss is not None:
            row["validation_loss"] = self.validation_loss
        if self.score is not None:
            row["score"] = self.score
        return row


@dataclass(frozen=True)
class FitResult(Generic[M]):
    """A trained model, and the history of its training.

    Attributes
    ----------
    model : Module
        With the best weights: those of the epoch `best_epoch`.
    history : list of dict
        One row for each epoch: ``epoch``, ``loss``, and ``validation_loss`` and ``score`` if there
        are validation rows and a `score`.
    best_epoch : int
        The epoch of the best weights; 0 stands for the initial weights.
    stop_reason : str
        Why the training ended: ``"epochs"`` (all done), ``"patience"``, ``"callback"``,
        ``"interrupted"`` (Ctrl-C), or ``"diverged"`` (only in the ``result`` of a
        `TrainingError`).
    """

    model: M
    history: list[dict[str, float]]
    best_epoch: int
    stop_reason: StopReason
