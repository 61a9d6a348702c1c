"""Steps of learning as tables."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rl
from chainrule.rl.environments import Blackjack, FrozenLake

WALK = FrozenLake(desc=("SG",), is_slippery=False, dtype=np.float64)


def trained(cls=rl.QLearning, env=WALK, **settings):
    return cls(env, seed=0, gamma=0.5, learning_rate=0.25, **settings).learn(200)


def test_the_text():
    """The formula, and for each step its numbers; the end is marked and has no next value."""
    model = rl.QLearning(WALK, seed=0, gamma=0.5, learning_rate=0.25, initial_q=2.0,
                         exploration_initial_eps=1, exploration_final_eps=1)  # fmt: skip
    explanation = model.explain(n_steps=12)
    text = str(explanation)
    assert text.splitlines()[:4] == [
        "target = reward + 0.5 * max Q(s', .): the best that can be done next, by what the table "
        "knows so far.",
        "Where an episode ends, nothing follows, and the target is the reward.",
        "error = target - Q(s, a), and the table's entry moves by a part of it, rate:",
        "new Q(s, a) = old Q(s, a) + rate * error",
    ]
    rows = [line.split() for line in text.splitlines()[7:]]
    assert 12 == len(rows) == len(explanation.steps)
    (k,) = [k for k, step in enumerate(explanation.steps) if step.terminated][:1]
    assert rows[k] == [str(k + 1), "0", "2", "explores", "1", "1", "end", "1", "2", "-1", "0.25",
                       "1.75"]  # fmt: skip
    (j,) = [j for j, step in enumerate(explanation.steps) if not step.terminated][:1]
    assert rows[j][4:] == ["0", "0", "2", "1", "2", "-1", "0.25", "1.75"]


def test_numbers_agree_with_each_other():
    """Of a trained table: each row is its formula."""
    model = trained(env=FrozenLake(dtype=np.float64), n_envs=2)
    before = model.q_table
    steps = model.explain(n_steps=50).steps
    assert [(1, 0), (1, 1), (2, 0)] == [(step.number, step.copy) for step in steps[:3]]
    for step in steps:
        assert step.target == step.reward + 0.5 * step.next_value
        assert step.error == step.target - step.old
        assert step.new == pytest.approx(step.old + 0.25 * step.error, abs=1e-15)
        assert step.next_value == 0.0 or not step.terminated
    assert steps[0].old == before[int(steps[0].state), steps[0].action]
    np.testing.assert_array_equal(before, model.q_table)  # explaining changes nothing
    assert 200 == model.num_timesteps


@pytest.mark.parametrize(
    ("cls", "settings", "header"),
    [
        (rl.QLearning, {}, "max Q(s', .)"),
        (rl.SARSA, {}, "Q(s', a')"),
        (rl.SARSA, {"expected": True}, "E Q(s', .)"),
    ],
)
def test_each_algorithm_names_its_next_value(cls, settings, header):
    explanation = trained(cls, **settings).explain(1)
    text = str(explanation)
    assert f"reward + 0.5 * {header}:" in text
    head = text.splitlines()[5]
    columns = ["step", "s", "a", "reward", "s'", header, "target", "old Q(s, a)", "error", "rate",
               "new Q(s, a)"]  # fmt: skip
    assert columns == [column.strip() for column in head.split("  ") if column.strip()]


def test_rates_by_visits_are_named():
    model = rl.QLearning(WALK, seed=0, learning_rate="visits_0.75")
    explanation = model.explain(3)
    assert "by a part of it, (1 + visits)^-0.75:" in str(explanation)
    assert 1.0 == explanation.steps[0].learning_rate


def test_states_of_several_numbers_and_copies():
    """Blackjack's three numbers; with copies there is a column for them."""
    explanation = trained(env=Blackjack(dtype=np.float64), n_envs=2).explain(2)
    assert 4 == len(explanation.steps)
    assert all(step.state.startswith("(") and 2 == step.state.count(",")
               for step in explanation.steps)  # fmt: skip
    assert "copy" == str(explanation).splitlines()[5].split()[1]


def test_notebooks_and_terminals(capsys):
    """The same cells in HTML, escaped, and in colours."""
    explanation = trained().explain(2)
    html = explanation._repr_html_()
    assert 2 + 1 == html.count("<tr>")
    assert "max Q(s&#x27;, .)" in html
    assert 11 == html.count("<th ")
    assert f">{explanation.steps[0].new:.4g}</td>" in html
    explanation.show()
    printed = capsys.readouterr().out
    assert "new Q(s, a) = old Q(s, a) + rate * error" in " ".join(printed.split())
