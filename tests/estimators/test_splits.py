"""Which rows are tested on: the latest, whole groups; the target one would take; the options."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted_tables import clean, duplicate_tables, group_tables, identifier_tables

import chainrule as cr
from chainrule import TabularRegressor
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions, fit_table
from chainrule.estimators.tabular.preparation import training_table
from chainrule.estimators.tabular.splits import split_by_group, split_by_time
from chainrule.estimators.tabular.targets import likely_target

pytestmark = pytest.mark.usefixtures("_unoptimised")

OPTIONS = TrainOptions(progress=False)
QUICK = replace(OPTIONS, hidden_layer_sizes=(8,), max_iter=3, n_members=1)


def prepared(frame, target=None, **options):
    return training_table(Table("t", frame), target, None, replace(OPTIONS, **options))


def test_the_latest_rows_are_tested_on():
    """What happened at the same time stays together; unknown times are early ones."""
    times = np.array([5.0, 1.0, 5.0, 2.0, np.nan, 3.0, 4.0, 4.0, 0.0, 5.0])
    train, test = split_by_time(times, 0.2)
    assert [1, 3, 4, 5, 6, 7, 8] == train.tolist()
    assert [0, 2, 9] == test.tolist()
    train, test = split_by_time(np.array([1.0, 2.0, 2.0, 2.0]), 0.9)
    assert ([0], [1, 2, 3]) == (train.tolist(), test.tolist())
    train, test = split_by_time(np.array([1.0, 1.0, 1.0, 2.0]), 0.5)
    assert ([0, 1, 2], [3]) == (train.tolist(), test.tolist())
    with pytest.raises(DataError, match="all rows are of the same time"):
        split_by_time(np.ones(4), 0.2)


def test_groups_stay_together():
    """Each value is on one side, and each row without one is a group by itself."""
    groups = pd.Series(["a", "b", "c", "d", "e", None, None, None] * 6, name="patient")
    train, test = split_by_group(groups, 0.3, 0)
    np.testing.assert_array_equal(np.arange(48), np.sort(np.concatenate([train, test])))
    known = groups.dropna()
    assert not {*known.reindex(train).dropna()} & {*known.reindex(test).dropna()}
    assert {True, False} == {bool(k in {*test}) for k in np.flatnonzero(groups.isna())}
    with pytest.raises(DataError, match="'patient' has one group only"):
        split_by_group(pd.Series(["a"] * 9, name="patient"), 0.3, 0)


def shuffled_days(rows=60):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=rows, freq="D")[rng.permutation(rows)]
    x = rng.normal(size=rows)
    return pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "x": x, "y": x + rng.normal(size=rows)})


@pytest.mark.parametrize("options", [{"by": "day"}, {"split": "time"}])
def test_split_by_a_column_of_dates(options):
    """The only one is taken where none is named."""
    frame = shuffled_days()
    whole = prepared(frame, **options)
    days = frame["day"].to_numpy()
    assert 12 == len(whole.test_rows)
    assert days[whole.train_rows].max() < days[whole.test_rows].min()


def test_split_by_the_order_of_the_rows():
    frame = shuffled_days().drop(columns="day")
    np.testing.assert_array_equal(np.arange(48, 60), prepared(frame, split="time").test_rows)
    frame["number"] = -np.arange(60)
    np.testing.assert_array_equal(np.arange(12), prepared(frame, "y", by="number").test_rows)


def test_split_by_groups_does_not_learn_from_their_names():
    frame, column = group_tables(0)["machines"]
    whole = prepared(frame, group=column)
    cells = frame[column].to_numpy()
    assert not {*cells[whole.train_rows]} & {*cells[whole.test_rows]}
    assert column not in whole.source.inputs.columns
    assert column in prepared(frame).source.inputs.columns


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "day", "group": "x"}, "group 'x' and by 'day' contradict each other"),
        ({"split": "random", "by": "day"}, "split 'random' and by 'day' contradict"),
        ({"split": "group"}, "needs the column that tells them: --group COLUMN"),
        ({"split": "early"}, "split 'early': give one of random, time, group"),
        ({"by": "when"}, "no column 'when'"),
        ({"by": "kind"}, "column 'kind' holds neither dates nor numbers"),
        ({"group": "y"}, "'y' is the target: rows cannot be split by it"),
        ({"split": "time", "more": True}, "'day', 'other' all hold dates"),
        ({"log": True}, "column 'y' goes down to -.*: leave out --log"),
        ({"cost": (1.0, 5.0)}, "'y' holds numbers, and --cost is for two classes"),
    ],
)
def test_options_that_cannot_be(options, words):
    frame = shuffled_days().assign(kind=["a", "b"] * 30)
    if options.pop("more", False):
        frame["other"] = frame["day"]
    with pytest.raises(DataError, match=words) as caught:
        prepared(frame[[*(c for c in frame.columns if c != "y"), "y"]], "y", **options)
    assert "\n" not in str(caught.value)
    labels = frame.assign(y=["a", "b"] * 30)
    with pytest.raises(DataError, match="holds classes, which have no logarithm"):
        prepared(labels, "y", log=True)


def test_classes_that_the_training_lacks():
    """All early rows are of one class: there is nothing to tell apart."""
    frame = pd.DataFrame({"x": np.arange(40.0), "y": ["a"] * 32 + ["b"] * 8})
    with pytest.raises(DataError, match="all rows to train on have the same 'y', 'a'"):
        prepared(frame, split="time")


def test_repeated_rows_are_left_out():
    """Also where a running number makes them differ."""
    frame, count = duplicate_tables(1)["beside an identifier"]
    whole = prepared(frame, "y", deduplicate=True)
    assert (count, len(frame) - count) == (whole.source.duplicates, len(whole.source.frame))
    assert not whole.source.frame.drop(columns="id").duplicated().any()
    with pytest.raises(DataError, match="1 of 30 rows differ from all others, too few"):
        prepared(pd.DataFrame({"x": [1.0] * 30, "y": ["a"] * 30}), deduplicate=True)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"label": [0, 1, 0, 1], "age": [4, 5, 6, 7]}, ("label", "its name says so")),
        ({"Sale_Price": [1, 2, 3, 4], "age": [4, 5, 6, 7]}, ("Sale_Price", "often predicted")),
        ({"class": ["a"] * 4, "y": [0, 1, 1, 0], "z": [1, 2, 3, 4]}, ("y", "its name says so")),
        ({"price": [1, 2, 3, 4], "target": [4, 5, 6, 7]}, ("target", "its name says so")),
        ({"a": [1, 2, 3, 4], "b": [2, 1, 2, 1]}, ("b", "it is the last column")),
        ({"a": [1, 2, 3, 4], "b": ["w", "x", "y", "z"]}, ("a", "not all different")),
    ],
)  # fmt: skip
def test_the_target_that_one_would_take(columns, expected):
    name, why = likely_target(pd.DataFrame(columns))
    assert expected[0] == name
    assert expected[1] in why


def test_a_training_without_new_options_is_as_before():
    """The checks change no bit of the model; leaving out an identifier is as if it were dropped."""
    frame, name = identifier_tables(1)["running"]
    table = Table("t", frame.head(120))
    first = fit_table(table, options=QUICK)
    second = fit_table(table, options=replace(QUICK, drop=(name,), advise=False))
    assert (first.score, first.identifiers, second.identifiers) == (second.score, (name,), ())
    assert ("identifier", (name,)) in [(one.kind, one.columns) for one in first.advice]
    assert ((), ()) == (second.advice, second.honest)
    for a, b in zip(first.model.network_.coefs_, second.model.network_.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_thresholds_of_a_rare_class():
    """Chosen on rows that members have not seen; a cost of misses lowers it."""
    frame = clean(0, 240)
    y = frame["y"]
    frame["y"] = np.where(y > y.quantile(0.92), "fraud", "fine")
    plain = fit_table(Table("t", frame), options=replace(QUICK, max_iter=12, advise=False))
    assert ("ROC AUC", "random") == (plain.metric, plain.split)
    chosen = plain.threshold
    assert ("fraud", "F1", None) == (chosen.positive, chosen.goal, chosen.total_cost)
    assert chosen.f1 >= chosen.f1_at_half
    truth = plain.frame["y"].iloc[plain.test_rows].to_numpy() == "fraud"
    inputs = plain.frame[plain.model.feature_names_in_].iloc[plain.test_rows]
    p = plain.model.predict_proba(inputs)[:, list(plain.model.classes_).index("fraud")]
    assert chosen.false_positives == np.sum((p >= chosen.value) & ~truth)
    assert chosen.recall == np.mean(p[truth] >= chosen.value)
    costs = replace(QUICK, max_iter=12, advise=False, cost=(1.0, 50.0))
    dear = fit_table(Table("t", frame), options=costs).threshold
    assert dear.value < chosen.value
    assert dear.total_cost == dear.false_positives + 50.0 * dear.false_negatives
    assert dear.total_cost <= dear.total_cost_at_half
    assert [1.0, 50.0] == dear.to_json()["cost"]


def test_logarithm_of_the_target(tmp_path):
    """It is learned, saved and undone; zeros are shifted by one, numbers below 0 refused."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    y = np.exp(2.0 * frame["a"] + 0.1 * rng.normal(size=200)).to_numpy() + 1e-3
    few = {"hidden_layer_sizes": (16,), "n_members": 1, "max_iter": 25, "random_state": 0,
           "gaussian_process_rows": 0, "progress": False}  # fmt: skip
    model = TabularRegressor(target_transform="log", **few).fit(frame, y)
    assert np.abs(np.log(model.predict(frame)) - np.log(y)).mean() < 0.4
    np.testing.assert_allclose(np.log(y).min(), model.range_[0], rtol=1e-12)
    assert 0.0 == model.log_offset_
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.predict(frame), again.predict(frame))
    lower, upper = again.predict_interval(frame)
    assert 0.8 < np.mean((lower <= y) & (y <= upper)) <= 1.0
    assert lower.min() > 0.0
    assert 1.0 == TabularRegressor(target_transform="log", **few).fit(
        frame, np.floor(y)).log_offset_  # fmt: skip
    with pytest.raises(DataError, match="below 0 has no logarithm"):
        TabularRegressor(target_transform="log", **few).fit(frame, -y)
    with pytest.raises(DataError, match="goes with a loss of differences"):
        TabularRegressor(loss="poisson", target_transform="log", **few).fit(frame, y)


def test_logarithm_in_onnx():
    """The exported graph undoes it as well."""
    onnxruntime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    y = np.floor(np.exp(1.5 * frame["a"])).to_numpy()
    model = TabularRegressor(
        target_transform="log", hidden_layer_sizes=(8,), n_members=1, max_iter=3, random_state=0,
        gaussian_process_rows=0, progress=False,
    ).fit(frame, y)  # fmt: skip
    session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
    inputs = {one.name: frame[[one.name]].to_numpy() for one in session.get_inputs()}
    np.testing.assert_allclose(
        model.predict(frame), session.run(None, inputs)[0].ravel(), rtol=1e-5, atol=1e-6
    )
