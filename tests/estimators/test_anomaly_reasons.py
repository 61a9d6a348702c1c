"""Why rows are strange: the planted column is named, in its units, and attributions add up."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from adbench import halves

from chainrule import AnomalyDetector
from chainrule.estimators.anomaly.members.ensemble import Rows, network_errors
from chainrule.estimators.anomaly.thresholds.calibration import FewRowsWarning

NETWORKS = ("autoencoder", "denoising", "masked")
METHODS = ["auto", "neighbors", *(pytest.param(m, marks=pytest.mark.slow) for m in NETWORKS)]
SETS = ["cardio", "satellite", "vowels", "fault", "thyroid"]

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.anomaly.thresholds.calibration.FewRowsWarning"
    ),
    pytest.mark.usefixtures("_unoptimised"),
]


def table(rows=1000):
    """Two columns go together, a third follows the colour, a fourth never changes."""
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2])
    size = rng.normal(50.0, 5.0, rows)
    heat = np.select([colour == "red", colour == "green"], [900.0, 200.0], 20.0)
    return pd.DataFrame({
        "size": size, "weight": 3.0 * size + rng.normal(0.0, 1.0, rows),
        "heat": heat * rng.uniform(0.95, 1.05, rows), "version": 7.0, "colour": colour,
    })  # fmt: skip


@cache
def fitted(method="auto"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewRowsWarning)
        return AnomalyDetector(
            method=method, max_iter=30, n_members=2, random_state=0, progress=False
        ).fit(table())


def row(**changes):
    usual = {"size": 50.0, "weight": 150.0, "heat": 900.0, "version": 7.0, "colour": "red"}
    return pd.DataFrame([{**usual, **changes}])


def reasons(method="auto", **changes):
    [alarm] = fitted(method).explain(row(**changes))
    return alarm.reasons


def first(method="auto", **changes):
    return reasons(method, **changes)[0]


# What is named


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "change", [{"weight": 400.0}, {"size": -20.0}, {"heat": 9000.0}, {"version": 8.0},
               {"colour": "pink"}, {"size": None}],
    ids=lambda change: "".join(change),
)  # fmt: skip
def test_the_changed_column_comes_first(method, change):
    """With the changed value beside an expected one."""
    [(name, value)] = change.items()
    reason = first(method, **change)
    assert (name, value) == (reason.column, reason.observed)
    assert 0.5 < reason.share <= 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("change", "expected", "off"),
    [({"size": None, "weight": 120.0}, 40.0, 3.0), ({"size": None, "weight": 180.0}, 60.0, 3.0),
     ({"weight": None, "size": 40.0}, 120.0, 9.0), ({"heat": None, "colour": "blue"}, 20.0, 150.0),
     ({"colour": None, "heat": 200.0}, "green", 0),
     ({"colour": "pink", "heat": 200.0}, "green", 0)],
)  # fmt: skip
def test_an_empty_cell_comes_before_what_does_not_fit_its_guess(method, change, expected, off):
    """An empty size stands for the median; that a low weight contradicts it is not its fault.

    What is expected in the cell is what fits the other columns.
    """
    reason = first(method, **change)
    assert (next(iter(change)), next(iter(change.values()))) == (reason.column, reason.observed)
    assert 0.85 < reason.share <= 1.0
    if isinstance(expected, str):
        assert expected == reason.expected
    else:
        assert expected == pytest.approx(reason.expected, abs=off)


def test_two_empty_cells_are_two_reasons():
    """Of columns that go together, neither is the fault of the other."""
    both = reasons(size=None, weight=None)
    assert {"size", "weight"} == {reason.column for reason in both}
    assert all(0.5 == pytest.approx(reason.share, abs=0.05) for reason in both)


def test_expectations_are_in_the_units_of_the_column():
    """The expected weight is what goes with the size, and its range is that of normal rows."""
    reason = first(weight=250.0)
    assert 150.0 == pytest.approx(reason.expected, abs=30.0)
    assert reason.low < reason.expected < reason.high < 250.0
    assert reason.high - reason.low < 150.0
    constant = first(version=8.0)
    assert (7.0, 7.0, 7.0) == (constant.expected, constant.low, constant.high)
    heat = first(heat=9000.0)
    assert 0 < heat.expected < 1000.0 and heat.high < 2000.0


def test_categories():
    """Of a new category the usual one is told, without a range; an empty cell is None."""
    pink = first(colour="pink")
    assert ("colour", "pink", None, None) == (pink.column, pink.observed, pink.low, pink.high)
    assert pink.expected in ("red", "green", "blue")
    empty = first(colour=None)
    assert ("colour", None) == (empty.column, empty.observed)
    wrong = reasons(colour="blue")  # of a heat of 900: one of the two is wrong
    assert wrong[0].column in ("colour", "heat")
    if wrong[0].column == "colour":
        assert "red" == wrong[0].expected


def test_shares_of_two_columns():
    """Each of two changed columns is named; the larger share first."""
    both = reasons("neighbors", version=8.0, size=90.0)
    assert {"version", "size"} <= {reason.column for reason in both}
    assert [reason.share for reason in both] == sorted((r.share for r in both), reverse=True)
    assert sum(reason.share for reason in both) <= 1.0 + 1e-9


def test_dates_are_named_with_their_part():
    """Of a row at three at night the hour is the reason."""
    days = pd.bdate_range("2024-01-01", periods=1000)
    when = days + pd.to_timedelta(9 + np.arange(1000) % 8, unit="h")
    frame = pd.DataFrame({"when": when, "x": np.random.default_rng(0).normal(size=1000)})
    made = AnomalyDetector(method="neighbors", random_state=0).fit(frame)
    night = pd.DataFrame({"when": [pd.Timestamp("2024-05-02T03:00")], "x": [0.0]})
    [alarm] = made.alarms(night)
    assert ("when (hour)", "3") == (alarm.reasons[0].column, alarm.reasons[0].observed)
    assert 9 <= int(alarm.reasons[0].expected) <= 16


# Alarms


def test_alarms_of_a_table():
    """Those of `predict`, the strangest first, with labels of the index and p-values."""
    frame = pd.concat([table(60), row(weight=400.0), row(colour="pink", version=9.0)])
    frame.index = pd.Index([f"id{k}" for k in range(62)])
    made = fitted()
    alarms = made.alarms(frame)
    np.testing.assert_array_equal(np.flatnonzero(made.predict(frame) == -1), alarms.rows)
    assert {60, 61} <= set(alarms.rows.tolist())
    scores = [alarm.score for alarm in alarms]
    assert sorted(scores) == scores
    np.testing.assert_allclose(
        [made.score_samples(frame)[alarm.row] for alarm in alarms], scores, rtol=1e-6
    )
    assert all(f"id{alarm.row}" == alarm.label for alarm in alarms)
    p_values = made.p_values(frame)
    assert all(p_values[alarm.row] == pytest.approx(alarm.p_value) for alarm in alarms)
    assert 62 == alarms.n_rows
    few = made.alarms(frame, n_reasons=1)
    assert {1} == {len(alarm.reasons) for alarm in few}
    assert len(made.alarms(frame, false_alarm_rate=0.5)) > len(alarms)
    assert 0 == len(made.alarms(table(60).iloc[:1]))


def test_alarms_as_a_frame_and_as_text():
    alarms = fitted().alarms(pd.concat([row(weight=400.0), row(colour="<b>pink</b>")]))
    frame = alarms.to_frame()
    assert sum(len(alarm.reasons) for alarm in alarms) == len(frame)
    tops = frame[frame["rank"] == 1].set_index("row")
    assert {0: "weight", 1: "colour"} == tops["column"].to_dict()
    assert 400.0 == tops.loc[0, "observed"]
    assert "2 alarms in 2 rows" in str(alarms)
    assert "weight = 400, expected " in str(alarms)
    html = alarms._repr_html_()
    assert "&lt;b&gt;pink" in html and "<b>" not in html
    groups = alarms.groups()
    assert [{"weight"}, {"colour"}] == sorted(
        ({alarm.reasons[0].column for alarm in group} for group in groups), key=max, reverse=True
    )


def test_reasons_of_a_usual_row():
    """Nothing is expected to be much otherwise: the score can hardly fall."""
    made = fitted()
    drops = made.score_samples(row()) - made.score_samples(row(weight=400.0))
    assert drops[0] > 10
    for alarm in made.explain(table(5)):
        assert all(0 <= reason.share <= 1 for reason in alarm.reasons)


# Attributions


@pytest.mark.parametrize(
    "method", ["neighbors", "autoencoder", pytest.param("masked", marks=pytest.mark.slow)]
)
def test_attributions_add_up(method):
    """To the score of the row minus that where the line begins; closer with more steps.

    The neighbours' mean is the start, where nothing was never seen.
    """
    made = fitted(method).fitted_
    rows = pd.concat([row(weight=190.0), row(heat=500.0), row(size=65.0), row(version=8.0)])
    raw = made.columns.raw(rows)
    features, _ = made.columns.encode(raw)
    start = made.expectations.expected(made.ensemble, features)[1]
    before = _scores_of_features(made, start)
    difference = made.scores(raw) - before
    for steps, most in ((2, 0.1), (16, 0.01), (200, 1e-3)):
        parts = fitted(method).attributions(rows, steps=steps)
        assert made.columns.labels == [*parts.columns]
        assert np.abs(parts.sum(axis=1) - difference).max() < most * np.abs(difference).max()
    assert parts.iloc[0].idxmax() in ("weight", "size")  # which do not go together
    assert "version" == parts.iloc[3].idxmax()


def _scores_of_features(made, features):
    networks = made.ensemble.networks
    errors = {k: np.mean(v, axis=1) for k, v in network_errors(networks, features).items()}
    return made.ensemble.scores(Rows(features, np.zeros(len(features))), errors)


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "a"])
def test_steps_are_a_whole_number(steps):
    with pytest.raises(ValueError, match="steps="):
        fitted("neighbors").attributions(row(), steps=steps)


@pytest.mark.parametrize("n_reasons", [0, True, -1, 1.5, "a", None])
def test_reasons_are_a_whole_number(n_reasons):
    """Anything else is refused by its name, also where there is no alarm to explain."""
    for method in (fitted("neighbors").explain, fitted("neighbors").alarms):
        with pytest.raises(ValueError, match=f"n_reasons={n_reasons!r}: give a whole number"):
            method(row(), n_reasons=n_reasons)
    [alarm] = fitted("neighbors").explain(row(version=8.0), n_reasons=np.int64(1))
    assert 1 == len(alarm.reasons)


def test_attributions_have_the_labels_of_the_rows():
    """Those of the index of a DataFrame; rows of an array are counted."""
    frame = table(3).set_axis(["a", "b", "a"])
    parts = fitted("neighbors").attributions(frame)
    assert ["a", "b", "a"] == parts.index.tolist()
    plain = fitted("neighbors").attributions(frame.reset_index(drop=True))
    assert [0, 1, 2] == plain.index.tolist()
    np.testing.assert_array_equal(plain.to_numpy(), parts.to_numpy())
    numbers = AnomalyDetector(method="neighbors").fit(np.arange(40.0)[:, None])
    assert [0, 1] == numbers.attributions(np.array([[3.0], [80.0]])).index.tolist()


# Real sets


SLOW = ("cardio", "fault")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW))
        for name in SETS if name not in ("satellite", "thyroid")  # they take longest
    ],
)  # fmt: skip
def test_planted_values_are_named(name):
    """In normal rows a value is moved by 4 to 8 deviations: it comes first in 9 of 10 alarms."""
    train, rest, _, rng = halves(name)
    rows = rest[:150].copy()
    moving = np.flatnonzero(train.std(axis=0) > 0)
    columns = moving[rng.integers(0, len(moving), len(rows))]
    sizes = rng.choice([-1, 1], len(rows)) * rng.uniform(4.0, 8.0, len(rows))
    planted = train.mean(axis=0)[columns] + sizes * train.std(axis=0)[columns]
    rows[np.arange(len(rows)), columns] = planted
    made = AnomalyDetector(random_state=0, max_iter=20, n_members=2, progress=False).fit(train)
    alarms = made.alarms(rows, false_alarm_rate=0.02)
    assert len(alarms) > 75
    hits = [alarm.reasons[0].column == f"x{columns[alarm.row]}" for alarm in alarms]
    assert np.mean(hits) >= 0.9, (np.mean(hits), len(hits))
