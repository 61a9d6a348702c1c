"""Metrics and baselines of forecasts against loops, brute force and the numbers of papers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.errors import DataError
from chainrule.estimators.forecast.evaluation import baselines, metrics

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[4] / "shared" / "data"))
VALUES = st.one_of(st.floats(-100, 100), st.just(np.nan))


def known(*series: Any) -> list[tuple[float, ...]]:
    return [row for row in zip(*series, strict=True) if not np.isnan(row).any()]


@given(arrays(float, 7, elements=VALUES), arrays(float, 7, elements=VALUES))
def test_point_metrics_are_means_of_what_is_known(y: Any, f: Any) -> None:
    """Each is Python's loop over the positions where both are known; NaN where there is none."""
    pairs = known(y, f)
    if not pairs:
        assert np.isnan(metrics.mae(y, f)) and np.isnan(metrics.smape(y, f))
        return
    n = len(pairs)
    assert metrics.mae(y, f) == pytest.approx(sum(abs(a - b) for a, b in pairs) / n)
    assert metrics.rmse(y, f) == pytest.approx((sum((a - b) ** 2 for a, b in pairs) / n) ** 0.5)
    assert metrics.bias(y, f) == pytest.approx(sum(b - a for a, b in pairs) / n, abs=1e-9)
    assert metrics.bias(y, f, 4.0) == pytest.approx(sum(b - a for a, b in pairs) / n / 4, abs=1e-9)
    terms = [200 * abs(a - b) / (abs(a) + abs(b)) if a or b else 0.0 for a, b in pairs]
    assert metrics.smape(y, f) == pytest.approx(sum(terms) / n)
    assert 0 <= metrics.smape(y, f) <= 200 + 1e-9


def test_smape_ends_at_200_percent() -> None:
    """A forecast of 0, or of the other sign, costs 200 %; infinity too, and no NaN hides it."""
    assert 200.0 == metrics.smape([5.0], [0.0]) == metrics.smape([5.0], [-1.0])
    assert 200.0 == metrics.smape([5.0], [np.inf])
    assert np.isinf(metrics.mae([5.0, 1.0], [np.inf, 1.0]))


@given(arrays(float, st.integers(1, 12), elements=VALUES), st.integers(1, 5))
def test_scales_are_means_of_seasonal_differences(train: Any, season: int) -> None:
    """MASE's and RMSSE's denominators are those of a loop, at the end and at each origin."""
    differences = [b - a for a, b in known(train[:-season], train[season:])]
    expected = np.mean(np.abs(differences)) if differences else np.nan
    squared = np.mean(np.square(differences)) if differences else np.nan
    if differences and expected <= 1e-12 * np.nanmax(np.abs(train)):
        expected = squared = 0.0
    assert metrics.naive_scale(train, season) == pytest.approx(expected, nan_ok=True)
    assert metrics.squared_scale(train, season) == pytest.approx(squared, nan_ok=True)
    origins = np.arange(len(train) + 1)
    for power, scale in ((1, metrics.naive_scale), (2, metrics.squared_scale)):
        at = metrics.scales_at(train[None], origins, season, power)[:, 0]
        assert at == pytest.approx([scale(train[:k], season) for k in origins], nan_ok=True)


def test_a_constant_series_has_no_mase() -> None:
    """Its scale is 0, also if it is constant up to rounding; MASE is NaN then, not infinite."""
    rounding = 1e6 * np.array([0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3])
    for train in ([3.0, 3.0, 3.0], rounding):
        assert 0.0 == metrics.naive_scale(train) == metrics.squared_scale(train)
    assert np.isnan(metrics.mase([1.0], [2.0], 0.0)) and np.isnan(metrics.rmsse([1.0], [2.0], 0.0))
    expected = [np.nan, 0.5]
    got = metrics.mase(np.ones((2, 3)), np.full((2, 3), 2.0), np.array([0.0, 2.0]))
    assert got == pytest.approx(expected, nan_ok=True)


def test_the_naive_forecast_of_m4_has_its_published_errors() -> None:
    """Seasonal naive on M4 hourly has sMAPE 13.912 and MASE 1.193 (the competition's table)."""
    if not (DATA / "demand" / "m4_hourly.npz").exists():
        pytest.skip("needs shared/data/demand")
    with np.load(DATA / "demand" / "m4_hourly.npz", allow_pickle=False) as file:
        train_values, lengths, tests = file["train_values"], file["train_length"], file["test"]
    smapes, mases = [], []
    trains = np.split(train_values, np.cumsum(lengths)[:-1])
    for train, test in zip(trains, tests, strict=True):
        forecast = baselines.seasonal_naive(train, 48, 24)
        smapes.append(metrics.smape(test, forecast))
        mases.append(metrics.mase(test, forecast, metrics.naive_scale(train, 24)))
    assert 13.912 == pytest.approx(np.mean(smapes), abs=0.001)
    assert 1.193 == pytest.approx(np.mean(mases), abs=0.001)


@given(arrays(float, (3, 4), elements=st.floats(-9, 9)), st.floats(-9, 9))
def test_pinball_of_a_half_is_half_the_absolute_error(y: Any, q: float) -> None:
    """And 2 mean pinball losses of equal quantiles at symmetric levels are the absolute error."""
    f = np.full(y.shape, q)
    assert metrics.pinball(y, f, 0.5) == pytest.approx(metrics.mae(y, f) / 2)
    same = np.repeat(f[..., None], 3, axis=-1)
    crps = metrics.crps_of_quantiles(y, same, [0.2, 0.5, 0.8])
    assert crps == pytest.approx(metrics.mae(y, f), abs=1e-12)


@given(arrays(float, (2, 3), elements=st.floats(-9, 9)), st.integers(2, 6), st.integers(0, 99))
def test_crps_of_samples_is_that_of_all_pairs(y: Any, count: int, seed: int) -> None:
    """The sorted sum is the mean over all pairs, or over those of different samples if fair."""
    x = np.random.default_rng(seed).normal(size=(2, 3, count))
    pairs = np.abs(x[..., :, None] - x[..., None, :]).sum(axis=(-1, -2))
    distance = np.abs(x - y[..., None]).mean(axis=-1)
    fair = (distance - pairs / (2 * count * (count - 1))).mean(axis=-1)
    assert metrics.crps_of_samples(y, x) == pytest.approx(fair, abs=1e-12)
    whole = (distance - pairs / (2 * count * count)).mean(axis=-1)
    assert metrics.crps_of_samples(y, x, fair=False) == pytest.approx(whole, abs=1e-12)


def test_crps_is_that_of_the_normal_distribution() -> None:
    """Of many quantiles and of many samples, y = 0.7: the closed form, 0.4214."""
    from scipy.stats import norm

    y = 0.7
    expected = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = norm.ppf(levels)[None]
    assert expected == pytest.approx(metrics.crps_of_quantiles([y], quantiles, levels), abs=1e-4)
    draws = np.random.default_rng(0).normal(size=(1, 200_000))
    assert expected == pytest.approx(metrics.crps_of_samples([y], draws), abs=3e-3)


def test_intervals_are_scored_by_their_ends_and_misses() -> None:
    """Ends count as inside; the interval score is the sum of two pinball losses over alpha / 2."""
    rng = np.random.default_rng(1)
    y, lo, hi = rng.normal(size=9), rng.normal(size=9) - 1, rng.normal(size=9) + 1
    score = metrics.pinball(y, lo, 0.1) + metrics.pinball(y, hi, 0.9)
    assert metrics.interval_score(y, lo, hi, 80) == pytest.approx(score / 0.1)
    assert 0.75 == metrics.interval_coverage([1, 2, 3, 4, np.nan], [1] * 5, [3, 3, 3, 3, 3])
    with pytest.raises(ValueError, match=r"in percent, as 80, not 0\.8"):
        metrics.interval_score(y, lo, hi, 0.8)


def test_shapes_and_levels_are_checked() -> None:
    """Nothing is broadcast by accident, and a level is no percentage where it is a quantile."""
    with pytest.raises(ValueError, match=r"\(3,\) and forecasts \(1, 3\) differ"):
        metrics.mae(np.zeros(3), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="between 0 and 1, not 80"):
        metrics.pinball([1.0], [1.0], 80)
    with pytest.raises(ValueError, match="one for each of the 2 levels"):
        metrics.crps_of_quantiles([1.0], [[1.0]], [0.1, 0.9])
    with pytest.raises(ValueError, match="1 samples are too few"):
        metrics.crps_of_samples([1.0], [[1.0]])


def last_known(values: Any) -> float:
    present = values[~np.isnan(values)]
    return float(present[-1]) if len(present) else np.nan


@given(arrays(float, (2, 9), elements=VALUES), st.integers(1, 6), st.integers(1, 4))
def test_baselines_at_origins_are_those_of_a_loop(values: Any, horizon: int, season: int) -> None:
    """Each origin's forecast follows from the values before it, as a loop computes them."""
    origins = np.array([1, 4, 9])
    got = {
        "naive": baselines.naive_at(values, origins, horizon),
        "seasonal": baselines.seasonal_naive_at(values, origins, horizon, season),
        "drift": baselines.drift_at(values, origins, horizon),
        "mean": baselines.historic_mean_at(values, origins, horizon),
    }
    for w, k in enumerate(origins):
        for s, row in enumerate(values):
            past = row[:k]
            present = np.flatnonzero(~np.isnan(past))
            slope = 0.0
            if len(present) > 1:
                slope = (past[present[-1]] - past[present[0]]) / (present[-1] - present[0])
            mean = past[present].mean() if len(present) else np.nan
            for j in range(horizon):
                phase = past[(k + j) % season :: season]
                seasonal = last_known(phase)
                seasonal = last_known(past) if np.isnan(seasonal) else seasonal
                expected = {"naive": last_known(past), "seasonal": seasonal, "mean": mean,
                            "drift": last_known(past) + slope * (j + 1)}  # fmt: skip
                for name, number in expected.items():
                    assert got[name][w, s, j] == pytest.approx(number, nan_ok=True, abs=1e-9), name


def test_baselines_do_not_look_ahead() -> None:
    """Other values after the origin change no bit."""
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=(3, 50))
    changed = values.copy()
    changed[:, 30:] = rng.lognormal(size=(3, 20))
    for forecast in (
        lambda x: baselines.naive_at(x, [20, 30], 4),
        lambda x: baselines.seasonal_naive_at(x, [20, 30], 9, 7),
        lambda x: baselines.drift_at(x, [20, 30], 4),
        lambda x: baselines.drift_at(x, [20, 30], 4, log=True),
        lambda x: baselines.historic_mean_at(x, [20, 30], 4),
    ):
        assert forecast(values).tobytes() == forecast(changed).tobytes()


def test_origins_may_differ_between_series() -> None:
    """Origins (windows, series) give what each series gives by itself."""
    values = np.random.default_rng(0).normal(size=(2, 9))
    both = baselines.naive_at(values, [[3, 8]], 2)
    assert [values[0, 2], values[1, 7]] == both[0, :, 0].tolist()


def test_wrong_use_of_baselines_is_refused() -> None:
    """An origin without a past, a horizon of 0, and logarithms of what is not positive."""
    with pytest.raises(ValueError, match="1 to 3; there are some from 0 to 0"):
        baselines.naive_at([1.0, 2.0, 3.0], [0], 1)
    with pytest.raises(ValueError, match="1 step at least, not 0"):
        baselines.drift([1.0, 2.0], 0)
    with pytest.raises(ValueError, match="one row at least, not 0"):
        baselines.seasonal_naive([1.0, 2.0], 1, 0)
    with pytest.raises(DataError, match="positive values, and the smallest is -2"):
        baselines.drift([1.0, -2.0], 1, log=True)
