"""Who is ahead, and how well the network fits, in plain words that follow from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .baselines import BOOSTING, LINEAR, TRIVIAL
from .comparison import LEVEL, NETWORK, Comparison, Interval
from .metrics import HIGHER_IS_BETTER

OVERFIT_SHARE = 0.5  # of the error on test rows: a smaller one on training rows is learned by heart
OVERFIT_GAP = 0.08  # of accuracy, R2 or the like, between training and test rows
KNOWN_GAP = 0.1  # of the score, which is worth a sentence
UNDERFIT_GAP = 0.02  # by which the training score is to exceed what another model has on new rows
NEARLY_PERFECT = 0.03  # error of the best model, beyond which more rows are no matter
DECLINE = 0.02  # of the validation score, since its best epoch
WIDE = {"R2": 0.2, "log loss": 0.3}  # of an interval: of a wider one nothing can be concluded
WIDE_ELSE = 0.12
LOWEST_SPREAD = 1e-12
FEW_TEST_ROWS = 30  # of fewer, hardly any difference is beyond noise
MORE_TEST_ROWS = (
    "Get more rows, or test on more of them with --test-fraction 0.4; another --seed shows how "
    "much the score hangs on the split.",
)
EXTREME = 0.5  # of the variance: more from a hundredth of the rows leaves little for the others


@dataclass(frozen=True)
class Verdict:
    """What the scores come to.

    Attributes
    ----------
    standing : str
        ``"ahead"``, ``"level"``, ``"behind"`` (of the best other model), ``"nothing"`` (no model
        is better than the trivial guess) or ``"unknown"`` (too few test rows to compare).
    headline : str
        The same as a sentence with the numbers.
    fit : str
        ``"overfitting"``, ``"underfitting"``, ``"shifted"``, ``"too few rows"``,
        ``"nothing to learn"``, ``"extreme targets"`` or ``"sound"``.
    sentences : tuple of str
        The judgement of the fit, and what else follows from the numbers.
    next_steps : tuple of str
        What to do next, with the options of the command.
    """

    standing: str
    headline: str
    fit: str
    sentences: tuple[str, ...]
    next_steps: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, a line each."""
        return (self.headline, *self.sentences, *self.next_steps)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = asdict(self)
        return plain | {key: list(plain[key]) for key in ("sentences", "next_steps")}


@dataclass(frozen=True)
class FitFacts:
    """What the judgement of a fit needs beside the comparison.

    Attributes
    ----------
    task : str
    train_score : float
        The network's, on its training rows.
    train_rows : int
    validation_scores : sequence of float
        By epoch; higher is better. Empty if there were no validation rows.
    epochs : int
        That the training was allowed.
    extreme_share : float
        Of the variance of numbers to predict, that of the hundredth of the rows with the most
        extreme ones.
    """

    task: str
    train_score: float
    train_rows: int
    validation_scores: Sequence[float] = ()
    epochs: int = 0
    extreme_share: float = 0.0


def verdict(comparison: Comparison, facts: FitFacts) -> Verdict:
    """Judge the network by its scores and those of the other models.

    Parameters
    ----------
    comparison : Comparison
    facts : FitFacts

    Examples
    --------
    >>> from chainrule.estimators.tabular.comparison import Interval
    >>> scores = {"network": {"R2": Interval(0.44, 0.40, 0.48)},
    ...           "HistGradientBoosting": {"R2": Interval(0.47, 0.43, 0.51)},
    ...           "the mean": {"R2": Interval(0.0, -0.01, 0.0)}}
    >>> differences = {"HistGradientBoosting": {"R2": Interval(0.03, 0.01, 0.05)},
    ...                "the mean": {"R2": Interval(-0.44, -0.48, -0.40)}}
    >>> compared = Comparison(("R2",), scores, differences, 500)
    >>> judged = verdict(compared, FitFacts("regression", 0.5, 2000))
    >>> print(judged.headline)
    HistGradientBoosting is ahead: R2 0.470 against 0.440, and the difference of 0.030 is beyond \
noise (95 % interval 0.010 to 0.050).
    >>> judged.standing, judged.fit
    ('behind', 'sound')
    """
    trivial = TRIVIAL[facts.task]
    if comparison.shortage:
        return _too_few_to_compare(comparison, facts)
    if not comparison.beyond_trivial:
        return _nothing(comparison, facts, trivial)
    # the guess is the last of them: it is named only where it is the best by itself
    standing, headline = _standing(comparison, list(comparison.differences))
    fit, sentences, steps = _judged(comparison, facts, standing, trivial)
    more, further = _more_rows(comparison)
    if fit == "too few rows":
        further = []
    if further:
        steps = [step for step in steps if not step.startswith("More rows")]
    sentences += _only_probabilities(comparison, trivial)
    sentences += _simplest(comparison, facts.task, standing)
    return Verdict(
        standing, headline, fit, (*sentences, *more), tuple(dict.fromkeys(steps + further))
    )  # fmt: skip


def _nothing(comparison: Comparison, facts: FitFacts, trivial: str) -> Verdict:
    metric = comparison.metric
    ours, guess = (comparison.scores[name][metric] for name in (NETWORK, trivial))
    digits = _digits(comparison.differences[trivial][metric])
    headline = (
        f"Nothing to learn was seen: no model is better than {trivial} beyond noise ({metric} "
        f"{ours.value:.{digits}f} of the network, {guess.value:.{digits}f} of {trivial})."
    )
    if comparison.rows < FEW_TEST_ROWS:
        return _nothing_to_be_seen(comparison, facts, trivial, digits)
    if facts.extreme_share > EXTREME:
        return Verdict("nothing", headline, "extreme targets", (
            f"The hundredth of the rows with the most extreme targets makes up "
            f"{facts.extreme_share:.0%} of their variance: squared errors see little else, "
            "whatever the columns say of the other rows.",
        ), (
            "Learn the logarithm with --log where all targets are above 0, or look whether the "
            "extreme ones are right.",
        ))  # fmt: skip
    sentences = (
        "The columns may say nothing of the target, or the rows are too few to see it: "
        f"{facts.train_rows:,} to train on and {comparison.rows:,} to test on.",
    )
    steps = (
        "Look whether --target names the right column, and whether a column that matters was left "
        "out or misread (--as NAME=KIND).",
        "Get more rows, or columns that have more to do with the target.",
    )
    return Verdict("nothing", headline, "nothing to learn", sentences, steps)


def _nothing_to_be_seen(
    comparison: Comparison, facts: FitFacts, trivial: str, digits: int
) -> Verdict:
    """So few test rows that no difference would be beyond noise."""
    metric = comparison.metric
    ours, guess = (comparison.scores[name][metric] for name in (NETWORK, trivial))
    headline = (
        f"The rows are too few to tell any model from {trivial}: {metric} {ours.value:.{digits}f} "
        f"of the network and {guess.value:.{digits}f} of {trivial}, of {comparison.rows:,} test "
        "rows."
    )
    sentences = (
        f"With {facts.train_rows:,} rows to train on and {comparison.rows:,} to test on, chance "
        "alone makes differences as large as these.",
    )
    return Verdict("nothing", headline, "too few rows", sentences, MORE_TEST_ROWS)


def _too_few_to_compare(comparison: Comparison, facts: FitFacts) -> Verdict:
    """So few test rows, or of a class, that a difference of scores means nothing."""
    metric = comparison.metric
    scores = ", ".join(
        f"{_plain(by[metric].value, 2)} of {'the ' if name == NETWORK else ''}{name}"
        for name, by in comparison.scores.items()
        if np.isfinite(by[metric].value)
    )
    numbers = f" {_capital(metric)} is {scores}: of so few, these may be chance." if scores else ""
    headline = f"Too few rows to compare: the test has {comparison.shortage}.{numbers}"
    sentences = (
        f"There are {facts.train_rows:,} rows to train on and {comparison.rows:,} to test on.",
    )
    return Verdict("unknown", headline, "too few rows", sentences, MORE_TEST_ROWS)


def _standing(comparison: Comparison, rivals: Sequence[str]) -> tuple[str, str]:
    """Whether the network is ahead of the best other model, and the sentence that says so."""
    metric = comparison.metric
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
    best = max(rivals, key=lambda name: sign * comparison.scores[name][metric].value)
    gain = comparison.gain(best)
    digits = _digits(gain)
    ours, theirs = (
        f"{comparison.scores[name][metric].value:.{digits}f}" for name in (NETWORK, best)
    )
    difference = f"{abs(gain.value):.{digits}f}"
    low, high = sorted((gain.low, gain.high)) if gain.value >= 0 else (-gain.high, -gain.low)
    ends = f"{_plain(low, digits)} to {_plain(high, digits)}"
    interval = f"{LEVEL} % interval {ends}" if low < high else "the same in each resample"
    if gain.low > 0:
        return "behind", (
            f"{_capital(best)} is ahead: {metric} {theirs} against {ours}, and the difference of "
            f"{difference} is beyond noise ({interval})."
        )
    if gain.high < 0:
        return "ahead", (
            f"The network is ahead: {metric} {ours} against {theirs} of {best}, and the difference "
            f"of {difference} is beyond noise ({interval})."
        )
    noise = f" ({LEVEL} % interval of the difference {ends})" if gain.low < gain.high else ""
    return "level", (
        f"The network and {best} are level within noise: {metric} {ours} and {theirs}{noise}."
    )


def _judged(
    comparison: Comparison, facts: FitFacts, standing: str, trivial: str
) -> tuple[str, list[str], list[str]]:
    """The kind of fit, the sentence, and what to do."""
    metric = comparison.metric
    ours = comparison.scores[NETWORK][metric]
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
    digits = _digits(ours)
    train, test = f"{facts.train_score:.{digits}f}", f"{ours.value:.{digits}f}"
    both = f"{metric} {train} on the training rows, {test} on the test rows"
    gap = sign * (facts.train_score - ours.value)
    perfect = 1.0 if HIGHER_IS_BETTER[metric] else 0.0
    errors = abs(perfect - facts.train_score), abs(perfect - ours.value)
    by_heart = errors[0] < OVERFIT_SHARE * errors[1] and gap > OVERFIT_GAP
    beyond_noise = sign * facts.train_score > max(sign * ours.low, sign * ours.high)
    fell = _decline(facts.validation_scores)
    width = abs(ours.high - ours.low)
    unsure = width > WIDE.get(metric, WIDE_ELSE) and standing == "level"
    if not np.isfinite(width) or unsure:
        return _too_few(comparison, facts, ours, both, width, digits)
    shift = _shift(metric, facts, ours, gap)
    if shift and beyond_noise:
        return "shifted", [
            f"The test rows are unlike those of the training: {metric} {train} on the training "
            f"rows, {max(facts.validation_scores):.{digits}f} on validation rows drawn from among "
            f"them, {test} on the test rows."
        ], [
            "Columns that change from then to now, or from group to group, mislead here: --drop "
            "them, or train on rows that are more like those to predict.",
        ]  # fmt: skip
    if by_heart and beyond_noise:
        curve = (
            f" The validation score fell by {fell:.{digits}f} after its best epoch."
            if fell > DECLINE
            else ""
        )
        return "overfitting", [f"The network overfits: {both}.{curve}"], [
            "Try --dropout 0.3, --weight-decay 0.1 or smaller --hidden-layer-sizes, such as 64,64; "
            "more rows help most.",
        ]  # fmt: skip
    best = max(comparison.differences, key=lambda name: comparison.gain(name).value)
    if standing == "behind" or comparison.gain(trivial).low > 0:
        theirs = comparison.scores[best][metric].value
        if sign * facts.train_score < sign * theirs + UNDERFIT_GAP:
            return "underfitting", [
                f"The network underfits: {both}, where {best} has {theirs:.{digits}f} on rows that "
                "it has not seen."
            ], [
                "Try more --epochs, a larger --learning-rate, or larger --hidden-layer-sizes, such "
                "as 256,256,256.",
            ]  # fmt: skip
    steps = [] if standing != "behind" or best == trivial else [
        "chainrule tune searches for settings that suit this table; where it stays behind, take "
        "the other model."
    ]  # fmt: skip
    if gap > KNOWN_GAP and beyond_noise:
        return "sound", [f"The network knows the training rows better than new ones: {both}."], [
            *steps, "More rows would narrow that gap, or more --dropout, such as 0.3.",
        ]  # fmt: skip
    return "sound", [f"The fit is sound: {both}."], steps


def _shift(metric: str, facts: FitFacts, ours: Interval, gap: float) -> bool:
    """Whether the test rows lie farther from the validation rows than these from the training."""
    if metric not in ("accuracy", "R2") or not len(facts.validation_scores):
        return False
    fall = max(facts.validation_scores) - ours.value
    return max(facts.validation_scores) > ours.high and fall > max(OVERFIT_GAP, gap / 2)


def _too_few(
    comparison: Comparison, facts: FitFacts, ours: Interval, both: str, width: float, digits: int
) -> tuple[str, list[str], list[str]]:
    rows = comparison.rows
    if np.isfinite(width):
        ends = sorted((ours.low, ours.high))
        text = (
            f"The rows are too few to be sure: {both}, and with {rows:,} of these the score may "
            f"as well be {_plain(ends[0], digits)} or {_plain(ends[1], digits)} ({LEVEL} % "
            "interval)."
        )
    else:
        text = f"The rows are too few to be sure: {both}, of which there are {rows:,}."
    return "too few rows", [text], list(MORE_TEST_ROWS)


def _more_rows(comparison: Comparison) -> tuple[list[str], list[str]]:
    """What half of the rows would have come to, and what that says of more rows."""
    half = comparison.half
    if half is None or not np.isfinite(half.low):
        return [], []
    perfect = 1.0 if HIGHER_IS_BETTER[comparison.metric] else 0.0
    best = min(abs(perfect - by[comparison.metric].value) for by in comparison.scores.values())
    if best < NEARLY_PERFECT:
        return [], []
    digits, metric = _digits(half), comparison.metric
    if half.low > 0:
        sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
        whole = comparison.scores[BOOSTING][metric].value
        part = whole - sign * half.value
        text = (
            f"More rows would help: with half of them {BOOSTING} has {metric} {part:.{digits}f} in "
            f"place of {whole:.{digits}f}."
        )
        return [text], ["Get more rows: the learning curve still rises."]
    return [], []


def _only_probabilities(comparison: Comparison, trivial: str) -> list[str]:
    """Say so where no accuracy is beyond that of the guess, and only the probabilities are."""
    gains = [comparison.gain(name) for name in comparison.differences if name != trivial]
    guess = comparison.gain(trivial)
    better = [-guess.high, *(gain.low - guess.high for gain in gains)]
    if comparison.metric != "accuracy" or max(better) > 0:
        return []
    return [
        f"By accuracy no model is beyond {trivial}; the probabilities do say something of the "
        "classes: judge by them, and choose a threshold."
    ]


def _simplest(comparison: Comparison, task: str, standing: str) -> list[str]:
    """Say so where the linear model is as good as the network."""
    line = LINEAR[task]
    if standing == "ahead" or line not in comparison.differences:
        return []
    gain = comparison.gain(line)
    if standing == "level" and gain.low <= 0 <= gain.high:
        metric = comparison.metric
        value = comparison.scores[line][metric].value
        return [
            f"{_capital(line)} does as well within noise ({metric} {value:.{_digits(gain)}f}) and "
            "is the simplest of them."
        ]
    return []


def _decline(scores: Sequence[float]) -> float:
    """By how much the validation score fell from its best epoch to the last ones."""
    if len(scores) < 5:
        return 0.0
    late = np.asarray(scores, np.float64)[-max(1, len(scores) // 10) :]
    return float(np.max(scores) - np.mean(late))


def _digits(interval: Interval) -> int:
    """Decimals that show the difference and its interval, two at least and four at most."""
    ends = (interval.low, interval.high)
    width = max(abs(interval.high - interval.low) if np.isfinite(ends).all() else 0.0,
                abs(interval.value) / 10)  # fmt: skip
    if width < LOWEST_SPREAD:
        return 3
    return int(np.clip(1 - np.floor(np.log10(width)), 2, 4))


def _plain(x: float, digits: int) -> str:
    """The number without a minus before zeros."""
    text = f"{x:.{digits}f}"
    return text.lstrip("-") if not float(text) else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
