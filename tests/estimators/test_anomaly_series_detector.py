"""Time series through `AnomalyDetector`: planted faults, thresholds of the past, files, streams."""

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule import AnomalyDetector
from chainrule.errors import DataError, ModelFileError, UnsupportedError
from chainrule.estimators.anomaly.series.series_calibration import SeriesCalibration
from chainrule.estimators.anomaly.series.series_stream import SeriesScorer
from chainrule.estimators.anomaly.thresholds.calibration import FewRowsWarning
from chainrule.estimators.serialization.estimator import from_state, to_state

pytestmark = pytest.mark.usefixtures("_unoptimised")

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))
TRAINED, ROWS, SPIKE = 24 * 40, 24 * 60, 24 * 50 + 5
WINDOWS = (
    "auto", "autoencoder",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("neighbors", "masked")),
)  # fmt: skip


def hours(seed: int = 0, rows: int = ROWS) -> Any:
    """Days of hours with a wave and noise of 0.1, and a spike of 1.5 after the training."""
    draw = np.random.default_rng(seed)
    at = pd.date_range("2026-01-05", periods=rows, freq="h")
    load = 5 + np.sin(2 * np.pi * at.hour.to_numpy() / 24) + draw.normal(0, 0.1, rows)
    if rows > SPIKE:
        load[SPIKE] += 1.5
    return pd.DataFrame({"at": at, "load": load})


def machines() -> Any:
    """Two series of other levels and scales, row by row in turns, and their channel of noise."""
    first, second = hours(1), hours(2)
    second["load"] = 100 + 20 * second["load"]
    frame = pd.concat([first.assign(of="a"), second.assign(of="b")])
    frame["heat"] = np.random.default_rng(3).normal(size=len(frame))
    return frame.sort_values(["at", "of"], ignore_index=True)


def detector(**more: Any) -> AnomalyDetector:
    settings = {"window": 24, "time": "at", "random_state": 0, "max_iter": 3, "n_members": 2}
    return AnomalyDetector(**{**settings, "progress": False, **more})


@cache
def of_hours(method: str) -> AnomalyDetector:
    """Trained once in a process."""
    return detector(method=method).fit(hours()[:TRAINED])


@cache
def of_machines(method: str) -> AnomalyDetector:
    """The same, of two series."""
    return detector(series="of", method=method).fit(machines()[: 2 * TRAINED])


@pytest.fixture
def fitted() -> AnomalyDetector:
    return of_hours("auto")


def test_the_spike_is_the_strangest_row_and_few_others_are_alarms(fitted: AnomalyDetector) -> None:
    """Of 480 new rows, the spike has the lowest score; at most 5 far from it are alarms."""
    rest = hours()[TRAINED:]
    scores, answers = fitted.score_samples(rest), fitted.predict(rest)
    assert SPIKE - TRAINED == np.argmin(scores)
    flagged = np.flatnonzero(answers == -1)
    assert SPIKE - TRAINED in flagged
    assert (np.abs(flagged - (SPIKE - TRAINED)) > 30).sum() <= 5
    np.testing.assert_array_equal(answers == -1, fitted.decision_function(rest) < 0)


def test_an_alarm_names_the_channel_its_time_and_what_was_expected(fitted: AnomalyDetector) -> None:
    """The spike of 1.5 is outside its range, whose middle is what the row would be without it."""
    frame = hours()
    alarm = fitted.alarms(frame[TRAINED:])[0]
    assert pd.Timestamp(frame["at"][SPIKE]) == alarm.label
    assert (SPIKE - TRAINED, SPIKE - TRAINED) == (alarm.row, alarm.step)
    [reason] = alarm.reasons
    assert ("load", 1.0) == (reason.column, reason.share)
    assert frame["load"][SPIKE] == reason.observed
    assert reason.expected == pytest.approx(frame["load"][SPIKE] - 1.5, abs=0.35)
    assert reason.low < reason.expected < reason.high < reason.observed
    assert reason.high - reason.low == pytest.approx(2 * 2.576 * 0.11, rel=0.3)


def test_alarms_that_follow_each_other_are_one_group() -> None:
    """Those of one series in its consecutive rows, though the rows of another are between them."""
    frame = machines()
    model = of_machines("auto")
    rest = frame[2 * TRAINED :].copy()
    late = rest["at"].between("2026-02-25 03:00", "2026-02-25 06:00") & (rest["of"] == "b")
    rest.loc[late, "load"] += 60
    largest = model.alarms(rest).groups()[0]
    assert {"b"} == {alarm.series for alarm in largest}
    steps = [alarm.step for alarm in largest]
    assert list(range(steps[0], steps[0] + len(steps))) == steps
    planted = np.flatnonzero(late)
    assert set(planted) <= {alarm.row for alarm in largest}
    table = model.alarms(rest).to_frame()
    assert {"b"} == set(table[table["row"].isin(planted)]["series"])
    assert "b 2026-02-25 03:00:00" in str(model.alarms(rest))


def test_the_channel_that_changes_is_named() -> None:
    """A fault planted into one of two channels is the first reason of its row, 10 times of 10."""
    frame = machines()
    model = of_machines("auto")
    for k in range(10):
        rest = frame[2 * TRAINED :].copy()
        row, column = 300 + 37 * k, ("load", "heat")[k % 2]
        scale = (1.0 if rest["of"].iloc[row] == "a" else 20.0) if column == "load" else 8.0
        rest.iloc[row, rest.columns.get_loc(column)] += 1.5 * scale
        assert column == model.explain(rest)[row].reasons[0].column


def test_rows_of_a_new_stretch_are_not_ready_at_first() -> None:
    """An array has no times: the first 24 rows have no score, p-value or reason, and are 1."""
    load = hours()["load"].to_numpy()
    model = AnomalyDetector(window=24, random_state=0).fit(load[:TRAINED])
    rest = load[TRAINED:]
    scores = model.score_samples(rest)
    np.testing.assert_array_equal(np.arange(len(rest)) < 24, np.isnan(scores))
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(model.p_values(rest)))
    with pytest.warns(FewRowsWarning, match="24 of 480 rows have no score and count as normal"):
        np.testing.assert_array_equal(np.isnan(scores), np.isnan(model.decision_function(rest)))
    with pytest.warns(FewRowsWarning, match=r"too few rows come before them \(window=24\)"):
        assert {1} == set(model.predict(rest)[:24])
    assert () == model.explain(rest)[0].reasons
    assert SPIKE - TRAINED == np.nanargmin(scores)


def test_times_tell_whether_rows_go_on_after_the_training(fitted: AnomalyDetector) -> None:
    """The next hour is ready at once; the hours of the training and those a year later are not."""
    frame = hours()
    assert np.isfinite(fitted.score_samples(frame[TRAINED : TRAINED + 3])).all()
    assert np.isnan(fitted.score_samples(frame[:3])).all()
    later = frame[TRAINED:].assign(at=frame["at"][TRAINED:] + pd.Timedelta(days=364))
    assert np.isnan(fitted.score_samples(later)[0])


def test_an_unready_row_of_missing_values_changes_nothing(fitted: AnomalyDetector) -> None:
    """A row without a value has no score, and the next one has nearly what it had."""
    rest = hours()[TRAINED:].reset_index(drop=True)
    before = fitted.score_samples(rest)
    rest.loc[100, "load"] = np.nan
    scores = fitted.score_samples(rest)
    assert [100] == np.flatnonzero(np.isnan(scores)).tolist()
    np.testing.assert_array_equal(before[:100], scores[:100])
    assert scores[101] == pytest.approx(before[101], abs=0.3)


@pytest.mark.parametrize("method", WINDOWS)
def test_later_rows_change_nothing_of_earlier_ones(method: str) -> None:
    """Neither the score nor the threshold of the first 200 rows, if those after them are wild."""
    frame = hours()
    model = of_hours(method)
    rest = frame[TRAINED:].reset_index(drop=True)
    wild = rest.copy()
    wild.loc[200:, "load"] *= -7
    for answer in (model.score_samples, model.decision_function, model.predict):
        np.testing.assert_array_equal(answer(rest)[:200], answer(wild)[:200])
        assert (answer(rest)[200:] != answer(wild)[200:]).any()
    cut = model.decision_function(rest[:200])
    np.testing.assert_allclose(cut, model.decision_function(rest)[:200], rtol=1e-6)


def test_each_row_of_a_table_answers_in_its_place() -> None:
    """Two series in turns have the scores that each has alone."""
    frame = machines()
    model = of_machines("neighbors")
    rest = frame[2 * TRAINED :]
    scores = model.score_samples(rest)
    for name in ("a", "b"):
        alone = rest[rest["of"] == name]
        np.testing.assert_allclose(scores[rest["of"] == name], model.score_samples(alone))
        flags = model.predict(alone)
        np.testing.assert_array_equal(model.predict(rest)[rest["of"] == name], flags)


def test_an_unknown_series_has_the_scale_of_all() -> None:
    """It begins anew, and its spike is found; a short series of the training is left out."""
    frame = machines()
    short = pd.concat([frame[: 2 * TRAINED], frame[:40:2].assign(of="c")])
    model = detector(series="of").fit(short)
    assert ("a", "b") == model.fitted_.forecaster.names
    assert "of 2 series" in model.summary_
    unknown = frame[(frame["of"] == "a") & (frame.index >= 2 * TRAINED)].assign(of="new")
    unknown["load"] = 50 + 10 * unknown["load"]
    scores = model.score_samples(unknown)
    assert 24 == np.isnan(scores).sum()
    assert SPIKE - TRAINED == np.nanargmin(scores)


@pytest.mark.parametrize("method", ["auto", "neighbors"])
def test_a_few_rows_of_a_new_stretch_have_no_scores(method: str) -> None:
    """Fewer rows than a window has, and a single one: all NaN, 1, and no alarm."""
    load = hours()["load"].to_numpy()
    model = detector(time=None, method=method).fit(load[:TRAINED])
    for rows in (1, 10):
        assert np.isnan(model.score_samples(load[-rows:])).all()
        with pytest.warns(FewRowsWarning, match=f"{rows} of {rows} rows have no score"):
            assert [1] * rows == model.predict(load[-rows:]).tolist()
        with pytest.warns(FewRowsWarning, match=f"{rows} of {rows} rows have no score"):
            assert 0 == len(model.alarms(load[-rows:]))
        assert rows == len(model.explain(load[-rows:]))


@pytest.mark.parametrize("kind", ["column", "text", "dates", "periods", "series", "zone"])
def test_times_may_stand_in_a_column_or_the_index(fitted: AnomalyDetector, kind: str) -> None:
    """All forms of the same rows have the same scores."""
    frame = hours()
    if kind == "text":
        frame["at"] = frame["at"].astype(str)
    elif kind == "zone":
        frame["at"] = frame["at"].dt.tz_localize("UTC")
    elif kind != "column":
        frame = frame.set_index("at")
        frame.index.name = None
    if kind == "periods":
        frame.index = frame.index.to_period("h")
    data = frame["load"] if kind == "series" else frame
    time = "at" if kind in ("column", "text", "zone") else None
    model = detector(time=time).fit(data[:TRAINED])
    scores = model.score_samples(data[TRAINED:])
    np.testing.assert_array_equal(fitted.score_samples(hours()[TRAINED:]), scores)
    label = str(model.alarms(data[TRAINED:])[0].label)
    assert label.startswith(str(hours()["at"][SPIKE])[:13])


@pytest.mark.parametrize("method", WINDOWS)
def test_a_model_file_holds_the_same_bits(method: str, tmp_path: Path) -> None:
    """Scores, thresholds and reasons after `load` are those before `save`, and files repeat."""
    frame = machines()
    model = of_machines(method)
    path, rest = tmp_path / "series.safetensors", frame[2 * TRAINED :]
    model.save(path)
    again = cr.load(path)
    np.testing.assert_array_equal(model.decision_function(rest), again.decision_function(rest))
    assert model.alarms(rest) == again.alarms(rest)
    assert (model.summary_, model.history_) == (again.summary_, again.history_)
    assert (method == "auto") == (model.history_ == {} and "beside it" not in model.summary_)
    again.save(tmp_path / "again.safetensors")
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.score_samples(rest), copy.score_samples(rest))
    repeated = clone(model).fit(frame[: 2 * TRAINED])
    np.testing.assert_array_equal(model.score_samples(rest), repeated.score_samples(rest))


DAMAGES: dict[str, Any] = {
    "a rate of 0.5": lambda state, arrays: state.update(rate=0.5),
    "no rate": lambda state, arrays: state.pop("rate"),
    "another window": lambda state, arrays: state["forecaster"].update(window=25),
    "another channel": lambda state, arrays: state["forecaster"]["channels"].append("x"),
    "no members": lambda state, arrays: state.update(windows=None),
    "another member": lambda state, arrays: state["windows"].update(members=["autoencoder"]),
    "names of other values": lambda state, arrays: state["windows"]["columns"][0].update(name="x"),
    "an unsorted score": lambda state, arrays: arrays.update(scores=arrays["scores"][::-1]),
    "one score": lambda state, arrays: arrays.update(history=arrays["history"][:1]),
    "a range that ends before": lambda state, arrays: arrays.update(
        ranges=arrays["ranges"][:, ::-1]
    ),
    "a feature too many": lambda state, arrays: arrays.update(
        features=np.zeros((3, 2), np.float32)
    ),
    "NaN": lambda state, arrays: arrays["usual"].fill(np.nan),
    "a negative count": lambda state, arrays: arrays["usual"].fill(-1.0),
    "another array": lambda state, arrays: arrays.update({"forecast.more": np.zeros(2)}),
    "no weights": lambda state, arrays: arrays.pop("forecast.weights"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage: str) -> None:
    """Each value that no detector has is a `ModelFileError`; the untouched state is none."""
    model = of_hours("neighbors")
    state, arrays = to_state(model)
    arrays = {name: array.copy() for name, array in arrays.items()}
    assert model.summary_ == from_state(AnomalyDetector, state, arrays).summary_
    DAMAGES[damage](state["fitted"], arrays)
    with pytest.raises(ModelFileError):
        from_state(AnomalyDetector, state, arrays)


def test_the_threshold_follows_the_past_of_the_series() -> None:
    """Scores that are 1.5 times as large raise it until a share of 0.01 are alarms again."""
    draw = np.random.default_rng(0)
    usual = SeriesCalibration(draw.exponential(size=500), draw.exponential(size=2_000))
    scores = draw.exponential(size=30_000) * 1.5
    levels = usual.thresholds([np.arange(30_000)], scores, 0.01)
    assert np.unique(levels[:1_000]).tolist() == [usual.threshold(0.01)]
    assert levels[0] == pytest.approx(np.log(100), abs=0.3)
    assert levels[-1] == pytest.approx(1.5 * np.log(100), abs=0.4)
    assert (scores > levels)[:1_000].mean() == pytest.approx(0.01 ** (1 / 1.5), abs=0.02)
    assert (scores > levels)[-10_000:].mean() == pytest.approx(0.01, abs=0.003)


def test_false_alarms_of_noise_are_about_as_many_as_promised() -> None:
    """Of 4 x 2,000 rows of ordinary hours, at rates of 0.005 and 0.02, up to a factor of 2.5."""
    shares = []
    for seed in range(4):
        frame = hours(seed + 10, 24 * 40 + 2_000)
        frame.loc[SPIKE, "load"] -= 1.5
        model = detector().fit(frame[:TRAINED])
        rest = frame[TRAINED:]
        shares.append([np.mean(model.predict(rest, false_alarm_rate=rate) < 0)
                       for rate in (0.005, 0.02)])  # fmt: skip
        np.testing.assert_array_equal(
            model.predict(rest), model.predict(rest, false_alarm_rate=0.005)
        )
    assert 0.002 < np.mean(shares, axis=0)[0] < 0.0125
    assert 0.008 < np.mean(shares, axis=0)[1] < 0.05


def test_a_short_history_is_said() -> None:
    """100 hours are too few for a rate of 0.005, in `fit` and in each answer; not for 0.02."""
    frame = hours()
    with pytest.warns(FewRowsWarning, match="too few for a rate of 0.005"):
        model = detector().fit(frame[:100])
    with pytest.warns(FewRowsWarning, match="history is short") as caught:
        model.predict(frame[100:150])
    assert __file__ == caught[0].filename
    assert 50 == len(model.predict(frame[100:150], false_alarm_rate=0.05))


@pytest.mark.parametrize("way", ["auto", "known"])
def test_anomalies_of_the_training_are_not_learned(way: str) -> None:
    """With 20 rows off by 4, errors grow by a fifth and a spike is hidden; left out, neither."""
    frame = hours()
    clean, dirty = frame[:TRAINED], frame[:TRAINED].copy()
    wrong = np.random.default_rng(5).choice(np.arange(50, TRAINED), 20, replace=False)
    dirty.loc[wrong, "load"] += 4.0
    mask = np.isin(np.arange(TRAINED), wrong)

    def answers(model: AnomalyDetector) -> tuple[float, float]:
        scores = model.fitted_.judge(model._series_table(frame[TRAINED:]))
        errors = frame["load"].to_numpy()[TRAINED:] - scores.expected[:, 0]
        return float(np.median(np.abs(errors))), float(scores.score[SPIKE - TRAINED])

    best, worst = answers(detector().fit(clean)), answers(detector().fit(dirty))
    assert worst[0] > 1.15 * best[0]
    assert worst[1] < 1.0 < 2.0 < best[1]
    if way == "auto":
        model = detector(contamination="auto").fit(dirty)
    else:
        model = detector().fit(dirty, anomalies=mask)
    error, spike = answers(model)
    assert error < 1.05 * best[0]
    assert spike == pytest.approx(best[1], abs=0.1)


WRONG: dict[str, tuple[Any, Any, str]] = {
    "back": ({}, hours()[::-1], "sort the rows by time"),
    "twice": ({}, hours()[:200].assign(at="2026-01-05"), "comes twice"),
    "no time": ({}, hours().assign(at=pd.NaT), "there is no time"),
    "window": ({"window": 2000}, hours(), "window=2000 needs 2501 rows at least"),
    "endless window": ({"window": 10**9}, hours(), "window=1000000000 needs 1250000001 rows"),
    "one row": ({}, hours()[:1], "n_samples=1 in the longest series"),
    "no row": ({}, hours()[:0], "0 sample"),
    "text": ({}, hours().assign(word="x"), "column 'word', row 1: 'x' is not a finite number"),
    "infinite": ({}, hours().assign(load=np.inf), "column 'load', row 1"),
    "nothing": ({}, hours().assign(load=np.nan), "all values of the series are missing"),
    "no channel": ({}, hours()[["at"]], "no column of numbers"),
    "absent": ({"time": "when"}, hours(), "there is no column 'when'"),
    "cube": ({"time": None}, np.zeros((9, 9, 9)), "shape \\(9, 9, 9\\)"),
    "names": ({"time": None, "window": None, "series": "of"}, hours(), "give its window as well"),
    "mask": ({}, hours(), "anomalies has shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_rows_are_refused_with_a_word_of_what_to_do(case: str) -> None:
    """The message names the row, the column or the number that is wrong."""
    settings, data, message = WRONG[case]
    anomalies = [True, False] if case == "mask" else None
    with pytest.raises(DataError, match=message):
        detector(**settings).fit(data, anomalies=anomalies)


def test_all_but_a_few_values_missing_is_refused() -> None:
    """Where the held-out end has no value, nothing can calibrate."""
    frame = hours()[:TRAINED]
    frame.loc[500:, "load"] = np.nan
    with pytest.raises(DataError, match="only 0 of the 192 rows that are held out"):
        detector().fit(frame)


def test_what_makes_no_sense_in_a_series_is_unsupported(fitted: AnomalyDetector) -> None:
    """A share of the training, categories, a choice among all rows, attributions, ONNX."""
    frame = hours()
    for name, value in (("contamination", 0.1), ("categorical_features", ["load"])):
        with pytest.raises(UnsupportedError, match=name):
            detector(**{name: value}).fit(frame)
    with pytest.raises(UnsupportedError, match="looks ahead"):
        fitted.predict(frame, fdr=0.1)
    with pytest.raises(UnsupportedError, match="explain"):
        fitted.attributions(frame)
    with pytest.raises(UnsupportedError, match="ONNX"):
        fitted.to_onnx()
    with pytest.raises(ValueError, match=r"between 0 and 0\.2"):
        fitted.predict(frame, false_alarm_rate=0.3)
    with pytest.raises(NotFittedError):
        detector().predict(frame)


def test_constant_values_are_no_anomaly_and_another_value_is() -> None:
    """After 300 ones, a hundred more are normal, and a five is an alarm."""
    ones = pd.Series(1.0, index=pd.date_range("2026-01-01", periods=400, freq="min"))
    model = AnomalyDetector(window=24, random_state=0).fit(ones[:300])
    rest = ones[300:].copy()
    assert {1} == set(model.predict(rest))
    rest.iloc[60] = 5.0
    np.testing.assert_array_equal([1] * 60 + [-1], model.predict(rest)[:61])


@pytest.mark.parametrize("method", WINDOWS)
def test_a_stream_scores_as_all_rows_at_once_and_restarts(method: str) -> None:
    """Rows of two series one by one; after a restart in the middle the same bits as without."""
    frame = machines()
    model = of_machines(method)
    rest = frame[2 * TRAINED : 2 * TRAINED + 60]
    rows = rest.to_dict("records")
    whole = SeriesScorer(model)
    scores = [whole.score(row)[0] for row in rows]
    np.testing.assert_allclose(-np.array(scores), model.score_samples(rest), rtol=1e-4)
    first = SeriesScorer(model)
    for row in rows[:30]:
        first.score(row)
    second = SeriesScorer(model)
    second.restore(*first.state())
    assert scores[30:] == [second.score(row)[0] for row in rows[30:]]
    third = SeriesScorer(model)
    tables = [third.score(rest[k : k + 1])[0] for k in range(10)]
    assert scores == tables + [score for score, _ in third.score_many(rest[10:])]


def test_a_stream_refuses_a_row_and_goes_on(fitted: AnomalyDetector) -> None:
    """A time that goes back, a missing column or text: an error, and the next score is the same."""
    rows = hours()[TRAINED : TRAINED + 5].to_dict("records")
    scorer, other = SeriesScorer(fitted), SeriesScorer(fitted)
    for row in rows[:3]:
        assert scorer.score(row)[0] == other.score(row)[0]
    for wrong, message in (
        (rows[1], "not later"), ({"at": rows[3]["at"]}, "load"), ({**rows[3], "load": "x"}, "'x'"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            other.score(wrong)
    assert scorer.score(rows[3])[0] == other.score(rows[3])[0]
    batch = hours()[TRAINED + 4 : TRAINED + 8]
    with pytest.raises(DataError, match="not later"):
        other.score_many(pd.concat([batch, batch[:1].assign(at=rows[0]["at"])])[::-1])
    state, arrays = other.state()
    with pytest.raises(ModelFileError):
        other.restore({**state, "lengths": [3]}, arrays)
    with pytest.raises(ModelFileError):
        other.restore(state, {**arrays, "averages": arrays["averages"] * np.nan})
    assert scorer.score(rows[4])[0] == other.score_many(batch)[0][0]


def test_a_row_of_a_stream_tells_what_was_expected(fitted: AnomalyDetector) -> None:
    """`score_row` gives the forecast that `explain` gives, and none in a series' first row."""
    rest = hours()[TRAINED : TRAINED + 10]
    scorer = SeriesScorer(fitted)
    for alarm, at, load in zip(fitted.explain(rest), rest["at"], rest["load"], strict=True):
        score, expected = scorer.score_row(load, time=at)
        assert score == pytest.approx(-alarm.score, rel=1e-6)
        assert expected == {"load": pytest.approx(alarm.reasons[0].expected, rel=1e-9)}
    assert (None, None) == scorer.score_row(1.0, time="2026-02-20 00:00", series="other")


def test_the_alarms_of_a_stream_are_those_of_predict(fitted: AnomalyDetector) -> None:
    """Both begin with all scores of the training."""
    rest = hours()[TRAINED:]
    result = fitted.stream(reasons=True).update_many(rest)
    np.testing.assert_array_equal(fitted.predict(rest) == -1, result.is_alarm)
    reasons = result.reasons[SPIKE - TRAINED]
    assert fitted.explain(rest)[SPIKE - TRAINED].reasons[0].column == reasons[0].column


@pytest.mark.skipif(not (DATA / "anomaly" / "nab").exists(), reason="the data is not there")
def test_the_five_faults_of_taxi_rides_are_found() -> None:
    """Learned from 15 % of them; at most 1.5 days of false alarms a month, automatically."""
    frame = pd.read_csv(DATA / "anomaly" / "nab" / "nyc_taxi.csv.gz", parse_dates=["timestamp"])
    trained = int(0.15 * len(frame))
    model = AnomalyDetector(window=48, time="timestamp").fit(frame[:trained])
    rest = frame[trained:]
    days = rest["timestamp"][model.predict(rest) == -1].dt.date.astype(str)
    windows = [("10-30", "11-05"), ("11-25", "11-30"), ("12-23", "12-28"), ("12-29", "01-03"),
               ("01-24", "01-30")]  # fmt: skip
    found = 0
    outside = set(days)
    for first, last in windows:
        years = [2015 if end.startswith("01") else 2014 for end in (first, last)]
        inside = {day for day in days if f"{years[0]}-{first}" <= day <= f"{years[1]}-{last}"}
        found += bool(inside)
        outside -= inside
    assert 5 == found
    assert len(outside) <= 9
