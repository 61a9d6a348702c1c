"""An autoencoder for anomalies beside PyOD's: the same layers, batches and epochs, one thread each.

PyOD is not among the requirements of `bench`: `pip install pyod==3.6.7 tqdm`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

import chainrule as cr

from .harness import Contest

ROWS, COLUMNS, EPOCHS, BATCH = 20_000, 30, 10, 32
SIZES = (64, 32)  # of the encoder; the decoder has them in reverse
NEW = 5_000
FOUND = 0.97  # area under the ROC curve that both must reach on planted anomalies


def data() -> tuple[Any, Any, Any]:
    """Correlated normal rows to train on, and new ones of which the last tenth is not normal."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(8, COLUMNS))

    def normal(count: int) -> Any:
        return rng.normal(size=(count, 8)) @ mixing + 0.3 * rng.normal(size=(count, COLUMNS))

    anomalies = normal(NEW // 10)
    anomalies[:, ::4] = anomalies[rng.permutation(len(anomalies))][:, ::4]
    labels = np.arange(NEW) >= NEW - NEW // 10
    return normal(ROWS), np.concatenate([normal(NEW - NEW // 10), anomalies]), labels


def ours() -> Any:
    """A detector with a single network of these layers."""
    return cr.AnomalyDetector(
        method="autoencoder", hidden_layer_sizes=SIZES, n_members=1, batch_size=BATCH,
        max_iter=EPOCHS, random_state=0, progress=False,
    )  # fmt: skip


def theirs() -> Any:
    """PyOD's with the same layers: without batch normalisation and dropout."""
    from pyod.models.auto_encoder import AutoEncoder

    return AutoEncoder(
        hidden_neuron_list=list(SIZES), batch_size=BATCH, epoch_num=EPOCHS, batch_norm=False,
        dropout_rate=0.0, random_state=0, verbose=0,
    )  # fmt: skip


def contests() -> Iterator[Contest]:
    """Fitting, scoring a batch, and scoring one row."""
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cr.set_num_threads(1)
    train, new, labels = data()
    chain, pyod = ours().fit(train), theirs().fit(train)

    def both_find(a: Any, b: Any) -> None:
        areas = [roc_auc_score(labels, s) for s in (
            -a.score_samples(new), b.decision_function(new)
        )]  # fmt: skip
        assert min(areas) > FOUND, areas

    def both_rank(a: Any, b: Any) -> None:
        some = labels[: len(a)]
        if len(a) == len(labels):
            areas = roc_auc_score(some, -a), roc_auc_score(some, b)
            assert min(areas) > FOUND, areas
        assert len(a) == len(b)

    layers = f"{COLUMNS}-{SIZES[0]}-{SIZES[1]}-{SIZES[0]}-{COLUMNS}"
    peer = "PyOD's AutoEncoder"
    yield Contest(
        f"fit an autoencoder {layers} to {ROWS:,} rows, {EPOCHS} epochs of batches of {BATCH}",
        peer, lambda: ours().fit(train), lambda: theirs().fit(train), both_find, rounds=3,
    )  # fmt: skip
    yield Contest(
        f"score {NEW:,} rows with it", peer, lambda: chain.score_samples(new),
        lambda: pyod.decision_function(new), both_rank,
    )  # fmt: skip
    yield Contest(
        "score one row with it", peer, lambda: chain.score_samples(new[:1]),
        lambda: pyod.decision_function(new[:1]), both_rank, number=50,
    )  # fmt: skip
