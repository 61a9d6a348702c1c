"""How well each column alone tells the target: each row is answered by the rows next to it.

Rows are sorted by the column, and each is answered by the mean of its neighbours; where values come
several times, also by the mean of the rows with the same one in other folds. So no row tells of
itself, any curve is followed, and a column takes but one sort. Beside that, the order of the column
may be that of the numbers, or a few thresholds divide the classes: few rows are enough to see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from ..typed_columns import Floats
from .evidence import Evidence
from .intervals import FEWEST, is_target_in_bands, signs, thresholds
from .texts import first_numbers

MAX_ROWS = 5_000
MAX_CELLS = 6_000_000  # of the rows looked at times columns
MIN_ROWS = 300  # even of very many columns
MAX_CLASSES = 20  # the rarest of more classes count as one
NEIGHBOURS = 2  # on each side
MIN_KNOWN, KNOWN = 25, 0.3  # rows, and their share: what a column with gaps says of the others
FEW_ROWS = 300  # of which neighbours are too far away
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
    classes : list of str
        Of which columns are looked at one by one; empty for numbers.
    """

    def __init__(self, evidence: Evidence) -> None:
        count, width = len(evidence.y), max(1, len(evidence.columns))
        most = min(MAX_ROWS, max(MIN_ROWS, MAX_CELLS // width))
        rng = np.random.default_rng(evidence.seed)
        self._columns = evidence.columns
        self._rows = rng.permutation(count)[:most]  # in an order that breaks ties by chance
        self._targets, self.metric, self.classes = _targets(evidence, self._rows)
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
        if column.is_text:
            values = first_numbers(column)[self._rows]  # "paid 12.50 in cash"
            order, missing = np.argsort(values, kind="stable"), int(np.isnan(values).sum())
        else:
            yield _of_neighbours(order, targets), targets
        count = len(values) - missing
        if count >= max(MIN_KNOWN, KNOWN * len(values)):
            known, values = targets[order[:count]], values[order[:count]]
            if missing:
                yield _of_neighbours(np.arange(len(known)), known), known
            if self.metric == "R2 of the ranks":
                if count < FEW_ROWS or column.is_text:
                    yield _of_ranks(values, known), known
            elif (answers := _of_thresholds(values, known)) is not None:
                yield answers, known

    def in_bands(self, k: int, y: Floats) -> bool:
        """Whether each value of a column stands for one range of the target, the numbers `y`."""
        column = self._columns[k]
        return is_target_in_bands(column, column.values[self._rows], y[self._rows])

    def sign_of_class(self, k: int, least: float) -> tuple[str, int, float] | None:
        """What a column says by yes or no that tells one of several classes.

        Returns
        -------
        (str, int, float) or None
            In words, the class, and the share of the rows that it is right about. None where more
            than `1 - least` of the class, or of what is said, is wrong.
        """
        codes = np.argmax(self._targets, axis=1)
        best = None
        for words, rows in signs(self._columns[k], self._columns[k].values[self._rows]):
            counts = np.bincount(codes[rows], minlength=self._targets.shape[1])
            of_class = int(np.argmax(counts))
            of_all = int(np.sum(codes == of_class))
            wrong = int(np.sum(rows)) - counts[of_class] + of_all - counts[of_class]
            if (
                of_all >= FEWEST
                and wrong <= (1.0 - least) * of_all
                and (best is None or wrong < best[0])
            ):
                best = wrong, words, of_class
        return None if best is None else (best[1], best[2], 1.0 - best[0] / len(codes))


def _targets(evidence: Evidence, some: Any) -> tuple[Floats, str, list[str]]:
    """A column of numbers for each class, or one of the target's ranks."""
    if not evidence.is_classification:
        ranks = stats.rankdata(evidence.y[some])
        return (ranks / len(ranks))[:, None], "R2 of the ranks", []
    codes = evidence.codes[some]
    counts = np.bincount(codes)
    common = np.argsort(-counts, kind="stable")[: MAX_CLASSES - 1]
    merged = np.full(len(counts), len(common))
    merged[common] = np.arange(len(common))
    one_hot = np.eye(merged.max() + 1)[merged[codes]]
    names = np.unique(evidence.y)[common]
    return one_hot, "AUC" if len(counts) == 2 else "accuracy", list(map(str, names))


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


def _of_ranks(values: Floats, targets: Floats) -> Floats:
    """The line through the target by the ranks of the values."""
    x, y = stats.rankdata(values), targets[:, 0]
    x = x - x.mean()
    spread = float(x @ x)
    slope = float(x @ (y - y.mean())) / spread if spread > 0 else 0.0
    return np.asarray((y.mean() + slope * x)[:, None], np.float64)


def _of_thresholds(values: Floats, targets: Floats) -> Floats | None:
    """The class of each row by thresholds; None where a class has too few rows for that."""
    codes = np.argmax(targets, axis=1)
    names, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) < 2 or counts.min() < FEWEST:
        return None
    answers = np.zeros_like(targets)
    answers[np.arange(len(codes)), names[thresholds(values, codes)]] = 1.0
    if targets.shape[1] == 2:  # ranks on each side: of what AUC is the judge
        ranks = stats.rankdata(values) / (2.0 * len(values) + 2.0)
        rising = np.mean(ranks[codes == 1]) > np.mean(ranks[codes == 0])
        answers[:, 1] = 0.5 * answers[:, 1] + (ranks if rising else 0.5 - ranks)
        answers[:, 0] = 1.0 - answers[:, 1]
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
