"""Updates: new rows in one step or in many, with old weights or new ones, and series that begin."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from series_programs import LONG, autoregression, long_table, seasonal

from chainrule import Forecaster
from chainrule.errors import DataError, UnsupportedError
from chainrule.estimators.forecast.members.histories import Histories
from chainrule.estimators.forecast.members.member import Member
from chainrule.estimators.forecast.members.ridges import Ridge, fit_ridges
from chainrule.estimators.forecast.members.view import View
from chainrule.estimators.forecast.reading.panel import read_panel

pytestmark = pytest.mark.usefixtures("_unoptimised")

DAYS = pd.date_range("2023-01-02", periods=400, freq="D")


def table(steps: int, series: int = 2, seed: int = 0) -> pd.DataFrame:
    """A week of some series, with covariates known ahead and of the past."""
    rng = np.random.default_rng(seed)
    frame = long_table(seasonal(steps, rng, series), DAYS[:steps])
    return frame.assign(
        promo=(rng.random(len(frame)) < 0.2) * 1.0, weather=rng.normal(size=len(frame))
    )


def before(frame: pd.DataFrame, step: int) -> pd.DataFrame:
    return frame[frame["t"] < DAYS[step]]


def between(frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    return frame[(frame["t"] >= DAYS[first]) & (frame["t"] < DAYS[last])]


def future(steps: int, horizon: int, series: int = 2) -> pd.DataFrame:
    ahead = long_table(np.zeros((horizon, series)), DAYS[steps : steps + horizon])
    return ahead.drop(columns="y").assign(promo=1.0)


def ridge(horizon: int = 4, **settings: Any) -> Forecaster:
    return Forecaster(horizon=horizon, members="ridge", random_state=0, **settings)


COVARIATES = {"known": ["promo"], "past": ["weather"]}


@pytest.mark.parametrize("covariates", [{}, COVARIATES])
def test_one_step_or_many(covariates: dict[str, Any]) -> None:
    """Rows one day at a time, in weeks, or all at once: the same members and forecasts."""
    frame = table(230)
    first = ridge().fit(before(frame, 190), **LONG, **covariates)
    answers, records = [], []
    for size in (1, 7, 40):
        forecaster = deepcopy(first)
        for step in range(190, 230, size):
            forecaster.update(between(frame, step, min(step + size, 230)))
        answers.append(forecaster.predict([80, 95], future=future(230, 4)))
        records.append(forecaster.fitted_.record)
        assert forecaster.members_ == answers_of(forecaster)
    for answer in answers[1:]:
        pd.testing.assert_frame_equal(answer, answers[0], rtol=1e-9)
    order = [np.lexsort((one.origins.steps, one.origins.series)) for one in records]
    for record, rows in zip(records, order, strict=True):
        np.testing.assert_allclose(
            record.forecasts[:, rows], records[0].forecasts[:, order[0]], rtol=1e-9
        )


def answers_of(forecaster: Forecaster) -> list[str]:
    """The names of members whose median the forecast is, read where they are kept."""
    fitted = forecaster.fitted_
    return [fitted.committee.members[k].name for k in fitted.track.chosen]


def test_weights_stay_and_forecasts_are_those_of_the_whole() -> None:
    """After an update, members forecast as they would have from a table read as a whole."""
    frame = table(230)
    forecaster = ridge().fit(before(frame, 200), **LONG, **COVARIATES)
    members = forecaster.fitted_.committee.members
    forecaster.update(between(frame, 200, 230))
    after = forecaster.fitted_
    for old, new in zip(members, after.committee.members, strict=True):
        assert old.model is new.model
    whole = read_panel(frame, **LONG, **COVARIATES)
    histories = Histories.of(whole, 7)
    for ours, theirs in zip(after.panel.series, whole.series, strict=True):
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(ours.known, theirs.known)
        np.testing.assert_array_equal(ours.past, theirs.past)
    known = np.ones((2, 4, 1))
    np.testing.assert_allclose(
        after.member_forecasts(known),
        after.committee.forecasts(histories, histories.ends, known),
        rtol=1e-12,
    )


def test_fitting_to_all_rows_anew_is_the_fit_of_the_same_members() -> None:
    """`update_params=True`: ridges are those that would be fitted to the whole table."""
    frame = table(230)
    forecaster = ridge().fit(before(frame, 200), **LONG)
    stayed = deepcopy(forecaster).update(between(frame, 200, 230))
    renewed = forecaster.update(between(frame, 200, 230), update_params=True)
    names = [member.name for member in renewed.fitted_.committee.members]
    assert names == [member.name for member in stayed.fitted_.committee.members]
    none = np.empty((2, 4, 0))
    assert not np.array_equal(
        renewed.fitted_.member_forecasts(none), stayed.fitted_.member_forecasts(none)
    )
    histories = Histories.of(read_panel(frame, **LONG), 7)
    ridges = [m for m in renewed.fitted_.committee.members if isinstance(m.model, Ridge)]
    assert len(ridges) > 3
    for member in ridges:
        spec, view = member.model.spec, member.view
        fresh = View.of(histories, spec.transform, known="none", with_extras=view.with_extras)
        [anew] = fit_ridges(fresh.prepared(histories), fresh, 4, [spec])
        expected = Member(anew, fresh).forecast(histories, histories.ends, 4, none)
        answer = member.forecast(histories, histories.ends, 4, none)
        np.testing.assert_allclose(answer, expected, rtol=1e-6)


def test_networks_learn_some_more_steps() -> None:
    """Their rounds are added to `history_`; without `update_params` their weights stay."""
    frame = table(160)
    forecaster = Forecaster(
        horizon=2, members=["nlinear"], max_steps=100, random_state=0, progress=False
    ).fit(before(frame, 150), **LONG)
    rounds = {name: len(rows) for name, rows in forecaster.history_.items()}
    forecaster.update(between(frame, 150, 155))
    assert {name: len(rows) for name, rows in forecaster.history_.items()} == rounds
    forecaster.update(between(frame, 155, 160), update_params=True)
    assert all(len(rows) > rounds[name] for name, rows in forecaster.history_.items())
    assert np.isfinite(forecaster.predict()["forecast"]).all()


def test_members_are_chosen_by_their_latest_errors() -> None:
    """After a change that makes the members of before worthless, others forecast."""
    rng = np.random.default_rng(1)
    calm = seasonal(300, rng)[:, 0]
    forecaster = ridge(1, season_length=7).fit(calm)
    chosen = forecaster.members_
    walked = calm[-1] + np.cumsum(5.0 * rng.normal(size=150))
    forecaster.update(walked)
    assert forecaster.members_ != chosen
    answer = forecaster.predict()["forecast"].iloc[0]
    assert abs(answer - walked[-1]) < 8.0


def test_intervals_widen_with_later_errors() -> None:
    """Noise that has grown is in the intervals some weeks later."""
    rng = np.random.default_rng(2)
    values = 50.0 + autoregression(0.3, 400, rng)[:, 0]
    values[300:] = 50.0 + 4.0 * (values[300:] - 50.0)
    forecaster = ridge(2, season_length=1).fit(values[:300])
    first = forecaster.predict(80)
    later = forecaster.update(values[300:]).predict(80)
    widths = [float((one["hi-80"] - one["lo-80"]).mean()) for one in (first, later)]
    assert 2.0 < widths[1] / widths[0] < 6.0


# Series that begin


@pytest.mark.parametrize("members", ["ridge", ["nlinear", "ridge"]])
@pytest.mark.parametrize("rows", [1, 3, 20])
def test_a_new_series_is_forecast_from_its_first_rows(members: Any, rows: int) -> None:
    """Its forecasts are of its level, and those of the other series stay, whatever its name."""
    frame = table(200)
    forecaster = Forecaster(
        horizon=3, members=members, max_steps=30, random_state=0, progress=False
    ).fit(frame, **LONG, static=[], known=[], past=["weather"])
    stayed = forecaster.predict([80])
    fresh = between(table(200, 1, 5), 200 - rows, 200).assign(id="a new one")
    fresh["y"] *= 1000.0
    answer = forecaster.update(fresh).predict([80])
    assert forecaster.ids_ == ["s0", "s1", "a new one"]
    new = answer[answer["id"] == "a new one"]
    assert len(new) == 3
    assert new["forecast"].between(8_000.0, 32_000.0).all()
    assert (new["lo-80"] <= new["forecast"]).all()
    pd.testing.assert_frame_equal(answer[answer["id"] != "a new one"], stayed, rtol=1e-9)
    forecaster.update(long_table(np.full((2, 1), 20_000.0), DAYS[200:202], ["a new one"]).assign(
        weather=0.0
    ))  # fmt: skip
    later = forecaster.predict([80])
    times = later.loc[later["id"] == "a new one", "t"]
    assert times.tolist() == list(DAYS[202:205])


def test_series_may_end_at_different_times() -> None:
    """Rows of one series alone: its next steps come later than the others'."""
    frame = table(200)
    forecaster = ridge(2).fit(frame, **LONG)
    more = between(table(210), 200, 210)
    answer = forecaster.update(more[more["id"] == "s1"]).predict()
    assert answer["t"].tolist() == [*DAYS[200:202], *DAYS[210:212]]


# What is refused, and what is stated


def test_rows_that_are_known_already() -> None:
    """Equal ones are left out; others are refused, and nothing has changed then."""
    frame = table(200, 1)
    forecaster = ridge(2).fit(before(frame, 190), **LONG)
    overlapping = deepcopy(forecaster).update(between(frame, 180, 200))
    apart = deepcopy(forecaster).update(between(frame, 190, 200))
    pd.testing.assert_frame_equal(overlapping.predict(80), apart.predict(80))
    first = forecaster.predict(80)
    wrong = between(frame, 185, 200).assign(y=1.0)
    with pytest.raises(DataError, match="2023-07-06, the new rows have 1: leave the row out"):
        forecaster.update(wrong)
    pd.testing.assert_frame_equal(forecaster.predict(80), first)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda frame: frame.drop(columns="y"), "'y'"),
        (lambda frame: frame.drop(columns="t"), "'t'"),
        (lambda frame: frame.assign(y="many"), "not a finite number"),
        (lambda frame: frame.assign(y=np.inf), "not a finite number"),
        (lambda frame: frame[:0], "no new rows"),
        (lambda frame: frame["y"].to_numpy(), "form of the training"),
    ],
)
def test_new_rows_must_be_of_the_form_of_the_training(rows: Any, message: str) -> None:
    """Missing columns, text, infinite values, no rows, another form."""
    frame = table(200, 1)
    forecaster = ridge(2).fit(before(frame, 190), **LONG)
    with pytest.raises(DataError, match=message):
        forecaster.update(rows(between(frame, 190, 200)))


def test_a_gap_before_new_rows_is_filled() -> None:
    """Days between the last row and the new ones are filled by the stated rule, or refused."""
    frame = table(200, 1)
    forecaster = ridge(2).fit(before(frame, 180), **LONG)
    answer = forecaster.update(between(frame, 187, 200)).predict()
    assert answer["t"].tolist() == list(DAYS[200:202])
    assert forecaster.fitted_.panel.series[0].observed.sum() == 193
    strict = ridge(2, fill_gaps="error").fit(before(frame, 180), **LONG)
    with pytest.raises(DataError, match="no value for 2023-07-01"):
        strict.update(between(frame, 187, 200))


@pytest.mark.parametrize("value", [-1.0, 0.5, 1e15])
def test_counts_stay_counts(value: float) -> None:
    """A later value that is no count is refused with its series; a gap among counts is not."""
    rng = np.random.default_rng(6)
    demand = pd.Series(rng.poisson(1.5, 200) * (rng.random(200) < 0.35), DAYS[:200], name="bolts")
    forecaster = Forecaster(horizon=2, random_state=0, progress=False).fit(demand[:150])
    assert forecaster.kind_ == "count"
    later = demand[150:].astype(float)
    wrong = later.copy()
    wrong.iloc[20] = value
    words = re.escape(f"'bolts' is forecast as counts, but has {value:g} now: fit again")
    with pytest.raises(DataError, match=words):
        forecaster.update(wrong)
    gap = later.drop(DAYS[[160, 161, 175]])
    assert np.isfinite(forecaster.update(gap).predict([80])["hi-80"]).all()


def test_hierarchies_are_not_updated() -> None:
    """It says what to do."""
    values = np.abs(seasonal(60, np.random.default_rng(3), 2))
    wide = pd.DataFrame(values, DAYS[:60], columns=["a", "b"])
    forecaster = ridge(2).fit(wide, hierarchy={"total": ["a", "b"]})
    with pytest.raises(UnsupportedError, match="fit again"):
        forecaster.update(wide)


def test_arrays_go_on_after_their_last_rows() -> None:
    """One series or several; another number of columns is refused."""
    values = seasonal(120, np.random.default_rng(4), 2)
    forecaster = ridge(2).fit(values[:100])
    answer = forecaster.update(values[100:]).predict()
    assert answer["ds"].tolist() == [120, 121] * 2
    with pytest.raises(DataError, match="3 series"):
        forecaster.update(np.ones((4, 3)))


def test_long_updates_keep_what_is_of_late() -> None:
    """More rows than the record remembers: as in many steps."""
    values = seasonal(1300, np.random.default_rng(5))[:, 0]
    first = ridge(2, season_length=7).fit(values[:300])
    at_once, twice = deepcopy(first).update(values[300:]), deepcopy(first)
    twice.update(values[300:900]).update(values[900:])
    assert at_once.fitted_.record.origins.steps.min() == 600
    pd.testing.assert_frame_equal(at_once.predict(80), twice.predict(80), rtol=1e-9)
