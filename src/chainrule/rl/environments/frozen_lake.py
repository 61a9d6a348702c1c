"""FrozenLake: cross a lake without falling into a hole, on ice that may be slippery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from .tabular import LEFT_DOWN_RIGHT_UP, N_ACTIONS, GridWorld, Transitions

MAPS = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": ("SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF",
            "FFFHFFFG"),
}  # fmt: skip
_THRESHOLDS = {"4x4": 0.70, "8x8": 0.85}


@dataclass(frozen=True)
class FrozenLake(GridWorld):
    """Walk over a frozen lake from the start S to the goal G, not into the holes H.

    Gymnasium's FrozenLake-v1. The actions 0 to 3 go left, down, right and up; on slippery ice a
    step goes across instead with probability ``1 - success_rate``. The goal pays 1 and ends the
    episode, as a hole does. The observation is the number of the cell, row by row.

    Parameters
    ----------
    desc : sequence of str, optional
        A map of the letters S, F, H, G, a row each. Default: that of `map_name`.
    map_name : str
        ``"4x4"`` or ``"8x8"``. Default "4x4".
    is_slippery : bool
        Default True.
    success_rate : float
        The probability of going where the action says, on slippery ice. Default 1/3.
    reward_schedule : three numbers
        What the goal, a hole and ice pay. Default (1, 0, 0).
    max_episode_steps : int or None
        Default 100.
    dtype : float32 or float64
        Of rewards. Default float32.

    Raises
    ------
    ValueError
        If there is no such map, or it has rows of several lengths, other letters or no start; or if
        the success rate is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> from chainrule.rl.environments import state_at
    >>> environment = FrozenLake(is_slippery=False)
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([1, 2]), random.split(random.key(1), 2))
    >>> observation.tolist(), terminated.tolist()
    ([4, 1], [False, False])
    >>> print(environment.render_text(state_at(state, 1)))
     S [F] F  F
     F  H  F  H
     F  F  F  H
     H  F  F  G
    """

    desc: tuple[str, ...] | None = None
    map_name: str = "4x4"
    is_slippery: bool = True
    success_rate: float = 1.0 / 3.0
    reward_schedule: tuple[float, float, float] = (1, 0, 0)
    max_episode_steps: int | None = 100
    dtype: DTypeLike = np.float32

    def __post_init__(self) -> None:
        self.check_settings()
        if self.desc is None and self.map_name not in MAPS:
            raise ValueError(f"FrozenLake: map_name={self.map_name!r}: give {' or '.join(MAPS)}")
        if self.desc is not None:  # as a tuple, so that it is hashed
            object.__setattr__(self, "desc", tuple(self.desc))
            if len({len(row) for row in self.desc}) != 1 or not self.desc[0]:
                raise ValueError(f"FrozenLake: desc={self.desc!r:.60}: give rows of one length")
            if set("".join(self.desc)) - set("SFHG") or "S" not in "".join(self.desc):
                raise ValueError(
                    f"FrozenLake: desc={self.desc!r:.60}: give letters of SFHG, and a start S"
                )
        object.__setattr__(self, "reward_schedule", tuple(self.reward_schedule))
        if len(self.reward_schedule) != 3:
            raise ValueError(f"FrozenLake: reward_schedule={self.reward_schedule}: give three")
        if not 0.0 <= self.success_rate <= 1.0:
            raise ValueError(f"FrozenLake: success_rate={self.success_rate}: give 0 to 1")

    @property
    def reward_threshold(self) -> float | None:
        """0.7 for the map of 4 x 4, 0.85 for that of 8 x 8, slippery as they are by default."""
        usual = self.desc is None and self.is_slippery and self.success_rate == 1.0 / 3.0
        return _THRESHOLDS[self.map_name] if usual else None

    @property
    def moves(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns that each action moves by."""
        return LEFT_DOWN_RIGHT_UP

    @property
    def rows(self) -> tuple[str, ...]:
        """The map."""
        return MAPS[self.map_name] if self.desc is None else self.desc

    def transitions(self) -> Transitions:
        """Return the table that steps are drawn from.

        Returns
        -------
        Transitions
            Of shape (cells, 4, 3), or (cells, 4, 1) without slipping. From a hole or the goal
            nothing moves, pays or ends otherwise.

        Examples
        --------
        >>> table = FrozenLake().transitions()
        >>> table.next_state[0, 2].tolist(), table.probability[0, 2].round(3).tolist()
        ([4, 1, 0], [0.333, 0.333, 0.333])
        """
        letters = self.letters()
        entered = self.entered_cells(self.moves)
        action = np.arange(N_ACTIONS)[:, None]
        offsets = np.array([-1, 0, 1]) if self.is_slippery else np.zeros(1, np.int64)
        next_state = entered[:, (action + offsets) % N_ACTIONS]
        across = (1.0 - self.success_rate) / 2.0
        rates = [across, self.success_rate, across] if self.is_slippery else [1.0]
        over = np.isin(letters, ["G", "H"])
        shape = next_state.shape
        still = over[:, None, None]
        next_state = np.where(still, np.arange(len(letters))[:, None, None], next_state)
        first = np.arange(shape[2]) == 0
        pays = np.select([letters == "G", letters == "H"], self.reward_schedule[:2],
                         self.reward_schedule[2]).astype(np.float64)  # fmt: skip
        return Transitions(
            np.where(still, first.astype(np.float64), np.broadcast_to(rates, shape)),
            next_state,
            np.where(still, 0.0, pays[next_state]),
            np.where(still, True, over[next_state]),
        )
