"""Mean distances to nearest rows: against all distances, written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.estimators.anomaly.members.neighbors import (
    MAX_ENTRIES,
    MAX_POINTS,
    Neighbors,
    coreset,
)

DRAW = np.random.default_rng(0)
SHAPES = [(50, 3), (300, 7), (200, 30)]  # of trees, and beyond 15 features of plain search


def slow(points, x, k, itself=None):
    """The mean of the k least distances, in float64; `itself` are the points to leave out."""
    answers = []
    for row in range(len(x)):
        distances = [
            float(np.linalg.norm(x[row].astype(float) - point.astype(float)))
            for place, point in enumerate(points)
            if itself is None or place != itself[row]
        ]
        answers.append(np.mean(sorted(distances)[:k]))
    return np.array(answers)


def drawn(*shape):
    return DRAW.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 5, 12])
def test_new_rows(shape, k):
    points, x = drawn(*shape), drawn(20, shape[1])
    np.testing.assert_allclose(Neighbors(points, k).errors(x), slow(points, x, k), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_row_is_its_neighbour(shape):
    """Of the points themselves the distance is to others; rows that are no points are as new."""
    points = drawn(*shape)
    x = np.concatenate([points[::3], drawn(6, shape[1])])
    itself = np.concatenate([np.arange(shape[0])[::3], np.full(6, -1)])
    made = Neighbors(points, 4).errors(x, itself)
    np.testing.assert_allclose(made, slow(points, x, 4, itself), rtol=1e-12)
    np.testing.assert_allclose(made[-6:], Neighbors(points, 4).errors(x[-6:]), rtol=1e-12)
    assert Neighbors(points, 1).errors(points).max() < 1e-6 < made.min()


@pytest.mark.parametrize("copies", [2, 4, 9])
def test_duplicates(copies):
    """A copy of a row is another row, at distance 0, however many there are."""
    points = np.repeat(drawn(10, 3), copies, axis=0)
    itself = np.arange(len(points))
    made = Neighbors(points, 3).errors(points, itself)
    np.testing.assert_allclose(made, slow(points, points, 3, itself), rtol=1e-12, atol=0)
    assert (made == 0).all() == (copies > 3)


@pytest.mark.parametrize(("count", "k"), [(1, 1), (1, 5), (2, 5), (4, 4), (4, 100), (4, 10**15)])
def test_more_neighbours_than_points(count, k):
    """The mean is over all that there are; a single point is its only neighbour."""
    points, x = drawn(count, 2), drawn(3, 2)
    index = Neighbors(points, k)
    np.testing.assert_allclose(index.errors(x), slow(points, x, k), rtol=1e-12)
    itself = np.arange(count)
    expected = slow(points, points, k, itself) if count > 1 else [0.0]
    np.testing.assert_allclose(index.errors(points, itself), expected, rtol=1e-12)
    mixed = index.errors(np.concatenate([points[:1], x]), np.array([0, -1, -1, -1]))
    if count > k:
        np.testing.assert_allclose(mixed[1:], index.errors(x), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_row_at_a_time(shape):
    """The same bits in any company: a score never depends on other rows of the call."""
    points, x = drawn(*shape), drawn(700, shape[1])
    index = Neighbors(points, 5)
    together = index.errors(x)
    assert np.float64 == together.dtype
    for k in range(0, 700, 23):
        assert together[k] == index.errors(x[k : k + 1])[0]
    order = DRAW.permutation(700)
    np.testing.assert_array_equal(together[order], index.errors(x[order]))
    np.testing.assert_array_equal(together[100:133], index.errors(x[100:133]))


def test_many_rows_are_answered_in_parts():
    """Differences of more than `MAX_ENTRIES` numbers are never there at once."""
    points = drawn(400, 100)
    rows = MAX_ENTRIES // (100 * 301) + 5  # one part and a bit, with 300 neighbours
    x = drawn(rows, 100)
    index = Neighbors(points, 300)
    made = index.errors(x)
    np.testing.assert_array_equal(made[-7:], index.errors(x[-7:]))
    np.testing.assert_allclose(made[-2:], slow(points, x[-2:], 300), rtol=1e-12)


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_any_sizes(count, k, seed):
    """Rows on a grid, so that many are equal or equally far."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (count, 2)).astype(np.float32)
    x = rng.integers(0, 3, (5, 2)).astype(np.float32)
    index = Neighbors(points, k)
    np.testing.assert_allclose(index.errors(x), slow(points, x, k), rtol=1e-12, atol=0)
    if count > 1:
        itself = np.arange(count)
        expected = slow(points, points, k, itself)
        np.testing.assert_allclose(index.errors(points, itself), expected, rtol=1e-12, atol=0)


def test_the_sample_of_points():
    """All rows up to `MAX_POINTS`; of more, so many of them, each once, in order, at random."""
    np.testing.assert_array_equal(np.arange(7), coreset(7, np.random.RandomState(0)))
    some = coreset(50_000, np.random.RandomState(0))
    assert MAX_POINTS == len(some) == len(np.unique(some))
    assert (np.diff(some) > 0).all() and some[-1] < 50_000
    np.testing.assert_allclose(some.mean(), 25_000, atol=500)
    other = coreset(50_000, np.random.RandomState(1))
    assert np.isin(other, some).mean() == pytest.approx(0.4, abs=0.02)
