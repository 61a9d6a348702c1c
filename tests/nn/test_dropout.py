"""Dropout and mixup: their moments, their formula, derivatives, and the same draws when traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit, scan

RNG = np.random.default_rng(0)
KEY = random.key(5)
N = 20_000


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate: float) -> None:
    """Each entry is 0 or x / (1 - rate), as often as told."""
    x = RNG.normal(size=(N // 4, 4))
    y = nn.dropout(x, rate, KEY)
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - rate), rtol=1e-14)
    deviation = np.sqrt(rate * (1 - rate) / N)
    assert abs(kept.mean() - (1 - rate)) < 4 * deviation
    assert np.abs(kept.mean(0) - (1 - rate)).max() < 5 * 2 * deviation
    np.testing.assert_allclose(jit(lambda x, k: nn.dropout(x, rate, k))(x, KEY), y, rtol=1e-14)
    assert not np.array_equal(nn.dropout(x, rate, random.key(6)) != 0, kept)


def test_dropout_of_nothing_and_its_slope() -> None:
    """Rate 0 is x itself; the slope is 0 or 1 / (1 - rate), the same entries as the value's."""
    x = RNG.normal(size=50)
    assert nn.dropout(x, 0.0, KEY) is x
    slopes = grad(lambda x: np.sum(nn.dropout(x, 0.2, KEY)))(x)
    np.testing.assert_allclose(slopes, np.where(nn.dropout(x, 0.2, KEY) != 0, 1.25, 0.0))
    check_grads(lambda x: np.tanh(nn.dropout(x, 0.2, KEY)), (x,))


def test_dropout_in_a_scan() -> None:
    """A key a step, folded in: each step drops others, as a loop does."""
    x = np.ones(64, np.float32)

    def step(k: Any, _: Any) -> Any:
        return k + 1, nn.dropout(x, 0.5, random.fold_in(KEY, k))

    _, rows = scan(step, np.int32(0), None, length=4)
    expected = [nn.dropout(x, 0.5, random.fold_in(KEY, k)) for k in range(4)]
    np.testing.assert_array_equal(rows, expected)
    assert rows.dtype == np.float32
    assert len({row.tobytes() for row in rows}) == 4


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_mixes_pairs(alpha: float) -> None:
    """Rows carry their own number, so shares and partners can be read off the result."""
    numbers = np.arange(200.0)
    y = np.eye(200)
    mixed, targets = nn.mixup(np.stack([numbers, numbers**2], 1), y, alpha, KEY)
    partners = []
    for row, (first, second) in enumerate(mixed):
        share = targets[row, row]
        (others,) = np.nonzero(targets[row] * (np.arange(200) != row))
        partner = row if len(others) == 0 else others[0]
        partners.append(partner)
        share = 1.0 if partner == row else share
        np.testing.assert_allclose(first, share * row + (1 - share) * partner, rtol=1e-10)
        np.testing.assert_allclose(second, share * row**2 + (1 - share) * partner**2, rtol=1e-10)
    np.testing.assert_allclose(targets.sum(1), np.ones(200), rtol=1e-14)
    np.testing.assert_allclose(targets.min(), 0.0, atol=1e-16)
    assert len(set(partners)) > 190  # an order: all but those whose share rounds to 1


def test_mixup_of_real_targets_and_shares() -> None:
    """Shares have the variance of the beta distribution: 1 / (4 (2 alpha + 1))."""
    for alpha in (0.3, 2.0):
        x = np.arange(float(N))
        mixed, target = nn.mixup(x[:, None], 3.0 * x, alpha, KEY)
        np.testing.assert_allclose(target, 3.0 * mixed[:, 0], rtol=1e-12)
        order = random.permutation(random.split(KEY)[0], N)
        apart = np.abs(x - x[order]) > 0.5
        shares = ((mixed[:, 0] - x[order])[apart]) / (x - x[order])[apart]
        variance = 1 / (4 * (2 * alpha + 1))
        assert abs(shares.mean() - 0.5) < 4 * np.sqrt(variance / N)
        assert abs(shares.var() - variance) < 0.03 * variance


def test_mixup_traced_is_untraced() -> None:
    """Any shapes, known or traced data, and derivatives by both."""
    x, y = RNG.normal(size=(7, 3, 2)), RNG.normal(size=(7, 4))
    expected = nn.mixup(x, y, 0.4, KEY)
    for got in (
        jit(lambda x, y, k: nn.mixup(x, y, 0.4, k))(x, y, KEY),
        jit(lambda k: nn.mixup(x, y, 0.4, k))(KEY),
        jit(lambda x: nn.mixup(x, y, 0.4, KEY))(x),
    ):
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)
    check_grads(lambda x, y: nn.mixup(x, y, 0.4, KEY), (x, y), order=1)


def test_dtypes_stay() -> None:
    """Each in its own, with or without jit."""
    x, y = np.ones((6, 2), np.float32), np.ones((6, 3))
    assert nn.dropout(x, 0.5, KEY).dtype == np.float32
    for a, b in (nn.mixup(x, y, 0.4, KEY), jit(lambda x, y: nn.mixup(x, y, 0.4, KEY))(x, y)):
        assert a.dtype == np.float32 and b.dtype == np.float64


def test_errors_name_the_mend() -> None:
    """Rates, alphas, class numbers, and rows that do not match."""
    for rate in (-0.1, 1.0):
        with pytest.raises(
            ValueError, match=r"test_dropout\.py:\d+: rate=.*: give a number of 0 or more and below"
        ):
            nn.dropout(np.ones(3), rate, KEY)
    with pytest.raises(DtypeError, match="dropout takes arrays of floats: x is int64"):
        nn.dropout(np.ones(3, int), 0.5, KEY)
    with pytest.raises(DtypeError, match="mixup takes arrays of floats: y is int64"):
        nn.mixup(np.ones((3, 2)), np.array([0, 1, 2]), 0.4, KEY)
    with pytest.raises(ShapeError, match=r"x has shape \(3, 2\) and y \(4,\): give as many rows"):
        nn.mixup(np.ones((3, 2)), np.ones(4), 0.4, KEY)
    with pytest.raises(ValueError, match="alpha=0: give a positive number"):
        nn.mixup(np.ones((3, 2)), np.ones(3), 0, KEY)
    with pytest.raises(DtypeError, match="a random key is uint32"):
        nn.dropout(np.ones(3), 0.5, 7)
