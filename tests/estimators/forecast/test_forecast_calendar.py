"""Calendars: steps that are found, positions, and times that go on as pandas' own do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError, ModelFileError, UnsupportedError
from chainrule.estimators.forecast.reading.calendar import Calendar, infer_calendar
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning
from chainrule.estimators.forecast.reading.frequencies import OLDER

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[4] / "shared" / "data"))

FORM = {"kind": "dates", "dtype": "", "unit": "ns", "zone": None, "period": ""}
EVEN = ["s", "15min", "h", "6h", "12h", "36h"]
COARSE = ["D", "2D", "B", "W-SUN", "W-WED", "2W-MON", "MS", "ME", "2MS", "QS-OCT", "QE-NOV", "YS",
          "YE-JUN", "BME", "BQE-DEC", "WOM-3FRI", "SMS"]  # fmt: skip
ZONES = [None, "UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"]


def dates(freq: str, periods: int, zone: str | None, start: str = "2015-01-07") -> Any:
    """Times of a frequency: of days on the clocks of a zone, shorter ones in absolute time."""
    local = pd.date_range(start, periods=periods, freq=freq)
    if zone is None:
        return local
    if freq in EVEN:
        return local.tz_localize("UTC").tz_convert(zone)
    first = np.ones(periods, np.bool_)
    return local.tz_localize(zone, nonexistent="shift_forward", ambiguous=first)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("freq", EVEN + COARSE)
def test_times_go_on_as_pandas_has_them(freq: str, zone: str | None) -> None:
    """What is learned from the first 300 times gives the next 60, in the user's unit and zone."""
    for unit in ("s", "ns"):
        periods = 300 if freq in EVEN or freq in ("D", "2D", "B") else 60
        times = dates(freq, periods + 60, zone).as_unit(unit)
        history, future = times[:periods], times[periods:]
        calendar = infer_calendar(history)
        positions = calendar.positions(history)
        assert (np.diff(positions) == 1).all()
        later = calendar.stamps(positions[-1] + 1 + np.arange(60))
        assert future.dtype == later.dtype
        assert (future == later).all()
        assert np.array_equal(positions, calendar.positions(calendar.stamps(positions)))
        named = infer_calendar(history, freq=freq)
        assert (future == named.stamps(named.positions(history[-1:]) + 1 + np.arange(60))).all()


@pytest.mark.parametrize("freq", [*EVEN, *COARSE])
def test_a_few_gaps_change_nothing(freq: str) -> None:
    """With a tenth of the times left out, and these in any order, the calendar is the same."""
    times = dates(freq, 120, None)
    random = np.random.default_rng(3)
    chosen = random.permutation(120)[:108]
    if freq == "B":  # days that no series has would be holidays
        groups = np.r_[np.zeros(120, np.int64), np.ones(108, np.int64)]
        calendar = infer_calendar(times.append(times[chosen]), groups=groups)
    else:
        calendar = infer_calendar(times[chosen])
    assert infer_calendar(times) == calendar
    positions = calendar.positions(times)
    assert (np.diff(positions) == 1).all()


@pytest.mark.parametrize(
    "alias", ["M", "Q-DEC", "Q-JAN", "Y-DEC", "Y-JUN", "W-SUN", "W-TUE", "D", "h", "15min"]
)
def test_periods_go_on_as_periods(alias: str) -> None:
    """Periods of a frequency are followed by the next ones, of the same dtype."""
    periods = pd.period_range("2015-03-02", periods=50, freq=alias)
    calendar = infer_calendar(periods[:40])
    later = calendar.stamps(calendar.positions(periods[39:40]) + 1 + np.arange(10))
    assert periods[40:].equals(later)
    assert periods.dtype == later.dtype
    single = infer_calendar(periods[:1])
    assert periods[1:3].equals(single.stamps(single.positions(periods[:1]) + 1 + np.arange(2)))


def test_days_step_by_the_calendar_where_clocks_change() -> None:
    """Midnight stays midnight: 24 hours after it, it is 1 o'clock or 23 o'clock."""
    for days in (["2024-03-29", "2024-03-30"], ["2024-10-25", "2024-10-26"]):
        calendar = infer_calendar(pd.DatetimeIndex(days).tz_localize("Europe/Berlin"), freq="D")
        last = calendar.positions(pd.DatetimeIndex(days[1:]).tz_localize("Europe/Berlin"))
        assert [0, 0, 0] == calendar.stamps(last + 1 + np.arange(3)).hour.tolist()


def test_a_time_that_clocks_skip_is_the_first_that_exists() -> None:
    """In Sao Paulo 2018-11-04 began at 1 o'clock; 2:30 was skipped in Berlin on 2024-03-31."""
    days = pd.date_range("2018-10-20", periods=15, freq="D").tz_localize("America/Sao_Paulo")
    calendar = infer_calendar(days)
    later = calendar.stamps(calendar.positions(days[-1:]) + np.arange(3))
    expected = ["2018-11-03 00:00", "2018-11-04 01:00", "2018-11-05 00:00"]
    assert expected == later.strftime("%F %H:%M").tolist()
    half = [f"2024-03-{day} 02:30" for day in range(20, 31)]
    for written in ("03:00", "03:30"):  # either is how such a row may be written
        times = pd.DatetimeIndex([*half, f"2024-03-31 {written}"]).tz_localize("Europe/Berlin")
        calendar = infer_calendar(times)
        assert (np.diff(calendar.positions(times)) == 1).all()
        again = calendar.stamps(calendar.positions(times)[-1:] + np.arange(2))
        assert ["03-31 03:00", "04-01 02:30"] == again.strftime("%m-%d %H:%M").tolist()


def test_a_time_that_comes_twice_is_the_first() -> None:
    """2:30 of 2024-10-27 in Berlin is the one of summer time; the second is the same position."""
    times = pd.date_range("2024-10-15 02:30", "2024-10-26 02:30", freq="D", tz="Europe/Berlin")
    calendar = infer_calendar(times)
    last = calendar.positions(times[-1:])
    assert "2024-10-27 02:30:00+02:00" == str(calendar.stamps(last + 1)[0])
    second = pd.DatetimeIndex(["2024-10-27 01:30"], tz="UTC").tz_convert("Europe/Berlin")
    assert last + 1 == calendar.positions(second)


def test_hours_are_of_equal_length() -> None:
    """The hours of the day on which clocks change go 0, 1, 3 in spring and 1, 2, 2, 3 in autumn."""
    for day, expected in (("2024-03-31", [0, 1, 3, 4]), ("2024-10-27", [0, 1, 2, 2])):
        times = pd.date_range(end=pd.Timestamp(day, tz="Europe/Berlin"), periods=48, freq="h")
        calendar = infer_calendar(times)
        later = calendar.stamps(calendar.positions(times[-1:]) + np.arange(4))
        assert expected == later.hour.tolist()


def test_days_of_another_zone_are_steps_of_24_hours() -> None:
    """Midnights of UTC, converted, are at 1 and at 2 o'clock: no day of Berlin's calendar."""
    times = pd.date_range("2024-01-01", periods=300, freq="D", tz="UTC").tz_convert("Europe/Berlin")
    calendar = infer_calendar(times[:250])
    assert ("24h", (7, 365)) == (calendar.freq, calendar.seasons())
    assert (
        times[250:] == calendar.stamps(calendar.positions(times[249:250]) + 1 + range(50))
    ).all()


@pytest.mark.parametrize("day", [15, 28, 29, 30, 31])
def test_months_keep_their_day(day: int) -> None:
    """After the 31st of January come the 29th of February and the 31st of March, no drift."""
    months = pd.date_range("2019-12-01", periods=60, freq="MS")
    times = months + pd.to_timedelta(np.minimum(day, months.days_in_month) - 1, unit="D")
    calendar = infer_calendar(times[:30])
    later = calendar.stamps(calendar.positions(times[29:30]) + 1 + np.arange(30))
    assert (times[30:] == later).all()
    named = infer_calendar(times[:30], freq=pd.DateOffset(months=1))
    assert calendar == named


@pytest.mark.parametrize(
    ("times", "freq", "message"),
    [
        (dates("MS", 9, None), "ME", "2015-02-01 is not on freq='ME'.*are on freq='MS'"),
        (dates("ME", 9, None), "MS", "2015-01-31 is not on freq='MS'.*are on freq='ME'"),
        (dates("W-SUN", 9, None), "W-MON", "2015-01-11 is not on freq='W-MON'.*'W-SUN'"),
        (dates("h", 9, None), "D", "2015-01-07 01:00:00 is not on freq='D'.*'h'"),
        (dates("D", 9, None), "B", "2015-01-10 is not on freq='B'"),
        (dates("D", 9, None), "fortnight", "freq='fortnight' is no frequency"),
        (dates("D", 9, None), "-1D", "does not go forward"),
    ],
)
def test_a_frequency_is_checked(times: Any, freq: str, message: str) -> None:
    """The first time that is not on it is named, and the frequency that the times have."""
    with pytest.raises(DataError, match=message):
        infer_calendar(times, freq=freq)


@pytest.mark.parametrize(
    ("older", "today"), [("M", "ME"), ("Q", "QE-DEC"), ("A", "YE-DEC"), ("T", "min"), ("2H", "2h")]
)
def test_older_names_of_frequencies_are_known(older: str, today: str) -> None:
    """As pandas wrote them before 2.2: without a warning, and without an error of pandas 3."""
    assert older.strip("2") in OLDER
    times = dates(today, 20, None)
    assert infer_calendar(times, freq=today) == infer_calendar(times, freq=older)


def test_what_has_no_regular_step_is_refused() -> None:
    """Business hours, and offsets whose holidays have no name."""
    with pytest.raises(UnsupportedError, match="business hours"):
        infer_calendar(dates("bh", 9, None), freq="bh")
    with pytest.raises(UnsupportedError, match="leave freq out"):
        infer_calendar(dates("B", 9, None), freq=pd.offsets.CDay(holidays=["2015-01-08"]))


def test_days_that_reach_no_weekend_may_be_business_days() -> None:
    """Monday to Thursday are taken for days, with a warning that says so; a word decides."""
    times = pd.date_range("2024-05-06", periods=4)
    with pytest.warns(SeriesDataWarning, match="from Monday 2024-05-06 to Thursday 2024-05-09"):
        assert "D" == infer_calendar(times).freq
    assert "B" == infer_calendar(times, freq="B").freq
    assert "D" == infer_calendar(times.to_period("D")).freq


@pytest.mark.parametrize("days", [5, 9, 30, 400])
def test_business_days_are_no_days_with_gaps(days: int) -> None:
    """As soon as a weekend lies between, its missing rows are no gaps."""
    times = pd.date_range("2024-05-08", periods=days, freq="B")  # a Wednesday
    calendar = infer_calendar(times)
    assert ("B", (5, 261)) == (calendar.freq, calendar.seasons())


def test_trading_days_are_those_of_the_rows() -> None:
    """Holidays have no position; the days to come are the usual weekdays."""
    days = pd.date_range("2022-01-03", periods=300, freq="B").delete([40, 77, 78, 200])
    calendar = infer_calendar(days)
    assert ("trading", None) == (calendar.kind, calendar.freq)
    assert (5, (days > days[-1] - pd.Timedelta(days=365)).sum()) == calendar.seasons()
    positions = calendar.positions(days)
    assert np.array_equal(np.arange(296), positions)
    expected = pd.date_range(days[-1], periods=21, freq="B")[1:]
    assert (expected == calendar.stamps(296 + np.arange(20))).all()
    assert np.array_equal(296 + np.arange(20), calendar.positions(expected))
    before = pd.date_range(end=days[0], periods=8, freq="B")[:-1]
    assert np.array_equal(np.arange(-7, 0), calendar.positions(before))
    assert (before == calendar.stamps(np.arange(-7, 0))).all()
    with pytest.raises(DataError, match="2022-02-28 is not on the days of the training"):
        calendar.positions(["2022-02-28"])
    with pytest.raises(DataError, match="is not on the days"):
        calendar.positions(["2024-05-04"])  # a Saturday to come


def test_a_shop_that_is_closed_on_sundays() -> None:
    """Weekdays that (nearly) never have a row are left out in future too."""
    days = pd.date_range("2024-01-01", periods=120)
    open_days = days[days.day_of_week < 6]
    calendar = infer_calendar(open_days)
    assert ("trading", "1111110") == (calendar.kind, calendar.grid.mask)
    one_sunday = infer_calendar(open_days.append(days[days.day_of_week == 6][3:4]))
    later = one_sunday.stamps(len(open_days) + 1 + np.arange(12))
    assert not (later.day_of_week == 6).any()


def test_the_index_of_a_stock_exchange() -> None:
    """Of the S&P 500 all 5105 days are one step apart, and Monday follows the last Friday."""
    path = DATA / "stock" / "sp500_daily_ohlcv.csv.gz"
    if not path.exists():
        pytest.skip("shared/data is absent")
    days = pd.read_csv(path)["date"]
    calendar = infer_calendar(days)
    assert np.array_equal(np.arange(5105), calendar.positions(days))
    assert "2020-04-20" == str(calendar.stamps([5105])[0].date())


def _joined(*parts: Any) -> Any:
    result = parts[0]
    for part in parts[1:]:
        result = result.append(part)
    return result


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (_joined(pd.date_range("2024-01-01", periods=40), dates("h", 90, None, "2024-02-09 01:00")),
         "every day until 2024-02-09, then every hour"),
        (_joined(dates("h", 200, None, "2024-01-01"), pd.date_range("2024-02-01", periods=20)),
         "every hour until 2024-01-09 07:00:00, then every day"),
        (_joined(dates("MS", 24, None, "2020-01-01"), pd.date_range("2022-01-01", periods=60)),
         "every month until 2022-01-01, then every day"),
        (_joined(dates("B", 60, None, "2024-01-01"), dates("W-FRI", 30, None, "2024-04-01")),
         "every day until .*, then every 7 days"),
        (pd.Index([*range(20), *range(25, 100, 5)]), "every 1 until 19, then every 5"),
    ],
)  # fmt: skip
def test_a_frequency_that_changes_is_refused(times: Any, message: str) -> None:
    """The message says where; with `freq` the other steps are gaps."""
    with pytest.raises(DataError, match=message):
        infer_calendar(times)


def test_gaps_are_no_change_of_frequency() -> None:
    """Neither a long pause, nor rows that come at random, nor nights that are left out."""
    hours = dates("h", 500, None)
    assert "h" == infer_calendar(hours.delete(range(100, 300))).freq
    assert "h" == infer_calendar(hours[hours.hour != 4]).freq
    for seed in range(20):
        chosen = np.random.default_rng(seed).random(500) < 0.4
        assert "D" == infer_calendar(dates("D", 500, None)[chosen]).freq


def test_times_without_a_step_are_refused() -> None:
    """Events at random seconds; one row; none; a single time off the grid."""
    random = np.random.default_rng(0)
    events = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        np.cumsum(random.integers(20, 4000, 200)), unit="s"
    )
    with pytest.raises(DataError, match="no regular step: most are between .*resample"):
        infer_calendar(events)
    with pytest.raises(DataError, match="no series has two times.*2024-01-01"):
        infer_calendar(["2024-01-01"])
    with pytest.raises(DataError, match="no times"):
        infer_calendar(pd.DatetimeIndex([]))
    times = dates("h", 50, None)
    with pytest.raises(DataError, match="2015-01-07 03:20:00 is not on freq='h'"):
        infer_calendar(times.insert(4, times[3] + pd.Timedelta(minutes=20)))
    clocks = pd.date_range("2024-03-28", periods=20, freq="6h").tz_localize("Europe/Berlin")
    with pytest.raises(DataError, match="of equal length, where clocks change too"):
        infer_calendar(clocks)


def test_whole_numbers_are_steps() -> None:
    """The common divisor of the steps is one; the dtype is the user's."""
    calendar = infer_calendar(np.array([10, 15, 30, 25], np.int32))
    assert ("steps", None, None, ()) == (
        calendar.kind, calendar.freq, calendar.seconds, calendar.seasons()
    )  # fmt: skip
    assert [1, 2, 5] == (calendar.positions([10, 15, 30]) - calendar.positions([5])).tolist()
    later = calendar.stamps(calendar.positions([30]) + 1)
    assert (35, np.dtype("int32")) == (later[0], later.dtype)
    with pytest.raises(DataError, match="12 is not on steps of 5"):
        calendar.positions([12])
    with pytest.raises(DataError, match="row 2: 1.5 is no time"):
        infer_calendar([1.0, 1.5])
    with pytest.raises(DataError, match="freq='D' for times that are whole numbers"):
        infer_calendar([1, 2], freq="D")
    assert 2 == infer_calendar([2, 4, 8], freq=2).grid.step


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        ("s", (3600, 86_400, 604_800)), ("min", (60, 1440, 10_080)), ("15min", (96, 672)),
        ("h", (24, 168, 8766)), ("12h", (2, 14, 730)), ("D", (7, 365)), ("B", (5, 261)),
        ("W-SUN", (52,)), ("2W-SUN", (26,)), ("MS", (12,)), ("ME", (12,)), ("BME", (12,)),
        ("QS-OCT", (4,)), ("YS", ()), ("SMS", (24,)),
    ],
)  # fmt: skip
def test_seasons(freq: str, expected: tuple[int, ...]) -> None:
    """Days, weeks and years in steps, shortest first."""
    assert expected == infer_calendar(dates(freq, 30, None), freq=freq).seasons()


def test_texts_are_read() -> None:
    """As dates, as months, and with a zone that is the same in all."""
    calendar = infer_calendar(["1949-01", "1949-02", "1949-03"])
    assert ("MS", "1949-04-01 00:00:00") == (
        calendar.freq, str(calendar.stamps(calendar.positions(["1949-03"]) + 1)[0])
    )  # fmt: skip
    for zone, name in (("Z", "UTC"), ("+00:00", "UTC"), ("+05:30", "UTC+05:30")):
        hours = infer_calendar([f"2024-01-01T0{hour}:00{zone}" for hour in range(5)])
        assert ("h", name) == (hours.freq, hours.form.zone)
        later = hours.stamps(hours.positions([f"2024-01-01T04:00{zone}"]) + 1)[0]
        assert pd.Timestamp(f"2024-01-01T05:00{zone}") == later


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2024-01-01T00:00+01:00", "2024-07-01T00:00+02:00"], "mixed time zones"),
        (["2024-01-01T00:00Z", "2024-01-02T00:00"], "mixed time zones .UTC and no zone"),
        ([pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02", tz="Asia/Tokyo")],
         "mixed time zones .Asia/Tokyo and UTC"),
        (["2024-01-01", None], "row 2: there is no time"),
        ([pd.NaT, pd.Timestamp("2024-01-01")], "row 1: there is no time"),
        (["2024-01-01", "tomorrow"], "row 2: 'tomorrow' is no date"),
        (["2024-01-01", "2024-01-01", "2024-02-30"], "row 3: '2024-02-30' is no date"),
        ([True, False], "row 1: 'True' is no date[^-]*2026[^,]*: correct or empty the cell$"),
    ],
)  # fmt: skip
def test_no_time_is_guessed(times: list[Any], message: str) -> None:
    """Mixed zones, empty cells and other texts are refused, with the row."""
    with pytest.raises(DataError, match=message):
        infer_calendar(pd.Series(times, dtype=object, name="when"))


def test_later_times_are_in_the_form_of_the_training() -> None:
    """Another zone, no zone, or numbers are refused; another unit is not."""
    calendar = infer_calendar(dates("D", 9, "Europe/Berlin"))
    with pytest.raises(DataError, match="no time zone, those of the training of Europe/Berlin"):
        calendar.positions(dates("D", 2, None))
    with pytest.raises(DataError, match="of UTC, those of the training of Europe/Berlin"):
        calendar.positions(dates("D", 2, "UTC"))
    with pytest.raises(DataError, match="times are whole numbers, those of the training dates"):
        calendar.positions([1, 2])
    assert 1 == np.diff(calendar.positions(dates("D", 2, "Europe/Berlin").as_unit("ms")))


@given(st.sampled_from(EVEN + COARSE), st.sampled_from(ZONES), st.integers(-40_000, 40_000))
def test_positions_are_a_common_grid(freq: str, zone: str | None, shift: int) -> None:
    """Positions of any part of the times are those of all, and times of positions come back."""
    times = dates(freq, 40, zone)
    calendar = infer_calendar(times, freq=freq)
    part = infer_calendar(times[7:], freq=freq)
    np.testing.assert_array_equal(calendar.positions(times)[7:], part.positions(times[7:]))
    shift = shift if calendar.seconds == 1 else shift % 90 - 45
    positions = calendar.positions(times) + shift
    assert np.array_equal(positions, calendar.positions(calendar.stamps(positions)))


def test_dates_end_in_2258() -> None:
    """Nanoseconds in 64 bits reach no farther: they would begin again in 1677."""
    calendar = infer_calendar(dates("YS", 9, None))
    last = calendar.positions(["2023-01-01"])
    assert 2250 == calendar.stamps(last + 227)[0].year
    with pytest.raises(DataError, match="beyond the years 1682 to 2258"):
        calendar.stamps(last + 300)


@pytest.mark.parametrize("freq", [*EVEN, *COARSE, "trading"])
def test_a_calendar_is_described_in_json(freq: str) -> None:
    """What is read again is equal."""
    days = pd.date_range("2022-01-03", periods=60, freq="B").delete([20, 31])
    times = days if freq == "trading" else dates(freq, 60, "Europe/Berlin")
    calendar = infer_calendar(times)
    assert calendar == Calendar.from_state(json.loads(json.dumps(calendar.to_state())))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "lunar"}, {"kind": "trading"}, {"freq": 3}, {"grid": None}, {"extra": 1},
        {"grid": {"name": "days", "step": 0, "phase": 0, "clock": 0}},
        {"grid": {"name": "weekdays", "mask": "0000000", "clock": 0, "step": 1, "phase": 0}},
        {"grid": {"name": "listed", "freq": "1?", "step": 1, "phase": 0, "clock": 0}},
        {"grid": {"name": "listed", "freq": "ns", "step": 1, "phase": 0, "clock": 0}},
        {"grid": {"name": "trading", "days": [2, 1], "mask": "1111100", "clock": 0}},
        {"form": {**FORM, "zone": "Mars/Olympus"}},
        {"form": {**FORM, "kind": "integers", "dtype": "evil"}},
        {"form": {**FORM, "kind": "periods", "period": "evil"}},
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(change: dict[str, Any]) -> None:
    """Whatever is changed in it, the error is of a model file."""
    state = infer_calendar(dates("D", 30, None)).to_state()
    with pytest.raises(ModelFileError):
        Calendar.from_state({**state, **change})
