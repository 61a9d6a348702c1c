"""Training rows of which some are anomalies: the suspicious ones lose their weight.

Networks and near neighbours hide anomalies that come in clusters: they learn them. So suspicion
comes from coarser scores, which a few rows cannot bend: the mean distance to a twentieth of all
rows, and the distance from the mean. Leaving out too many rows costs little, too few much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..members.ensemble import Rows
from ..members.neighbors import Neighbors, coreset
from ..settings import DetectorSettings

Floats = NDArray[np.float64]

TRIMMED = 0.2  # share of the rows that lose their weight
NEAR = 0.05  # share of the rows whose distance counts
MAX_NEAR = 200
MAX_POINTS = 4_000
ROUNDS = 2
BULK = (0.7, 0.9)  # quantiles of scores that anomalies do not reach
RARE = 1e-3  # beyond what the bulk foretells for one of so many rows, a held-out row is suspicious


def clean_weights(settings: DetectorSettings, rows: Rows, rng: Any) -> Any:
    """The weights of training rows, 0 or 1; None where all of them are taken to be normal."""
    if settings.contamination is None or len(rows) < 10:
        return None
    weights = np.ones(len(rows), bool)
    share = TRIMMED
    if settings.contamination != "auto":
        share = min(0.5, max(TRIMMED, 1.5 * settings.contamination))
    for _ in range(ROUNDS):
        scores = suspicion(rows, weights, rng)
        weights = scores <= np.quantile(scores, 1.0 - share)
    return weights.astype(np.float32)


def suspicion(rows: Rows, weights: Any, rng: Any) -> Floats:
    """How far each row is from the bulk of those with weight: two ranks' ``-log p``, added."""
    selected = np.flatnonzero(weights)
    points = selected[coreset(len(selected), rng, MAX_POINTS)]
    count = int(min(MAX_NEAR, max(5, NEAR * len(points)), max(1, len(points) - 1)))
    index = Neighbors(rows.features[points], count)
    distances = index.errors(rows.features)
    sizes = np.sum(rows.features.astype(np.float64) ** 2, axis=1)
    return _rarity(distances) + _rarity(sizes)


def without_suspects(settings: DetectorSettings, scores: Any) -> NDArray[np.bool_]:
    """Which held-out rows are taken to be normal.

    Above the bulk, roots of scores are expected to fall off exponentially; what is far beyond, is
    left out. On eleven sets, contaminated, 1.4 % of new normal rows were alarms at a rate of 1 %
    and 39 % of the anomalies, where all held-out rows calibrate 0.5 % and 19 %; with scores in
    place of their roots 4.6 % and 51 %.
    """
    if settings.contamination is None or len(scores) < 10:
        return np.ones(len(scores), bool)
    roots = np.sqrt(np.maximum(scores, 0.0))
    low, high = np.quantile(roots, BULK)
    slope = np.log((1.0 - BULK[0]) / (1.0 - BULK[1])) / max(high - low, 1e-300)
    limit = high + np.log((1.0 - BULK[1]) / RARE) / slope
    if settings.contamination != "auto":  # so large a share at most
        limit = max(limit, np.quantile(roots, 1.0 - settings.contamination))
    return np.asarray(roots <= limit)


def _rarity(scores: Any) -> Floats:
    """``-log p`` of each score among the others."""
    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    return -np.log(1.0 - (ranks + 0.5) / len(scores))
