"""Covariates as numbers: levels, empty cells, missing rows, and what is known ahead."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning
from chainrule.estimators.forecast.reading.encoders import Encoders, learn_encoders
from chainrule.estimators.forecast.reading.panel import OneSeries, read_panel
from chainrule.estimators.forecast.reading.roles import Roles

NAN = np.nan


def table(**columns: Any) -> Any:
    """Rows of one series by the day."""
    length = len(next(iter(columns.values())))
    return pd.DataFrame({"ds": pd.date_range("2024-05-01", periods=length), **columns})


def only(frame: Any, **roles: Any) -> OneSeries:
    return read_panel(frame, freq="D", **roles).series[0]


def test_texts_have_a_column_for_each_level() -> None:
    """In order; an empty cell has none; a missing row has none either."""
    frame = table(y=[1.0, 2, 3, 4, 5], event=["fair", None, "Easter", "fair", None])
    panel = read_panel(frame, known="event", freq="D")
    assert ("event=Easter", "event=fair") == panel.known_names
    assert [[0, 1], [0, 0], [1, 0], [0, 1], [0, 0]] == panel.series[0].known.tolist()
    without = only(frame.drop(index=2), known="event")
    assert [[1], [0], [0], [1], [0]] == without.known.tolist()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([True, False, True], [[1], [0], [1]]),
        (pd.array([True, None, False], "boolean"), [[1], [1], [0]]),
        (pd.Categorical([3, 1, 3]), [[0, 1], [1, 0], [0, 1]]),
        (pd.array([3, None, 4], "Int64"), [[3], [3], [4]]),
        (["1.5", "2", None], [[1.5], [2], [2]]),
    ],
)
def test_other_columns(column: Any, expected: list[list[float]]) -> None:
    """Truth values are 0 and 1, categories levels, texts of numbers numbers."""
    assert expected == only(table(y=[1.0, 2, 3], x=column), past="x").past.tolist()


def test_the_most_frequent_levels_have_a_column() -> None:
    """32 of 40; the others have none, and a warning says so."""
    codes = np.repeat(np.arange(40), 2 + np.arange(40) // 8)
    frame = table(y=np.ones(len(codes)), x=[f"level {code:02}" for code in codes])
    with pytest.warns(SeriesDataWarning, match="'x' has 40 levels: the 32 most frequent"):
        panel = read_panel(frame, known="x", freq="D")
    assert tuple(f"x=level {code:02}" for code in range(8, 40)) == panel.known_names
    assert not panel.series[0].known[: 2 * 8].any()


def test_a_level_that_the_training_did_not_have() -> None:
    """Zeros, and a warning that names it."""
    roles = Roles(None, "ds", "y", known=("x",))
    encoders = learn_encoders(table(y=[1.0, 2], x=["a", "b"]), roles)
    with pytest.warns(SeriesDataWarning, match="'x' has values that the training did not.*'c'"):
        encoded = encoders.encode(table(y=[1.0, 2], x=["c", "b"]), "known")
    assert [[0, 0], [0, 1]] == encoded.tolist()


def test_empty_numbers_are_as_the_last_one_before() -> None:
    """Known and past ones alike, also where rows are missing; those before the first are as it."""
    frame = table(y=[1.0, 2, 3, 4, 5, 6], x=[NAN, 2.0, NAN, 4.0, NAN, 6.0]).drop(index=3)
    for role in ("known", "past"):
        one = only(frame, **{role: "x"})
        assert [2.0, 2, 2, 2, 2, 6] == getattr(one, role)[:, 0].tolist()


def test_a_later_value_changes_no_earlier_one() -> None:
    """Bit for bit: what past and known covariates are after a step has no effect on it."""
    random = np.random.default_rng(5)
    values = np.where(random.random(60) < 0.4, NAN, random.random(60))
    values[0] = 1.0
    frame = table(y=random.random(60), x=values)
    before = only(frame, past="x").past
    for origin in (10, 30, 59):
        changed = frame.assign(x=np.r_[values[:origin], random.random(60 - origin)])
        after = only(changed, past="x").past
        assert before[:origin].tobytes() == after[:origin].tobytes()


def test_what_is_known_ahead_stays() -> None:
    """Rows after the last target, as far as no cell is empty; they end no gap of the past."""
    frame = table(y=[1.0, 2, 3, NAN, NAN, NAN], x=[1.0, NAN, 3, 4, 5, NAN], z=[1.0] * 6)
    one = only(frame, known=["x", "z"], past=())
    assert ([1.0, 2.0, 3.0], 2) == (one.values.tolist(), one.ahead)
    assert [1.0, 1, 3, 4, 5] == one.known[:, 0].tolist()
    assert 3 == len(only(frame, past="z").past)


def test_static_covariates_are_those_of_the_series() -> None:
    """The value that some row of it has; one that changes is refused."""
    frame = pd.DataFrame({
        "unique_id": ["a", "a", "b", "b"],
        "ds": [1, 2, 1, 2],
        "y": [1.0, 2, 3, 4],
        "size": [NAN, 7.0, 8.0, 8.0],
        "region": ["north", None, "south", "south"],
    })  # fmt: skip
    panel = read_panel(frame, static=["size", "region"])
    assert ("size", "region=north", "region=south") == panel.static_names
    assert [[7, 1, 0], [8, 0, 1]] == [one.static.tolist() for one in panel.series]
    for column, change, message in (
        ("size", [1.0, 2, 3, 3], "'size' changes within 'a' from 1.0 to 2.0"),
        ("region", ["n", "n", "n", "s"], "'region' changes within 'b' from 'n' to 's'"),
        ("size", [NAN, NAN, 1, 1], "'size' has no value in series 'a'"),
    ):
        with pytest.raises(DataError, match=message):
            read_panel(frame.assign(**{column: change}), static=[column])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, "x", *[2.0] * 18], "covariate 'x': .*row 2: 'x' is not a finite number"),
        ([np.inf] * 20, "row 1: 'inf' is not a finite number: correct or empty the cell$"),
        (pd.date_range("2024-01-01", periods=20), "covariate 'x' holds dates"),
        ([[1]] * 20, "row 1: .1. is a list"),
        ([NAN] * 20, "past covariate 'x' has no value in series"),
    ],
)
def test_wrong_covariates_are_refused(column: Any, message: str) -> None:
    """With the cell, or the series."""
    with pytest.raises(DataError, match=message):
        only(table(y=np.ones(20), x=column), past="x")


def test_encoders_are_described_in_json() -> None:
    """What is read again is equal; a damaged description is refused."""
    roles = Roles(None, "ds", "y", known=("x", "z"), static=("x",))
    encoders = learn_encoders(table(y=[1.0, 2], x=["a", None], z=[1.0, 2.0]), roles)
    state = json.loads(json.dumps(encoders.to_state()))
    assert encoders == Encoders.from_state(state)
    entry = {"name": "x", "levels": ["a"], "is_text": True}
    for damage in (
        {**entry, "is_text": False},
        {**entry, "levels": [1]},
        {**entry, "levels": ["a"] * 33},
        {"name": "x"},
        None,
    ):
        with pytest.raises(ModelFileError):
            Encoders.from_state({**state, "past": [damage]})
