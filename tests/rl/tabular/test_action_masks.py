"""Observations that say which actions are possible: the others are never taken, and never count."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule import rl
from chainrule.errors import UnsupportedError

END, GAMMA = 5, 0.9


class Corridor(gymnasium.Env):
    """Cells 0 to 5; left, right and a jump. The last cell pays 1 and ends; impossible moves 100."""

    observation_space = spaces.Dict(
        {"action_mask": spaces.MultiBinary(3), "cell": spaces.Discrete(END + 1)}
    )
    action_space = spaces.Discrete(3)

    def observation(self):
        mask = [0 < self.cell < END, self.cell < END, False]  # none at all at the end
        return {"action_mask": np.array(mask, np.int8), "cell": self.cell}

    def reset(self, *, seed=None, options=None):
        self.cell = self.n_steps = 0
        return self.observation(), {}

    def step(self, action):
        is_wrong = action == 2 or (action == 0 and self.cell == 0)
        self.cell = min(max(self.cell + (-1 if action == 0 else 1), 0), END)
        self.n_steps += 1
        reward = 100.0 if is_wrong else float(self.cell == END)
        return self.observation(), reward, self.cell == END, self.n_steps == 50, {}


POSSIBLE = np.array([[p > 0, True, False] for p in range(END)])


def fixed_point(eps):
    """The table of the policy that explores with a rate among possible actions, by iteration."""
    table = np.zeros((END + 1, 3))
    for _ in range(500):
        for cell in range(END):
            for action in np.flatnonzero(POSSIBLE[cell]):
                following = cell + (1 if action else -1)
                value = 0.0
                if following < END:
                    values = table[following][POSSIBLE[following]]
                    value = (1 - eps) * values.max() + eps * values.mean()
                table[cell, action] = float(following == END) + GAMMA * value
    return table


@pytest.mark.parametrize(
    ("cls", "settings", "eps"),
    [(rl.QLearning, {}, 0.0), (rl.SARSA, {"expected": True}, 0.5)],
)
def test_values_are_those_of_possible_actions(cls, settings, eps):
    """Others keep their hopeful first value, which no target takes and nobody acts by."""
    model = cls(Corridor(), seed=0, gamma=GAMMA, learning_rate=1.0, initial_q=3.0,
                exploration_initial_eps=0.5, exploration_final_eps=0.5, **settings)  # fmt: skip
    model.learn(8_000)
    assert (END + 1, 3) == model.q_table.shape  # the mask is no part of the state
    table = fixed_point(eps)[:END]
    np.testing.assert_allclose(table[POSSIBLE], model.q_table[:END][POSSIBLE], rtol=0, atol=1e-9)
    assert {3.0} == {*model.q_table[:END][~POSSIBLE].tolist()}
    assert 0 == model.visits[:END][~POSSIBLE].sum()
    assert model.visits[:END][POSSIBLE].min() > 0
    assert 1.0 == rl.evaluate_policy(model)[0]


def test_sarsa_plans_possible_actions():
    model = rl.SARSA(Corridor(), seed=0, initial_q=3.0, exploration_final_eps=1.0)
    steps = model.explain(n_steps=200).steps
    assert all(POSSIBLE[int(step.state), step.action] for step in steps)
    assert {"0", "1", "2", "3", "4"} == {step.state for step in steps}
    assert max(step.target for step in steps) <= 3.0


def test_predictions():
    """A cell without a way to the left has one action, also to explore."""
    model = rl.QLearning(Corridor(), seed=0, initial_q=3.0, exploration_final_eps=1.0)
    observation = {"action_mask": np.tile([0, 1, 0], (200, 1)), "cell": np.zeros(200)}
    assert {1} == {*model.predict(observation, deterministic=True)[0].tolist()}
    assert {1} == {*model.predict(observation)[0].tolist()}
    both = {"action_mask": np.tile([1, 1, 0], (200, 1)), "cell": np.ones(200)}
    counts = np.bincount(model.predict(both)[0], minlength=3)
    assert abs(counts[0] - 100) < 30
    assert 0 == counts[2]
    with pytest.raises(UnsupportedError, match="depends on the action_mask: use predict"):
        _ = model.policy


def test_taxi_with_masks_of_gymnasium():
    """500 states as without masks; what its info rules out is never tried."""
    name = max(name for name in gymnasium.registry if name.startswith("Taxi-"))
    model = rl.QLearning(rl.ActionMasking(gymnasium.make(name)), seed=0).learn(1_000)
    assert (500, 6) == model.q_table.shape
    environment = gymnasium.make(name).unwrapped
    possible = np.array([environment.action_mask(state) for state in range(500)], bool)
    assert 0 == model.visits[~possible].sum()
    assert 1_000 == model.visits.sum()


def test_a_mask_of_another_length_is_refused():
    class Wrong(Corridor):
        action_space = spaces.Discrete(2)

    with pytest.raises(UnsupportedError, match="one entry for each action"):
        rl.QLearning(Wrong())
