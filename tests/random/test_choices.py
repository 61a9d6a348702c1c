"""Waiting times, extremes and choices: their distributions, their bounds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import chainrule as cr
from chainrule import random
from chainrule.errors import DtypeError, ShapeError

N = 20_000
WEIGHTS = np.array([0.5, 0.0, 0.3, 0.15, 0.05])
DRAWS = {
    "exponential": lambda key: random.exponential(key, (3, 5)),
    "gumbel": lambda key: random.gumbel(key, 7, np.float32),
    "categorical": lambda key: random.categorical(key, np.log(WEIGHTS[[0, 2, 3]]), shape=9),
    "categorical of rows": lambda key: random.categorical(key, np.arange(6.0).reshape(2, 3), 0),
    "choice": lambda key: random.choice(key, 9, (2, 3)),
    "choice with p": lambda key: random.choice(key, np.arange(10, 15), 6, p=WEIGHTS),
    "rows, each once": lambda key: random.choice(key, np.eye(4), 3, replace=False),
    "columns": lambda key: random.choice(key, np.arange(12.0).reshape(3, 4), (2,), axis=1),
    "each once with p": lambda key: random.choice(key, 5, 4, replace=False, p=WEIGHTS),
}


@pytest.mark.parametrize("name", DRAWS)
def test_traced_is_untraced(name):
    for seed in range(3):
        expected = DRAWS[name](random.key(seed))
        found = cr.jit(DRAWS[name])(random.key(seed))
        assert type(expected) is type(found)
        assert (expected.dtype, expected.shape) == (found.dtype, found.shape)
        if expected.dtype.kind == "i":
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=20 * np.finfo(found.dtype).eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_distributions(dtype):
    """The distance to the true distribution is what chance gives 99.9 % of the time."""
    limit = 1.95 / np.sqrt(N)
    for seed in range(3):
        waiting, extreme = (f(random.key(seed), N, dtype)
                            for f in (random.exponential, random.gumbel))  # fmt: skip
        assert waiting.dtype == extreme.dtype == dtype
        assert stats.kstest(waiting, stats.expon.cdf).statistic < limit
        assert stats.kstest(extreme, stats.gumbel_r.cdf).statistic < limit


@pytest.mark.parametrize(("dtype", "bits"), [(np.float64, 53), (np.float32, 24), (np.float16, 11)])
def test_the_ends_are_finite(dtype, bits, monkeypatch):
    """For the smallest and for the largest uniform number."""
    ends = np.array([0.0, 1.0 - 2.0**-bits], dtype)
    monkeypatch.setattr("chainrule.random.choices.uniform", lambda key, shape, kind: ends)
    waiting, extreme = (f(None, 2, dtype) for f in (random.exponential, random.gumbel))
    assert waiting[0] == 0.0
    assert waiting[1] == pytest.approx(bits * np.log(2.0), rel=1e-3)
    assert extreme[0] == pytest.approx((bits + 1) * np.log(2.0), rel=1e-3)
    assert extreme[1] == pytest.approx(-np.log(bits * np.log(2.0)), rel=1e-2)


def frequencies(draws, n):
    return np.bincount(np.asarray(draws).ravel(), minlength=n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_categories_are_as_frequent_as_likely(dtype):
    """Also far from 0, and one after the other in rows; what has weight 0 is never drawn."""
    with np.errstate(divide="ignore"):
        logits = (np.log(WEIGHTS) + 300.0).astype(dtype)
    likely = WEIGHTS > 0
    for seed in range(3):
        counts = frequencies(random.categorical(random.key(seed), logits, shape=N), 5)
        assert counts[1] == 0
        assert stats.chisquare(counts[likely], N * WEIGHTS[likely]).pvalue > 1e-3
    both = np.stack([logits, logits[::-1]], axis=1)
    drawn = random.categorical(random.key(9), both, axis=0, shape=(N, 2))
    for k, weights in enumerate((WEIGHTS, WEIGHTS[::-1])):
        counts = frequencies(drawn[:, k], 5)
        assert stats.chisquare(counts[weights > 0], N * weights[weights > 0]).pvalue > 1e-3


def test_choices_are_as_frequent_as_likely():
    key = random.key(5)
    assert stats.chisquare(frequencies(random.choice(key, 7, N), 7)).pvalue > 1e-3
    counts = frequencies(random.choice(key, 5, N, p=WEIGHTS), 5)
    assert counts[1] == 0
    assert stats.chisquare(counts[[0, 2, 3, 4]], N * WEIGHTS[[0, 2, 3, 4]]).pvalue > 1e-3


def test_without_replacement():
    """Each once; the first as likely as alone, and the second given the first."""
    keys = random.split(random.key(2), 4000)
    assert sorted(random.choice(keys[0], 6, 6, replace=False).tolist()) == list(range(6))
    pairs = np.array([random.choice(key, 5, 2, replace=False, p=WEIGHTS) for key in keys])
    assert np.all(pairs[:, 0] != pairs[:, 1])
    assert 1 not in pairs
    some = [0, 2, 3, 4]
    assert stats.chisquare(frequencies(pairs[:, 0], 5)[some], 4000 * WEIGHTS[some]).pvalue > 1e-3
    second = pairs[pairs[:, 0] == 0, 1]
    rest = WEIGHTS[2:] / WEIGHTS[2:].sum()
    assert stats.chisquare(frequencies(second, 5)[2:], len(second) * rest).pvalue > 1e-3


@pytest.mark.parametrize(
    ("draw", "error", "told"),
    [
        (lambda k: random.categorical(k, np.array([1, 2])), DtypeError, "not int64"),
        (lambda k: random.categorical(k, 1.0), ShapeError, "no axis"),
        (lambda k: random.categorical(k, np.ones((2, 0))), ShapeError, "no categories"),
        (lambda k: random.categorical(k, np.ones((2, 3)), shape=(5,)), ShapeError, r"with \(2,\)"),
        (lambda k: random.categorical(k, np.full(3, -np.inf)), ValueError, "one is -inf"),
        (lambda k: random.categorical(k, np.array([0.0, np.nan])), ValueError, "one is nan"),
        (lambda k: random.categorical(k, np.array([0.0, np.inf])), ValueError, "one is inf"),
        (lambda k: random.choice(k, 0), ShapeError, "nothing to draw"),
        (lambda k: random.choice(k, np.ones((0, 2)), 2), ShapeError, "nothing to draw"),
        (lambda k: random.choice(k, 3, 4, replace=False), ShapeError, "4 of 3 without"),
        (lambda k: random.choice(k, 3, p=[0.5, 0.5]), ShapeError, "there are 3"),
        (lambda k: random.choice(k, 2, p=[0.5, 0.6]), ValueError, "add up to 1"),
        (lambda k: random.choice(k, 2, p=[-0.5, 1.5]), ValueError, "add up to 1"),
        (lambda k: random.choice(k, 2, p=[np.nan, 1.0]), ValueError, "add up to 1"),
        (lambda k: random.exponential(k, 3, np.int64), DtypeError, "int64"),
    ],
)  # fmt: skip
def test_refused(draw, error, told):
    with pytest.raises(error, match=told):
        draw(random.key(0))


def test_a_policy_gradient():
    """Draws have no slope; the logarithm of their probability has."""

    def loss(logits):
        action = random.categorical(random.key(3), logits)
        return logits[action] - cr.logsumexp(logits)

    logits = np.array([0.3, -0.2, 0.5])
    action = random.categorical(random.key(3), logits)
    expected = np.eye(3)[action] - np.exp(logits) / np.exp(logits).sum()
    for f in (cr.grad(loss), cr.jit(cr.grad(loss))):
        np.testing.assert_allclose(f(logits), expected, rtol=1e-12)
