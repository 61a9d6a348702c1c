"""Features of large tables: kept compact, they are the same numbers bit for bit."""

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Features, features
from chainrule.data.compact_features import CompactFeatures

ROWS = 400


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    size = rng.normal(size=ROWS)
    size[::7] = np.nan
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D")
    colour = rng.choice(["red", "blue", "green", None], ROWS)
    return pd.DataFrame({
        "size": size, "colour": colour, "day": days, "paid": days.where(size > 0),
        "count": rng.poisson(2.0, ROWS), "member": rng.random(ROWS) < 0.4,
        "code": [f"c{k}" for k in rng.integers(0, 90, ROWS)],
    })  # fmt: skip


@pytest.fixture(scope="module")
def plan(frame):
    return Features.learn(frame)


def test_they_are_the_same_numbers(frame, plan):
    dense, compact = plan(frame), plan.compact(frame)
    assert compact.shape == dense.shape
    assert compact.numbers.nbytes + compact.codes.nbytes < dense.nbytes / 3
    np.testing.assert_array_equal(dense, compact[:], strict=True)
    order = np.random.default_rng(1).permutation(ROWS)[:90]
    np.testing.assert_array_equal(dense[order], compact[order], strict=True)
    part = compact.part(order)
    assert part.numbers is compact.numbers
    np.testing.assert_array_equal(dense[order][10:20], part[10:20], strict=True)
    some = np.arange(90) % 3 == 0
    np.testing.assert_array_equal(dense[order][some], part.part(some)[:], strict=True)
    numbers = plan.continuous
    np.testing.assert_array_equal(dense[:, numbers], compact.columns(numbers, slice(None)))


def test_new_texts_and_gaps(frame, plan):
    """What the training did not have is 0 in all features of its column."""
    new = frame.head(3).assign(colour=["violet", None, "red"], size=[np.nan, 1.0, 1e9])
    np.testing.assert_array_equal(plan(new), plan.compact(new)[:], strict=True)


def test_only_large_tables_are_kept_compact(frame, plan, monkeypatch):
    assert isinstance(plan.of_rows(frame), np.ndarray)
    monkeypatch.setattr(features, "COMPACT_ROWS", ROWS - 1)
    assert isinstance(plan.of_rows(frame), np.ndarray)
    monkeypatch.setattr(features, "COMPACT_ENTRIES", ROWS * plan.width - 1)
    assert isinstance(plan.of_rows(frame), CompactFeatures)
