"""Observations as rows of a table."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule import jit
from chainrule.errors import UnsupportedError
from chainrule.rl.spaces import action_spec_of, spec_of
from chainrule.rl.tabular.states import check_tabular, n_states, state_label, state_numbers

SPACES = [
    spaces.Discrete(7),
    spaces.Discrete(7, start=-3),
    spaces.MultiDiscrete([3, 4, 2], start=[1, 0, -1]),
    spaces.MultiBinary(4),
    spaces.MultiBinary((2, 2)),
    spaces.Tuple([spaces.Discrete(3), spaces.Discrete(5, start=2), spaces.MultiBinary(2)]),
    spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Discrete(4)}),
]


def stacked(space, elements):
    if isinstance(space, spaces.Tuple):
        return tuple(map(np.array, zip(*elements, strict=True)))
    if isinstance(space, spaces.Dict):
        return {name: np.array([e[name] for e in elements]) for name in space.spaces}
    return np.array(elements)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_each_observation_has_a_row(space):
    """All samples that differ have different rows, all below the count, compiled or not."""
    spec = spec_of(space)
    space.seed(0)
    elements = [space.sample() for _ in range(500)]
    rows = state_numbers(spec, stacked(space, elements))
    assert len({str(e) for e in elements}) == len(set(rows.tolist())) == n_states(spec)
    assert range(n_states(spec)) == range(rows.min(), rows.max() + 1)
    compiled = jit(lambda x: state_numbers(spec, x))(stacked(space, elements))
    np.testing.assert_array_equal(rows, compiled)


def test_numbers_count_like_ravel_multi_index():
    spec = spec_of(gymnasium.make("Blackjack-v1").observation_space)
    hand = (np.array([14, 20]), np.array([10, 1]), np.array([0, 1]))
    expected = np.ravel_multi_index(hand, (32, 11, 2))
    np.testing.assert_array_equal(expected, state_numbers(spec, hand))
    assert "(14, 10, 0)" == state_label(spec, int(expected[0]))
    assert "-1" == state_label(spec_of(SPACES[1]), 2)
    assert "(2, 3, 0)" == state_label(spec_of(SPACES[2]), 1 * 8 + 3 * 2 + 1)


def test_what_is_outside_has_no_row():
    """Not the row of another observation, as the sum of products alone would give."""
    spec = spec_of(spaces.MultiDiscrete([3, 4]))
    outside = np.array([[0, 4], [1, -1], [3, 0], [2, 3]])
    assert [12, 12, 12, 11] == state_numbers(spec, outside).tolist()


def test_refusals():
    discrete = action_spec_of(spaces.Discrete(2))
    with pytest.raises(UnsupportedError, match=r"a Box of shape \(4,\), float32: take DQN"):
        check_tabular(spec_of(spaces.Box(0, 1, (4,))), discrete)
    with pytest.raises(UnsupportedError, match="a Box of shape"):
        check_tabular(spec_of(spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1)])), discrete)
    with pytest.raises(UnsupportedError, match="1,099,511,627,776 states and 2 actions"):
        check_tabular(spec_of(spaces.MultiBinary(40)), discrete)
    with pytest.raises(UnsupportedError, match="some Discrete actions, and these are Multi"):
        check_tabular(spec_of(SPACES[0]), action_spec_of(spaces.MultiDiscrete([2, 2])))
