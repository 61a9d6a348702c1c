"""What the training rows looked like, and where other rows are unlike them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import ModelFileError
from chainrule.estimators.tabular.training_summary import TrainingSummary


def table(seed, rows=2_000):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "size": rng.normal(10.0, 2.0, rows), "count": rng.poisson(2.0, rows),
        "colour": rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]),
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, rows), unit="D"),
        "gaps": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows)),
    })  # fmt: skip


@pytest.fixture(scope="module")
def summary():
    return TrainingSummary.learn(table(0))


def test_numbers_of_a_summary(summary):
    """Ends are exact, shares add up to 1, and texts come by how often they occur."""
    by_name = {column.name: column for column in summary.columns}
    frame = table(0)
    assert (frame["size"].min(), frame["size"].max()) == by_name["size"].ends
    np.testing.assert_allclose([sum(c.shares) for c in summary.columns], 1.0, atol=1e-5)
    assert ("red", "green", "blue") == by_name["colour"].levels
    np.testing.assert_allclose(by_name["colour"].shares, frame["colour"].value_counts() / 2_000,
                               rtol=1e-5)  # fmt: skip
    low = np.array([np.mean(frame["size"] <= edge) for edge in by_name["size"].edges])
    np.testing.assert_allclose(np.cumsum(by_name["size"].shares)[:-1], low, atol=1e-5)
    assert abs(by_name["gaps"].missing - frame["gaps"].isna().mean()) < 1e-6


def test_rows_like_those_of_the_training(summary):
    """Of twenty other tables of the same kind none has drifted, nor has one of few rows."""
    for seed in range(1, 21):
        compared = summary.compare(table(seed, 400 if seed > 10 else 12))
        assert ((), {}, {}) == (compared.drift, compared.unseen, compared.far)
        assert not compared.empty.any()


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("size", lambda c: c + 2.0, "its median is 11.89 instead of about 9.93"),
        ("size", lambda c: c * 3.0, "its median is 29.68 instead"),
        ("colour", lambda c: c.where(c != "green", "red"), "'red' makes up 91% instead of 59%"),
        ("count", lambda c: c + 2, "its median is 4 instead of about 2"),
        ("day", lambda c: c + pd.Timedelta(days=100), "its median is 2024-07"),
        ("gaps", lambda c: c.where(c > 0.5), "62% of the cells are empty instead of 19%"),
    ],
)  # fmt: skip
def test_drift(summary, name, change, words):
    frame = table(1, 400)
    frame[name] = change(frame[name])
    [drift] = summary.compare(frame).drift
    assert name == drift.name
    assert drift.index > 0.25
    assert words in drift.message


def test_rows_to_be_wary_of(summary):
    frame = table(2, 6)
    frame.loc[1, "colour"] = "violet"
    frame.loc[2, "size"] = 1e6
    frame.loc[3, "size"] = table(0)["size"].max() + 0.5  # outside, but not far
    frame.loc[4] = np.nan
    frame["day"] = pd.to_datetime(frame["day"])
    frame.loc[5, "day"] = pd.Timestamp("2034-01-01")
    compared = summary.compare(frame)
    assert [1] == np.flatnonzero(compared.unseen["colour"]).tolist()
    assert {"size": [2], "day": [5]} == {
        name: np.flatnonzero(rows).tolist() for name, rows in compared.far.items()
    }
    assert [4] == np.flatnonzero(compared.empty).tolist()


def test_unseen_texts_need_all_of_them():
    """Of a column of too many different texts it is not known which were seen."""
    many = pd.DataFrame({"t": [f"word {k}" for k in range(500)], "x": np.arange(500.0)})
    compared = TrainingSummary.learn(many).compare(pd.DataFrame({"t": ["new"], "x": [1.0]}))
    assert {} == compared.unseen


def test_json(summary):
    """Whole, small, and refused where it contradicts itself."""
    text = json.dumps(summary.to_json())
    assert len(text) < 3_000
    assert summary == TrainingSummary.from_json(json.loads(text))
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 400)))
    assert len(json.dumps(TrainingSummary.learn(wide.rename(columns=str)).to_json())) < 120_000


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", "colour"), ("shares", [0.5]), ("ends", []), ("edges", ["a"]), ("edges", [2.0, 1.0]),
     ("missing", None), ("levels", [1]), ("complete", 1), ("name", 3)],
)  # fmt: skip
def test_damaged_summaries_are_refused(summary, key, value):
    changed = summary.to_json()
    changed["columns"][0][key] = value
    with pytest.raises(ModelFileError):
        TrainingSummary.from_json(changed)


def test_one_odd_cell_among_few_rows_is_no_drift(summary):
    """Of twelve rows one is empty and one holds a new text: each is flagged, and that is all."""
    some = table(7, 12).astype(object)
    some.loc[3] = None
    some.loc[5, "colour"] = "black"
    compared = summary.compare(some)
    assert () == compared.drift
    assert [5] == np.flatnonzero(compared.unseen["colour"]).tolist()
    shifted = table(7, 12)
    shifted["size"] += 8.0
    assert ["size"] == [column.name for column in summary.compare(shifted).drift]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_or_two_are_no_drift(rows):
    """Where every level is rarer than one row of so many, nothing can be said."""
    levels = TrainingSummary.learn(pd.DataFrame({"town": ["Gent", "Rome", "Oslo", "Bern"] * 40}))
    new = pd.DataFrame({"town": ["Paris", "Gent"][:rows]})
    compared = levels.compare(new)
    assert ((), [True, False][:rows]) == (compared.drift, compared.unseen["town"].tolist())
