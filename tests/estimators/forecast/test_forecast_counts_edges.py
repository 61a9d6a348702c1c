"""Models of counts where there is little, nothing, or much; and the distributions alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from chainrule.errors import DataError
from chainrule.estimators.forecast.counts import (
    CountModel,
    count_features,
    count_model,
    distributions,
    fit_counts,
)
from chainrule.transforms import grad

pytestmark = pytest.mark.usefixtures("_unoptimised")


def check_sane(forecast: Any) -> None:
    """Numbers are finite, means 0 or more, and quantiles of rising levels do not fall."""
    assert np.isfinite(forecast.mean).all() and (forecast.mean >= 0).all()
    quantiles = [forecast.quantile(level) for level in (0.05, 0.5, 0.9, 0.975)]
    assert np.isfinite(quantiles).all() and (np.diff(quantiles, axis=0) >= 0).all()
    assert np.isfinite(forecast.samples(5, np.random.default_rng(0))).all()


@pytest.mark.parametrize("likelihood", ["negative_binomial", "tweedie"])
def test_a_series_without_sales_is_forecast_as_0(likelihood: Any) -> None:
    """Alone, and among others that sell: mean and quantiles are 0, not NaN."""
    model = fit_counts([np.zeros(50)], horizon=3, seasons=(7,), likelihood=likelihood)
    forecast = model.forecast([np.zeros(50)])
    assert not forecast.mean.any() and not forecast.quantile(0.99).any()
    check_sane(forecast)
    sales = np.random.default_rng(0).poisson(0.5, (30, 80)).astype(float)
    sales[4] = 0.0
    forecast = fit_counts(list(sales), horizon=3, likelihood=likelihood).forecast(list(sales))
    assert not forecast.mean[4].any() and not forecast.quantile(0.99)[4].any()
    assert (np.delete(forecast.mean, 4, axis=0) > 0.05).all()
    check_sane(forecast)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 9), st.just(np.nan)), min_size=1, max_size=40).filter(
            lambda one: not np.isnan(one).all()
        ),
        min_size=1, max_size=4,
    ),
    st.integers(1, 5), st.sampled_from([(), (7,), (3, 12)]),
    st.sampled_from(["negative_binomial", "tweedie"]),
)  # fmt: skip
def test_short_series_never_fail(histories: Any, horizon: int, seasons: Any, which: Any) -> None:
    """One value is enough: what cannot be trained is smoothed."""
    model = fit_counts(histories, horizon=horizon, seasons=seasons, likelihood=which)
    forecast = model.forecast(histories)
    assert model.network is None and forecast.mean.shape == (len(histories), horizon)
    check_sane(forecast)
    loaded = CountModel.from_state(*model.to_state())
    assert np.array_equal(loaded.forecast(histories).mean, forecast.mean)


def test_the_fallback_has_the_week_and_holds() -> None:
    """A single series: TSB times the week's profile, and quantiles that hold."""
    rng = np.random.default_rng(1)
    mean = 3.0 * np.where(np.arange(407) % 7 < 2, 2.25, 0.5)
    sales = rng.negative_binomial(2.0, 2.0 / (2.0 + mean)).astype(float)
    model = fit_counts([sales[:400]], horizon=7, seasons=(7,))
    forecast = model.forecast([sales[:400]])
    assert model.network is None
    assert forecast.mean[0] == pytest.approx(mean[400:], rel=0.35)
    assert forecast.mean.sum() == pytest.approx(mean[400:].sum(), rel=0.2)
    high = forecast.quantile(0.9)[0]
    assert (stats.nbinom.cdf(high, 2.0, 2.0 / (2.0 + mean[400:])) > 0.8).all()
    later = model.forecast([sales[:403]], ends=3)
    check_sane(model.forecast([[1.0, *[np.nan] * 1200]]))
    assert np.argmax(later.mean[0]) in (3, 4)  # day 406 is the first of a week's two high days


def test_one_series_is_enough_for_a_network() -> None:
    """A series of 900 days has windows to train on; the forecast is near the true mean."""
    mean = 0.8 * np.where(np.arange(907) % 7 < 2, 2.25, 0.5)
    sales = np.random.default_rng(2).poisson(mean).astype(float)
    model = fit_counts([sales[:900]], horizon=7, seasons=(7,))
    forecast = model.forecast([sales[:900]])
    assert model.network is not None
    assert forecast.mean[0] == pytest.approx(mean[900:], rel=0.4)
    check_sane(forecast)


@pytest.mark.parametrize("likelihood", ["negative_binomial", "tweedie"])
def test_huge_and_tiny_demands(likelihood: Any) -> None:
    """Levels from 1 to 10**9 in one panel: each series is forecast in its units."""
    rng = np.random.default_rng(3)
    level = 10.0 ** np.arange(0, 10)[:, None].repeat(4, axis=0)
    sales = rng.poisson(level * rng.gamma(10.0, 0.1, (40, 100))).astype(float)
    forecast = fit_counts(list(sales), horizon=5, likelihood=likelihood).forecast(list(sales))
    check_sane(forecast)
    assert forecast.mean.mean(axis=1) / level[:, 0] == pytest.approx(np.ones(40), abs=0.45)
    relative = (forecast.mean / level).reshape(10, 20).mean(axis=1)
    assert relative == pytest.approx(np.ones(10), abs=0.25)
    spread = (forecast.quantile(0.9) - forecast.quantile(0.1))[-4:].mean() / 1e9
    assert spread == pytest.approx(2 * 1.2816 / np.sqrt(10.0), rel=0.25)


def test_amounts_by_tweedie() -> None:
    """Amounts that are no counts: the mean is unbiased and 80 % and 95 % quantiles hold."""
    rng = np.random.default_rng(4)
    level = np.exp(rng.normal(0.0, 1.0, (60, 1)))
    count = rng.poisson(0.8, (60, 190))
    sales = level * np.where(count > 0, rng.gamma(np.maximum(count, 1)), 0.0)
    model = fit_counts(list(sales[:, :150]), horizon=8, likelihood="tweedie")
    forecasts = [model.forecast(list(sales[:, :end])) for end in range(150, 190, 8)]
    actual = sales[:, 150:]
    mean = np.concatenate([one.mean for one in forecasts], axis=1)
    assert (mean / level).mean() == pytest.approx(0.8, rel=0.05)
    for share in (0.8, 0.95):
        high = np.concatenate([one.quantile(share) for one in forecasts], axis=1)
        assert (actual <= high).mean() == pytest.approx(share, abs=0.025)


def test_orders_in_boxes() -> None:
    """Orders of 12 or none fit no negative binomial: levels that were off in the past are moved."""
    sales = 12.0 * np.random.default_rng(5).poisson(0.2, (60, 250))
    model = fit_counts(list(sales[:, :180]), horizon=7)
    high = [model.forecast(list(sales[:, :end])).quantile(0.95) for end in range(180, 250, 7)]
    assert (sales[:, 180:] <= np.concatenate(high, axis=1)).mean() > 0.94


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.sampled_from([(), (4,), (7, 20)]))
def test_features_know_nothing_later(seed: int, horizon: int, seasons: Any) -> None:
    """Demands from the origin on change no bit of a window's features, however they look."""
    rng = np.random.default_rng(seed)
    sales = rng.choice([0.0, 0.0, 1.0, 5.0, np.nan], (3, 50))
    sales[:, 0] = 2.0
    options = count_features.FeatureOptions.of(horizon, seasons)
    none = np.zeros((3, 0))
    series, origins = np.array([0, 1, 2, 2]), np.array([3, 20, 35, 44])
    results = []
    for later in (0.0, 9.0, np.nan):
        changed = np.repeat(sales[None], 4, axis=0)
        for k, origin in enumerate(origins):
            changed[k, :, origin:] = later
        one = []
        for k in range(4):
            table = count_features.DemandTable.of(
                list(changed[k]), np.zeros(3, np.int64), [], none, horizon
            )
            one.append(count_features.window_features(table, series[[k]], origins[[k]], options))
        results.append([(each.level, each.shared, each.step) for each in one])
    for other in results[1:]:
        for first, second in zip(results[0], other, strict=True):
            for left, right in zip(first, second, strict=True):
                assert np.array_equal(left, right) and np.isfinite(left).all()
    sizes = options.feature_counts(0, 0)
    assert sizes == (results[0][0][1].shape[-1], results[0][0][2].shape[-1])


def test_large_tables_are_read_in_parts(monkeypatch: Any) -> None:
    """A table that exceeds the limit is trained on in part, and forecast chunk by chunk alike."""
    sales = np.random.default_rng(6).poisson(0.5, (40, 80)).astype(float)
    model = fit_counts(list(sales), horizon=3)
    whole = model.forecast(list(sales))
    monkeypatch.setattr(count_model, "MOST_VALUES", 30 * 80)
    parts = model.forecast(list(sales))
    assert parts.mean == pytest.approx(whole.mean, rel=1e-6)
    assert fit_counts(list(sales), horizon=3).forecast(list(sales)).mean.shape == (40, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"histories": [[1.0, 2.5]]}, '2.5, which is no count: take likelihood="tweedie"'),
        ({"histories": [[1.0, -2.0]]}, "series 0 has a demand of -2: give 0 to"),
        ({"histories": [[1.0], [np.inf]]}, "series 1 has a demand of inf"),
        ({"histories": [[1.0], [np.nan]]}, "series 1 has no known demand"),
        ({"histories": [[[1.0]]]}, "arrays of one axis"),
        ({"histories": []}, "there is no series"),
        ({"horizon": 0}, "horizon=0"),
        ({"seasons": (1,)}, "a season=1"),
        ({"likelihood": "poisson"}, "give 'negative_binomial' or 'tweedie'"),
        ({"static": [[1.0], [2.0]]}, "static has the shape"),
        ({"known": [[[1.0]]]}, "a row for each of its 2 steps"),
        ({"known": [[[1.0], [np.nan]]]}, "fill it before"),
        ({"ends": 0.5}, "ends is float64"),
        ({"ends": [1, 2]}, "one for each of the 1 series"),
        ({"known": [np.ones((2, 1))] * 2}, "2 arrays for 1 series"),
    ],
)
def test_wrong_use_is_said(change: Any, message: str) -> None:
    """Each wrong argument is refused with what came and what to do."""
    arguments: Any = {"histories": [[1.0, 2.0]], "horizon": 2, **change}
    histories = arguments.pop("histories")
    with pytest.raises((DataError, ValueError), match=message.replace("(", r"\(")):
        fit_counts(histories, **arguments)


@settings(max_examples=60, deadline=None)
@given(st.floats(-6, 12), st.floats(-6, 6), st.integers(0, 3000))
def test_negative_binomial_loss_is_scipys(log_shape: float, log_mean: float, y: int) -> None:
    """But for terms of y it is SciPy's; its derivative by log m is ``(m - y) / (1 + a m)``."""
    shape, mean = np.exp(log_shape), np.exp(log_mean)
    alone = special.gammaln(y + 1.0) - special.xlogy(y, y) + y
    expected = -stats.nbinom.logpmf(y, shape, shape / (shape + mean)) - alone
    got = distributions.negative_binomial_loss(log_mean, -log_shape, float(y))
    assert float(got) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    slope = grad(distributions.negative_binomial_loss)(log_mean, -log_shape, float(y))
    assert float(slope) == pytest.approx((mean - y) / (1.0 + mean / shape), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("mean", "dispersion"), [(1.0, 0.5), (2.0, 3.0), (0.3, 1.0)])
def test_tweedie_is_a_distribution(mean: float, dispersion: float) -> None:
    """Its density adds up to 1, to the mean and to the variance ``a m**1.5``; quantiles invert."""
    y = np.linspace(1e-7, 80.0, 400_001)
    density = np.exp(-distributions.tweedie_loss(np.log(mean), np.log(dispersion), y))
    zero = np.exp(-distributions.tweedie_loss(np.log(mean), np.log(dispersion), 0.0))
    moments = [np.trapezoid(density * y**power, y) for power in range(3)]
    assert zero + moments[0] == pytest.approx(1.0, abs=1e-4)
    assert moments[1] == pytest.approx(mean, rel=1e-4)
    assert moments[2] - mean**2 == pytest.approx(dispersion * mean**1.5, rel=1e-3)
    parameters = [np.array([one]) for one in (mean, dispersion, 1.0)]
    for level in (0.3, 0.6, 0.9, 0.99):
        high = distributions.quantile("tweedie", np.array([level]), *parameters)
        inside = y <= high
        below = zero + np.trapezoid(density[inside], y[inside])
        assert below == pytest.approx(max(level, zero), abs=2e-3)


def test_many_amounts_are_nearly_a_gamma() -> None:
    """At the number where the approximation begins, quantiles go on without a step."""
    number = np.array([499.0, 500.0, 501.0, 502.0])
    for level in (0.025, 0.5, 0.975):
        at = distributions._tweedie_quantile(np.full(4, level), number)
        assert np.diff(at) == pytest.approx(np.full(3, np.diff(at)[2]), abs=0.05)
