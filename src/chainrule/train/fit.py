"""`fit`: train a model until all epochs are done, or a reason to stop early occurs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .. import random, tree
from ..optim import Optimizer, exponential_moving_average
from ..tracebacks import filters_traceback
from .epoch import Augment, Loss
from .loop import Callback, Score, Training
from .progress import Meter
from .result import FitResult
from .rows import (
    Dataset,
    as_dataset,
    check_count,
    count_rows,
    extreme_rows,
    split_dataset,
    take_rows,
)

M = TypeVar("M")


@filters_traceback
def fit(
    model: M,
    x: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer[Any],
    epochs: int = 100,
    batch_size: int = 32,
    validation_data: Dataset | None = None,
    validation_fraction: float = 0.0,
    patience: int | None = None,
    seed: int = 0,
    score: Score | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    augment: Augment | None = None,
    ema: float | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_interval: float = 10.0,
) -> FitResult[M]:
    """Train a model on the rows of `x` and `y`.

    Every epoch uses every row once, in a new random order, and runs as one compiled graph. Equal
    seeds give equal weights, bit for bit. The caller's model is not changed.

    Parameters
    ----------
    model : Module
        A callable pytree of arrays; ``model(x)`` maps rows to rows. If it has a method `train`,
        training steps use that method, with new random noise at each step, and take batch
        statistics such as those of `nn.BatchNorm` from its result (see `nn.apply_train`).
    x, y : array, or tree of arrays
        Inputs and targets, one row each along axis 0 of all of them; finite. Floating ones are
        cast to the dtype of the weights, others stay as they are: ``uint8`` images are converted
        by the model, a batch at a time. Weights of rows are a part of y: ``y=(labels, weights)``.
    loss : callable
        ``loss(model(x), y)``, the mean over the rows; see `chainrule.losses`.
    optimizer : Optimizer
        See `chainrule.optim`.
    epochs : int
        The largest number of epochs. Default 100.
    batch_size : int
        Rows of a training step. The last batch of an epoch has the remaining rows. Default 32.
    validation_data : (x, y), optional
        Rows that are not trained on. With validation rows, the result has the weights of the
        highest `score` (of the lowest validation loss among equal scores), or without `score`
        those of the lowest validation loss.
    validation_fraction : float
        The fraction of the rows to use for validation, drawn at random. Default 0: no validation,
        and the result has the weights of the last epoch.
    patience : int, optional
        The number of epochs without better weights after which to stop. Needs validation rows.
    seed : int
        The seed of the shuffling, of the noise and of the validation rows. Default 0.
    score : callable, optional
        ``score(model(x), y)``, where higher is better, such as the accuracy: computed after each
        epoch on the validation rows, or without them on the training rows.
    callbacks : sequence of callable
        Each is called with an `EpochReport` after each epoch; if one returns True, training stops.
    progress : bool
        Whether to show a progress bar in a terminal after 2 s. Default True.
    augment : callable, optional
        ``augment(x, key)`` returns the inputs of a training batch changed at random, and
        ``augment(x, y, key)`` both; see `nn.augmentation`. It runs in the graph.
    ema : float, optional
        The decay of an exponential moving average of the weights, which is then validated and
        returned instead of the weights; see `optim.exponential_moving_average`.
    checkpoint : path, optional
        A file for the state of the training. After a crash or Ctrl-C, the same call resumes from
        it and ends with the same weights, bit for bit. The file is removed at the end. A file of
        another training (other data, weights, or graph of an epoch) is ignored with a warning.
    checkpoint_interval : float
        The least number of seconds between two writes of the checkpoint. Default 10.

    Returns
    -------
    FitResult
        The model with the best weights, the history, and why training stopped; also after Ctrl-C.

    Raises
    ------
    DataError
        If there are no rows, x and y differ in length, or an entry is text or not finite.
    ModelFileError
        If the checkpoint is damaged, or no checkpoint.
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
    >>> bool(result.history[-1]["loss"] < 0.01), result.best_epoch, result.stop_reason
    (True, 100, 'epochs')
    """
    epochs, batch_size = check_count("epochs", epochs, 0), check_count("batch_size", batch_size)
    split_key, shuffle_key = random.split(random.key(seed))
    data = as_dataset(x, y, model)
    validation = None
    if validation_data is not None:
        validation = as_dataset(*validation_data, model, "validation ")
    if validation_fraction:
        if validation is not None:
            raise ValueError("give validation_data or validation_fraction, not both")
        data, validation = split_dataset(data, validation_fraction, split_key)
    if patience is not None:
        patience = check_count("patience", patience)
        if validation is None:
            raise ValueError(
                f"patience={patience} needs validation rows: give validation_data or, for "
                "instance, validation_fraction=0.1"
            )
    for dataset in (data, validation):
        if dataset is not None:
            _check_loss(model, loss, *dataset)
    averager = None if ema is None else exponential_moving_average(ema)
    training = Training(
        model, data, validation, loss, optimizer, batch_size, score, shuffle_key, augment, averager,
        patience,
    )  # fmt: skip
    if checkpoint is not None:
        training.resume(checkpoint, checkpoint_interval)
    with Meter(epochs, progress) as meter:
        first = len(training.history) + 1
        stop_reason = training.run(first, epochs, (meter.show, *callbacks))
    if stop_reason == "interrupted":
        print(
            f"chainrule: interrupted in epoch {len(training.history) + 1}; the weights of epoch "
            f"{training.best.epoch}, the best so far, are kept",
            file=sys.stderr,
        )
    return training.result(stop_reason)


def _check_loss(model: Any, loss: Loss, x: Any, y: Any) -> None:
    """Compute the loss once on plain arrays: values out of range are seen only with numbers.

    The model is applied to the few rows of `extreme_rows`; the loss compares all targets with the
    output for the first row.
    """
    index = extreme_rows(x)
    outputs = model(take_rows(x, index))
    n_rows = count_rows(y)
    if any(np.shape(output)[:1] != index.shape for output in tree.leaves(outputs)):
        loss(model(x), y)  # the model does not map rows to rows: the loss says what is wrong

    def repeated(output: Any) -> Any:
        return np.broadcast_to(output[:1], (n_rows, *output.shape[1:]))

    loss(tree.map(repeated, outputs), y)
