"""A column of known labels: which rows are anomalies, and which rows are kept for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.column_values import as_texts
from ..data.features import Features
from ..errors import DataError
from ..lazy import LazyModule

metrics = LazyModule("sklearn.metrics")
sklearn_neighbors = LazyModule("sklearn.neighbors")
pd = LazyModule("pandas")

ANOMALOUS = ("1", "true", "yes", "anomaly", "anomalous", "outlier", "abnormal", "attack", "fraud")
NORMAL = ("0", "false", "no", "normal", "inlier", "ok", "benign", "none")
MOST_ROWS = 20_000  # that the baseline learns from
N_NEIGHBORS = 5
BASELINE = "nearest neighbours"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Which rows are learned from, and which are for the test.

    Attributes
    ----------
    learn, test : array of int
        Places of rows.
    anomalies : array of bool, of all rows
    known : array of bool, of the rows in `learn`
        Which of them are learned as known anomalies.
    """

    learn: Ints
    test: Ints
    anomalies: NDArray[np.bool_]
    known: NDArray[np.bool_]


def read_labels(column: Any, anomalous: Sequence[str]) -> Floats:
    """1 for anomalies, 0 for normal rows, NaN for rows without a label.

    Parameters
    ----------
    column : pandas.Series
    anomalous : sequence of str
        The values of anomalies; empty: 1, true, anomaly and the like, if all values are known.

    Raises
    ------
    DataError
        If a value is not in the column, or it is not clear which ones mean anomalies.

    Examples
    --------
    >>> import pandas as pd
    >>> read_labels(pd.Series(["normal", "attack", None], name="label"), ()).tolist()
    [0.0, 1.0, nan]
    >>> read_labels(pd.Series([3, 4], name="kind"), ["4"]).tolist()
    [0.0, 1.0]
    """
    texts = as_texts(column)
    values = sorted({text for text in texts if text is not None})
    some = ", ".join(map(repr, values[:6])) + (", ..." if len(values) > 6 else "")
    if anomalous:
        absent = [value for value in anomalous if value not in values]
        if absent:
            raise DataError(
                f"--anomalous {absent[0]}: column {str(column.name)!r} has no such value; it has "
                f"{some}"
            )
        wanted = set(anomalous)
    else:
        unknown = [text for text in values if text.lower() not in (*ANOMALOUS, *NORMAL)]
        wanted = {text for text in values if text.lower() in ANOMALOUS}
        if unknown or not values:
            raise DataError(
                f"column {str(column.name)!r} holds {some or 'nothing'}: say which values are "
                "anomalies, with --anomalous VALUE"
            )
    return np.array([np.nan if text is None else float(text in wanted) for text in texts])


def split_rows(labels: Floats, fraction: float, seed: int, learn_anomalies: bool) -> Split:
    """Keep a part of the normal rows for the test, and the anomalies, or a part of them.

    Parameters
    ----------
    labels : array of shape (rows,)
        See `read_labels`; rows without a label are learned from.
    fraction : float
        Part of the rows to test on.
    seed : int
    learn_anomalies : bool
        Whether the other anomalies are learned as known ones; else all are for the test.
    """
    draw = np.random.default_rng(seed)
    normal = draw.permutation(np.flatnonzero(labels == 0))
    anomalous = draw.permutation(np.flatnonzero(labels == 1))
    n_normal = round(fraction * len(normal))
    n_anomalous = round(fraction * len(anomalous)) if learn_anomalies else len(anomalous)
    test = np.sort(np.r_[normal[:n_normal], anomalous[:n_anomalous]])
    learned = [normal[n_normal:], np.flatnonzero(np.isnan(labels)), anomalous[n_anomalous:]]
    learn = np.sort(np.concatenate(learned))
    is_anomaly = labels == 1
    return Split(learn, test, is_anomaly, is_anomaly[learn])


def split_in_time(labels: Floats, fraction: float, names: Any) -> Split:
    """Keep the last rows of each series for the test; the anomalies before are not learned.

    `names` tells the series of each row.
    """
    _, numbers = np.unique(np.asarray(names, str), return_inverse=True)
    test = np.zeros(len(labels), bool)
    for k in range(int(numbers.max(initial=-1)) + 1):
        rows = np.flatnonzero(numbers == k)
        test[rows[len(rows) - round(fraction * len(rows)) :]] = True
    is_anomaly = labels == 1
    learn = np.flatnonzero(~test)
    return Split(learn, np.flatnonzero(test), is_anomaly, is_anomaly[learn])


def label_scores(is_anomaly: Any, strangeness: Any) -> dict[str, float]:
    """AUROC and average precision of scores that are larger for stranger rows."""
    return {
        "AUROC": float(metrics.roc_auc_score(is_anomaly, strangeness)),
        "average precision": float(metrics.average_precision_score(is_anomaly, strangeness)),
    }


def neighbor_distances(
    learned: Any, tested: Any, categorical: Sequence[str], seed: int
) -> Floats | None:
    """The mean distance of rows to the nearest normal ones of the training: the baseline.

    Numbers are standardised and texts one-hot encoded; None if no column varies.
    """
    try:
        features = Features.learn(learned, categorical)
    except DataError:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:MOST_ROWS])
    points = features(learned.iloc[rows])
    index = sklearn_neighbors.NearestNeighbors(n_neighbors=min(N_NEIGHBORS, len(points)))
    distances, _ = index.fit(points).kneighbors(features(tested))
    return np.asarray(distances.mean(axis=1), np.float64)
