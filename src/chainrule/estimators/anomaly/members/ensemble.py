"""The detectors that are joined: each gives a row one score, and knows those of unseen rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .... import random, train
from ...mlp.settings import layer_sizes
from ..settings import HIDDEN_SIZES, NETWORKS, WIDE_SIZES, DetectorSettings
from .neighbors import Neighbors, coreset
from .networks import (
    Autoencoder,
    DenoisingAutoencoder,
    MaskedNetwork,
    VariationalAutoencoder,
    code_size,
)
from .survival import Survival
from .training import fold_weights, train_network, unseen_errors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows as the members read them.

    Attributes
    ----------
    features : array of float32, shape (rows, features)
    surprises : array of float32, shape (rows,)
        What was never seen in training: the sum over the columns of ``-2 log p``.
    """

    features: Any
    surprises: Any

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Any) -> Rows:
        return Rows(self.features[rows], self.surprises[rows])


def make_network(
    method: str, settings: DetectorSettings, features: Any, columns: Sequence[int], key: Any
) -> Any:
    """An untrained network for rows of features, of which each belongs to a column."""
    width, members = features.shape[1], settings.n_members
    sizes = settings.hidden_layer_sizes
    chosen = None if sizes is None else tuple(int(size) for size in layer_sizes(sizes))
    if method in ("autoencoder", "variational"):
        kind: Callable[..., Any] = (
            Autoencoder if method == "autoencoder" else VariationalAutoencoder
        )
        return kind(members, width, chosen or (*HIDDEN_SIZES, code_size(features)), key=key)
    if method == "denoising":
        return DenoisingAutoencoder(members, width, chosen or WIDE_SIZES, key=key)
    return MaskedNetwork(members, width, chosen or WIDE_SIZES, columns, key=key)


class Ensemble:
    """The members of a detector, and how rare their scores are among rows they have not seen.

    Attributes
    ----------
    networks : dict of str to ReconstructionNetwork
    neighbors : Neighbors or None
    known : Neighbors or None
        Of known anomalies: a row is stranger the nearer it is to them.
    survivals : dict of str to Survival
        By the member's name, in the order of the sum.
    """

    def __init__(
        self, networks: dict[str, Any], neighbors: Neighbors | None, known: Neighbors | None,
        survivals: dict[str, Survival],
    ) -> None:  # fmt: skip
        self.networks, self.neighbors, self.known = networks, neighbors, known
        self.survivals = survivals

    @property
    def names(self) -> list[str]:
        """The members in the order of the sum."""
        names = [] if self.neighbors is None else ["neighbors"]
        names += [name for name in NETWORKS if name in self.networks]
        return names if self.known is None else [*names, "known"]

    def member_scores(self, rows: Rows, errors: dict[str, Any]) -> Any:
        """The score of each member for rows, shape (rows, members); `errors` are the networks'."""
        parts = []
        for name in self.names:
            if name == "neighbors":
                assert self.neighbors is not None
                parts.append(self.neighbors.errors(rows.features))
            elif name == "known":
                assert self.known is not None
                parts.append(-self.known.errors(rows.features))
            else:
                parts.append(np.asarray(errors[name], np.float64))
        return np.stack(parts, axis=1)

    def joined(self, scores: Any, surprises: Any) -> Floats:
        """One score of those of the members: the sum of their ``-log p``, surprises in each."""
        total = (0.5 * len(self.names)) * np.asarray(surprises, np.float64)
        for k, name in enumerate(self.names):
            total = total + self.survivals[name](scores[:, k])
        return np.asarray(total, np.float64)

    def scores(self, rows: Rows, errors: dict[str, Any]) -> Floats:
        """The joined score of rows, of the networks' errors: higher is stranger."""
        return self.joined(self.member_scores(rows, errors), rows.surprises)


def network_errors(networks: dict[str, Any], features: Any) -> dict[str, Any]:
    """The errors of rows, of shape (rows, members) by the network's name."""
    return {name: train.predict(network, features) for name, network in networks.items()}


@dataclass(frozen=True)
class Learned:
    """An ensemble, and what its training told.

    Attributes
    ----------
    ensemble : Ensemble
    unseen : array of float64, shape (rows,)
        The joined score of each training row by members that have not seen it.
    history : dict of str to list of dict
        A row an epoch, by the network's name.
    """

    ensemble: Ensemble
    unseen: Floats
    history: dict[str, list[dict[str, float]]]


def learn_ensemble(
    methods: Sequence[str],
    settings: DetectorSettings,
    rows: Rows,
    columns: Sequence[int],
    rng: Any,
    weights: Any = None,
    known: Any = None,
) -> Learned:
    """Train the members on rows.

    Parameters
    ----------
    methods : sequence of str
        ``"neighbors"`` and names of networks.
    settings : DetectorSettings
    rows : Rows
    columns : sequence of int
        The column that each feature belongs to.
    rng : numpy.random.RandomState
    weights : array of shape (rows,), optional
        Of the rows, 0 for those to leave out.
    known : array of float32, shape (n, features), optional
        Known anomalies.
    """
    count, x = len(rows), rows.features
    weights = np.ones(count, np.float32) if weights is None else weights.astype(np.float32)
    selected = np.flatnonzero(weights > 0)
    neighbors = None
    if "neighbors" in methods:
        points = selected[coreset(len(selected), rng)]
        neighbors = Neighbors(x[points], settings.n_neighbors)
    networks, errors, history = {}, {}, {}
    for method in methods:
        if method == "neighbors":
            continue
        seed = int(rng.randint(2**31))
        folds = fold_weights(count, settings.n_members, np.random.default_rng(seed))
        untrained = make_network(method, settings, x[selected], columns, random.key(seed))
        networks[method], history[method] = train_network(
            untrained, x, folds * weights[:, None], seed=seed, batch_size=settings.batch_size,
            epochs=settings.max_iter, learning_rate=settings.learning_rate_init,
            callbacks=settings.callbacks or (), progress=settings.progress,
        )  # fmt: skip
        errors[method] = unseen_errors(train.predict(networks[method], x), folds)
    near = None if known is None else Neighbors(known, min(3, len(known)), skips_itself=False)
    ensemble = Ensemble(networks, neighbors, near, {})
    scores = ensemble.member_scores(rows, errors)
    ensemble.survivals = {
        name: Survival.learn(scores[selected, k]) for k, name in enumerate(ensemble.names)
    }
    return Learned(ensemble, ensemble.joined(scores, rows.surprises), history)
