"""The replay against lists of Python: a ring of rows, and returns of several steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import jit, random
from chainrule.rl.buffers.replay import (
    Replay,
    Transitions,
    cut_off,
    empty_replay,
    n_stored,
    transitions_at,
    uniform_indices,
    with_row,
)
from chainrule.rl.spaces import BoxSpec, DictSpec, DiscreteSpec

BOX = BoxSpec((1,), "float64", 0.0, 1e6)
pytestmark = pytest.mark.usefixtures("_unoptimised")
NEAR = {"rtol": 1e-12, "atol": 1e-12}


def at(replay: Replay, numbers: Any, gamma: float, n_steps: int) -> Transitions:
    """The transitions of these numbers, compiled as agents have them."""
    return jit(lambda replay, numbers: transitions_at(replay, numbers, gamma, n_steps))(
        replay, numbers
    )


def row_of(number: int, n_envs: int, rng: np.random.Generator, p_end: float) -> dict[str, Any]:
    """Row `number`: what was seen is 100 times its number, plus the copy."""
    seen = 100.0 * number + np.arange(n_envs)[:, None]
    ended = rng.random(n_envs) < p_end
    return {
        "observation": seen, "next_observation": seen + 50.0,
        "action": np.arange(n_envs) + number, "reward": rng.normal(size=n_envs),
        "terminated": ended & (rng.random(n_envs) < 0.5), "ended": ended,
    }  # fmt: skip


def filled(n_rows: int, capacity: int, n_envs: int, seed: int = 0) -> tuple[Replay, list[Any]]:
    """A replay after so many rows, and all rows as a list."""
    rng = np.random.default_rng(seed)
    replay = empty_replay(BOX, (), np.int64, capacity, n_envs, np.float64)
    rows = [row_of(k, n_envs, rng, 0.3) for k in range(n_rows)]
    for row in rows:
        replay = with_row(replay, row)
    return replay, rows


@pytest.mark.parametrize(("n_rows", "capacity"), [(0, 4), (3, 4), (4, 4), (5, 4), (11, 4), (3, 1)])
def test_the_ring_holds_the_newest_rows(n_rows: int, capacity: int) -> None:
    """Row k lies at k modulo the capacity, over the oldest one."""
    replay, rows = filled(n_rows, capacity, 2)
    assert min(n_rows, capacity) == n_stored(replay)
    for k in range(max(0, n_rows - capacity), n_rows):
        for name, value in rows[k].items():
            np.testing.assert_array_equal(getattr(replay, name)[k % capacity], value)


def returns_by_loop(
    rows: list[Any], first: int, copy: int, gamma: float, n_steps: int
) -> tuple[float, float, float]:
    """Reward, discount and last observation of n steps from a row on."""
    reward, k = 0.0, first
    for step in range(n_steps):
        reward += gamma**step * rows[k]["reward"][copy]
        discount = gamma ** (step + 1)
        if rows[k]["ended"][copy] or k == len(rows) - 1:
            break
        if step < n_steps - 1:
            k += 1
    over = rows[k]["terminated"][copy]
    return reward, 0.0 if over else discount, rows[k]["next_observation"][copy, 0]


@pytest.mark.parametrize("n_steps", [1, 2, 3, 7])
@pytest.mark.parametrize(("n_rows", "capacity"), [(5, 8), (8, 8), (13, 8), (40, 8)])
def test_returns_of_several_steps(n_rows: int, capacity: int, n_steps: int) -> None:
    """They stop at the end of an episode and at the newest row, also where the ring wraps."""
    replay, rows = filled(n_rows, capacity, 3, seed=n_steps)
    stored = range(max(0, n_rows - capacity), n_rows)
    numbers = np.array([k % capacity * 3 + copy for k in stored for copy in range(3)])
    batch = at(replay, numbers, 0.9, n_steps)
    expected = [returns_by_loop(rows, k, copy, 0.9, n_steps) for k in stored for copy in range(3)]
    reward, discount, last = np.array(expected).T
    np.testing.assert_allclose(batch.reward, reward, **NEAR)
    np.testing.assert_allclose(batch.discount, discount, **NEAR)
    np.testing.assert_array_equal(batch.next_observation[:, 0], last)
    first = [100.0 * k + copy for k in stored for copy in range(3)]
    np.testing.assert_array_equal(batch.observation[:, 0], first)
    np.testing.assert_array_equal(batch.action, [k + c for k in stored for c in range(3)])
    np.testing.assert_array_equal(batch.weight, np.ones(len(numbers)))


def test_returns_end_where_an_episode_was_left() -> None:
    """After `cut_off` the newest row ends its episode, and the next row is of another one."""
    replay = empty_replay(BOX, (), np.int64, 4, 1, np.float64)
    going_on = {
        "observation": np.zeros((1, 1)), "action": np.zeros(1, np.int64), "reward": np.ones(1),
        "terminated": np.array([False]), "ended": np.array([False]),
    }  # fmt: skip
    for number in range(6):
        replay = with_row(replay, {**going_on, "next_observation": np.full((1, 1), 1.0 * number)})
        if number == 3:
            replay = cut_off(replay)
    batch = at(replay, np.array([2, 3, 0, 1]), 0.5, 3)  # rows 2, 3, 4, 5
    np.testing.assert_array_equal(batch.reward, [1.5, 1.0, 1.5, 1.0])
    np.testing.assert_array_equal(batch.discount, [0.25, 0.5, 0.25, 0.5])
    np.testing.assert_array_equal(batch.next_observation[:, 0], [3.0, 3.0, 5.0, 5.0])


def test_ignored_actions_weigh_nothing() -> None:
    """The weight of a transition that is not valid is 0, that of another one is kept."""
    replay = empty_replay(BOX, (), np.int64, 2, 2, np.float64, may_ignore_actions=True)
    row = row_of(0, 2, np.random.default_rng(0), 0.0)
    replay = with_row(replay, {**row, "valid": np.array([True, False])})
    batch = transitions_at(replay, np.array([0, 1]), 0.9)
    np.testing.assert_array_equal(batch.weight, [1.0, 0.0])
    batch = transitions_at(replay, np.array([0, 1]), 0.9, weight=np.array([0.25, 0.5]))
    np.testing.assert_array_equal(batch.weight, [0.25, 0.0])


@pytest.mark.parametrize(("n_rows", "capacity"), [(3, 8), (8, 8), (20, 8)])
def test_all_stored_transitions_are_equally_likely(n_rows: int, capacity: int) -> None:
    """Chi-square over the rows that were written, and none beside them."""
    replay, _ = filled(n_rows, capacity, 2)
    count = min(n_rows, capacity) * 2
    drawn = uniform_indices(replay, random.key(5), 20_000)
    times = np.bincount(drawn, minlength=count)
    assert count == len(times)
    expected = 20_000 / count
    assert np.sum((times - expected) ** 2 / expected) < count + 4 * np.sqrt(2 * count)


def test_trees_of_observations() -> None:
    """Dict observations of several dtypes, with several entries each."""
    spec = DictSpec(("a", "b"), (BoxSpec((2, 2), "uint8", 0.0, 255.0), DiscreteSpec(5)))
    replay = empty_replay(spec, (1,), np.float64, 3, 2, np.float64)
    seen = {"a": np.arange(8, dtype=np.uint8).reshape(2, 2, 2), "b": np.array([3, 4])}
    replay = with_row(
        replay,
        {
            "observation": seen, "next_observation": seen, "action": np.array([[0.5], [0.25]]),
            "reward": np.ones(2), "terminated": np.zeros(2, bool), "ended": np.zeros(2, bool),
        },
    )  # fmt: skip
    batch = transitions_at(replay, np.array([1]), 0.9)
    np.testing.assert_array_equal(batch.observation["a"], [[[4, 5], [6, 7]]])
    assert np.uint8 == batch.observation["a"].dtype
    np.testing.assert_array_equal(batch.observation["b"], [4])
    np.testing.assert_array_equal(batch.action, [[0.25]])
