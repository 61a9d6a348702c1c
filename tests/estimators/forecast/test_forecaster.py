"""`Forecaster`: the same answer for the same series in any form, and what it learns of series."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_programs import DATA, LONG, WEEK, autoregression, long_table, seasonal, walk
from sklearn.base import clone

import chainrule as cr
from chainrule import Forecaster
from chainrule.errors import DataError

DAYS = pd.date_range("2023-01-02", periods=400, freq="D")


def week(steps: int = 200, series: int = 1, seed: int = 0) -> Any:
    return seasonal(steps, np.random.default_rng(seed), series)


def forecasts(
    data: Any, horizon: int = 5, levels: Any = (80,), fit: Any = None, **settings: Any
) -> Any:
    """The numbers of an answer (rows, columns)."""
    forecaster = Forecaster(horizon=horizon, random_state=0, **settings)
    answer = forecaster.fit(data, **(fit or {})).predict(levels)
    return answer[
        ["forecast", *[c for c in answer.columns if c.startswith(("lo-", "hi-"))]]
    ].to_numpy()


# The same series in any form


def test_one_series_in_any_form_is_the_same_series() -> None:
    """Arrays, lists, frames with and without names, dates as texts, and indices: bit for bit."""
    values = week()[:, 0]
    days = DAYS[:200]
    table = pd.DataFrame({"day": days, "sold": values})
    names = {"time": "day", "target": "sold"}
    shuffled = table.sample(frac=1.0, random_state=1)
    expected = forecasts(pd.Series(values, days))
    nixtla = pd.DataFrame({"unique_id": "a", "ds": days, "y": values})
    for data, fit in (
        (table, names),
        (shuffled, names),
        (table.assign(day=days.astype(str)), names),
        (table.set_index("day"), {"target": "sold"}),
        (nixtla, None),
        (nixtla.drop(columns="unique_id"), None),
        (pd.Series(values, days.to_period("D")), None),
        (table.astype({"sold": object}), names),
        (table.assign(other="unused"), names),
    ):
        np.testing.assert_array_equal(forecasts(data, fit=fit), expected)


def test_steps_without_a_calendar_in_any_form() -> None:
    """Arrays, lists, and whole numbers as times, whose season is found in the values."""
    values = week()[:, 0]
    expected = forecasts(values)
    for data in (values.tolist(), values[:, None], pd.Series(values), values.astype(object)):
        np.testing.assert_array_equal(forecasts(data), expected)
    numbered = pd.DataFrame({"ds": np.arange(50, 250), "y": values})
    np.testing.assert_allclose(forecasts(numbered), expected, rtol=1e-12)
    answer = Forecaster(horizon=2).fit(numbered).predict()
    assert answer["ds"].tolist() == [250, 251]
    assert Forecaster().fit(values).season_length_ == (7,)


def test_many_series_in_any_form_are_the_same_series() -> None:
    """Long, wide and array: the same numbers, in the order of names or of columns."""
    values = week(series=3)
    expected = forecasts(long_table(values, DAYS[:200]), fit=LONG)
    wide = pd.DataFrame(values, DAYS[:200], columns=["s0", "s1", "s2"])
    np.testing.assert_array_equal(forecasts(wide), expected)
    np.testing.assert_array_equal(forecasts(values, season_length=7), forecasts(values))
    mixed = long_table(values, DAYS[:200]).sample(frac=1.0, random_state=0)
    np.testing.assert_array_equal(forecasts(mixed, fit=LONG), expected)


def test_the_order_of_series_does_not_matter() -> None:
    """Columns the other way round have the same forecasts the other way round."""
    wide = pd.DataFrame(week(series=3), DAYS[:200], columns=["a", "b", "c"])
    answers = []
    for frame in (wide, wide[["c", "a", "b"]]):
        answer = Forecaster(horizon=4, random_state=0).fit(frame).predict([80])
        answers.append(answer.set_index(["unique_id", "ds"]).sort_index())
    pd.testing.assert_frame_equal(*answers, rtol=1e-8)


def test_ids_and_times_come_back_as_they_were() -> None:
    """Whole numbers and texts as ids, and the user's names of columns."""
    for names in ([3, 1], ["b", "a"]):
        table = long_table(week(60, 2), DAYS[:60], names)
        forecaster = Forecaster(horizon=2, random_state=0).fit(table, **LONG)
        answer = forecaster.predict()
        assert answer.columns.tolist() == ["id", "t", "forecast"]
        assert answer["id"].tolist() == [names[1]] * 2 + [names[0]] * 2
        assert answer["id"].dtype == table["id"].dtype
        assert forecaster.ids_ == names[::-1]
        assert answer["t"].tolist() == [DAYS[60], DAYS[61]] * 2


class Polars:
    """A frame of polars, as far as `Forecaster` looks at it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.columns = list(frame.columns)

    def to_pandas(self) -> pd.DataFrame:
        return self._frame


def test_frames_of_polars_are_taken() -> None:
    """Whatever has `columns` and `to_pandas` is a table, in `fit`, `update` and `predict`."""
    table = long_table(week(series=2), DAYS[:200])
    rows, later = table[table["t"] < DAYS[190]], table[table["t"] >= DAYS[190]]
    answers = [
        Forecaster(horizon=3, random_state=0)
        .fit(kind(rows), **LONG)
        .update(kind(later))
        .predict(80)
        for kind in (Polars, pd.DataFrame)
    ]
    pd.testing.assert_frame_equal(*answers)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "Int64", "Float64"])
def test_types_of_numbers(dtype: str) -> None:
    """Numbers of any type are those numbers."""
    values = pd.Series(week().round()[:, 0], DAYS[:200])
    np.testing.assert_array_equal(forecasts(values.astype(dtype)), forecasts(values))


def test_booleans_are_zeros_and_ones() -> None:
    """Of a week that repeats itself."""
    flags = np.tile([True, False, False, True, True, False, False], 20)
    np.testing.assert_allclose(forecasts(flags, 7, None)[:, 0], flags[:7], atol=0.25)


# What must not matter


@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e6])
def test_units_do_not_matter(factor: float) -> None:
    """Forecasts and intervals of k y are k times those of y, alone and of several series."""
    values = week(100, 2)
    for data in (values[:, 0], values, pd.Series(values[:, 1], DAYS[:100])):
        np.testing.assert_allclose(forecasts(factor * data), factor * forecasts(data), rtol=1e-7)


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-6, 6))
def test_units_of_each_series_do_not_matter(seed: int, power: int) -> None:
    """A series that is measured in another unit changes neither its forecasts nor the others'."""
    values = week(90, 2, seed)
    units = np.array([1.0, 10.0**power])
    both = forecasts(values * units, 3).reshape(2, 3, 3)
    np.testing.assert_allclose(
        both / units[:, None, None], forecasts(values, 3).reshape(2, 3, 3), rtol=1e-6
    )


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_units_of_covariates_do_not_matter(factor: float) -> None:
    """Known and past covariates in other units and with other zeros have the same effects."""
    rng = np.random.default_rng(15)
    table = long_table(week(104, 2), DAYS[:104])
    table["promo"] = (rng.random(len(table)) < 0.2) * 1.0
    table["y"] += 6.0 * table["promo"]
    table["heat"] = rng.normal(size=len(table))
    rows, ahead = table[table["t"] < DAYS[100]], table[table["t"] >= DAYS[100]]
    answers = []
    for a, b in ((1.0, 0.0), (factor, -3.0 * factor)):
        forecaster = Forecaster(horizon=4, members="ridge", random_state=0)
        scaled = rows.assign(promo=a * rows["promo"] + b, heat=a * rows["heat"] + b)
        forecaster.fit(scaled, **LONG, known=["promo"], past=["heat"])
        future = ahead.drop(columns=["y", "heat"]).assign(promo=a * ahead["promo"] + b)
        answers.append(forecaster.predict([80], future=future))
    pd.testing.assert_frame_equal(*answers, rtol=1e-5)


@pytest.mark.parametrize("shift", [-1e4, 50.0, 1e5])
def test_levels_do_not_matter_without_a_transform(shift: float) -> None:
    """Forecasts of y + c are those of y plus c, with transform="none"."""
    values = (
        week()[:, 0] - 200.0
    )  # below zero all the time, as the drift of logs would depend on it
    some = {"transform": "none", "kind": "level", "season_length": 7}
    shifted = forecasts(values + min(shift, 150.0), **some)
    np.testing.assert_allclose(shifted, forecasts(values, **some) + min(shift, 150.0), rtol=1e-6)
    if shift > 150.0:
        above = forecasts(values + shift, **some)
        np.testing.assert_allclose(above, forecasts(values + 2 * shift, **some) - shift, rtol=1e-6)


def test_a_level_shift_does_not_ruin_forecasts() -> None:
    """Some weeks after a jump by ten times the season, the error is near what it was before."""
    values = week(400)[:, 0]
    values[330:] += 60.0
    answer = forecasts(values[:393], 7, None)[:, 0]
    assert np.abs(answer - values[393:]).mean() < 2.5


def test_extreme_magnitudes() -> None:
    """Very large and very small numbers are numbers like others."""
    values = week(120)[:, 0]
    for factor in (1e-200, 1e100):
        np.testing.assert_allclose(
            forecasts(factor * values) / factor, forecasts(values), rtol=1e-6
        )


# Reproducible


def test_the_same_number_the_same_forecasts() -> None:
    """Bit for bit with networks too; another number, other networks."""
    values = week(300, 2)

    def answer(seed: Any) -> Any:
        forecaster = Forecaster(
            horizon=4, members=["nlinear", "ridge"], max_steps=30, random_state=seed, progress=False
        )
        fitted = forecaster.fit(values).fitted_
        return fitted.member_forecasts(np.empty((2, 4, 0)))

    np.testing.assert_array_equal(answer(3), answer(3))
    np.testing.assert_array_equal(answer(3), answer(np.random.RandomState(3)))
    assert not np.array_equal(answer(3), answer(4))


def test_scikit_learns_parameters() -> None:
    """`get_params`, `set_params`, `clone` and `pickle`; cloning does not copy what was learned."""
    forecaster = Forecaster(horizon=3, season_length=[7, 14], random_state=1)
    assert forecaster.get_params()["season_length"] == [7, 14]
    assert set(forecaster.get_params()) >= {"horizon", "members", "kind", "transform", "freq"}
    forecaster.set_params(horizon=2).fit(week())
    again = pickle.loads(pickle.dumps(forecaster))
    pd.testing.assert_frame_equal(again.predict(80), forecaster.predict(80))
    copy = clone(forecaster)
    assert copy.get_params() == forecaster.get_params()
    assert not hasattr(copy, "fitted_")
    assert forecaster.season_length_ == (7, 14)
    assert forecaster.n_features_in_ == 1
    assert "Forecaster(horizon=2" in repr(forecaster)


def test_fitting_again_forgets() -> None:
    """A second `fit` is as a first."""
    forecaster = Forecaster(horizon=3, random_state=0).fit(week(300, 2))
    forecaster.fit(week(100)[:, 0])
    expected = Forecaster(horizon=3, random_state=0).fit(week(100)[:, 0]).predict(80)
    pd.testing.assert_frame_equal(forecaster.predict(80), expected)


def test_the_data_of_the_user_is_left_alone() -> None:
    """Neither arrays nor frames are changed by `fit`, `update` and `predict`."""
    values = week(series=2)
    frame = long_table(values, DAYS[:200]).assign(p=1.0 * np.arange(400) % 3)
    copies = values.copy(), frame.copy()
    forecaster = Forecaster(horizon=2, random_state=0).fit(values[:150]).update(values[150:])
    forecaster.predict([80])
    Forecaster(horizon=2, random_state=0).fit(frame, **LONG, past=["p"]).predict([80])
    np.testing.assert_array_equal(values, copies[0])
    pd.testing.assert_frame_equal(frame, copies[1])


# Calendars


@pytest.mark.parametrize(
    ("freq", "periods", "expected"),
    [
        ("h", 24 * 21, (24, 168)),
        ("D", 100, (7,)),
        ("W-SUN", 120, (52,)),
        ("MS", 60, (12,)),
        ("ME", 60, (12,)),
        ("QS", 40, (4,)),
        ("15min", 96 * 15, (96, 672)),
        ("B", 120, (5,)),
    ],
)
def test_the_calendar_tells_seasons_and_the_next_steps(
    freq: str, periods: int, expected: tuple[int, ...]
) -> None:
    """Seasons of the calendar that come round in the series, and times that pandas goes on with."""
    times = pd.date_range("2024-01-31", periods=periods + 3, freq=freq)
    values = np.random.default_rng(0).normal(10.0, 1.0, periods)
    forecaster = Forecaster(horizon=3, members="ridge", kind="level", random_state=0)
    answer = forecaster.fit(pd.Series(values, times[:-3])).predict()
    assert forecaster.season_length_ == expected
    assert answer["ds"].tolist() == times[-3:].tolist()


def test_days_of_a_time_zone_step_over_a_clock_change() -> None:
    """Midnight stays midnight, and hours are hours."""
    days = pd.date_range("2024-01-01", periods=88, freq="D", tz="Europe/Berlin")
    answer = Forecaster(horizon=5, random_state=0).fit(pd.Series(week(88)[:, 0], days)).predict()
    assert {stamp.hour for stamp in answer["ds"]} == {0}
    assert answer["ds"].iloc[-1] == pd.Timestamp("2024-04-02", tz="Europe/Berlin")
    hours = pd.date_range("2024-03-20", periods=264, freq="h", tz="Europe/Berlin")
    answer = Forecaster(horizon=3, random_state=0).fit(pd.Series(week(264)[:, 0], hours)).predict()
    steps = answer["ds"].diff().dropna().dt.total_seconds()
    assert steps.tolist() == [3600.0, 3600.0]


def test_trading_days_skip_weekends_and_what_is_no_day() -> None:
    """Days without rows in any series are holidays, and the next days are weekdays."""
    days = pd.bdate_range("2023-01-02", periods=260).drop(
        [pd.Timestamp("2023-04-07"), pd.Timestamp("2023-07-04"), pd.Timestamp("2023-12-25")]
    )
    prices = pd.Series(walk(len(days), np.random.default_rng(6)), days)
    answer = Forecaster(horizon=6, random_state=0).fit(prices).predict()
    following = pd.bdate_range(days[-1] + pd.Timedelta(days=1), periods=6)
    assert answer["ds"].tolist() == following.tolist()


def test_missing_days_do_not_move_the_week() -> None:
    """A forecast of a week with holes has the high day where it belongs."""
    values = pd.Series(10.0 + 5.0 * WEEK[np.arange(140) % 7] / 2.0, DAYS[:140])
    holes = values.drop(DAYS[[20, 21, 47, 90, 91, 92, 93, 120]])
    answer = Forecaster(horizon=7, random_state=0).fit(holes).predict()
    assert int(answer["forecast"].argmax()) == int(np.argmax(WEEK))
    np.testing.assert_allclose(answer["forecast"], values[:7], atol=1.0)


# Short, constant and strange series


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 14, 21])
@pytest.mark.parametrize("horizon", [1, 7, 30])
def test_short_series_have_a_forecast(n: int, horizon: int) -> None:
    """From one value on, also where the horizon is longer than the series."""
    values = pd.Series(week(n)[:, 0], DAYS[:n])
    answer = Forecaster(horizon=horizon, freq="D", random_state=0).fit(values).predict()
    assert len(answer) == horizon
    assert np.isfinite(answer["forecast"]).all()
    assert answer["forecast"].between(values.min() - 20.0, values.max() + 20.0).all()
    if n == 1:
        assert (answer["forecast"] == values.iloc[0]).all()


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5, 1e-12, 1e12])
def test_constant_series_stay_constant(value: float) -> None:
    """As a series of its own and beside another."""
    np.testing.assert_allclose(forecasts(np.full(60, value), levels=None), value, rtol=1e-9)
    both = np.column_stack([np.full(60, value), week(60)[:, 0]])
    answer = forecasts(both, 3, None).reshape(2, 3)
    np.testing.assert_allclose(answer[0], value, rtol=1e-6, atol=1e-9)


def test_trends_and_growth_go_on() -> None:
    """A line goes on as a line, and growth by a constant rate as such."""
    steps = np.arange(104.0)
    np.testing.assert_allclose(
        forecasts(5.0 - steps[:100], 4, None)[:, 0], 5.0 - steps[100:], rtol=1e-3
    )
    grown = 1.05**steps
    np.testing.assert_allclose(forecasts(grown[:100], 4, None)[:, 0], grown[100:], rtol=1e-2)


def test_short_series_among_long_ones() -> None:
    """One of three values is forecast near the others, and does not change theirs much."""
    values = week(200, 2)
    table = long_table(values, DAYS[:200])
    late = pd.DataFrame({"id": "new", "t": DAYS[197:200], "y": 20.0 + 2.0 * WEEK[197 % 7 :][:3]})
    alone = forecasts(table, 3, None, LONG)
    answer = forecasts(pd.concat([table, late]), 3, None, LONG)
    assert np.abs(answer[:3] - 20.0).max() < 8.0
    np.testing.assert_allclose(answer[3:], alone.reshape(-1, 1), atol=1.5)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """One to three series of any of eight laws, of 1 to 90 days, with or without gaps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([1, 2, 3, 6, 14, 40, 90]))
    shape = (n, draw(st.integers(1, 3)))
    values = draw(
        st.sampled_from(
            [
                lambda: rng.normal(size=shape),
                lambda: np.exp(rng.normal(0.0, 3.0, shape)),
                lambda: np.cumsum(rng.normal(size=shape), axis=0),
                lambda: np.zeros(shape),
                lambda: np.full(shape, 7.0),
                lambda: 100.0 * (np.arange(n) >= n // 2)[:, None] + rng.normal(size=shape),
                lambda: 1e3 * rng.standard_cauchy(shape),
                lambda: np.exp(0.2 * np.arange(n))[:, None] * np.ones(shape),
            ]
        )
    )()
    table = long_table(values, DAYS[:n])
    present = rng.random(len(table)) < draw(st.sampled_from([1.0, 0.8]))
    present |= (table["t"] == DAYS[0]).to_numpy()
    return table[present].assign(noise=rng.normal(size=int(present.sum())))


@pytest.mark.filterwarnings(
    "ignore::chainrule.estimators.forecast.reading.data_warning.SeriesDataWarning",
    "ignore::chainrule.estimators.forecast.forecast_warning.FewOriginsWarning",
)
@settings(max_examples=20)
@given(
    table=tables(),
    horizon=st.sampled_from([1, 2, 14]),
    rule=st.sampled_from(["auto", "zero"]),
    season=st.sampled_from([None, 7, [3, 4]]),
    kind=st.sampled_from(["level", "price"]),
)
def test_any_small_table_has_finite_forecasts_in_order(
    table: pd.DataFrame, horizon: int, rule: str, season: Any, kind: str
) -> None:
    """Forecasts, and intervals around them and nested, or the error that there is too little."""
    forecaster = Forecaster(
        horizon=horizon, kind=kind, fill_gaps=rule, season_length=season, members="ridge",
        freq="D", random_state=0,
    )  # fmt: skip
    forecaster.fit(table, **LONG, past=["noise"])
    answer = forecaster.predict()
    assert len(answer) == horizon * table["id"].nunique()
    assert np.isfinite(answer["forecast"]).all()
    try:
        answer = forecaster.predict([80, 95])
    except DataError as error:
        assert "too short to calibrate" in str(error)
        return
    columns = answer[["lo-95", "lo-80", "forecast", "hi-80", "hi-95"]].to_numpy()
    assert np.isfinite(columns).all()
    assert np.all(np.diff(columns, axis=1) >= -1e-9 * np.abs(columns).max())
    assert np.isfinite(forecaster.sample_paths(4).filter(like="sample").to_numpy()).all()


# Prices


def test_prices_are_forecast_as_walks_with_drift() -> None:
    """A walk on business days is a price, forecast by the walk with drift of its logarithms."""
    prices = walk(600, np.random.default_rng(1))
    series = pd.Series(prices, pd.bdate_range("2019-01-01", periods=600))
    forecaster = Forecaster(horizon=4, random_state=0).fit(series)
    assert forecaster.kind_ == "price"
    assert forecaster.season_length_ == ()
    drift = np.log(prices[-1] / prices[0]) / 599
    expected = prices[-1] * np.exp(drift * np.arange(1, 5))
    np.testing.assert_allclose(forecaster.predict()["forecast"], expected, rtol=1e-12)
    assert forecaster.members_ == ["random walk with drift"]
    level = Forecaster(horizon=4, kind="level", random_state=0).fit(series)
    assert level.kind_ == "level"
    assert level.season_length_ != ()


def test_skill_is_seldom_seen_in_walks() -> None:
    """Of 40 walks with drift, at most 3 are forecast by anything but the walk with drift."""
    seen = 0
    for seed in range(40):
        prices = walk(400, np.random.default_rng(100 + seed), 0.0005)
        forecaster = Forecaster(horizon=3, kind="price", members="ridge", random_state=0)
        seen += forecaster.fit(prices).members_ != ["random walk with drift"]
    assert seen <= 3


def test_networks_of_prices_must_prove_themselves_too() -> None:
    """A network that does not beat the walk is no member."""
    prices = walk(300, np.random.default_rng(2))
    forecaster = Forecaster(
        horizon=2, kind="price", members=["nlinear"], max_steps=30, progress=False, random_state=0
    )
    names = [member.name for member in forecaster.fit(prices).fitted_.committee.members]
    assert names == ["random walk with drift"]


def test_returns_that_depend_on_each_other_are_exploited() -> None:
    """AR(1) returns of phi = .4: one-step errors are lower than the walk's, as .917 of it says."""
    returns = 0.01 * autoregression(0.4, 1500, np.random.default_rng(3))
    prices = 100.0 * np.exp(np.cumsum(returns, axis=0))
    forecaster = Forecaster(horizon=1, kind="price", members="ridge", random_state=0)
    forecaster.fit(prices[:1300])
    assert forecaster.members_ != ["random walk with drift"]
    track = forecaster.update(prices[1300:]).fitted_.track
    rows = np.flatnonzero(track.origins.steps >= 1300)
    assert len(rows) == 200
    at = track.origins.steps[rows]
    errors = np.log(track.forecasts[rows, 0] / prices[at, 0])
    walks = np.log(prices[at - 1, 0] / prices[at, 0])
    ratio = float(np.sqrt(np.mean(errors**2) / np.mean(walks**2)))
    assert ratio < 0.97


# Real series


def read(name: str) -> pd.DataFrame:
    path = DATA / "demand" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return pd.read_csv(path)


def test_airline_passengers() -> None:
    """The last year of the series, forecast from those before: MASE below .6, naive above 1.2."""
    table = read("airline_passengers.csv.gz")
    months = pd.to_datetime(table.iloc[:, 0])
    values = pd.Series(table.iloc[:, 1].to_numpy(float), months)
    forecaster = Forecaster(horizon=12, random_state=0).fit(values[:-12])
    answer = forecaster.predict([80])
    assert answer.columns.tolist() == ["Month", "forecast", "lo-80", "hi-80"]
    assert forecaster.season_length_ == (12,)
    assert forecaster.freq_ == "MS"
    assert answer["Month"].tolist() == months[-12:].tolist()
    unit = np.abs(values[:-12].diff(12)).mean()
    actual = values[-12:].to_numpy()
    assert np.abs(answer["forecast"] - actual).mean() / unit < 0.6
    assert np.abs(values[-24:-12].to_numpy() - actual).mean() / unit > 1.2
    assert ((answer["lo-80"] <= actual) & (actual <= answer["hi-80"])).sum() >= 8


@pytest.mark.parametrize("past", [(), ("temp", "hum", "windspeed")])
def test_bicycles_by_day(past: tuple[str, ...]) -> None:
    """Rolling origins over the last 30 %: MASE below 1.15 where seasonal naive has 1.24."""
    table = read("bike_day.csv.gz")
    first, actual = 512, table["cnt"].to_numpy(float)
    forecaster = Forecaster(horizon=14, members="ridge", random_state=0)
    forecaster.fit(table[:first], time="dteday", target="cnt", past=past)
    parts = []
    for end in range(first, 718, 14):
        if end > first:
            forecaster.update(table[end - 14 : end])
        rows = actual[end : end + 14]
        forecast = forecaster.predict()["forecast"].to_numpy()
        parts.append(
            [
                np.abs(forecast - rows).mean(),
                np.abs(np.resize(actual[end - 7 : end], 14) - rows).mean(),
            ]
        )
    ours, naive = np.mean(parts, axis=0) / np.abs(actual[7:first] - actual[: first - 7]).mean()
    assert naive == pytest.approx(1.2447, abs=1e-3)
    assert ours < 1.15


@pytest.mark.slow
def test_hourly_series_of_m4() -> None:
    """Ridges alone on 15 series: sMAPE below that of seasonal naive by a quarter at least."""
    path = DATA / "demand" / "m4_hourly.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with np.load(path, allow_pickle=False) as archive:
        values, starts, lengths = (
            archive[f"train_{name}"] for name in ("values", "start", "length")
        )
        actual = archive["test"][::28]
    series = [values[a : a + n] for a, n in zip(starts[::28], lengths[::28], strict=True)]
    table = pd.concat(
        [
            pd.DataFrame({"id": k, "t": np.arange(len(one)), "y": one})
            for k, one in enumerate(series)
        ]
    )
    forecaster = Forecaster(
        horizon=48, members="ridge", season_length=[24, 168], kind="level", random_state=0
    )
    answer = forecaster.fit(table, **LONG).predict()["forecast"].to_numpy().reshape(-1, 48)
    naive = np.stack([np.tile(one[-24:], 2) for one in series])

    def smape(forecast: Any) -> float:
        sums = np.abs(forecast) + np.abs(actual)
        return float(200.0 * np.mean(np.abs(forecast - actual) / np.maximum(sums, 1e-9)))

    assert smape(answer) < 0.75 * smape(naive), (smape(answer), smape(naive))


def test_it_is_exported() -> None:
    """`cr.Forecaster` is the class."""
    assert cr.Forecaster is Forecaster
