"""Members of an ensemble trained together on rows with weights, for a fixed number of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .... import optim, train

Floats = NDArray[np.float64]

BATCH_SIZE = 128
STEPS = 1500  # each of the largest batch; more rows do not need more
LEARNING_RATE = 3e-3


def fold_weights(rows: int, members: int, rng: Any) -> NDArray[np.float32]:
    """Which rows each member learns from, shape (rows, members): one member leaves a row out.

    Examples
    --------
    >>> fold_weights(4, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    if members < 2 or rows < members:
        return np.ones((rows, members), np.float32)
    fold = rng.permutation(rows) % members
    learns: NDArray[np.bool_] = fold[:, None] != np.arange(members)
    return learns.astype(np.float32)


def loss(errors: Any, weights: Any) -> Any:
    """The weighted mean of the errors of rows, summed over the members."""
    total = np.sum(weights, axis=0)
    return np.sum(np.sum(weights * errors, axis=0) / np.maximum(total, np.float32(1e-6)))


def train_network(
    network: Any,
    x: NDArray[np.float32],
    weights: NDArray[np.float32],
    *,
    seed: int,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    callbacks: Sequence[Any] = (),
    progress: bool = False,
) -> tuple[Any, list[dict[str, float]]]:
    """Train a network, and measure the residuals of the rows that its members have not seen.

    Parameters
    ----------
    network : ReconstructionNetwork
    x : array of float32, shape (rows, features)
    weights : array of float32, shape (rows, members)
    seed : int
    batch_size : int, optional
        Default 128, or all rows if they are fewer.
    epochs : int, optional
        Default: as many as `steps` need; of more rows than those meet, a part is drawn.
    steps : int
    learning_rate : float
        Adam's at the start; it falls to 0 along half a cosine.
    callbacks, progress
        As `train.fit` has them.

    Returns
    -------
    network : ReconstructionNetwork
    history : list of dict
        A row an epoch.
    """
    rows = len(x)
    batch = min(batch_size or BATCH_SIZE, rows)
    per_epoch = -(-rows // batch)
    chosen: Any = slice(None)
    if epochs is None:
        epochs = -(-steps // per_epoch)
        if per_epoch > steps:
            chosen = np.random.default_rng(seed).permutation(rows)[: steps * batch]
            per_epoch = steps
    result = train.fit(
        network, x[chosen], weights[chosen], loss=loss,
        optimizer=optim.adam(optim.cosine_decay(learning_rate, epochs * per_epoch)),
        epochs=epochs, batch_size=batch, seed=seed, callbacks=callbacks, progress=progress,
    )  # fmt: skip
    return with_unseen_variances(result.model, x, weights), result.history


def with_unseen_variances(network: Any, x: Any, weights: Any, most: int = 4096) -> Any:
    """The network with the residuals' scale on rows that each member has not seen."""
    some = slice(None) if len(x) <= most else np.linspace(0, len(x) - 1, most).astype(int)
    squares = network.squared_residuals(x[some])
    unseen = np.where(weights[some].max(axis=1, keepdims=True) > 0, weights[some] == 0, False)
    share = np.where(unseen.any(axis=0), unseen, weights[some] > 0).astype(np.float32)
    total = np.maximum(share.sum(axis=0), 1.0)
    means = np.einsum("mrf,rm->mf", squares, share) / total[:, None]
    return network.with_variances(means)


def unseen_errors(errors: Any, weights: Any) -> Any:
    """The mean error of each row over the members that have not seen it, or over all.

    Examples
    --------
    >>> unseen_errors(np.array([[1.0, 3.0], [2.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 1.0]]))
    array([1., 3.])
    """
    unseen = weights == 0
    share = np.where(unseen.any(axis=1, keepdims=True) & ~unseen.all(axis=1, keepdims=True),
                     unseen, True).astype(np.float64)  # fmt: skip
    return np.sum(errors * share, axis=1) / np.sum(share, axis=1)
