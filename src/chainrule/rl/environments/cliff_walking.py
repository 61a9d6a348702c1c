"""CliffWalking: the shortest way to the goal goes along a cliff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from .tabular import N_ACTIONS, UP_RIGHT_DOWN_LEFT, GridWorld, Transitions

_ROWS = ("............", "............", "............", "SCCCCCCCCCCG")


@dataclass(frozen=True)
class CliffWalking(GridWorld):
    """Walk from the start S along the cliff C to the goal G.

    Gymnasium's CliffWalking-v1. The actions 0 to 3 go up, right, down and left; where it is
    slippery, a step goes across instead two times of three. A step costs 1; one off the cliff costs
    100 and leads back to the start. The observation is the number of the cell, row by row.

    Parameters
    ----------
    is_slippery : bool
        Default False.
    max_episode_steps : int or None
        Default None, no limit.
    dtype : float32 or float64
        Of rewards. Default float32.

    References
    ----------
    R. S. Sutton, A. G. Barto: "Reinforcement learning" (2018), example 6.6.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = CliffWalking()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([0, 1]), random.split(random.key(1), 2))
    >>> observation.tolist(), reward.tolist()
    ([24, 36], [-1.0, -100.0])
    """

    is_slippery: bool = False
    max_episode_steps: int | None = None
    dtype: DTypeLike = np.float32

    @property
    def moves(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns that each action moves by."""
        return UP_RIGHT_DOWN_LEFT

    @property
    def rows(self) -> tuple[str, ...]:
        """The map, 4 x 12."""
        return _ROWS

    def transitions(self) -> Transitions:
        """Return the table that steps are drawn from.

        Returns
        -------
        Transitions
            Of shape (48, 4, 1), or (48, 4, 3) where it is slippery.

        Examples
        --------
        >>> table = CliffWalking().transitions()
        >>> int(table.next_state[36, 1, 0]), float(table.reward[36, 1, 0])
        (36, -100.0)
        """
        letters = self.letters()
        offsets = np.array([-1, 0, 1]) if self.is_slippery else np.zeros(1, np.int64)
        action = np.arange(N_ACTIONS)[:, None]
        entered = self.entered_cells(self.moves)[:, (action + offsets) % N_ACTIONS]
        falls = letters[entered] == "C"
        return Transitions(
            np.full(entered.shape, 1.0 / len(offsets)),
            np.where(falls, np.flatnonzero(letters == "S")[0], entered),
            np.where(falls, -100.0, -1.0),
            letters[entered] == "G",
        )
