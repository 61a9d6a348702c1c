"""How well each column alone tells the target: each row is answered by the rows next to it.

Rows are sorted by the column, and each is answered by the mean of its neighbours; where values come
several times, also by the mean of the rows with the same one in other folds. So no row tells of
itself, any curve is followed, and a column takes but one sort.
"""

from __future__ import annotations

from dataclasses import dataclass
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
FOLDS = 5
SMOOTHING = 1.0  # rows of the overall mean that each group has besides


@dataclass(frozen=True)
class Scores:
    """How well each column alone tells the target.

    Attributes
    ----------
    skill : array of float64, shape (columns,)
        1: perfectly; 0: not at all. R2 of the target's ranks; of classes the share of the errors of
        the commonest class that is avoided.
    score : array of float64, shape (columns,)
        The same as people know it: R2, AUC of two classes, accuracy of more.
    name : str
        Which of these.
    """

    skill: Floats
    score: Floats
    name: str


def scores_alone(evidence: Evidence) -> Scores:
    """Score each column of `evidence.columns` alone."""
    count, width = len(evidence.y), max(1, len(evidence.columns))
    most = min(MAX_ROWS, max(MIN_ROWS, MAX_CELLS // width))
    rng = np.random.default_rng(evidence.seed)
    some = rng.permutation(count)[:most]  # in an order that breaks ties by chance
    targets, name = _targets(evidence, some)
    skills, scores = np.zeros(len(evidence.columns)), np.zeros(len(evidence.columns))
    for k, column in enumerate(evidence.columns):
        values = column.values[some]
        order = np.argsort(values, kind="stable")  # the missing come last
        ordered = values[order]
        new = (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[:-1])  # a missing one is no other
        attempts = []
        if np.sum(new) + 1 < len(values) / 2:
            codes = np.empty(len(values), np.int64)
            codes[order] = np.concatenate([[0], np.cumsum(new)])
            attempts.append(_of_groups(codes, targets))
        if not column.is_text:
            attempts.append(_of_neighbours(order, targets))
        both = [_skill(answers, targets, name) for answers in attempts]
        skills[k], scores[k] = max(both, default=(0.0, 0.0))
    return Scores(skills, scores, name)


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


def _skill(answers: Floats, targets: Floats, name: str) -> tuple[float, float]:
    """How good answers are: between 0 and 1, and as the score of that name."""
    if name != "R2 of the ranks":
        right = float(np.mean(np.argmax(answers, axis=1) == np.argmax(targets, axis=1)))
        usual = float(targets.mean(axis=0).max())
        skill = max(0.0, (right - usual) / max(1e-9, 1.0 - usual))
        return skill, _auc(answers[:, 0], targets[:, 0] > 0.5) if name == "AUC" else right
    errors, spread = np.mean((answers - targets) ** 2), np.var(targets)
    r2 = float(1.0 - errors / spread) if spread > 0 else 0.0
    return max(0.0, r2), r2


def _auc(answers: Floats, truth: Any) -> float:
    """The chance that a row of the class is ranked above one of the other."""
    positive = int(truth.sum())
    pairs = positive * (len(truth) - positive)
    if not pairs:
        return 0.5
    ranks = stats.rankdata(answers)
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / pairs)
