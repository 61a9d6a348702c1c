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


def slow(points, x, k, skips_itself=True):
    """The mean of the k least distances, in float64; of those of 0 one is the row's own."""
    answers = []
    for row in x:
        distances = sorted(
            float(np.linalg.norm(row.astype(float) - point.astype(float))) for point in points
        )
        if skips_itself and distances[0] == 0 and len(distances) > 1:
            del distances[0]
        answers.append(np.mean(distances[:k]))
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
    """A row of the training has the score that it would have as a new row: leaving one out."""
    points = drawn(*shape)
    made = Neighbors(points, 4).errors(points)
    for place in range(0, shape[0], 7):
        others = np.delete(points, place, axis=0)
        alone = Neighbors(others, 4).errors(points[place : place + 1])
        np.testing.assert_allclose(made[place], alone[0], rtol=1e-12)
        np.testing.assert_allclose(
            made[place], slow(others, points[place : place + 1], 4, False)[0], rtol=1e-12
        )
    assert made.min() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_may_be_its_neighbour(shape):
    """Without skipping, the nearest point of a point is the point, at the distance 0."""
    points = drawn(*shape)
    index = Neighbors(points, 4, skips_itself=False)
    np.testing.assert_allclose(index.errors(points), slow(points, points, 4, False), rtol=1e-12)
    np.testing.assert_array_equal(np.arange(len(points)), index.nearest(points)[:, 0])
    assert (0 == Neighbors(points, 1, skips_itself=False).errors(points)).all()
    x = drawn(20, shape[1])
    np.testing.assert_array_equal(Neighbors(points, 4).errors(x), index.errors(x))


@pytest.mark.parametrize("copies", [2, 4, 9])
def test_duplicates(copies):
    """A copy of a row is another row, at distance 0, however many there are; one is passed over."""
    points = np.repeat(drawn(10, 3), copies, axis=0)
    made = Neighbors(points, 3).errors(points)
    np.testing.assert_allclose(made, slow(points, points, 3), rtol=1e-12, atol=0)
    assert (made == 0).all() == (copies > 3)
    assert (0 == Neighbors(points, 1).errors(points)).all()  # the other copy


def test_a_point_that_is_nearly_the_row_is_a_neighbour():
    """Only a distance of exactly 0 is the row itself."""
    points = np.array([[1.0], [np.nextafter(np.float32(1.0), 2)], [3.0]], np.float32)
    step = float(points[1, 0]) - 1.0
    assert [step, step, 2.0 - step] == Neighbors(points, 1).errors(points).tolist()


def test_the_places_are_those_of_the_distances():
    """The nearest first, without the row itself."""
    points = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    index = Neighbors(points, 2)
    assert [[1, 2], [0, 2], [1, 0], [2, 1]] == index.nearest(points).tolist()
    assert [[3, 2]] == index.nearest(np.array([[6.0]], np.float32)).tolist()


@pytest.mark.parametrize(("count", "k"), [(1, 1), (1, 5), (2, 5), (4, 4), (4, 100), (4, 10**15)])
def test_more_neighbours_than_points(count, k):
    """The mean is over all that there are, but the farthest may be needed in place of the row.

    A single point is its only neighbour.
    """
    points, x = drawn(count, 2), drawn(3, 2)
    for skips in (True, False):
        index = Neighbors(points, k, skips)
        most = min(k, max(count - skips, 1))
        np.testing.assert_allclose(index.errors(x), slow(points, x, most, skips), rtol=1e-12)
        expected = slow(points, points, most, skips)
        np.testing.assert_allclose(index.errors(points), expected, rtol=1e-12)
        mixed = index.errors(np.concatenate([points[:1], x]))
        np.testing.assert_array_equal(mixed[1:], index.errors(x))


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
    most = min(k, max(count - 1, 1))
    made = Neighbors(points, k).errors(x)
    np.testing.assert_allclose(made, slow(points, x, most), rtol=1e-12, atol=0)
    made = Neighbors(points, k, skips_itself=False).errors(x)
    np.testing.assert_allclose(made, slow(points, x, k, False), rtol=1e-12, atol=0)


def test_the_sample_of_points():
    """All rows up to `MAX_POINTS`; of more, so many of them, each once, in order, at random."""
    np.testing.assert_array_equal(np.arange(7), coreset(7, np.random.RandomState(0)))
    some = coreset(50_000, np.random.RandomState(0))
    assert MAX_POINTS == len(some) == len(np.unique(some))
    assert (np.diff(some) > 0).all() and some[-1] < 50_000
    np.testing.assert_allclose(some.mean(), 25_000, atol=500)
    other = coreset(50_000, np.random.RandomState(1))
    assert np.isin(other, some).mean() == pytest.approx(0.4, abs=0.02)
