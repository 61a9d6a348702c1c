"""Running moments and scaled rewards against loops in float64, as VecNormalize has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rl.normalization import (
    ReturnScale,
    initial_moments,
    normalized,
    scaled_rewards,
    updated_moments,
)

NEAR = {"rtol": 1e-12, "atol": 1e-12}


class Welford:
    """Mean and variance row by row, beginning as 0 and 1 with a weight of 1e-4 rows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean, self.squares, self.count = np.zeros(shape), np.full(shape, 1e-4), 1e-4

    def add(self, row: Any) -> None:
        self.count += 1
        shift = row - self.mean
        self.mean = self.mean + shift / self.count
        self.squares = self.squares + shift * (row - self.mean)

    @property
    def variance(self) -> Any:
        return self.squares / self.count


def test_moments_equal_those_of_rows_one_by_one() -> None:
    """Batches of any size; the start counts as 1e-4 rows."""
    rng, moments, expected = np.random.default_rng(0), initial_moments((3,)), Welford((3,))
    for n in (1, 4, 1, 16, 7):
        rows = rng.normal(5.0, [1.0, 100.0, 1e-3], size=(n, 3))
        moments = updated_moments(moments, rows)
        for row in rows:
            expected.add(row)
    np.testing.assert_allclose(moments.mean, expected.mean, **NEAR)
    np.testing.assert_allclose(moments.variance, expected.variance, rtol=1e-10)
    np.testing.assert_allclose(moments.count, 29.0001, **NEAR)


def test_moments_of_float32_are_float64() -> None:
    """A large mean beside a small spread does not vanish."""
    rows = (1e6 + np.arange(8.0)).astype(np.float32)[:, None]
    moments = updated_moments(initial_moments((1,)), rows)
    assert np.float64 == moments.variance.dtype
    many = 8.0001
    variance = (8 * 5.25 + 1e-4 * 1 + 1e-4 * 8 / many * (1e6 + 3.5) ** 2) / many
    np.testing.assert_allclose(moments.variance, [variance], **NEAR)


def test_normalized_rows() -> None:
    """``(x - mean) / sqrt(variance + 1e-8)``, cut off at 10, in the dtype of the rows."""
    moments = initial_moments((2,))._replace(mean=np.array([1.0, 2.0]), variance=np.array([4.0, 0]))
    rows = np.array([[5.0, 2.0], [-99.0, 2.1], [1.0, 2.0 + 1e-5]])
    expected = [[4 / np.sqrt(4 + 1e-8), 0.0], [-10.0, 10.0], [0.0, 1e-5 / 1e-4]]
    np.testing.assert_allclose(normalized(moments, rows), expected, rtol=1e-9)
    assert np.float32 == normalized(moments, rows.astype(np.float32)).dtype


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_scaled_rewards_equal_a_loop(gamma: float) -> None:
    """Returns of each copy begin anew after an end of either kind."""
    rng, n = np.random.default_rng(1), 3
    scale = ReturnScale(np.zeros(n), initial_moments(()))
    running, moments = np.zeros(n), Welford(())
    for _ in range(50):
        reward = rng.normal(1.0, 20.0, size=n)
        terminated, truncated = rng.random((2, n)) < 0.15
        scale, scaled = scaled_rewards(scale, reward, terminated | truncated, gamma)
        for copy in range(n):
            running[copy] = running[copy] * gamma + reward[copy]
            moments.add(running[copy])
        deviation = np.sqrt(moments.variance + 1e-8)
        np.testing.assert_allclose(scaled, np.clip(reward / deviation, -10, 10), **NEAR)
        for copy in range(n):
            if terminated[copy] or truncated[copy]:
                running[copy] = 0.0
        np.testing.assert_allclose(scale.returns, running, **NEAR)


def test_rows_that_are_not_valid_do_not_count() -> None:
    """As if they were not there; also where none is valid."""
    rows = np.random.default_rng(0).normal(size=(5, 2))
    valid = np.array([True, False, True, True, False])
    start = updated_moments(initial_moments((2,)), np.ones((2, 2)))
    some, expected = updated_moments(start, rows, valid), updated_moments(start, rows[valid])
    none = updated_moments(start, rows, np.zeros(5, bool))
    for x, y, z, before in zip(some, expected, none, start, strict=True):
        np.testing.assert_allclose(x, y, **NEAR)
        np.testing.assert_allclose(z, before, **NEAR)
    scale = ReturnScale(np.array([2.0, 4.0]), initial_moments(()))
    both, _ = scaled_rewards(scale, np.zeros(2), np.zeros(2, bool), 0.5, np.array([True, False]))
    one = ReturnScale(np.array([2.0]), initial_moments(()))
    single, _ = scaled_rewards(one, np.zeros(1), np.zeros(1, bool), 0.5)
    np.testing.assert_allclose(both.moments.variance, single.moments.variance, **NEAR)
