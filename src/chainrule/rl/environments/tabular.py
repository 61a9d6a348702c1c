"""Environments of few states, whose steps are drawn from a table that is known."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import random
from ...lazy import LazyModule
from ...typing import Array
from .drawing import Canvas, Color
from .protocol import Environment, Step

spaces = LazyModule("gymnasium.spaces", extra="rl")

N_ACTIONS = 4
# Rows and columns that an action moves by: left, down, right, up
LEFT_DOWN_RIGHT_UP = ((0, -1), (1, 0), (0, 1), (-1, 0))
UP_RIGHT_DOWN_LEFT = ((-1, 0), (0, 1), (1, 0), (0, -1))

_CELL = 48  # pixels
_LINE, _AGENT = (180, 180, 180), (204, 77, 77)


class Transitions(NamedTuple):
    """Each outcome of each action in each state; an array of shape (states, actions, outcomes).

    Attributes
    ----------
    probability : float64
        They add up to 1 over the outcomes.
    next_state : int64
    reward : float64
    terminated : bool
    """

    probability: Array
    next_state: Array
    reward: Array
    terminated: Array


class GridState(NamedTuple):
    """The number of the cell, row by row from the upper left, and the steps so far."""

    cell: Any
    steps: Any


class GridWorld(Environment[GridState]):
    """The base class of walks on a grid, that the table of `transitions` defines.

    A subclass says which `rows` of letters there are, and what `moves` and `transitions` are.
    """

    @property
    def rows(self) -> tuple[str, ...]:
        """The map: a letter a cell."""
        raise NotImplementedError

    @property
    def moves(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns that each action moves by."""
        raise NotImplementedError

    def transitions(self) -> Transitions:
        """Return the table that steps are drawn from.

        Returns
        -------
        Transitions
        """
        raise NotImplementedError

    @property
    def observation_space(self) -> Any:
        """The number of the cell."""
        return spaces.Discrete(len("".join(self.rows)))

    @property
    def action_space(self) -> Any:
        """The four directions."""
        return spaces.Discrete(N_ACTIONS)

    def reset(self, key: Any) -> tuple[GridState, Any]:
        """Start at one of the cells "S", each as likely."""
        starts = np.flatnonzero(self.letters() == "S").astype(np.int64)
        cell = random.choice(key, starts)
        state = GridState(cell, np.zeros(cell.shape, np.int32))
        return state, state.cell

    def step(self, state: GridState, action: Any, key: Any) -> Step[GridState]:
        """Draw one of the outcomes of the action."""
        table = self.transitions()
        n_outcomes = table.probability.shape[2]
        pair = state.cell * N_ACTIONS + action
        entry = pair * n_outcomes
        if n_outcomes > 1:
            bounds = np.cumsum(table.probability, axis=2)[:, :, :-1].reshape(-1, n_outcomes - 1)
            unit = random.uniform(key, (), np.float64)
            for k in range(n_outcomes - 1):
                entry = entry + (unit >= _look_up(bounds[:, k], pair))
        cell = _look_up(table.next_state.ravel(), entry)
        reward = _look_up(table.reward.ravel().astype(self.dtype), entry)
        terminated = _look_up(table.terminated.ravel(), entry)
        state = GridState(cell, state.steps + 1)
        return state, state.cell, reward, terminated, self.out_of_time(state.steps)

    def success(self, state: GridState) -> Any:
        """Whether the cell is a goal, "G"."""
        return _look_up(self.letters() == "G", state.cell)

    def letters(self) -> Array:
        """Return the map as one array of characters, row by row."""
        return np.array(list("".join(self.rows)))

    def entered_cells(self, moves: tuple[tuple[int, int], ...]) -> Array:
        """The cell that each move leads to from each: int64[cells, moves]; the edges stop it."""
        height, width = len(self.rows), len(self.rows[0])
        row, column = np.divmod(np.arange(height * width)[:, None], width)
        rows, columns = np.array(moves).T
        new_row = np.clip(row + rows, 0, height - 1)
        return new_row * width + np.clip(column + columns, 0, width - 1)

    def render(self, state_row: GridState) -> Array:
        """The cells in colours, and a disc for the agent."""
        height, width = len(self.rows), len(self.rows[0])
        canvas = Canvas(_CELL * width, _CELL * height, left=0.0, right=width, bottom=0.0)
        for cell, letter in enumerate("".join(self.rows)):
            row, column = divmod(cell, width)
            low = (float(column), float(height - 1 - row))
            canvas.rectangle(low, (low[0] + 1.0, low[1] + 1.0), _LINE)
            canvas.rectangle((low[0] + 0.04, low[1] + 0.04), (low[0] + 0.96, low[1] + 0.96),
                             _COLORS[letter])  # fmt: skip
            canvas.text((low[0] + 0.5, low[1] + 0.5), letter)
        row, column = divmod(int(state_row.cell), width)
        canvas.circle((column + 0.5, height - 0.5 - row), 0.3, _AGENT)
        return canvas.pixels()

    def render_text(self, state_row: GridState) -> str:
        """The letters, a line a row, with brackets around the agent's cell."""
        width, cell = len(self.rows[0]), int(state_row.cell)
        marks = [f"[{letter}]" if k == cell else f" {letter} "
                 for k, letter in enumerate("".join(self.rows))]  # fmt: skip
        lines = ["".join(marks[k : k + width]) for k in range(0, len(marks), width)]
        return "\n".join(line.rstrip() for line in lines) + "\n"


_COLORS: dict[str, Color] = {
    "S": (200, 230, 200), "F": (225, 240, 255), "H": (70, 90, 120), "G": (250, 220, 120),
    ".": (225, 240, 225), "C": (110, 80, 60),
}  # fmt: skip


def _look_up(table: Any, index: Any) -> Any:
    """Entries of a known table by an index that may be traced."""
    return np.take(np.asarray(table, like=index), index, axis=0)
