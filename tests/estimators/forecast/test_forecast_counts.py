"""Models of counts: what simulated panels, whose distribution is known, say of the forecasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from demand_classics import croston_path, paths_and_costs, sba_path, tsb_path
from scipy import stats

from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.forecast.counts import CountModel, fit_counts

pytestmark = pytest.mark.usefixtures("_unoptimised")

SERIES, LENGTH, HORIZON, ORIGINS = 60, 200, 7, 8
DISPERSION, NO_SALE = 0.5, 0.2
WEEK = np.array([0.5, 0.6, 0.8, 0.9, 1.2, 1.6, 1.4])


def simulate(seed: int, series: int = SERIES, length: int = LENGTH) -> tuple[Any, Any]:
    """Negative binomial demands with a week and days without any sale, and their means."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(-0.3, 0.7, (series, 1)))
    mean = level * WEEK[np.arange(length + ORIGINS * HORIZON) % 7]
    shape = 1.0 / DISPERSION
    sold = rng.negative_binomial(shape, shape / (shape + mean / (1.0 - NO_SALE)))
    return np.where(rng.random(mean.shape) < NO_SALE, 0.0, sold), mean


def rolling(model: CountModel, demands: Any, length: int = LENGTH) -> list[Any]:
    """Forecasts at origins that are a horizon apart, by a model that is not trained again."""
    ends = range(0, ORIGINS * HORIZON, HORIZON)
    return [model.forecast(list(demands[:, : length + end]), ends=end) for end in ends]


def joined(forecasts: list[Any], part: Callable[[Any], Any]) -> Any:
    return np.concatenate([part(one) for one in forecasts], axis=1)


@pytest.fixture(scope="module")
def fitted() -> tuple[CountModel, Any, Any, list[Any]]:
    demands, mean = simulate(0)
    model = fit_counts(list(demands[:, :LENGTH]), horizon=HORIZON, seasons=(7,))
    return model, demands, mean, rolling(model, demands)


def scaled_error(forecast: Any, demands: Any) -> float:
    """The mean over series of the root mean squared scaled error (as in M5)."""
    scale = np.mean(np.diff(demands[:, :LENGTH], axis=1) ** 2, axis=1)
    squared = np.mean((demands[:, LENGTH:] - forecast) ** 2, axis=1)
    return float(np.sqrt(squared / scale).mean())


def classic_forecasts(path: Callable[..., list[float]], count: int, demands: Any) -> Any:
    """Of the steps after the training, at each origin with the smoothing of the least error."""
    origins = LENGTH + HORIZON * np.arange(ORIGINS)
    rows = []
    for series in demands:
        paths, costs = paths_and_costs(path, count, series)
        rows.append(paths[costs[:, origins].argmin(axis=0), origins].repeat(HORIZON))
    return np.array(rows)


def test_the_mean_beats_the_classics_and_nears_the_truth(fitted: Any) -> None:
    """Its error is below those of Croston, SBA and TSB, and at most 2 % above the true mean's."""
    _, demands, mean, forecasts = fitted
    error = scaled_error(joined(forecasts, lambda one: one.mean), demands)
    for path, count in ((croston_path, 1), (sba_path, 1), (tsb_path, 2)):
        assert error < 0.98 * scaled_error(classic_forecasts(path, count, demands), demands)
    assert error < 1.02 * scaled_error(mean[:, LENGTH:], demands)


def test_forecasts_are_unbiased(fitted: Any) -> None:
    """Their sum is within 3 % of that of the true means, and the weekly profile is the true one."""
    _, _, mean, forecasts = fitted
    sums = joined(forecasts, lambda one: one.mean).sum(axis=0)
    assert sums.sum() == pytest.approx(mean[:, LENGTH:].sum(), rel=0.03)
    profile = sums.reshape(ORIGINS, 7).sum(axis=0)
    phases = (LENGTH + np.arange(7)) % 7
    assert profile / profile.mean() == pytest.approx((WEEK / WEEK.mean())[phases], rel=0.12)


def test_the_likelihood_beats_one_distribution_for_a_series(fitted: Any) -> None:
    """Demands are likelier than by a negative binomial of each series' mean and variance."""
    _, demands, _, forecasts = fitted
    past, actual = demands[:, :LENGTH], demands[:, LENGTH:]
    mean = joined(forecasts, lambda one: one.mean)
    shape = 1.0 / joined(forecasts, lambda one: one.dispersion)
    ours = stats.nbinom.logpmf(actual, shape, shape / (shape + mean)).mean()
    usual = past.mean(axis=1, keepdims=True)
    excess = np.maximum(past.var(axis=1, keepdims=True) - usual, 1e-3)
    shape = usual**2 / excess
    assert ours > 0.02 + stats.nbinom.logpmf(actual, shape, shape / (shape + usual)).mean()


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_quantiles_hold_as_the_true_ones_do(fitted: Any, level: float) -> None:
    """Demands stay within as often as within the true quantile, which whole numbers exceed.

    The true distribution's interval of 80 % contains more than 80 %, for it ends at whole numbers.
    """
    _, demands, mean, forecasts = fitted
    actual, mean = demands[:, LENGTH:], mean[:, LENGTH:] / (1.0 - NO_SALE)
    shape = 1.0 / DISPERSION
    chance = shape / (shape + mean)

    def true_function(y: Any) -> Any:
        return np.where(y < 0, 0.0, NO_SALE + (1.0 - NO_SALE) * stats.nbinom.cdf(y, shape, chance))

    def true_quantile(p: float) -> Any:
        return stats.nbinom.ppf(max(p - NO_SALE, 0.0) / (1.0 - NO_SALE), shape, chance)

    for low, high in ((None, level), (0.5 - level / 2, 0.5 + level / 2)):
        begin = -1.0 if low is None else np.maximum(true_quantile(low), 0.0) - 1.0
        expected = (true_function(true_quantile(high)) - true_function(begin)).mean()
        inside = actual <= joined(forecasts, lambda one, p=high: one.quantile(p))
        if low is not None:
            inside &= actual >= joined(forecasts, lambda one, p=low: one.quantile(p))
        assert expected >= level
        assert level - 0.02 <= inside.mean() == pytest.approx(expected, abs=0.025)


def test_quantiles_are_whole_and_rise(fitted: Any) -> None:
    """Quantiles of counts are whole numbers of 0 or more, and a higher level's is not lower."""
    quantiles = np.array([fitted[3][0].quantile(level) for level in np.linspace(0.01, 0.999, 60)])
    assert (quantiles == np.rint(quantiles)).all() and (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_samples_have_the_mean_and_the_quantiles(fitted: Any) -> None:
    """Drawn demands are on average the mean, and below a quantile as often as it says, or more."""
    forecast = fitted[3][0]
    samples = forecast.samples(400, np.random.default_rng(1))
    assert samples.shape == (SERIES, HORIZON, 400)
    assert samples.mean() == pytest.approx(forecast.mean.mean(), rel=0.04)
    below = (samples <= forecast.quantile(0.9)[:, :, None]).mean(axis=2)
    assert below.min() > 0.9 - 0.05
    again = forecast.samples(400, np.random.default_rng(1))
    assert np.array_equal(samples, again)


def test_sums_over_the_horizon_hold() -> None:
    """Where levels wander, steps err together: a sum's 90 % quantile holds 90 %, by correlation."""
    rng = np.random.default_rng(3)
    log_level = np.zeros((SERIES, 256))
    for step in range(1, 256):
        log_level[:, step] = 0.97 * log_level[:, step - 1] + 0.25 * rng.normal(size=SERIES)
    demands = rng.poisson(2.0 * np.exp(log_level)).astype(float)
    model = fit_counts(list(demands[:, :200]), horizon=HORIZON)
    assert 0.1 < model.calibration.correlation < 0.9
    inside = []
    for k, forecast in enumerate(rolling(model, demands)):
        first = LENGTH + k * HORIZON
        total = demands[:, first : first + HORIZON].sum(axis=1)
        paths = forecast.samples(100, rng).sum(axis=1)
        inside.append((total <= np.quantile(paths, 0.9, axis=1)).mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


def test_the_seed_decides(fitted: Any) -> None:
    """The same seed gives the same forecasts, bit for bit; another seed gives others, close by.

    Time is counted from any step: two weeks later on its axis, all is the same.
    """
    _, demands, _, forecasts = fitted
    histories = list(demands[:, :LENGTH])
    again, other = (
        fit_counts(histories, horizon=HORIZON, seasons=(7,), ends=14, random_state=seed).forecast(
            histories, ends=14
        )
        for seed in (0, 1)
    )
    assert np.array_equal(forecasts[0].mean, again.mean)
    assert np.array_equal(forecasts[0].quantile(0.9), again.quantile(0.9))
    assert not np.array_equal(forecasts[0].mean, other.mean)
    assert other.mean.sum() == pytest.approx(again.mean.sum(), rel=0.1)


def test_known_inputs_are_read_where_they_are() -> None:
    """A promotion that triples sales is forecast where it is announced, and nowhere else."""
    rng = np.random.default_rng(4)
    promotion = (rng.random((30, 120, 1)) < 0.15).astype(float)
    demands = rng.poisson(0.7 * 3.0 ** promotion[:, :, 0]).astype(float)
    static = rng.random((30, 1))
    model = fit_counts(list(demands), horizon=4, known=list(promotion), static=static)
    ahead = np.zeros((30, 4, 1))
    ahead[:, 2] = 1.0
    mean = model.forecast(list(demands), ahead, static).mean.mean(axis=0)
    assert mean == pytest.approx([0.7, 0.7, 2.1, 0.7], rel=0.2)
    with pytest.raises(DataError, match="trained with 1 known and 1 static inputs, and got 0 and"):
        model.forecast(list(demands))


def test_later_rows_of_known_inputs_do_not_leak() -> None:
    """Rows of known inputs after the history change no bit of a fit."""
    demands, _ = simulate(5, series=20, length=60)
    inputs = np.random.default_rng(5).random((20, 80, 2))
    changed = np.concatenate([inputs[:, :60], np.full((20, 20, 2), 1e6)], axis=1)
    histories, ahead = list(demands[:, :60]), inputs[:, 60:63]
    first, again = (
        fit_counts(histories, horizon=3, known=list(known)).forecast(histories, ahead)
        for known in (inputs, changed)
    )
    assert np.array_equal(first.mean, again.mean)
    assert np.array_equal(first.quantile(0.9), again.quantile(0.9))


def test_a_saved_model_is_the_same(fitted: Any) -> None:
    """JSON and arrays give back a model with the same forecasts; anything else is refused."""
    model, demands, _, forecasts = fitted
    description, arrays = model.to_state()
    loaded = CountModel.from_state(json.loads(json.dumps(description)), arrays)
    forecast = loaded.forecast(list(demands[:, :LENGTH]))
    assert np.array_equal(forecast.mean, forecasts[0].mean)
    assert np.array_equal(forecast.quantile(0.95), forecasts[0].quantile(0.95))
    for changed in ({"likelihood": "normal"}, {"horizon": 3}, {"mean_factor": 0.0},
                    {"seasons": [7, 7]}, {"known": 1}, {"correlation": 1.0}):  # fmt: skip
        with pytest.raises(ModelFileError):
            CountModel.from_state({**description, **changed}, arrays)
    shares = arrays["shares"].copy()
    shares[3] = shares[4]
    for wrong in ({"shares": shares}, {"more": shares}, {"linear": arrays["linear"] * np.nan},
                  {"shared.deviations": 0 * arrays["shared.deviations"]}):  # fmt: skip
        with pytest.raises(ModelFileError):
            CountModel.from_state(description, {**arrays, **wrong})
