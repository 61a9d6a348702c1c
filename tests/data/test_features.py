"""Columns as features: against scikit-learn's encoders, and what cannot be used."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.data import Features
from chainrule.data.column_values import as_texts, is_date, is_numeric
from chainrule.data.features import MAX_DEVIATIONS, MAX_LEVELS
from chainrule.errors import DataError, ModelFileError

rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "size": rng.normal(5.0, 3.0, 40),
        "gap": np.where(np.arange(40) % 7 == 0, np.nan, rng.normal(size=40)),
        "colour": rng.choice(["red", "blue", "green"], 40),
        "flag": rng.random(40) < 0.5,
        "same": 3.0,
    }
)


def test_numbers_are_those_of_scikit_learn():
    made = Features.learn(FRAME[["size", "gap"]])(FRAME)
    filled = SimpleImputer(strategy="median").fit_transform(FRAME[["size", "gap"]])
    expected = StandardScaler().fit_transform(filled)
    np.testing.assert_allclose(made[:, :2], expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(made[:, 2], FRAME["gap"].isna())


def test_texts_are_those_of_scikit_learn():
    made = Features.learn(FRAME[["colour"]])(FRAME)
    expected = OneHotEncoder(sparse_output=False).fit_transform(FRAME[["colour"]])
    np.testing.assert_array_equal(made, expected)


def test_what_does_not_vary_is_left_out():
    plan = Features.learn(FRAME)
    assert [column.name for column in plan.columns] == ["size", "gap", "colour", "flag"]
    assert plan.width == 1 + 2 + 3 + 1
    assert plan(FRAME).dtype == np.float32


def test_only_the_training_rows_are_learned_from():
    plan = Features.learn(FRAME[:20])
    changed = FRAME.copy()
    changed.loc[20:, "size"] = 1e6
    changed.loc[20:, "colour"] = "violet"
    made = plan(changed)
    np.testing.assert_array_equal(made[:20], plan(FRAME)[:20])
    assert (made[20:, 0] == MAX_DEVIATIONS).all()
    assert not made[20:, 3:6].any()  # a text never seen


def test_a_category_of_numbers():
    frame = pd.DataFrame({"code": [1.0, 2.0, 1.0, 30.0]})
    assert Features.learn(frame, ["code"]).columns[0].levels == ("1", "2", "30")
    assert Features.learn(frame).columns[0].levels == ()


def test_rare_texts_share_zeros():
    names = [f"n{k}" for k in range(MAX_LEVELS + 10)] * 2 + ["often"] * 5
    plan = Features.learn(pd.DataFrame({"name": names}))
    assert 64 == MAX_LEVELS == plan.width
    assert "often" in plan.columns[0].levels


@pytest.mark.parametrize(("rows", "least"), [(400, 2), (1000, 5), (1005, 6), (1600, 8), (4000, 8)])
def test_from_how_many_rows_on_a_text_is_learned(rows, least):
    """A 200th of the rows, and at most 8."""
    names = ["few"] * (least - 1) + ["enough"] * least
    names += ["often"] * (rows - len(names))
    assert ("enough", "often") == Features.learn(pd.DataFrame({"x": names})).columns[0].levels


def test_an_empty_cell_of_texts_has_a_feature():
    """Beside those of the texts, of which it has none; a text never seen has none at all."""
    plan = Features.learn(pd.DataFrame({"x": ["a", None, "b", "a"]}))
    made = plan(pd.DataFrame({"x": [None, "b", "c", "a"]}))
    assert [[0, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]] == made.tolist()
    assert [[1], [0]] == Features.learn(pd.DataFrame({"x": ["a", "b"] * 3}))(
        pd.DataFrame({"x": ["a", None]})
    )[:, :1].tolist()


def test_a_column_of_one_text_varies_by_its_empty_cells():
    plan = Features.learn(pd.DataFrame({"x": ["a", None, "a"]}))
    assert (("a",), True) == (plan.columns[0].levels, plan.columns[0].missing)


def test_texts_that_are_all_rare_are_learned_all_the_same():
    """Of 1,200 rows no text names more than 2, where 6 are asked for: the most frequent stay."""
    names = [f"n{k:03}" for k in range(600)] * 2
    names[:2] = ["once", "once more"]
    frame = pd.DataFrame({"name": names})
    plan = Features.learn(frame)
    assert tuple(f"n{k:03}" for k in range(2, 2 + MAX_LEVELS)) == plan.columns[0].levels
    assert 2 * MAX_LEVELS == plan(frame).sum()


def test_a_spread_that_is_only_rounding_does_not_vary():
    """0.1 + 0.2 is not 0.3, but by the last bit only; half a percent is a spread."""
    frame = pd.DataFrame({"x": [0.3, 0.1 + 0.2] * 10, "y": np.arange(20.0)})
    assert frame["x"].std() > 0
    assert ["y"] == [column.name for column in Features.learn(frame).columns]
    holed = frame.assign(x=[0.3, np.nan, 0.1 + 0.2, 0.3] * 5)  # that a cell is empty does vary
    made = Features.learn(holed)(holed)
    np.testing.assert_allclose(made[:, 0], 0.0, atol=1e-15)
    np.testing.assert_array_equal(made[:, 1], holed["x"].isna())
    assert 1.0 == Features.learn(holed).columns[0].scale  # of numbers as small as these
    large = pd.DataFrame({"x": [300.0, np.nan] * 3})  # and their own size, of larger ones
    assert [[1.0, 0.0]] == Features.learn(large)(pd.DataFrame({"x": [600.0]})).tolist()
    wider = frame.assign(x=0.3 + 1e-3 * np.arange(20))
    assert ["x", "y"] == [column.name for column in Features.learn(wider).columns]


def test_a_wild_cell_counts_as_twenty_deviations():
    plan = Features.learn(pd.DataFrame({"x": [-1.0, 1.0] * 10}))
    made = plan(pd.DataFrame({"x": [1e9, -1e9, 19.5, -20.0, 1e300]}))
    assert [20.0, -20.0, 19.5, -20.0, 20.0] == made[:, 0].tolist()


def test_dates_without_empty_cells_have_no_feature_for_them():
    days = pd.to_datetime(["2024-01-01", "2024-01-06", "2024-03-10"])
    plan = Features.learn(pd.DataFrame({"when": days}))
    assert [False] * 4 == [column.missing for column in plan.columns]
    assert 4 == plan.width


def test_texts_of_whole_numbers_have_no_point():
    assert as_texts(pd.Series([1.0, np.nan, 3.0])).tolist() == ["1", None, "3"]
    assert as_texts(pd.Series([1.5, 2.0])).tolist() == ["1.5", "2"]
    assert as_texts(pd.Series([" a ", None])).tolist() == ["a", None]


def test_numeric_text_counts_as_numbers():
    assert is_numeric(pd.Series(["1", "2.5", None]))
    assert not is_numeric(pd.Series(["a", "b", "3"]))


def test_dates_become_numbers():
    """Days since 1970, and the parts that vary; an empty cell is marked once."""
    days = pd.to_datetime(["2024-01-01", "2024-01-06", None, "2024-03-10"])
    for column in (pd.Series(days), pd.Series(["2024-01-01", "2024-01-06", None, "2024-03-10"])):
        frame = pd.DataFrame({"when": column})
        plan = Features.learn(frame)
        assert [c.part for c in plan.columns] == ["days", "month", "day", "day_of_week"]
        assert plan.width == 5
        made = plan(frame)
        assert made[:, 1].tolist() == [0.0, 0.0, 1.0, 0.0]
        first = plan.columns[0]
        days_since = np.array([19723, 19728, 19792])
        np.testing.assert_allclose(
            made[[0, 1, 3], 0], (days_since - first.mean) / first.scale, rtol=1e-5
        )
        months = np.array([1, 1, 3])
        scaled = (months - plan.columns[1].mean) / plan.columns[1].scale
        np.testing.assert_allclose(made[[0, 1, 3], 2], scaled, rtol=1e-6)
    assert not is_date(pd.Series(["2024-01-01", "soon"]))


def test_which_features_are_continuous():
    """Numbers of many values, by their place among the features."""
    assert Features.learn(FRAME).continuous == (0, 1)
    few = FRAME.assign(size=np.arange(40) % 3)
    assert Features.learn(few).continuous == (1,)
    for values, continuous in ((10, ()), (11, (0,))):
        assert continuous == Features.learn(pd.DataFrame({"x": np.arange(40) % values})).continuous


def test_json_and_back():
    plan = Features.learn(FRAME)
    assert {
        "name": "colour", "levels": ["blue", "green", "red"], "fill": 0.0, "mean": 0.0,
        "scale": 1.0, "missing": False, "part": "", "continuous": False,
    } == plan.to_json()["columns"][2]  # fmt: skip
    assert list(FRAME) == [reading["name"] for reading in plan.to_json()["readings"]]
    again = Features.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    np.testing.assert_array_equal(again(FRAME), plan(FRAME))


def test_plans_of_older_files():
    """They are a list of columns, whose cells are plain numbers, dates and texts."""
    plan = Features.learn(FRAME)
    older = Features.from_json(plan.to_json()["columns"])
    assert () == older.readings
    np.testing.assert_array_equal(plan(FRAME), older(FRAME))
    with pytest.raises(DataError, match="'size', row 1: '1,234' is not a finite number"):
        older(FRAME[:1].assign(size="1,234"))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"a": [np.nan] * 4}, "nothing to predict from.*'a': all of its cells are missing"),
        ({"a": [*range(11), "4o"]}, r"'a', row 12: '4o' is not a finite number.*--as a=text"),
        ({"a": [1.0, np.inf, 2.0]}, r"'a', row 2: 'inf'"),
        ({"a": [1, 1, 1], "b": ["x", "x", "x"]}, "no column varies"),
    ],
)
def test_unusable_columns(frame, words):
    with pytest.raises(DataError, match=words):
        Features.learn(pd.DataFrame(frame))


def test_missing_column():
    plan = Features.learn(FRAME)
    with pytest.raises(DataError, match=r"'size' is missing \(and 1 more\); the table has 'gap'"):
        plan(FRAME[["gap", "colour", "same"]].rename(columns={"flag": "f"}))
    with pytest.raises(DataError, match="'size' is missing; the table has"):
        plan(FRAME.drop(columns="size"))
    wide = pd.DataFrame({f"c{k}": [0] for k in range(9)})
    with pytest.raises(DataError, match=r"'c0', .*'c7', \.\.\.: rename"):
        plan(wide)
    with pytest.raises(DataError, match=r"'c0', .*'c7': rename"):
        plan(wide.drop(columns="c8"))


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.0}, {"scale": float("nan")}, {"mean": "1"}, {"levels": "ab"}, {"name": 3},
        {"levels": [1]}, {"extra": 1}, {"missing": 1}, {"fill": None}, {"part": "second"},
        {"continuous": 1},
    ],
)  # fmt: skip
def test_hostile_json(change):
    plan = Features.learn(FRAME[["size"]]).to_json()
    with pytest.raises(ModelFileError):
        Features.from_json({**plan, "columns": [{**plan["columns"][0], **change}]})
    for value in ({}, [], None, [[]], "x"):
        with pytest.raises(ModelFileError):
            Features.from_json(value)
