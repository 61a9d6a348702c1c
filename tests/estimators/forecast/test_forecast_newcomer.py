"""What a newcomer tried, and what went wrong then: closing times, integers as times, parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import DataError
from chainrule.estimators.forecast.counts import has_open_hours

WEEK = np.array([100.0, 90.0, 110.0, 120.0, 80.0, 130.0, 70.0])


def shop(closed: int, noise: float = 5.0, n: int = 280) -> Any:
    """Daily sales of a shop that is closed on some days of each week."""
    rng = np.random.default_rng(closed)
    values = np.tile(WEEK, n // 7) + noise * rng.normal(size=n)
    values[np.arange(n) % 7 >= 7 - closed] = 0.0
    return pd.Series(values, pd.date_range("2024-01-01", periods=n, freq="D"))


@pytest.mark.parametrize("closed", [2, 3, 4])
def test_closing_days_are_no_intermittent_demand(closed: int) -> None:
    """Zeros that the season explains leave intervals narrow, and closed days exactly 0."""
    forecaster = cr.Forecaster(horizon=7, random_state=0).fit(shop(closed)[:-7])
    assert forecaster.kind_ == "level"
    forecast = forecaster.predict(levels=[80])
    assert (forecast["forecast"].iloc[-closed:].abs() < 1.0).all()
    width = (forecast["hi-80"] - forecast["lo-80"]).iloc[:-closed]
    assert width.max() < 30.0  # 13 is what the noise asks for; as counts they were 100 wide
    assert (forecast["forecast"].to_numpy() - shop(closed)[-7:]).abs().max() < 20.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("season", [5, 7, 24])
def test_chance_is_no_closing_time(season: int, seed: int) -> None:
    """Random zeros, also rarer on some days, are intermittent demand as before."""
    rng = np.random.default_rng(seed)
    n = season * 20
    usual = np.arange(n) % season >= season // 2
    assert not has_open_hours(rng.poisson(0.4, n), season)
    assert not has_open_hours(rng.poisson(np.where(usual, 0.7, 0.1)), season)
    assert has_open_hours(np.where(usual, 1 + rng.poisson(5.0, n), 0), season)
    assert not has_open_hours(np.zeros(n), season)
    assert not has_open_hours(np.where(usual, 5.0, 0.0)[: 7 * season], season)  # too short to tell


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_times_go_on_past_the_end_of_their_dtype(dtype: str) -> None:
    """After 127 of int8 comes 128, not -128."""
    last = np.iinfo(dtype).max
    times = np.arange(last - 99, last + 1, dtype=np.int64).astype(dtype)
    frame = pd.DataFrame({"ds": times, "y": np.arange(100.0) % 7})
    forecast = cr.Forecaster(horizon=3, random_state=0).fit(frame).predict()
    assert forecast["ds"].tolist() == [last + 1, last + 2, last + 3]
    frame["ds"] -= np.array(50).astype(dtype)
    forecast = cr.Forecaster(horizon=3, random_state=0).fit(frame).predict()
    assert forecast["ds"].dtype == dtype  # where they fit


def test_times_that_no_integer_holds_are_refused() -> None:
    """Near 2**63 the next step would overflow."""
    late = np.iinfo(np.int64).max - np.arange(99)[::-1]
    with pytest.raises(DataError, match="too large for a time"):
        cr.Forecaster(random_state=0).fit(pd.Series(np.arange(99.0) % 7, late))


@pytest.mark.parametrize(("freq", "form"), [("D", "%Y%m%d"), ("W", "%Y%m%d"), ("MS", "%Y%m")])
@pytest.mark.parametrize("periods", [20, 100])
def test_dates_as_numbers_are_refused(freq: str, form: str, periods: int) -> None:
    """20240131 + 1 is no date: forecasts of 20240132 would be wrong in silence."""
    days = pd.date_range("2024-01-03", periods=periods, freq=freq)
    frame = pd.DataFrame({"ds": days.strftime(form).astype(int), "y": np.arange(periods) % 7.0})
    with pytest.raises(DataError, match="dates as numbers.*pd.to_datetime"):
        cr.Forecaster(random_state=0).fit(frame)
    for start in (190_000, 19_999_990, 20_240_101, 202_401):  # mere numbers are none
        frame["ds"] = start + np.arange(periods) if start < 20_000_000 else start + 7 * frame.index
        if periods == 100:
            cr.Forecaster(random_state=0, members="ridge").fit(frame)


def test_a_changed_horizon_leaves_what_was_learned_to_see() -> None:
    """Notebooks show an estimator by its attributes: predict alone refuses."""
    forecaster = cr.Forecaster(horizon=7, random_state=0).fit(shop(1, n=140))
    forecaster.set_params(horizon=3)
    assert "horizon=3" in repr(forecaster) and forecaster._repr_html_()
    assert forecaster.season_length_ == (7,) and forecaster.freq_ == "D"
    assert clone(forecaster).horizon == 3
    with pytest.raises(ValueError, match="fit again"):
        forecaster.predict()


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e145])
def test_forecasts_scale_with_the_target(scale: float) -> None:
    """No unit of the target matters, and no warning of NumPy comes through."""
    one = cr.Forecaster(horizon=7, random_state=0).fit(shop(0, n=140)).predict(levels=[80])
    other = cr.Forecaster(horizon=7, random_state=0).fit(shop(0, n=140) * scale)
    scaled = other.predict(levels=[80]).drop(columns="ds") / scale
    np.testing.assert_allclose(scaled, one.drop(columns="ds"), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e155, 1e200, 1e305])
def test_values_whose_squares_overflow_are_refused(scale: float) -> None:
    """Errors of members were NaN, and one of them was taken all the same."""
    with pytest.raises(DataError, match="divide the target by a constant"):
        cr.Forecaster(horizon=7, random_state=0).fit(shop(0, n=140) * scale)


def cold_start(rows: int, many: int = 24, n: int = 120) -> tuple[Any, Any]:
    """Series of one weekly pattern and of any level, half of which begin `rows` days ago."""
    rng = np.random.default_rng(rows)
    days = pd.date_range("2024-01-01", periods=n + 7, freq="D")
    past, later = [], []
    for k in range(many):
        values = rng.lognormal(0.0, 2.0) * (np.resize(WEEK, n + 7) + 6.0 * rng.normal(size=n + 7))
        first = n - rows if k % 2 else 0
        frame = pd.DataFrame({"unique_id": f"{'new' if k % 2 else 'old'}{k}", "ds": days})
        frame["y"] = values
        past.append(frame.iloc[first:n])
        later.append(frame.iloc[n:])
    return pd.concat(past), pd.concat(later)


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6])
def test_intervals_of_new_series_are_not_those_of_known_ones(rows: int) -> None:
    """Before its first season is over, 80 % intervals of a series held 5 to 25 % of its values."""
    past, later = cold_start(rows)
    forecaster = cr.Forecaster(horizon=7, members="ridge", random_state=0).fit(past)
    table = forecaster.predict(levels=[80]).merge(later, on=["unique_id", "ds"])
    table["within"] = (table["lo-80"] <= table["y"]) & (table["y"] <= table["hi-80"])
    new = table["unique_id"].str.startswith("new")
    assert 0.65 <= table.loc[new, "within"].mean() <= 0.98
    assert 0.65 <= table.loc[~new, "within"].mean() <= 0.95
    paths = forecaster.sample_paths(200, random_state=0)
    spread = paths.filter(like="sample-").std(axis=1) / table["forecast"]
    assert spread[new].mean() > 2.0 * spread[~new].mean()


def test_two_values_that_are_alike_do_not_make_an_interval_narrow() -> None:
    """The spread of a young series is that of others, beside its level."""
    past, _ = cold_start(2)
    new = past["unique_id"] == past["unique_id"].iloc[-1]
    past.loc[new, "y"] = [100.0, 100.001]
    forecaster = cr.Forecaster(horizon=7, members="ridge", random_state=0).fit(past)
    table = forecaster.predict(levels=[80]).set_index("unique_id").loc[past["unique_id"].iloc[-1]]
    assert (table["hi-80"] - table["lo-80"]).min() > 20.0  # the others' weeks vary by 60 %
