"""Advantages and returns against loops, over rollouts whose episodes end anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rl.buffers.rollout import Rollout, empty_rollout, generalized_advantages
from chainrule.rl.spaces import BoxSpec, DiscreteSpec, MultiBinarySpec

NEAR = {"rtol": 1e-12, "atol": 1e-12}


def drawn(seed: int, steps: int, copies: int, p_end: float) -> tuple[Rollout, Any]:
    """A rollout of random rewards, values and ends, and the values after it."""
    rng = np.random.default_rng(seed)
    value, reward = rng.normal(size=(2, steps, copies))
    ended = rng.random((steps, copies)) < p_end
    rollout = Rollout(None, None, None, value, reward, ended, None)
    return rollout, rng.normal(size=copies)


def by_loop(rollout: Rollout, last_value: Any, gamma: float, decay: float) -> Any:
    """The sum of discounted errors, term by term, up to the end of each episode."""
    steps, copies = rollout.reward.shape
    values = np.concatenate([rollout.value, last_value[None]])
    advantages = np.zeros((steps, copies))
    for copy in range(copies):
        for t in range(steps):
            for later in range(t, steps):
                over = rollout.ended[later, copy]
                following = 0.0 if over else values[later + 1, copy]
                error = rollout.reward[later, copy] + gamma * following - values[later, copy]
                advantages[t, copy] += (gamma * decay) ** (later - t) * error
                if over:
                    break
    return advantages


@pytest.mark.parametrize(
    ("seed", "steps", "copies", "p_end", "gamma", "decay"),
    [
        (0, 12, 3, 0.3, 0.99, 0.95), (1, 1, 1, 0.0, 0.9, 0.5), (2, 1, 4, 1.0, 0.9, 0.5),
        (3, 30, 2, 0.1, 0.97, 1.0), (4, 9, 5, 0.5, 0.9, 0.0), (5, 7, 2, 0.3, 0.0, 0.9),
        (6, 8, 2, 1.0, 1.0, 1.0),
    ],
)  # fmt: skip
def test_advantages_equal_the_sums_of_errors(
    seed: int, steps: int, copies: int, p_end: float, gamma: float, decay: float
) -> None:
    """Episodes end anywhere, in several copies; lambda 0 and 1, and no discount, too."""
    rollout, last_value = drawn(seed, steps, copies, p_end)
    advantages, returns = generalized_advantages(rollout, last_value, gamma, decay)
    expected = by_loop(rollout, last_value, gamma, decay)
    np.testing.assert_allclose(advantages, expected, **NEAR)
    np.testing.assert_allclose(returns, expected + rollout.value, **NEAR)


def test_whole_returns_with_lambda_1() -> None:
    """Advantage plus value is then the discounted sum of rewards, whatever the values are."""
    ended = np.array([[False], [False], [True], [False]])
    reward = np.array([[1.0], [2.0], [4.0], [8.0]])
    rollout = Rollout(None, None, None, np.full((4, 1), 7.0), reward, ended, None)
    _, returns = generalized_advantages(rollout, np.array([100.0]), 0.5, 1.0)
    np.testing.assert_allclose(returns[:, 0], [1 + 1 + 1, 2 + 2, 4, 8 + 50], **NEAR)


def test_a_rollout_has_room_for_actions_of_the_policy() -> None:
    """Numbers of actions are int64, those of a Box the network's floats, whatever the space is."""
    box = BoxSpec((2,), "float32", -1.0, 1.0)
    for action, shape, dtype in [
        (DiscreteSpec(3), (5, 4), np.int64), (MultiBinarySpec((2,)), (5, 4, 2), np.int64),
        (box, (5, 4, 2), np.float64),
    ]:  # fmt: skip
        rollout = empty_rollout(box, action, 5, 4, np.float64)
        assert (shape, dtype) == (rollout.action.shape, rollout.action.dtype)
        assert (5, 4, 2) == rollout.observation.shape
        assert rollout.valid is None
    rollout = empty_rollout(box, DiscreteSpec(3), 5, 4, np.float64, may_ignore_actions=True)
    assert (5, 4) == rollout.valid.shape
