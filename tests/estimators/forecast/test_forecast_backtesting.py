"""Rolling origins: where they are, what each may see, what is compared with what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.estimators.forecast.backtesting import make_plan, panel_before
from chainrule.estimators.forecast.reading.panel import read_panel

WEEK = np.array([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0])


def weekly(n: int, seed: int = 0) -> Any:
    """Days with a week and noise."""
    rng = np.random.default_rng(seed)
    values = np.tile(WEEK, n // 7 + 1)[:n] + rng.normal(0.0, 0.7, n)
    return pd.Series(values, pd.date_range("2024-01-01", periods=n, freq="D"), name="load")


def forecaster(horizon: int = 7, **settings: Any) -> cr.Forecaster:
    return cr.Forecaster(horizon=horizon, random_state=0, progress=False, **settings)


def test_windows_end_with_the_last_value() -> None:
    """Windows are a step apart, and the actual values are those of the series."""
    series = weekly(150)
    result = forecaster().backtest(series, n_windows=4, step=5)
    first = [150 - 7 - 5 * k for k in (3, 2, 1, 0)]
    for window, begin in enumerate(first):
        assert result.actual[window, 0].tolist() == series.iloc[begin : begin + 7].tolist()
    frame = result.to_frame()
    assert frame["cutoff"].iloc[0] == series.index[first[0] - 1]
    assert frame["ds"].iloc[-1] == series.index[-1]


def test_baselines_are_what_they_say() -> None:
    """Naive repeats the last value, seasonal naive the last week; scales are those before."""
    series = weekly(150)
    values = series.to_numpy()
    result = forecaster().backtest(series, n_windows=3, step=7)
    for window, begin in enumerate((129, 136, 143)):
        assert result.baselines["naive"][window, 0].tolist() == [values[begin - 1]] * 7
        week = values[begin - 7 : begin]
        assert result.baselines["seasonal naive"][window, 0].tolist() == week.tolist()
        scale = np.mean(np.abs(values[7:begin] - values[: begin - 7]))
        assert result.scales[window, 0] == pytest.approx(scale, rel=1e-12)


def test_baselines_have_quantiles_of_their_past_errors() -> None:
    """Around the naive forecast are the quantiles of its errors at the origins of the record."""
    series = weekly(200)
    model = forecaster(3)
    result = model.backtest(series, n_windows=1, levels=[80])
    ends = result.baseline_quantiles["naive"][0, 0]
    values = series.to_numpy()[:197]
    model.fit(series.iloc[:197])
    every = model.fitted_.record.origins.steps
    steps = [k for k in every if k + 3 <= 197]  # the others are not over
    errors = np.array([values[k : k + 3] - values[k - 1] for k in steps])
    expected = values[-1] + np.quantile(errors, [0.1, 0.9], axis=0).T
    assert ends[:, [0, 2]] == pytest.approx(expected, rel=1e-9)
    assert ends[:, 1].tolist() == [values[-1]] * 3


@pytest.mark.parametrize("refit", [True, False, 2, "auto"])
def test_nothing_later_changes_a_forecast(refit: Any) -> None:
    """Values after an origin, and past covariates too, change no forecast made there: no bit."""
    rng = np.random.default_rng(1)
    frame = weekly(160).rename_axis("ds").reset_index()
    frame["wind"] = rng.normal(size=160)
    settings: dict[str, Any] = {
        "time": "ds", "target": "load", "past": ["wind"], "n_windows": 4, "step": 7, "refit": refit,
    }  # fmt: skip
    before = forecaster().backtest(frame, **settings)
    for window in (0, 2):
        origin = 160 - 7 - 7 * (3 - window)
        other = frame.copy()
        other.loc[origin:, "load"] = rng.normal(50.0, 9.0, 160 - origin)
        other.loc[origin:, "wind"] = rng.normal(9.0, 9.0, 160 - origin)
        after = forecaster().backtest(other, **settings)
        for name in ("forecast", "lower", "upper"):
            one, two = getattr(before, name), getattr(after, name)
            pairs = [(one, two)] if name == "forecast" else [(one[k], two[k]) for k in one]
            for mine, theirs in pairs:
                assert np.array_equal(mine[: window + 1], theirs[: window + 1])


def test_a_gap_over_an_origin_is_filled_without_what_follows() -> None:
    """Of a gap that reaches over the end the values before it alone say what they may have been."""
    values = weekly(100).copy()
    values.iloc[68:72] = np.nan
    panel = read_panel(values)
    cut = panel_before(panel, panel.series[0].start + 70, ())
    assert cut.series[0].values[68:].tolist() == values.iloc[61:63].tolist()
    changed = values.copy()
    changed.iloc[72:] = 1000.0
    again = panel_before(read_panel(changed), panel.series[0].start + 70, ())
    assert np.array_equal(again.series[0].values, cut.series[0].values)


def test_filled_values_are_not_scored() -> None:
    """A missing value in a window is no truth."""
    series = weekly(150)
    series.iloc[146] = np.nan
    result = forecaster().backtest(series, n_windows=1)
    assert np.isnan(result.actual[0, 0]).tolist() == [False] * 3 + [True] + [False] * 3


def test_series_begin_and_end_when_they_do() -> None:
    """A series that begins later is forecast from then on; one that has ended is not scored."""
    long, late = weekly(160), weekly(60, 1)
    late.index = long.index[-60:]
    ended = weekly(120, 2)
    ended.index = long.index[:120]
    frame = pd.concat({"a": long, "b": late, "c": ended}, names=["unique_id", "ds"])
    table = frame.rename("y").reset_index()
    result = forecaster().backtest(table, n_windows=10, step=7, refit=False)
    known = np.isfinite(result.forecast).any(axis=2)
    assert known[:, 0].all()
    assert known[:, 1].tolist() == [160 - 7 - 7 * (9 - k) > 100 for k in range(10)]
    assert not known[-1, 2]
    assert np.isfinite(result.scores().loc["forecaster", "MASE"])


def test_refit_says_how_often() -> None:
    """A number of windows; "auto" is at most eight fits; anything else is refused."""
    panel = read_panel(weekly(300))
    assert [make_plan(panel, 7, 20, 7, refit, ()).refit for refit in ("auto", True, False, 5)] == [
        3, 1, 0, 5,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="refit='often': give 'auto', True, False"):
        make_plan(panel, 7, 20, 7, "often", ())
    with pytest.raises(DataError, match="give n_windows=42 at most"):
        make_plan(panel, 7, 50, 7, "auto", ())
    short = replace(panel, series=(replace(panel.series[0], values=panel.series[0].values[:7]),))
    with pytest.raises(DataError, match="give a shorter horizon"):
        make_plan(short, 7, 1, 7, "auto", ())


def test_a_backtest_leaves_the_forecaster_as_it_is() -> None:
    """After it the fitted one predicts the same, and has its coverage."""
    model = forecaster().fit(weekly(150))
    before = model.predict([80])
    result = model.backtest(n_windows=3, levels=[80, 95])
    assert model.predict([80]).equals(before)
    assert model.coverage_ == result.coverage_ and set(model.coverage_) == {80.0, 95.0}


def test_forecasts_of_a_backtest_are_those_of_fit_and_predict() -> None:
    """With refit=True each window is what a forecaster fitted to the rows before it says."""
    series = weekly(150)
    result = forecaster().backtest(series, n_windows=3, step=4, refit=True, levels=[90])
    for window, begin in enumerate((135, 139, 143)):
        alone = forecaster().fit(series.iloc[:begin]).predict([90])
        assert result.forecast[window, 0].tolist() == alone["forecast"].tolist()
        assert result.lower[90][window, 0].tolist() == alone["lo-90"].tolist()
