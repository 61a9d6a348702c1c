"""Distributions of actions against SciPy and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, log_softmax

from chainrule import random
from chainrule.errors import UnsupportedError
from chainrule.rl.policies.distributions import (
    Bernoulli,
    Categorical,
    DiagGaussian,
    SquashedGaussian,
    distribution,
    n_parameters,
    to_environment,
)
from chainrule.rl.spaces import BoxSpec, DiscreteSpec, MultiBinarySpec, MultiDiscreteSpec

NEAR = {"rtol": 1e-12, "atol": 1e-12}
KEY = random.key(3)
RNG = np.random.default_rng(0)
MANY = 40_000


def rows(x: Any) -> Any:
    """Many rows of the same parameters."""
    return np.broadcast_to(np.asarray(x), (MANY, len(x)))


def test_categorical() -> None:
    """Log-probabilities, entropy and mode; how often each is drawn."""
    logits = RNG.normal(size=(5, 4)) * 3
    actions = np.array([0, 1, 2, 3, 1])
    actual = Categorical(logits)
    expected = log_softmax(logits, axis=1)
    np.testing.assert_allclose(actual.log_prob(actions), expected[np.arange(5), actions], **NEAR)
    entropy = [stats.entropy(np.exp(row)) for row in expected]
    np.testing.assert_allclose(actual.entropy(), entropy, **NEAR)
    np.testing.assert_array_equal(actual.mode(), np.argmax(logits, axis=1))
    times = np.bincount(Categorical(rows(logits[0])).sample(KEY), minlength=4)
    assert stats.chisquare(times, np.exp(expected[0]) * MANY).pvalue > 1e-3


def test_categorical_of_extreme_logits() -> None:
    """An action that is ruled out is never drawn, and the entropy is that of the others."""
    logits = np.array([0.0, -np.inf, 0.0])
    actual = Categorical(rows(logits))
    assert {0, 2} == set(actual.sample(KEY).tolist())
    np.testing.assert_allclose(actual.entropy()[0], np.log(2), **NEAR)
    np.testing.assert_array_equal(Categorical(np.array([[1e300, 0.0]])).entropy(), [0.0])


def test_multi_categorical() -> None:
    """Independent parts of different sizes: sums of log-probabilities and of entropies."""
    spec, outputs = MultiDiscreteSpec((2, 3), (0, 5)), RNG.normal(size=(6, 5))
    actual = distribution(spec, outputs)
    action = np.array([[0, 2], [1, 1], [0, 0], [1, 2], [1, 0], [0, 1]])
    first, second = log_softmax(outputs[:, :2], axis=1), log_softmax(outputs[:, 2:], axis=1)
    k = np.arange(6)
    np.testing.assert_allclose(
        actual.log_prob(action), first[k, action[:, 0]] + second[k, action[:, 1]], **NEAR
    )
    entropy = stats.entropy(np.exp(first), axis=1) + stats.entropy(np.exp(second), axis=1)
    np.testing.assert_allclose(actual.entropy(), entropy, **NEAR)
    np.testing.assert_array_equal(
        actual.mode(), np.stack([np.argmax(first, 1), np.argmax(second, 1)], 1)
    )
    drawn = distribution(spec, rows(outputs[0])).sample(KEY)
    pairs = np.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=6)
    expected = np.exp(first[0][:, None] + second[0]).ravel() * MANY
    assert stats.chisquare(pairs, expected).pvalue > 1e-3
    assert 5 == n_parameters(spec)


def test_bernoulli() -> None:
    """Truth values with probability sigmoid(logit), exact where sigmoid rounds to 1."""
    logits = np.array([[-2.0, 0.5, 40.0], [800.0, -800.0, 0.0]])
    actual, action = Bernoulli(logits), np.array([[1, 0, 1], [1, 0, 1]])
    first = stats.bernoulli.logpmf(action[0], expit(logits[0])).sum()
    np.testing.assert_allclose(actual.log_prob(action), [first, np.log(0.5)], **NEAR)
    entropy = stats.bernoulli(expit(logits[0, :2])).entropy().sum() + 40 * np.exp(-40.0)
    np.testing.assert_allclose(actual.entropy(), [entropy, np.log(2)], rtol=1e-12)
    np.testing.assert_array_equal(actual.mode(), [[0, 1, 1], [1, 0, 0]])
    times = np.sum(Bernoulli(rows(logits[0, :2])).sample(KEY), axis=0)
    deviation = np.sqrt(MANY * expit(logits[0, :2]) * expit(-logits[0, :2]))
    assert np.all(np.abs(times - MANY * expit(logits[0, :2])) < 4 * deviation)


@pytest.mark.parametrize("log_std", [np.array([0.3, -1.0]), RNG.normal(size=(4, 2))])
def test_diagonal_gaussian(log_std: Any) -> None:
    """One deviation for all rows, or one for each."""
    mean, action = RNG.normal(size=(2, 4, 2))
    actual, peer = DiagGaussian(mean, log_std), stats.norm(mean, np.exp(log_std))
    np.testing.assert_allclose(actual.log_prob(action), peer.logpdf(action).sum(axis=1), **NEAR)
    entropy = np.broadcast_to(stats.norm(0, np.exp(log_std)).entropy(), (4, 2)).sum(axis=1)
    np.testing.assert_allclose(actual.entropy(), entropy, **NEAR)
    np.testing.assert_array_equal(actual.mode(), mean)


def test_draws_of_a_gaussian() -> None:
    """The moments, and the whole distribution by Kolmogorov and Smirnov's test."""
    drawn = DiagGaussian(rows(np.array([1.0, -2.0])), np.log(np.array([0.5, 3.0]))).sample(KEY)
    np.testing.assert_allclose(np.mean(drawn, axis=0), [1, -2], atol=4 * 3 / np.sqrt(MANY))
    for column, peer in zip(drawn.T, (stats.norm(1, 0.5), stats.norm(-2, 3)), strict=True):
        assert stats.kstest(column, peer.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 4 / np.sqrt(MANY)


def squashed_density(action: Any, mean: float, std: float) -> Any:
    """The density of tanh of a normal number, by the change of variables."""
    return stats.norm(mean, std).pdf(np.arctanh(action)) / (1 - action**2)


def test_squashed_gaussian() -> None:
    """Each draw's log-density is that of the closed form, which integrates to 1."""
    mean, std = 0.4, 0.7
    actual = SquashedGaussian(rows(np.array([mean])), np.full((MANY, 1), np.log(std)))
    drawn, log_prob = actual.sample_with_log_prob(KEY)
    expected = np.log(squashed_density(drawn[:, 0], mean, std))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-7, atol=1e-9)
    grid = np.tanh(np.linspace(-8, 8, 20_001))
    np.testing.assert_allclose(np.trapezoid(squashed_density(grid, mean, std), grid), 1, rtol=1e-5)
    # the mean of 1 / density over draws is the length of the interval
    inside = np.abs(drawn[:, 0]) < 0.9
    covered = np.mean(np.where(inside, np.exp(-log_prob), 0))
    np.testing.assert_allclose(covered, 1.8, rtol=0.03)
    np.testing.assert_allclose(actual.mode()[0], [np.tanh(mean)], **NEAR)


def test_squashed_gaussian_of_two_entries() -> None:
    """Log-densities of entries are added up."""
    mean, log_std = RNG.normal(size=(2, 6, 2))
    drawn, log_prob = SquashedGaussian(mean, log_std).sample_with_log_prob(KEY)
    expected = np.log(squashed_density(drawn, mean, np.exp(log_std))).sum(axis=1)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-6)


@pytest.mark.parametrize("mean", [0.0, 20.0, -1000.0, 1e4])
def test_squashed_gaussian_far_out(mean: float) -> None:
    """Where tanh rounds to 1, ``log(1 - tanh(x)**2)`` is ``2 log 2 - 2 |x|``: nothing overflows."""
    std = 0.5
    before = DiagGaussian(np.full((8, 1), mean), np.full((8, 1), np.log(std)))
    x = before.sample(KEY)
    _, log_prob = SquashedGaussian(before.mean, before.log_std).sample_with_log_prob(KEY)
    exact = 2 * (np.log(2) - np.abs(x) - np.log1p(np.exp(-2 * np.abs(x))))
    expected = stats.norm(mean, std).logpdf(x) - exact
    np.testing.assert_allclose(log_prob, expected[:, 0], rtol=1e-10)


def test_actions_as_the_environment_takes_them() -> None:
    """Starts are added; bounded boxes are stretched from -1 ... 1, others cut off at bounds."""
    numbers = np.array([0, 2])
    np.testing.assert_array_equal(to_environment(DiscreteSpec(3, 5), numbers), [5, 7])
    np.testing.assert_array_equal(to_environment(DiscreteSpec(3), numbers), [0, 2])
    both = to_environment(MultiDiscreteSpec((2, 3), (0, -4)), np.array([[1, 2]]))
    np.testing.assert_array_equal(both, [[1, -2]])
    truth = to_environment(MultiBinarySpec((2,)), np.array([[1, 0]]))
    assert np.int8 == truth.dtype
    box = BoxSpec((2,), "float32", (-2.0, 0.0), (2.0, 10.0))
    stretched = to_environment(box, np.array([[0.0, 0.0], [-1.0, 1.0], [9.0, -9.0], [0.5, 0.5]]))
    np.testing.assert_array_equal(stretched, [[0, 5], [-2, 10], [2, 0], [1, 7.5]])
    assert np.float32 == stretched.dtype
    half_open = BoxSpec((2,), "float64", 0.0, np.inf)
    np.testing.assert_array_equal(to_environment(half_open, np.array([[-3.0, 1e9]])), [[0, 1e9]])
    widest = float(np.finfo(np.float32).max)
    far = to_environment(BoxSpec((1,), "float32", -widest, widest), np.array([[-1.0], [0.5]]))
    np.testing.assert_allclose(far, [[-widest], [widest / 2]], rtol=1e-6)


def test_no_action_is_beyond_the_bounds() -> None:
    """Whatever the bounds round to: the environment would refuse such an action."""
    low = np.random.default_rng(2).normal(size=500).astype(np.float32)
    high = low + np.abs(np.random.default_rng(3).normal(size=500)).astype(np.float32)
    spec = BoxSpec((500,), "float32", tuple(low.tolist()), tuple(high.tolist()))
    for action in (-1.0, 1.0, 0.999):
        stretched = to_environment(spec, np.full((1, 500), action))
        assert np.all((low <= stretched) & (stretched <= high))
    np.testing.assert_allclose(to_environment(spec, np.ones((1, 500)))[0], high, rtol=1e-5)


@pytest.mark.parametrize("spec", [MultiBinarySpec((2, 2)), BoxSpec((), "float32", 0.0, 1.0)])
def test_actions_have_one_axis(spec: Any) -> None:
    """Other shapes are refused, with what to do."""
    with pytest.raises(UnsupportedError, match="flatten them to one axis"):
        n_parameters(spec)
