"""Croston, SBA, TSB and the kinds of demand, against loops written for one series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.estimators.forecast.counts import (
    classify,
    croston,
    intermittent_at,
    is_intermittent,
    likelihood_for,
    sba,
    tsb,
)
from chainrule.estimators.forecast.counts.intermittent import SMOOTHING

DEMANDS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.5, 7.0, np.nan]), min_size=1, max_size=30)


def croston_path(values: Any, smoothing: float) -> list[float]:
    """Forecasts before each value and after the last, as in Croston (1972)."""
    size = interval = 0.0
    since, path = 1, [0.0]
    for value in values:
        if value > 0:
            first = not size
            size = value if first else size + smoothing * (value - size)
            interval = since if first else interval + smoothing * (since - interval)
            since = 1
        elif value == 0:
            since += 1
        path.append(size / interval if size else 0.0)
    return path


def tsb_path(values: Any, smoothing: float, of_rate: float) -> list[float]:
    """As in Teunter, Syntetos and Babai (2011), begun at the first demand."""
    size = rate = 0.0
    since, path = 1, [0.0]
    for value in values:
        if value > 0:
            rate = rate + of_rate * (1.0 - rate) if size else 1.0 / since
            size = size + smoothing * (value - size) if size else value
        elif value == 0:
            rate -= of_rate * rate
            since += 1
        path.append(size * rate)
    return path


@given(DEMANDS)
def test_the_classics_are_their_loops(values: list[float]) -> None:
    """Each is the loop of its paper, with the smoothing of the least error so far."""
    by_croston = [croston_path(values, one) for one in SMOOTHING]
    by_sba = [
        [(1 - one / 2) * forecast for forecast in path]
        for one, path in zip(SMOOTHING, by_croston, strict=True)
    ]
    by_tsb = [tsb_path(values, one, rate) for rate in SMOOTHING for one in SMOOTHING]
    for method, paths in ((croston, by_croston), (sba, by_sba), (tsb, by_tsb)):
        got = method(values, 2)
        costs = [np.nansum((np.array(path[:-1]) - values) ** 2) for path in paths]
        allowed = [p[-1] for p, cost in zip(paths, costs, strict=True) if cost <= min(costs) + 1e-9]
        assert got.shape == (2,) and got[0] == got[1]
        assert min(abs(got[0] - one) for one in allowed) < 1e-9


@given(st.lists(DEMANDS, min_size=1, max_size=3), st.sampled_from(["croston", "sba", "tsb"]))
def test_origins_know_nothing_later(rows: Any, method: Any) -> None:
    """A forecast at an origin is that of the values before it alone, also among other series."""
    length = max(map(len, rows))
    values = np.array([row + [np.nan] * (length - len(row)) for row in rows])
    origins = np.arange(length + 1)
    together = intermittent_at(values, origins, 1, method)
    assert together.shape == (length + 1, len(rows), 1)
    for origin in origins[1:]:
        for k in range(len(rows)):
            alone = intermittent_at(values[k, :origin], [origin], 1, method)
            assert alone[0, 0] == together[origin, k, 0]


def test_what_the_classics_are_for() -> None:
    """TSB falls while nothing sells, Croston does not; Croston overestimates, SBA does less."""
    ended = np.concatenate([np.tile([0.0, 4.0], 30), np.zeros(60)])
    assert croston(ended, 1)[0] == pytest.approx(2.0)
    assert tsb(ended, 1)[0] < 0.5
    sales = np.random.default_rng(0).poisson(0.2, (300, 400)).astype(float)
    assert 0.19 < sba(sales, 1).mean() < 0.2 < croston(sales, 1).mean() < 0.23


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 6, 5], "smooth"),
        ([1, 9, 1, 1, 12, 1], "erratic"),
        ([0, 0, 2, 0, 2, 0, 0], "intermittent"),
        ([1, 0, 0, 30, 0, 0, 1, 0], "lumpy"),
        ([0, 0, 0], "intermittent"),
        ([0, 0, 0, 0, 3, 3, 3], "smooth"),  # an item that was not yet for sale
    ],
)
def test_kinds_of_demand(values: Any, expected: str) -> None:
    """Syntetos, Boylan and Croston's (2005) four kinds."""
    assert classify(values) == expected
    assert is_intermittent(values) == (expected in ("intermittent", "lumpy"))


def test_the_limits_of_the_kinds() -> None:
    """A mean interval of 1.32 steps is intermittent, of less it is not."""
    for steps, expected in ((132, True), (131, False)):
        values = np.zeros(steps)
        values[:100] = 3.0
        assert is_intermittent(values) is expected


def test_what_is_no_demand() -> None:
    """Negative and infinite values are refused, or no demand; missing ones are left out."""
    assert not is_intermittent([0, 0, -1, 0]) and not is_intermittent([np.nan])
    assert not is_intermittent([0.0, 0.0, np.inf]) and is_intermittent([1, 0, 0, np.nan, 1, 0])
    for wrong in ([-1.0], [np.inf], [np.nan], []):
        with pytest.raises(DataError):
            classify(wrong)
    with pytest.raises(DataError, match="a demand is -3"):
        croston([1.0, -3.0], 1)
    with pytest.raises(ValueError, match="method='mean'"):
        intermittent_at([1.0], [1], 1, "mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a horizon is 1 step"):
        croston([1.0], 0)
    with pytest.raises(ValueError, match="0 to 1"):
        intermittent_at([1.0], [2], 1)
    assert likelihood_for([0.0, 4.0]) == "negative_binomial"
    assert likelihood_for([0.0, 0.5]) == "tweedie"
