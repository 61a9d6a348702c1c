"""Time series as they are given: order, gaps, missing values, rhythms, and usual sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import DataError
from chainrule.estimators.anomaly.series.reading import (
    ages,
    carried,
    read_series,
    usual_scale,
)
from chainrule.estimators.anomaly.series.rhythm import DAY, WEEK, YEAR, find_period, find_rhythm
from chainrule.estimators.anomaly.series.running_quantile import RunningQuantile

ONE = np.ones(1)


def hours(n: int) -> pd.DatetimeIndex:
    return pd.date_range("2026-03-01", periods=n, freq="h")


def test_an_array_has_regular_steps_and_named_channels() -> None:
    """One column is `value`; several are numbered; there are no stamps."""
    one, two = read_series(np.arange(3)), read_series(np.arange(6.0).reshape(3, 2))
    assert (("value",), None, 3) == (one.channels, one.step, one.length)
    assert ("value0", "value1") == two.channels
    assert [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]] == two.parts[0].values.tolist()
    assert two.parts[0].seconds is None


@pytest.mark.parametrize("kind", ["index", "periods", "column", "text", "series", "zone"])
def test_stamps_come_from_a_column_or_an_index(kind: str) -> None:
    """All ways to give the same hours give the same seconds, in UTC."""
    at, load = hours(3), [1.0, 2.0, 4.0]
    frame = pd.DataFrame({"load": load}, index=at)
    if kind == "periods":
        frame.index = at.to_period("h")
    elif kind == "zone":
        frame.index = at.tz_localize("UTC").tz_convert("Europe/Berlin")
    elif kind in ("column", "text"):
        frame = pd.DataFrame({"at": at if kind == "column" else at.astype(str), "load": load})
    data = frame["load"] if kind == "series" else frame
    table = read_series(data, time="at" if kind in ("column", "text") else None)
    expected = 1772323200.0 + np.array([0.0, 3600.0, 7200.0])  # 2026-03-01T00:00Z
    assert expected.tolist() == table.parts[0].seconds.tolist()
    assert (("load",), 3600.0) == (table.channels, table.step)


def test_series_are_told_apart_by_a_column() -> None:
    """Rows of several series may be mixed; the numbers of names are texts; the step is theirs."""
    frame = pd.DataFrame({"x": [1, 2, 3, 4, 5], "of": [7, 8, 7, 8, 7], "y": 0.5}, index=[0] * 5)
    table = read_series(frame, series="of")
    assert [("7", [0, 2, 4]), ("8", [1, 3])] == [(p.name, p.rows.tolist()) for p in table.parts]
    assert [[2.0, 0.5], [4.0, 0.5]] == table.parts[1].values.tolist()
    assert ("x", "y") == table.channels


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"at": ["2026-01-01", "2026-01-03", "2026-01-02"]}, r"'at', row 3: .*sort the rows"),
        ({"at": ["2026-01-01", "2026-01-02", "2026-01-02"]}, r"'at', row 3: .*comes twice"),
        ({"at": ["2026-01-01", None, "2026-01-02"]}, r"'at', row 2: there is no time"),
        ({"at": [1, 2, 3]}, r"'at', row 1: '1' is no date"),
        ({"load": [1.0, 2.0, "much"]}, r"'load', row 3: 'much' is not a finite number: correct"),
        ({"load": [1.0, np.inf, 2.0]}, r"'load', row 2: 'inf' is not a finite number"),
        ({"load": pd.to_datetime(["2026-01-01"] * 3)}, r"'load' holds dates: name it in time="),
        ({"load": [1.0, [2.0], 3.0]}, r"'load', row 2: \[2.0\] is a list"),
    ],
)
def test_what_is_no_series_is_refused(change: dict[str, object], words: str) -> None:
    """The error names the column, the row and what to do."""
    frame = pd.DataFrame({"at": ["2026-01-01", "2026-01-02", "2026-01-03"], "load": 1.0})
    with pytest.raises(DataError, match=words):
        read_series(frame.assign(**change), time="at")


def test_tables_without_what_is_named_are_refused() -> None:
    """A column of times, of series or of the training that is not there; none of numbers."""
    frame = pd.DataFrame({"at": ["2026-01-01"], "load": 1.0})
    with pytest.raises(DataError, match=r"there is no column 'when': the columns are 'at', 'load'"):
        read_series(frame, time="when")
    with pytest.raises(DataError, match=r"the column 'flow' of the training is missing"):
        read_series(frame, time="at", channels=["flow"])
    with pytest.raises(DataError, match=r"there is no column of numbers beside times"):
        read_series(frame[["at"]], time="at")
    with pytest.raises(DataError, match=r"of shape \(1, 1, 1\): give \(rows,\)"):
        read_series(np.ones((1, 1, 1)))
    with pytest.raises(DataError, match=r"two columns are called '1'"):
        read_series(pd.DataFrame([[1, 2]], columns=["1", 1]))


def test_the_same_stamp_in_two_series_is_none_twice() -> None:
    """Without the column of series it is, and the message says so."""
    frame = pd.DataFrame({"at": ["2026-01-01"] * 2, "of": ["a", "b"], "load": [1.0, 2.0]})
    assert 2 == len(read_series(frame, time="at", series="of").parts)
    with pytest.raises(DataError, match=r"row 2: .*or name the column of the series"):
        read_series(frame.drop(columns="of"), time="at")


def test_missing_values_are_carried_for_a_while() -> None:
    """The last value before, for so many rows; none before the first."""
    values = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [np.nan, 3.0]])
    expected = [[None, 1.0], [2.0, 1.0], [2.0, 1.0], [2.0, 3.0]]
    filled = carried(values, 2)
    assert expected == [[None if np.isnan(x) else x for x in row] for row in filled.tolist()]
    assert np.isnan(carried(values, 1)[3, 0]) and np.isnan(carried(values, 1)[2, 1])


def test_a_long_gap_begins_anew_and_a_short_one_is_stepped_over() -> None:
    """Counted in steps; without stamps there are no gaps."""
    seconds = np.array([0.0, 10.0, 50.0, 60.0, 120.0])
    assert [0, 1, 2, 3, 0] == ages(seconds, 5, 10.0, 4).tolist()
    assert [0, 1, 0, 1, 0] == ages(seconds, 5, 10.0, 3).tolist()
    assert [0, 1, 2, 3, 4] == ages(None, 5, None, 3).tolist()


def test_a_column_that_is_no_channel_has_advice_for_what_it_holds() -> None:
    """Dates are times; names are names of series; one wrong cell among numbers is a mistake."""
    load = [1.0, 2.0, 3.0, 4.0]
    dates = pd.DataFrame({"at": ["2026-01-01", "2026-01-02", None, "2026-01-04"], "load": load})
    with pytest.raises(DataError, match=r"column 'at', row 1: .*; .* dates: time='at' makes them"):
        read_series(dates)
    with pytest.raises(DataError, match=r"column 'of', row 1: .*names series: series='of'"):
        read_series(pd.DataFrame({"of": list("abab"), "load": load}))
    with pytest.raises(DataError, match=r"column 'load', row 3: 'three'") as error:
        read_series(pd.DataFrame({"load": ["1", "2", "three", "4"]}))
    assert "series=" not in str(error.value) and "time=" not in str(error.value)


def test_the_usual_scale_is_robust() -> None:
    """A normal law's standard deviation, one outlier or not; never 0."""
    values = np.random.default_rng(0).normal(3.0, 2.0, size=(4001, 3))
    values[0, 0], values[1, 1] = 1e9, np.nan
    values[:, 2] = np.arange(4001) < 3  # nearly always the same
    np.testing.assert_allclose(usual_scale(values), [2.0, 2.0, 1.0], rtol=0.05)


def test_rhythms_of_the_calendar_need_two_of_each() -> None:
    """And steps that are short enough: of hours the day and week, of days the week and year."""
    for step, n, expected in [
        (3600.0, 40, ()),
        (3600.0, 60, (DAY,)),
        (3600.0, 400, (DAY, WEEK)),
        (DAY, 13, ()),
        (DAY, 400, (WEEK,)),
        (DAY, 800, (WEEK, YEAR)),
        (WEEK, 110, (YEAR,)),
    ]:
        rhythm = find_rhythm(4, [np.zeros((n, 1))], [step * np.arange(float(n))], step)
        assert (expected, DAY in expected, WEEK in expected) == (
            rhythm.periods, rhythm.daily, rhythm.weekly
        )  # fmt: skip


def test_a_period_is_found_in_noise_and_on_a_trend() -> None:
    """The shortest one, not its multiples; none of noise, of a constant, or of a few rows."""
    rows = np.arange(600.0)
    noise = np.random.default_rng(1).normal(size=600)
    assert 24 == find_period((np.sin(2 * np.pi * rows / 24) + 0.3 * noise + 0.01 * rows)[:, None])
    spikes = (rows % 30 == 0).astype(float) + 0.05 * noise
    assert 30 == find_period(spikes[:, None])
    assert find_period(noise[:, None]) is None
    assert find_period(np.ones((600, 1))) is None
    assert find_period(noise[:9, None]) is None


def test_a_running_quantile_is_that_of_the_scores_so_far() -> None:
    """Within the width of a bin, 2.2 %, after thousands of scores, and as a copy goes on."""
    draw = np.random.default_rng(2).gamma(2.0, size=5000)
    usual = RunningQuantile.learn(draw[:1000])
    ratios = usual.divide(draw[1000:])
    for k in (1000, 2500, 4999):
        assert ratios[k - 1000] == pytest.approx(draw[k] / np.quantile(draw[:k], 0.99), rel=0.05)
    assert usual.value == pytest.approx(np.quantile(draw, 0.99), rel=0.03)
    copy = usual.copy()
    assert [usual.push(3.0), usual.push(9.0)] == [copy.push(3.0), copy.push(9.0)]
    assert 5002 == pytest.approx(usual.counts.sum())


def test_a_running_quantile_forgets() -> None:
    """Scores ten times as large are usual after a few half-lives, and were not at first."""
    draw = np.random.default_rng(3).uniform(1.0, 2.0, size=3000)
    usual = RunningQuantile.learn(draw[:1000], half_life=200)
    first = usual.divide(10 * draw[1000:1010])
    last = usual.divide(10 * draw[1010:])[-100:]
    assert first[0] > 5 and last.max() < 1.05
    assert usual.value == pytest.approx(19.9, rel=0.03)


def test_a_running_quantile_takes_zeros_and_missing_scores() -> None:
    """A series that never erred has a quantile, and what errs at last is far above it."""
    usual = RunningQuantile.learn(np.zeros(50))
    assert np.isnan(usual.push(np.nan))
    assert usual.push(0.0) == 0.0 and usual.push(1.0) > 100
    assert RunningQuantile.learn(np.array([np.nan])).push(0.5) > 0
