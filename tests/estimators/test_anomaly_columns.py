"""From columns to features and surprises: against formulas cell by cell, and odd cells."""

import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule import jit
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.anomaly.tables.column_reading import columns_from_json
from chainrule.estimators.anomaly.tables.columns import (
    DATE_PARTS,
    MAX_KNOWN,
    MAX_LEVELS,
    DetectorColumn,
    DetectorColumns,
)

DRAW = np.random.default_rng(0)
ROWS = 200


def table(rows=ROWS):
    """Columns of all kinds; some cells are empty."""
    rng = np.random.default_rng(1)
    size = rng.normal(5.0, 2.0, rows)
    return pd.DataFrame({
        "size": size,
        "colour": rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]).astype(object),
        "amount": np.exp(rng.normal(0.0, 3.0, rows)),
        "gain": rng.standard_t(1.5, rows),
        "weight": np.where(rng.random(rows) < 0.1, np.nan, 2.0 * size),
        "open": rng.random(rows) < 0.4,
        "version": np.full(rows, 7.0),
        "shop": pd.Series(np.where(rng.random(rows) < 0.2, None, "main"), dtype=object),
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) * 5, unit="h"),
    })  # fmt: skip


def learned(**columns):
    return DetectorColumns.learn(pd.DataFrame(columns))


def encoded(plan, frame):
    return plan.encode(plan.raw(frame))


def only(plan):
    [column] = plan.columns
    return column


# An independent formula, cell by cell


def squeezed(value, origin, unit):
    """``sign(u) log(1 + |u|)`` with ``u = (value - origin) / unit``."""
    u = (value - origin) / unit
    return math.copysign(math.log(1.0 + abs(u)), u)


def slow_scale(values):
    """Origin, unit, mean and scale of numbers, as the documentation tells them."""
    mean = math.fsum(values) / len(values)
    scale = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    kurtosis = math.fsum(((v - mean) / scale) ** 4 for v in values) / len(values)
    if kurtosis <= 10:
        return None, None, mean, scale
    origin = 0.0 if min(values) >= 0 else float(np.median(values))
    unit = float(np.quantile([abs(v - origin) for v in values if v != origin], 0.95))
    drawn_in = [squeezed(v, origin, unit) for v in values]
    return origin, unit, float(np.mean(drawn_in)), float(np.std(drawn_in))


def slow_number(train, value):
    """A feature and a surprise of one cell of a column of numbers without gaps."""
    origin, unit, mean, scale = slow_scale(train)
    if math.isnan(value):
        return (slow_number(train, float(np.median(train)))[0], 2.0 * math.log(len(train) + 2))
    t = value if unit is None else squeezed(value, origin, unit)
    return min(max((t - mean) / scale, -10.0), 10.0), 0.0


@pytest.mark.parametrize("name", ["size", "amount", "gain"])
def test_numbers_cell_by_cell(name):
    """Standardised, with a logarithm of heavy tails, clipped; an empty cell is a surprise."""
    train = table()[name].tolist()
    new = [*train[:20], 0.0, -3.0, 1e4, -1e4, 1e12, -1e300, math.nan]
    features, surprises = encoded(learned(x=train), pd.DataFrame({"x": new}))
    expected = np.array([slow_number(train, value) for value in new])
    np.testing.assert_allclose(features[:, 0], expected[:, 0], rtol=2e-7, atol=1e-7)
    np.testing.assert_allclose(surprises[:, 0], expected[:, 1], rtol=1e-6)
    assert (slow_scale(train)[1] is not None) == (name != "size")


def test_categories_cell_by_cell():
    """One feature a category, the commonest first; another one is a surprise of -2 log P."""
    train = ["red"] * 60 + ["blue"] * 38 + ["green"] + [None]
    plan = learned(colour=train)
    new = pd.DataFrame({"colour": ["red", "blue", "green", None, "pink", " red "]})
    features, surprises = encoded(plan, new)
    # "green" occurs once: it shares the feature of all rare ones
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert expected == features.tolist()
    unseen = -2.0 * math.log((1 + 1) / (100 + 2))  # Good-Turing: one of a hundred occurred once
    np.testing.assert_allclose(surprises[:, 0], [0, 0, 0, 0, unseen, 0], rtol=1e-6)


def test_an_empty_cell_where_none_was():
    """It is as strange as an event that none of n rows had: -2 log P with P = 1 / (n + 2).

    Any of two columns may have such a cell: P counts twice.
    """
    plan = learned(x=np.arange(100.0), c=["a", "b"] * 50)
    _, surprises = encoded(plan, pd.DataFrame({"x": [None, 3.0], "c": [None, "a"]}, dtype=object))
    np.testing.assert_allclose(surprises, [[2 * math.log(102 / 2)] * 2, [0, 0]], rtol=1e-6)


def test_empty_cells_that_occur_have_a_feature():
    """The cell counts as the median, and a flag is 1; nothing is a surprise."""
    x = np.where(np.arange(90) % 3 == 0, np.nan, np.arange(90.0))
    features, surprises = encoded(learned(x=x), pd.DataFrame({"x": [np.nan, 50.0]}))
    known = x[~np.isnan(x)]
    expected = [(np.median(known) - known.mean()) / known.std(), (50 - known.mean()) / known.std()]
    np.testing.assert_allclose(features, np.c_[expected, [1, 0]], rtol=1e-6, atol=1e-7)
    assert (surprises == 0).all()


def test_the_rule_of_good_and_turing():
    """Where more than a twentieth of the rows have a category of their own, new ones are usual."""
    names = only(learned(name=[f"n{k}" for k in range(100)]))
    assert (0.0, ()) == (names.surprise, names.others)
    some = only(learned(name=["a"] * 60 + ["b"] * 36 + ["c", "d", "e", "f"]))
    np.testing.assert_allclose(some.surprise, -2 * math.log(5 / 102))
    assert ("a", "b") == some.levels and {*"cdef"} == {*some.others}
    none = only(learned(name=["a", "b"] * 50))
    np.testing.assert_allclose(none.surprise, 2 * math.log(102))


def test_many_categories_share_a_feature():
    """64 have one each; what else was seen shares one, and is no surprise."""
    counts = np.arange(2, 102)
    texts = np.repeat([f"c{k}" for k in counts], counts)
    plan = learned(name=texts)
    column = only(plan)
    assert MAX_LEVELS == len(column.levels) and 36 == len(column.others)
    assert {f"c{k}" for k in range(38, 102)} == {*column.levels}
    features, surprises = encoded(plan, pd.DataFrame({"name": ["c2", "c3", "c101", "c1"]}))
    assert [64, 64, 0] == np.argmax(features[:3], axis=1).tolist()
    assert [1, 1, 1, 0] == features.sum(axis=1).tolist()
    assert [False, False, False, True] == (surprises[:, 0] > 5).tolist()


def test_more_categories_than_are_remembered():
    """Above 10,000 new ones are usual."""
    texts = np.repeat([f"c{k}" for k in range(MAX_KNOWN + 1)], 2)
    assert 0.0 == only(learned(name=texts)).surprise
    assert only(learned(name=texts[2:])).surprise > 0


# Constant columns


@pytest.mark.parametrize("value", [1.0, -7.0, 1e-9, 1e9, 1e300, 1e-300])
def test_a_changed_constant(value):
    """A thousandth of it more is nothing; twice as much is as strange as an unseen category.

    PyOD's AutoEncoder scores the first with 1e5.
    """
    plan = learned(x=np.full(100, value))
    new = pd.DataFrame({"x": [value, value * 1.001, value * 0.995, value * 2, 0.0, -value]})
    features, surprises = encoded(plan, new)
    assert "constant" == only(plan).kind and (features == 0).all()
    alarm = 2 * math.log(102)
    np.testing.assert_allclose(surprises[:, 0], [0, 0, 0, alarm, alarm, alarm], rtol=1e-6)


def test_a_changed_zero():
    """Zero has no size: a change is measured as that of a one would be."""
    _, surprises = encoded(learned(x=np.zeros(100)), pd.DataFrame({"x": [0.0, 0.001, -1e-9, 1.0]}))
    np.testing.assert_allclose(surprises[:, 0], [0, 0, 0, 2 * math.log(102)], rtol=1e-6)


def test_surprises_of_constants_grow_with_the_change():
    """From one hundredth on they are squares of hundredths, up to those of an event never seen."""
    new = 1.0 + np.array([0.01, 0.02, 0.03, 0.04, 0.5])
    _, surprises = encoded(learned(x=np.ones(1000)), pd.DataFrame({"x": new}))
    expected = [0, 1, 4, 9, 2 * math.log(1002)]
    np.testing.assert_allclose(surprises[:, 0], expected, rtol=1e-5, atol=1e-9)


def test_a_column_that_is_empty_in_training():
    """A value in it is a surprise, whatever it is; a table without any value is refused."""
    plan = learned(x=[None] * 50, y=np.arange(50.0))
    new = pd.DataFrame({"x": [None, 3.5, "text"], "y": [1.0, 2.0, 3.0]})
    features, surprises = encoded(plan, new)
    assert [1, 0, 0] == features[:, 1].tolist()
    np.testing.assert_allclose(surprises[:, 1], [0, *[2 * math.log(52 / 2)] * 2], rtol=1e-6)
    with pytest.raises(DataError, match="all cells of the 4 rows to learn from are empty"):
        learned(x=[None] * 4, y=[math.nan] * 4)


# Kinds


def test_dates():
    """Of a date the day of the week and the hour count, as categories; both in UTC."""
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(500), unit="h")
    plan = learned(when=when)
    assert [*DATE_PARTS] == [column.kind for column in plan.columns]
    assert ["when (day of week)", "when (hour)"] == plan.labels
    assert 7 + 24 == plan.width
    new = pd.DataFrame({"when": ["2031-05-07T13:30", "2031-05-07T13:30+02:00", None]})
    features, surprises = encoded(plan, new)
    days, hours = (column.levels for column in plan.columns)
    assert ("2", "13") == (days[np.argmax(features[0, :7])], hours[np.argmax(features[0, 7:])])
    assert ("2", "11") == (days[np.argmax(features[1, :7])], hours[np.argmax(features[1, 7:])])
    assert (surprises[:2] == 0).all() and (surprises[2] > 10).all()


def test_a_date_of_a_new_hour():
    """Where all rows are of office hours, three at night is a surprise, and the weekend another."""
    days = pd.bdate_range("2024-01-01", periods=60)
    when = days + pd.to_timedelta(9 + np.arange(60) % 8, unit="h")
    new = pd.DataFrame({"when": pd.to_datetime(["2024-05-02T03:00", "2024-05-04T10:00"])})
    _, surprises = encoded(learned(when=when), new)
    assert [[False, True], [True, False]] == (surprises > 5).tolist()


def test_large_whole_numbers_and_decimals():
    """They become the nearest float64, whatever type they come in."""
    big = [2**53 + 2 * k for k in range(0, 10**15, 10**13)]
    plan = learned(n=big)
    np.testing.assert_array_equal([float(n) for n in big[:3]],
                                  plan.raw(pd.DataFrame({"n": big[:3]}))[:, 0])  # fmt: skip
    texts = [Decimal(k) / 4 for k in range(100)]
    exact, plain = learned(d=texts), learned(d=[k / 4 for k in range(100)])
    assert plain == exact
    np.testing.assert_array_equal([[0.25]], exact.raw(pd.DataFrame({"d": [Decimal("0.25")]})))
    with pytest.raises(DataError, match="'n', row 2: .* is not a finite number"):
        plan.raw(pd.DataFrame({"n": [1, 10**400]}))


def test_truth_values_are_numbers():
    """A column of them has one feature, of two values."""
    plan = learned(open=[True, False, False, False] * 25)
    features, _ = encoded(plan, pd.DataFrame({"open": [True, False]}))
    np.testing.assert_allclose(features[:, 0], [0.75 / 0.1875**0.5, -0.25 / 0.1875**0.5])


def test_numbers_that_are_named_as_categories():
    """The text of a number does not depend on its type."""
    frame = pd.DataFrame({"code": [1.0, 2.0] * 50})
    plan = DetectorColumns.learn(frame, ["code"])
    assert ("1", "2") == only(plan).levels
    assert [[1.0, 0.0]] == encoded(plan, pd.DataFrame({"code": [1]}))[0].tolist()


@pytest.mark.parametrize("cells", [[1.0, "many"], ["1", "many"]])
def test_text_among_numbers(cells):
    """The error names the column, the row and the cell, and what to do."""
    with pytest.raises(DataError, match="column 'x', row 2: 'many' .*correct or empty the cell"):
        learned(x=np.arange(50.0)).raw(pd.DataFrame({"x": cells}))


def test_cells_that_are_no_value():
    with pytest.raises(DataError, match=r"column 'x', row 3: \[1\] is a list"):
        learned(x=[1.0, 2.0, [1]])
    with pytest.raises(DataError, match="column 'x', row 1: .*imaginary part"):
        learned(x=[1j, 2.0])


# The whole plan


def test_features_of_a_mixed_table():
    """Numbers first, then flags of gaps, then categories; each feature knows its column."""
    plan = DetectorColumns.learn(table())
    names = [
        "size",
        "amount",
        "gain",
        "weight",
        "open",
        "version",
        "colour",
        "shop",
        "when",
        "when",
    ]
    assert names == [column.name for column in plan.columns]
    places = plan.places()
    assert [3, 6] == places[3]  # a number, and whether it is absent
    assert [7, 8, 9] == places[6] and [10, 11] == places[7]
    assert [*range(plan.width)] == sorted(k for its in places for k in its)
    assert all(plan.owners()[feature] == k for k, its in enumerate(places) for feature in its)
    features, surprises = encoded(plan, table())
    assert (ROWS, plan.width) == features.shape and (ROWS, 10) == surprises.shape
    assert np.float32 == features.dtype == surprises.dtype
    assert not surprises.any()  # of rows that were learned
    np.testing.assert_allclose(features[:, :3].mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(features[:, :3].std(axis=0), 1.0, atol=0.05)  # some are clipped


def test_a_row_is_encoded_alone():
    """Each row gives the same bits in any company."""
    plan = DetectorColumns.learn(table())
    raw = plan.raw(table())
    features, surprises = plan.encode(raw)
    for k in (0, 7, 150):
        alone = plan.encode(raw[k : k + 1])
        np.testing.assert_array_equal(features[k : k + 1], alone[0])
        np.testing.assert_array_equal(surprises[k : k + 1], alone[1])


def test_compiled_code_encodes_the_same():
    """The plan is plain NumPy code: traced and compiled, up to the last bit of float32."""
    plan = DetectorColumns.learn(table())
    new = table().iloc[:60].copy()
    new.loc[::7, "size"] = np.nan
    new.loc[::5, "version"] = 8.0
    new.loc[::3, "colour"] = "pink"
    new.loc[::4, "gain"] = [1e300, -1e300, 0.0, 1e-300, np.nan] * 3
    raw = plan.raw(new)
    for plain, compiled in zip(plan.encode(raw), jit(plan.encode)(raw), strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=2e-7, atol=1e-7)
        assert np.float32 == compiled.dtype


ANY = st.floats(allow_nan=False, allow_infinity=False) | st.just(math.nan)


@given(arrays(np.float64, st.integers(1, 30), elements=ANY),
       arrays(np.float64, st.integers(1, 30), elements=ANY))  # fmt: skip
def test_numbers_of_any_size(train, new):
    """No feature is NaN or beyond 10, nothing overflows, and the plan can be written as JSON."""
    if np.isnan(train).all():
        return
    plan = learned(x=train)
    features, surprises = encoded(plan, pd.DataFrame({"x": np.concatenate([train, new])}))
    assert np.isfinite(features).all() and np.isfinite(surprises).all()
    assert np.abs(features).max() <= 10 and surprises.min() >= 0
    assert plan == columns_from_json(json.loads(json.dumps(plan.to_json())))


@given(arrays(np.float64, st.integers(5, 40), elements=st.floats(-1e6, 1e6)))
def test_restored_numbers(values):
    """`restored` is the inverse of the encoding, but for what was clipped."""
    column = only(learned(x=values))
    features, _ = encoded(DetectorColumns((column,)), pd.DataFrame({"x": values}))
    if column.kind == "number":
        inside = np.abs(features[:, 0]) < 10
        size = np.abs(values).max() + column.unit
        np.testing.assert_allclose(
            column.restored(features[inside, 0]), values[inside], rtol=1e-4, atol=1e-5 * size
        )


@given(st.lists(st.sampled_from(["a", "b", "c", "d", None, "new", "\N{SNOWMAN}", ""]), min_size=1))
def test_categories_of_any_kind(cells):
    """One feature of a row is 1, or none for a category that was never seen, which may surprise."""
    plan = learned(c=["a", "b", None, "c", "a"] * 5 + ["d"])
    features, surprises = encoded(plan, pd.DataFrame({"c": pd.Series(cells, dtype=object)}))
    known = [cell in ("a", "b", "c", "d", None) for cell in cells]
    assert known == (features.sum(axis=1) == 1).tolist()
    assert known == (surprises[:, 0] == 0).tolist()


# As JSON


def test_a_plan_as_json():
    """What is read back is equal, and encodes the same."""
    plan = DetectorColumns.learn(table())
    again = columns_from_json(json.loads(json.dumps(plan.to_json())))
    assert plan == again
    np.testing.assert_array_equal(encoded(plan, table())[0], encoded(again, table())[0])


CHANGES = {
    "no list": lambda told: {"a": 1},
    "another kind": lambda told: [told[0] | {"kind": "colour"}],
    "a field less": lambda told: [{k: v for k, v in told[0].items() if k != "unit"}],
    "a field more": lambda told: [told[0] | {"wings": 1.0}],
    "a whole number": lambda told: [told[0] | {"mean": 1}],
    "a scale of 0": lambda told: [told[0] | {"scale": 0.0}],
    "a negative unit": lambda told: [told[0] | {"unit": -1.0}],
    "not a number": lambda told: [told[0] | {"mean": math.nan}],
    "a huge surprise": lambda told: [told[0] | {"surprise": 1e9}],
    "a negative surprise": lambda told: [told[0] | {"surprise": -1.0}],
    "numbers after categories": lambda told: told[::-1],
    "a number with categories": lambda told: [told[0] | {"levels": ["a"]}],
    "a category twice": lambda told: [told[6] | {"levels": ["red", "red"]}],
    "no category": lambda told: [told[6] | {"levels": [], "missing": False}],
    "a column twice": lambda told: [told[0], *told],
    "half a date": lambda told: told[:-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_that_is_none(change):
    told = DetectorColumns.learn(table()).to_json()
    with pytest.raises(ModelFileError):
        columns_from_json(CHANGES[change](told))


def test_restored_far_away():
    """A feature that no number has gives a finite one."""
    column = DetectorColumn("x", "number", unit=1.0, scale=100.0)
    assert np.isfinite(column.restored(50.0))
