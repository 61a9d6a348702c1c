"""TSB against its loop for one series, and which series are intermittent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from demand_classics import SMOOTHINGS, croston_path, paths_and_costs, tsb_path
from hypothesis import given
from hypothesis import strategies as st

from chainrule.estimators.forecast.counts import intermittent
from chainrule.estimators.forecast.counts.intermittent import (
    is_intermittent,
    likelihood_for,
    tsb_paths,
)

DEMANDS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.5, 7.0, np.nan]), min_size=1, max_size=30)


def table(rows: Any) -> Any:
    """Series (series, time), NaN after the end of the shorter ones."""
    length = max(map(len, rows))
    return np.array([row + [np.nan] * (length - len(row)) for row in rows])


@given(st.lists(DEMANDS, min_size=1, max_size=3))
def test_tsb_is_its_loop(rows: Any) -> None:
    """Before each step it is that of the paper, with the smoothing of the least error so far."""
    values = table(rows)
    got = tsb_paths(values)
    assert got.shape == (len(values), values.shape[1] + 1)
    assert SMOOTHINGS == intermittent.SMOOTHING
    for one, series in zip(got, values, strict=True):
        paths, costs = paths_and_costs(tsb_path, 2, series)
        distances = np.where(costs <= costs.min(axis=0) + 1e-9, np.abs(paths - one), np.inf)
        assert (distances.min(axis=0) < 1e-9).all()


@given(st.lists(DEMANDS, min_size=1, max_size=3))
def test_tsb_knows_nothing_later(rows: Any) -> None:
    """What comes before a step alone gives the same bits, also among other series."""
    values = table(rows)
    together = tsb_paths(values)
    for step in range(values.shape[1] + 1):
        for k in range(len(rows)):
            assert tsb_paths(values[k : k + 1, :step])[0, -1] == together[k, step]


def test_many_series_are_forecast_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the size that fits in memory: the paths are the same."""
    values = np.random.default_rng(0).poisson(0.4, (7, 20)).astype(float)
    expected = tsb_paths(values)
    monkeypatch.setattr(intermittent, "LARGEST_PATHS", 2 * 25 * 21)
    np.testing.assert_array_equal(expected, tsb_paths(values))


def test_what_tsb_is_for() -> None:
    """It falls while nothing sells, where Croston's does not."""
    ended = np.concatenate([np.tile([0.0, 4.0], 30), np.zeros(60)])
    assert croston_path(ended, 0.1)[-1] == pytest.approx(2.0)
    assert tsb_paths(ended[None])[0, -1] < 0.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 6, 5], False),
        ([1, 9, 1, 1, 12, 1], False),
        ([0, 0, 2, 0, 2, 0, 0], True),
        ([1, 0, 0, 30, 0, 0, 1, 0], True),
        ([0, 0, 0], True),
        ([0, 0, 0, 0, 3, 3, 3], False),  # an item that was not yet for sale
    ],
)
def test_rare_demands_are_intermittent(values: Any, expected: bool) -> None:
    """Whatever their sizes, by Syntetos and Boylan's (2005) interval from the first demand on."""
    assert is_intermittent(values) == expected


def test_the_limit_of_the_interval() -> None:
    """A mean interval of 1.32 steps is intermittent, of less it is not."""
    for steps, expected in ((132, True), (131, False)):
        values = np.zeros(steps)
        values[:100] = 3.0
        assert is_intermittent(values) is expected


def test_what_is_no_demand() -> None:
    """Negative and infinite values are none; missing ones are left out."""
    assert not is_intermittent([0, 0, -1, 0]) and not is_intermittent([np.nan])
    assert not is_intermittent([0.0, 0.0, np.inf]) and is_intermittent([1, 0, 0, np.nan, 1, 0])
    assert likelihood_for([0.0, 4.0]) == "negative_binomial"
    assert likelihood_for([0.0, 0.5]) == "tweedie"
