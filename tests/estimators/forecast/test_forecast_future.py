"""Steps to come: their times, what is known of them, later rows, and the answer as a table."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.forecast.reading.appending import append_rows
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning
from chainrule.estimators.forecast.reading.future import (
    read_future,
    with_future_days,
)
from chainrule.estimators.forecast.reading.panel import Panel, read_panel
from chainrule.estimators.forecast.reading.panel_saving import (
    panel_from_state,
    panel_to_state,
)
from chainrule.estimators.forecast.reading.result import long_frame
from chainrule.estimators.serialization.perceptron import ArrayReader

NAN = np.nan
ROLES: dict[str, Any] = {"id": "shop", "time": "day", "target": "sold", "freq": "D"}


def rows(first: int = 0, last: int = 10, names: str = "ab", **more: Any) -> Any:
    """Days `first` to `last` of some shops, with a promotion, the temperature and an event."""
    days = np.arange(first, last)
    return pd.concat([
        pd.DataFrame({
            "shop": name,
            "day": pd.Timestamp("2024-05-01") + pd.to_timedelta(days, unit="D"),
            "sold": days + 100.0 * k,
            "promo": (days % 3) * 1.0,
            "event": np.where(days % 5 == 0, "fair", None),
            "heat": days / 10,
            **more,
        })
        for k, name in enumerate(names)
    ], ignore_index=True)  # fmt: skip


def known_panel(frame: Any = None, **more: Any) -> Panel:
    frame = rows() if frame is None else frame
    return read_panel(frame, **ROLES, known=["promo", "event"], **more)


def next_days(panel: Panel) -> list[str]:
    """Days of the month of the four steps after the first series."""
    stamps = panel.calendar.stamps(panel.series[0].end + np.arange(4))
    return [stamp.strftime("%d") for stamp in stamps]


def assert_same(expected: Panel, panel: Panel) -> None:
    for one, other in zip(expected.series, panel.series, strict=True):
        assert (one.name, one.start) == (other.name, other.start)
        for name in ("values", "observed", "known", "past", "static"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_future_rows_are_read_by_series_and_time() -> None:
    """In any order, with rows beyond the horizon, and without the target."""
    later = rows(8, 20).drop(columns=["sold", "heat"]).sample(frac=1, random_state=1)
    first, second = read_future(later, known_panel(), 4)
    assert [[1, 1], [2, 0], [0, 0], [1, 0]] == first.tolist()
    assert first.tolist() == second.tolist()


def test_what_is_missing_of_the_future_is_named() -> None:
    """The covariate, the series and the time: for rows, cells and columns."""
    panel, later = known_panel(), rows(10, 14)
    for frame, message in (
        (None, "'promo' has no value for id 'a' at 2024-05-11: predict.future=.* the next 4 steps"),
        (later.drop(index=6), "'promo' has no value for id 'b' at 2024-05-13"),
        (later.assign(promo=[1, 1, 1, NAN] * 2), "'promo' has no value for id 'a' at 2024-05-14"),
        (later[later["shop"] == "a"], "'promo' has no value for id 'b' at 2024-05-11"),
        (later.drop(columns="promo"), "known='promo': there is no such column"),
        (later.drop(columns="day"), "time='day': there is no such column"),
        (rows(10, 14, "abc"), "the series 'c', which the training did not have"),
        (np.zeros(3), "future= is a DataFrame"),
        (later[:0], "future= has no rows"),
    ):
        with pytest.raises(DataError, match=message):
            read_future(frame, panel, 4)
    empty = later.assign(event=None)  # no event is no gap
    assert not read_future(empty, panel, 4)[0][:, 1].any()
    with pytest.warns(SeriesDataWarning, match="'event' has values.*'flood'"):
        read_future(later.assign(event="flood"), panel, 4)


def test_rows_of_the_training_may_hold_the_future() -> None:
    """Without `future=` they are used; where there are too few, the next one is named."""
    frame = pd.concat([rows(), rows(10, 14, sold=NAN)])
    panel = known_panel(frame)
    expected = read_future(rows(10, 14), known_panel(), 4)
    for known, one in zip(expected, read_future(None, panel, 4), strict=True):
        np.testing.assert_array_equal(known, one)
    with pytest.raises(DataError, match="'promo' has no value for id 'a' at 2024-05-15"):
        read_future(None, panel, 5)
    later = read_future(rows(14, 16), panel, 6)  # the rest of them
    np.testing.assert_array_equal(read_future(rows(10, 16), known_panel(), 6)[0], later[0])


def test_without_known_covariates_no_future_is_needed() -> None:
    """The arrays have no columns; ids are checked all the same."""
    panel = read_panel(rows(), **ROLES)
    assert [(3, 0), (3, 0)] == [known.shape for known in read_future(None, panel, 3)]
    assert [(3, 0), (3, 0)] == [known.shape for known in read_future(rows(10, 11), panel, 3)]
    with pytest.raises(DataError, match="series 'c'"):
        read_future(rows(10, 14, "c"), panel, 3)
    assert (3, 0) == read_future(None, read_panel(np.zeros((5, 2))), 3)[0].shape


def test_one_series_and_rows_without_times() -> None:
    """Future rows are the next steps in their order; an index of dates is a time."""
    frame = pd.DataFrame({"y": [1.0, 2, 3], "x": [1.0, 2, 3]})
    later = pd.DataFrame({"x": [7.0, 8.0, 9.0]})
    panel = read_panel(frame, target="y", known="x")
    assert [[7.0], [8.0]] == read_future(later, panel, 2)[0].tolist()
    with pytest.raises(DataError, match="'x' has no value at 6: predict"):
        read_future(later, panel, 4)
    days = pd.date_range("2024-05-01", periods=6)
    panel = read_panel(frame.set_axis(days[:3]), target="y", known="x")
    assert [[7.0], [8.0]] == read_future(later.set_axis(days[3:]), panel, 2)[0].tolist()


def test_future_rows_say_which_days_are_traded() -> None:
    """Without them Christmas is a weekday like others; with them it has no step."""
    days = pd.date_range("2023-01-02", "2024-12-20", freq="B").delete([100, 200])
    frame = pd.DataFrame({"ds": days, "y": 1.0, "x": np.arange(len(days)) * 1.0})
    panel = read_panel(frame, known="x")
    assert ["23", "24", "25", "26"] == next_days(panel)
    later = pd.DataFrame({"ds": pd.to_datetime(["2024-12-23", "2024-12-24", "2024-12-27"]),
                          "x": [1.0, 2.0, 3.0]})  # fmt: skip
    assert [[1.0], [2.0], [3.0]] == read_future(later, panel, 3)[0].tolist()
    known = with_future_days(panel, later)
    assert ["23", "24", "27", "30"] == next_days(known)
    assert panel is with_future_days(panel, None)


# Later rows


@given(st.integers(1, 29), st.integers(0, 5), st.integers(0, 500))
def test_later_rows_give_the_panel_of_all(split: int, overlap: int, seed: int) -> None:
    """With gaps and empty cells: what was read first and then more is what is read at once."""
    random = np.random.default_rng(seed)
    frame = rows(0, 30, "abc")
    frame["size"] = frame["shop"].map({"a": 1.0, "b": 2.0, "c": 3.0})
    frame.loc[random.random(len(frame)) < 0.2, "sold"] = NAN
    frame.loc[random.random(len(frame)) < 0.2, "heat"] = NAN
    frame = frame[random.random(len(frame)) < 0.8]
    day = (frame["day"] - pd.Timestamp("2024-05-01")).dt.days
    begun = frame[day < split].groupby("shop")["sold"].transform(lambda sold: sold.notna().any())
    before = frame[day < split][begun.to_numpy(bool)]
    both = before["heat"].notna() & before["sold"].notna()
    assume(len(before) and both.groupby(before["shop"]).sum().min() > 0)
    frame = frame[frame["shop"].isin(before["shop"])]
    day = day[frame.index]
    # The first value of heat fills those before it, so it must be there already.
    roles: dict[str, Any] = {**ROLES, "known": ["promo", "event"], "past": ["heat"]}
    roles["static"] = ["size"]
    with warnings.catch_warnings(action="ignore", category=SeriesDataWarning):
        expected = read_panel(frame, **roles)
        panel = read_panel(before, **roles, encoders=expected.encoders)
        last = before.dropna(subset="sold").groupby("shop")["day"].max()  # then comes the future
        is_later = (day >= split - overlap) | (frame["day"] > frame["shop"].map(last))
        later = frame[is_later] if is_later.any() else frame
        assert_same(expected, append_rows(panel, later))


def test_new_rows_in_the_form_of_the_training() -> None:
    """Arrays and Series without times go on after the last step; wide tables by their columns."""
    array = np.arange(20.0).reshape(10, 2)
    assert_same(read_panel(array), append_rows(read_panel(array[:7]), array[7:]))
    assert_same(read_panel(array[:, 0]), append_rows(read_panel(array[:7, 0]), array[7:, 0]))
    series = pd.Series(np.arange(10.0), pd.date_range("2024-05-01", periods=10, freq="h"))
    assert_same(read_panel(series), append_rows(read_panel(series[:4]), series[3:]))
    wide = pd.DataFrame(array, series.index, ["a", "b"])
    assert_same(read_panel(wide), append_rows(read_panel(wide[:4]), wide[4:]))
    for panel, data in (
        (read_panel(array), wide),
        (read_panel(rows(), **ROLES), array),
        (read_panel(series), array),
    ):
        with pytest.raises(DataError, match="training had an array|form of the training"):
            append_rows(panel, data)
    with pytest.raises(DataError, match="have 3 series, those of the training 2"):
        append_rows(read_panel(array), np.zeros((2, 3)))


def test_new_series_come_after_the_others() -> None:
    """A cold start: its rows are read by the same rules."""
    panel = append_rows(read_panel(rows(names="bc"), **ROLES), rows(5, 12, "a"))
    assert ("b", "c", "a") == panel.names
    assert [10, 10, 7] == [len(one.values) for one in panel.series]


def test_rows_of_the_past_must_agree() -> None:
    """Equal ones are left out, also those before the first; a gap of the past is filled."""
    panel = read_panel(rows(2, 10), **ROLES)
    assert_same(panel, append_rows(panel, rows(0, 10)))
    with pytest.raises(DataError, match="'a' has 9 for 2024-05-10, the new rows have 5: leave"):
        append_rows(panel, rows(9, 12, sold=5.0))
    gap = read_panel(rows().drop(index=4), **ROLES)
    full = append_rows(gap, rows(4, 5, sold=77.0)[:1])
    assert (77.0, True) == (full.series[0].values[4], bool(full.series[0].observed[4]))
    with pytest.raises(DataError, match="'promo': there is no such column"):
        append_rows(known_panel(), rows(10, 12).drop(columns="promo"))
    with pytest.raises(DataError, match="no new rows"):
        append_rows(panel, rows()[:0])
    fixed = read_panel(rows(size=1.0), **ROLES, static="size")
    with pytest.raises(DataError, match="static covariate 'size' of series 'a' differs"):
        append_rows(fixed, rows(10, 12, size=2.0))
    strict = read_panel(rows(), **ROLES, fill_gaps="error")
    with pytest.raises(DataError, match="no value for 2024-05-11"):
        append_rows(strict, rows(12, 14))


def test_days_without_a_sale_are_zeros_in_all_series() -> None:
    """Also in those that new rows leave out."""
    frame = rows(0, 20, "ab")
    frame = frame[(frame["sold"] % 3 == 0) | (frame["day"].dt.day == 1)]
    until = frame["day"] < "2024-05-10"
    roles = {**ROLES, "fill_gaps": "zero"}
    expected = read_panel(frame[until | (frame["shop"] == "a")], **roles)
    panel = append_rows(read_panel(frame[until], **roles), frame[~until & (frame["shop"] == "a")])
    assert_same(expected, panel)
    assert panel.series[0].end == panel.series[1].end


def test_trading_days_go_on_with_new_rows() -> None:
    """A Friday without a row was a holiday; a day between others is refused."""
    days = pd.date_range("2023-01-02", "2024-03-28", freq="B").delete([100, 200])
    series = pd.Series(np.arange(len(days)) * 1.0, days)
    panel = append_rows(read_panel(series), pd.Series([7.0], [pd.Timestamp("2024-04-01")]))
    assert ([7.0], len(days) + 1) == (
        panel.series[0].values[-1:].tolist(), len(panel.series[0].values)
    )  # fmt: skip
    with pytest.raises(DataError, match="2024-03-29 is not on the days of the training"):
        append_rows(panel, pd.Series([7.0], [pd.Timestamp("2024-03-29")]))


# A file of a model


def test_a_saved_panel_is_the_same() -> None:
    """Read again it is equal, and goes on with new rows as the one that was saved does."""
    roles: dict[str, Any] = {**ROLES, "known": ["promo", "event"], "past": ["heat"]}
    frame = pd.concat([rows(size=3.0), rows(10, 12, sold=NAN, size=3.0)])
    for panel, later in (
        (read_panel(frame, **roles, static="size"), rows(10, 15, size=3.0)),
        (read_panel(np.arange(8.0)), np.arange(3.0)),
    ):
        arrays: dict[str, Any] = {}
        state = json.loads(json.dumps(panel_to_state(panel, arrays)))
        reader = ArrayReader(arrays)
        again = panel_from_state(state, reader)
        reader.finish()
        assert_same(panel, again)
        assert (panel.calendar, panel.roles, panel.encoders, panel.names) == (
            again.calendar, again.roles, again.encoders, again.names
        )  # fmt: skip
        assert_same(append_rows(panel, later), append_rows(again, later))


@pytest.mark.parametrize(
    ("change", "arrays"),
    [
        ({"names": ["a"]}, {}),
        ({"names": ["a", "a"]}, {}),
        ({"roles": None}, {}),
        ({"roles": {"id": None, "time": None, "target": "y", "known": ["z"], "past": [],
                    "static": []}}, {}),
        ({"layout": "round"}, {}),
        ({}, {"lengths": np.array([0, 20])}),
        ({}, {"lengths": np.array([2**62, 2**62])}),
        ({}, {"ahead": np.array([-1, 1])}),
        ({}, {"values": np.full(20, NAN)}),
        ({}, {"known": np.zeros((20, 1))}),
    ],
)  # fmt: skip
def test_a_damaged_panel_is_refused(change: dict[str, Any], arrays: dict[str, Any]) -> None:
    """Each array and field is checked."""
    numbers: dict[str, Any] = {}
    state = panel_to_state(read_panel(rows(), **ROLES), numbers)
    numbers |= {f"panel.{name}": array for name, array in arrays.items()}
    with pytest.raises(ModelFileError):
        panel_from_state({**state, **change}, ArrayReader(numbers))


# The answer


def test_an_answer_is_in_the_form_of_the_user() -> None:
    """Names and dtypes of ids and times are the user's; columns are in order, row after row."""
    columns = {"forecast": np.array([[1.0, 2], [3, 4]]), "lo-80": np.zeros((2, 2))}
    zone = rows(day=pd.date_range("2024-05-01", periods=10, tz="Asia/Tokyo").as_unit("s"))
    answer = long_frame(read_panel(zone, **ROLES), columns)
    assert ["shop", "day", "forecast", "lo-80"] == list(answer.columns)
    assert (zone["day"].dtype, zone["shop"].dtype) == (answer["day"].dtype, answer["shop"].dtype)
    assert [("a", 11, 1.0), ("a", 12, 2.0), ("b", 11, 3.0), ("b", 12, 4.0)] == list(
        zip(answer["shop"], answer["day"].dt.day, answer["forecast"], strict=True)
    )
    for dtype in ("category", "int32", "object", "Int64"):
        ids = pd.Series([2] * 10 + [11] * 10).astype(dtype)
        result = long_frame(read_panel(rows().assign(shop=ids), **ROLES), columns)
        assert (ids.dtype, [2, 2, 11, 11]) == (result["shop"].dtype, result["shop"].tolist())


def test_answers_for_other_forms() -> None:
    """Wide tables have "unique_id"; one series has no id; names of the index are times."""
    one = {"forecast": np.array([[1.0, 2.0]])}
    days = pd.date_range("2024-05-01", periods=9, name="day")
    answer = long_frame(read_panel(pd.Series(np.ones(9), days)), one)
    assert ["day", "forecast"] == list(answer.columns)
    answer = long_frame(read_panel(np.ones(3)), one)
    assert (["ds", "forecast"], [3, 4]) == (list(answer.columns), answer["ds"].tolist())
    two = {"forecast": np.ones((2, 1))}
    wide = pd.DataFrame(np.ones((9, 2)), days, ["x", "y"])
    answer = long_frame(read_panel(wide), two)
    assert (["unique_id", "day", "forecast"], ["x", "y"]) == (
        list(answer.columns), answer["unique_id"].tolist()
    )  # fmt: skip
    periods = long_frame(read_panel(wide.to_period("D")), two)
    assert "period[D]" == str(periods["day"].dtype)
