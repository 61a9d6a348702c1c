"""Grids in text: the value of each cell, and an arrow for its best action."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError, at_user_line
from ..environments import CliffWalking, FrozenLake, GridWorld, make_environment
from ..environments.registry import ENVIRONMENTS

_ARROWS = {(0, -1): "←", (1, 0): "↓", (0, 1): "→", (-1, 0): "↑"}
_NO_DECISION = "GHC"  # an episode ends there, or goes on elsewhere


def render_values(env: Any, q_table: Any) -> str:
    """Draw a grid in text: the value of each cell, and an arrow for its best action.

    Cells that nobody acts from (goals, holes, the cliff) show their letter.

    Parameters
    ----------
    env : str, GridWorld, or gymnasium.Env
        A FrozenLake or a CliffWalking, of Gymnasium or of `chainrule.rl`, or its name.
    q_table : floats of shape (n_states, n_actions)
        A model's ``q_table``, or what `value_iteration` returns.

    Returns
    -------
    str
        A line for each row of the grid.

    Raises
    ------
    UnsupportedError
        If the environment is no grid.
    ShapeError
        If the table is not that of the grid.

    Examples
    --------
    >>> from chainrule import rl
    >>> _, q_table, _ = rl.value_iteration("FrozenLake-v1")
    >>> print(rl.render_values("FrozenLake-v1", q_table))
    0.54← 0.50↑ 0.47↑ 0.46↑
    0.56←   H   0.36←   H
    0.59↑ 0.64↓ 0.62←   H
      H   0.74→ 0.86↓   G
    """
    grid = _grid_of(env)
    letters = "".join(grid.rows)
    width = len(grid.rows[0])
    table = np.asarray(q_table)
    if table.shape != (len(letters), len(grid.moves)):
        raise ShapeError(
            at_user_line(
                f"q_table is of shape {table.shape}, and the grid has {len(letters)} cells and "
                f"{len(grid.moves)} actions"
            )
        )
    arrows = [_ARROWS[move] for move in grid.moves]
    cells = [
        letter if letter in _NO_DECISION else f"{np.max(row):.2f}{arrows[int(np.argmax(row))]}"
        for letter, row in zip(letters, table, strict=True)
    ]
    size = max(map(len, cells))
    padded = [cell.center(size) if len(cell) == 1 else cell.rjust(size) for cell in cells]
    lines = [" ".join(padded[k : k + width]) for k in range(0, len(padded), width)]
    return "\n".join(line.rstrip() for line in lines)


def _grid_of(env: Any) -> GridWorld:
    if isinstance(env, str) and env in ENVIRONMENTS:
        env = make_environment(env)
    if isinstance(env, GridWorld):
        return env
    name = str(getattr(getattr(env, "spec", None), "id", ""))
    if name.startswith("FrozenLake"):
        letters = env.unwrapped.desc.astype(str)
        return FrozenLake(desc=tuple("".join(row) for row in letters))
    if name.startswith("CliffWalking"):
        return CliffWalking()
    raise UnsupportedError(
        at_user_line(
            f"{env!r:.60} is no grid: there are pictures of values for FrozenLake and CliffWalking"
        )
    )
