"""Ridges over lags: one matrix of products gives what regression on centred windows gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import LinAlgError

from chainrule.estimators.forecast.members.histories import Histories, Origins
from chainrule.estimators.forecast.members.lag_ridge import (
    CENTRES,
    LagMap,
    Products,
    centre_weights,
)
from chainrule.estimators.forecast.members.ridges import (
    Ridge,
    RidgeSpec,
    fit_ridges,
    lag_lengths,
    ridge_specs,
)
from chainrule.estimators.forecast.members.view import View


def centre_of(windows: Any, centre: str, season: int) -> Any:
    """The centre of each window (n, 1), written as its name says."""
    if centre == "last":
        return windows[:, -1:]
    if centre == "season":
        return windows[:, -season:].mean(axis=1, keepdims=True)
    if centre == "mean":
        return windows.mean(axis=1, keepdims=True)
    return np.zeros((len(windows), 1))


def cut(values: Any, extras: Any, lags: int, horizon: int) -> tuple[Any, Any, Any]:
    """Windows, other inputs at their last row, and the steps after, one window at a time."""
    ends = range(lags, len(values) - horizon + 1)
    before = np.array([values[end - lags : end] for end in ends])
    other = np.array([extras[end - 1] for end in ends]).reshape(len(before), extras.shape[1])
    return before, other, np.array([values[end : end + horizon] for end in ends])


def direct(
    before: Any, other: Any, after: Any, weights: Any, centre: str, season: int, penalty: float
) -> Any:
    """A function that forecasts by ridge regression on centred windows, solved by `lstsq`."""
    inputs = np.hstack([before - centre_of(before, centre, season), other])
    targets = after - centre_of(before, centre, season)
    mean = np.average(inputs, axis=0, weights=weights)
    mean_target = np.average(targets, axis=0, weights=weights)
    root = np.sqrt(weights)[:, None]
    rows = root * (inputs - mean)
    size = rows.shape[1]
    ridge = np.sqrt(penalty * (rows**2).sum() / size) * np.eye(size)
    joined = np.vstack([rows, ridge])
    wanted = np.vstack([root * (targets - mean_target), np.zeros((size, after.shape[1]))])
    coefficients = np.linalg.lstsq(joined, wanted, rcond=None)[0]

    def forecast(windows: Any, extras: Any) -> Any:
        middle = centre_of(windows, centre, season)
        return middle + mean_target + (np.hstack([windows - middle, extras]) - mean) @ coefficients

    return forecast


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lags = draw(st.integers(1, 9))
    n = draw(st.integers(lags + 12, 90))
    values = np.cumsum(rng.normal(size=n)) * draw(st.sampled_from([0.0, 0.3])) + rng.normal(size=n)
    return {
        "rng": rng,
        "values": values + draw(st.sampled_from([0.0, 5.0])),
        "extras": rng.normal(size=(n, draw(st.integers(0, 3)))),
        "lags": lags,
        "horizon": draw(st.integers(1, 5)),
        "season": draw(st.integers(1, lags)),
        "centre": draw(st.sampled_from(CENTRES)),
        "penalty": draw(st.sampled_from([1e-3, 1e-2, 1.0, 30.0])),
    }


def weights_of(before: Any, by_deviation: bool) -> Any:
    if not by_deviation:
        return np.ones(len(before))
    deviation = before.std(axis=1)
    return 1.0 / np.maximum(deviation, max(0.01 * np.median(deviation), 1e-6)) ** 2


@settings(max_examples=60)
@given(problem=problems(), by_deviation=st.booleans())
def test_products_give_the_ridge_on_centred_windows(
    problem: dict[str, Any], by_deviation: bool
) -> None:
    """All centres, penalties, other inputs and weights: the forecasts of a direct regression."""
    lags, horizon, centre = problem["lags"], problem["horizon"], problem["centre"]
    if lags == 1 and by_deviation:
        by_deviation = False  # no deviation within one value
    if lags == 1 and centre != "none" and not problem["extras"].shape[1]:
        centre = "none"  # nothing is left of a window that is its own centre
    before, other, after = cut(problem["values"], problem["extras"], lags, horizon)
    weights = weights_of(before, by_deviation)
    products = Products.of(
        problem["values"], problem["extras"], lags, horizon, by_deviation=by_deviation
    )
    assert products.total == pytest.approx(weights.sum())
    [one] = products.solve(centre, problem["season"], [problem["penalty"]])
    expected = direct(before, other, after, weights, centre, problem["season"], problem["penalty"])
    windows = problem["rng"].normal(size=(7, lags)) + 3.0
    extras = problem["rng"].normal(size=(7, other.shape[1]))
    np.testing.assert_allclose(one(windows, extras), expected(windows, extras), atol=2e-6)
    np.testing.assert_allclose(one(before, other), expected(before, other), atol=2e-6)


@given(problem=problems(), factor=st.sampled_from([1.0, 0.2, 7.0]))
def test_sums_over_series_are_those_of_all_their_windows(
    problem: dict[str, Any], factor: float
) -> None:
    """`plus` with a weight is the regression whose second windows count so much."""
    lags, horizon = problem["lags"] + 1, problem["horizon"]
    values, extras = problem["values"], problem["extras"]
    second = problem["rng"].normal(size=lags + horizon + 20)
    others = problem["rng"].normal(size=(len(second), extras.shape[1]))
    joined = Products.of(values, extras, lags, horizon).plus(
        Products.of(second, others, lags, horizon), factor
    )
    parts = zip(cut(values, extras, lags, horizon), cut(second, others, lags, horizon), strict=True)
    before, other, after = (np.concatenate(pair) for pair in parts)
    weights = np.where(np.arange(len(before)) < len(values) - lags - horizon + 1, 1.0, factor)
    maps = joined.solve("mean", 1, [0.1, 1.0])
    for penalty, one in zip([0.1, 1.0], maps, strict=True):
        expected = direct(before, other, after, weights, "mean", 1, penalty)
        np.testing.assert_allclose(one(before, other), expected(before, other), atol=1e-6)


@pytest.mark.parametrize("centre", CENTRES)
def test_a_level_shift_shifts_centred_forecasts_alone(centre: str) -> None:
    """A map of centred windows forecasts y + c as y plus c, far beyond what it has learned from."""
    rng = np.random.default_rng(0)
    [one] = Products.of(rng.normal(size=200), np.empty((200, 0)), 12, 4).solve(centre, 3, [0.1])
    windows, none = rng.normal(size=(5, 12)), np.empty((5, 0))
    shifted = one(windows + 1000.0, none) - one(windows, none)
    if centre == "none":
        assert np.abs(shifted - 1000.0).min() > 100.0
    else:
        np.testing.assert_allclose(shifted, 1000.0, rtol=1e-9)


def test_blocks_of_windows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products over many blocks are those over one."""
    rng = np.random.default_rng(1)
    values, extras = rng.normal(size=300), rng.normal(size=(300, 2))
    whole = Products.of(values, extras, 8, 3)
    monkeypatch.setattr("chainrule.estimators.forecast.members.lag_ridge.BLOCK", 17)
    parts = Products.of(values, extras, 8, 3)
    assert whole.total == parts.total == 290
    np.testing.assert_allclose(whole.sums, parts.sums)
    np.testing.assert_allclose(whole.squares, parts.squares)


def test_too_few_windows() -> None:
    """No window gives empty sums, and constant ones an error that the search can catch."""
    nothing = Products.of(np.arange(5.0), np.empty((5, 0)), 4, 2)
    assert nothing.total == 0.0
    assert not nothing.squares.any()
    constant = Products.of(np.full(40, 2.0), np.empty((40, 0)), 4, 2)
    with pytest.raises(LinAlgError):
        constant.solve("last", 1, [0.1])


@pytest.mark.parametrize(
    ("centre", "season", "expected"),
    [
        ("last", 3, [0, 0, 0, 1]),
        ("season", 2, [0, 0, 0.5, 0.5]),
        ("season", 9, [0.25] * 4),
        ("mean", 2, [0.25] * 4),
        ("none", 2, [0] * 4),
    ],
)
def test_centre_weights(centre: str, season: int, expected: list[float]) -> None:
    """The centre is a mean of the window's end, of as many values as its name says."""
    assert centre_weights(centre, 4, season).tolist() == expected


def histories_of(series: list[Any], season: int = 1) -> Histories:
    none = [np.empty((len(one), 0)) for one in series]
    observed = [np.ones(len(one), np.bool_) for one in series]
    return Histories(series, observed, none, none, np.empty((len(series), 0)), season)


def test_each_series_may_have_weights_of_its_own_and_short_ones_those_of_all() -> None:
    """Local ridges are those of the series alone; without windows enough, the common one."""
    rng = np.random.default_rng(2)
    histories = histories_of([rng.normal(size=120), rng.normal(size=90), rng.normal(size=12)])
    view = View.of(histories, "none", known="none", with_extras=False)
    prepared = view.prepared(histories)
    shared, local = (RidgeSpec("none", 6, "last", "spread", 0.1, own) for own in (False, True))
    fitted = {ridge.spec: ridge for ridge in fit_ridges(prepared, view, 2, [shared, local])}
    origins = prepared.ends
    windows, none = prepared.windows(origins, 9), np.empty((3, 0))
    result = fitted[local].forecast(windows, none, origins.series)
    for k in range(2):
        alone = Products.of(prepared.values[k], np.empty((len(prepared.values[k]), 0)), 6, 2)
        [expected] = alone.solve("last", 1, [0.1])
        np.testing.assert_allclose(result[k], expected(windows[k : k + 1, 3:], none[:1])[0])
    common = fitted[shared].forecast(windows, none, origins.series)
    np.testing.assert_allclose(result[2], common[2], rtol=1e-12)


def test_a_series_that_came_later_has_the_weights_of_all() -> None:
    """A local ridge has no map for a series after those it was fitted to."""
    own = LagMap(np.full((2, 1), 5.0), np.zeros(1))
    common = LagMap(np.full((2, 1), 0.5), np.zeros(1))
    ridge = Ridge(RidgeSpec("none", 2, "none", "spread", 1.0, True), (own,), common)
    windows, series = np.ones((2, 2)), np.array([0, 1])
    assert ridge.forecast(windows, np.empty((2, 0)), series).tolist() == [[10.0], [1.0]]


@pytest.mark.parametrize("counts", ["spread", "level", "window"])
def test_units_of_errors_weigh_series(counts: str) -> None:
    """By level, a series counts by the square of its spread over its level; else all alike."""
    rng = np.random.default_rng(3)
    series = [10.0 + rng.normal(size=80), 10.0 + 4.0 * rng.normal(size=60)]
    histories = histories_of(series)
    view = View.of(histories, "none", known="none", with_extras=False)
    prepared = view.prepared(histories)
    [ridge] = fit_ridges(prepared, view, 3, [RidgeSpec("none", 5, "mean", counts, 1.0, False)])
    parts = [cut(one, np.empty((len(one), 0)), 5, 3) for one in prepared.values]
    before, other, after = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    of_each = [weights_of(part[0], counts == "window") for part in parts]
    if counts == "level":
        of_each = [
            weights * (one.std() / np.abs(one).mean()) ** 2
            for weights, one in zip(of_each, series, strict=True)
        ]
    expected = direct(before, other, after, np.concatenate(of_each), "mean", 1, 1.0)
    answer = ridge.forecast(before, other, np.zeros(len(before), np.int64))
    np.testing.assert_allclose(answer, expected(before, other), atol=1e-7)


@settings(max_examples=100)
@given(
    seasons=st.sampled_from([(), (4,), (7,), (12,), (24, 168), (7, 365), (5, 252), (96, 672)]),
    horizon=st.integers(1, 60),
    usual=st.integers(2, 3000),
    n_series=st.integers(1, 200),
)
def test_lag_lengths_fit_the_series(
    seasons: tuple[int, ...], horizon: int, usual: int, n_series: int
) -> None:
    """Windows rise, are one step at least, and fit into the usual series with its horizon."""
    lengths = lag_lengths(seasons, horizon, usual, n_series)
    assert lengths == sorted(set(lengths))
    assert lengths[0] >= 1
    if usual > horizon + 1:
        assert lengths[-1] + horizon <= usual


def test_candidates_have_distinct_names() -> None:
    """A table of members can tell them apart; one series has no units to choose from."""
    specs = ridge_specs(("none", "log"), (7, 14), 5, 7, 500)
    assert len({spec.name for spec in specs}) == len(specs) == len(set(specs))
    assert any(spec.is_local for spec in specs)
    alone = ridge_specs(("none",), (7,), 1, 1, 500)
    assert {spec.counts for spec in alone} == {"spread"}
    assert {spec.centre for spec in alone} == set(CENTRES) - {"season"}
    assert not any(spec.is_local for spec in alone)


def test_windows_are_those_before_each_origin() -> None:
    """Short histories begin with their first season, told from what is there by the origin."""
    histories = histories_of([np.arange(10.0)], season=3)
    origins = Origins(np.zeros(4, np.int64), np.array([10, 5, 2, 1]))
    assert histories.windows(origins, 6).tolist() == [
        [4, 5, 6, 7, 8, 9],
        [2, 0, 1, 2, 3, 4],
        [0, 1, 0, 1, 0, 1],
        [0, 0, 0, 0, 0, 0],
    ]
