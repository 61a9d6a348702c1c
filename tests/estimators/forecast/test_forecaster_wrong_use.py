"""Wrong use of `Forecaster`: each message says what came, where, and what to do."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from series_programs import LONG, long_table, seasonal
from sklearn.exceptions import NotFittedError

from chainrule import Forecaster
from chainrule.errors import DataError, UnsupportedError
from chainrule.estimators.forecast.forecast_warning import FewOriginsWarning, LeakWarning
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning

DAYS = pd.date_range("2023-01-02", periods=300, freq="D")
VALUES = seasonal(120, np.random.default_rng(0))[:, 0]
SERIES = pd.Series(VALUES, DAYS[:120], name="sold")
TABLE = long_table(seasonal(120, np.random.default_rng(1), 2), DAYS[:120])


def fit(data: Any = VALUES, roles: Any = None, **settings: Any) -> Forecaster:
    return Forecaster(**{"horizon": 3, "random_state": 0, **settings}).fit(data, **(roles or {}))


def refused(error: type[Exception], *parts: str) -> Any:
    """A context in which an error is raised that has all parts in its message, in their order."""
    return pytest.raises(error, match="(?s)" + ".*".join(re.escape(part) for part in parts))


# Parameters


@pytest.mark.parametrize("horizon", [0, -1, 2.5, "3", None, True, [3]])
def test_horizons_that_are_none(horizon: Any) -> None:
    """A horizon is a whole number from 1 on."""
    with refused(ValueError, "horizon"):
        fit(horizon=horizon)


@pytest.mark.parametrize("season", [0, -7, 2.5, "7", [], [7, 0], [7, 2.5], [True], True, {"a": 1}])
def test_seasons_that_are_none(season: Any) -> None:
    """Whole numbers from 1 on; 1 is no season."""
    with refused(ValueError, "season_length"):
        fit(season_length=season)


def test_a_season_longer_than_the_series_is_left_out_and_said() -> None:
    """It has not come round; the others stay."""
    with pytest.warns(SeriesDataWarning, match="season_length=.7, 365.*has 120 steps.*left out"):
        assert fit(season_length=[7, 365]).season_length_ == (7,)
    assert fit(season_length=1).season_length_ == ()
    assert fit(season_length=[14, 7, 14]).season_length_ == (7, 14)


@pytest.mark.parametrize(
    "members", [None, 5, (), [], "naive", "RIDGE", ["ridge", "arima"], ["auto", "ridge"], [1]]
)
def test_members_that_are_none(members: Any) -> None:
    """The message lists those there are."""
    with refused(ValueError, "members"):
        fit(members=members)
    if isinstance(members, list) and members:
        with refused(ValueError, "members=", "'auto'", "'nbeats'"):
            fit(members=members)


@pytest.mark.parametrize(
    ("levels", "error", "parts"),
    [
        (0, ValueError, ["levels=0", "between 0 and 100"]),
        (100, ValueError, ["levels=100", "between 0 and 100"]),
        (-5, ValueError, ["between 0 and 100"]),
        (1e9, ValueError, ["between 0 and 100"]),
        (float("nan"), ValueError, ["levels=nan", "between 0 and 100"]),
        (0.8, ValueError, ["levels=0.8", "percents", "say 80"]),
        ([80, 0.95], ValueError, ["levels=[80, 0.95]", "0.95 is hardly meant", "say 95"]),
        ("80", TypeError, ["levels='80'", "such as [80, 95]"]),
        ([80, "95"], TypeError, ["such as [80, 95]"]),
        ([None], TypeError, ["numbers in percent"]),
        (True, TypeError, ["levels=True"]),
        ([[80, 95]], TypeError, ["numbers in percent"]),
    ],
)
def test_levels_that_are_none(levels: Any, error: type[Exception], parts: list[str]) -> None:
    """Percents between 0 and 100; shares are taken for what they are: a mistake."""
    with refused(error, *parts):
        fit().predict(levels)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "sales"), ("kind", None), ("likelihood", "poisson"), ("transform", "boxcox"),
        ("input_size", 0), ("input_size", []), ("input_size", [14, -1]), ("fill_gaps", "linear"),
        ("duplicates", "max"), ("max_steps", 0), ("n_threads", 0), ("random_state", "a"),
        ("progress", "yes"), ("callbacks", print), ("freq", 7),
    ],
)  # fmt: skip
def test_settings_that_are_none(name: str, value: Any) -> None:
    """The message names the parameter."""
    with refused(ValueError, name):
        fit(**{name: value})


@pytest.mark.parametrize("freq", ["X", "2 weeks ago", ""])
def test_frequencies_that_are_none(freq: str) -> None:
    """pandas does not know them."""
    with pytest.raises((DataError, ValueError), match="freq"):
        fit(SERIES, freq=freq)


def test_windows_longer_than_the_series() -> None:
    """`input_size` says how long they may be; what it says is taken."""
    with refused(DataError, "input_size=500", "120 steps", "give ", " or less") as caught:
        fit(input_size=500)
    match = re.search(r"give (\d+) or less", str(caught.value))
    assert match is not None
    most = int(match[1])
    assert f"ridge on {most} lags" in " ".join(m.name for m in members_of(fit(input_size=most)))
    with refused(DataError, "input_size"):
        fit(input_size=most + 1)


def members_of(forecaster: Forecaster) -> Any:
    return forecaster.fitted_.committee.members


@pytest.mark.parametrize("transform", ["log", "sqrt"])
def test_transforms_of_negative_values(transform: str) -> None:
    """They are refused, with the value; "auto" does without."""
    with refused(DataError, f"transform='{transform}'", "-7", "'none'"):
        fit(np.r_[VALUES, -7.0], transform=transform)
    assert np.isfinite(fit(np.r_[VALUES, -7.0]).predict()["forecast"]).all()


def test_counts_below_zero() -> None:
    """Demand is never negative."""
    with refused(DataError, "kind='count'", "-1", "kind='level'"):
        fit(np.r_[np.zeros(50), -1.0, 2.0], kind="count")


# Order of calls


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.predict(), lambda one: one.sample_paths(), lambda one: one.update(VALUES),
        lambda one: one.season_length_, lambda one: one.freq_, lambda one: one.kind_,
        lambda one: one.members_, lambda one: one.ids_,
    ],
)  # fmt: skip
def test_nothing_before_fit(call: Any) -> None:
    """scikit-learn's error, in its words."""
    with refused(NotFittedError, "not fitted"):
        call(Forecaster())


def test_another_horizon_after_fit() -> None:
    """It was not learned."""
    forecaster = fit().set_params(horizon=9)
    for ask in (forecaster.predict, forecaster.sample_paths, lambda: forecaster.update(VALUES)):
        with refused(ValueError, "horizon=9", "3 steps were learned", "fit again"):
            ask()
    assert len(forecaster.set_params(horizon=3).predict()) == 3


def test_a_fit_that_fails_leaves_no_half_of_it() -> None:
    """What was learned before is as it was."""
    forecaster = fit()
    first = forecaster.predict(80)
    with pytest.raises(DataError):
        forecaster.fit(np.r_[VALUES, np.inf])
    pd.testing.assert_frame_equal(forecaster.predict(80), first)


# Data


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (None, ["None", "DataFrame, a Series or an array"]),
        ("sales.csv", ["'sales.csv'", "DataFrame, a Series or an array"]),
        (3.0, ["3.0", "array"]),
        ([], ["no values"]),
        (np.zeros((0, 3)), ["(0, 3)"]),
        (np.zeros((2, 2, 2)), ["(2, 2, 2)", "(steps, series)"]),
        (np.full(9, np.nan), ["no value", "9 rows"]),
        (np.r_[VALUES, np.inf], ["row 121", "inf", "not a finite number"]),
        (np.r_[VALUES, -np.inf], ["row 121", "-inf"]),
        (pd.DataFrame({"ds": DAYS[:0], "y": []}), ["no rows"]),
        (pd.Series([1.0, 2.0], ["a", "b"]), ["'a'", "no time"]),
        (pd.DataFrame({"ds": DAYS[:9], "y": list("abcdefghi")}), ["'y'", "row 1", "'a'"]),
        (pd.DataFrame({"ds": ["now?"] * 9, "y": range(9)}), ["'ds'", "now?"]),
    ],
)
def test_data_that_are_no_series(data: Any, parts: list[str]) -> None:
    """Nothing, text, other shapes, values that are no numbers, and times that are none."""
    with refused(DataError, *parts):
        fit(data)


@pytest.mark.parametrize(
    ("roles", "parts"),
    [
        ({"id": "shop"}, ["shop"]),
        ({"target": "sales"}, ["sales"]),
        ({"time": "date"}, ["date"]),
        ({**LONG, "known": ["price"]}, ["price"]),
        ({**LONG, "known": ["y"]}, ["y"]),
        ({**LONG, "past": ["t"]}, ["t"]),
    ],
)
def test_columns_that_are_not_there(roles: Any, parts: list[str]) -> None:
    """The message names the column and those there are; a column has one role."""
    with refused(DataError, *parts):
        fit(TABLE, roles)


def test_text_as_target() -> None:
    """A cell of text among numbers is named by its row."""
    mixed = TABLE.astype({"y": object})
    mixed.loc[7, "y"] = "closed"
    with refused(DataError, "target 'y'", "row 8", "'closed'", "correct or empty the cell"):
        fit(mixed, LONG)


def test_duplicate_stamps() -> None:
    """Equal rows are left out with a warning, others refused unless a rule is named."""
    with pytest.warns(SeriesDataWarning, match="left out 3 rows, equal to another"):
        again = fit(pd.concat([TABLE, TABLE[:3]]), LONG)
    pd.testing.assert_frame_equal(again.predict(), fit(TABLE, LONG).predict())
    other = pd.concat([TABLE, TABLE[4:5].assign(y=99.0)])
    with refused(DataError, "rows 5 and 241", "2023-01-06", "'s0'", "duplicates='sum'"):
        fit(other, LONG)
    pd.testing.assert_frame_equal(
        fit(other, LONG, duplicates="first").predict(), fit(TABLE, LONG).predict()
    )


def test_gaps() -> None:
    """They are filled by the stated rule, or refused with the first day that is missing."""
    gappy = SERIES.drop(DAYS[[30, 60]])
    assert np.isfinite(fit(gappy).predict()["forecast"]).all()
    with refused(DataError, "2023-02-01", "fill_gaps='auto'"):
        fit(gappy, fill_gaps="error")


def test_unsorted_times() -> None:
    """Rows may be in any order: bit for bit the same."""
    for data, roles in ((TABLE, LONG), (SERIES, None)):
        mixed = data.sample(frac=1.0, random_state=3)
        pd.testing.assert_frame_equal(fit(mixed, roles).predict(80), fit(data, roles).predict(80))


def test_mixed_time_zones() -> None:
    """They are refused, with both of them and the way to convert them."""
    times = [f"2024-01-{k + 1:02d}T00:00:00+0{1 + k % 2}:00" for k in range(20)]
    with refused(DataError, "'t'", "mixed time zones", "UTC+01:00 and UTC+02:00", "tz_convert"):
        fit(pd.DataFrame({"t": times, "y": VALUES[:20]}), {"time": "t", "target": "y"})


def test_a_frequency_that_changes() -> None:
    """It is said from when on, and what to do."""
    times = [*DAYS[:60], *pd.date_range(DAYS[60], periods=60, freq="h")]
    with refused(
        DataError, "the frequency changes", "every day", "every hour", "resample", "freq="
    ):
        fit(pd.Series(VALUES, pd.DatetimeIndex(times)))


def test_times_that_are_missing() -> None:
    """The row is named."""
    with refused(DataError, "'t'", "row 6", "no time"):
        fit(TABLE.assign(t=TABLE["t"].mask(TABLE.index == 5)), LONG)


def test_ids_that_are_missing() -> None:
    """The row is named."""
    with refused(DataError, "'id'", "row 3"):
        fit(TABLE.assign(id=TABLE["id"].mask(TABLE.index == 2)), LONG)


# Stated handling: constant and short series


def test_a_constant_series() -> None:
    """Its forecast is its value, and its intervals have no width."""
    answer = fit(pd.Series(4.0, DAYS[:200])).predict([80, 95])
    np.testing.assert_allclose(answer.drop(columns="ds").to_numpy(), 4.0, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 8, 13])
def test_a_series_shorter_than_horizon_and_window(n: int) -> None:
    """A naive forecast; intervals are refused, or their warning says that there are too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeriesDataWarning)  # of business days
        forecaster = fit(SERIES[:n], horizon=14, freq="D")
    assert len(forecaster.predict()) == 14
    with refused(DataError, "too short to calibrate intervals for 14 steps", "longer series"):
        forecaster.predict([80])


def test_networks_of_series_that_are_too_short() -> None:
    """Nothing could say whether they are any good: the naive forecast."""
    forecaster = fit(VALUES[:12], horizon=7, members=["nlinear", "ridge"], season_length=3)
    assert forecaster.members_ == ["seasonal naive (3)"]
    np.testing.assert_array_equal(forecaster.predict()["forecast"][:3], VALUES[9:12])


def test_few_origins() -> None:
    """Said for the levels that need more, with how many."""
    forecaster = fit(SERIES[:24], horizon=2)
    with pytest.warns(FewOriginsWarning, match="past forecasts of each series are too few .* 40"):
        forecaster.predict([95])


# Rows of the future


def known_table() -> tuple[Forecaster, pd.DataFrame]:
    rng = np.random.default_rng(2)
    table = TABLE.assign(price=rng.uniform(1.0, 2.0, len(TABLE)))
    ahead = long_table(np.zeros((3, 2)), DAYS[120:123]).drop(columns="y").assign(price=1.5)
    return fit(table, {**LONG, "known": ["price"]}, members="ridge"), ahead


def test_rows_of_the_future_that_lack_something() -> None:
    """No rows, a missing step, an empty cell, no column, an unknown series: which, and where."""
    forecaster, ahead = known_table()
    assert len(forecaster.predict(future=ahead)) == 6
    assert len(forecaster.predict(future=ahead.sample(frac=1.0, random_state=0))) == 6
    for future, parts in (
        (None, ["'price'", "'s0'", "2023-05-02", "next 3 steps of every series"]),
        (ahead[:-1], ["'price'", "'s1'", "2023-05-04"]),
        (ahead.assign(price=ahead["price"].mask(ahead.index == 4)), ["'s1'", "2023-05-03"]),
        (ahead.drop(columns="price"), ["price"]),
        (ahead.assign(price="cheap"), ["price", "cheap"]),
        (ahead.assign(price=np.inf), ["price", "inf"]),
        (ahead[:0], ["future=", "no rows"]),
        (np.ones((3, 2)), ["future=", "DataFrame"]),
        (ahead.assign(t=ahead["t"] + pd.Timedelta(days=50)), ["'price'", "2023-05-02"]),
    ):
        with refused(DataError, *parts):
            forecaster.predict(future=future)
        with refused(DataError, *parts):
            forecaster.sample_paths(3, future=future)


def test_an_id_that_appears_only_in_predict() -> None:
    """It is refused, with the way to give its history."""
    forecaster, ahead = known_table()
    more = pd.concat([ahead, ahead[:3].assign(id="new")])
    with refused(DataError, "series 'new'", "did not have", "update"):
        forecaster.predict(future=more)


def test_forecasts_of_some_series() -> None:
    """Rows of one series alone: the other's are missing, and this is said."""
    forecaster, ahead = known_table()
    with refused(DataError, "'s1'", "every series"):
        forecaster.predict(future=ahead[:3])


# Leaks and hierarchies


def test_a_covariate_that_is_the_target_in_other_units() -> None:
    """A warning says that it can hardly be known ahead; in the past it may."""
    leak = TABLE.assign(cents=100.0 * TABLE["y"])
    with pytest.warns(LeakWarning, match="'cents' changes just as the target .* past="):
        fit(leak, {**LONG, "known": ["cents"]}, members="ridge")
    fit(leak, {**LONG, "past": ["cents"]}, members="ridge")


def test_hierarchies_with_covariates_or_other_methods() -> None:
    """What they would be of a sum is not known."""
    table = TABLE.assign(price=1.0 * np.arange(len(TABLE)) % 5)
    tree = {"total": ["s0", "s1"]}
    with refused(UnsupportedError, "hierarchy= with covariates"):
        fit(table, {**LONG, "known": ["price"], "hierarchy": tree})
    with refused(ValueError, "reconcile='middle_out'", "'mint_shrink'"):
        fit(TABLE, {**LONG, "hierarchy": tree, "reconcile": "middle_out"})
    with pytest.raises((DataError, ValueError), match="s9"):
        fit(TABLE, {**LONG, "hierarchy": {"total": ["s0", "s9"]}})
