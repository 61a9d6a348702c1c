"""Columns read as numbers, dates and texts: a cell means the same whatever stands beside it."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Features
from chainrule.data.cells import ROWS
from chainrule.data.column_values import as_numbers, as_texts, as_times, to_text
from chainrule.errors import DataError

DAYS = [f"2020-{month:02}-{day:02}" for month in (1, 2, 3) for day in (3, 9, 14, 28)]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"), (1.0, "1"), (-0.0, "0"), (2.5, "2.5"), (1e300, str(int(1e300))), (0.1, "0.1"),
        (np.float64(3.0), "3"), (np.float32(2.5), "2.5"), (np.int8(-4), "-4"), (2**70, str(2**70)),
        (Decimal("2.50"), "2.5"), (Decimal(7), "7"), (Fraction(5, 2), "2.5"), (True, "True"),
        (np.inf, "inf"), (10**400, str(10**400)),
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_the_text_of_a_number(number, text):
    """It is told by the number, whatever its type."""
    assert text == to_text(number)


@pytest.mark.parametrize("dtype", [float, object, "Float64", "category", "float32"])
def test_a_text_does_not_depend_on_other_rows(dtype):
    """Of whole numbers beside fractions, and alone."""
    column = pd.Series([1.0, 2.5, 2.0, None]).astype(dtype)
    together = ["1", "2.5", "2", None]
    assert together == as_texts(column).tolist()
    assert together == [as_texts(column[k : k + 1])[0] for k in range(4)]


def test_features_of_a_category_do_not_depend_on_other_rows():
    """A fraction that is new at predict leaves the other rows as they are."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 2.0, 1.0]})
    plan = Features.learn(frame, ["a"])
    assert [[1, 0], [0, 0]] == plan(pd.DataFrame({"a": [1.0, 2.5]})).tolist()
    assert [[0, 1]] == plan(pd.DataFrame({"a": [2]})).tolist()


def test_levels_of_older_models():
    """They wrote 1 as 1.0 where a fraction stood in the column."""
    frame = pd.DataFrame({"a": [1.0, 2.5, 1.0, 2.5]})
    told = Features.learn(frame, ["a"]).to_json()["columns"]
    plan = Features.from_json([{**told[0], "levels": ["1.0", "2.5"]}])
    assert [[1, 0], [0, 1], [1, 0], [0, 1]] == plan(frame).tolist()
    assert [[1, 0]] == plan(frame[:1]).tolist()


NO_DATES = [
    "junk", "today", "now", "2020-02-31", "2020-13-01",
    "2020-01-01 25:00", "2020", 20200101, 1.5, True, datetime.time(1),
    "9999-12-31", datetime.date(9999, 12, 31), datetime.datetime(1, 1, 1),
    np.datetime64("9999-12-31"), np.datetime64("300000-01-01"), pd.Interval(0, 1),
]  # fmt: skip


@pytest.mark.parametrize("cell", NO_DATES, ids=repr)
def test_a_cell_that_is_no_date(cell):
    """Refused with its row when it is answered, and also when it is learned, far down."""
    frame = pd.DataFrame({"when": DAYS * 20})
    plan = Features.learn(frame)
    column = pd.Series([*DAYS[:2], cell, *DAYS[3:]], dtype=object)
    with pytest.raises(DataError, match=r"'when', row 3: .* is no date of 1678 to 2261"):
        plan(pd.DataFrame({"when": column}))
    far = pd.Series([*DAYS * 20, cell], dtype=object)
    with pytest.raises(DataError, match=r"'when', row 241: .* is no date of 1678 to 2261"):
        Features.learn(pd.DataFrame({"when": far}))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2]), pd.Series([1.5, None]), pd.Series([True, False]),
        pd.Series(["2020-02-31"] * 2),
        pd.Series(np.array(["9999-12-31"] * 2, "datetime64[s]")),
        pd.Series(np.array(["300000-01-01"] * 2, "datetime64[s]")),
    ],
    ids=lambda column: str(column.dtype),
)  # fmt: skip
def test_columns_without_dates(column):
    """Also by their dtype."""
    with pytest.raises(DataError, match=r"row 1: .* is no date"):
        as_times(column)


@pytest.mark.parametrize("dtype", ["period[D]", object])
def test_periods_are_no_dates(dtype):
    """Each is a span of time, of which the user says what day it stands for."""
    column = pd.Series(pd.period_range("2020-01-01", periods=2)).astype(dtype).rename("a")
    with pytest.raises(DataError, match=r"'a', row 1: .* is a span of time.*to_timestamp"):
        as_times(column)


def test_a_column_of_impossible_dates():
    with pytest.raises(DataError, match=r"'a', row 1: '2020-02-31' is no date"):
        Features.learn(pd.DataFrame({"a": ["2020-02-31", "2020-02-30"]}))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(DAYS)), pd.Series(pd.to_datetime(DAYS)).dt.tz_localize("UTC"),
        pd.Series(pd.to_datetime(DAYS)).astype("datetime64[s]"),
        pd.Series(DAYS, dtype="string"), pd.Series(DAYS, dtype="category"),
        pd.Series([f" {day.replace('-0', '-')}T01:00+01:00" for day in DAYS]),
        pd.Series([datetime.date.fromisoformat(day) for day in DAYS]),
        pd.Series([*DAYS[:4], *pd.to_datetime(DAYS[4:8]), *pd.to_datetime(DAYS[8:]).date]),
    ],
    ids=range(8),
)  # fmt: skip
def test_dates_of_all_kinds_are_alike(column):
    """Those without a zone are of UTC, so that a model takes both."""
    frame = pd.DataFrame({"when": DAYS})
    expected = Features.learn(frame)(frame)
    np.testing.assert_array_equal(expected, Features.learn(frame)(column.to_frame("when")))
    plan = Features.learn(column.to_frame("when"))
    np.testing.assert_array_equal(expected, plan(frame))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(DAYS[:2])), pd.Series(pd.period_range("2020-01", periods=2)),
        pd.Series(pd.to_datetime(DAYS[:2]), dtype=object), pd.Series([datetime.date(2020, 1, 1)]),
        pd.Series(pd.to_datetime(DAYS[:2])).astype("category"), pd.Series([pd.Interval(0, 1)]),
        pd.Series(pd.to_datetime(DAYS[:2], utc=True)), pd.Series([10**400], dtype=object),
        pd.Series(["1", "v"]),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_number(column):
    """A date is none: its nanoseconds are nobody's number."""
    plan = Features.learn(pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    with pytest.raises(DataError, match=r"'a', row (1|2): .* is not a finite number"):
        plan(column.to_frame("a"))


def test_spans_of_time_are_no_numbers():
    """A model of numbers does not know their unit; one of spans takes them in any form."""
    spans = pd.Series(pd.to_timedelta([60, 90, 3600], "s")).to_frame("a")
    plan = Features.learn(pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    with pytest.raises(DataError, match="'a', row 1: .* is not a finite number"):
        plan(spans)
    plan = Features.learn(spans)
    written = pd.DataFrame({"a": ["1 min", "0:01:30", "1h"]})
    np.testing.assert_array_equal(plan(spans), plan(written))


def test_numbers_of_all_kinds():
    column = pd.Series([1, 2.5, "3", Decimal("4.5"), True, None, np.float32(6), 2**70, " 7 "])
    expected = [1.0, 2.5, 3.0, 4.5, 1.0, np.nan, 6.0, 2.0**70, 7.0]
    np.testing.assert_array_equal(expected, as_numbers(column))


@pytest.mark.parametrize(
    "index",
    [
        list("abc"), pd.date_range("2020", periods=3), [7, 5, 3],
        pd.MultiIndex.from_tuples([(1, 2), (3, 4), (5, 6)]),
    ],
    ids=lambda index: type(index).__name__,
)  # fmt: skip
@pytest.mark.parametrize("cell", [np.inf, "text"])
def test_rows_are_counted_whatever_their_names(index, cell):
    column = pd.Series([1.0, cell, 3.0], index=index, dtype=object, name="a")
    with pytest.raises(DataError, match="column 'a', row 2: "):
        as_numbers(column)


def test_a_part_of_the_rows_is_counted_as_the_user_does():
    column = pd.Series([1.0, 2.0, np.inf], index=pd.RangeIndex(3, name=ROWS), name="y")
    with pytest.raises(DataError, match="row 3: 'inf'.* or use --task classification"):
        as_numbers(column[1:], is_target=True)
