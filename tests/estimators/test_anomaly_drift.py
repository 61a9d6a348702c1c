"""Drift monitors: false reports, delays, columns, anomalies that are no drift, states."""

import json

import numpy as np
import pytest

from chainrule.errors import ModelFileError
from chainrule.estimators.anomaly.streams.drift import N_BETS, DriftMonitor, _uniform
from chainrule.estimators.anomaly.streams.feature_drift import FeatureDrift


def delay(seed, n_before, n_scores=1_000, **after):
    """How many rows after a change it is reported."""
    draw = np.random.default_rng(seed)
    monitor = DriftMonitor(draw.normal(size=n_scores))
    monitor.update_many(draw.normal(size=n_before))
    assert not monitor.has_drifted
    monitor.update_many(draw.normal(size=3_000, **after))
    return (monitor.reported_at or 10**9) - n_before


@pytest.mark.parametrize(
    ("n_scores", "n_before", "after", "most"),
    [
        (300, 0, {"loc": 0.5}, 400),
        (1_000, 1_000, {"loc": 0.5}, 250),
        (1_000, 1_000, {"loc": -0.5}, 250),
        (1_000, 1_000, {"loc": 1.0}, 80),
        (1_000, 1_000, {"loc": 0.25}, 1_200),
        (1_000, 1_000, {"scale": 1.5}, 400),
        (1_000, 1_000, {"scale": 0.67}, 400),
        (1_000, 20_000, {"loc": 0.5}, 400),
    ],
)
def test_a_change_of_the_bulk_is_reported_within_some_hundred_rows(n_scores, n_before, after, most):
    """Half a deviation up or down, a wider or narrower spread; after a long calm too."""
    assert max(delay(seed, n_before, n_scores, **after) for seed in range(3)) < most


def test_false_reports_are_as_rare_as_promised():
    """Of 200 streams without drift at most a fifth reports at 0.2, whatever the scores' form."""
    reports = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        monitor = DriftMonitor(draw.exponential(size=40), false_reports=0.2)
        monitor.update_many(draw.exponential(size=600))
        reports += monitor.has_drifted
    assert 0 < reports <= 40


def test_the_capital_is_fair():
    """After few rows its mean over many streams is 1, though half of the streams lose."""
    ends = []
    for seed in range(3_000):
        draw = np.random.default_rng(seed)
        monitor = DriftMonitor(draw.normal(size=9))
        monitor.n_seen = 1_000 * seed  # other random ranks for each
        monitor._bank = (1 + monitor.n_seen / 500) ** -0.5
        monitor._capital = [(1 - monitor._bank) / N_BETS] * N_BETS
        monitor.update_many(draw.normal(size=5))
        ends.append(monitor.evidence)
    assert 1.0 == pytest.approx(np.mean(ends), abs=3 * np.std(ends) / np.sqrt(3_000))
    assert np.std(ends) > 0.1


def test_p_values_within_a_bin_are_uniform():
    """The random ranks that depend on the number of the row alone, and no row on the last."""
    ranks = np.array([_uniform(row) for row in range(20_000)])
    counts = np.histogram(ranks, bins=20, range=(0, 1))[0]
    assert np.sum((counts - 1_000) ** 2 / 1_000) < 43.8  # chi-squared, 19 degrees: 1 in 1,000
    assert abs(np.corrcoef(ranks[1:], ranks[:-1])[0, 1]) < 0.025


def test_anomalies_are_no_drift():
    """Neither one row in a hundred, far out, nor five in a row, though they were handed over."""
    draw = np.random.default_rng(0)
    scores = draw.normal(size=20_000)
    scores[draw.uniform(size=20_000) < 0.01] = 1e6
    scores[500:505] = np.inf
    monitor = DriftMonitor(draw.normal(size=1_000))
    monitor.update_many(scores)
    assert not monitor.has_drifted
    assert monitor.evidence < 10


def test_equal_scores_do_not_drift():
    """All calibration scores are the same: the same again is none, others soon are."""
    monitor = DriftMonitor(np.full(500, 2.0))
    monitor.update_many(np.full(2_000, 2.0))
    assert not monitor.has_drifted
    monitor.update_many(np.full(100, 2.5))
    assert monitor.has_drifted


def test_a_report_stands():
    """And scores that are NaN say nothing."""
    draw = np.random.default_rng(1)
    monitor = DriftMonitor(draw.normal(size=500))
    assert not monitor.update(np.nan)
    assert 1.0 == monitor.evidence
    monitor.update_many(draw.normal(loc=2.0, size=200))
    reported_at = monitor.reported_at
    assert monitor.update(0.0)
    monitor.update_many(draw.normal(size=2_000))
    assert reported_at == monitor.reported_at < 100
    assert 2_202 == monitor.n_seen


def test_columns_that_drift_are_listed_strongest_first():
    """A mean, a spread, a constant that is none any more; the others are not listed."""
    draw = np.random.default_rng(2)
    reference = draw.normal(size=(1_000, 6)) * [1, 10, 1, 1, 1, 0] + 5
    monitor = DriftMonitor(draw.normal(size=1_000), features=reference)
    rows = draw.normal(size=(1_500, 6)) * [1, 10, 2, 1, 1, 0] + [5, 15, 5, 5, 5.5, 7]
    monitor.update_many(draw.normal(size=1_500), rows)
    assert not monitor.has_drifted
    drifted = monitor.feature_drift.drifted()
    strengths = [one.strength for one in drifted]
    assert sorted(strengths, reverse=True) == strengths
    by_column = {one.column: one for one in drifted}
    assert {1, 2, 4, 5} == set(by_column)
    assert 1.0 == pytest.approx(by_column[1].shift, abs=0.2)
    assert 2.0 == pytest.approx(by_column[2].spread, abs=0.2)
    assert 0.5 == pytest.approx(by_column[4].shift, abs=0.15)
    assert 4.0 == pytest.approx(by_column[5].shift, abs=0.1)
    assert [] == monitor.feature_drift.drifted(limit=1e3)


@pytest.mark.parametrize("kind", ["normal", "binary", "heavy"])
def test_columns_that_do_not_drift_are_not_listed(kind):
    """Whatever their form, in 5,000 rows of 50 columns, with single values far out."""
    draw = np.random.default_rng(3)
    rows = {
        "normal": lambda: draw.normal(size=(6_000, 50)),
        "binary": lambda: (draw.uniform(size=(6_000, 50)) < 0.1).astype(float),
        "heavy": lambda: draw.standard_t(3, size=(6_000, 50)),
    }[kind]()
    rows[2_000::400] = 1e9
    drift = FeatureDrift(rows[:1_000])
    for k, row in enumerate(rows[1_000:]):
        drift.update(row)
        if k % 100 == 50:
            assert [] == drift.drifted()


def test_moving_averages():
    """Steps of 1/300 of the difference; at most 4 deviations, and NaN none; in blocks or not."""
    drift = FeatureDrift(np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]))
    drift.update(np.array([0.5, 100.0, np.nan]))
    expected = [[0.5 / 300, 4 / 300, 0.0], [1 + (0.25 - 1) / 300, 1 + 15 / 300, 0.0]]
    np.testing.assert_allclose(expected, drift._averages(), rtol=1e-12)
    rows = np.random.default_rng(7).uniform(-1, 1, size=(100, 3)) * [1, 1, 0]
    expected = np.array(expected)
    for row in rows:
        drift.update(row)
        expected += (np.array([row, row**2]) - expected) / 300
        np.testing.assert_allclose(expected, drift._averages(), rtol=1e-11)
    with pytest.raises(ValueError, match=r"shape \(2,\): the reference has 3 columns"):
        drift.update(np.zeros(2))


def test_missing_and_infinite_reference_values():
    """They are left out of the reference; a column of them alone counts as constant zeros."""
    draw = np.random.default_rng(4)
    rows = draw.normal(loc=3.0, size=(500, 2))
    rows[::2, 0], rows[:, 1] = np.nan, np.nan
    rows[1, 0] = np.inf
    drift = FeatureDrift(rows)
    assert np.mean(rows[3::2, 0]) == pytest.approx(drift._center[0], rel=1e-12)
    for _ in range(300):
        drift.update(np.array([np.nan, np.nan]))
    assert [] == drift.drifted()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(([1.0],), "2 or more"), (([1.0, np.nan],), "without NaN"),
     (([1.0, 2.0], None, 0.0), "false_reports is 0.0"),
     (([1.0, 2.0], [1.0, 2.0]), r"shape \(2,\)")],
)  # fmt: skip
def test_wrong_arguments_are_refused(arguments, problem):
    """The error says what came."""
    with pytest.raises(ValueError, match=problem):
        DriftMonitor(*arguments)


def monitor_of(n_rows, has_features=True):
    draw = np.random.default_rng(5)
    monitor = DriftMonitor(
        draw.normal(size=300), draw.normal(size=(300, 4)) if has_features else None
    )
    monitor.update_many(draw.normal(size=n_rows), draw.normal(size=(n_rows, 4)))
    return monitor


@pytest.mark.parametrize("has_features", [True, False])
@pytest.mark.parametrize("n_rows", [0, 1_000])
def test_a_state_reports_as_the_first_would_have(n_rows, has_features):
    """Bit for bit, through JSON."""
    monitor = monitor_of(n_rows, has_features)
    description, arrays = monitor.to_state()
    again = DriftMonitor.from_state(json.loads(json.dumps(description)), arrays)
    assert has_features == bool(arrays)
    draw = np.random.default_rng(6)
    scores, features = draw.normal(loc=0.4, size=800), draw.normal(loc=0.4, size=(800, 4))
    for one in (monitor, again):
        one.update_many(scores, features)
    assert monitor.reported_at == again.reported_at is not None
    assert monitor.to_state()[0] == again.to_state()[0]
    for name, array in monitor.to_state()[1].items():
        np.testing.assert_array_equal(array, again.to_state()[1][name])


@pytest.mark.parametrize(
    "change",
    [{"edges": [2.0, 1.0]}, {"edges": [np.inf]}, {"counts": [-1]}, {"counts": [1]}, {"bank": -1.0},
     {"capital": [0.0]}, {"capital": [-1.0] * 6}, {"reported_at": 5_000}, {"false_reports": 2.0},
     {"features": {"columns": 5}}, {"features": {}}, {"n_seen": 1.5}, {"other": 0}],
)  # fmt: skip
def test_damaged_descriptions_are_refused(change):
    """In words that name the monitor."""
    description, arrays = monitor_of(10).to_state()
    with pytest.raises(ModelFileError, match="damaged, drift"):
        DriftMonitor.from_state(description | change, arrays)


@pytest.mark.parametrize(
    "array", [None, np.ones(3), np.ones(4, "f4"), np.full(4, np.nan), [1.0] * 4]
)
@pytest.mark.parametrize("name", ["center", "inverse", "moving", "pending"])
def test_damaged_arrays_are_refused(name, array):
    """Whatever the array is."""
    description, arrays = monitor_of(10).to_state()
    arrays.pop(name)
    with pytest.raises(ModelFileError, match="damaged, drift.features"):
        DriftMonitor.from_state(description, arrays if array is None else arrays | {name: array})


def test_errors_of_averages_are_positive():
    """A state with an error of 0 would divide by it."""
    description, arrays = monitor_of(10).to_state()
    with pytest.raises(ModelFileError, match="'mean_error' with numbers that are not positive"):
        DriftMonitor.from_state(description, arrays | {"mean_error": np.zeros(4)})
