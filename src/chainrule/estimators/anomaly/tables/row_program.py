"""One row at a time: its score as `FittedDetector.scores` gives it, in a few microseconds.

What a row costs beside the arithmetic of the networks is calls: of compiled code, of NumPy. So the
compiled code is called once, and returns one array of all that is asked for; what remains is done
in plain numbers.
"""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....transforms import jit
from ..members.ensemble import Ensemble
from .columns import DetectorColumns

Floats = NDArray[np.float64]


class RowProgram:
    """The score and the features of one row.

    The score is that of the batch up to the rounding of the networks, whose sums in float32 have
    another order there; and the same bits whenever it is computed again.

    Parameters
    ----------
    columns : DetectorColumns
    ensemble : Ensemble
    """

    def __init__(self, columns: DetectorColumns, ensemble: Ensemble) -> None:
        self.columns, self.ensemble = columns, ensemble
        networks = [ensemble.networks[name] for name in ensemble.names if name in ensemble.networks]

        def forward(raw: Any) -> Any:
            features, surprises = columns.encode(raw)
            sizes = np.where(np.isnan(raw), 0.0, np.abs(raw))
            numbers = [np.max(sizes), np.sum(surprises)]
            numbers += [np.mean(network(features)) for network in networks]
            head = np.stack([number.astype(np.float64) for number in numbers])
            return np.concatenate([head, features[0].astype(np.float64)])

        self._forward = jit(forward)
        self._count = 2 + len(networks)
        self._surprise_weight = 0.5 * len(ensemble.names)
        self._asks_neighbors = ensemble.neighbors is not None or ensemble.known is not None
        self._survivals = [ensemble.survivals[name].of_one for name in ensemble.names]

    def __reduce__(self) -> tuple[Any, ...]:
        return RowProgram, (self.columns, self.ensemble)  # compiled code is made anew

    def __call__(self, raw: Floats) -> tuple[float, Floats]:
        """Return the anomaly score and the features of a raw row of shape (1, columns).

        The score is NaN if a number is infinite.
        """
        total, scores, features = self._parts(raw)
        if self._asks_neighbors:
            self._insert_distances([scores], features[None])
        for survival, score in zip(self._survivals, scores, strict=True):
            total += survival(score)
        return total, features

    def many(self, raw: Floats) -> list[tuple[float, Floats]]:
        """Return the same of each row; the neighbours of all are asked for in one query."""
        parts = [self._parts(raw[k : k + 1]) for k in range(len(raw))]
        if self._asks_neighbors and parts:
            features = np.stack([features for _, _, features in parts])
            self._insert_distances([scores for _, scores, _ in parts], features)
        answers = []
        for total, scores, features in parts:
            for survival, score in zip(self._survivals, scores, strict=True):
                total += survival(score)
            answers.append((total, features))
        return answers

    def _parts(self, raw: Floats) -> tuple[float, list[float], Floats]:
        """What surprises add to the score, the networks' scores, the features."""
        numbers = self._forward(raw)
        count = self._count
        size, surprise, *scores = numbers[:count].tolist()
        if size == inf:
            surprise = nan
        return self._surprise_weight * surprise, scores, numbers[count:]

    def _insert_distances(self, scores: list[list[float]], features: Floats) -> None:
        """Put those to neighbours before the networks' scores of rows, to known anomalies after."""
        rows = features.astype(np.float32)  # which they were
        neighbors, known = self.ensemble.neighbors, self.ensemble.known
        if neighbors is not None:
            for its, distance in zip(scores, neighbors.errors(rows).tolist(), strict=True):
                its.insert(0, distance)
        if known is not None:
            for its, distance in zip(scores, known.errors(rows).tolist(), strict=True):
                its.append(-distance)
