"""How well each column alone tells the target: each row is answered by the rows next to it.

Rows are sorted by the column, and each is answered by the mean of its neighbours; where values come
several times, also by the mean of the rows with the same one in other folds. So no row tells of
itself, any curve is followed, and a column takes but one sort.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from ..typed_columns import Floats
from .evidence import Evidence

MAX_ROWS = 5_000
MAX_CELLS = 6_000_000  # of the rows looked at times columns
MIN_ROWS = 300  # even of very many columns
MAX_CLASSES = 20  # the rarest of more classes count as one
NEIGHBOURS = 2  # on each side
MIN_KNOWN, KNOWN = 50, 0.3  # rows, and their share: what a column with gaps says of the others
FOLDS = 5
SMOOTHING = 1.0  # rows of the overall mean that each group has besides


class ColumnsAlone:
    """Each column of `evidence.columns` as the only one that the target is told from.

    Attributes
    ----------
    skill : array of float64, shape (columns,)
        1: perfectly; 0: not at all. R2 of the target's ranks; of classes the share of the errors of
        the commonest class that is avoided.
    metric : str
        What `score` is, as people know it: R2, AUC of two classes, accuracy of more.
    """

    def __init__(self, evidence: Evidence) -> None:
        count, width = len(evidence.y), max(1, len(evidence.columns))
        most = min(MAX_ROWS, max(MIN_ROWS, MAX_CELLS // width))
        rng = np.random.default_rng(evidence.seed)
        self._columns = evidence.columns
        self._rows = rng.permutation(count)[:most]  # in an order that breaks ties by chance
        self._targets, self.metric = _targets(evidence, self._rows)
        self.skill = np.array([self._best(k)[0] for k in range(len(evidence.columns))])

    def score(self, k: int) -> float:
        """How well one of the columns does, where it does best."""
        _, answers, targets = self._best(k)
        if self.metric == "AUC":
            return _auc(answers[:, 0], targets[:, 0] > 0.5)
        if self.metric == "accuracy":
            return _accuracy(answers, targets)
        return _skill(answers, targets, self.metric)

    def _best(self, k: int) -> tuple[float, Floats, Floats]:
        """The skill of a column, what it says of some rows, and the truth."""
        nothing = np.tile(self._targets.mean(axis=0), (len(self._targets), 1))
        best = (0.0, nothing, self._targets)
        for answers, targets in self._answers(k):
            skill = _skill(answers, targets, self.metric)
            if skill > best[0]:
                best = (skill, answers, targets)
        return best

    def _answers(self, k: int) -> Iterator[tuple[Floats, Floats]]:
        """What is said of the rows, or of some, by one column; and their targets."""
        column, targets = self._columns[k], self._targets
        values = column.values[self._rows]
        order = np.argsort(values, kind="stable")  # the missing come last
        ordered = values[order]
        missing = int(np.isnan(values).sum())
        if column.kind == "date":  # what follows from the time is no leak; that there is one may be
            if missing:
                yield _of_groups(np.isnan(values).astype(np.int64), targets), targets
            return
        new = (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[:-1])  # a missing one is no other
        if np.sum(new) + 1 < len(values) / 2:
            codes = np.empty(len(values), np.int64)
            codes[order] = np.concatenate([[0], np.cumsum(new)])
            yield _of_groups(codes, targets), targets
        if not column.is_text:
            yield _of_neighbours(order, targets), targets
            if missing and len(values) - missing >= max(MIN_KNOWN, KNOWN * len(values)):
                known = targets[order[: len(values) - missing]]
                yield _of_neighbours(np.arange(len(known)), known), known


def _targets(evidence: Evidence, some: Any) -> tuple[Floats, str]:
    """A column of numbers for each class, or one of the target's ranks."""
    if not evidence.is_classification:
        ranks = stats.rankdata(evidence.y[some])
        return (ranks / len(ranks))[:, None], "R2 of the ranks"
    codes = evidence.codes[some]
    counts = np.bincount(codes)
    common = np.argsort(-counts, kind="stable")[: MAX_CLASSES - 1]
    merged = np.full(len(counts), len(common))
    merged[common] = np.arange(len(common))
    one_hot = np.eye(merged.max() + 1)[merged[codes]]
    return one_hot, "AUC" if len(counts) == 2 else "accuracy"


def _of_groups(codes: Any, targets: Floats) -> Floats:
    """The mean of the rows of other folds with the same value; missing is a value as well."""
    folds = np.arange(len(codes)) % FOLDS
    cells = codes * FOLDS + folds
    shape = (int(codes.max()) + 1, FOLDS)

    def others(weights: Any) -> Floats:
        sums = np.bincount(cells, weights, shape[0] * FOLDS).reshape(shape)
        return np.asarray((sums.sum(axis=1, keepdims=True) - sums)[codes, folds], np.float64)

    counts = others(None)[:, None]
    sums = np.stack([others(column) for column in targets.T], axis=1)
    return np.asarray((sums + SMOOTHING * targets.mean(axis=0)) / (counts + SMOOTHING), np.float64)


def _of_neighbours(order: Any, targets: Floats) -> Floats:
    """The mean of the rows next to each in the order of the values."""
    ordered, count = targets[order], len(targets)
    sums = np.concatenate([np.zeros((1, targets.shape[1])), np.cumsum(ordered, axis=0)])
    first = np.clip(np.arange(count) - NEIGHBOURS, 0, max(0, count - 2 * NEIGHBOURS - 1))
    last = np.minimum(first + 2 * NEIGHBOURS + 1, count)
    answers = np.empty_like(targets)
    answers[order] = (sums[last] - sums[first] - ordered) / np.maximum(1, last - first - 1)[:, None]
    return answers


def _skill(answers: Floats, targets: Floats, metric: str) -> float:
    """How good answers are, from 0 to 1."""
    if metric != "R2 of the ranks":
        usual = float(targets.mean(axis=0).max())
        return max(0.0, (_accuracy(answers, targets) - usual) / max(1e-9, 1.0 - usual))
    errors, spread = np.mean((answers - targets) ** 2), np.var(targets)
    return max(0.0, float(1.0 - errors / spread)) if spread > 0 else 0.0


def _accuracy(answers: Floats, targets: Floats) -> float:
    return float(np.mean(np.argmax(answers, axis=1) == np.argmax(targets, axis=1)))


def _auc(answers: Floats, truth: Any) -> float:
    """The chance that a row of the class is ranked above one of the other."""
    positive = int(truth.sum())
    pairs = positive * (len(truth) - positive)
    if not pairs:
        return 0.5
    ranks = stats.rankdata(answers)
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / pairs)
