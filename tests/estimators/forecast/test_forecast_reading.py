"""Tables of series in all forms as one panel; gaps, duplicates and wrong tables by stated rules."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning
from chainrule.estimators.forecast.reading.gaps import filled
from chainrule.estimators.forecast.reading.panel import Panel, read_panel

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[4] / "shared" / "data"))
NAN = np.nan


def data_file(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"shared/data/{name} is absent")
    return path


def long_table(days: int = 20, names: str = "abc", seed: int = 0) -> Any:
    """Days of some series, each one day shorter than the one before."""
    random = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({
            "shop": name,
            "day": pd.date_range("2024-05-01", periods=days - k),
            "sold": random.integers(1, 100, days - k).astype(float),
        })
        for k, name in enumerate(names)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def assert_same(expected: Panel, panel: Panel, names: bool = True) -> None:
    """The series are equal, and their times."""
    assert len(expected.series) == len(panel.series)
    for one, other in zip(expected.series, panel.series, strict=True):
        if names:
            assert one.name == other.name
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.observed, other.observed)
        for name in ("known", "past", "static"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert expected.calendar.text(one.start) == panel.calendar.text(other.start)
        assert expected.calendar.text(one.end) == panel.calendar.text(other.end)


def test_all_forms_of_the_same_series_are_one_panel() -> None:
    """A long table, one with Nixtla's names, and wide ones of dates, periods and texts."""
    frame = long_table()
    expected = read_panel(frame, id="shop", time="day", target="sold")
    wide = frame.pivot(index="day", columns="shop", values="sold")
    wide.columns.name = None
    renamed = frame.rename(columns={"shop": "unique_id", "day": "ds", "sold": "y"})
    texts = frame.assign(day=frame["day"].dt.strftime("%Y-%m-%d"))
    same = [
        read_panel(renamed),
        read_panel(renamed.set_index(["unique_id", "ds"])),
        read_panel(frame.set_index("day"), id="shop", target="sold"),
        read_panel(frame.assign(shop=frame["shop"].astype("category")), id="shop", time="day"),
        read_panel(texts, id="shop", time="day"),
        read_panel(wide),
        read_panel(wide.reset_index(), time="day"),
    ]
    for panel in same:
        assert_same(expected, panel)
    assert [20, 19, 18] == [len(one.values) for one in expected.series]
    periods = read_panel(wide.to_period("D"))
    assert_same(expected, periods)
    assert "period[D]" == str(periods.calendar.stamps([0]).dtype)


def test_one_series_in_all_forms() -> None:
    """A table, a Series, an array; the array and plain rows are steps from 0."""
    frame = long_table(names="a").drop(columns="shop")
    expected = read_panel(frame, time="day", target="sold")
    series = frame.set_index("day")["sold"]
    for panel in (
        read_panel(series),
        read_panel(frame.set_index("day")),
        read_panel(frame.rename(columns={"day": "ds", "sold": "y"})),
        read_panel(series.to_period("D")),
    ):
        assert_same(expected, panel, names=False)
    steps = read_panel(series.to_numpy())
    for panel in (
        read_panel(series.reset_index(drop=True)),
        read_panel(frame[["sold"]]),
        read_panel(series.to_numpy()[:, None]),
        read_panel(series.tolist()),
    ):
        assert_same(steps, panel, names=False)
    assert ("steps", 0) == (steps.calendar.kind, steps.series[0].start)
    several = read_panel(np.arange(12.0).reshape(4, 3))
    assert [[0.0, 3.0, 6.0, 9.0], [1.0, 4.0, 7.0, 10.0]] == [
        one.values.tolist() for one in several.series[:2]
    ]
    assert (0, 1, 2) == several.names
    named = pd.Series([1.0, 2, 3], pd.Index([1990, 1992, 1996], name="year"), name="count")
    panel = read_panel(named)
    assert ("year", "count", [1.0, 2.0, 2.5, 3.0]) == (
        panel.time_name, panel.roles.target, panel.series[0].values.tolist()
    )  # fmt: skip


def test_series_without_times_are_in_the_order_of_their_rows() -> None:
    """Each series of a long table counts its own rows."""
    frame = pd.DataFrame({"id": ["b", "a", "b", "a", "b"], "y": [1.0, 10, 2, 20, 3]})
    panel = read_panel(frame, id="id")
    assert [("a", 0, [10.0, 20.0]), ("b", 0, [1.0, 2.0, 3.0])] == [
        (one.name, one.start, one.values.tolist()) for one in panel.series
    ]


class Polars:
    """As a frame of polars: names of columns, and `to_pandas`."""

    def __init__(self, frame: Any) -> None:
        self.frame, self.columns = frame, list(frame.columns)

    def to_pandas(self) -> Any:
        return self.frame


def test_frames_of_polars_are_taken() -> None:
    """They give the panel of the same frame of pandas."""
    frame = long_table()
    expected = read_panel(frame, id="shop", time="day", target="sold")
    assert_same(expected, read_panel(Polars(frame), id="shop", time="day", target="sold"))


@given(st.integers(0, 1000), st.booleans())
def test_the_order_of_rows_does_not_matter(seed: int, zone: bool) -> None:
    """Shuffled, with gaps, empty cells and covariates: the same panel."""
    random = np.random.default_rng(seed)
    frame = long_table(40, seed=seed)
    frame["price"] = random.random(len(frame)).round(2)
    frame["event"] = random.choice(["fair", "rain", None], len(frame))
    frame["region"] = frame["shop"].map({"a": "north", "b": "south", "c": "north"})
    frame.loc[random.choice(len(frame), 9, replace=False), "sold"] = NAN
    frame.loc[random.choice(len(frame), 9, replace=False), "price"] = NAN
    if zone:
        frame["day"] = frame["day"].dt.tz_localize("Europe/Berlin")
    frame = frame[random.random(len(frame)) < 0.9]
    roles: dict[str, Any] = {"id": "shop", "time": "day", "target": "sold", "freq": "D"}
    roles |= {"known": ["price"], "past": ["event"], "static": ["region"]}
    expected = read_panel(frame, **roles)
    shuffled = frame.iloc[random.permutation(len(frame))]
    panel = read_panel(shuffled, **roles)
    assert_same(expected, panel)
    assert (expected.calendar, expected.encoders) == (panel.calendar, panel.encoders)
    for one in panel.series:
        assert np.isfinite(np.r_[one.values, one.known.ravel(), one.past.ravel()]).all()


# Gaps


def _filled_by_hand(values: list[float], season: int | None) -> list[float]:
    """The rule as a loop: lines for one or two steps, and where no season lies before."""
    result = list(values)
    at = 0
    while at < len(values):
        if not np.isnan(values[at]):
            at += 1
            continue
        end = at
        while np.isnan(values[end]):
            end += 1
        for k in range(at, end):
            if end - at > 2 and season is not None and at - season >= 0:
                result[k] = result[k - season]
            else:
                share = (k - at + 1) / (end - at + 1)
                result[k] = values[at - 1] * (1 - share) + values[end] * share
        at = end
    return result


@given(
    st.lists(st.one_of(st.integers(0, 9), st.none(), st.none()), min_size=1, max_size=40),
    st.sampled_from([None, 2, 3, 7]),
)
def test_gaps_are_filled_by_the_rule(cells: list[int | None], season: int | None) -> None:
    """As a loop over the steps does it."""
    values = [1.0, *[NAN if cell is None else float(cell) for cell in cells], 4.0]
    expected = _filled_by_hand(values, season)
    np.testing.assert_allclose(filled(np.array(values), "auto", season), expected, atol=1e-12)
    zeros = np.where(np.isnan(values), 0.0, values)
    np.testing.assert_array_equal(zeros, filled(np.array(values), "zero", season))


def test_empty_cells_and_missing_rows_are_the_same_gap() -> None:
    """A longer gap has the values of the week before; `observed` says which they are."""
    values = np.arange(1.0, 22.0)
    days = pd.date_range("2024-05-01", periods=21)
    gap = [9, 10, 11, 12]
    empty = pd.Series(np.where(np.isin(np.arange(21), gap), NAN, values), days)
    one, other = read_panel(empty), read_panel(empty.drop(days[gap]))
    assert_same(one, other, names=False)
    expected = [*values[:9], *values[2:6], *values[13:]]
    assert expected == one.series[0].values.tolist()
    assert gap == np.flatnonzero(~one.series[0].observed).tolist()
    with pytest.raises(DataError, match="no value for 2024-05-10, nor for 3 other steps"):
        read_panel(empty, fill_gaps="error")
    with pytest.raises(ValueError, match="fill_gaps='mean': give one of 'auto', 'zero', 'error'"):
        read_panel(empty, fill_gaps="mean")


def test_empty_targets_at_both_ends_are_cut() -> None:
    """Leading ones are left out, trailing ones are the future."""
    values = pd.Series([NAN, NAN, 1, 2, NAN, 4, NAN], pd.date_range("2024-05-01", periods=7))
    one = read_panel(values).series[0]
    assert [1.0, 2.0, 3.0, 4.0] == one.values.tolist()
    panel = read_panel(values)
    assert "2024-05-03" == str(panel.calendar.stamps([one.start])[0].date())


def test_zeros_go_on_to_the_last_sale_of_all() -> None:
    """Without a row nothing was sold, up to the last day on which something was."""
    frame = pd.DataFrame({
        "id": ["a", "a", "b", "b", "b"],
        "day": ["2024-05-02", "2024-05-05", "2024-05-01", "2024-05-02", "2024-05-07"],
        "y": [3.0, 4, 1, 1, 1],
    })  # fmt: skip
    panel = read_panel(frame, id="id", time="day", freq="D", fill_gaps="zero")
    assert [[3.0, 0, 0, 4, 0, 0], [1.0, 1, 0, 0, 0, 0, 1]] == [
        one.values.tolist() for one in panel.series
    ]
    assert panel.series[0].end == panel.series[1].end
    wide = frame.pivot(index="day", columns="id", values="y")
    assert_same(panel, read_panel(wide.rename_axis(columns=None).reset_index(), time="day",
                                  freq="D", fill_gaps="zero"))  # fmt: skip


def test_much_that_is_missing_is_said() -> None:
    """More than half: a warning that names the series and the frequency."""
    days = pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-20"])
    with pytest.warns(SeriesDataWarning, match="more than half of the steps at freq='D' of 1 of 1"):
        read_panel(pd.Series([1.0, 2, 3, 4], days))
    seconds = [*days[:3], days[2] + pd.Timedelta(seconds=1)]
    with pytest.raises(DataError, match="4 values in 172802 steps, from 2024-05-01 to 2024-05-03"):
        read_panel(pd.Series([1.0, 2, 3, 4], seconds), freq="s")


# Duplicates


def test_equal_rows_are_left_out_with_a_warning() -> None:
    """They are counted; a column that isn't used may differ."""
    frame = long_table(5).assign(note=range(12))
    again = pd.concat([frame, frame[3:6].assign(note=0)])
    expected = read_panel(frame, id="shop", time="day", target="sold", freq="D")
    with pytest.warns(SeriesDataWarning, match="left out 3 rows, equal to another"):
        panel = read_panel(again, id="shop", time="day", target="sold", freq="D")
    assert_same(expected, panel)
    wide = frame.pivot(index="day", columns="shop", values="sold").rename_axis(columns=None)
    with pytest.warns(SeriesDataWarning, match="left out 2 rows"):
        assert_same(expected, read_panel(pd.concat([wide, wide[:2]]), freq="D"))


@pytest.mark.parametrize(
    ("rule", "expected"), [("sum", 9.0), ("mean", 3.0), ("first", 2.0), ("last", 5.0)]
)
def test_rows_that_differ_are_joined_by_a_rule(rule: str, expected: float) -> None:
    """Of 2, 2 and 5; equal rows are two sales for "sum" and "mean"."""
    frame = pd.DataFrame({
        "id": "a",
        "t": [1, 2, 2, 2, 3],
        "y": [1.0, 2.0, 2.0, 5.0, 4.0],
    })  # fmt: skip
    with pytest.raises(DataError, match="rows 3 and 4 are both for 2 of 'a' and differ"):
        read_panel(frame, id="id", time="t")
    panel = read_panel(frame, id="id", time="t", duplicates=rule)
    assert [1.0, expected, 4.0] == panel.series[0].values.tolist()
    wide = read_panel(frame.set_index("t")["y"], duplicates=rule)
    assert [1.0, expected, 4.0] == wide.series[0].values.tolist()
    with pytest.raises(ValueError, match="duplicates='max'"):
        read_panel(frame, id="id", time="t", duplicates="max")


def test_rows_of_a_wide_table_that_differ() -> None:
    """Named by their rows, and joined column by column."""
    wide = pd.DataFrame({"a": [1.0, 2, 4], "b": [NAN, 1, 1]},
                        pd.to_datetime(["2024-05-04", "2024-05-04", "2024-05-05"]))  # fmt: skip
    with pytest.raises(DataError, match="rows 1 and 2 are both for 2024-05-04 and differ"):
        read_panel(wide, freq="D")
    panel = read_panel(wide, freq="D", duplicates="sum")
    assert [[3.0, 4.0], [1.0, 1.0]] == [one.values.tolist() for one in panel.series]


def test_an_hour_that_comes_twice_where_clocks_change() -> None:
    """Without a zone it is a duplicate, and the message says how it comes about; with, it isn't."""
    utc = pd.date_range("2024-10-26 12:00", periods=30, freq="h", tz="UTC")
    local = utc.tz_convert("Europe/Berlin")
    values = np.arange(30.0)
    with pytest.raises(DataError, match="2024-10-27 02:00:00 and differ.*where clocks change"):
        read_panel(pd.Series(values, local.tz_localize(None)))
    one = read_panel(pd.Series(values, local)).series[0]
    assert (values.tolist(), True) == (one.values.tolist(), bool(one.observed.all()))
    spring = pd.date_range("2024-03-30 12:00", periods=30, freq="h", tz="UTC")
    naive = spring.tz_convert("Europe/Berlin").tz_localize(None)
    gap = read_panel(pd.Series(values, naive)).series[0]
    assert (31, [12.5]) == (len(gap.values), gap.values[~gap.observed].tolist())


# What is wrong


@pytest.mark.parametrize(
    ("change", "roles", "message"),
    [
        ({}, {"target": "solt"}, "target='solt': there is no such column .is it 'sold'."),
        ({}, {"known": ["prise"]}, "known='prise': there is no such column"),
        ({}, {"known": ["sold"]}, "column 'sold' is both target and known"),
        ({}, {"past": ["day"]}, "column 'day' is both time and past"),
        ({}, {"id": "day"}, "column 'day' is both id and time"),
        ({}, {"target": None}, "There are 'sold', 'price': give target="),
        ({"sold": [1.0, "many"] + [2.0] * 10}, {}, "target 'sold'.*row 2: 'many'.*finite number"),
        ({"sold": [1.0, np.inf] + [2.0] * 10}, {}, "row 2: 'inf' is not a finite number"),
        ({"sold": pd.date_range("2024-05-01", periods=12)}, {}, "target 'sold' holds dates"),
        ({"sold": [[1.0]] * 12}, {}, "row 1: .* is a list"),
        ({"sold": [NAN] * 5 + [1.0] * 7}, {}, "series 'a' has no value .5 rows, all empty."),
        ({"shop": ["a"] * 5 + [None] + ["b"] * 6}, {}, "'shop', row 6: name the series"),
        ({"day": [None] + ["2024-05-01"] * 11}, {}, "'day', row 1: there is no time"),
        ({}, {"time": "when"}, "time='when': there is no such column"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused(
    change: dict[str, Any], roles: dict[str, Any], message: str
) -> None:
    """The message says which column, row or cell it is."""
    frame = long_table(5).assign(price=1.0, **change)
    asked = {"id": "shop", "time": "day", "target": "sold", "freq": "D", **roles}
    with pytest.raises(DataError, match=message):
        read_panel(frame, **asked)


def test_other_wrong_data_is_refused() -> None:
    """No rows, no times, roles of what has no columns, wide tables with texts."""
    frame = long_table(5)
    for empty in (frame[:0], pd.Series([], dtype=float), np.zeros((0, 2))):
        with pytest.raises(DataError, match="no rows|no values"):
            read_panel(empty)
    with pytest.raises(DataError, match="shape .2, 2, 2."):
        read_panel(np.zeros((2, 2, 2)))
    with pytest.raises(DataError, match="no columns"):
        read_panel(np.zeros(5), target="y")
    with pytest.raises(DataError, match="no columns"):
        read_panel(pd.Series([1.0, 2.0]), known=["price"])
    with pytest.raises(DataError, match="rows have no times"):
        read_panel(np.zeros(5), freq="D")
    with pytest.raises(DataError, match="column 'shop' holds no numbers.*id=, time=, target="):
        read_panel(frame)
    with pytest.raises(DataError, match="holds 'x', which is no time"):
        read_panel(pd.Series([1.0], ["x"]))
    with pytest.raises(DataError, match="2 columns are named 'y'"):
        read_panel(pd.DataFrame(np.zeros((2, 2)), columns=["y", "y"]))


def test_series_of_different_frequencies_are_refused() -> None:
    """Hours beside days: the message names the series; with `freq` the others are gaps."""
    hours = pd.DataFrame({"id": "a", "t": pd.date_range("2024-05-01", periods=200, freq="h")})
    days = pd.DataFrame({"id": "b", "t": pd.date_range("2024-05-01", periods=9)})
    frame = pd.concat([hours, days]).assign(y=1.0)
    with pytest.raises(
        DataError, match="rows of series 'b' come every day, those of .* every hour"
    ):
        read_panel(frame, id="id", time="t")
    with pytest.warns(SeriesDataWarning, match="of 1 of 2 series have no value: 'b'"):
        panel = read_panel(frame, id="id", time="t", freq="h")
    assert [200, 193] == [len(one.values) for one in panel.series]
    half = pd.date_range("2024-05-01 00:30", periods=9, freq="h")
    apart = pd.concat([hours, pd.DataFrame({"id": "b", "t": half})]).assign(y=1.0)
    with pytest.raises(DataError, match="2024-05-01 00:30:00 is not on freq='h'"):
        read_panel(apart, id="id", time="t")


def test_unusual_columns_and_arrays() -> None:
    """Masked arrays, columns of Arrow, dates of Python, zones of dateutil, integer names."""
    masked = np.ma.masked_equal([1.0, 2, 9, 4], 9)
    assert [1.0, 2, 3, 4] == read_panel(masked).series[0].values.tolist()
    days = pd.date_range("2024-05-01", periods=9, tz="Europe/Berlin")
    expected = read_panel(pd.Series(np.arange(9.0), days))
    if int(pd.__version__.split(".")[0]) >= 3:  # before, pandas itself fails at some of them
        dateutil = days.tz_localize(None).tz_localize("dateutil/Europe/Berlin")
        panel = read_panel(pd.Series(np.arange(9.0), dateutil))
        assert_same(expected, panel, names=False)
        assert "Europe/Berlin" == panel.calendar.form.zone
    frame = pd.DataFrame({"ds": days.date, "y": np.arange(9.0)})
    assert "D" == read_panel(frame).calendar.freq
    wide = pd.DataFrame(np.ones((9, 2)), days, [7, 8])
    assert (7, 8) == read_panel(wide).names
    assert ("a_1", "a_2") == read_panel(
        wide.set_axis(pd.MultiIndex.from_product([["a"], [1, 2]]), axis=1)
    ).names
    pytest.importorskip("pyarrow")
    for kind in ("timestamp[us, tz=Europe/Berlin][pyarrow]", "timestamp[ns][pyarrow]"):
        times = days if "tz" in kind else days.tz_localize(None)
        arrow = pd.DataFrame({"ds": pd.Series(times).astype(kind), "y": np.arange(9.0)})
        panel = read_panel(arrow.astype({"y": "double[pyarrow]"}))
        assert_same(expected, panel, names=False)
    for wrong in ({"y": [1, 2]}, None, 3.0):
        with pytest.raises(DataError, match="is no table of series"):
            read_panel(wrong)


def test_ids_are_those_of_the_user() -> None:
    """Numbers are sorted as numbers, and mixed ones by their type."""
    frame = pd.DataFrame({"id": [10, 9, 10, 9], "t": [1, 1, 2, 2], "y": [1.0, 2, 3, 4]})
    assert (9, 10) == read_panel(frame, id="id", time="t").names
    mixed = frame.assign(id=pd.Series([10, "b", 10, "b"], dtype=object))
    assert (10, "b") == read_panel(mixed, id="id", time="t").names


# Tables of others


def test_bikes_by_the_hour() -> None:
    """165 of the 17,544 hours have no row; nights without bikes are the day before's."""
    frame = pd.read_csv(data_file("demand/bike_hour.csv.gz"))
    frame["at"] = pd.to_datetime(frame["dteday"]) + pd.to_timedelta(frame["hr"], unit="h")
    panel = read_panel(frame, time="at", target="cnt", known=["holiday"], past=["temp"])
    one = panel.series[0]
    assert ("h", 17_544, 165) == (panel.calendar.freq, len(one.values), int((~one.observed).sum()))
    assert 3_292_679 == one.values[one.observed].sum()
    assert ((17_544, 1), (17_544, 1)) == (one.known.shape, one.past.shape)
    assert_same(panel, read_panel(frame.sample(frac=1, random_state=0), time="at", target="cnt",
                                  known=["holiday"], past=["temp"]))  # fmt: skip


def test_riders_of_chicago() -> None:
    """62 rows come twice, and rows are not in order; the kind of day is a covariate."""
    frame = pd.read_csv(data_file("demand/cta_ridership.csv.gz"))
    frame["day"] = pd.to_datetime(frame["service_date"], format="%m/%d/%Y")
    with pytest.warns(SeriesDataWarning, match="left out 62 rows"):
        panel = read_panel(frame, time="day", target="total_rides", known=["day_type"])
    one = panel.series[0]
    assert ("D", 7639, True) == (panel.calendar.freq, len(one.values), bool(one.observed.all()))
    assert ("day_type=A", "day_type=U", "day_type=W") == panel.known_names
    np.testing.assert_array_equal(np.ones(7639), one.known.sum(axis=1))


def test_other_tables_are_read_without_a_word() -> None:
    """Months as texts, five shares by the month, and 414 series of hours by their numbers."""
    airline = read_panel(pd.read_csv(data_file("demand/airline_passengers.csv.gz")), time="Month")
    assert ("MS", 144) == (airline.calendar.freq, len(airline.series[0].values))
    shares = pd.read_csv(data_file("stock/stocks_monthly.csv.gz"))
    shares["date"] = pd.to_datetime(shares["date"], format="%b %d %Y")
    panel = read_panel(shares, id="symbol", time="date", target="price")
    assert ("MS", [123, 123, 68, 123, 123]) == (
        panel.calendar.freq, [len(one.values) for one in panel.series]
    )  # fmt: skip
    with np.load(data_file("demand/m4_hourly.npz")) as file:
        m4 = dict(file)
    lengths = m4["train_length"]
    frame = pd.DataFrame({
        "unique_id": np.repeat(m4["series_id"], lengths),
        "ds": np.concatenate([np.arange(1, n + 1) for n in lengths]),
        "y": m4["train_values"],
    })  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = read_panel(frame)
    assert ("steps", 414) == (panel.calendar.kind, len(panel.series))
    by_name = {one.name: one.values for one in panel.series}
    for k, name in enumerate(m4["series_id"]):
        first = m4["train_start"][k]
        np.testing.assert_array_equal(
            m4["train_values"][first : first + lengths[k]], by_name[str(name)]
        )
