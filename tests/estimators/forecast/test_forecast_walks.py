"""No skill where there is none: random walks with drift, and prices of real markets."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

WALKS, LENGTH, WINDOWS = 30, 260, 40


@pytest.mark.slow
def test_skill_is_not_claimed_on_random_walks_with_drift() -> None:
    """Of 30 walks at most 8 % have p < .05, and none a claim; members are searched."""
    rng = np.random.default_rng(20)
    small = claimed = 0
    for _ in range(WALKS):
        drift, deviation = rng.uniform(-0.001, 0.002), rng.uniform(0.005, 0.03)
        noise = rng.normal(size=LENGTH) if rng.random() < 0.5 else rng.standard_t(4, size=LENGTH)
        prices = 50.0 * np.exp(np.cumsum(drift + deviation * noise))
        forecaster = cr.Forecaster(horizon=1, kind="price", random_state=0, progress=False)
        result = forecaster.backtest(prices, n_windows=WINDOWS, step=1, refit=False)
        assert result.skill is not None
        small += result.skill.p_value < 0.05
        claimed += result.skill.claimed
    assert small <= 0.08 * WALKS
    assert claimed == 0


def test_returns_that_follow_on_each_other_are_exploited() -> None:
    """Of returns with an autocorrelation of .35 a third of a point is gained, and claimed."""
    rng = np.random.default_rng(3)
    returns = np.zeros(1000)
    for k in range(1, len(returns)):
        returns[k] = 0.35 * returns[k - 1] + 0.01 * rng.normal()
    prices = 100.0 * np.exp(np.cumsum(returns))
    forecaster = cr.Forecaster(horizon=1, kind="price", random_state=0, progress=False)
    skill = forecaster.backtest(prices, n_windows=200, step=1, refit=False).skill
    assert skill is not None and skill.claimed
    assert 0.90 < skill.relative_rmse < 0.97  # sqrt(1 - .35**2) is .937
