"""`fit`: epochs until they are done, no longer help, or somebody asks to stop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import inf, isfinite
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import random, tree
from ..errors import TrainingError
from ..optim import Optimizer
from ..transforms import jit
from .epoch import Loss, make_epoch
from .predict import CHUNK, mean_loss
from .progress import Meter
from .result import EpochReport, FitResult, Stopped
from .rows import Rows, hold_out, rows, whole

M = TypeVar("M")
Score = Callable[[Any, Any], float]
Callback = Callable[[EpochReport], "bool | None"]


def fit(
    model: M,
    x: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 100,
    batch_size: int = 32,
    validation_data: Rows | None = None,
    validation_fraction: float = 0.0,
    patience: int | None = None,
    seed: int = 0,
    score: Score | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> FitResult:
    """Train a model on the rows of `x` and `y`.

    Every epoch meets every row once, in an order drawn anew, and runs as one compiled graph.
    The same seed gives the same weights bit for bit. The caller's model is left as it is.

    Parameters
    ----------
    model : Module
        A callable pytree of arrays; ``model(x)`` maps rows to rows.
    x, y : array
        Inputs and targets, one row each along axis 0; finite. Floating ones are cast to the
        dtype of the weights.
    loss : callable
        ``loss(model(x), y)``, the mean over the rows; see `chainrule.losses`.
    optimizer : Optimizer
        See `chainrule.optim`.
    epochs : int
        How often to meet all rows, at most. Default 100.
    batch_size : int
        Rows a step. The last batch of an epoch holds the remainder. Default 32.
    validation_data : (x, y), optional
        Rows that are not trained on. With them the best weights are kept: those of the highest
        `score` (of equal ones, of the lowest loss), or without `score` of the lowest loss.
    validation_fraction : float
        Part of the rows to set aside at random for validation instead. Default 0: none, and the
        weights of the last epoch count as the best.
    patience : int, optional
        Stop after so many epochs without better weights. Needs validation rows.
    seed : int
        Of the shuffling and of the validation rows. Default 0.
    score : callable, optional
        ``score(model(x), y)``, higher is better: a number to report an epoch, such as the
        accuracy; of the validation rows if there are any, else of the training rows.
    callbacks : sequence of callable
        Each is told an `EpochReport` after each epoch; one that returns True ends the training.
    progress : bool
        Show a bar in a terminal when it takes over 2 s. Default True.

    Returns
    -------
    FitResult
        The model with the best weights, the history, and why it stopped. After Ctrl-C, too.

    Raises
    ------
    DataError
        If there are no rows, x and y differ in length, or an entry is text or not finite.
    TrainingError
        If the loss or a weight is no longer finite; its ``result`` holds the best weights.
    ValueError
        If a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses, nn, optim, random
    >>> x = np.linspace(-1.0, 1.0, 50).reshape(50, 1)
    >>> model = nn.MLP(1, (16,), 1, np.tanh, key=random.key(0))
    >>> settings = {"loss": losses.squared_error, "optimizer": optim.adam(0.02)}
    >>> result = fit(model, x, x**2, batch_size=10, **settings)
    >>> bool(result.history[-1]["loss"] < 0.01), result.best_epoch, result.stopped
    (True, 100, 'epochs')
    """
    epochs, batch_size = whole(epochs, "epochs", 0), whole(batch_size, "batch_size")
    split_key, shuffle_key = random.split(random.key(seed))
    data = rows(x, y, model)
    validation = None
    if validation_data is not None:
        validation = rows(*validation_data, model, "validation ")
    if validation_fraction:
        if validation is not None:
            raise ValueError("give validation_data or validation_fraction, not both")
        data, validation = hold_out(data, validation_fraction, split_key)
    if patience is not None:
        patience = whole(patience, "patience")
        if validation is None:
            raise ValueError(
                f"patience={patience} needs validation rows: give validation_data or, for "
                "instance, validation_fraction=0.1"
            )
    for given in (data, validation):
        if given is not None:
            _try(model, loss, *given)
    training = _Training(model, data, validation, loss, optimizer, batch_size, score, shuffle_key)
    with Meter(epochs, progress) as meter:
        stopped = training.run(epochs, patience, (meter.show, *callbacks))
    if stopped == "interrupted":
        print(
            f"chainrule: interrupted in epoch {len(training.history) + 1}; the weights of epoch "
            f"{training.best.epoch}, the best so far, are kept",
            file=sys.stderr,
        )
    return training.result(stopped)


def _try(model: Any, loss: Loss, x: Any, y: Any) -> None:
    """Compute the loss once on plain arrays: labels out of range are seen only with numbers."""
    for start in range(0, len(x), CHUNK):
        chunk = slice(start, start + CHUNK)
        loss(model(x[chunk]), y[chunk])


class _Best(NamedTuple):
    rank: tuple[float, ...]
    epoch: int
    model: Any


class _Training:
    """The weights on their way, and the best so far."""

    def __init__(
        self, model: Any, data: Rows, validation: Rows | None, loss: Loss, optimizer: Optimizer,
        batch_size: int, score: Score | None, key: Any,
    ) -> None:  # fmt: skip
        self.data, self.validation, self.score, self.key = data, validation, score, key
        self.epoch = jit(make_epoch(loss, optimizer, batch_size), quick_start=True)
        self.mean_loss = mean_loss(loss)
        self.model = tree.map(np.array, model)
        self.state = tree.map(np.array, optimizer.init(self.model))
        self.best = _Best((-inf,), 0, self.model)
        self.history: list[dict[str, float]] = []

    def run(
        self, epochs: int, patience: int | None, callbacks: Sequence[Callable[..., Any]]
    ) -> Stopped:
        """Train; says why it ended."""
        try:
            for number in range(1, epochs + 1):
                report = self.turn(number, epochs)
                answers = [callback(report) for callback in callbacks]
                if True in answers:
                    return "callback"
                if patience is not None and number - self.best.epoch >= patience:
                    return "patience"
        except KeyboardInterrupt:
            return "interrupted"
        return "epochs"

    def turn(self, number: int, epochs: int) -> EpochReport:
        """One epoch and what is to be said of it."""
        start = perf_counter()
        key = random.fold_in(self.key, number)
        model, state, value = self.epoch(self.model, self.state, key, *self.data)
        seconds = perf_counter() - start
        loss, validation_loss, score = float(value), None, None
        self._guard(number, "loss", loss)
        self._guard(number, "weights", *[float(np.sum(leaf)) for leaf in tree.leaves(model)])
        if self.validation is not None or self.score is not None:
            x, y = self.data if self.validation is None else self.validation
            measured, outputs = self.mean_loss(model, x, y)
            if self.validation is not None:
                validation_loss = measured
                self._guard(number, "validation loss", measured)
            score = None if self.score is None else float(self.score(outputs, y))
        self.model, self.state = model, state
        rank = self._rank(number, validation_loss, score)
        improved = rank > self.best.rank
        report = EpochReport(
            number, epochs, loss, validation_loss, score, improved,
            len(self.data[0]) / max(seconds, 1e-9), model,
        )  # fmt: skip
        self.history.append(report.numbers)
        if improved:
            self.best = _Best(rank, number, model)
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
        raise TrainingError(
            f"epoch {number}: the {what} became {shown}. Lower the learning rate, scale the "
            "inputs to about -1 ... 1, or clip the gradients. The weights of epoch "
            f"{self.best.epoch} are kept in this error's .result.model",
            self.result("diverged"),
        )

    def result(self, stopped: Stopped) -> FitResult:
        """The best so far."""
        return FitResult(self.best.model, self.history, self.best.epoch, stopped)
