"""``-log P(S >= s)`` of scores: against the counts, and its slope against differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.estimators.anomaly.members.survival import KNOTS, Survival

DRAW = np.random.default_rng(0)
SCORES = {
    "exponential": DRAW.exponential(size=3000),
    "few": DRAW.exponential(size=40),
    "heavy": np.abs(DRAW.standard_cauchy(2000)),
    "ties": DRAW.integers(0, 6, 900).astype(float),
    "negative": -DRAW.exponential(size=500),
}


def p_values(scores, new):
    """The share of scores as large, with one more of both."""
    return np.array([(1 + np.sum(scores >= s)) / (1 + len(scores)) for s in new])


@pytest.mark.parametrize("name", ["exponential", "few", "heavy", "negative"])
def test_below_the_tail_it_is_the_empirical_one(name):
    """Up to the spacing of the knots, at the scores themselves and between them."""
    scores = SCORES[name]
    inside = np.sort(scores)[: int(0.9 * len(scores))]
    expected = -np.log(p_values(scores, inside))
    step = np.log(1 + 2 / min(KNOTS, len(scores)) / 0.1)  # of two knots where P is a tenth
    np.testing.assert_allclose(Survival.learn(scores)(inside), expected, atol=step)


def test_few_scores_exactly():
    """Ten scores: five knots, and the mean excess over the fifth largest in the tail."""
    survival = Survival.learn([1.0, 2.0, 4.0, 7.0, 9.0, 10.0, 11.0, 13.0, 16.0, 20.0])
    np.testing.assert_array_equal([1.0, 2.0, 4.0, 7.0, 9.0, 10.0], survival.knots)
    expected = -np.log((10 - np.arange(6) + 1) / 11)
    np.testing.assert_allclose(survival.values, expected)
    excess = np.mean([0.0, 1.0, 3.0, 6.0, 10.0])
    np.testing.assert_allclose(survival.slope, 1 / excess)
    np.testing.assert_allclose(survival([12.0, -5.0, 3.0]),
                               [expected[5] + 2 / excess, 0.0, expected[1:3].mean()])  # fmt: skip


def test_the_tail_of_an_exponential_distribution():
    """Its hazard is constant: the slope is 1, within three standard errors of the mean excess."""
    survival = Survival.learn(SCORES["exponential"])
    assert survival.slope == pytest.approx(1.0, abs=3 / np.sqrt(300))
    far = survival(np.array([20.0, 30.0]))
    assert far[1] - far[0] == pytest.approx(10 * survival.slope, rel=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_stranger_is_never_more_usual(name):
    """It rises with the score, beyond the last knot strictly."""
    scores = SCORES[name]
    survival = Survival.learn(scores)
    span = np.ptp(scores)
    grid = np.linspace(scores.min() - span, scores.max() + span, 5000)
    values = survival(grid)
    assert (np.diff(values) >= 0).all() and 0 == values[0]
    assert (np.diff(values[grid > survival.knots[-1]]) > 0).all()


@pytest.mark.parametrize("name", ["exponential", "few", "heavy", "ties"])
def test_its_derivative(name):
    """Against central differences, away from the knots."""
    survival = Survival.learn(SCORES[name])
    middles = (survival.knots[1:] + survival.knots[:-1]) / 2
    grid = np.concatenate([[survival.knots[0] - 1.0], middles, survival.knots[-1] + [0.5, 9.0]])
    gap = np.diff(survival.knots).min()
    step = 0.25 * gap
    differences = (survival(grid + step) - survival(grid - step)) / (2 * step)
    np.testing.assert_allclose(survival.derivative(grid), differences, rtol=1e-5, atol=1e-9 / gap)
    assert 0 == survival.derivative(grid[:1])[0]


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e9, 1e9)))
def test_any_scores(scores):
    """Equal, few or odd ones give a rising function with finite numbers, also as arrays."""
    survival = Survival.learn(scores)
    grid = np.sort(np.concatenate([scores, [-1e10, 1e10, 0.0]]))
    values = survival(grid)
    assert np.isfinite(values).all() and (np.diff(values) >= 0).all()
    assert survival(np.array([scores.max() + 1.0]))[0] > 0
    again = Survival.from_arrays(survival.to_arrays())
    np.testing.assert_array_equal(values, again(grid))
    assert np.isfinite(again.derivative(grid)).all()
