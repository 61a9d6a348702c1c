"""MiniBreakout: a ball, a paddle and three rows of bricks on a grid of 10 x 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ... import random
from ...lazy import LazyModule
from ...typing import Array
from .drawing import Canvas
from .protocol import Environment, Step

spaces = LazyModule("gymnasium.spaces", extra="rl")

SIZE = 10
FIRST_BRICKS, N_BRICK_ROWS = 1, 3  # the rows 1, 2 and 3 from above
N_BRICKS = N_BRICK_ROWS * SIZE
N_PLANES = 4  # paddle, ball, trail, bricks
_BOTTOM = SIZE - 1
_ALL = 2**N_BRICKS - 1

_CELL = 32  # pixels
_BLACK = (0, 0, 0)
_COLORS = ((86, 156, 214), (240, 240, 240), (110, 110, 110), (204, 120, 77))


class MiniBreakoutState(NamedTuple):
    """Rows from above and columns from the left: of the ball, where it goes, and where it was; the
    paddle's column; the bricks, a bit each, row by row; whether the last step hit one; the last
    action; the steps so far. All are int32 but for `strike`, which is bool."""

    row: Any
    column: Any
    row_speed: Any
    column_speed: Any
    last_row: Any
    last_column: Any
    paddle: Any
    bricks: Any
    strike: Any
    last_action: Any
    steps: Any


@dataclass(frozen=True)
class MiniBreakout(Environment[MiniBreakoutState]):
    """Keep a ball in play with a paddle; each brick that it breaks pays 1.

    The game of MinAtar: the ball moves one cell diagonally in each step, and is reflected by the
    walls, the bricks and the paddle. When all bricks are broken, three new rows come. An episode is
    over when the paddle misses. The actions 0, 1, 2 hold the paddle, move it left, move it right.
    The observation is four planes of zeros and ones, floats of shape (10, 10, 4): the paddle, the
    ball, where the ball was, the bricks.

    Parameters
    ----------
    sticky_action_prob : float
        The probability that a step repeats the last action instead. Default 0.1.
    max_episode_steps : int or None
        Default 1000.
    dtype : float32 or float64
        Of observations and rewards. Default float32.

    References
    ----------
    K. Young, T. Tian: "MinAtar: an Atari-inspired testbed for thorough and reproducible
    reinforcement learning experiments", arXiv:1903.03176 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = MiniBreakout()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([1, 2]), random.split(random.key(1), 2))
    >>> observation.shape, state.row.tolist(), reward.tolist()
    ((2, 10, 10, 4), [4, 4], [0.0, 0.0])
    """

    sticky_action_prob: float = 0.1
    max_episode_steps: int | None = 1000
    dtype: DTypeLike = np.float32

    render_fps: ClassVar[int] = 15

    def __post_init__(self) -> None:
        self.check_settings()
        if not 0.0 <= self.sticky_action_prob <= 1.0:
            raise ValueError(
                f"MiniBreakout: sticky_action_prob={self.sticky_action_prob}: give 0 to 1"
            )

    @property
    def observation_space(self) -> Any:
        """Four planes of zeros and ones."""
        return spaces.Box(0.0, 1.0, (SIZE, SIZE, 4), dtype=self.dtype)

    @property
    def action_space(self) -> Any:
        """Hold, left, right."""
        return spaces.Discrete(3)

    def reset(self, key: Any) -> tuple[MiniBreakoutState, Any]:
        """The ball starts on the left or on the right, below the bricks, and flies down."""
        right = random.randint(key, (), 0, 2, np.int32)
        zero = np.zeros_like(right)
        row, column = zero + 3, right * _BOTTOM
        state = MiniBreakoutState(
            row, column, zero + 1, 1 - 2 * right, row, column, zero + 4, zero + _ALL, zero < 0,
            zero, zero,
        )  # fmt: skip
        return state, self._observe(state)

    def step(self, state: MiniBreakoutState, action: Any, key: Any) -> Step[MiniBreakoutState]:
        """The paddle moves, then the ball: walls, bricks and the paddle reflect it."""
        action = action.astype(np.int32)
        if self.sticky_action_prob > 0:
            sticks = random.bernoulli(key, self.sticky_action_prob, ())
            action = np.where(sticks, state.last_action, action)
        shift = (action == 2).astype(np.int32) - (action == 1).astype(np.int32)
        paddle = np.clip(state.paddle + shift, 0, _BOTTOM)
        row, column = state.row + state.row_speed, state.column + state.column_speed
        at_side = (column < 0) | (column > _BOTTOM)
        column = np.clip(column, 0, _BOTTOM)
        at_top = row < 0
        row = np.maximum(row, 0)
        bit = (row - FIRST_BRICKS) * SIZE + column
        brick = np.left_shift(1, np.clip(bit, 0, N_BRICKS - 1))
        at_brick = ~at_top & (bit >= 0) & (bit < N_BRICKS) & ((state.bricks & brick) != 0)
        breaks = at_brick & ~state.strike  # not two in a row: the ball is on its way back
        at_bottom = ~at_top & (row == _BOTTOM)
        caught = at_bottom & (state.column == paddle)
        edge = at_bottom & ~caught & (column == paddle)
        terminated = at_bottom & ~caught & ~edge
        cleared = at_bottom & (state.bricks == 0)
        bricks = np.where(breaks, state.bricks & ~brick, np.where(cleared, _ALL, state.bricks))
        back = breaks | caught | edge
        state = MiniBreakoutState(
            np.where(back, state.row, row), column,
            np.where(back | at_top, -state.row_speed, state.row_speed),
            np.where(at_side ^ edge, -state.column_speed, state.column_speed),
            state.row, state.column, paddle, bricks, at_brick, action,
            state.steps + 1,
        )  # fmt: skip
        reward = breaks.astype(self.dtype)
        return state, self._observe(state), reward, terminated, self.out_of_time(state.steps)

    def _observe(self, state: MiniBreakoutState) -> Any:
        """All planes in one pass over their 400 entries, each of which knows its bit and number."""
        cells = _is_entry(SIZE * state.row + state.column, 1)
        cells = cells | _is_entry(SIZE * state.last_row + state.last_column, 2)
        cells = cells | _is_entry(SIZE * _BOTTOM + state.paddle, 0)
        bricks = (np.right_shift(state.bricks[:, None], _BIT) & _HAS_BIT) != 0
        return (cells | bricks).astype(self.dtype).reshape(-1, SIZE, SIZE, N_PLANES)

    def render(self, state_row: MiniBreakoutState) -> Array:
        """The cells in colours, 320 x 320."""
        canvas = Canvas(_CELL * SIZE, _CELL * SIZE, 0.0, float(SIZE), 0.0, _BLACK)
        row, column = int(state_row.row), int(state_row.column)
        wall = (int(state_row.bricks) >> np.arange(N_BRICKS) & 1).reshape(N_BRICK_ROWS, SIZE)
        cells = [(int(r) + FIRST_BRICKS, int(c), 3) for r, c in np.argwhere(wall)]
        cells += [(int(state_row.last_row), int(state_row.last_column), 2)]
        cells += [(_BOTTOM, int(state_row.paddle), 0), (row, column, 1)]  # the ball covers a brick
        for r, c, plane in cells:
            low = (c + 0.03, _BOTTOM - r + 0.03)
            canvas.rectangle(low, (low[0] + 0.94, low[1] + 0.94), _COLORS[plane])
        return canvas.pixels()


def _is_entry(cell: Any, plane: int) -> Any:
    """Which entry of the observation, of all in a row, is that of a cell in a plane."""
    return (N_PLANES * cell + plane)[:, None] == _ENTRY


_ENTRY = np.arange(SIZE * SIZE * N_PLANES, dtype=np.int32)
_BIT = _ENTRY // N_PLANES - FIRST_BRICKS * SIZE
_HAS_BIT = ((_ENTRY % N_PLANES == 3) & (_BIT >= 0) & (_BIT < N_BRICKS)).astype(np.int32)
_BIT = np.clip(_BIT, 0, N_BRICKS - 1)
