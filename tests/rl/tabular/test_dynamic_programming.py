"""Value iteration and policy evaluation, against linear equations and sums written here."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from chainrule import rl
from chainrule.errors import ShapeError, UnsupportedError
from chainrule.rl.environments import CliffWalking, FrozenLake, Transitions
from chainrule.rl.tabular import transition_table

ENVIRONMENTS = [
    FrozenLake(),
    FrozenLake(is_slippery=False),
    FrozenLake(map_name="8x8"),
    FrozenLake(map_name="8x8", is_slippery=False),
    CliffWalking(),
    CliffWalking(is_slippery=True),
]
TAXI = max(name for name in gymnasium.registry if name.startswith("Taxi-"))


def solved(table, policy, gamma):
    """The values of a policy as a dense linear system, made entry by entry."""
    n_states, _, n_outcomes = table.probability.shape
    matrix, right = np.eye(n_states), np.zeros(n_states)
    for s in range(n_states):
        for k in range(n_outcomes):
            entry = s, policy[s], k
            right[s] += table.probability[entry] * table.reward[entry]
            if not table.terminated[entry]:
                matrix[s, table.next_state[entry]] -= gamma * table.probability[entry]
    return np.linalg.solve(matrix, right)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=repr)
@pytest.mark.parametrize("gamma", [0.9, 0.99])
def test_values_solve_the_equations_of_the_greedy_policy(environment, gamma):
    """To the asked 1e-10; and no action is better than the policy's."""
    values, q_table, policy = rl.value_iteration(environment, gamma)
    expected = solved(environment.transitions(), policy, gamma)
    np.testing.assert_allclose(expected, values, rtol=0, atol=2e-10)
    np.testing.assert_array_equal(values, q_table.max(axis=1))
    np.testing.assert_array_equal(policy, q_table.argmax(axis=1))
    np.testing.assert_allclose(rl.policy_evaluation(environment, policy, gamma), expected,
                               rtol=0, atol=1e-12)  # fmt: skip


def test_known_values():
    """The shortest way along the cliff has 13 steps; over the ice 6, of which the last pays 1."""
    assert -13.0 == rl.value_iteration(CliffWalking(), gamma=1.0)[0][36]
    assert -(1 - 0.9**13) / 0.1 == pytest.approx(rl.value_iteration("CliffWalking-v1", 0.9)[0][36])
    ice = FrozenLake(is_slippery=False)
    assert 0.99**5 == pytest.approx(rl.value_iteration(ice)[0][0], abs=1e-12)
    assert 0.823529 == pytest.approx(rl.value_iteration(FrozenLake(), gamma=1.0)[0][0], abs=1e-6)


def test_a_looser_tolerance_is_kept():
    exact = rl.value_iteration(FrozenLake())[0]
    loose = rl.value_iteration(FrozenLake(), tol=1e-3)[0]
    assert 1e-6 < np.abs(loose - exact).max() < 1e-3


@pytest.mark.parametrize("name", [TAXI, "FrozenLake-v1", "CliffWalking-v1"])
def test_tables_of_gymnasium(name):
    """Its lists ``P``, of several lengths, are the same transitions."""
    environment = gymnasium.make(name)
    values, _, policy = rl.value_iteration(name if name == TAXI else environment)
    listed = environment.unwrapped.P
    again = [
        max(
            sum(p * (r + (0.0 if end else 0.99 * values[s2])) for p, s2, r, end in listed[s][a])
            for a in listed[s]
        )
        for s in range(len(listed))
    ]
    np.testing.assert_allclose(again, values, rtol=0, atol=1e-9)
    if name != TAXI:
        np.testing.assert_allclose(rl.value_iteration(name)[0], values, rtol=0, atol=1e-9)
        np.testing.assert_allclose(1.0, transition_table(environment).probability.sum(axis=2))
    assert policy.shape == (len(listed),)


def test_a_policy_of_probabilities():
    """Bellman's equation written as a sum over actions and outcomes, iterated."""
    environment, gamma = FrozenLake(), 0.95
    table = environment.transitions()
    policy = np.random.default_rng(0).dirichlet(np.ones(4), 16)
    values = np.zeros(16)
    for _ in range(1000):
        outcome = table.reward + gamma * np.where(table.terminated, 0, values[table.next_state])
        values = np.einsum("sa,sak,sak->s", policy, table.probability, outcome)
    np.testing.assert_allclose(values, rl.policy_evaluation(environment, policy, gamma), atol=1e-13)


def test_transitions_of_ones_own():
    """Two states: stay for 1, or leave; with a discount of 1/2, staying is worth 2."""
    table = Transitions(
        np.ones((2, 2, 1)), np.array([[[0], [1]], [[1], [1]]]),
        np.array([[[1.0], [0.5]], [[0.0], [0.0]]]), np.array([[[False], [True]], [[True], [True]]]),
    )  # fmt: skip
    values, q_table, policy = rl.value_iteration(table, gamma=0.5)
    np.testing.assert_allclose([2.0, 0.0], values, atol=1e-10)
    np.testing.assert_allclose([[2.0, 0.5], [0.0, 0.0]], q_table, atol=1e-10)
    assert [0, 0] == policy.tolist()
    assert [0.5, 0.0] == rl.policy_evaluation(table, np.array([1, 0]), 0.5).tolist()


def test_refusals():
    with pytest.raises(UnsupportedError, match="no table of transitions: define transitions"):
        rl.value_iteration("CartPole-v1")
    with pytest.raises(ValueError, match=r"gamma=1.5: give a number from 0 to 1"):
        rl.value_iteration("FrozenLake-v1", gamma=1.5)
    with pytest.raises(ValueError, match="tol=0: give a number above 0"):
        rl.value_iteration("FrozenLake-v1", tol=0)
    with pytest.raises(ValueError, match="episodes from there never end"):
        rl.policy_evaluation(CliffWalking(), np.zeros(48, np.int64), gamma=1.0)
    with pytest.raises(ValueError, match="actions of a policy are 0 to 3"):
        rl.policy_evaluation(FrozenLake(), np.full(16, 4))
    with pytest.raises(ValueError, match="add up to 1"):
        rl.policy_evaluation(FrozenLake(), np.full((16, 4), 0.3))
    with pytest.raises(ShapeError, match=r"float64 and shape \(16,\): give integers \(16,\)"):
        rl.policy_evaluation(FrozenLake(), np.zeros(16))
