"""Intervals cover what they say and are nested; sums of sample paths spread as they should."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from series_programs import PROGRAMS, WEEK, autoregression, covered, outcomes, seasonal

from chainrule import Forecaster
from chainrule.errors import DataError
from chainrule.estimators.forecast.forecast_warning import FewOriginsWarning
from chainrule.estimators.forecast.intervals.conformal import Conformal
from chainrule.estimators.forecast.intervals.spreads import Spreads, measure, target_positions
from chainrule.estimators.forecast.members.committee import Track
from chainrule.estimators.forecast.members.histories import Origins
from chainrule.estimators.forecast.members.scaling import Scaling

LEVELS = [80, 90, 95]
SEASONS = {"autoregression": 1}


def coverage(name: str, seed: int, series: int, origins: int) -> dict[int, Any]:
    """Whether steps (origins, series, horizon) after 500 rows were within intervals, by level."""
    rng = np.random.default_rng(seed)
    values = PROGRAMS[name](500 + origins + 6, rng, series)
    forecaster = Forecaster(
        horizon=6, members="ridge", season_length=SEASONS.get(name, 7), random_state=0
    )
    forecaster.fit(values[:500])
    result = outcomes(forecaster, values, 500, origins, LEVELS)
    return {level: covered(result, level) for level in LEVELS}


@pytest.fixture(scope="module")
def simulated() -> dict[str, dict[int, Any]]:
    """Of each program, 420 windows: a panel of 12 series, 35 origins each."""
    return {name: coverage(name, 0, 12, 35) for name in PROGRAMS}


@pytest.mark.parametrize("level", LEVELS)
def test_coverage_of_all_simulations_together(simulated: Any, level: int) -> None:
    """Within 1.5 points of the level, over 1,680 windows of four kinds of series."""
    shares = [100.0 * inside[level].mean() for inside in simulated.values()]
    assert abs(np.mean(shares) - level) < 1.5, shares


@pytest.mark.parametrize("name", PROGRAMS)
def test_coverage_at_every_horizon(simulated: Any, name: str) -> None:
    """Within 5 points of each level, at each step ahead, for each kind of series."""
    for level in LEVELS:
        shares = 100.0 * simulated[name][level].mean(axis=(0, 1))
        assert np.abs(shares - level).max() < 5.0, (level, shares.round(1).tolist())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uneven", "shifting"])
def test_coverage_of_single_series(name: str) -> None:
    """Two series alone, 400 origins each: within 1.5 points in all, 5 at each step ahead."""
    runs = [coverage(name, seed, 1, 400) for seed in range(2)]
    for level in LEVELS:
        shares = 100.0 * np.mean([run[level].mean(axis=(0, 1)) for run in runs], axis=0)
        assert abs(shares.mean() - level) < 1.5, (level, shares.round(1).tolist())
        assert np.abs(shares - level).max() < 5.0, (level, shares.round(1).tolist())


def conformal_of(errors: Any, transform: str = "none") -> Conformal:
    """Intervals of errors (n, horizon), for one series of the level 1 and the spread 1."""
    n, horizon = errors.shape
    unit = np.ones(1)
    scaling = Scaling(transform, unit, 0.0 * unit, 0.0 * unit, unit)
    spreads, series = Spreads(np.ones(horizon), unit, unit), np.zeros(n, np.int64)
    return Conformal(scaling, spreads, errors, series, n, np.ones((n, horizon)), with_heads=False)


ONE = Origins(np.zeros(1, np.int64), np.array([10]))


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 400),
    horizon=st.integers(1, 12),
    transform=st.sampled_from(["none", "sqrt", "log"]),
)
def test_intervals_are_nested_and_contain_the_forecast(
    seed: int, n: int, horizon: int, transform: str
) -> None:
    """A higher level is never narrower, whatever the errors; roots and logs stay above zero."""
    rng = np.random.default_rng(seed)
    errors = rng.standard_t(2, (n, horizon)) * np.exp(rng.normal(0.0, 1.0, horizon))
    errors[:, 0] = rng.choice([-1.0, 3.0], n)  # of quite another law than the other steps
    forecasts = rng.gamma(1.0, 2.0, (1, horizon))
    levels = (1.0, 30.0, 50.0, 80.0, 90.0, 95.0, 99.0, 99.9)
    starts = np.zeros(1, np.int64)
    result = conformal_of(errors, transform).intervals(forecasts, ONE, starts, levels)
    lower, upper = forecasts, forecasts
    for level in levels:
        assert np.all(result[level][0] <= lower + 1e-12)
        assert np.all(result[level][1] >= upper - 1e-12)
        lower, upper = result[level]
    if transform != "none":
        assert lower.min() >= 0.0


def test_bounds_of_one_step_are_those_of_split_conformal_prediction() -> None:
    """Of n errors, the ends at 80 % are the ones of rank (n + 1) / 10 from either side."""
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))[:, None]
    low, high = conformal_of(errors).bounds(80.0)
    assert (float(low[0]), float(high[0])) == pytest.approx((10.0, 90.0))
    assert conformal_of(errors).bounds(99.0)[:, 0].tolist() == [1.0, 99.0]  # no error is beyond


def test_steps_have_bounds_of_their_own_once_there_are_windows_enough() -> None:
    """With few windows all steps share theirs; with many, each step's errors decide."""
    rng = np.random.default_rng(1)

    def ratio(n: int) -> float:
        errors = rng.normal(size=(n, 2)) * np.array([1.0, 3.0])
        low, high = conformal_of(errors).bounds(80.0)
        return float((high[1] - low[1]) / (high[0] - low[0]))

    assert ratio(20) < 1.5
    assert ratio(20_000) == pytest.approx(3.0, rel=0.05)


def series_errors(n: int, horizon: int, seed: int) -> tuple[Any, Origins, Any]:
    rng = np.random.default_rng(seed)
    residuals = rng.normal(size=(n, horizon))
    origins = Origins(np.zeros(n, np.int64), np.arange(50, 50 + n))
    ages = 50 + n + horizon - 1 - origins.steps
    return residuals, origins, ages


def test_recent_errors_are_those_that_were_over_by_then() -> None:
    """A slow loop over windows that were over: the older the less, and 10 of the mean so far."""
    residuals, origins, ages = series_errors(150, 1, 2)
    residuals[-4:] *= 30.0
    residuals[-1] = np.nan
    spreads, then = measure(residuals, origins, ages, np.zeros(1, np.int64), 1)
    sizes = np.abs(residuals[:, 0]) / np.nanmean(np.abs(residuals))

    def expected(age: int) -> float:
        over = [
            (size, 0.5 ** ((other - age - 1) / 60.0))
            for other, size in zip(ages, sizes, strict=True)
            if other > age and np.isfinite(size)
        ]
        mean = (10.0 + sum(size for size, _ in over)) / (10.0 + len(over))
        recent = sum(size * weight for size, weight in over)
        return (10.0 * mean + recent) / (10.0 + sum(weight for _, weight in over))

    np.testing.assert_allclose(then, [expected(age) for age in ages])
    np.testing.assert_allclose(spreads.of_late, expected(0))


def test_sizes_follow_the_step_the_season_and_what_was_of_late() -> None:
    """Planted factors are recovered: errors twice as large at step 3, and on one day in seven."""
    residuals, origins, ages = series_errors(700, 3, 3)
    starts = np.array([4])
    position = target_positions(origins, starts, 3, 7)
    assert position[0].tolist() == [(4 + 50 + k) % 7 for k in range(3)]
    residuals = residuals * np.array([1.0, 1.0, 2.0]) * np.where(position == 5, 3.0, 1.0)
    spreads, _ = measure(residuals, origins, ages, starts, 7)
    assert spreads.by_step[2] > 1.5 * spreads.by_step[0]
    others = np.delete(spreads.by_position, 5)
    assert spreads.by_position[5] / others.mean() == pytest.approx(3.0, rel=0.2)
    assert others.std() < 0.1 * others.mean()


def test_series_that_are_forecast_without_error_have_intervals_of_no_width() -> None:
    """Constant, zero, and perfectly seasonal series: no division by zero, no missing interval."""
    week = np.tile(10.0 + WEEK, 20)
    for values in (np.full(60, 3.0), np.zeros(60), -np.ones(60), week, np.arange(80.0)):
        forecaster = Forecaster(horizon=3, kind="level", random_state=0).fit(values)
        answer = forecaster.predict([80])
        width = 1e-6 * (1.0 + np.abs(values).max())
        np.testing.assert_allclose(answer["lo-80"], answer["forecast"], atol=width)
        np.testing.assert_allclose(answer["hi-80"], answer["forecast"], atol=width)


@pytest.mark.parametrize("transform", ["none", "sqrt", "log", "auto"])
def test_forecast_intervals_of_a_forecaster(transform: str) -> None:
    """Lower <= forecast <= upper, wider with the level, and not negative for roots and logs."""
    rng = np.random.default_rng(4)
    values = np.abs(seasonal(200, rng) - 16.0) ** 1.5
    forecaster = Forecaster(horizon=7, transform=transform, season_length=7, random_state=0)
    answer = forecaster.fit(values[:, 0]).predict([50, 80, 90])
    columns = ["lo-90", "lo-80", "lo-50", "forecast", "hi-50", "hi-80", "hi-90"]
    assert np.all(np.diff(answer[columns].to_numpy(), axis=1) >= 0.0)
    assert np.all(answer["hi-90"] > answer["lo-90"])
    if transform in ("sqrt", "log"):
        assert answer["lo-90"].min() >= 0.0


def test_intervals_of_counts_are_not_negative() -> None:
    """Quantiles of a distribution of demand."""
    rng = np.random.default_rng(5)
    demand = rng.poisson(1.5, 250) * (rng.random(250) < 0.35)
    forecaster = Forecaster(horizon=4, random_state=0, progress=False).fit(demand)
    answer = forecaster.predict([80, 95])
    assert forecaster.kind_ == "count"
    assert answer[["lo-80", "lo-95"]].to_numpy().min() >= 0.0
    assert np.all(answer["hi-95"] >= answer["hi-80"])
    paths = forecaster.sample_paths(50).filter(like="sample").to_numpy()
    assert paths.min() >= 0.0
    assert np.all(paths == paths.round())


def test_each_level_has_its_columns_once() -> None:
    """Levels keep their order, and one that is asked for twice is there once."""
    forecaster = Forecaster(horizon=2, random_state=0).fit(seasonal(150, np.random.default_rng(6)))
    answer = forecaster.predict([90, 50.0, 90, 97.5 - 30])
    names = ["lo-90", "hi-90", "lo-50", "hi-50", "lo-67.5", "hi-67.5"]
    assert answer.columns.tolist()[-6:] == names
    alone = forecaster.predict(90)
    np.testing.assert_array_equal(alone[["lo-90", "hi-90"]], answer[["lo-90", "hi-90"]])


# Too little to calibrate


def test_few_origins_are_said() -> None:
    """A level that needs more past forecasts than there are warns; one for which they do, not."""
    values = seasonal(90, np.random.default_rng(7))[:, 0]
    forecaster = Forecaster(horizon=3, season_length=7, random_state=0).fit(values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecaster.predict([50])
    with pytest.warns(FewOriginsWarning, match=r"past forecasts .* too few .* 99\.5 % .* need 400"):
        forecaster.predict([50, 99.5])


def test_without_past_forecasts_there_are_no_intervals() -> None:
    """Forecasts are there; intervals and paths are refused, with what to do."""
    forecaster = Forecaster(horizon=5, random_state=0).fit([3.0, 4.0, 5.0, 4.0, 3.0])
    assert len(forecaster.predict()) == 5
    for ask in (lambda: forecaster.predict(80), forecaster.sample_paths):
        with pytest.raises(DataError, match="too short to calibrate .* longer series, a shorter"):
            ask()


def test_sizes_of_past_windows_do_not_depend_on_later_ones() -> None:
    """What two series' last windows swap changes what was expected after them, not before."""
    rng = np.random.default_rng(12)
    residuals = rng.normal(size=(60, 2)) * np.repeat([1.0, 5.0], 30)[:, None]
    origins = Origins(np.repeat([0, 1], 30), np.tile(np.arange(20, 50), 2))
    ages, starts = 52 - origins.steps, np.zeros(2, np.int64)
    swapped = residuals.copy()
    swapped[20:30], swapped[50:60] = residuals[50:60], residuals[20:30]
    _, then = measure(residuals, origins, ages, starts, 1)
    _, after = measure(swapped, origins, ages, starts, 1)
    early = origins.steps <= 41  # the first window that is swapped is over at step 42
    np.testing.assert_allclose(after[early], then[early])
    assert np.all(np.abs(after[~early] / then[~early] - 1.0) > 0.01)


# Sample paths


def test_sums_of_sample_paths_of_an_autoregression() -> None:
    """Sums over 8 steps of an AR(1) have the standard deviation of the closed form, within 12 %."""
    phi, horizon = 0.7, 8
    values = autoregression(phi, 700, np.random.default_rng(8), 6)
    forecaster = Forecaster(horizon=horizon, members="ridge", season_length=1, random_state=0)
    forecaster.fit(values)
    paths = forecaster.sample_paths(800, random_state=1)
    drawn = paths.filter(like="sample-")
    assert drawn.shape == (6 * horizon, 800)
    sums = drawn.groupby(paths["unique_id"]).sum().to_numpy()
    # The error of step h is the sum of phi^(h-j) e_j: e_j counts (1 - phi^(H-j+1)) / (1 - phi).
    weights = (1.0 - phi ** np.arange(1, horizon + 1)) / (1.0 - phi)
    expected = float(np.sqrt(np.sum(weights**2)))
    independent = float(np.sqrt(np.sum([(1 - phi ** (2 * h)) / (1 - phi**2) for h in range(1, 9)])))
    spread = float(np.sqrt(np.mean(sums.var(axis=1))))
    assert spread == pytest.approx(expected, rel=0.12)
    assert abs(spread - expected) < 0.5 * abs(spread - independent)
    totals = drawn.mean(axis=1).groupby(paths["unique_id"]).sum()
    forecast = forecaster.predict().groupby("unique_id")["forecast"].sum()
    np.testing.assert_allclose(totals, forecast, atol=0.25 * expected)


def test_sample_paths_agree_with_the_intervals() -> None:
    """Each step's paths have the quantiles that `predict` gives, as far as few paths tell."""
    values = seasonal(600, np.random.default_rng(9))[:, 0]
    forecaster = Forecaster(horizon=4, season_length=7, random_state=0).fit(values)
    answer = forecaster.predict([80])
    paths = forecaster.sample_paths(4000).filter(like="sample-").to_numpy()
    inside = (paths >= answer[["lo-80"]].to_numpy()) & (paths <= answer[["hi-80"]].to_numpy())
    np.testing.assert_allclose(inside.mean(axis=1), 0.8, atol=0.06)
    assert stats.spearmanr(paths[0], paths[1]).statistic > 0.15  # errors of one path go together


def test_sample_paths_are_reproducible() -> None:
    """The forecaster's random_state draws them, or the one that is asked for."""
    values = seasonal(150, np.random.default_rng(10))[:, 0]
    forecaster = Forecaster(horizon=3, random_state=5).fit(values)
    first = forecaster.sample_paths(7)
    assert first.equals(forecaster.sample_paths(7))
    assert first.equals(forecaster.sample_paths(7, random_state=5))
    assert not first.equals(forecaster.sample_paths(7, random_state=6))
    assert first.columns.tolist() == ["ds", *[f"sample-{k}" for k in range(1, 8)]]
    for wrong in (0, -1, 2.5, "3", True):
        with pytest.raises(ValueError, match="n_paths"):
            forecaster.sample_paths(wrong)  # type: ignore[arg-type]


def test_conformal_measures_a_track() -> None:
    """Windows that are not over say nothing, and origins are counted in the series with most."""
    rng = np.random.default_rng(11)
    origins = Origins(np.repeat([0, 1], [30, 10]), np.r_[np.arange(20, 50), np.arange(5, 15)])
    actual = rng.normal(size=(40, 2))
    actual[29, 1] = np.nan
    ages = np.r_[51 - np.arange(20, 50), 17 - np.arange(5, 15)]
    track = Track(origins, np.zeros((40, 2)), actual, ages, [0], np.zeros(2, np.bool_))
    plain = Scaling.of([rng.normal(size=50), rng.normal(size=16)], "none")
    conformal = Conformal.of(track, plain, np.zeros(2, np.int64), 1)
    assert conformal.n_origins == 29
    assert len(conformal.errors) == 39
    assert np.isfinite(conformal.errors).all()
    assert [conformal.least_origins(level) for level in (50, 80, 90, 95, 99)] == [
        4,
        10,
        20,
        40,
        200,
    ]
