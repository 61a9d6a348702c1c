"""Readings: what columns are taken for, that they never change, and that a file keeps them."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Features
from chainrule.data.columns import (
    KINDS,
    Customs,
    Reading,
    learn_reading,
    learn_readings,
    typed_frame,
)
from chainrule.data.columns.doubts import doubtful_floats
from chainrule.errors import DataError, ModelFileError


def column(*cells, name="c", dtype=object):
    return pd.Series(list(cells), name=name, dtype=dtype)


TABLE = pd.DataFrame({
    "price": ["$1,200", "n/a", "($90)", "$1,450.50"], "paid": ["31/12/2026", "1/2/2026", "-", None],
    "zip": ["00123", "04567", "89001", ""], "at": ["14:30", "2:05 PM", "?", "9:15"],
    "took": ["1:30:00", "90 min", "PT2H", "unknown"], "alley": ["None", "NA", "paved", None],
    "age": [20.0, 30.0, np.nan, 41.0], "empty": [None] * 4,
})  # fmt: skip


def test_what_columns_are_taken_for():
    """Words for a missing cell are values of a column of texts, and missing in all others."""
    typed, readings = typed_frame(TABLE)
    kinds = ["number", "date", "text", "time", "duration", "text", "number", "ignore"]
    assert kinds == [reading.kind for reading in readings]
    assert [0.25, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 1.0] == [one.missing for one in readings]
    expected = {
        "price": [1200.0, np.nan, -90.0, 1450.5], "at": [14.5, 14 + 5 / 60, np.nan, 9.25],
        "took": [5400.0, 5400.0, 7200.0, np.nan], "age": [20.0, 30.0, np.nan, 41.0],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_array_equal(values, typed[name])
    assert ["00123", "04567", "89001", None] == typed["zip"].tolist()
    assert ["None", "NA", "paved", None] == typed["alley"].tolist()
    days = typed["paid"].dt.tz_localize(None)
    assert [pd.Timestamp("2026-12-31"), pd.Timestamp("2026-02-01")] == days[:2].tolist()
    assert days[2:].isna().all()
    assert ("$1,200", "($90)", "$1,450.50") == readings[0].examples


def test_a_note_of_each_guess():
    """With a count, an example, its row, and how to overrule it."""
    reading = learn_readings(TABLE)[0]
    assert (
        "1 cell counts as missing, 'n/a' in row 2; --as price=text makes the column one of texts",
        "its numbers are in $",
        "1 cell in parentheses, such as '($90)' in row 3, is negative",
    ) == reading.notes
    assert "3 of 3 cells are numbers written with a comma for thousands and $" == reading.why
    mixed = learn_reading(column(*"12345", "abc", "d", "d", "d"))
    assert "text" == mixed.kind
    assert mixed.notes[0].startswith("about 56 % of its cells look like a number, others are texts")
    assert "'abc' in row 6" in mixed.notes[0]


def test_typed_columns_stay_as_they_are():
    """A table that is typed already comes back the same, cell by cell and dtype by dtype."""
    frame = pd.DataFrame({
        "f": [1.5, np.nan], "i": [1, 2], "b": [True, False], "t": ["a", "b"],
        "d": pd.to_datetime(["2026-01-31", "2026-02-01"], utc=True),
    })  # fmt: skip
    typed, readings = typed_frame(frame)
    assert ["number", "number", "number", "text", "date"] == [one.kind for one in readings]
    assert ["f8", "i8", "bool"] == [str(np.dtype(t).str[1:]).replace("b1", "bool") for t in (
        typed["f"].dtype, typed["i"].dtype, typed["b"].dtype
    )]  # fmt: skip
    pd.testing.assert_frame_equal(frame.drop(columns="t"), typed.drop(columns="t"))
    again, _ = typed_frame(typed_frame(TABLE.drop(columns=["empty"]))[0])
    pd.testing.assert_frame_equal(typed_frame(TABLE.drop(columns=["empty"]))[0], again)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["00123", "7"], "number", [123.0, 7.0]),
        (["12", "13"], "text", ["12", "13"]),
        ([45000, 45001], "date", [pd.Timestamp("2023-03-15"), pd.Timestamp("2023-03-16")]),
        (["45000", "2023-03-16"], "date", [pd.Timestamp("2023-03-15"), pd.Timestamp("2023-03-16")]),
        ([1.7e9, None], "date", [pd.Timestamp("2023-11-14 22:13:20"), pd.NaT]),
        ([2019, 2020], "date", [pd.Timestamp("2019-01-01"), pd.Timestamp("2020-01-01")]),
        (["0:45", "9:30"], "time", [0.75, 9.5]),
        (["0:45", "1:00:30"], "duration", [45.0, 3630.0]),
        ([20, 18, 34, 51, 63, 47, -999, -999, -999], "number",
         [20.0, 18.0, 34.0, 51.0, 63.0, 47.0, -999.0, -999.0, -999.0]),
    ],
)  # fmt: skip
def test_a_kind_that_is_asked_for(cells, kind, values):
    """It overrules what the cells look like; a number that is asked for has no sentinel."""
    typed = learn_reading(column(*cells), kind).values(column(*cells))
    if kind == "date":
        typed = typed.dt.tz_localize(None)
    for right, cell in zip(values, typed.tolist(), strict=True):
        assert right == cell or (pd.isna(right) and pd.isna(cell))


@pytest.mark.parametrize(
    ("cells", "kind", "told"),
    [
        (["red", "2"], "number", "'c', row 1: 'red' is not a finite number"),
        (["red", "2"], "date", "'c', row 1: 'red' is no date"),
        (["14:30", "soon"], "time", "'c', row 2: 'soon' is no clock time"),
        (["90 min", "soon"], "duration", "'c', row 2: 'soon' is no span of time"),
        ([0.5, 0.25], "date", "'c', row 1: '0.5' is no date"),
        (["1"], "colour", "'colour' is no kind of column: give one of number, date"),
        ([*map(str, range(30)), "4o"], None, "'c', row 31: '4o' is not a finite number: correct"),
        ([*"123456789", "10", np.inf], None, "'c', row 11: 'inf'"),
        ([pd.Timestamp(0), 3], "number", "'c', row 1: .*is not a finite number"),
    ],
)
def test_cells_that_are_not_of_a_kind(cells, kind, told):
    with pytest.raises(DataError, match=told):
        learn_reading(column(*cells), kind)


def test_numbers_that_are_no_dates():
    for dtype in (float, "Float64"):
        with pytest.raises(DataError, match="'c': numbers such as 0.5 are neither seconds since"):
            learn_reading(column(0.5, 0.25, dtype=dtype), "date")


def test_kinds_of_tables():
    """A column or a kind that does not exist is named; `ignore` leaves a column out."""
    frame = pd.DataFrame({"a": ["1", "2"], "b": ["x", "y"]})
    for kinds, told in (({"c": "text"}, "no column 'c' to read as text: the columns are 'a', 'b'"),
                        ({"a": "texts"}, "'texts' is no kind of column 'a'")):  # fmt: skip
        with pytest.raises(DataError, match=told):
            typed_frame(frame, kinds)
    typed, readings = typed_frame(frame, {"a": "ignore"})
    assert (["b"], "ignore") == (list(typed), readings[0].kind)


def test_a_column_that_is_not_used_may_wait_with_its_error():
    """It stays a column of texts, with the error as a note; whoever learns from it meets it."""
    frame = pd.DataFrame({"x": [*map(str, range(30)), "4o"], "y": ["a"] * 31})
    with pytest.raises(DataError, match="row 31"):
        typed_frame(frame)
    typed, readings = typed_frame(frame, refuse=False)
    assert frame["x"].tolist() == typed["x"].tolist()
    assert "column 'x', row 31: '4o' is not a finite number" in readings[0].notes[0]
    with pytest.raises(DataError, match="'x', row 31: '4o'"):
        Features.learn(typed)


def test_other_columns_decide_what_is_ambiguous():
    """Decimal commas and months first are customs of a whole table."""
    frame = pd.DataFrame({
        "n": ["1,234", "5,678"], "cost": ["0,5", "1.234,5"], "m": ["1,234", "5,678"],
        "when": ["05/06/2026", "02/03/2026"], "paid": ["12/31/2026", "01/02/2026"],
    })  # fmt: skip
    typed, readings = typed_frame(frame)
    assert [1.234, 5.678] == typed["n"].tolist() == typed["m"].tolist()
    assert [5, 2] == typed["when"].dt.month.tolist()
    assert "as in other columns" in readings[3].notes[0]
    alone = typed_frame(frame[["n", "when"]])[0]
    assert [1234.0, 5678.0] == alone["n"].tolist()
    assert [6, 3] == alone["when"].dt.month.tolist()
    commas = learn_reading(frame["n"], customs=Customs(decimal=","))
    assert [1.234, 5.678] == commas.values(frame["n"]).tolist()


def test_points_of_thousands_that_a_parser_took_for_decimal_marks():
    """Only beside a decimal comma, and only with three digits behind the point."""
    cost = ["0,5", "1.234,5", "7,25"]
    for doubtful in ([1.234, 999.0, 12.0], [1.0, 2.0, np.nan]):  # which may stand for 2.000
        assert {"n"} == doubtful_floats(pd.DataFrame({"n": doubtful, "cost": cost}))
    for other in ([0.234, 999.0, 12.0], [1.25, 1.5, 2.0625], [0.0, np.nan, 0.0], [1234.5, 1.0, 2.0],
                  [1234.0, 2.0, 3.0]):  # fmt: skip
        assert not doubtful_floats(pd.DataFrame({"n": other, "cost": cost}))
    assert not doubtful_floats(pd.DataFrame({"n": [1.234, 2.0], "cost": ["0.5", "a,b"]}))


def test_rows_in_order_of_time_tell_the_order_of_day_and_month():
    days = pd.to_datetime([f"2026-{day}" for day in ("01-03", "01-09", "02-01", "02-06", "03-11")])
    frame = days.strftime("%m/%d/%Y").tolist()
    reading = learn_reading(column(*frame))
    assert days.tolist() == reading.values(column(*frame)).dt.tz_localize(None).tolist()
    assert "so the rows are in order of time" in reading.notes[0]


def test_chunks_are_read_as_the_whole():
    """What is learned does not change with the rows that are answered, nor with their number."""
    rng = np.random.default_rng(0)
    prices = [f"{value:,.2f}" for value in rng.uniform(1, 1e6, 6000)]
    prices[7] = "?"
    plain = [f"{value:.3f}" for value in rng.uniform(-1, 1, 6000)]
    plain[3] = "n/a"
    days = pd.date_range("1990-01-01", periods=6000, freq="D").strftime("%m/%d/%Y").tolist()
    frame = pd.DataFrame({"price": prices, "plain": plain, "day": days}, dtype=object)
    typed, readings = typed_frame(frame)
    for reading in readings:
        rest = frame[reading.name]
        parts = [reading.values(rest[k : k + 7]) for k in range(0, 140, 7)]
        parts.append(reading.values(rest[140:]))
        pd.testing.assert_series_equal(typed[reading.name], pd.concat(parts))
    right = [np.nan if k == 7 else float(t.replace(",", "")) for k, t in enumerate(prices)]
    np.testing.assert_array_equal(right, typed["price"])
    np.testing.assert_array_equal(
        [np.nan if k == 3 else float(text) for k, text in enumerate(plain)], typed["plain"]
    )
    assert ("n/a",) == readings[1].markers
    assert "'n/a' in row 4" in readings[1].notes[0]


@pytest.mark.parametrize("odd", ["00123", "1234567890123456", "4o"])
def test_a_long_column_is_looked_at_cell_by_cell_where_one_is_unusual(odd):
    """What a short column would be: codes, identifiers, or refused."""
    cells = [f"{k}" for k in range(20_000, 26_000)]
    cells[4321] = odd
    if odd == "4o":
        with pytest.raises(DataError, match=rf"row 4322: '{odd}' is not a finite number"):
            learn_reading(column(*cells))
        return
    reading = learn_reading(column(*cells))
    assert "text" == reading.kind
    assert f"'{odd}' in row 4322" in reading.notes[0]


# In model files


def test_json_and_back():
    readings = learn_readings(TABLE)
    assert {type(reading.form).__name__ for reading in readings} >= {"NumberForm", "DateForm"}
    for reading in readings:
        assert reading == Reading.from_json(json.loads(json.dumps(reading.to_json())))


NUMBER = learn_readings(TABLE)[0].to_json()
DATE = learn_readings(TABLE)[1].to_json()
SPAN = learn_readings(TABLE)[4].to_json()


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, "x", {**NUMBER, "extra": 1}, {**NUMBER, "kind": "colour"},
        {**NUMBER, "name": 3}, {**NUMBER, "missing": 1.5}, {**NUMBER, "missing": float("nan")},
        {**NUMBER, "examples": "ab"}, {**NUMBER, "examples": [1]}, {**NUMBER, "notes": [None]},
        {**NUMBER, "markers": [3]}, {**NUMBER, "sentinels": ["1"]},
        {**NUMBER, "sentinels": [float("inf")]}, {**NUMBER, "form": []}, {**NUMBER, "form": {}},
        {**NUMBER, "form": {"decimal": "x", "units": []}},
        {**NUMBER, "form": {"decimal": ".", "units": [["kg"]]}},
        {**NUMBER, "form": {"decimal": ".", "units": [["kg", 0.0]]}},
        {**NUMBER, "form": {"decimal": ".", "units": [[3, 1.0]]}},
        {**NUMBER, "form": DATE["form"]}, {**NUMBER, "kind": "text"},
        {**DATE, "form": {**DATE["form"], "families": ["ydm"]}},
        {**DATE, "form": {**DATE["form"], "families": ["dmy", "dmy"]}},
        {**DATE, "form": {**DATE["form"], "pivot": 200}},
        {**DATE, "form": {**DATE["form"], "unit": "weeks"}},
        {**SPAN, "form": {"two_parts": 2.0}}, {**SPAN, "markers": ["x"] * 1001},
    ],
    ids=range(29),
)  # fmt: skip
def test_hostile_json(value):
    with pytest.raises(ModelFileError):
        Reading.from_json(value)


def test_a_plan_needs_readings_of_its_kinds():
    """A file whose reading gives texts where numbers are needed is refused when it is loaded."""
    plan = Features.learn(TABLE[["age", "zip"]]).to_json()
    first, second = plan["readings"]
    swapped = [{**first, "kind": "text", "form": None, "sentinels": []}, second]
    for readings in (swapped, [second, second], [{**second, "name": "age"}] * 2, "x", [3]):
        with pytest.raises(ModelFileError):
            Features.from_json({**plan, "readings": readings})
    for other in ({"columns": plan["columns"]}, {**plan, "more": 1}):
        with pytest.raises(ModelFileError):
            Features.from_json(other)


def test_a_plan_of_typed_columns_reads_the_cells_of_the_file():
    """With the readings that typed them; a column that does not vary stays left out."""
    frame = TABLE.assign(same="5 kg")
    typed, readings = typed_frame(frame)
    kinds = {reading.name: reading.kind for reading in readings if reading.kind != "ignore"}
    plan = Features.learn(typed, column_kinds=kinds)
    again = plan.with_readings(readings)
    np.testing.assert_array_equal(plan(typed), again(frame))
    np.testing.assert_array_equal(plan(typed), again(typed))
    assert list(frame) == [reading.name for reading in again.readings]
    assert "the same in all rows: left out" == again.readings[-1].notes[-1]
    assert readings[0] == again.readings[0]
    with pytest.raises(DataError, match=r"'price', row 1: '\$1,200' is not a finite number"):
        plan(frame)


def test_sentinels_are_missing_also_in_new_rows():
    ages = [20.0, 18.0, 34.0, 51.0, 63.0, 47.0, -999.0, -999.0, -999.0]
    plan = Features.learn(pd.DataFrame({"age": ages}))
    assert (-999.0,) == plan.readings[0].sentinels
    new = plan(pd.DataFrame({"age": [-999, np.nan, 34.0]}))
    np.testing.assert_array_equal(new[0], new[1])
    assert [1, 1, 0] == new[:, 1].tolist()
    asked = Features.learn(pd.DataFrame({"age": ages}), column_kinds={"age": "number"})
    assert 1 == asked.width


@pytest.mark.parametrize(
    ("cells", "dtype", "kind"),
    [
        ([True, False, None], "boolean", "number"), ([1, None], "Int64", "number"),
        ([1.5, None], "Float64", "number"), (["a", None], "string", "text"),
        (["1,5", "2,25"], "category", "number"), ([1, 2], "category", "number"),
        ([datetime.date(2026, 1, 31), None], object, "date"),
        ([datetime.time(14, 30), None], object, "time"),
        ([datetime.timedelta(hours=1), None], object, "duration"),
        ([datetime.timedelta(hours=1), None], "timedelta64[ns]", "duration"),
        (["2026-01", "2026-02"], "period[M]", "date"), ([2**60, 2**60 + 1], "int64", "text"),
    ],
    ids=str,
)  # fmt: skip
def test_dtypes_say_what_a_column_holds(cells, dtype, kind):
    made = column(*cells, dtype=dtype)
    reading = learn_reading(made)
    assert kind == reading.kind
    values = reading.values(made)
    assert [pd.isna(cell) for cell in cells] == values.isna().tolist()
    assert kind in KINDS
