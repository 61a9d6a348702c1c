"""Attributions add up, are the weights of linear members, and name what they belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError, UnsupportedError
from chainrule.estimators.forecast.attribution import LEVEL_STEPS
from chainrule.estimators.forecast.members.committee import median

pytestmark = pytest.mark.usefixtures("_unoptimised")


def sales(n: int = 160, series: int = 1, seed: int = 0) -> Any:
    """Positive values with a week and noise, of several levels."""
    rng = np.random.default_rng(seed)
    week = np.array([0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 0.4])[np.arange(n) % 7]
    level = 10.0 ** np.arange(1, series + 1)
    noise = np.exp(np.cumsum(rng.normal(0, 0.03, (n, series)), axis=0))
    return level * week[:, None] * noise


def by_id(frame: Any, column: str) -> Any:
    return frame.groupby("unique_id", sort=False)[column]


def flat_forecast(forecaster: Any, levels: Any) -> Any:
    """The committee's forecasts (series, horizon) of series that were always at a level."""
    fitted = forecaster.fitted_
    flat = [np.full(len(v), level) for v, level in zip(fitted.histories.values, levels,
                                                       strict=True)]  # fmt: skip
    histories = replace(fitted.histories, values=flat)
    known = np.empty((len(flat), fitted.horizon, 0))
    forecasts = fitted.committee.forecasts(histories, histories.ends, known)
    track = fitted.raw_track
    return median(forecasts, track.chosen, track.is_naive)


@pytest.mark.parametrize("step", [None, 1, 3])
def test_a_linear_members_attributions_are_its_weights_times_the_change(step: int | None) -> None:
    """Exactly: without a transform, a ridge's forecast is linear in the window."""
    y = sales()[:, 0]
    forecaster = cr.Forecaster(
        horizon=3, members="ridge", transform="none", input_size=14, season_length=7, random_state=0
    ).fit(y)
    assert len(forecaster.members_) == 1
    fitted = forecaster.fitted_
    [chosen] = fitted.raw_track.chosen
    weights = fitted.committee.members[chosen].model.fallback.weights
    weight = weights.mean(axis=1) if step is None else weights[:, step - 1]
    level = y[-LEVEL_STEPS:].mean()
    expected = {f"lag {k}": weight[-k] * (y[-k] - level) for k in range(1, 15)}
    table = forecaster.attributions(step=step)
    assert table["input"][0] == "baseline"
    inputs = table[1:].set_index("input")
    assert set(expected) == set(inputs.index)
    for name, part in expected.items():
        assert part == pytest.approx(inputs["attribution"][name], rel=1e-7, abs=1e-9)
        assert y[-int(name[4:])] == inputs["value"][name]
    sizes = np.abs(inputs["attribution"].to_numpy())
    assert np.all(np.diff(sizes) <= 0.0)


@pytest.mark.parametrize(
    ("settings", "baseline"),
    [
        ({"transform": "log", "members": "ridge"}, "level"),
        ({"transform": "sqrt", "members": "ridge"}, "last"),
        ({"members": ["ridge", "nbeats", "dlinear"], "max_steps": 60}, "level"),
        ({"members": ["gru", "nbeats"], "max_steps": 30}, "level"),
    ],
    ids=["log", "sqrt", "networks", "networks alone"],
)
def test_attributions_add_up(settings: Any, baseline: str) -> None:
    """To the forecast minus that of the flat window, within 1 %: transforms and median included."""
    y = sales(series=3)
    forecaster = cr.Forecaster(
        horizon=4, season_length=7, random_state=0, progress=False, **settings
    ).fit(y)
    table = forecaster.attributions(baseline=baseline)
    base = by_id(table, "attribution").first()
    added = by_id(table, "attribution").sum() - base
    forecasts = by_id(forecaster.predict(), "forecast").mean()
    assert np.allclose(forecasts - base, added, rtol=0.01, atol=1e-4 * np.abs(base).min())
    longest = max(LEVEL_STEPS, *(m.lags for m in forecaster.fitted_.committee.members))
    levels = y[-longest:].mean(axis=0) if baseline == "level" else y[-1]
    chosen = [forecaster.fitted_.committee.members[k] for k in forecaster.fitted_.raw_track.chosen]
    if baseline == "level":
        levels = y[-max(LEVEL_STEPS, *(m.lags for m in chosen)) :].mean(axis=0)
    expected = flat_forecast(forecaster, levels).mean(axis=1)
    assert np.allclose(expected, base, rtol=1e-4)


def test_a_step_ahead_adds_up_to_its_own_forecast() -> None:
    """Not to the mean of all steps."""
    forecaster = cr.Forecaster(horizon=4, season_length=7, random_state=0).fit(sales(series=2))
    forecasts = by_id(forecaster.predict(), "forecast")
    for step in (1, 4):
        table = forecaster.attributions(step=step, steps=64)
        total, base = by_id(table, "attribution").sum(), by_id(table, "attribution").first()
        expected = forecasts.nth(step - 1).to_numpy()
        assert np.all(np.abs(total - expected) <= 0.01 * np.abs(expected - base))


def test_rules_without_weights() -> None:
    """The seasonal naive forecast hangs on one lag alone; a random walk on the last value."""
    y = np.array([3.0, 7.0, 5.0, 4.0, 8.0, 6.0, 5.0])
    naive = cr.Forecaster(horizon=3, season_length=3, random_state=0).fit(y)
    assert ["seasonal naive (3)"] == naive.members_
    table = naive.attributions(step=2)
    assert ["baseline", "lag 2"] == list(table["input"])
    assert 6.0 == table["value"][1]
    base = float(table["attribution"][0])
    assert 3.0 <= base <= 8.0
    assert 6.0 - base == pytest.approx(table["attribution"][1], rel=1e-12)
    rng = np.random.default_rng(0)
    prices = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    walk = cr.Forecaster(horizon=2, kind="price", random_state=0).fit(prices)
    table = walk.attributions()
    assert ["baseline", "lag 1"] == list(table["input"])
    assert walk.predict()["forecast"].mean() == pytest.approx(table["attribution"].sum(), rel=1e-9)


def covariates_table(n: int = 200, ahead: int = 3) -> Any:
    """A week, a promotion that is known ahead, and a temperature of which yesterday's counts."""
    rng = np.random.default_rng(1)
    promo = (rng.random(n + ahead) < 0.2).astype(float)
    temp = rng.normal(15, 5, n + ahead)
    y = 50 + 10.0 * (np.arange(n + ahead) % 7 == 5) + 20 * promo + 2 * np.roll(temp, 1)
    y += rng.normal(0, 0.1, n + ahead)
    days = pd.date_range("2024-01-01", periods=n + ahead)
    table = pd.DataFrame({"day": days, "y": y, "promo": promo, "temp": temp})
    table.loc[n:, ["y", "temp"]] = np.nan
    table.loc[n:, "promo"] = [0.0, 1.0, 0.0]
    return table


def test_covariates_have_their_names_and_effects() -> None:
    """A promotion of 20 two steps ahead adds 20 times its change to that step, and none else."""
    table = covariates_table()
    table["y"] -= 200.0  # negative values have no factors, so the effect is a sum
    forecaster = cr.Forecaster(
        horizon=3, members="ridge", transform="none", season_length=7, input_size=14,
        random_state=0,
    ).fit(table, time="day", target="y", known=["promo"], past=["temp"])  # fmt: skip
    assert "covariates" in forecaster.members_[0]
    parts = {step: forecaster.attributions(step=step).set_index("input") for step in (1, 2)}
    usual = table["promo"][:200].mean()
    added = parts[2]["attribution"]["known promo +2"]
    assert 20 * (1 - usual) == pytest.approx(added, rel=0.12)  # as noisily as it is estimated
    future = table[200:].assign(promo=0.0)[["day", "promo"]]
    effect = forecaster.predict()["forecast"] - forecaster.predict(future=future)["forecast"]
    assert effect[1] * (1 - usual) == pytest.approx(added, rel=1e-6)
    assert 1.0 == parts[2]["value"]["known promo +2"]
    assert "known promo +1" not in parts[2].index and "known promo +2" not in parts[1].index
    temperature = table["temp"][:200]
    change = 2 * (temperature[199] - temperature.mean())
    assert change == pytest.approx(parts[1]["attribution"]["past temp lag 1"], rel=0.1, abs=0.2)
    assert temperature[199] == parts[1]["value"]["past temp lag 1"]
    forecast = forecaster.predict()["forecast"]
    for step in (1, 2):
        assert forecast[step - 1] == pytest.approx(parts[step]["attribution"].sum(), rel=1e-6)


def test_some_series() -> None:
    """Named ones in that order; their numbers are those that all together have."""
    frame = pd.DataFrame(sales(series=3), columns=["a", "b", "c"])
    forecaster = cr.Forecaster(horizon=2, season_length=7, random_state=0).fit(frame)
    every = forecaster.attributions().groupby("unique_id")
    some = forecaster.attributions(series=["c", "a"])
    assert ["c", "a"] == list(some["unique_id"].unique())
    for name in ("a", "c"):
        one = forecaster.attributions(series=name)
        expected = every.get_group(name).set_index("input")["attribution"]
        alone = one.set_index("input")["attribution"].reindex(expected.index)
        assert np.allclose(expected, alone, rtol=0.02, atol=0.002 * np.abs(expected).max())


def test_a_constant_series_hangs_on_nothing() -> None:
    """No slope of a window without deviation gets into the answer."""
    y = np.column_stack([sales()[:, 0], np.full(160, 4.0)])
    forecaster = cr.Forecaster(
        horizon=2, season_length=7, members=["nlinear", "ridge"], max_steps=5, random_state=0,
        progress=False,
    ).fit(y)  # fmt: skip
    table = forecaster.attributions(series=1)
    assert np.isfinite(table["attribution"]).all()
    assert table["attribution"][1:].abs().max() < 1e-9 or len(table) == 1
    assert 4.0 == pytest.approx(table["attribution"][0], rel=1e-3)


def test_wrong_use() -> None:
    """Each says what is wrong."""
    forecaster = cr.Forecaster(horizon=2, season_length=7, random_state=0).fit(sales(series=2))
    with pytest.raises(DataError, match="series=7 is none of the 2 series"):
        forecaster.attributions(series=7)
    with pytest.raises(DataError, match="names none"):
        forecaster.attributions(series=[])
    with pytest.raises(ValueError, match="step=3, but 2 steps are forecast"):
        forecaster.attributions(step=3)
    with pytest.raises(ValueError, match="step=0: give whole numbers"):
        forecaster.attributions(step=0)
    with pytest.raises(ValueError, match="steps=0: give whole numbers"):
        forecaster.attributions(steps=0)
    with pytest.raises(ValueError, match="baseline='zero': give 'level' or 'last'"):
        forecaster.attributions(baseline="zero")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"often": sales()[:, 0], "rare": 1.0 * (rng.random(160) < 0.2)})
    mixed = cr.Forecaster(horizon=2, season_length=7, random_state=0, progress=False).fit(frame)
    with pytest.raises(UnsupportedError, match="series 'rare' is intermittent demand"):
        mixed.attributions()
    assert "baseline" == mixed.attributions(series="often")["input"][0]
    summed = cr.Forecaster(horizon=2, season_length=7).fit(
        pd.DataFrame(sales(series=2), columns=["a", "b"]), hierarchy={"both": ["a", "b"]}
    )
    with pytest.raises(UnsupportedError, match="reconciled forecasts"):
        summed.attributions()
