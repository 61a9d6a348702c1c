"""Values of grids in text."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from chainrule import rl
from chainrule.errors import ShapeError, UnsupportedError
from chainrule.rl.environments import CliffWalking, FrozenLake

WAY = """\
0.95↓ 0.96→ 0.97↓ 0.96←
0.96↓   H   0.98↓   H
0.97→ 0.98↓ 0.99↓   H
  H   0.99→ 1.00→   G"""


def test_arrows_lead_to_the_goal():
    """0.99 ** 5 from the start; the first of equal actions is shown."""
    environment = FrozenLake(is_slippery=False)
    _, q_table, _ = rl.value_iteration(environment)
    assert WAY == rl.render_values(environment, q_table)
    peer = gymnasium.make("FrozenLake-v1", is_slippery=False)
    assert WAY == rl.render_values(peer, q_table)
    custom = gymnasium.make("FrozenLake-v1", desc=["SF", "HG"], is_slippery=False)
    _, q_table, _ = rl.value_iteration(custom)
    assert "0.99→ 1.00↓\n  H     G" == rl.render_values(custom, q_table)


def test_the_numbers_of_actions_are_those_of_the_environment():
    """CliffWalking counts from up, clockwise, and has a cliff."""
    q_table = np.full((48, 4), -20.0)
    q_table[np.arange(4), np.arange(4)] = -3.25
    first, *_, last = rl.render_values(CliffWalking(), q_table).splitlines()
    assert first.startswith(" -3.25↑  -3.25→  -3.25↓  -3.25← -20.00↑")
    assert last == "-20.00↑" + "    C   " * 10 + "    G"
    assert last == rl.render_values(gymnasium.make("CliffWalking-v1"), q_table).splitlines()[-1]


def test_refusals():
    with pytest.raises(UnsupportedError, match="'Taxi-v3' is no grid"):
        rl.render_values("Taxi-v3", np.zeros((500, 6)))
    with pytest.raises(ShapeError, match=r"\(4, 16\), and the grid has 16 cells and 4 actions"):
        rl.render_values("FrozenLake-v1", np.zeros((4, 16)))
