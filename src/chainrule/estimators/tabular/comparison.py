"""Scores of several models on the same rows, with intervals by bootstrap.

Rows are drawn again with replacement, the same rows for all models: an interval of a difference is
one of pairs, and much narrower than the intervals of the two scores let one think. B. Efron and
R. Tibshirani: "An introduction to the bootstrap", 1993, chapters 13 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data.moments import exponent
from .metrics import HIGHER_IS_BETTER, Answers, measure, of_rarer_class
from .shortage import MIN_DIFFERENT_ROWS, shortage
from .typed_columns import Floats

RESAMPLES = 1_000
FEWEST_RESAMPLES = 200
MAX_DRAWS = 20_000_000  # rows drawn in all: of very many rows fewer resamples do
AT_ONCE = 2_000_000
LEVEL = 95  # per cent
NETWORK = "network"
WITH_PROBABILITIES = ("log loss", "ROC AUC")  # which see what accuracy does not
IMBALANCED_METRICS = ("ROC AUC", "average precision", "log loss")


@dataclass(frozen=True)
class Interval:
    """A number, and between which ends 95 of 100 resamples of the test rows have it.

    The ends are NaN where the rows are too few, or too few resamples define the number.
    """

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Plain JSON values; None where there is none."""
        return {
            name: value if np.isfinite(value) else None
            for name, value in (("value", self.value), ("low", self.low), ("high", self.high))
        }


@dataclass(frozen=True)
class Comparison:
    """Models and their scores on the same test rows.

    Attributes
    ----------
    metrics : tuple of str
        The first one decides who is ahead.
    scores : dict of dict of Interval
        By model, the network first, then by metric.
    differences : dict of dict of Interval
        Of the models but the network: their score minus the network's.
    rows : int
        Test rows.
    beyond_trivial : bool
        Whether some model is better than the last one, the trivial guess, beyond noise: by the
        first metric, or of classes by log loss or ROC AUC.
    half : Interval or None
        By how much boosting is better on all of the training rows than on half of them.
    notes : tuple of str
        Where a model had less to learn from, or fewer iterations.
    shortage : str
        What the test rows lack to compare models by the first metric, such as "2 rows"; empty if
        they are enough.

    Examples
    --------
    >>> y = np.array(["a", "b"] * 50)
    >>> right, wrong = Answers(y), Answers(np.full(100, "a"))
    >>> compared = compare(("accuracy",), y, {"network": right, "the commonest class": wrong})
    >>> compared.scores["the commonest class"]["accuracy"].value
    0.5
    >>> compared.differences["the commonest class"]["accuracy"].high < -0.3
    True
    """

    metrics: tuple[str, ...]
    scores: Mapping[str, Mapping[str, Interval]]
    differences: Mapping[str, Mapping[str, Interval]]
    rows: int
    beyond_trivial: bool = True
    half: Interval | None = None
    notes: tuple[str, ...] = ()
    shortage: str = ""

    @property
    def metric(self) -> str:
        """The one that decides."""
        return self.metrics[0]

    def gain(self, model: str, metric: str | None = None) -> Interval:
        """By how much a model is better than the network, whichever way the metric goes."""
        metric = metric or self.metric
        difference = self.differences[model][metric]
        if HIGHER_IS_BETTER[metric]:
            return difference
        return Interval(-difference.value, -difference.high, -difference.low)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        parts = {"scores": self.scores, "differences": self.differences}
        return {
            "metrics": list(self.metrics), "test_rows": self.rows, "level": LEVEL / 100,
            **{
                key: {
                    model: {metric: interval.to_json() for metric, interval in by_metric.items()}
                    for model, by_metric in part.items()
                }
                for key, part in parts.items()
            },
            "beyond_trivial": self.beyond_trivial, "shortage": self.shortage,
            "gain_of_the_second_half_of_the_rows": self.half and self.half.to_json(),
            "notes": list(self.notes),
        }  # fmt: skip


def compared_metrics(metric: str, classes: int) -> tuple[str, ...]:
    """The metrics of the table of scores, of which `metric` decides."""
    if metric == "ROC AUC" and classes == 2:
        return IMBALANCED_METRICS
    return (metric,)


def compare(
    metrics: tuple[str, ...],
    y: Any,
    answers: Mapping[str, Answers],
    half: tuple[str, Answers] | None = None,
    notes: tuple[str, ...] = (),
    seed: int = 0,
) -> Comparison:
    """Compare models by their answers for the same rows.

    Parameters
    ----------
    metrics : tuple of str
        See `metrics.HIGHER_IS_BETTER`.
    y : array, shape (rows,)
        The truth.
    answers : mapping of str to Answers
        By model, the network first.
    half : (str, Answers), optional
        The name of a model, and its answers after half of the training rows.
    notes : tuple of str
    seed : int
        Of the resamples. Default 0.
    """
    first, *others = answers
    trivial = others[-1] if others else first
    named = dict(answers) | ({"": half[1]} if half else {})
    scores: dict[str, dict[str, Interval]] = {name: {} for name in answers}
    differences: dict[str, dict[str, Interval]] = {name: {} for name in others}
    of_half, beyond = None, False
    probabilities = answers[first].probabilities is not None
    further = [metric for metric in WITH_PROBABILITIES if metric not in metrics and probabilities]
    if probabilities and len(answers[first].classes) != 2:
        further = [metric for metric in further if metric != "ROC AUC"]
    lacking = {
        metric: shortage(metric, y, answers[first].classes) for metric in (*metrics, *further)
    }
    for metric, lacks in lacking.items():
        if lacks and metric in further:
            continue
        points = {name: measure(metric, y, each) for name, each in named.items()}
        samples = (
            dict.fromkeys(named, np.full(1, np.nan)) if lacks
            else _resampled(metric, y, named, seed)
        )  # fmt: skip
        sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
        gaps = {
            (name, other): _of_few_differences(
                metric, _interval(points[name] - points[other], samples[name] - samples[other]),
                y, named[name], named[other],
            )
            for name in answers for other in (first, trivial)
        }  # fmt: skip
        guess = [gaps[name, trivial] for name in answers]
        beyond = beyond or any((gap.low if sign > 0 else -gap.high) > 0 for gap in guess)
        if metric in further:
            continue
        for name in answers:
            score = _interval(points[name], samples[name])
            scores[name][metric] = score if lacks else _of_few_errors(metric, score, len(y))
        for name in others:
            differences[name][metric] = gaps[name, first]
        if half and metric == metrics[0]:
            of_half = _interval(
                sign * (points[half[0]] - points[""]), sign * (samples[half[0]] - samples[""])
            )
    return Comparison(
        metrics, scores, differences, len(y), beyond, of_half, notes, lacking[metrics[0]]
    )


def _interval(value: float, samples: Floats) -> Interval:
    known = samples[np.isfinite(samples)]
    if 2 * len(known) < len(samples):
        return Interval(value, np.nan, np.nan)
    tail = (100 - LEVEL) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(value), float(low), float(high))


def _of_few_errors(metric: str, interval: Interval, rows: int) -> Interval:
    """An accuracy of 1 or 0, which no resample changes, gets an end by the rule of three.

    J. Hanley, A. Lippman-Hand: "If nothing goes wrong, is everything all right?", 1983.
    """
    if metric != "accuracy" or interval.value not in (0.0, 1.0):
        return interval
    bound = min(1.0, 3.0 / rows)
    low, high = (1.0 - bound, 1.0) if interval.value else (0.0, bound)
    return Interval(interval.value, low, high)


def _of_few_differences(
    metric: str, interval: Interval, y: Any, one: Answers, other: Answers
) -> Interval:
    """A difference of accuracies reaches 0 where five rows or fewer make it: that may be chance.

    Q. McNemar: "Note on the sampling error of the difference between correlated proportions or
    percentages", 1947.
    """
    if metric != "accuracy" or np.isnan(interval.low):
        return interval
    differ = int(np.sum((one.predicted == y) != (other.predicted == y)))
    if differ >= MIN_DIFFERENT_ROWS:
        return interval
    return Interval(interval.value, min(interval.low, 0.0), max(interval.high, 0.0))


def resampled_counts(rows: int, seed: int) -> Iterator[Floats]:
    """How often each row is drawn in each resample, in pieces of shape (resamples, rows)."""
    wanted = int(np.clip(MAX_DRAWS // max(1, rows), FEWEST_RESAMPLES, RESAMPLES))
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // max(1, rows))
    for start in range(0, wanted, step):
        size = min(step, wanted - start)
        drawn = rng.integers(rows, size=(size, rows)) + rows * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * rows)
        yield counts.reshape(size, rows).astype(np.float64)


def _resampled(metric: str, y: Any, answers: Mapping[str, Answers], seed: int) -> dict[str, Floats]:
    """A metric's values over the resamples, for each model."""
    rules = {name: RULES[metric](y, each) for name, each in answers.items()}
    values: dict[str, list[Floats]] = {name: [] for name in rules}
    with np.errstate(divide="ignore", invalid="ignore"):
        for counts in resampled_counts(len(y), seed):
            for name, rule in rules.items():
                values[name].append(rule(counts))
    return {name: np.concatenate(parts) for name, parts in values.items()}


Rule = Callable[[Floats], Floats]


def _accuracy(y: Any, answers: Answers) -> Rule:
    right = np.asarray(answers.predicted == y, np.float64)
    return lambda counts: np.asarray(counts @ right / counts.sum(axis=1))


def _r2(y: Any, answers: Answers) -> Rule:
    power = exponent(y)
    truth, predicted = np.ldexp(y, -power), np.ldexp(answers.predicted, -power)
    truth, predicted = truth - truth.mean(), predicted - truth.mean()
    errors = (truth - predicted) ** 2

    def rule(counts: Floats) -> Floats:
        n = counts.sum(axis=1)
        spread = counts @ truth**2 - (counts @ truth) ** 2 / n
        return np.asarray(1.0 - counts @ errors / np.where(spread > 0, spread, np.nan))

    return rule


def _log_loss(y: Any, answers: Answers) -> Rule:
    known = np.isin(y, answers.classes)
    columns = np.searchsorted(answers.classes, np.where(known, y, answers.classes[0]))
    p = answers.probabilities[np.arange(len(y)), columns]
    losses = -np.log(np.clip(p, np.finfo(np.float64).eps, 1.0)) * known
    return lambda counts: np.asarray(counts @ losses / (counts @ known.astype(np.float64)))


def _sums(y: Any, answers: Answers) -> Callable[[Floats], tuple[Floats, Floats]]:
    """How many true and false rows there are at each probability, from the highest down."""
    truth, p = of_rarer_class(y, answers)
    order = np.argsort(-p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=np.inf))
    positive = truth[order].astype(np.float64)

    def sums(counts: Floats) -> tuple[Floats, Floats]:
        ordered = counts[:, order]
        true = np.add.reduceat(ordered * positive, starts, axis=1)
        return true, np.add.reduceat(ordered, starts, axis=1) - true

    return sums


def _roc_auc(y: Any, answers: Answers) -> Rule:
    sums = _sums(y, answers)

    def rule(counts: Floats) -> Floats:
        true, false = sums(counts)
        above = np.cumsum(true, axis=1) - true / 2  # of those as likely, half count as above
        return np.asarray((above * false).sum(axis=1) / (true.sum(axis=1) * false.sum(axis=1)))

    return rule


def _average_precision(y: Any, answers: Answers) -> Rule:
    sums = _sums(y, answers)

    def rule(counts: Floats) -> Floats:
        true, false = sums(counts)
        hits = np.cumsum(true, axis=1)
        chosen = hits + np.cumsum(false, axis=1)
        precision = hits / np.where(chosen > 0, chosen, 1.0)
        return np.asarray((precision * true).sum(axis=1) / hits[:, -1])

    return rule


RULES: dict[str, Callable[[Any, Answers], Rule]] = {
    "accuracy": _accuracy, "R2": _r2, "log loss": _log_loss, "ROC AUC": _roc_auc,
    "average precision": _average_precision,
}  # fmt: skip
