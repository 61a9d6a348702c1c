"""Anomaly detection beside PyOD and scikit-learn: what is found, on the sets of ADBench.

Trained on half of the normal rows, tested on the rest and on all anomalies; means over seeds. PyOD
is not among the requirements of `bench`: `pip install pyod==3.6.7 tqdm` runs its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

import chainrule as cr

from .results import Kind

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "anomaly"
SETS = ("cardio", "fault", "http", "ionosphere", "mammography", "satellite", "shuttle", "smtp",
        "spambase", "thyroid", "vowels", "waveform", "wbc", "wilt", "wpbc")  # fmt: skip
SEEDS = 5
LARGE = 20_000  # training rows from which the slow peers are given a sample
CONTAMINATION = 0.05
KIND = Kind(
    "Anomalies found",
    ("Area under the ROC curve, trained on half of the normal rows (on contaminated rows in the",
     "lines that say so), tested on the rest and all anomalies, means over the seeds; the last",
     "lines are means over the sets, of the average precision too. Peers get standardised rows."),
    ("set", "method", "AUROC", "average precision", "false alarms", "seconds"),
)  # fmt: skip

Scores = Callable[[Any, Any, int], Any]


@dataclass(frozen=True)
class Split:
    """Rows to train on, and rows to test on with their labels (1 for anomalies)."""

    train: Any
    test: Any
    labels: Any


def load_set(name: str) -> tuple[Any, Any]:
    """The rows and labels of a set of ADBench."""
    with np.load(FOLDER / f"adbench_{name}.npz") as data:
        return data["X"].astype(np.float64), data["y"].astype(int)


def split(x: Any, y: Any, seed: int, contaminated: bool = False) -> Split:
    """Half of the normal rows to train on; contaminated, with anomalies that are not tested.

    These are 5 % of the training rows or half of all anomalies, whichever is fewer.
    """
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(y == 0))
    anomalies = rng.permutation(np.flatnonzero(y == 1))
    half = len(normal) // 2
    count = 0
    if contaminated:
        count = min(int(CONTAMINATION * half / (1.0 - CONTAMINATION)), len(anomalies) // 2)
    train = np.concatenate([normal[:half], anomalies[:count]])
    test = np.concatenate([normal[half:], anomalies[count:]])
    return Split(x[rng.permutation(train)], x[test], y[test])


def neighbours(train: Any, test: Any, seed: int) -> Any:
    """The mean distance to 5 standardised training rows."""
    scaler = StandardScaler().fit(train)
    index = NearestNeighbors(n_neighbors=5).fit(scaler.transform(train))
    return index.kneighbors(scaler.transform(test))[0].mean(axis=1)


def local_outlier_factor(train: Any, test: Any, seed: int) -> Any:
    scaler = StandardScaler().fit(train)
    count = min(20, len(train) - 1)
    model = LocalOutlierFactor(n_neighbors=count, novelty=True).fit(scaler.transform(train))
    return -model.score_samples(scaler.transform(test))


def isolation_forest(train: Any, test: Any, seed: int) -> Any:
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def pyod(name: str, **settings: Any) -> Scores:
    """A detector of PyOD on standardised rows."""

    def scores(train: Any, test: Any, seed: int) -> Any:
        from importlib import import_module

        module, cls = name.rsplit(".", 1)
        if module in ("auto_encoder", "vae", "deep_svdd"):
            settings.update(random_state=seed)
        if cls == "DeepSVDD":
            settings.update(n_features=train.shape[1])
        model = getattr(import_module(f"pyod.models.{module}"), cls)(**settings)
        scaler = StandardScaler().fit(train)
        model.fit(scaler.transform(train))
        return model.decision_function(scaler.transform(test))

    return scores


PEERS: dict[str, Scores] = {
    "neighbours (scikit-learn)": neighbours,
    "local outlier factor (scikit-learn)": local_outlier_factor,
    "isolation forest (scikit-learn)": isolation_forest,
}
PYOD: dict[str, Scores] = {
    "AutoEncoder (PyOD)": pyod("auto_encoder.AutoEncoder", verbose=0),
    "VAE (PyOD)": pyod("vae.VAE", verbose=0),
    "DeepSVDD (PyOD)": pyod("deep_svdd.DeepSVDD", verbose=0),
    "KNN (PyOD)": pyod("knn.KNN", method="mean"),
    "ECOD (PyOD)": pyod("ecod.ECOD"),
    "IForest (PyOD)": pyod("iforest.IForest"),
}
OURS: dict[str, dict[str, Any]] = {
    "chainrule": {},
    "chainrule, autoencoder": {"method": "autoencoder"},
}


@dataclass
class Measured:
    """The numbers of one method on one set, a row a seed."""

    auroc: float
    precision: float
    false_alarms: float
    seconds: float


def measure_ours(data: Split, seed: int, **settings: Any) -> Measured:
    """Of a detector of chainrule, which also decides what is an alarm."""
    start = perf_counter()
    detector = cr.AnomalyDetector(random_state=seed, progress=False, **settings).fit(data.train)
    scores = -detector.score_samples(data.test)
    seconds = perf_counter() - start
    alarms = scores > -detector.offset_
    return _measured(data, scores, float(np.mean(alarms[data.labels == 0])), seconds)


def measure_peer(data: Split, seed: int, scores: Scores) -> Measured:
    """Of a peer; slow ones are given a sample of many rows."""
    train = data.train
    if len(train) > LARGE:
        train = train[np.random.default_rng(seed).permutation(len(train))[:LARGE]]
    start = perf_counter()
    found = scores(train, data.test, seed)
    return _measured(data, found, float("nan"), perf_counter() - start)


def _measured(data: Split, scores: Any, false_alarms: float, seconds: float) -> Measured:
    return Measured(
        float(roc_auc_score(data.labels, scores)),
        float(average_precision_score(data.labels, scores)), false_alarms, seconds,
    )  # fmt: skip


def methods(contaminated: bool) -> dict[str, Callable[[Split, int], Measured]]:
    """All that are measured, by name."""
    more = {"contamination": "auto"} if contaminated else {}
    made: dict[str, Callable[[Split, int], Measured]] = {
        name: lambda data, seed, settings=settings: measure_ours(data, seed, **settings, **more)
        for name, settings in OURS.items()
    }
    peers = dict(PEERS)
    if find_spec("pyod") is not None and not contaminated:
        peers |= PYOD
    for name, scores in peers.items():
        made[name] = lambda data, seed, scores=scores: measure_peer(data, seed, scores)
    return made


def rows(sets: tuple[str, ...] = SETS, seeds: int = SEEDS) -> Iterator[tuple[str, ...]]:
    """A line for each method on each set, and the means."""
    for contaminated in (False, True):
        yield from _rows(sets, seeds, contaminated)


def _rows(sets: tuple[str, ...], seeds: int, contaminated: bool) -> Iterator[tuple[str, ...]]:
    means: dict[str, list[Any]] = {}
    suffix = ", contaminated" if contaminated else ""
    for name in sets:
        x, y = load_set(name)
        splits = [split(x, y, seed, contaminated) for seed in range(seeds)]
        for method, measure in methods(contaminated).items():
            table = np.array([
                list(vars(measure(data, seed)).values()) for seed, data in enumerate(splits)
            ])  # fmt: skip
            means.setdefault(method, []).append(table.mean(axis=0))
            yield _cells(name + suffix, method, means[method][-1])
    for method, numbers in means.items():
        yield _cells(f"mean of {len(sets)}{suffix}", method, np.mean(numbers, axis=0))


def _cells(name: str, method: str, numbers: Any) -> tuple[str, ...]:
    auroc, precision, alarms, seconds = numbers
    rate = "" if np.isnan(alarms) else f"{alarms:.4f}"
    return name, method, f"{auroc:.4f}", f"{precision:.4f}", rate, f"{seconds:.2f}"
