"""Distributions of returns against loops, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.rl.agents.value_distributions import (
    categorical_means,
    cross_entropy,
    projected,
    quantile_huber,
    support,
)

NEAR = {"rtol": 1e-12, "atol": 1e-12}
RNG = np.random.default_rng(0)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(("n_atoms", "v_min", "v_max"), [(51, -10.0, 10.0), (5, 0.0, 3.0), (2, -1.0, 7.0)])  # noqa: E501  # fmt: skip
def test_projection(n_atoms: int, v_min: float, v_max: float) -> None:
    """Bellemare's algorithm 1: each atom is moved, and divided among its two neighbours."""
    logits, reward = RNG.normal(size=(7, n_atoms)), RNG.normal(size=7) * 4
    discount = np.array([0.9, 0.0, 0.99, 1.0, 0.5, 0.0, 0.9])
    reward[5], reward[6] = 1000.0, -1000.0
    atoms, spacing = np.linspace(v_min, v_max, n_atoms), (v_max - v_min) / (n_atoms - 1)
    expected = np.zeros((7, n_atoms))
    for row, probabilities in enumerate(softmax(logits)):
        for atom, probability in zip(atoms, probabilities, strict=True):
            value = min(max(reward[row] + discount[row] * atom, v_min), v_max)
            position = (value - v_min) / spacing
            low = min(int(np.floor(position)), n_atoms - 2)
            expected[row, low] += probability * (low + 1 - position)
            expected[row, low + 1] += probability * (position - low)
    actual = projected(logits, reward, discount, v_min, v_max)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.sum(actual, axis=1), np.ones(7), **NEAR)


def test_projection_keeps_the_mean() -> None:
    """Where nothing is cut off, the mean of the projection is ``reward + discount * mean``."""
    logits, reward = RNG.normal(size=(4, 21)), np.array([0.3, -1.0, 2.0, 0.0])
    discount = np.full(4, 0.5)
    atoms = support(21, -10.0, 10.0, np.float64)
    means = categorical_means(logits[:, None], -10.0, 10.0)[:, 0]
    np.testing.assert_allclose(means, softmax(logits) @ atoms, **NEAR)
    after = projected(logits, reward, discount, -10.0, 10.0) @ atoms
    np.testing.assert_allclose(after, reward + 0.5 * means, **NEAR)


def test_cross_entropy() -> None:
    """``-sum(p * log q)``, also where a probability is 0."""
    p = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0]])
    logits = RNG.normal(size=(2, 3))
    expected = [-sum(a * np.log(b) for a, b in zip(p[k], softmax(logits)[k], strict=True)) for k in (0, 1)]  # noqa: E501  # fmt: skip
    np.testing.assert_allclose(cross_entropy(p, logits), expected, **NEAR)


def test_quantile_huber() -> None:
    """Each pair of a quantile and a sample, by a loop; 4 quantiles, 3 samples."""
    quantiles, wanted = RNG.normal(size=(5, 4)) * 2, RNG.normal(size=(5, 3)) * 2
    expected = np.zeros(5)
    for row in range(5):
        for i in range(4):
            for j in range(3):
                error = wanted[row, j] - quantiles[row, i]
                loss = error**2 / 2 if abs(error) <= 1 else abs(error) - 0.5
                expected[row] += abs((i + 0.5) / 4 - (error < 0)) * loss / 3
    np.testing.assert_allclose(quantile_huber(quantiles, wanted), expected, **NEAR)


def test_quantiles_of_a_distribution_have_the_least_loss() -> None:
    """Moving any of them away from the quantile of a wide distribution costs."""
    wanted = np.random.default_rng(1).normal(size=(1, 20_000)) * 1000
    best = np.quantile(wanted, [1 / 6, 3 / 6, 5 / 6])[None]
    least = quantile_huber(best, wanted)[0]
    for k in range(3):
        for step in (-100.0, 100.0):
            other = best.copy()
            other[0, k] += step
            assert quantile_huber(other, wanted)[0] > least
