"""Priorities against plain sums: the tree, draws in proportion, and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import random
from chainrule.rl.buffers.prioritized import (
    Priorities,
    draw_by_priority,
    empty_priorities,
    with_new_row,
    with_priorities,
)
from chainrule.rl.buffers.replay import empty_replay
from chainrule.rl.spaces import BoxSpec


def leaves_of(priorities: Priorities) -> Any:
    return priorities.sums[len(priorities.sums) // 2 :]


def assert_sums(priorities: Priorities) -> None:
    """Every entry is the sum of the two below it, and the first that of all."""
    sums = priorities.sums
    for k in range(1, len(sums) // 2):
        assert sums[2 * k] + sums[2 * k + 1] == sums[k]
    np.testing.assert_allclose(sums[1], np.sum(leaves_of(priorities)), rtol=1e-12)


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 8, 9, 100])
def test_sums_after_random_writes(capacity: int) -> None:
    """Also where the capacity is no power of two, and where one batch names an entry twice."""
    rng, priorities = np.random.default_rng(capacity), empty_priorities(capacity)
    expected = np.zeros(len(priorities.sums) // 2)
    for _ in range(20):
        numbers = rng.permutation(capacity)[: rng.integers(1, capacity + 1)]
        errors = rng.normal(size=len(numbers)) * 3
        priorities = with_priorities(priorities, numbers, errors, 0.6)
        expected[numbers] = (np.abs(errors) + 1e-6) ** 0.6
        np.testing.assert_allclose(leaves_of(priorities), expected, rtol=1e-14)
        assert_sums(priorities)
    twice = np.zeros(5, np.int64)
    priorities = with_priorities(priorities, twice, np.full(5, 2.0), 1.0)
    assert 2.000001 == leaves_of(priorities)[0]
    assert_sums(priorities)


def test_new_transitions_have_the_largest_priority() -> None:
    """1 at the start, later the largest so far; they lie where the replay writes next."""
    box = BoxSpec((1,), "float64", 0.0, 1.0)
    replay = empty_replay(box, (), np.int64, 3, 2, np.float64)
    priorities = with_new_row(empty_priorities(6), replay)
    np.testing.assert_array_equal(leaves_of(priorities), [1, 1, 0, 0, 0, 0, 0, 0])
    priorities = with_priorities(priorities, np.array([0]), np.array([4.0]), 1.0)
    priorities = with_new_row(priorities, replay._replace(n_rows=np.int64(5)))
    np.testing.assert_allclose(leaves_of(priorities), [4 + 1e-6, 1, 0, 0, 4 + 1e-6, 4 + 1e-6, 0, 0])
    priorities = with_priorities(priorities, np.array([0]), np.array([0.5]), 1.0)
    assert 4 + 1e-6 == priorities.largest


def test_draws_are_in_proportion() -> None:
    """Chi-square of 40,000 draws, 8 at a time; entries without priority are never drawn."""
    priorities = with_priorities(
        empty_priorities(11), np.arange(9), np.array([0.1, 5, 0, 1, 2, 3, 0.5, 0.25, 4]), 1.0
    )
    times = np.zeros(16)
    for key in random.split(random.key(0), 5000):
        numbers, _ = draw_by_priority(priorities, key, 8, 9, 0.4)
        times += np.bincount(numbers, minlength=16)
    expected = leaves_of(priorities) / priorities.sums[1] * 40_000
    assert 0 == np.sum(times[expected == 0])
    likely = expected > 5
    # one draw from each eighth of the sum varies less than independent draws
    assert np.sum((times - expected)[likely] ** 2 / expected[likely]) < 8 + 4 * 4
    assert 8 == np.sum(likely)


def test_weights() -> None:
    """``(count * probability)**-beta``, and the largest in the batch is 1."""
    errors = np.array([0.5, 1.0, 2.0, 4.0])
    priorities = with_priorities(empty_priorities(4), np.arange(4), errors, 1.0)
    numbers, weights = draw_by_priority(priorities, random.key(1), 64, 4, 0.7)
    assert {0, 1, 2, 3} == set(numbers.tolist())
    probability = (errors + 1e-6) / np.sum(errors + 1e-6)
    expected = (4 * probability[numbers]) ** -0.7
    np.testing.assert_allclose(weights, expected / np.max(expected), rtol=1e-12)
    _, weights = draw_by_priority(priorities, random.key(1), 64, 4, 0.0)
    np.testing.assert_array_equal(weights, np.ones(64))


def test_rounding_never_leads_to_an_empty_entry() -> None:
    """With priorities of very different sizes, draws at the far end stay on written entries."""
    errors = np.array([1e16, 1e-3, 1.0, 1e8, 1e16])
    priorities = with_priorities(empty_priorities(5), np.arange(5), errors, 1.0)
    for key in random.split(random.key(2), 300):
        numbers, weights = draw_by_priority(priorities, key, 16, 5, 1.0)
        assert np.max(numbers) < 5
        assert np.all(np.isfinite(weights))
