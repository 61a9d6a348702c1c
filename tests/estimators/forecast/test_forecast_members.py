"""Members and their committee: round trips, planted effects, nothing of later steps, slow loops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from series_programs import LONG, autoregression, long_table, seasonal

from chainrule import Forecaster
from chainrule.estimators.forecast.fitted import Fitted
from chainrule.estimators.forecast.members.committee import Committee, Record, follow
from chainrule.estimators.forecast.members.effects import Effects
from chainrule.estimators.forecast.members.histories import Histories, Origins
from chainrule.estimators.forecast.members.member import known_ahead
from chainrule.estimators.forecast.members.naive import Drift, SeasonalNaive
from chainrule.estimators.forecast.members.scaling import (
    FEWEST,
    TRANSFORMS,
    Scaling,
    allowed_transforms,
)
from chainrule.estimators.forecast.members.validation import split_validation
from chainrule.estimators.forecast.members.view import View
from chainrule.estimators.forecast.reading.panel import read_panel

ONE = np.zeros(1, np.int64)


def histories_of(series: list[Any], season: int = 1, **parts: Any) -> Histories:
    none = [np.empty((len(one), 0)) for one in series]
    observed = [np.ones(len(one), np.bool_) for one in series]
    plain = Histories(series, observed, none, none, np.empty((len(series), 0)), season)
    return replace(plain, **parts)


# Scaling, views and effects


POSITIVE = st.one_of(st.just(0.0), st.floats(1e-3, 1e3))


@settings(max_examples=50)
@given(
    series=st.lists(arrays(float, st.integers(1, 30), elements=POSITIVE), min_size=1, max_size=4),
    transform=st.sampled_from(TRANSFORMS),
    unit=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_scaling_is_undone(series: list[Any], transform: str, unit: float) -> None:
    """The values a scaling was measured on come back, whatever their unit."""
    series = [unit * one for one in series]
    scaling = Scaling.of(series, transform)
    for k, one in enumerate(series):
        z = scaling.apply(one[None], np.array([k]))
        assert np.isfinite(z).all()
        again = scaling.invert(z, np.array([k]))[0]
        np.testing.assert_allclose(again, one, rtol=1e-7, atol=1e-7 * (one.mean() or 1.0))
        assert abs(float(z.mean())) < 1e-6
        measured = len(one) >= FEWEST or max(map(len, series)) < FEWEST
        if measured and np.ptp(one) > 1e-3 * one.mean():  # young series have the spread of others
            assert float(z.std()) == pytest.approx(1.0)


def test_values_of_roots_and_logarithms_are_never_negative() -> None:
    """What a member forecasts below zero is zero where the transform has no negative value."""
    for transform in ("sqrt", "log"):
        scaling = Scaling.of([np.array([0.0, 3.0, 8.0, 2.0])], transform)
        assert scaling.invert(np.full((1, 3), -50.0), ONE).tolist() == [[0.0, 0.0, 0.0]]


def test_transforms_are_for_values_without_sign() -> None:
    """Roots and logarithms are candidates where no series has a negative value."""
    assert allowed_transforms([np.array([0.0, 1.0])]) == TRANSFORMS
    assert allowed_transforms([np.array([0.0, 1.0]), np.array([-1e-9])]) == ("none",)


def test_more_series_leave_the_scaling_of_the_others() -> None:
    """New series are measured alone, but for the spread of those that have few values."""
    rng = np.random.default_rng(0)
    first = [rng.normal(5.0, 2.0, 40), rng.normal(500.0, 3.0, 40), rng.normal(1.0, 0.1, 40)]
    long, short = rng.normal(9.0, 4.0, 30), np.array([3.0, 4.0])
    before = Scaling.of(first, "none")
    after = before.with_series([long, short])
    for name in ("level", "offset", "mean", "spread"):
        np.testing.assert_array_equal(getattr(after, name)[:3], getattr(before, name))
    alone = Scaling.of([long], "none")
    assert after.spread[3] == alone.spread[0]
    assert after.mean[3] == alone.mean[0]
    assert after.spread[4] == np.median(before.spread)
    assert after.level[4] == 3.5


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    transform=st.sampled_from(TRANSFORMS),
    use=st.sampled_from(["none", "sum", "factor"]),
)
def test_a_view_is_undone_with_the_covariates_of_the_same_steps(
    seed: int, transform: str, use: Any
) -> None:
    """Taking effects off and putting them back gives the values, of later series too."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 60, 4)
    series = [rng.gamma(2.0, 10.0 ** rng.integers(-3, 4), n) for n in lengths]
    known = [rng.normal(size=(n, 2)) for n in lengths]
    first = histories_of(series[:3], 7, known=known[:3])
    histories = histories_of(series, 7, known=known)
    view = View.of(first, transform, known=use, with_extras=False).with_series(histories)
    assert view.known_use == use
    prepared = view.prepared(histories)
    for k, one in enumerate(series):
        origin = Origins(np.array([k]), np.array([0]))
        again = view.values(prepared.values[k][None], origin, known[k][None])[0]
        np.testing.assert_allclose(again, one, rtol=1e-7, atol=1e-9 * one.max())


def test_a_factor_is_taken_off_values_of_any_size() -> None:
    """A promotion of 30 % on a growing series: without it, the series grows evenly."""
    rng = np.random.default_rng(14)
    days = (rng.random((300, 1)) < 0.2).astype(float)
    smooth = 50.0 * 1.01 ** np.arange(300)
    histories = histories_of([smooth * 1.3 ** days[:, 0]], 1, known=[days])
    view = View.of(histories, "none", known="factor", with_extras=False)
    origin = Origins(ONE, np.array([300]))
    off, on = (view.values(np.zeros((1, 1)), origin, np.full((1, 1, 1), x)) for x in (0.0, 1.0))
    assert float(on[0, 0] / off[0, 0]) == pytest.approx(1.3, abs=0.01)
    steps = np.diff(np.log(view.scaling.invert(view.prepared(histories).values[0][None], ONE)[0]))
    assert np.abs(steps - np.log(1.01)).max() < 0.01


def promoted(steps: int, series: int, seed: int, effect: float = np.log(1.3)) -> tuple[Any, Any]:
    """Sales (steps, series) of a week that days of promotion multiply, and these days."""
    rng = np.random.default_rng(seed)
    days = (rng.random((steps, series)) < 0.15).astype(float)
    level = rng.uniform(50.0, 500.0, series)
    noise = 0.05 * autoregression(0.5, steps, rng, series)
    week = np.array([0.0, -0.1, -0.1, 0.0, 0.2, 0.5, -0.4])[np.arange(steps) % 7][:, None]
    return level * np.exp(week + noise + effect * days), days


@pytest.mark.parametrize(("season", "slack"), [(1, 0.08), (7, 0.04)])
def test_planted_effects_are_recovered(season: int, slack: float) -> None:
    """A promotion of 30 % is recovered from the noise, and better where its season is known."""
    sales, days = promoted(400, 4, 0)
    effects = Effects.of([np.log(one) for one in sales.T], [one[:, None] for one in days.T], season)
    ratios = np.exp(effects.weights[:, 0] / effects.deviation[0])
    np.testing.assert_allclose(ratios, 1.3, atol=slack)


def test_price_elasticities_of_series_are_told_apart() -> None:
    """Series with rows enough depart from the common effect; one with few rows has nearly that."""
    rng = np.random.default_rng(1)
    elasticities = np.array([-0.5, -1.5, -2.5, -1.5, -2.5])
    lengths = [700, 700, 700, 700, 6]
    prices = [np.log(rng.uniform(1.0, 2.0, (n, 1))) for n in lengths]
    series = [
        5.0 + elasticity * price[:, 0] + 0.1 * rng.normal(size=len(price))
        for elasticity, price in zip(elasticities, prices, strict=True)
    ]
    effects = Effects.of(series, prices, 1)
    estimated = effects.weights[:, 0] / effects.deviation[0]
    np.testing.assert_allclose(estimated[:4], elasticities[:4], atol=0.15)
    common = effects.common[0] / effects.deviation[0]
    assert abs(estimated[4] - common) < abs(estimated[4] - elasticities[4])
    known, one = np.ones((2, 3, 1)), np.array([1, 4])
    expected = (1.0 - effects.mean[0]) * estimated[one]
    np.testing.assert_allclose(effects(known, one)[:, 0], expected)


def test_effects_of_outliers_and_of_constants() -> None:
    """Some mad rows do not decide an effect, and a covariate that never varies has none."""
    rng = np.random.default_rng(2)
    days = (rng.random((300, 1)) < 0.2).astype(float)
    series = 2.0 * days[:, 0] + 0.1 * rng.normal(size=300)
    series[[20, 100, 250]] += [60.0, -80.0, 70.0]
    effects = Effects.of([series], [np.hstack([days, np.full((300, 1), 3.0)])], 1)
    assert effects.weights[0, 0] / effects.deviation[0] == pytest.approx(2.0, abs=0.2)
    later = effects(np.array([[[1.0, 999.0]]]), ONE)
    assert float(later[0, 0]) == pytest.approx(float(effects(np.array([[[1.0, 3.0]]]), ONE)[0, 0]))


def test_new_series_have_the_common_effect() -> None:
    """Nothing is known of theirs."""
    sales, days = promoted(200, 3, 3)
    effects = Effects.of([np.log(one) for one in sales.T], [one[:, None] for one in days.T], 7)
    more = effects.with_series(2)
    np.testing.assert_array_equal(more.weights[:3], effects.weights)
    np.testing.assert_array_equal(more.weights[3:], np.tile(effects.common, (2, 1)))


# What covariates do to forecasts


TIMES = pd.date_range("2023-01-02", periods=500, freq="D")


def with_days(sales: Any, days: Any, extra: int = 0) -> pd.DataFrame:
    frame = long_table(sales, TIMES[: len(sales)])
    return frame.assign(promo=days[: len(sales)].T.ravel())


def test_a_known_promotion_raises_the_forecast_by_its_effect() -> None:
    """With the promotion on, the forecast is 30 % above that with it off, from 25 to 35 %."""
    sales, days = promoted(300, 3, 4)
    forecaster = Forecaster(horizon=7, members="ridge", random_state=0)
    forecaster.fit(with_days(sales, days), **LONG, known=["promo"])
    future = long_table(np.zeros((7, 3)), TIMES[300:307]).drop(columns="y")
    off = forecaster.predict(future=future.assign(promo=0.0))["forecast"]
    on = forecaster.predict(future=future.assign(promo=1.0))["forecast"]
    assert ((on / off > 1.25) & (on / off < 1.35)).all(), (on / off).tolist()


def rolled(frame: pd.DataFrame, steps: int, **fit: Any) -> float:
    """The mean absolute error of one-step forecasts of the last steps, by updates."""
    times = frame["t"].sort_values().unique()
    first = times[-steps]
    forecaster = Forecaster(horizon=1, members="ridge", random_state=0)
    forecaster.fit(frame[frame["t"] < first], **LONG, **fit)
    errors = []
    for time in times[-steps:]:
        rows = frame[frame["t"] == time]
        future = rows.drop(columns="y") if fit.get("known") else None
        answer = forecaster.predict(future=future).merge(rows, on=["id", "t"])
        errors.append(np.abs(answer["forecast"] - answer["y"]).to_numpy())
        forecaster.update(rows)
    return float(np.mean(errors))


def test_a_known_covariate_helps_and_a_void_one_does_not_hurt() -> None:
    """Promotions that are planted cut the error; noise named as known costs 5 % at most."""
    sales, days = promoted(300, 2, 5)
    frame = with_days(sales, days)
    plain = rolled(frame, 40)
    assert rolled(frame, 40, known=["promo"]) < 0.8 * plain
    noise = np.random.default_rng(6).normal(size=len(frame))
    assert rolled(frame.assign(promo=noise), 40, known=["promo"]) < 1.05 * plain


def test_past_covariates_lead_and_void_ones_do_not_hurt() -> None:
    """What a covariate says of the next step is used; noise costs 5 % at most."""
    rng = np.random.default_rng(7)
    lead = autoregression(0.5, 301, rng)[:, 0]
    frame = long_table(30.0 + 3.0 * lead[:-1, None] + rng.normal(size=(300, 1)), TIMES[:300])
    plain = rolled(frame, 40)
    frame["cause"] = lead[1:]  # of the next step
    assert rolled(frame, 40, past=["cause"]) < 0.6 * plain
    frame["cause"] = rng.normal(size=300)
    assert rolled(frame, 40, past=["cause"]) < 1.05 * plain


def test_static_texts_and_numbers_do_not_hurt() -> None:
    """Series' groups and sizes are taken, as texts and numbers, at a cost of 5 % at most."""
    values = seasonal(200, np.random.default_rng(8), 4) * np.array([1.0, 1.0, 5.0, 5.0])
    frame = long_table(values, TIMES[:200])
    plain = rolled(frame, 30)
    groups = frame.assign(
        kind=np.where(frame["id"] < "s2", "small", "large"),
        size=np.where(frame["id"] < "s2", 10, 50),
    )
    assert rolled(groups, 30, static=["kind", "size"]) < 1.05 * plain


# Nothing of later steps


@st.composite
def gappy(draw: st.DrawFn) -> tuple[pd.DataFrame, int, int]:
    """A daily series with gaps, where to cut it, and a seed for what comes after."""
    n = draw(st.integers(20, 50))
    cut = draw(st.integers(4, n - 8))
    missing = draw(st.sets(st.integers(1, n - 2), max_size=n // 3))
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).normal(10.0, 3.0, n)
    values[list(missing)] = np.nan
    return pd.DataFrame({"t": TIMES[:n], "y": values}), cut, seed


@pytest.mark.filterwarnings(
    "ignore::chainrule.estimators.forecast.reading.data_warning.SeriesDataWarning"
)
@settings(max_examples=20)
@given(
    program=gappy(), season=st.sampled_from([1, 3, 7, 14]), rule=st.sampled_from(["auto", "zero"])
)
def test_nothing_before_an_origin_depends_on_what_comes_after(
    program: tuple[pd.DataFrame, int, int], season: int, rule: str
) -> None:
    """Bit for bit: rows before, windows (also of short histories, and in gaps), and naive rules."""
    frame, cut, seed = program
    later = frame.copy()
    after = later.index >= cut
    later.loc[after & later["y"].notna(), "y"] = -np.random.default_rng(seed + 1).normal(
        900.0, 50.0, int((after & later["y"].notna()).sum())
    )
    both = [
        Histories.of(read_panel(one, time="t", target="y", fill_gaps=rule), season)
        for one in (frame, later)
    ]
    limit = np.array([cut])
    one, other = (histories.before(limit).values[0] for histories in both)
    assert len(one) == cut
    np.testing.assert_array_equal(one, other)
    origin = Origins(ONE, limit)
    for length in (1, 5, 30):
        np.testing.assert_array_equal(*(each.windows(origin, length) for each in both))
    for model in (SeasonalNaive(season), SeasonalNaive(1), Drift()):
        np.testing.assert_array_equal(*(model.forecast(each, origin, 4) for each in both))


def test_a_gap_that_ends_after_the_origin_is_filled_from_before() -> None:
    """By the value one season earlier, not by the line to the next value."""
    frame = pd.DataFrame({"t": TIMES[:10], "y": [1, 2, 3, 4, 5, 6, np.nan, np.nan, 90, 100.0]})
    histories = Histories.of(read_panel(frame, time="t", target="y"), 3)
    assert histories.values[0][6:8].tolist() == [34.0, 62.0]
    origins = Origins(np.zeros(3, np.int64), np.array([7, 8, 9]))
    assert histories.windows(origins, 3).tolist() == [[5, 6, 4], [6, 4, 5], [34.0, 62.0, 90.0]]


def test_zeros_for_missing_rows_are_values_at_the_end_too() -> None:
    """With fill_gaps="zero", a series that stopped ends in zeros, not in its last season."""
    first = pd.DataFrame({"id": "a", "t": TIMES[:30], "y": 5.0 + np.arange(30.0) % 7})
    table = pd.concat([first, first[:20].assign(id="b")])
    histories = Histories.of(read_panel(table, **LONG, fill_gaps="zero"), 7)
    assert histories.windows(histories.ends, 10)[1].tolist() == [0.0] * 10
    answer = Forecaster(horizon=3, fill_gaps="zero", random_state=0).fit(table, **LONG).predict()
    stopped = answer.loc[answer["id"] == "b", "forecast"]
    assert (stopped < 2.5).all()  # half of what it sold


def with_past(seed: int, steps: int = 160, series: int = 2) -> pd.DataFrame:
    """A week on which the weather of the day before tells."""
    rng = np.random.default_rng(seed)
    weather = rng.normal(size=(steps + 1, series))
    frame = long_table(seasonal(steps, rng, series) + 3.0 * weather[:-1], TIMES[:steps])
    return frame.assign(weather=weather[1:].T.ravel(), sky=rng.choice(["a", "b"], len(frame)))


def test_overwriting_a_past_covariate_after_each_origin_changes_no_forecast() -> None:
    """Bit for bit: no member reads later values or later covariates at an origin."""
    frame = with_past(9)
    forecaster = Forecaster(horizon=5, members=["ridge", "nlinear"], max_steps=20, random_state=0)
    fitted: Fitted = forecaster.fit(frame, **LONG, past=["weather", "sky"]).fitted_
    views = [member.view for member in fitted.committee.members if member.view is not None]
    assert any(view.n_extras for view in views)
    histories = fitted.histories
    steps = np.arange(100, 160, 3)
    origins = Origins(np.zeros(len(steps), np.int64), steps)
    none = np.empty((len(steps), 5, 0))
    before = fitted.committee.forecasts(histories, origins, none)
    rng = np.random.default_rng(10)
    for row, step in enumerate(steps):
        values, past = histories.values[0].copy(), histories.past[0].copy()
        values[step:] += rng.normal(0.0, 100.0, len(values) - step)
        past[step:] = rng.normal(0.0, 100.0, past[step:].shape)
        changed = replace(
            histories, values=[values, histories.values[1]], past=[past, histories.past[1]]
        )
        after = fitted.committee.forecasts(changed, origins, none)
        np.testing.assert_array_equal(after[:, row], before[:, row])
        if step < 155:
            assert not np.array_equal(after[:, -1], before[:, -1])


def test_past_covariates_of_steps_to_come_are_not_read() -> None:
    """Rows after the last target may hold them: no forecast changes by a bit."""
    frame = with_past(11)
    ahead = frame.groupby("id").tail(5).index
    frame.loc[ahead, "y"] = np.nan
    other = frame.copy()
    other.loc[ahead, "weather"] = 1e6
    other.loc[ahead, "sky"] = "a"
    answers = [
        Forecaster(horizon=5, members="ridge", random_state=0)
        .fit(one, **LONG, past=["weather", "sky"])
        .predict([80])
        for one in (frame, other)
    ]
    pd.testing.assert_frame_equal(*answers, check_exact=True)
    assert (answers[0].groupby("id")["t"].min() == TIMES[155]).all()


def test_forecasts_at_an_origin_are_those_of_a_model_that_never_saw_later_rows() -> None:
    """The same members, asked with histories that end there, forecast the same."""
    frame = with_past(12).drop(columns=["weather", "sky"])
    fitted: Fitted = (
        Forecaster(horizon=4, members="ridge", random_state=0).fit(frame, **LONG).fitted_
    )
    none = np.empty((2, 4, 0))
    for step in (100, 130, 158):
        origins = Origins(np.arange(2), np.full(2, step))
        whole = fitted.committee.forecasts(fitted.histories, origins, none)
        limited = fitted.histories.before(np.full(2, step))
        np.testing.assert_array_equal(
            fitted.committee.forecasts(limited, limited.ends, none), whole
        )


# Validation


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 900), min_size=1, max_size=6),
    horizon=st.integers(1, 40),
    season=st.sampled_from([1, 7, 12, 24]),
)
def test_validation_lies_within_the_rows(lengths: list[int], horizon: int, season: int) -> None:
    """Members learn only from rows whose steps ahead are over before the first origin."""
    histories = histories_of([np.arange(float(n)) for n in lengths], season)
    validation = split_validation(histories, horizon)
    assert len(validation.limits) == len(lengths)
    for k, n in enumerate(lengths):
        steps = validation.origins.steps[validation.origins.series == k]
        assert 1 <= validation.limits[k] <= n
        if len(steps):
            assert steps.max() == n - horizon
            assert steps.min() >= validation.limits[k] >= n // 2
        else:
            assert validation.limits[k] == n


def test_covariates_ahead_of_past_origins() -> None:
    """They are those of the steps themselves, and beyond the last as the last."""
    known = [np.arange(6.0)[:, None]]
    histories = histories_of([np.zeros(4)], known=known)
    origins = Origins(np.zeros(3, np.int64), np.array([1, 4, 5]))
    assert known_ahead(histories, origins, 3)[:, :, 0].tolist() == [[1, 2, 3], [4, 5, 5], [5, 5, 5]]


# The committee, by a slow loop


@dataclass(frozen=True)
class Fake:
    """As much of a member as a committee looks at."""

    family: str
    is_rule: bool = False
    is_uncentred: bool = False


def choice(members: list[Fake], scores: Any, size: int) -> list[int]:
    """The best of each family, none worse than the last member; a rule alone where it is best.

    At most one of them is uncentred, and it is not alone.
    """
    order = sorted(range(len(members)), key=lambda k: (scores[k], k))
    if members[order[0]].is_rule:
        return order[:1]
    taken: list[int] = []
    for k in order:
        families = [members[other].family for other in taken]
        second = members[k].is_uncentred and any(members[other].is_uncentred for other in taken)
        is_new = members[k].family not in families and not second
        if not members[k].is_rule and is_new and len(taken) < size:
            taken.append(k)
    better = [k for k in taken if scores[k] <= scores[-1]]
    alone = len(better) == 1 and members[better[0]].is_uncentred
    return taken[:2] if alone else better


@dataclass(frozen=True)
class Past:
    """One origin: its series, its age, what members forecast, and what came (NaN: not yet)."""

    series: int
    age: int
    forecasts: Any
    actual: Any


def slow(members: list[Fake], past: list[Past], now: int, horizon: int, scales: Any) -> list[int]:
    """The members chosen at an age, from steps that were over then, each by itself."""
    steps = []  # (age of the step, errors of members)
    for one in past:
        for ahead in range(horizon):
            error = np.abs(one.forecasts[:, ahead] - one.actual[ahead]) / scales[one.series]
            if np.isfinite(error).all():
                steps.append((one.age - ahead - 1, error))
    oldest = max(age for age, _ in steps)
    if now > oldest - horizon:  # of so few steps no choice is made
        now = 0
    by_then = [(age, error) for age, error in steps if age >= now]
    weights = np.array([0.5 ** ((age - now) / 200.0) for age, _ in by_then])
    return choice(members, weights @ np.array([error for _, error in by_then]) / weights.sum(), 3)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), horizon=st.integers(1, 4), n_series=st.integers(1, 3))
def test_follow_is_the_slow_loop(seed: int, horizon: int, n_series: int) -> None:
    """At each origin, the median of members chosen from steps that were over by then."""
    rng = np.random.default_rng(seed)
    series = [rng.normal(size=int(n)) for n in rng.integers(30, 60, n_series)]
    families = ["a", "a", "b", "c", "d", "e"]
    uncentred = rng.random(6) < 0.4
    members = [
        *[Fake(name, False, bool(one)) for name, one in zip(families, uncentred, strict=True)],
        Fake("r", True),
        Fake("naive", True),
    ]
    steps = [np.arange(10, len(one) + 1) for one in series]
    origins = Origins(
        np.repeat(np.arange(n_series), [len(one) for one in steps]), np.concatenate(steps)
    )
    histories = histories_of(series)
    actual = histories.actual(origins, horizon)
    size = rng.uniform(0.5, 2.0, (8, len(origins), 1))  # who is best changes
    drift = np.sin(np.arange(len(origins)) / 8.0 + np.arange(8)[:, None])[..., None]
    forecasts = np.nan_to_num(actual) + size * (1.2 + drift) * rng.normal(size=(8, *actual.shape))
    scales = rng.uniform(0.5, 2.0, n_series)
    committee = Committee(tuple(members), horizon)  # type: ignore[arg-type]
    track = follow(committee, Record(origins, forecasts, 1), histories, scales)
    past = [
        Past(int(k), len(series[k]) - int(step), forecasts[:, row], actual[row])
        for row, (k, step) in enumerate(zip(origins.series, origins.steps, strict=True))
    ]
    expected = np.array(
        [
            np.median(one.forecasts[slow(members, past, one.age, horizon, scales)], axis=0)
            for one in past
        ]
    )
    assert track.chosen == slow(members, past, 0, horizon, scales)
    assert track.ages.tolist() == [one.age for one in past]
    for k in range(n_series):
        rows = [row for row, one in enumerate(past) if one.series == k]
        over = [row for row in rows if np.isfinite(actual[row]).all()]
        ours = np.abs(expected[over] - actual[over]).mean()
        naive = np.abs(forecasts[-1][over] - actual[over]).mean()
        is_naive = n_series > 1 and ours > 1.05 * naive
        assert bool(track.is_naive[k]) == is_naive
        answer = forecasts[-1][rows] if is_naive else expected[rows]
        np.testing.assert_allclose(track.forecasts[rows], answer)


def test_choices_of_old_origins_do_not_depend_on_later_windows() -> None:
    """Once there are windows enough, errors after an origin change no forecast there."""
    rng = np.random.default_rng(13)
    histories = histories_of([rng.normal(size=120)])
    origins = Origins(np.zeros(90, np.int64), np.arange(30, 120))
    members = tuple(Fake(name, name == "naive") for name in ("a", "b", "c", "d", "naive"))
    committee = Committee(members, 2)  # type: ignore[arg-type]
    forecasts = rng.normal(size=(5, 90, 2))
    before = follow(committee, Record(origins, forecasts, 1), histories, np.ones(1))
    changed = forecasts.copy()
    changed[:, 59:] = 50.0 * rng.normal(size=(5, 31, 2))  # from step 89 on
    after = follow(committee, Record(origins, changed, 1), histories, np.ones(1))
    np.testing.assert_array_equal(after.forecasts[3:59], before.forecasts[3:59])


def test_without_past_forecasts_the_naive_one_is_taken() -> None:
    """There is nothing to choose from."""
    histories = histories_of([np.arange(5.0)])
    none = Origins(np.zeros(0, np.int64), np.zeros(0, np.int64))
    members = (Fake("a"), Fake("naive", True))
    committee = Committee(members, 2)  # type: ignore[arg-type]
    track = follow(committee, Record(none, np.empty((2, 0, 2)), 1), histories, np.ones(1))
    assert track.chosen == [1]
