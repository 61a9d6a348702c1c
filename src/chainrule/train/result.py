"""What a training tells: a report an epoch, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

StopReason = Literal["epochs", "patience", "callback", "interrupted", "diverged"]


@dataclass(frozen=True)
class EpochReport:
    """What a callback is told after an epoch.

    Attributes
    ----------
    epoch, epochs : int
        Which one it was, counted from 1, and of how many.
    loss : float
        Mean over the training rows, each as it was when its batch was met.
    validation_loss, score : float or None
        After the epoch; None if not asked for. See `fit`.
    improved : bool
        Whether the weights are the best so far.
    samples_per_second : float
        Training rows by time, validation not counted.
    model : Module
        The present weights.
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
        """The row of the history: what a second run of the same seed repeats bit for bit."""
        row: dict[str, float] = {"epoch": self.epoch, "loss": self.loss}
        if self.validation_loss is not None:
            row["validation_loss"] = self.validation_loss
        if self.score is not None:
            row["score"] = self.score
        return row


@dataclass(frozen=True)
class FitResult:
    """A trained model and how it came about.

    Attributes
    ----------
    model : Module
        With the best weights: those of the epoch `best_epoch`.
    history : list of dict
        A row an epoch: ``epoch``, ``loss``, and if asked for ``validation_loss``, ``score``.
    best_epoch : int
        0 for the weights that the training began with.
    stop_reason : str
        Why it ended: ``"epochs"`` (all done), ``"patience"``, ``"callback"``, ``"interrupted"``
        (Ctrl-C), or ``"diverged"`` (only on a `TrainingError`'s ``result``).
    """

    model: Any
    history: list[dict[str, float]]
    best_epoch: int
    stop_reason: StopReason
