"""Skill is claimed where it is, and not on random walks; the tests agree with their formulas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from chainrule.estimators.forecast.evaluation.skill import (
    DRIFT,
    YESTERDAY,
    Skill,
    clark_west,
    hit_rate,
    price_skill,
)

LENGTH, FIRST = 500, 250
ORIGINS = np.arange(FIRST, LENGTH)


def ar1_forecasts(returns: Any, origins: Any) -> Any:
    """One-step forecasts of returns by least squares on what is known at each origin."""
    result = []
    for k in origins:
        x, y = returns[: k - 2], returns[1 : k - 1]
        slope = np.cov(x, y)[0, 1] / x.var(ddof=1)
        result.append(y.mean() + slope * (returns[k - 2] - x.mean()))
    return np.array(result)


def cheap_forecasts(returns: Any, rng: Any) -> Iterator[tuple[str, Any]]:
    """Forecasts of the next return from those before, none of which knows anything."""
    total = np.concatenate([[0.0], np.cumsum(returns)])
    known = ORIGINS - 1  # returns known at each origin
    mean = total[known] / known
    yield "no change", np.zeros(len(known))
    yield "half the drift", mean / 2
    yield "autoregression", ar1_forecasts(returns, ORIGINS)
    yield "noise around the drift", mean + 0.002 * rng.normal(size=len(known))
    for window in (5, 60):
        yield f"mean of the last {window}", (total[known] - total[known - window]) / window


def test_random_walks_with_drift_have_no_skill() -> None:
    """Of 200 walks, p < .05 in at most 8 % and a claim in at most 2 %, whatever the forecast."""
    significant: dict[str, int] = {}
    claimed: dict[str, int] = {}
    rng = np.random.default_rng(0)
    for walk in range(200):
        drift = (0.0, 0.0005, 0.001, 0.003)[walk % 4]
        noise = rng.normal(size=LENGTH - 1) if walk % 2 else rng.standard_t(4, LENGTH - 1) / 2**0.5
        returns = drift + 0.01 * noise
        prices = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
        for name, forecast in cheap_forecasts(returns, rng):
            future = prices[ORIGINS - 1] * np.exp(forecast)
            skill = price_skill(prices, future[:, None], ORIGINS)
            significant[name] = significant.get(name, 0) + (skill.p_value < 0.05)
            claimed[name] = claimed.get(name, 0) + skill.claimed
    assert max(significant.values()) <= 0.08 * 200, significant
    assert max(claimed.values()) <= 0.02 * 200, claimed
    assert sum(significant.values()) > 0  # the tests can reject


def test_momentum_that_is_there_is_claimed() -> None:
    """Returns with phi = .3, 1000 windows: skill in each of ten, with RMSE near sqrt(1 - .09)."""
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        returns = np.zeros(1299)
        for k, shock in enumerate(0.01 * rng.normal(size=1299)):
            returns[k] = 0.0005 + 0.3 * returns[k - 1] + shock
        prices = 50 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
        origins = np.arange(300, 1300)
        future = prices[origins - 1] * np.exp(ar1_forecasts(returns, origins))
        skill = price_skill(prices, future[:, None], origins)
        assert skill.claimed and skill.n == 1000 and skill.p_value < 1e-6
        errors.append(skill.relative_rmse)
        assert skill.hit_rate > skill.baseline_hit_rate
        assert skill.sentence().startswith("The forecast is better than ")
        assert "no better" not in skill.sentence()
    assert 0.954 == pytest.approx(np.mean(errors), abs=0.01)


def test_a_rising_market_is_no_skill() -> None:
    """Always-up beats yesterday's price by far, and is still "no better": the drift knows it."""
    rng = np.random.default_rng(3)
    prices = 100 * np.exp(np.cumsum(0.01 + 0.01 * rng.normal(size=600)))
    origins = np.arange(300, 600)
    skill = price_skill(prices, 1.0101 * prices[origins - 1][:, None], origins)
    assert DRIFT == skill.baseline and not skill.claimed
    assert skill.hit_rate == skill.baseline_hit_rate > 0.8
    assert "no better than yesterday's price" in skill.sentence()


def test_the_drift_itself_and_yesterday_tell_nothing() -> None:
    """A forecast that is a walk has p = 1 and a relative error that is not below 1."""
    rng = np.random.default_rng(4)
    prices = np.exp(np.cumsum(0.01 * rng.normal(size=200)))
    origins = np.arange(100, 200)
    for future in (
        prices[origins - 1],
        prices[origins - 1] * (prices[origins - 1] / prices[0]) ** (1 / (origins - 1)),
    ):
        skill = price_skill(prices, future[:, None], origins)
        assert 1.0 == skill.p_value and not skill.claimed
        assert skill.relative_rmse >= 1 - 1e-12


def test_only_windows_that_do_not_overlap_are_compared() -> None:
    """At 5 steps ahead windows every 2 steps count by threes: 6 steps apart."""
    rng = np.random.default_rng(5)
    prices = rng.normal(size=100).cumsum()  # also below 0: differences, not logarithms
    origins = np.arange(20, 90, 2)
    forecasts = rng.normal(size=(len(origins), 5))
    chosen = origins[::3]
    changes = prices[chosen + 4] - prices[chosen - 1]
    drift = (prices[chosen - 1] - prices[0]) / (chosen - 1) * 5
    ours = forecasts[::3, 4] - prices[chosen - 1]
    expected = max(clark_west(changes, walk, ours)[1] for walk in (drift, 0 * drift))
    skill = price_skill(prices, forecasts, origins, ahead=5)
    assert len(chosen) == skill.n
    assert expected == pytest.approx(skill.p_value)
    rms = [np.sqrt(np.mean((changes - walk) ** 2)) for walk in (drift, 0 * drift, ours)]
    assert rms[2] / min(rms[:2]) == pytest.approx(skill.relative_rmse)
    assert (DRIFT, YESTERDAY)[int(rms[1] < rms[0])] == skill.baseline
    assert np.mean(np.sign(changes) == np.sign(ours)) == pytest.approx(skill.hit_rate)
    assert len(origins) == price_skill(prices, forecasts, origins).n


def test_copies_of_a_series_add_no_evidence() -> None:
    """Twenty equal series, in other units, have the p-value of one: they move together."""
    rng = np.random.default_rng(6)
    prices = np.exp(0.01 * rng.normal(size=300).cumsum())
    origins = np.arange(200, 300)
    future = prices[origins - 1] * np.exp(0.003 * rng.normal(size=100))
    one = price_skill(prices, future[:, None], origins)
    factors = np.arange(1.0, 21.0)
    many = price_skill(factors[:, None] * prices, future[:, None, None] * factors[:, None], origins)
    assert one.p_value == pytest.approx(many.p_value) and one.n == many.n
    assert one.relative_rmse == pytest.approx(many.relative_rmse)


def test_missing_prices_are_left_out() -> None:
    """A window whose price or forecast is missing does not count, and nothing becomes NaN."""
    rng = np.random.default_rng(7)
    prices = np.exp(0.01 * rng.normal(size=120).cumsum())
    origins = np.arange(60, 120)
    future = prices[origins - 1][:, None] * 1.001
    future[3] = np.nan
    prices[100] = np.nan
    skill = price_skill(prices, future, origins)
    assert 58 == skill.n and np.isfinite(skill.p_value) and np.isfinite(skill.relative_rmse)
    constant = price_skill(np.ones(50), np.ones((10, 1)), np.arange(40, 50))
    assert (0, 1.0, False) == (constant.n, constant.p_value, constant.claimed)
    assert "no better than yesterday's price" in constant.sentence()


def test_clark_west_is_the_t_test_of_the_adjusted_differences() -> None:
    """Scipy's, of one series or of the means of several in each row."""
    rng = np.random.default_rng(8)
    y, b, f = rng.normal(size=(3, 40))
    adjusted = (y - b) ** 2 - ((y - f) ** 2 - (b - f) ** 2)
    expected = stats.ttest_1samp(adjusted, 0.0, alternative="greater")
    assert (expected.statistic, expected.pvalue) == pytest.approx(clark_west(y, b, f))
    assert (0.0, 1.0) == clark_west(y, b, b) == clark_west(y, b, b + 1e-15)
    assert (0.0, 1.0) == clark_west(y[:1], b[:1], f[:1])
    assert (np.inf, 0.0) == clark_west(np.ones(5), np.zeros(5), np.ones(5))
    table = adjusted.reshape(10, 4).mean(axis=1)
    expected = stats.ttest_1samp(table, 0.0, alternative="greater")
    tables = (values.reshape(10, 4) for values in (y, b, f))
    assert (expected.statistic, expected.pvalue) == pytest.approx(clark_west(*tables))
    holes = np.where(np.arange(40) == 7, np.nan, y)
    assert clark_west(np.delete(y, 7), np.delete(b, 7), np.delete(f, 7)) == clark_west(holes, b, f)


def test_hits_are_signs() -> None:
    """Two of three changes right; those of 0 are left out, and no forecast is half a hit."""
    assert 2 / 3 == pytest.approx(hit_rate([1, -1, 2, 0, np.nan], [3, -2, -1, 5, 1]))
    assert 0.5 == hit_rate([1, -1, 2], [0, 0, 0])
    assert np.isnan(hit_rate([0.0], [1.0]))


def test_wrong_use_of_price_skill_is_refused() -> None:
    """Shapes that do not fit, a step beyond the horizon, and origins without a future."""
    prices, forecasts = np.arange(1.0, 11.0), np.ones((2, 3))
    with pytest.raises(ValueError, match="for 3 origins and 1 series"):
        price_skill(prices, forecasts, [1, 2, 3])
    with pytest.raises(ValueError, match="ahead is 1 to the horizon 3, not 4"):
        price_skill(prices, forecasts, [3, 4], ahead=4)
    with pytest.raises(ValueError, match="1 to 9 for 1 of 10 to follow; .* from 3 to 10"):
        price_skill(prices, forecasts, [3, 10])
    with pytest.raises(ValueError, match=r"to be \(n,\) or \(n, series\) each"):
        clark_west(prices, prices[:3], prices)


def test_a_sentence_names_the_walk_and_the_numbers() -> None:
    """A claim names what is beaten; one against yesterday's price has no article."""
    claim = Skill(DRIFT, 40, 0.95, 0.001, 0.6, 0.5, True, ahead=5).sentence()
    assert claim.startswith("The forecast is better than the random walk with drift: RMSE 0.950 of")
    assert "40 windows, 5 steps ahead; direction right in 60 %" in claim
    other = Skill(YESTERDAY, 40, 0.95, 0.001, np.nan, 0.5, True).sentence()
    assert other.startswith("The forecast is better than yesterday's price: RMSE 0.950 of that of ")
