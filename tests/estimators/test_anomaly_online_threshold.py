"""Thresholds of streams: rates over long streams, anomalies in them, short histories, states."""

import json

import numpy as np
import pytest
from scipy import stats

from chainrule.errors import ModelFileError
from chainrule.estimators.anomaly.thresholds.online_threshold import OnlineThreshold
from chainrule.estimators.anomaly.thresholds.tail import Tail

# The false alarms of 200,000 rows vary by about this much: by chance, and by the memories' chance.
TOLERANCE = {0.01: 0.03, 0.001: 0.08}
DISTRIBUTIONS = {
    "exponential": stats.expon(),
    "normal": stats.norm(),
    "heavy": stats.t(3),
}


@pytest.mark.parametrize("rate", TOLERANCE)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_false_alarms_of_a_long_stream(name, rate):
    """They are as many as promised, in its last quarter as well: the threshold does not creep."""
    draw = np.random.default_rng(7)
    distribution = DISTRIBUTIONS[name]
    online = OnlineThreshold(distribution.rvs(size=2_000, random_state=draw), rate)
    is_alarm = online.update_many(distribution.rvs(size=200_000, random_state=draw))
    assert rate == pytest.approx(is_alarm.mean(), rel=TOLERANCE[rate])
    assert rate == pytest.approx(is_alarm[-50_000:].mean(), rel=3 * TOLERANCE[rate])
    assert rate == pytest.approx(distribution.sf(online.threshold), rel=12 * TOLERANCE[rate])
    assert 200_000 == online.n_seen
    assert is_alarm.sum() == online.n_alarms
    assert online.n_rejected <= 20  # of ordinary rows, one in 50,000 is promised


@pytest.mark.parametrize("n_scores", [300, 2_000])
@pytest.mark.parametrize("rate", TOLERANCE)
def test_planted_anomalies_do_not_blunt_the_threshold(n_scores, rate):
    """One row in a hundred is far out: each is an alarm, and the others keep their rate."""
    draw = np.random.default_rng(1)
    scores = draw.exponential(size=100_000)
    is_anomaly = draw.uniform(size=100_000) < 0.01
    scores[is_anomaly] = 50 + 100 * draw.uniform(size=is_anomaly.sum())
    online = OnlineThreshold(draw.exponential(size=n_scores), rate)
    is_alarm = online.update_many(scores)
    assert is_alarm[is_anomaly].all()
    assert rate == pytest.approx(is_alarm[~is_anomaly].mean(), rel=2 * TOLERANCE[rate])


def test_the_threshold_follows_the_scores():
    """After they have doubled, the memory is new within 30,000 rows, and the rate is back."""
    draw = np.random.default_rng(2)
    online = OnlineThreshold(draw.exponential(size=10_000), 0.01)
    assert np.log(100) == pytest.approx(online.threshold, rel=0.05)
    growth = np.exp(np.linspace(0, np.log(2), 50_000))
    during = online.update_many(draw.exponential(size=50_000) * growth).mean()
    online.update_many(2 * draw.exponential(size=30_000))
    assert 2 * np.log(100) == pytest.approx(online.threshold, rel=0.05)
    assert 0.01 < during < 0.02


def test_the_first_threshold_is_an_interpolated_order_statistic():
    """At position rate * (n + 1) from the largest: its mean exceedance is the rate."""
    online = OnlineThreshold(np.arange(1.0, 1_000.0), rate=0.0125)  # the 12.5th of 999
    assert 987.5 == pytest.approx(online.threshold, abs=1e-9)
    exceedance = [
        1 - OnlineThreshold(draw.uniform(size=250), rate=0.01).threshold
        for draw in map(np.random.default_rng, range(150))
    ]
    assert 0.01 == pytest.approx(np.mean(exceedance), abs=0.0015)


def test_a_short_history_says_so():
    """And has the threshold of the tail, until there are enough rows."""
    draw = np.random.default_rng(3)
    scores = draw.exponential(size=300)
    online = OnlineThreshold(scores, 0.001)
    assert online.is_short
    assert online.short.startswith(
        "300 scores are too few for a rate of 0.001: until there are 999,"
    )
    assert Tail.fit(scores).quantile(0.001) == pytest.approx(online.threshold, rel=1e-12)
    online.update_many(draw.exponential(size=720))
    assert not online.is_short
    assert "" == online.short
    never = OnlineThreshold(scores, 0.001, memory=400)
    assert (
        "300 scores are too few for a rate of 0.001: the threshold is extrapolated" == never.short
    )
    assert not OnlineThreshold(np.arange(999.0), 0.001).is_short
    assert OnlineThreshold(np.arange(998.0), 0.001).is_short


@pytest.mark.parametrize("memory", [500, None])
def test_many_rows_are_judged_as_one_after_the_other(memory):
    """The same alarms and the same levels, bit for bit, over several estimates."""
    draw = np.random.default_rng(4)
    first, scores = draw.exponential(size=700), draw.exponential(size=6_000)
    scores[::97] = 100.0
    scores[5], scores[6], scores[7] = np.nan, np.inf, -np.inf
    one, many = (OnlineThreshold(first, 0.01, memory) for _ in range(2))
    singly = [one.update(score) for score in scores.tolist()]
    together = np.concatenate([many.update_many(part) for part in np.split(scores, [3, 10, 3_500])])
    assert singly == together.tolist()
    assert one.to_state()[0] == many.to_state()[0]
    np.testing.assert_array_equal(one.to_state()[1]["scores"], many.to_state()[1]["scores"])
    assert [True, True, False] == singly[5:8]


def test_minus_infinity_is_no_score_to_learn():
    """It is no alarm, and leaves the memory as it was."""
    online = OnlineThreshold(np.arange(100.0), 0.05)
    online.update_many(np.full(3_000, -np.inf))
    assert 94.95 == pytest.approx(online.threshold, abs=0.3)
    assert 0 == online.n_alarms == online.n_rejected
    np.testing.assert_array_equal(np.arange(100.0), online.to_state()[1]["scores"])


def test_infinite_calibration_scores_count_as_the_largest():
    """As for the tail."""
    scores = np.arange(200.0)
    infinite = np.where(scores == 199, np.inf, scores)
    expected = OnlineThreshold(np.minimum(scores, 198), 0.05).threshold
    assert expected == OnlineThreshold(infinite, 0.05).threshold


def test_equal_scores():
    """A higher one is an alarm, an equal one is not."""
    online = OnlineThreshold(np.full(500, 3.0), 0.01)
    assert not online.update(3.0)
    assert online.update(3.1)
    assert not online.update_many(np.full(3_000, 3.0)).any()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(([1.0], 0.1), "2 or more"), (([1.0, np.nan], 0.1), "without NaN"),
     (([1.0, 2.0], 0.0), "rate is 0.0"), (([1.0, 2.0], 0.5), "rate is 0.5"),
     (([1.0, 2.0], 0.1, 1), "memory is 1"),
     (([1.0, 2.0], 0.1, 10**9), "memory is 1000000000"), (([np.inf, np.inf], 0.1), "infinite")],
)  # fmt: skip
def test_wrong_arguments_are_refused(arguments, problem):
    """The error says what came."""
    with pytest.raises(ValueError, match=problem):
        OnlineThreshold(*arguments)


def test_scores_of_two_axes_are_refused():
    """Each row has one score."""
    with pytest.raises(ValueError, match=r"shape \(2, 1\)"):
        OnlineThreshold([1.0, 2.0], 0.1).update_many([[1.0], [2.0]])


def state(n_rows=3_456, memory=2_000):
    draw = np.random.default_rng(5)
    online = OnlineThreshold(draw.exponential(size=400), 0.01, memory)
    online.update_many(draw.exponential(size=n_rows))
    return online


@pytest.mark.parametrize("n_rows", [0, 1_234, 3_456])
def test_a_state_decides_as_the_first_would_have(n_rows):
    """Bit for bit, through JSON, with the memory half full and wrapped."""
    online = state(n_rows)
    description, arrays = online.to_state()
    again = OnlineThreshold.from_state(json.loads(json.dumps(description)), arrays)
    scores = np.random.default_rng(6).exponential(size=5_000)
    np.testing.assert_array_equal(online.update_many(scores), again.update_many(scores))
    assert online.to_state()[0] == again.to_state()[0]
    np.testing.assert_array_equal(online.to_state()[1]["scores"], again.to_state()[1]["scores"])


@pytest.mark.parametrize(
    "change",
    [{"rate": 0.0}, {"rate": 0.9}, {"memory": 1_000}, {"memory": 2.5}, {"next": 5_000}, {"due": 5},
     {"n_alarms": 9_999}, {"n_rejected": 9_999}, {"threshold": np.inf}, {"threshold": 1e9},
     {"n_seen": -1}, {"rejection": None}, {"other": 1}, {"memory": 10**15}],
)  # fmt: skip
def test_damaged_descriptions_are_refused(change):
    """In words that name the threshold."""
    description, arrays = state().to_state()
    with pytest.raises(ModelFileError, match="damaged, threshold"):
        OnlineThreshold.from_state(description | change, arrays)


@pytest.mark.parametrize(
    "scores",
    [None, [1.0, 2.0], np.zeros((2_000, 1)), np.zeros(2_000, "f4"), np.full(2_000, np.nan),
     np.zeros(1), np.zeros(2_001), np.zeros(1_999)],
)  # fmt: skip
def test_damaged_scores_are_refused(scores):
    """Whatever the array is."""
    description, _ = state().to_state()
    with pytest.raises(ModelFileError, match="damaged, threshold"):
        OnlineThreshold.from_state(description, {} if scores is None else {"scores": scores})
