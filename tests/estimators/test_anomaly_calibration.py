"""P-values, thresholds and discoveries: against slow loops, and the rates that they promise."""

import warnings
from functools import cache

import numpy as np
import pytest
from adbench import halves
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from chainrule import AnomalyDetector
from chainrule.estimators.anomaly.thresholds.calibration import (
    ROUNDING,
    Calibration,
    FewRowsWarning,
    benjamini_hochberg,
)
from chainrule.estimators.anomaly.thresholds.tail import Tail

SPLITS = 200
SETS = ["cardio", "thyroid", "satellite"]


def slow_p_values(held, scores):
    return [(1 + sum(h >= s for h in held)) / (len(held) + 1) for s in scores]


def slow_benjamini_hochberg(p, fdr):
    """The textbook's: the largest k with p_(k) <= k fdr / m; the k smallest are rejected."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    largest = 0
    for k in range(1, len(p) + 1):
        if p[order[k - 1]] <= fdr * k / len(p):
            largest = k
    return [i in set(order[:largest]) for i in range(len(p))]


# Exactly


@given(arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5)),
       arrays(np.float64, st.integers(0, 20), elements=st.integers(-7, 7)))  # fmt: skip
def test_p_values(held, scores):
    """With ties: the share of held-out scores that are as large, with one more of both."""
    made = Calibration(held).p_values(scores)
    assert slow_p_values(held.tolist(), scores.tolist()) == made.tolist()


@given(arrays(np.float64, st.integers(0, 30), elements=st.integers(0, 20)),
       st.sampled_from([0.05, 0.1, 0.25, 0.5]))  # fmt: skip
def test_benjamini_hochberg(numbers, fdr):
    p = (numbers + 0.5) / 80
    assert slow_benjamini_hochberg(p.tolist(), fdr) == benjamini_hochberg(p, fdr).tolist()


@pytest.mark.parametrize("n", [99, 199, 999])
@pytest.mark.parametrize("rate", [0.5, 0.1, 0.05, 0.02, 0.01])
def test_the_threshold_is_a_score(n, rate):
    """Where ``rate (n + 1)`` is whole, it is just below the score of that rank from the largest.

    So that score is an alarm itself, as p-values of the same size are.
    """
    scores = np.random.default_rng(n).normal(size=n)
    rank = round(rate * (n + 1))
    at, below = np.sort(scores)[::-1][[rank - 1, rank]]
    threshold = Calibration(scores).threshold(rate)
    assert rank == np.sum(scores > threshold)
    assert at - 1e-3 * (at - below) == pytest.approx(threshold, rel=1e-9)
    tied = Calibration(np.repeat(scores, 2)[: 2 * n - 1]).threshold(rate)
    nearest = scores[np.argmin(np.abs(scores - tied))]
    assert nearest < tied == pytest.approx(nearest, rel=2e-6)  # of two equal scores neither


def test_thresholds_fall_as_the_rate_rises():
    """Also between the scores, and from the tail to them."""
    calibration = Calibration(np.random.default_rng(0).exponential(size=150))
    rates = np.geomspace(1e-5, 0.999, 400)
    thresholds = [calibration.threshold(rate, warn=False) for rate in rates]
    assert (np.diff(thresholds) <= 0).all()
    assert thresholds[-1] >= calibration.scores[0] and thresholds[0] > calibration.scores[-1]


def test_p_values_agree_with_the_threshold():
    """Above the threshold of a rate that n carries are the scores of p-values up to it."""
    rng = np.random.default_rng(0)
    calibration = Calibration(rng.exponential(size=199))
    new = rng.exponential(size=3000)
    for rate in (0.005, 0.01, 0.05, 0.2):
        by_p = calibration.p_values(new) <= rate + 1e-12
        np.testing.assert_array_equal(by_p, new > calibration.threshold(rate))


def test_too_few_rows():
    """A rate that n rows do not carry: the tail's threshold, above all scores, and a warning."""
    scores = np.random.default_rng(0).exponential(size=98)
    calibration = Calibration(scores)
    with pytest.warns(FewRowsWarning, match="0.01 needs 99 held-out normal rows.*there are 98"):
        threshold = calibration.threshold(0.01)
    expected = max(calibration.tail.quantile(0.01) ** 2, scores.max() * (1 + ROUNDING))
    assert expected == pytest.approx(threshold, rel=1e-12)
    with pytest.warns(FewRowsWarning, match="needs 999 held-out"):
        assert threshold < calibration.threshold(0.001)
    second, largest = np.sort(scores)[-2:]  # with 99: no warning
    expected = largest - 1e-3 * (largest - second)
    assert expected == pytest.approx(Calibration(np.append(scores, 0.5)).threshold(0.01))


@pytest.mark.parametrize("scores", [[3.0], [3.0, 3.0], [1.0, 2.0], [2.0] * 40])
def test_hardly_any_scores(scores):
    """Of one score no tail can be fitted: the threshold is that score. Equal ones are no error."""
    calibration = Calibration(scores)
    with pytest.warns(FewRowsWarning):
        assert calibration.threshold(0.01) >= max(scores)
    batch = np.array([0.0, 1e6])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewRowsWarning)
        assert not calibration.discoveries(batch, 0.1)[0]
    assert calibration.tail_p_values(batch)[1] <= 1 / (len(scores) + 1)


# The promised rates


def rates_of_alarms(draw, n, rate, splits=SPLITS, m=2000):
    """The share of alarms among m new rows, for many pairs of held-out and new rows."""
    shares = []
    for seed in range(splits):
        held, new = draw(np.random.default_rng(seed), n, m)
        shares.append(np.mean(new > Calibration(held).threshold(rate, warn=False)))
    return np.array(shares)


def is_near(shares, rate, errors=2.0):
    """Whether the mean is the rate, up to so many standard errors."""
    return abs(shares.mean() - rate) <= errors * shares.std(ddof=1) / np.sqrt(len(shares))


def exponential(rng, n, m):
    return rng.exponential(size=n), rng.exponential(size=m)


@pytest.mark.parametrize(("n", "rate"), [(199, 0.1), (299, 0.01), (1999, 0.001), (150, 0.01),
                                         (1499, 0.001), (133, 0.1)])  # fmt: skip
def test_the_rate_of_false_alarms(n, rate):
    """The mean over 200 splits is the rate, up to two standard errors; between ranks as well."""
    shares = rates_of_alarms(exponential, n, rate)
    assert is_near(shares, rate), (shares.mean(), shares.std())


@pytest.mark.parametrize(("n", "rate"), [(199, 0.1), (299, 0.01), (1999, 0.001)])
def test_counts_are_beta_binomial(n, rate):
    """With k = rate (n + 1), counts among m rows follow BetaBinomial(m, k, n + 1 - k).

    Of 200 counts, the share at or below each tenth of the distribution is as that tells.
    """
    m, k = 2000, round(rate * (n + 1))
    counts = rates_of_alarms(exponential, n, rate, m=m) * m
    law = stats.betabinom(m, k, n + 1 - k)
    for level in np.arange(0.1, 1.0, 0.1):
        limit = law.ppf(level)
        expected = law.cdf(limit)
        error = np.sqrt(expected * (1 - expected) / SPLITS)
        assert np.mean(counts <= limit) == pytest.approx(expected, abs=3.3 * error)
    low, high = law.ppf([0.025, 0.975])
    assert np.mean((counts >= low) & (counts <= high)) > 0.9


def pareto(rng, n, m):
    return np.expm1(rng.exponential(size=n) / 3), np.expm1(rng.exponential(size=m) / 3)


@pytest.mark.parametrize(
    ("draw", "least", "most"), [(pareto, 0.0007, 0.0011), (exponential, 0.0003, 0.0005)]
)
def test_the_rate_of_the_tail(draw, least, most):
    """One in a thousand from 299 rows: near it for heavy tails, below it for exponential ones.

    The tail is fitted to roots of scores, since those of real rows have heavy tails: without them
    heavy tails have 0.00136; with logarithms exponential ones have 0.00024.
    """
    assert least < rates_of_alarms(draw, 299, 0.001, m=20_000).mean() < most


def test_the_tail_is_that_of_the_roots():
    """Of the largest tenth; what is below 0 counts as 0, as sums of ``-log p`` are not."""
    scores = np.append(np.random.default_rng(0).exponential(size=300), -1e-9)
    calibration = Calibration(scores)
    tail = Tail.fit(np.sqrt(np.maximum(np.sort(scores), 0.0)), 0.1)
    for rate in (1e-3, 1e-4):
        expected = tail.quantile(rate) ** 2
        assert expected == pytest.approx(calibration.threshold(rate, warn=False), rel=1e-12)
        assert calibration.tail_p_values(np.array([expected]))[0] == pytest.approx(rate, rel=1e-6)


def test_p_values_of_normal_rows_are_uniform():
    """P(p <= a) is the largest multiple of 1 / (n + 1) up to a, over splits and rows."""
    p = np.concatenate([
        Calibration(held).p_values(new)
        for held, new in (exponential(np.random.default_rng(s), 99, 100) for s in range(400))
    ])  # fmt: skip
    for a in (0.01, 0.05, 0.25, 0.5):
        each = np.reshape(p <= a, (400, 100)).mean(axis=1)
        assert is_near(each, a, errors=2.5)


# On real rows


@cache
def scores_of(name):
    """Joined scores of rows that were not learned from, normal ones and anomalies."""
    train, rest, anomalies, _ = halves(name)
    detector = AnomalyDetector(method="neighbors", random_state=0, calibration_fraction=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewRowsWarning)
        detector.fit(train)
    return -detector.score_samples(rest), -detector.score_samples(anomalies)


def resampled(name):
    """Half of the normal rows are held out, the others new."""
    normal, _ = scores_of(name)

    def draw(rng, n, m):
        order = rng.permutation(normal)
        return order[:n], order[n:][:m]

    return draw


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_false_alarms_of_real_rows(name, rate):
    """Over 200 splits the mean rate is the promised one, within two standard errors."""
    shares = rates_of_alarms(resampled(name), 399, rate)
    assert is_near(shares, rate), (shares.mean(), shares.std())


@pytest.mark.parametrize("name", SETS)
def test_the_rate_of_the_tail_on_real_rows(name):
    """One in a thousand from 399 rows of real scores: never above three, whatever their tail."""
    mean = rates_of_alarms(resampled(name), 399, 0.001).mean()
    assert mean < 0.003, mean


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fdr", [0.1, 0.2])
def test_false_discoveries(name, fdr):
    """Anomalies planted among normal rows: the mean share of false ones is at most `fdr`.

    A tenth of each batch are anomalies; up to two standard errors of the mean over 200 splits. And
    the test has power: anomalies are among the discoveries.
    """
    normal, anomalies = scores_of(name)
    proportions, power = [], []
    for seed in range(SPLITS):
        rng = np.random.default_rng(seed)
        order = rng.permutation(normal)
        batch = np.concatenate([order[399:579], rng.choice(anomalies, 20, replace=False)])
        is_false = np.arange(len(batch)) < len(batch) - 20
        chosen = Calibration(order[:399]).discoveries(batch, fdr, warn=False)
        proportions.append(np.sum(chosen & is_false) / max(np.sum(chosen), 1))
        power.append(np.mean(chosen[~is_false]))
    error = np.std(proportions, ddof=1) / np.sqrt(SPLITS)
    assert np.mean(proportions) <= fdr + 2 * error, (np.mean(proportions), np.mean(power))
    assert np.mean(power) > 0.05


def test_discoveries_among_normal_rows_alone():
    """With nothing planted, any discovery is false: it happens in at most a share `fdr`."""
    any_false = []
    for seed in range(400):
        held, new = exponential(np.random.default_rng(seed), 999, 100)
        any_false.append(Calibration(held).discoveries(new, 0.1, warn=False).any())
    assert np.mean(any_false) <= 0.1 + 2 * np.sqrt(0.09 / 400)


def test_discoveries_that_only_a_tail_can_tell():
    """A single far row among 1,000, with 99 held out: conformal p-values are never so small."""
    held, new = exponential(np.random.default_rng(0), 99, 999)
    calibration = Calibration(held)
    batch = np.append(new, 1e5)
    assert not benjamini_hochberg(calibration.p_values(batch), 0.1).any()
    with pytest.warns(FewRowsWarning, match="99 held-out rows tell at least 100 anomalies"):
        chosen = calibration.discoveries(batch, 0.1)
    assert [999] == np.flatnonzero(chosen).tolist()


def test_tail_p_values():
    """Those of the tail beyond all scores alone, and never above the conformal ones."""
    rng = np.random.default_rng(0)
    calibration = Calibration(rng.exponential(size=200))
    new = np.linspace(0.0, 30.0, 500)
    p, tail = calibration.p_values(new), calibration.tail_p_values(new)
    inside = new <= calibration.scores[-1]
    np.testing.assert_array_equal(p[inside], tail[inside])
    beyond = np.minimum(1 / 201, calibration.tail.survival(np.sqrt(new[~inside])))
    np.testing.assert_allclose(tail[~inside], beyond)
    assert (np.diff(tail) <= 0).all() and tail[-1] < 1e-3
