"""Time series against their forecast: which planted faults score, row by row as all at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.anomaly.series.forecast_state import from_state, to_state
from chainrule.estimators.anomaly.series.forecasting import SeriesForecaster, SeriesScores
from chainrule.estimators.anomaly.series.reading import SeriesTable, read_series
from chainrule.estimators.anomaly.series.residuals import FARTHEST
from chainrule.estimators.anomaly.series.ridge import predict, ridge

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))
ALARM = 1.5
TRAINED, ROWS = 24 * 30, 24 * 50
FIELDS = ("score", "ready", "expected", "residuals", "parts")


def load(seed: int = 0) -> Any:
    """Fifty days of hours: a day's wave, less at weekends, a slow trend, and noise of 0.1."""
    draw = np.random.default_rng(seed)
    at = pd.date_range("2026-01-05", periods=ROWS, freq="h")
    wave = np.sin(2 * np.pi * at.hour / 24) * np.where(at.day_of_week >= 5, 0.4, 1.0)
    value = 5 + wave + 0.001 * np.arange(ROWS) + draw.normal(0, 0.1, ROWS)
    return pd.DataFrame({"at": at, "load": value})


def table(frame: Any) -> SeriesTable:
    return read_series(frame, time="at", series="of" if "of" in frame else None)


def learned(frame: Any, window: int = 24) -> SeriesForecaster:
    return SeriesForecaster.learn(table(frame[:TRAINED]), window)


def assert_same(expected: SeriesScores, scores: SeriesScores, rows: Any = slice(None)) -> None:
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(scores, name)[rows], getattr(expected, name)[rows], rtol=1e-6, atol=1e-9
        )


@pytest.fixture(scope="module")
def forecaster() -> SeriesForecaster:
    return learned(load())


def test_a_forecast_is_nearly_as_good_as_the_noise_allows(forecaster: SeriesForecaster) -> None:
    """Errors of 0.11 where the noise is 0.1, on days not seen; no row of 480 is an alarm."""
    frame = load()[TRAINED:]
    scores = forecaster.score(table(frame))
    errors = frame["load"].to_numpy() - scores.expected[:, 0]
    assert scores.ready.all()
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(0.115, abs=0.01)
    assert np.std(scores.residuals) == pytest.approx(1.0, abs=0.1)
    assert scores.score.max() < ALARM


@pytest.mark.parametrize("fault", ["spike", "shift", "drift", "restless", "stuck", "silent day"])
def test_planted_faults_are_alarms_and_nothing_before_them_is(
    forecaster: SeriesForecaster, fault: str
) -> None:
    """The first alarm comes at the fault or within two days of it."""
    frame, draw = load()[TRAINED:].reset_index(drop=True), np.random.default_rng(7)
    value, start, late = frame["load"].to_numpy().copy(), 242, 48
    rest = len(value) - start
    if fault == "spike":
        value[start] += 1.2
        late = 0
    elif fault == "shift":
        value[start:] += 1.5
        late = 0
    elif fault == "drift":
        value[start:] += 0.06 * np.arange(rest)
    elif fault == "restless":
        value[start:] += draw.normal(0, 0.5, rest)
        late = 12
    elif fault == "stuck":
        value[start:] = value[start]
    else:
        value[start : start + 24] = value[start - 24 : start].mean()
    scores = forecaster.score(table(frame.assign(load=value)))
    first = int(np.argmax(scores.score > ALARM))
    assert scores.score[:start].max() < ALARM
    assert start <= first <= start + late


def test_a_shift_is_forgotten(forecaster: SeriesForecaster) -> None:
    """Three days after the level has changed for good, scores are below an alarm again."""
    frame = load()[TRAINED:].reset_index(drop=True)
    value = frame["load"].to_numpy().copy()
    value[100:] += 3.0
    scores = forecaster.score(table(frame.assign(load=value))).score
    assert scores[100] > 2 and scores[100 + 24 * 8 :].max() < ALARM


def test_nothing_looks_ahead(forecaster: SeriesForecaster) -> None:
    """Other rows after one change no number of those up to it."""
    frame = load()[TRAINED:].reset_index(drop=True)
    scores = forecaster.score(table(frame))
    value = frame["load"].to_numpy().copy()
    value[300:] = np.random.default_rng(1).normal(100, 50, len(value) - 300)
    changed = forecaster.score(table(frame.assign(load=value)))
    windows, ready = forecaster.windows(table(frame))
    other, other_ready = forecaster.windows(table(frame.assign(load=value)))
    for name in FIELDS:
        assert np.array_equal(getattr(scores, name)[:300], getattr(changed, name)[:300])
    assert np.array_equal(windows[:300], other[:300]) and np.array_equal(ready, other_ready)


@pytest.mark.parametrize("size", [1.2, 3.0, -3.0, 1e6])
def test_a_spike_has_no_echo(forecaster: SeriesForecaster, size: float) -> None:
    """It is by far the strangest row, and neither the hours nor the days after it are alarms."""
    frame = load()[TRAINED:].reset_index(drop=True)
    frame.loc[200, "load"] += size
    scores = forecaster.score(table(frame)).score
    assert 200 == np.argmax(scores) and scores[200] > 1.7
    others = np.delete(scores, 200)
    assert others.max() < ALARM and scores[200] > 1.5 * others.max()


def test_a_larger_spike_is_stranger(forecaster: SeriesForecaster) -> None:
    """Beyond 12 scales by the logarithm, without an end."""
    found = []
    for size in (0.8, 1.0, 1.5, 3.0, 10.0, 1e3, 1e6, 1e9):
        frame = load()[TRAINED:].reset_index(drop=True)
        frame.loc[200, "load"] += size
        found.append(float(forecaster.score(table(frame)).score[200]))
    assert (np.diff(found) > 0.05).all()
    assert found[7] - found[6] == pytest.approx(found[6] - found[5], rel=0.01)


@pytest.mark.parametrize("gap", [1, 3, 10, 24, 200])
def test_missing_rows_are_no_alarm(forecaster: SeriesForecaster, gap: int) -> None:
    """Left out of stamps or without values, they are forecasts to those after them."""
    frame = load()[TRAINED:].reset_index(drop=True)
    rows = range(150, 150 + gap)
    without = forecaster.score(table(frame.drop(index=rows)))
    frame.loc[rows, "load"] = np.nan
    missing = forecaster.score(table(frame))
    assert np.nanmax(without.score) < ALARM
    kept = np.delete(np.arange(len(frame)), rows)
    assert_same(without, SeriesScores(*(getattr(missing, name)[kept] for name in FIELDS)))
    assert np.isnan(missing.score[rows]).all()
    waiting = 24 if gap > 24 else 0
    assert [*range(150, 150 + waiting)] == np.flatnonzero(~without.ready).tolist()


def test_a_lasting_shift_is_a_level_after_four_rows(forecaster: SeriesForecaster) -> None:
    """Until then the lags move towards it by five scales a row at most."""
    frame = load()[TRAINED:].reset_index(drop=True)
    frame.loc[100:, "load"] += 50.0
    part = table(frame).parts[0]
    state = forecaster.state()
    expected = forecaster.advance(state, part.values[:104], part.seconds[:104]).expected
    moved = part.values[100:104, 0] - state.values[-4:, 0]
    assert (moved[:3] > 40).all() and moved[3] == 0
    spread = forecaster.scale("")[1, 0]
    assert (state.values[-4:-1, 0] - expected[-4:-1, 0]).tolist() == pytest.approx([5 * spread] * 3)


def test_rows_of_another_step_are_refused(forecaster: SeriesForecaster) -> None:
    """The error names both; a few long gaps are none."""
    frame = load()[TRAINED:].reset_index(drop=True)
    start = frame["at"][0]
    quarters = frame.assign(at=start + pd.to_timedelta(15 * np.arange(len(frame)), unit="min"))
    with pytest.raises(DataError, match="rows are 15 minutes apart, .* training were 1 hour apart"):
        forecaster.score(table(quarters))
    with pytest.raises(DataError, match="rows are 4 hours apart"):
        forecaster.windows(table(frame[::4]))
    assert forecaster.score(table(frame[:20:4])).ready.all()


def test_rows_of_irregular_times_have_none_between_them() -> None:
    """A gap of three median steps is none where gaps are of any length."""
    frame = load()
    hours = np.cumsum(np.random.default_rng(2).exponential(size=len(frame)))
    frame["at"] = frame["at"][0] + pd.to_timedelta(hours, unit="h")
    model = learned(frame)
    state, part = model.state(), table(frame[TRAINED:]).parts[0]
    model.advance(state, part.values[:50], part.seconds[:50])
    assert not model.rhythm.is_regular
    assert part.values[:50].shape == state.values[-50:].shape
    assert np.array_equal(state.seconds[-50:], part.seconds[:50])


@pytest.mark.parametrize("stamped", [True, False])
def test_row_by_row_is_all_at_once(stamped: bool) -> None:
    """Windows and scores, with gaps, missing values and two channels, beyond what is remembered."""
    frame = load().assign(flow=load(1)["load"] * 3)
    frame.loc[[TRAINED + 20, TRAINED + 21, 800], "flow"] = np.nan
    frame.loc[900:940, "load"] = np.nan
    frame.loc[950, ["load", "flow"]] = np.nan
    frame.loc[[760, 870, 871, 872], "load"] += 100  # a spike, and several
    frame.loc[1100:, "flow"] += 30
    frame = frame.drop(index=[*range(740, 745), *range(1000, 1040), 50])
    first, rest = frame[: TRAINED - 1], frame[TRAINED - 1 :]
    if not stamped:
        first, rest = first.drop(columns="at"), rest.drop(columns="at")
    time = "at" if stamped else None
    model = SeriesForecaster.learn(read_series(first, time=time), 24, lags=8)
    coming = read_series(rest, time=time)
    scores = model.score(coming, continues=True)
    windows, ready = model.windows(coming, continues=True)
    state, part = model.state(), coming.parts[0]
    single = []
    for k, row in enumerate(part.values):
        window, one = model.push(state, row, part.seconds[k] if stamped else None)
        single.append(one)
        assert (window is not None) == ready[k]
        if window is not None:
            np.testing.assert_allclose(window, windows[k], rtol=1e-9, atol=1e-9)
    joined = SeriesScores(*(np.concatenate([getattr(s, name) for s in single]) for name in FIELDS))
    assert_same(scores, joined)
    assert 24 * 7 + 100 > len(state.values)  # of a week, not of all
    assert not scores.ready[950 - TRAINED - 5] and scores.ready[-1]


def test_a_table_in_pieces_is_the_whole(forecaster: SeriesForecaster) -> None:
    """A state that has taken the first rows goes on as if they came at once."""
    part = table(load()[TRAINED:]).parts[0]
    whole = forecaster.advance(forecaster.state(), part.values, part.seconds)
    state = forecaster.state()
    for rows in np.split(np.arange(len(part.values)), [1, 130, 400]):
        piece = forecaster.advance(state, part.values[rows], part.seconds[rows])
        for name in FIELDS:
            np.testing.assert_allclose(
                getattr(piece, name), getattr(whole, name)[rows], rtol=1e-6, atol=1e-9
            )


def test_a_series_goes_on_after_the_training_or_begins_anew(forecaster: SeriesForecaster) -> None:
    """By its stamps; where it begins anew, the first rows have no score."""
    later = forecaster.score(table(load()[TRAINED:]))
    again = forecaster.score(table(load()[:TRAINED]))
    cold = forecaster.score(table(load()[TRAINED:]), continues=False)
    assert later.ready.all()
    assert 24 == np.argmax(again.ready) == np.argmax(cold.ready)
    assert np.isnan(cold.score[:24]).all() and np.isnan(cold.expected[:24]).all()


def test_series_have_scales_of_their_size() -> None:
    """A small and a large machine, learned together: the same fault, in its noise, scores alike."""
    parts = []
    for name, size, seed in (("small", 1.0, 0), ("large", 1000.0, 5)):
        frame = load(seed).assign(of=name)
        frame["load"] *= size
        frame.loc[TRAINED + 100, "load"] += 1.2 * size
        parts.append(frame)
    both = pd.concat(parts).sort_values(["at", "of"], ignore_index=True)
    first, rest = both[: 2 * TRAINED], both[2 * TRAINED :].reset_index(drop=True)
    model = SeriesForecaster.learn(table(first), 24)
    scores = model.score(table(rest))
    assert ("large", "small") == model.names
    assert 1000 == pytest.approx(model.scales[0, 0, 0] / model.scales[1, 0, 0], rel=0.05)
    found = rest.loc[scores.score > ALARM]
    assert {("large", 820), ("small", 820)} <= {
        (of, int(hour)) for of, hour in zip(
            found["of"], (found["at"] - both["at"][0]) / pd.Timedelta(hours=1), strict=True
        )
    }  # fmt: skip
    other = model.score(table(rest.assign(of="other").drop_duplicates("at")))
    assert not other.ready[:24].any() and other.ready[24:].all()


def test_a_channel_is_forecast_from_the_last_change_of_another() -> None:
    """What a pump does, the flow does a row later."""
    draw = np.random.default_rng(0)
    pump = np.cumsum(draw.normal(size=1000))
    flow = np.r_[0.0, pump[:-1]] + draw.normal(0, 0.01, 1000)
    model = SeriesForecaster.learn(read_series(np.stack([pump, flow], axis=1)[:600]), 24, lags=4)
    scores = model.score(read_series(np.stack([pump, flow], axis=1)[600:]), continues=True)
    errors = flow[600:] - scores.expected[:, 1]
    assert np.std(errors) < 0.25 and np.std(np.diff(flow)) > 0.9


def test_ridge_shrinks_and_leaves_outliers_alone() -> None:
    """Slopes of 2 and -1 by 3 % less; one target of a million changes nothing to speak of."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(500, 2))
    y = x @ [2.0, -1.0] + 3 + draw.normal(0, 0.1, 500)
    mean = y.mean()
    weights, intercept = ridge(x, y)
    y[0] = 1e6
    robust, robust_intercept = ridge(x, y)
    assert (weights[2] / weights[1]).tolist() == pytest.approx([2 / 1.03, -1 / 1.03], rel=0.02)
    assert intercept == pytest.approx(mean, abs=0.001)
    assert abs(robust[2]).max() < 1e5 and np.isfinite(robust_intercept)
    missing = predict(np.array([[[np.nan, np.nan]]]), weights[None], np.array([intercept]))
    assert missing[0, 0] == intercept


@pytest.mark.parametrize("value", [0.0, 7.5])
def test_a_series_that_never_changes_has_no_alarms_until_it_does(value: float) -> None:
    """No division by zero, and the first change is one."""
    rows = np.full(300, value)
    model = SeriesForecaster.learn(read_series(rows[:200]), 16)
    quiet = model.score(read_series(rows[200:]), continues=True)
    rows[250] += 3
    scores = model.score(read_series(rows[200:]), continues=True)
    assert not quiet.residuals.any() and not (quiet.score > ALARM).any()
    assert 50 == np.argmax(scores.score > ALARM) and scores.residuals.max() <= 3 * FARTHEST


def test_what_does_not_fit_the_training_is_refused(forecaster: SeriesForecaster) -> None:
    """Too few rows, other channels, no times, times that go back, rows of another width."""
    with pytest.raises(DataError, match=r"longest series has 20 rows: give 25 at least"):
        SeriesForecaster.learn(read_series(np.arange(20.0)), 12)
    with pytest.raises(DataError, match=r"channels are value, those of the training were load"):
        forecaster.score(read_series(np.arange(30.0)))
    with pytest.raises(DataError, match=r"the training have times, these rows have none"):
        forecaster.score(read_series(pd.DataFrame({"load": np.arange(30.0)})))
    with pytest.raises(DataError, match=r"a time is not later"):
        forecaster.push(forecaster.state(), np.ones(1), 0.0)
    with pytest.raises(DataError, match=r"a row is \[1.0, 1.0\]: give 1 finite numbers"):
        forecaster.push(forecaster.state(), np.ones(2), 2e9)


def test_a_saved_forecaster_scores_the_same(forecaster: SeriesForecaster) -> None:
    """Its description is plain JSON; numbers are the same to the last bit."""
    description, arrays = to_state(forecaster)
    again = from_state(description, {name: array.copy() for name, array in arrays.items()})
    coming = table(load()[TRAINED:])
    expected, scores = forecaster.score(coming), again.score(coming)
    for name in FIELDS:
        assert np.array_equal(getattr(expected, name), getattr(scores, name))
    assert {"channels": ["load"], "names": [""], "window": 24, "share": 0.99} == {
        key: description[key] for key in ("channels", "names", "window", "share")
    }
    assert all(array.dtype == np.float64 for array in arrays.values())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d, a: d.update(window=1), "forecaster.window is not a whole number from 2"),
        (lambda d, a: d.update(names=["", ""]), "forecaster has a name twice"),
        (lambda d, a: d["rhythm"].update(lags=0), "rhythm.lags is not a whole number"),
        (lambda d, a: d["rhythm"].update(step=None), "a calendar and no step"),
        (lambda d, a: d["rhythm"].update(lags=7), "weights is float64"),
        (lambda d, a: d["rhythm"].update(periods=[1e300]), "periods has one of more than"),
        (lambda d, a: d.update(share=1.0), "share is not below 1"),
        (lambda d, a: d.update(extra=1), "has 'extra'"),
        (lambda d, a: a.pop("scales"), "there is no array 'scales'"),
        (lambda d, a: a["scales"].fill(-1), "has a negative number"),
        (lambda d, a: a["weights"].fill(0), "weights has a scale that is not positive"),
        (lambda d, a: a["counts"].fill(np.nan), "counts has a number that is not finite"),
        (lambda d, a: a.pop("ages"), "there is no array 'ages'"),
        (lambda d, a: a["runs"].fill(np.nan), "runs has a number that is not finite"),
        (lambda d, a: a["lengths"].fill(3), "another number of rows than lengths"),
        (lambda d, a: a["lengths"].fill(0.5), "lengths has a number that is not whole"),
        (lambda d, a: a["seconds"].fill(0), "stamp that is not later"),
        (lambda d, a: a.update(values=a["values"].astype(np.float32)), "values is float32"),
    ],
)
def test_a_damaged_state_is_refused(forecaster: SeriesForecaster, damage: Any, words: str) -> None:
    """Whatever is not as `to_state` writes it is named."""
    description, arrays = to_state(forecaster)
    description = {**description, "rhythm": dict(description["rhythm"])}
    arrays = {name: array.copy() for name, array in arrays.items()}
    damage(description, arrays)
    with pytest.raises(ModelFileError, match=words):
        from_state(description, arrays)


def test_faults_of_a_real_series() -> None:
    """New York's taxis: the five days that are known to be special, and no false alarm."""
    folder = DATA / "anomaly" / "nab"
    if not folder.exists():
        pytest.skip(f"there is no {folder}")
    frame = pd.read_csv(folder / "nyc_taxi.csv.gz", parse_dates=["timestamp"])
    trained = int(0.15 * len(frame))
    model = SeriesForecaster.learn(read_series(frame[:trained], time="timestamp"))
    scores = model.score(read_series(frame[trained:], time="timestamp"))
    alarms = frame.timestamp[trained:][scores.score > ALARM]
    days = alarms.dt.strftime("%m-%d").unique().tolist()
    assert (86400.0, 604800.0) == model.rhythm.periods
    assert {"11-02", "11-27", "12-25", "01-01", "01-27"} <= set(days)
    assert 10 >= len(days)
