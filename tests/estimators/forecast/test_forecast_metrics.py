"""Metrics and random walks against loops, closed forms and the numbers of papers."""

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
    """MASE's and RMSSE's denominators are those of a loop."""
    differences = [b - a for a, b in known(train[:-season], train[season:])]
    expected = np.mean(np.abs(differences)) if differences else np.nan
    squared = np.mean(np.square(differences)) if differences else np.nan
    if differences and expected <= 1e-12 * np.nanmax(np.abs(train)):
        expected = squared = 0.0
    assert metrics.naive_scale(train, season) == pytest.approx(expected, nan_ok=True)
    assert metrics.squared_scale(train, season) == pytest.approx(squared, nan_ok=True)


def test_a_constant_series_has_no_mase() -> None:
    """Its scale is 0, also if it is constant up to rounding; MASE is NaN then, not infinite."""
    rounding = 1e6 * np.array([0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3])
    for train in ([3.0, 3.0, 3.0], rounding):
        assert 0.0 == metrics.naive_scale(train) == metrics.squared_scale(train)
    assert np.isnan(metrics.mase([1.0], [2.0], 0.0)) and np.isnan(metrics.bias([1.0], [2.0], 0.0))
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
        forecast = np.tile(train[-24:], 2)
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


def test_crps_is_that_of_the_normal_distribution() -> None:
    """Of many quantiles, y = 0.7: the closed form, 0.4214."""
    from scipy.stats import norm

    y = 0.7
    expected = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = norm.ppf(levels)[None]
    assert expected == pytest.approx(metrics.crps_of_quantiles([y], quantiles, levels), abs=1e-4)


def test_ends_of_intervals_are_inside() -> None:
    """And a missing value is neither inside nor outside."""
    assert 0.75 == metrics.interval_coverage([1, 2, 3, 4, np.nan], [1] * 5, [3, 3, 3, 3, 3])


def test_shapes_and_levels_are_checked() -> None:
    """Nothing is broadcast by accident, and a level is no percentage where it is a quantile."""
    with pytest.raises(ValueError, match=r"\(3,\) and forecasts \(1, 3\) differ"):
        metrics.mae(np.zeros(3), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="one row at least, not 0"):
        metrics.naive_scale([1.0, 2.0], 0)
    with pytest.raises(ValueError, match="between 0 and 1, not 80"):
        metrics.pinball([1.0], [1.0], 80)
    with pytest.raises(ValueError, match="one for each of the 2 levels"):
        metrics.crps_of_quantiles([1.0], [[1.0]], [0.1, 0.9])


def last_known(values: Any) -> float:
    present = values[~np.isnan(values)]
    return float(present[-1]) if len(present) else np.nan


@given(arrays(float, (2, 9), elements=VALUES), st.integers(1, 6))
def test_walks_at_origins_are_those_of_a_loop(values: Any, horizon: int) -> None:
    """Each origin's forecast follows from the values before it, as a loop computes them."""
    origins = np.array([1, 4, 9])
    naive = baselines.naive_at(values, origins, horizon)
    drift = baselines.drift_at(values, origins, horizon)
    assert naive.shape == drift.shape == (3, 2, horizon)
    for w, k in enumerate(origins):
        for s, row in enumerate(values):
            past = row[:k]
            present = np.flatnonzero(~np.isnan(past))
            slope = 0.0
            if len(present) > 1:
                slope = (past[present[-1]] - past[present[0]]) / (present[-1] - present[0])
            for j in range(horizon):
                last = last_known(past)
                assert naive[w, s, j] == pytest.approx(last, nan_ok=True)
                assert drift[w, s, j] == pytest.approx(
                    last + slope * (j + 1), nan_ok=True, abs=1e-9
                )


def test_walks_do_not_look_ahead() -> None:
    """Other values after the origin change no bit."""
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=(3, 50))
    changed = values.copy()
    changed[:, 30:] = rng.lognormal(size=(3, 20))
    for forecast in (
        lambda x: baselines.naive_at(x, [20, 30], 4),
        lambda x: baselines.drift_at(x, [20, 30], 4),
        lambda x: baselines.drift_at(x, [20, 30], 4, log=True),
    ):
        assert forecast(values).tobytes() == forecast(changed).tobytes()


def test_wrong_use_of_walks_is_refused() -> None:
    """An origin without a past, a horizon of 0, one axis, and logarithms below 0."""
    with pytest.raises(ValueError, match="1 to 3; there are some from 0 to 0"):
        baselines.naive_at([[1.0, 2.0, 3.0]], [0], 1)
    with pytest.raises(ValueError, match="1 step at least, not 0"):
        baselines.drift_at([[1.0, 2.0]], [2], 0)
    with pytest.raises(ValueError, match=r"\(series, time\), not \(2,\)"):
        baselines.naive_at([1.0, 2.0], [2], 1)
    with pytest.raises(DataError, match="positive values, and the smallest is -2"):
        baselines.drift_at([[1.0, -2.0]], [2], 1, log=True)
