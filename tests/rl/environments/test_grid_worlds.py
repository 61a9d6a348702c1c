"""Walks on grids: whole tables against Gymnasium's, and steps against the tables."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium_peer import assert_same_spaces
from scipy import stats

import chainrule as cr
from chainrule import random
from chainrule.rl.environments import CliffWalking, FrozenLake, GridState

USER_MAP = ("SFFHF", "FHFFS", "FFFFG")
CASES = [
    (FrozenLake(), "FrozenLake-v1", {}),
    (FrozenLake(is_slippery=False), "FrozenLake-v1", {"is_slippery": False}),
    (FrozenLake(map_name="8x8", max_episode_steps=200), "FrozenLake8x8-v1", {}),
    (FrozenLake(success_rate=0.8, reward_schedule=(10, -2, -0.1)), "FrozenLake-v1",
     {"success_rate": 0.8, "reward_schedule": (10, -2, -0.1)}),
    (FrozenLake(desc=USER_MAP), "FrozenLake-v1", {"desc": list(USER_MAP)}),
    (CliffWalking(), "CliffWalking-v1", {}),
    (CliffWalking(is_slippery=True), "CliffWalking-v1", {"is_slippery": True}),
]  # fmt: skip


def outcomes(pairs):
    """Gymnasium's list or our arrays as a dict: the probability of each (state, reward, end)."""
    total = {}
    for probability, *outcome in pairs:
        if probability > 0:
            key = (int(outcome[0]), round(float(outcome[1]), 12), bool(outcome[2]))
            total[key] = total.get(key, 0.0) + probability
    return total


@pytest.mark.parametrize(("environment", "name", "settings"), CASES)
def test_the_whole_table_is_that_of_gymnasium(environment, name, settings):
    peer = gymnasium.make(name, **settings).unwrapped
    table = environment.transitions()
    assert (len(peer.P), 4) == table.probability.shape[:2]
    np.testing.assert_allclose(table.probability.sum(axis=2), 1.0, rtol=1e-15)
    for cell, actions in peer.P.items():
        for action, expected in actions.items():
            ours = outcomes(zip(*(field[cell, action] for field in table), strict=True))
            assert outcomes(expected).keys() == ours.keys()
            np.testing.assert_allclose(
                [ours[key] for key in outcomes(expected)], list(outcomes(expected).values()),
                rtol=1e-15,
            )  # fmt: skip


@pytest.mark.parametrize(("environment", "name", "settings"), CASES)
def test_steps_follow_the_table(environment, name, settings):
    """Each action in each cell, 400 times: as frequent as the table says (chi-square in all)."""
    table = environment.transitions()
    n_cells, n_actions, n_outcomes = table.probability.shape
    cell, action = (x.repeat(400) for x in np.divmod(np.arange(n_cells * 4), n_actions))
    state = GridState(cell, np.zeros(len(cell), np.int32))
    keys = random.split(random.key(0), len(cell))
    step = cr.jit(environment.step)
    after, observation, reward, terminated, _ = step(state, action, keys)
    np.testing.assert_array_equal(after.cell, observation)
    assert np.int64 == observation.dtype
    counts = {}
    for row in zip(
        cell, action, after.cell, reward.astype(float).round(5), terminated, strict=True
    ):
        row = tuple(x.item() for x in row)
        counts[row] = counts.get(row, 0) + 1
    statistic, degrees = 0.0, 0
    for s in range(n_cells):
        for a in range(n_actions):
            expected = {}
            for k in range(n_outcomes):
                if table.probability[s, a, k] > 0:
                    key = (s, a, table.next_state[s, a, k].item(),
                           round(float(np.float32(table.reward[s, a, k])), 5),
                           table.terminated[s, a, k].item())  # fmt: skip
                    expected[key] = expected.get(key, 0.0) + 400 * table.probability[s, a, k]
            found = {key: n for key, n in counts.items() if key[:2] == (s, a)}
            assert found.keys() <= expected.keys()
            statistic += sum((found.get(key, 0) - e) ** 2 / e for key, e in expected.items())
            degrees += len(expected) - 1
    if degrees:
        assert 1e-3 < stats.chi2(degrees).sf(statistic) < 1 - 1e-6
    else:
        assert 0.0 == statistic


def test_spaces_are_those_of_gymnasium():
    assert_same_spaces(FrozenLake(), "FrozenLake-v1")
    assert_same_spaces(FrozenLake(map_name="8x8", max_episode_steps=200), "FrozenLake8x8-v1")
    assert_same_spaces(CliffWalking(), "CliffWalking-v1")


def test_starts():
    """At S; where there are several, at each as often."""
    keys = random.split(random.key(1), 1000)
    assert {0} == set(FrozenLake().reset(keys)[1].tolist())
    assert {36} == set(CliffWalking().reset(keys)[1].tolist())
    cells, counts = np.unique(FrozenLake(desc=USER_MAP).reset(keys)[1], return_counts=True)
    assert [0, 9] == cells.tolist()
    assert abs(counts[0] - 500) < 3 * np.sqrt(250)


def test_value_iteration():
    """By the table, the start of the lake is worth what Gymnasium says: 0.74 in 100 steps."""
    table = FrozenLake().transitions()
    value = np.zeros(16)
    for _ in range(100):
        later = np.where(table.terminated, 0.0, value[table.next_state])
        value = np.sum(table.probability * (table.reward + later), axis=2).max(axis=1)
    np.testing.assert_allclose(0.74, value[0], atol=0.005)


def test_the_shortest_way_along_the_cliff():
    """Up, 11 times right and down: 13 steps, -13, and a success."""
    environment = CliffWalking()
    state, _ = environment.reset(random.split(random.key(0), 1))
    total = 0.0
    for k, action in enumerate([0, *[1] * 11, 2]):
        assert not environment.success(state)[0]
        state, _, reward, terminated, _ = environment.step(
            state, np.array([action]), random.split(random.key(k), 1)
        )
        total += reward[0]
        assert (action == 2) == terminated[0]
    assert (-13.0, [True]) == (total, environment.success(state).tolist())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map_name": "5x5"}, "map_name='5x5': give 4x4 or 8x8"),
        ({"desc": ("SFG", "F")}, "give rows of one length"),
        ({"desc": ()}, "give rows of one length"),
        ({"desc": ("", "")}, "give rows of one length"),
        ({"desc": ("FFG",)}, "and a start S"),
        ({"desc": ("SXG",)}, "letters of SFHG"),
        ({"success_rate": 1.5}, "success_rate=1.5: give 0 to 1"),
        ({"reward_schedule": (1, 0)}, "give three"),
    ],
)
def test_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FrozenLake(**settings)


def test_pictures():
    """The agent's cell has its disc; the text has brackets around it."""
    environment = FrozenLake(desc=list(USER_MAP))
    picture = environment.render(GridState(np.int64(9), 0))
    assert ((144, 240, 3), np.uint8) == (picture.shape, picture.dtype)
    disc = np.argwhere((picture == (204, 77, 77)).all(axis=2))
    np.testing.assert_allclose([72, 216], disc.mean(axis=0), atol=1)
    text = environment.render_text(GridState(np.int64(9), 0))
    assert " S  F  F  H  F\n F  H  F  F [S]\n F  F  F  F  G\n" == text
