"""The tail of a sample: its parameters, its quantiles, how often they are exceeded, its files."""

import json

import numpy as np
import pytest
from scipy import stats

from chainrule.errors import ModelFileError
from chainrule.estimators.anomaly.thresholds.tail import SHAPE_DEVIATION, SHAPE_MEAN, SHAPES, Tail

EXPONENTIAL_TAIL = Tail(10.0, 0.1, shapes=(0.0,), scales=(2.0,), weights=(1.0,))
MIXED_TAIL = Tail(1.0, 0.2, shapes=(-0.4, 0.5), scales=(1.0, 2.0), weights=(0.25, 0.75))


def mean_exceedance(distribution, n_scores, rate, n_samples=200):
    """The mean over samples of the true probability to exceed `quantile(rate)`."""
    draw = np.random.default_rng(0)
    thresholds = [
        Tail.fit(distribution.rvs(size=n_scores, random_state=draw)).quantile(rate)
        for _ in range(n_samples)
    ]
    return np.mean(distribution.sf(thresholds))


@pytest.mark.parametrize("tail", [EXPONENTIAL_TAIL, MIXED_TAIL])
def test_survival_is_that_of_generalised_pareto_distributions(tail):
    """Each component is SciPy's, and the answer their weighted mean times the share."""
    excesses = np.array([0.0, 0.5, 2.0, 3.0, 100.0])
    expected = tail.share * sum(
        weight * stats.genpareto(shape, scale=scale).sf(excesses)
        for shape, scale, weight in zip(tail.shapes, tail.scales, tail.weights, strict=True)
    )
    np.testing.assert_allclose(expected, tail.survival(tail.threshold + excesses), rtol=1e-13)
    assert expected[2] == pytest.approx(tail.survival(tail.threshold + 2.0), rel=1e-13)
    assert tail.share == tail.survival(tail.threshold - 5.0) == tail.survival(-np.inf)
    assert 0.0 == tail.survival(np.inf)


@pytest.mark.parametrize("tail", [EXPONENTIAL_TAIL, MIXED_TAIL])
def test_quantile_is_the_inverse_of_survival(tail):
    """From the threshold to one in 10**12."""
    rates = np.array([[tail.share, 0.05], [1e-5, 1e-12]])
    scores = tail.quantile(rates)
    np.testing.assert_allclose(rates, tail.survival(scores), rtol=1e-12)
    assert scores[1, 0] == pytest.approx(tail.quantile(1e-5), rel=1e-13)
    assert tail.threshold == pytest.approx(scores[0, 0], abs=1e-9)


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.11, np.nan])
def test_a_rate_outside_the_tail_is_refused(rate):
    """The tail knows nothing of the scores below its threshold."""
    with pytest.raises(ValueError, match="up to its share, 0.1"):
        EXPONENTIAL_TAIL.quantile(rate)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.4])
def test_the_shape_of_a_large_sample_is_scipys(shape):
    """With the location fixed, the most probable shape of 5,000 excesses is the expected one."""
    scores = stats.genpareto(shape, scale=3).rvs(size=20_000, random_state=1) + 50
    tail = Tail.fit(scores, share=0.25)
    excesses = np.sort(scores)[-5_000:] - tail.threshold
    by_scipy, _, scale = stats.genpareto.fit(excesses, floc=0)
    assert by_scipy == pytest.approx(tail.shape, abs=0.003)
    assert scale == pytest.approx(np.dot(tail.scales, tail.weights), rel=0.005)
    assert shape == pytest.approx(tail.shape, abs=0.05)


@pytest.mark.parametrize("distribution", [stats.expon(), stats.pareto(2), stats.uniform()])
def test_the_mixture_is_the_posterior(distribution):
    """Survival is that of the integral over a fine grid of shapes and scales."""
    scores = distribution.rvs(size=200, random_state=3)
    tail = Tail.fit(scores, share=0.15)
    excesses = np.sort(scores)[-30:] - tail.threshold
    shapes = np.linspace(*SHAPES, 301)[:, None]
    scales = excesses.mean() * np.exp(np.linspace(-2.5, 2.5, 301))
    density = stats.norm(SHAPE_MEAN, SHAPE_DEVIATION).logpdf(shapes) + sum(
        stats.genpareto.logpdf(excess, shapes, scale=scales) for excess in excesses
    )
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    for multiple, tolerance in [(1, 0.003), (5, 0.01)]:
        excess = multiple * excesses.mean()
        expected = np.sum(weights * stats.genpareto.sf(excess, shapes, scale=scales))
        assert expected * 31 / 201 == pytest.approx(
            tail.survival(tail.threshold + excess), rel=tolerance
        )


@pytest.mark.parametrize(
    ("distribution", "low", "high"),
    [
        (stats.expon(), 0.6, 1.0),
        (stats.norm(), 0.6, 1.1),
        (stats.chi2(5), 0.6, 1.1),
        (stats.gumbel_r(), 0.6, 1.1),
        (stats.t(4), 0.9, 1.5),
        (stats.lognorm(1), 1.0, 1.6),
        (stats.pareto(3), 1.0, 1.6),
        (stats.uniform(), -0.1, 0.1),  # a sharp end, which the prior thinks improbable
    ],
)
def test_a_quantile_of_one_in_a_thousand_from_300_scores(distribution, low, high):
    """Its mean exceedance is near the rate; the largest score alone would do for 1 in 301."""
    assert low < mean_exceedance(distribution, 300, 0.001) / 0.001 < high


def test_an_estimate_for_the_truth_would_be_exceeded_more_often():
    """Of exponential scores SciPy's estimate is exceeded twice as often as promised."""
    draw = np.random.default_rng(0)
    exceedance = []
    for _ in range(100):
        excesses = draw.exponential(size=30)
        shape, _, scale = stats.genpareto.fit(excesses, floc=0)
        exceedance.append(np.exp(-stats.genpareto(shape, scale=scale).isf(0.01)))
    assert np.mean(exceedance) > 0.017


def test_the_tail_moves_with_the_scores():
    """Of shifted and scaled scores it is the shifted and scaled tail, far from zero too."""
    scores = np.random.default_rng(0).gamma(2.0, size=500)
    tail, other = Tail.fit(scores), Tail.fit(1e6 + 1e-3 * scores)
    assert 1e6 + 1e-3 * tail.quantile(1e-4) == pytest.approx(other.quantile(1e-4), abs=1e-8)
    assert tail.shape == pytest.approx(other.shape, abs=1e-5)
    assert tail.share == other.share == 101 / 501


@pytest.mark.parametrize(
    ("n_scores", "share", "count"),
    [(2, None, 1), (8, None, 7), (30, None, 10), (300, None, 60), (5_000, None, 150),
     (300, 0.1, 30), (300, 0.001, 1), (300, 0.999, 299)],
)  # fmt: skip
def test_size_of_the_tail(n_scores, share, count):
    """A fifth, at least 10 and at most 150; the threshold is the next score."""
    scores = np.random.default_rng(0).permutation(n_scores).astype(float)
    tail = Tail.fit(scores, share)
    assert n_scores - 1 - count == tail.threshold
    assert (count + 1) / (n_scores + 1) == tail.share
    assert tail.share == pytest.approx(tail.survival(tail.threshold), rel=1e-14)
    assert 1.0 == pytest.approx(sum(tail.weights), abs=1e-12)
    assert n_scores - 1 - count < tail.quantile(tail.share / 2) < np.inf


def test_equal_scores_have_a_tail_that_ends_just_above():
    """Whatever is higher than all of them is rarer than any rate."""
    tail = Tail.fit(np.full(50, 7.0))
    assert 7.0 < tail.quantile(1e-6) < 7.0 + 1e-9
    assert 0.0 == tail.survival(7.001)
    assert 50 / 51 == tail.survival(7.0)


def test_a_threshold_is_lowered_below_equal_largest_scores():
    """Half of the scores are 1: they all are the tail, the zeros are not."""
    tail = Tail.fit(np.repeat([0.0, 1.0], 50))
    assert 0.0 == tail.threshold
    assert 51 / 101 == tail.share
    assert 1.0 < tail.quantile(0.001) < 4.0


def test_infinite_scores_count_as_the_largest():
    """They are ranked above the others, and leave the fit finite."""
    scores = np.random.default_rng(0).exponential(size=100)
    scores[3] = scores.max()
    infinite = scores.copy()
    infinite[scores == scores.max()] = np.inf
    infinite[scores == scores.min()] = -np.inf
    rest = scores[np.isfinite(infinite)]
    clipped = np.clip(scores, rest.min(), rest.max())
    assert Tail.fit(clipped) == Tail.fit(infinite)


@pytest.mark.parametrize(
    ("scores", "problem"),
    [([1.0], "2 or more"), ([[1.0, 2.0]], "2 or more"), ([1.0, np.nan], "1 scores are NaN"),
     ([np.inf, np.inf], "all scores are infinite"), ([-1.7e308, 0, 1, 1.7e308], "scale them")],
)  # fmt: skip
def test_samples_without_a_tail_are_refused(scores, problem):
    """The error says how many, or which."""
    with pytest.raises(ValueError, match=problem), np.errstate(over="ignore"):
        Tail.fit(scores)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, np.nan])
def test_a_share_is_between_0_and_1(share):
    """The error says what came."""
    with pytest.raises(ValueError, match=f"share is {share}"):
        Tail.fit(np.arange(20.0), share)


def test_json_and_back():
    """The same tail, bit for bit."""
    tail = Tail.fit(np.random.default_rng(0).exponential(size=300))
    again = Tail.from_json(json.loads(json.dumps(tail.to_json())))
    assert tail == again
    assert tail.quantile(0.001) == again.quantile(0.001)


@pytest.mark.parametrize(
    "change",
    [{"threshold": "0"}, {"threshold": np.inf}, {"share": 0.0}, {"share": 1.5}, {"shapes": [0.0]},
     {"shapes": []}, {"shapes": [3.0, 0.0]}, {"scales": [1.0, 0.0]}, {"weights": [0.5, 0.6]},
     {"weights": [1.5, -0.5]}, {"weights": None}, {"other": 1}],
)  # fmt: skip
def test_damaged_json_is_refused(change):
    """In words that name the tail."""
    with pytest.raises(ModelFileError, match=r"damaged, the tail"):
        Tail.from_json(MIXED_TAIL.to_json() | change, "the tail")
    with pytest.raises(ModelFileError, match="the tail"):
        Tail.from_json([MIXED_TAIL.to_json()], "the tail")
